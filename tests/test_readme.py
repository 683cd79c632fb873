"""The README says what the verdict table and the notebooks' cards say."""

from pathlib import Path
import re

import nbformat

from study import claims, notebooks

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
TIME = r"about (\d+) min to read · (?:about )?(\d+(?: to \d+)? (?:s|min)) to run"


def test_every_interval_of_the_readme_is_in_the_verdict_table():
    quoted = re.findall(r"\d+\.\d+\s+\[\d+\.\d+,\s+\d+\.\d+\]", README)
    table = claims.as_text(claims.table())
    known = {text for name in ("fd", "kid") for text in table[name]}
    known |= {text for cell in table["other"] for text in re.findall(r"\d+\.\d+ \[\d.*?\]", cell.replace("+", ""))}
    assert len(quoted) >= 16 and {re.sub(r"\s+", " ", text) for text in quoted} <= known


def test_the_map_has_every_notebook_with_the_times_of_its_card():
    rows = re.findall(r"\| \[\w+\]\(notebooks/(\w+)\.ipynb\) \| .* \| (\d+) \| (\d[\w ]+) \|", README)
    cards = {}
    for path in notebooks.find():
        found = re.search(TIME, nbformat.read(path, as_version=4).cells[0].source)
        cards[path.stem] = found.groups() if found else None
    assert {name: (read, run) for name, read, run in rows} == cards
