"""The rules that every notebook keeps, and proof that each check catches a violation."""

import base64
import copy
import json
import re
import statistics

import nbformat
import pytest

from study import notebooks

PATHS = notebooks.find()
LIVE = "nbval-ignore-output"
MACHINE_PATH = re.compile(r"(?<![\w.])(/(root|home|tmp|usr|opt|mnt|var|Users)/|[A-Z]:\\)")


def code_cells(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def lines_of(cell):
    return [line for line in cell.source.splitlines() if line.strip()]


def texts_of(cell):
    for output in cell.outputs:
        yield output.get("text", "")
        yield from (value for kind, value in output.get("data", {}).items() if kind.startswith("text/"))


def executed_in_order(book):
    counts = [cell.execution_count for cell in code_cells(book)]
    return counts == list(range(1, len(counts) + 1))


def no_stderr_and_no_error(book):
    outputs = [output for cell in code_cells(book) for output in cell.outputs]
    return all(o.get("name") != "stderr" and o.output_type != "error" for o in outputs)


def no_machine_path(book):
    return not any(MACHINE_PATH.search(text) for cell in code_cells(book) for text in texts_of(cell))


def no_widget_state(book):
    kinds = {kind for cell in code_cells(book) for output in cell.outputs for kind in output.get("data", {})}
    return "widgets" not in book.metadata and not any("widget" in kind for kind in kinds)


def at_most_two_megabytes(book):
    return len(nbformat.writes(book).encode()) <= 2_000_000


def short_cells(book):
    lengths = [len(lines_of(cell)) for cell in code_cells(book)[1:]]  # the first is the same everywhere
    return max(lengths) <= 25 and statistics.median(lengths) <= 8


def pictures_have_alt_text(book):
    for cell in code_cells(book):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                alt = output.metadata.get("image/png", {}).get("alt", "")
                if len(alt) < 20 or output.data.get("text/plain") != alt:
                    return False
    return True


def header_card(book):
    first = book.cells[0]
    wanted = ("What you will learn", "What you need", "Time", "Profile of the stored outputs")
    return first.cell_type == "markdown" and first.source.startswith("# ") and all(w in first.source for w in wanted)


def footer(book):
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    return all(f"## {title}" in text for title in ("Summary", "Exercises", "Where next"))


def no_notebook_pins_packages(book):
    return not any(re.search(r"pip install|conda install", cell.source) for cell in code_cells(book))


def links_lead_somewhere(book):
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    return all((notebooks.FOLDER / name).is_file() for name in re.findall(r"\]\((\d\d_\w+\.ipynb)", text))


def code_needs_no_network(book):
    strict = [cell for cell in code_cells(book) if LIVE not in cell.metadata.get("tags", [])]
    return not any(re.search(r"keras\.datasets|urllib|requests|wget", cell.source) for cell in strict)


def no_empty_cells(book):
    return all(cell.source.strip() for cell in book.cells)


def begins_by_finding_the_repository(book):
    first = notebooks.FIRST_CELL.format(address=notebooks.address())
    return code_cells(book)[0].source == first and code_cells(book)[0].outputs == []


@pytest.fixture(scope="session")
def books():
    return {path.name: nbformat.read(path, as_version=4) for path in PATHS}


def test_the_notebooks_are_numbered_without_a_gap():
    assert [int(path.stem[:2]) for path in PATHS] == list(range(len(PATHS)))


def planted(output=None, **fields):
    """What puts an output into a notebook's second code cell, or changes the cell itself."""

    def plant(book):
        cell = code_cells(book)[1]
        cell.update(fields)
        if output:
            cell.outputs.append(nbformat.from_dict({"metadata": {}, **output}))

    return plant


def in_first(old, new):
    """What changes the text of a notebook's first markdown cell."""
    return lambda book: book.cells[0].update(source=book.cells[0].source.replace(old, new))


def without_a_summary(book):
    for cell in book.cells:
        cell.source = cell.source.replace("## Summary", "## Coda")


PICTURE = {"output_type": "display_data", "data": {"image/png": base64.b64encode(b"png").decode()}}
STREAM = {"output_type": "stream", "text": "W0000 careful"}
# Each rule, and a violation of it.
RULES = {
    executed_in_order: planted(execution_count=None),
    no_stderr_and_no_error: planted({**STREAM, "name": "stderr"}),
    no_machine_path: planted({**STREAM, "name": "stdout", "text": "saved to /home/me/x"}),
    no_widget_state: lambda book: book.metadata.update(widgets={}),
    at_most_two_megabytes: in_first("# ", "# " + "x" * 2_000_000),
    short_cells: planted(source="\n".join(f"a = {i}" for i in range(26))),
    pictures_have_alt_text: planted(PICTURE),
    header_card: in_first("What you need", "Needs"),
    footer: without_a_summary,
    no_notebook_pins_packages: planted(source="!pip install numpy==1.26"),
    links_lead_somewhere: in_first("# ", "[next](99_nowhere.ipynb)\n# "),
    code_needs_no_network: planted(source="keras.datasets.mnist.load_data()"),
    no_empty_cells: lambda book: book.cells.append(nbformat.v4.new_markdown_cell(" ")),
    begins_by_finding_the_repository: lambda book: code_cells(book)[0].update(source="import os"),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_notebook_keeps_the_rule(books, path, rule):
    assert rule(books[path.name])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_catches_a_planted_violation(books, rule):
    book = copy.deepcopy(books["03_moment_stabilization.ipynb"])
    assert rule(book)
    RULES[rule](book)
    assert not rule(book)


def test_at_least_seventy_percent_of_code_cells_are_strict(books):
    cells = [cell for book in books.values() for cell in code_cells(book)]
    strict = [cell for cell in cells if LIVE not in cell.metadata.get("tags", [])]
    assert len(strict) / len(cells) >= 0.70


def test_stored_notebooks_are_valid_json_of_format_4():
    for path in PATHS:
        nbformat.validate(json.loads(path.read_text(encoding="utf-8")))
