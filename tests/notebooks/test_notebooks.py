"""The rules that every notebook keeps, and proof that each check catches a violation."""

import ast
import collections
import copy
import json
import re
import statistics

import nbformat
import pytest

from study import notebooks

PATHS = notebooks.find()
BOOKS = {path.stem: nbformat.read(path, as_version=4) for path in PATHS}
FIRST = notebooks.FIRST_CELL.format(address=notebooks.address())
MACHINE_PATH = re.compile(r"(?<![\w.])(/(root|home|tmp|usr|opt|mnt|var|Users)/|[A-Z]:\\)")
NETWORK = r"keras\.datasets|urllib|requests|wget"
CARD = "# .*What you will learn.*What you need.*Time.*Profile of the stored outputs"
SHOWN = {("stream", "stdout"), ("display_data", None), ("execute_result", None)}


def tagged(cell, *names):
    return not {*names}.isdisjoint(cell.metadata.get("tags", []))


def words(book):
    """How many words a reader reads: all that white space parts, formulas and tables too, but what is folded."""
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    return len(re.sub(r"<details>.*?</details>", " ", text, flags=re.DOTALL).split())


def lines(cell):
    return len(cell.source.splitlines())


def defined(cell):
    """Names of the functions and classes that a code cell defines at its top."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [node.name for node in ast.parse(cell.source).body if isinstance(node, kinds)]


def checked(cell):
    """Names of the checks that a code cell calls."""
    return re.findall(r"^checks\.(\w+)\(", cell.source, re.MULTILINE)


class Parts:
    """A notebook as the rules look at it."""

    def __init__(self, book):
        self.book, self.first = book, book.cells[0]
        self.code = [cell for cell in book.cells if cell.cell_type == "code"]
        self.strict = [cell for cell in self.code if "nbval-ignore-output" not in cell.metadata.get("tags", [])]
        # What a reader reads: without the first cell, which is the same everywhere, and what is folded.
        self.read = [cell for cell in self.code[1:] if not tagged(cell, "check", "solution")]
        self.folded = [cell for cell in self.code if tagged(cell, "check", "solution")]
        self.exercises = [cell for cell in self.code if tagged(cell, "exercise")]
        self.solutions = [cell for cell in self.code if tagged(cell, "solution")]
        self.markdown = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
        self.linked = [notebooks.FOLDER / name for name in re.findall(r"\]\((\d\d_\w+\.ipynb)", self.markdown)]
        self.outputs = [output for cell in self.code for output in cell.outputs]
        self.shown = [(kind, value) for o in self.outputs for kind, value in o.get("data", {}).items()]
        self.texts = [o.get("text", "") for o in self.outputs] + [v for kind, v in self.shown if kind[:5] == "text/"]
        self.pictures = [output for output in self.outputs if "image/png" in output.get("data", {})]


def has_alt_text(picture):
    alt = picture.metadata.get("image/png", {}).get("alt", "")
    return len(alt) >= 20 and picture.data.get("text/plain") == alt


def is_folded(cell):
    hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
    return hidden and cell.metadata.get("cellView") == "form" and cell.source.startswith("# @title ")


def printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs)


def has_exercises(p):
    """At least two functions to write, each with its check and a solution that passes it."""
    pairs = [*zip(p.exercises, p.solutions, strict=False)]
    return (
        len(p.exercises) == len(p.solutions)
        and len({name for cell in p.exercises for name in checked(cell)}) >= 2
        and all(checked(one) == checked(other) == defined(one)[-1:] for one, other in pairs)
        and all("not attempted" in printed(one) and printed(other).strip() == "passed" for one, other in pairs)
    )


RULES = {
    "executed in order": lambda p: [cell.execution_count for cell in p.code] == list(range(1, len(p.code) + 1)),
    "no stderr, no error": lambda p: all((o.output_type, o.get("name")) in SHOWN for o in p.outputs),
    "no machine's path": lambda p: not any(MACHINE_PATH.search(text) for text in p.texts),
    "no widget": lambda p: "widgets" not in p.book.metadata and not any("widget" in kind for kind, _ in p.shown),
    "at most 2 MB": lambda p: len(nbformat.writes(p.book).encode()) <= 2_000_000,
    "at most 1,400 words": lambda p: words(p.book) <= 1_400,
    "at most 20 code cells": lambda p: len(p.code) - len(p.folded) <= 20,
    "short cells": lambda p: max(map(lines, p.code)) <= 20 and statistics.median(map(lines, p.read)) <= 6,
    "short lines": lambda p: all(len(line) <= 88 for cell in p.code for line in cell.source.splitlines()),
    "short printed lines": lambda p: all(len(line) <= 96 for cell in p.code for line in printed(cell).splitlines()),
    "asserts in checks alone": lambda p: not any(re.search(r"^\s*assert\b", c.source, re.MULTILINE) for c in p.read),
    "checks and solutions folded": lambda p: all(map(is_folded, p.folded)),
    "exercises": has_exercises,
    "alt texts": lambda p: all(map(has_alt_text, p.pictures)),
    "header card": lambda p: p.first.cell_type == "markdown" and re.match(CARD, p.first.source, re.DOTALL),
    "footer": lambda p: all(f"## {title}" in p.markdown for title in ("Summary", "Where next", "References")),
    "pins no packages": lambda p: not any(re.search("(pip|conda) install", cell.source) for cell in p.code),
    "links lead somewhere": lambda p: all(path.is_file() for path in p.linked),
    "needs no network": lambda p: not any(re.search(NETWORK, cell.source) for cell in p.strict),
    "no empty cells": lambda p: all(cell.source.strip() for cell in p.book.cells),
    "finds the repository": lambda p: p.code[0].source == FIRST and p.code[0].outputs == [],
}


def planted(*outputs, cell=1, **fields):
    """What changes one of a notebook's code cells, and puts outputs into it."""
    added = [nbformat.from_dict({"metadata": {}, **output}) for output in outputs]
    return lambda p: p.code[cell].update(fields, outputs=[*p.code[cell].outputs, *added])


