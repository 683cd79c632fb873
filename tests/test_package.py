"""The packages as a whole: which way imports point, their sizes, and what importing them says and needs."""

import ast
import graphlib
import json
import os
from pathlib import Path
import re
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("helpers", "helpers/checks", "study")
MODULES = {f"{room.replace('/', '.')}.{path.stem}": path for room in ROOMS for path in ROOT.glob(f"{room}/*.py")}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
UNTYPED = {"axis", "seeds", "settings"}  # of Matplotlib, of `random`, and handed on


def imports_of(module, tree):
    """The modules of both packages that one imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(filter(None, [module.split(".")[0] if node.level else "", node.module]))
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found & MODULES.keys()


GRAPH = {module: imports_of(module, tree) for module, tree in TREES.items()}
FORMS = {
    "import helpers.data as d, os": {"helpers.data"},
    "from helpers import data, plots": {"helpers.data", "helpers.plots"},
    "from helpers.gan import GAN": {"helpers.gan"},
    "from .gan import GAN": {"helpers.gan"},
    "from . import metrics": {"helpers.metrics"},
    "def f():\n    from study import records": {"study.records"},
    "import keras": set(),
}


def test_imports_point_one_way_run_in_no_circle_and_lead_no_judge_to_a_loss():
    assert {form: imports_of("helpers.plots", ast.parse(form)) for form in FORMS} == FORMS  # every form is seen
    taught = {module: names for module, names in GRAPH.items() if module.startswith("helpers")}
    assert not {name for names in taught.values() for name in names} - taught.keys()
    graphlib.TopologicalSorter(GRAPH).prepare()  # raises CycleError, which names the circle
    # The design's promise about rooms: a judge of images that knows no loss, not even through others.
    for module in ("helpers.metrics", "helpers.models", "helpers.classifier", "study.records"):
        seen = {module}
        for _ in GRAPH:
            seen |= {name for known in seen for name in GRAPH[known]}
        assert "helpers.losses" not in seen, module


def test_modules_and_classes_are_short_and_what_is_taught_is_described():
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert max(lengths.values()) <= 400
    taught = [name for name in lengths if name.startswith("helpers.") and not name.startswith("helpers.checks.")]
    assert len(taught) <= 9 and sum(lengths[name] for name in taught) <= 1_400
    for module, tree in TREES.items():
        assert ast.get_docstring(tree), module
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            assert node.end_lineno - node.lineno + 1 <= 150, (module, node.name)
        for node in tree.body if module.startswith("helpers") else []:
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name.startswith("_"):
                continue
            assert ast.get_docstring(node), (module, node.name)
            named = [arg for arg in ast.walk(getattr(node, "args", node)) if isinstance(arg, ast.arg)]
            if isinstance(node, ast.FunctionDef):
                assert not {arg.arg for arg in named if not arg.annotation} - UNTYPED, (module, node.name)


def python(code, path=ROOT, closed="", **environment):
    """Run code in a fresh interpreter at the top of the repository, with some of its streams closed."""
    environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{ROOT}", **environment}
    command = ["sh", "-c", f'exec "$0" "$@" {closed}', sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def test_the_command_line_needs_no_numbers():
    found = python("import sys, study.__main__, study.catalogue; print(*sys.modules)").stdout.split()
    assert {"study.settings", "study.schema", "study.experiment"} <= set(found)
    assert not {"numpy", "pandas", "tensorflow", "keras", "helpers"} & set(found)


NEEDED = "The helpers need the package '{}', which this Python does not have. Mend it .*-r requirements.txt.*make run"
REFUSED = [
    ("sys.modules['tensorflow'] = None", "tensorflow", NEEDED.format("tensorflow")),  # as if it were not installed
    ("sys.modules['keras'] = None", "", NEEDED.format("keras")),
    ("", "jax", "found 'jax' in the environment variable KERAS_BACKEND. Mend it"),
]


@pytest.mark.parametrize(("before", "backend", "message"), REFUSED)
def test_what_cannot_work_is_one_error_with_its_remedy(before, backend, message):
    found = python(f"import sys\n{before}\nimport helpers", KERAS_BACKEND=backend)
    assert found.returncode == 1 and found.stderr.count("Traceback") == 1
    assert re.search(f"^ImportError: .*{message}", found.stderr.splitlines()[-1])


TALKS = "import os\ndef say(words):\n    try:\n        os.write(2, words)\n    except OSError:\n        pass\n"
ENDS = [("", 7, "still heard"), ("raise ValueError", 1, "from C++\nTraceback"), ("os.abort()", -6, "from C++\n")]


@pytest.mark.parametrize(("end", "code", "shown"), ENDS)
@pytest.mark.parametrize("closed", ["", "<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_tensorflow_writes_to_stderr_is_shown_if_its_import_ends_badly(tmp_path, closed, end, code, shown):
    (tmp_path / "tensorflow.py").write_text(f"{TALKS}say(b'from C++\\n')\n{end}")
    found = python("import helpers, os, tensorflow\ntensorflow.say(b'still heard')\nos._exit(7)", tmp_path, closed)
    assert (found.returncode, found.stdout) == (code, "")
    assert found.stderr.startswith(shown if "2>" not in closed else "")
    assert end or "from" not in found.stderr


NUMBERS = """
import hashlib, json, os, random
import helpers
import keras, numpy as np, tensorflow as tf
from helpers import data, gan, models
def numbers():
    seeds = random.Random(0)
    generator, discriminator = models.build_generator(seeds=seeds), models.build_discriminator(seeds)
    discriminator.get_layer("dropout").seed_generator.state.assign(data.dropout_state(0, 0))
    made = gan.GAN(generator, discriminator, 0.1)
    made.compile(gan.build_optimizer(0.01), gan.build_optimizer(0.01))
    noise = tf.constant(data.draw_latents(4, 0))
    arrays = [*generator.get_weights(), *discriminator.get_weights(), generator(noise), discriminator(generator(noise))]
    arrays += [made(noise), *made.train_step((tf.zeros((4, 28, 28, 1)), noise)).values()]
    arrays = [np.asarray(array) for array in arrays]
    assert {array.dtype.name for array in arrays} == {"float32"} and made(noise).shape == (4, 28, 28, 1)
    assert all(np.isfinite(array).all() for array in arrays)
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in arrays]
found = [numbers()]
keras.config.set_dtype_policy("mixed_float16")
found += [numbers()]
os.write(2, b"still heard")
print(json.dumps([keras.config.image_data_format(), keras.config.floatx(), found]))
"""


def test_settings_of_keras_change_nothing_and_tensorflow_is_quiet(tmp_path):
    """A reader's keras.json and his policy: the same bits as without, from the weights to a step's losses."""
    settings = {"backend": "jax", "image_data_format": "channels_first", "floatx": "float64", "epsilon": 1e-7}
    found = []
    for written in (settings, {}):
        (tmp_path / "keras.json").write_text(json.dumps(written))
        done = python(NUMBERS, KERAS_HOME=str(tmp_path), KERAS_BACKEND="")
        assert (done.returncode, done.stderr) == (0, "still heard")
        *formats, hashes = json.loads(done.stdout)
        assert formats == [written.get("image_data_format", "channels_last"), written.get("floatx", "float32")]
        found += hashes
    assert found == [found[-1]] * 4
