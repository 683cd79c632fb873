"""The editions that make builds: the students' lacks the tagged cells and nothing else, the teacher's lacks nothing."""

from pathlib import Path
import shutil
import subprocess
import sys

import nbformat
import pytest

from study import notebooks
from study.settings import ROOT

PROGRAMS = ["make", "-o", ".venv/ready", f"BIN={Path(sys.executable).parent}"]  # of this environment
TAKEN = {"solution", "check"}

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="without make; editions are made with it")


def make(target, folder):
    line = [*PROGRAMS, f"{target.upper()}={folder}", target]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def editions(tmp_path_factory):
    """Both editions: a dict from a target to its folder."""
    folders = {target: tmp_path_factory.mktemp("editions") / target for target in ("student", "teacher")}
    for target, folder in folders.items():
        done = make(target, folder)
        assert (done.returncode, done.stderr) == (0, "")
    return folders


def books(folder):
    return {path.name: nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))}


def tags(cell):
    return {*cell.metadata.get("tags", [])}


def test_the_students_edition_lacks_solutions_and_checks_and_nothing_else(editions):
    found, all_ = books(editions["student"]), books(notebooks.FOLDER)
    assert found.keys() == all_.keys()
    for name, book in all_.items():
        kept = [cell for cell in book.cells if not tags(cell) & TAKEN]
        assert found[name].cells == kept and len(kept) < len(book.cells), name
        stubs = [cell for cell in kept if "exercise" in tags(cell)]
        assert len(stubs) == sum("solution" in tags(cell) for cell in book.cells), name
        assert all(cell.outputs[0].text.startswith("not attempted") for cell in stubs), name


def test_the_teachers_edition_has_every_cell_unfolded(editions):
    for name, book in books(editions["teacher"]).items():
        original = nbformat.read(notebooks.FOLDER / name, as_version=4)
        assert [(c.source, c.get("outputs")) for c in book.cells] == [
            (c.source, c.get("outputs")) for c in original.cells
        ]
        assert [tags(cell) for cell in book.cells] == [tags(cell) for cell in original.cells]
        assert book.metadata == original.metadata
        assert not any(cell.metadata.keys() & {"jupyter", "cellView"} for cell in book.cells), name


def test_an_edition_that_is_there_is_kept_and_named(editions):
    page = editions["student"] / "00_start_here.ipynb"
    before = page.read_bytes()
    page.write_bytes(b"work of a student")
    done = make("student", editions["student"])
    assert done.returncode and f"{editions['student']}: expected no such folder" in done.stdout
    assert page.read_bytes() == b"work of a student"
    page.write_bytes(before)