def replaced(old, new):
    """What changes a text in a notebook's cells."""
    return lambda p: [cell.update(source=cell.source.replace(old, new)) for cell in p.book.cells]


VIOLATIONS = {
    "executed in order": planted(execution_count=None),
    "no stderr, no error": planted({"output_type": "stream", "name": "stderr", "text": "W0000 careful"}),
    "no machine's path": planted({"output_type": "stream", "name": "stdout", "text": "saved to /home/me/x"}),
    "no widget": lambda p: p.book.metadata.update(widgets={}),
    "at most 2 MB": lambda p: p.first.update(source="# " + "x" * 2_000_000),
    "at most 1,400 words": lambda p: p.first.update(source=p.first.source + " word" * 1_400),
    "at most 20 code cells": lambda p: p.book.cells.extend(nbformat.v4.new_code_cell("a = 1") for _ in range(21)),
    "short cells": planted(source="\n".join(f"a = {i}" for i in range(21))),
    "short lines": planted(source=f"a = '{'x' * 88}'"),
    "short printed lines": planted({"output_type": "stream", "name": "stdout", "text": "x" * 97}),
    "asserts in checks alone": planted(source="assert True"),
    "checks and solutions folded": lambda p: p.solutions[0].metadata.pop("cellView"),
    "exercises": lambda p: p.exercises[0].update(source=re.sub(r"\nchecks.*", "", p.exercises[0].source)),
    "alt texts": planted({"output_type": "display_data", "data": {"image/png": "cG5n"}}),
    "header card": replaced("What you need", "Needs"),
    "footer": replaced("## Summary", "## Coda"),
    "pins no packages": planted(source="!pip install numpy==1.26"),
    "links lead somewhere": lambda p: p.first.update(source="[next](99_nowhere.ipynb)"),
    "needs no network": planted(source="keras.datasets.mnist.load_data()"),
    "no empty cells": lambda p: p.book.cells.append(nbformat.v4.new_markdown_cell(" ")),
    "finds the repository": planted(cell=0, source="import os"),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", BOOKS)
def test_notebook_keeps_the_rule(name, rule):
    assert RULES[rule](Parts(BOOKS[name]))


@pytest.mark.parametrize("rule", RULES)
def test_rule_catches_a_planted_violation(rule):
    book = copy.deepcopy(BOOKS["04_moment_stabilization"])  # which keeps it, see above
    VIOLATIONS[rule](Parts(book))
    assert not RULES[rule](Parts(book))


def test_what_is_counted_as_a_word():
    cell = nbformat.v4.new_markdown_cell
    texts = ["Two words <details>none\n\nhere</details> and [a link](to_no_word.md)", "| one | $a + b$ |"]
    assert words(nbformat.v4.new_notebook(cells=[cell(text) for text in texts])) == 5 + 7


def test_all_are_valid_in_order_and_seventy_percent_of_their_code_cells_strict():
    names = [path.stem for path in PATHS]
    numbers = [int(name[:2]) for name in names if name[0] != "A"]
    assert names[-1] == "A_statistics" and numbers == sorted(set(numbers))
    for path in PATHS:
        nbformat.validate(json.loads(path.read_text(encoding="utf-8")))
    parts = [Parts(book) for book in BOOKS.values()]
    assert sum(len(part.strict) for part in parts) / sum(len(part.code) for part in parts) >= 0.70


def test_no_function_is_defined_twice_in_the_course():
    cells = [cell for book in BOOKS.values() for cell in Parts(book).read]
    counts = collections.Counter(name for cell in cells for name in defined(cell))
    assert {name: count for name, count in counts.items() if count > 1} == {}
