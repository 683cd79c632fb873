"""A notebook away from its repository: on Colab it fetches it, elsewhere it says what to do; and its one address."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

from nbclient import NotebookClient
import nbformat
import pytest

from study import notebooks
from study.settings import ROOT

STUB = "import sys, types; sys.modules['google.colab'] = types.ModuleType('google.colab')\n"


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """Address of a clone of the files as they are now, as a repository that Colab could fetch."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("helpers", "study", "data", "results"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*", "live"))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder)]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    return f"file://{folder}"


def first_cell(folder, address="", colab=False):
    """Run a first cell twice in a folder, and then import helpers; return what the process did."""
    source = notebooks.FIRST_CELL.format(address=address)
    code = f"{STUB if colab else ''}{source}\n{source}\nimport helpers.losses\nprint(helpers.losses.__file__)"
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env=outside, capture_output=True, text=True)


def test_on_colab_the_repository_is_fetched_once(tmp_path, repository):
    done = first_cell(tmp_path, repository, colab=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "course" / "helpers" / "losses.py")


@pytest.mark.parametrize(("colab", "stamped"), [(True, False), (False, True), (False, False)])
def test_elsewhere_one_sentence_says_what_to_do(tmp_path, repository, colab, stamped):
    done = first_cell(tmp_path, repository if stamped else "", colab)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and last.startswith("ModuleNotFoundError: This notebook needs the folder 'helpers'")
    assert "upload the whole folder, or write its address into ADDRESS" in last
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "notebooks", "study", None])
def test_inside_the_repository_it_is_found_from_any_folder_and_nothing_beside_it_shadows(tmp_path, below):
    (tmp_path / "repository").mkdir()
    (tmp_path / "secrets.py").write_text("raise SystemExit('shadowed')")
    for name in ("helpers", "study", "data"):
        (tmp_path / "repository" / name).symlink_to(ROOT / name)
    root = tmp_path / "repository" if below is None else ROOT
    done = first_cell(root / (below or ""))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(root / "helpers" / "losses.py")


def pictures(book):
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    return [output for output in outputs if "image/png" in output.get("data", {})]


@pytest.mark.slow
def test_a_notebook_copied_alone_runs_on_colab_once_it_has_its_address(tmp_path, repository):
    book = nbformat.read(notebooks.find(["00"])[0], as_version=4)
    first = next(cell for cell in book.cells if cell.cell_type == "code")
    first.source = STUB + notebooks.FIRST_CELL.format(address=repository)
    NotebookClient(book, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert pictures(book)


def test_one_address_is_written_into_project_cells_and_badges_and_a_wrong_one_named(tmp_path):
    project = tmp_path / "pyproject.toml"
    shutil.copytree(notebooks.FOLDER, tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
    shutil.copy(ROOT / "pyproject.toml", project)
    repository = "A-b/c.d_e"
    for written in ("someone/moments", repository):
        notebooks.stamp(written, tmp_path)
    link = f"https://github.com/{repository}"
    assert tomllib.loads(project.read_text())["project"]["urls"] == {"Repository": link}
    for path in (tmp_path / "notebooks").glob("*.ipynb"):
        book = nbformat.read(path, as_version=4)
        code = [cell for cell in book.cells if cell.cell_type == "code"]
        assert code[0].source == notebooks.FIRST_CELL.format(address=link)
        assert re.findall(r"github/(\S+?)\)", book.cells[0].source) == [f"{repository}/blob/main/notebooks/{path.name}"]
        assert book.cells[0].source.startswith("# ")
    before = project.read_bytes()
    for wrong in ("", "name", "https://github.com/a/b", "a/b/c", 'a/b"'):
        with pytest.raises(ValueError, match="Address: expected owner/name, found"):
            notebooks.stamp(wrong, tmp_path)
    assert project.read_bytes() == before
