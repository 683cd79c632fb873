"""The maps in 00 and in the README have every notebook, with the times of its card."""

import re

import nbformat

from study import notebooks
from study.settings import ROOT

CARD = r"about (\d+) min to read · (?:about )?(\d+(?: to \d+)? (?:s|min)) to run"
IN_THE_FIRST = r"(?m)^\| \[(\w+)\]\(\1\.ipynb\) \| [^|\n]+ \| (\d+) \|$"
IN_THE_README = r"\| \[(\w+)\]\(notebooks/\1\.ipynb\) \| .* \| (\d+) \| (\d[\w ]+) \|"

BOOKS = {path.stem: nbformat.read(path, as_version=4) for path in notebooks.find()}
TIMES = [(name, *re.search(CARD, book.cells[0].source).groups()) for name, book in BOOKS.items()]


def test_the_map_in_00_has_every_other_notebook_with_the_minutes_of_its_card():
    cells = BOOKS["00_start_here"].cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert re.findall(IN_THE_FIRST, text) == [(name, minutes) for name, minutes, _ in TIMES[1:]]


def test_the_map_of_the_readme_has_every_notebook_with_the_times_of_its_card():
    assert re.findall(IN_THE_README, (ROOT / "README.md").read_text(encoding="utf-8")) == TIMES
