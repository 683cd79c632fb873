"""The teacher's guide: its minutes, exercises, questions, commands and links are those of the course."""

import re

import nbformat
import pages
import pytest

from study import __main__ as command
from study import notebooks
from study.settings import ROOT

DOCS = ROOT / "docs"
GUIDE = (DOCS / "guide.md").read_text(encoding="utf-8")
MARKING = (DOCS / "marking.md").read_text(encoding="utf-8")
CARD = r"about (\d+) min to read · (?:about )?(\d+(?: to \d+)? (?:s|min)) to run"
ROW = r"\| \[(\w+)\]\(\.\./notebooks/\1\.ipynb\) \| (\d+) \| (\d[\w ]+) \|"
QUESTION = r"\*\*Question|<summary>Question"

BOOKS = {path.stem: nbformat.read(path, as_version=4) for path in notebooks.find()}
PLANNED = [name for name in BOOKS if f"[{name}]" in GUIDE]  # later pages come into the guide when their authors say so


def section(title, text=GUIDE):
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)[1]


def markdown(name):
    return "\n".join(cell.source for cell in BOOKS[name].cells if cell.cell_type == "markdown")


def exercises(name):
    tagged = [cell for cell in BOOKS[name].cells if "exercise" in cell.metadata.get("tags", [])]
    return [found for cell in tagged for found in re.findall(r"^checks\.(\w+)\(", cell.source, re.MULTILINE)]


@pytest.mark.parametrize("page", ["guide.md", "marking.md"])
def test_links_lead_to_files_and_headings_that_are_there(page):
    assert pages.broken_links(DOCS / page) == []


def test_a_link_to_no_heading_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n\n[here](#one) [nowhere](#two) [gone](gone.md) [out](https://example.org/#x)\n")
    assert pages.broken_links(page) == [("page.md", "two"), ("gone.md", "")]


@pytest.mark.parametrize("route", ["Ninety minutes", "Half a day", "Four weeks"])
def test_the_minutes_of_a_route_are_those_of_the_cards(route):
    rows = re.findall(ROW, section(route))
    named = re.findall(r"^\| .*\| \[\w+\]\(\.\./notebooks|^\| \[\w+\]\(\.\./notebooks", section(route), re.MULTILINE)
    assert rows and len(rows) == len(named)
    for name, *minutes in rows:
        assert minutes == list(re.search(CARD, BOOKS[name].cells[0].source).groups()), name


def test_the_parts_of_a_route_follow_one_another():
    for route, whole in (("Ninety minutes", 90), ("Half a day", 240)):
        starts = [60 * int(h) + int(m) for h, m in re.findall(r"^\| (\d):(\d\d) \|", section(route), re.MULTILINE)]
        assert starts == sorted(starts) and starts[0] == 0 and starts[-1] < whole, route


def test_every_exercise_and_every_question_of_a_quiz_tests_an_objective():
    rows = section("What students can do afterwards")
    tested = {name for name in re.findall(r"`(\w+)`", rows)}
    assert tested == {found for name in PLANNED for found in exercises(name)}
    asked = {f"{part}.{number}" for part in range(5) for number in range(1, 11)}
    assert set(re.findall(r"\b[0-4]\.\d+\b", "\n".join(re.findall(r"\|([^|\n]*)\|$", rows, re.MULTILINE)))) == asked
    assert f"Each of the {len(tested)} has a check" in GUIDE


def test_the_marking_guide_has_each_question_of_the_pages_and_adds_up():
    blocks = re.split(r"^## (\w+) · .*\n", MARKING, flags=re.MULTILINE)[1:]
    found = {number: len(re.findall(r"^\*\*(?:Section|Summary)", text, re.MULTILINE))
             for number, text in zip(blocks[::2], blocks[1::2], strict=True)}  # fmt: skip
    counts = {name.split("_")[0]: len(re.findall(QUESTION, markdown(name))) for name in PLANNED}
    assert found == {number: count for number, count in counts.items() if count}
    variants = MARKING.split("\n## ", 1)[1]
    assert len(re.findall(r"\*Variant", variants)) == variants.count("Full:") / 2 == sum(found.values())
    points = [sum(len(exercises(name)) for name in PLANNED), 2 * sum(found.values()), len(PLANNED)]
    assert (
        re.findall(r": (\d+) points", MARKING) == list(map(str, points)) and f"Together {sum(points)} points" in MARKING
    )


def test_commands_of_the_guide_are_commands_of_the_course():
    parser, targets = command._parser(), (ROOT / "Makefile").read_text(encoding="utf-8")
    study = re.findall(r"python -m study ([^`#\n]+)", GUIDE)
    made = re.findall(r"(?:^    |`)make ([a-z-]+)", GUIDE, re.MULTILINE)
    assert len(study) >= 5 and {"student", "teacher", "badges"} <= set(made)
    for line in study:
        assert callable(parser.parse_args(line.split()).action), line
    for target in made:
        assert re.search(rf"^{target}:", targets, re.MULTILINE), target
