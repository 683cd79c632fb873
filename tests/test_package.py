"""The package as a whole: what it says where TensorFlow is missing, its silence, and which way imports point."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = {path.stem: path for path in (ROOT / "helpers").glob("*.py") if path.stem != "__init__"}
ROOMS = (
    {"data", "machine", "convolutions"},
    {"fused"},
    {"models", "losses", "classifier"},
    {"penalties"},
    {"gan", "fleet"},
    {"metrics", "records", "speed", "graph_session", "statistics"},
    {"journal"},
    {"experiment"},
    {"campaign", "fleet_runs", "evidence", "gradients"},
    {"study", "plots"},
    {"figures", "notebooks", "bench", "fleet_bench"},
)
RANK = {module: rank for rank, room in enumerate(ROOMS) for module in room}


def python(code, **environment):
    """Run code in a fresh interpreter at the top of the repository."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("package", ["tensorflow", "keras"])
def test_a_missing_package_is_named_with_the_remedy(package):
    # Hidden from every finder, as if it were not installed.
    hide = f"""
import sys
for finder in sys.meta_path:
    if hasattr(finder, "find_spec"):
        real = finder.find_spec
        finder.find_spec = lambda name, *rest, real=real: None if name == "{package}" else real(name, *rest)
import helpers.study
"""
    found = python(hide)
    assert found.returncode == 1
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: The helpers need the package '{package}', which this Python does not have.")
    assert "Mend it with: pip install -r requirements.txt" in last
    assert "make run" in last


def test_importing_says_nothing_and_leaves_stderr_open():
    found = python("import helpers.study, os; os.write(2, b'still heard')")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "still heard")


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has this setting")
def test_kept_memory_is_not_fetched_anew():
    """Page faults of a block that was freed just before, in a process of its own."""
    code = """
import resource
import numpy as np
from helpers.machine import keep_freed_memory
if {keep}: assert keep_freed_memory()
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(50_000_000, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(min(faults() for _ in range(5)))
"""
    kept, returned = (python(code.replace("{keep}", str(keep))) for keep in (True, False))
    assert int(kept.stdout) < 0.1 * int(returned.stdout), (kept, returned)


def imports_of(path):
    """The modules of `helpers` that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = ("helpers." if node.level else "") + (node.module or "")
            names = [module, *(f"{module.rstrip('.')}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (
            name.split(".")[1] for name in names if name.startswith("helpers.") and name.split(".")[1] in MODULES
        )


def test_every_module_has_its_place():
    assert set(MODULES) == set(RANK)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module):
    upwards = {name for name in imports_of(MODULES[module]) if RANK[name] >= RANK[module]}
    assert not upwards


def test_the_import_reader_sees_every_form(tmp_path):
    path = tmp_path / "module.py"
    forms = {
        "import helpers.study": {"study"},
        "import helpers.study as s, os": {"study"},
        "from helpers import data, plots": {"data", "plots"},
        "from helpers.gan import GAN": {"gan"},
        "from .gan import GAN": {"gan"},
        "from . import metrics": {"metrics"},
        "def f():\n    from helpers import records": {"records"},
        "import keras": set(),
    }
    for source, expected in forms.items():
        path.write_text(source)
        assert set(imports_of(path)) == expected, source


def test_metrics_and_models_never_see_a_loss():
    # The design's promise about rooms: a judge of images that knows no loss.
    for module in ("metrics", "models", "classifier", "records"):
        assert "losses" not in set(imports_of(MODULES[module]))
