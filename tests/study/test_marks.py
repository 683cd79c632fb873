"""Marks: what the checks said in notebooks that were run, and nothing else."""

from nbclient import NotebookClient
import nbformat
import pytest

from study import __main__ as command
from study import marks, settings

CODE = nbformat.v4.new_code_cell
ANSWERS = {
    "batch_spread": "lambda images: 127.5 * images.std(axis=0).mean()",
    "commonest_share": "lambda labels: 0.5",
    "pixel_moments": "None",  # replaced by a stub
}


@pytest.fixture(scope="module")
def returned(tmp_path_factory):
    """Folder with the notebook of a student: an answer that is right, one that is wrong, a stub, and a solution."""
    cells = [CODE(f"import sys; sys.path.insert(0, {str(settings.ROOT)!r})\nfrom helpers import checks")]
    cells += [CODE(f"{name} = {answer}\nchecks.{name}({name})") for name, answer in ANSWERS.items()]
    said = "def batch_spread(images):\n    print(images.shape)\n    warnings.warn('slow')\n"
    said += "    return 127.5 * images.std(axis=0).mean()\n\n\nchecks.batch_spread(batch_spread)"
    cells[1].source = f"import warnings\n{said}"  # an answer may print, and warn
    cells[-1].source = "def pixel_moments(images):\n    ...\n\n\nchecks.pixel_moments(pixel_moments)"
    solution = CODE("checks.summed_gap(None)", metadata={"tags": ["solution"]})
    book = nbformat.v4.new_notebook(cells=[*cells, solution])
    NotebookClient(book, allow_errors=True, kernel_name="python3").execute()
    book.cells.append(CODE("checks.frechet(frechet)"))
    folder = tmp_path_factory.mktemp("class")
    (folder / "anna" / ".ipynb_checkpoints").mkdir(parents=True)
    for path in (folder / "anna" / "01.ipynb", folder / "anna" / ".ipynb_checkpoints" / "01.ipynb"):
        nbformat.write(book, path)
    return folder


def test_each_exercise_has_what_its_check_said(returned, capsys):
    path = str((returned / "anna" / "01.ipynb").relative_to(returned))
    states = ("passed", "not right", "not attempted", "not run")
    assert marks.collect(returned) == {path: dict(zip([*ANSWERS, "frechet"], states, strict=True))}
    assert command.main(["marks", str(returned)]) == 0
    rest = "commonest_share not right, pixel_moments not attempted, frechet not run"
    assert capsys.readouterr().out == f"{path}: 1 of 4  {rest}\nall: 1 of 4\n"


def test_a_folder_without_notebooks_and_a_broken_one_are_named(returned, tmp_path, capsys):
    assert command.main(["marks", str(tmp_path)]) == 2
    assert f"Folder {tmp_path}: expected notebooks" in capsys.readouterr().err
    (tmp_path / "cut.ipynb").write_text('{"cells": [')
    assert command.main(["marks", str(tmp_path)]) == 2
    assert f"Notebook {tmp_path / 'cut.ipynb'}: expected a whole one" in capsys.readouterr().err
