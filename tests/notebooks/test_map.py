"""The map in 00 has every notebook, with the minutes of its card."""

import re

import nbformat

from study import notebooks

ROW = r"^\| \[(\w+)\]\(\1\.ipynb\) \| [^|\n]+ \| (\d+) \|$"
CARD = r"about (\d+) min to read"


def test_the_map_has_every_notebook_with_the_minutes_of_its_card():
    first, *others = [nbformat.read(path, as_version=4) for path in notebooks.find()]
    text = "\n".join(cell.source for cell in first.cells if cell.cell_type == "markdown")
    cards = [re.search(CARD, book.cells[0].source) for book in others]
    minutes = [card and card[1] for card in cards]
    names = [path.stem for path in notebooks.find()[1:]]
    assert re.findall(ROW, text, re.MULTILINE) == list(zip(names, minutes, strict=True))
