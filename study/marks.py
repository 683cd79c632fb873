"""Marks of the exercises: what the checks said in notebooks that were run."""

from pathlib import Path
import re

import nbformat

STATES = ("passed", "not attempted", "not right", "not run")


def collect(folder):
    """What the checks said: a dict from each notebook's path below a folder to {exercise: one of `STATES`}."""
    paths = [path for path in sorted(Path(folder).rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]
    if not paths:
        raise FileNotFoundError(f"Folder {folder}: expected notebooks that were run, found none there.")
    return {str(path.relative_to(folder)): dict(_said(path)) for path in paths}


def _said(path):
    try:
        cells = nbformat.read(path, as_version=4).cells
    except Exception as error:  # of many types
        raise ValueError(f"Notebook {path}: expected a whole one, found {type(error).__name__}.") from error
    for cell in cells:
        outputs = cell.get("outputs", [])
        said = "".join(output.get("text", "") for output in outputs if output.get("name") == "stdout")
        last = said.strip().rpartition("\n")[2]  # a student's own function may print before the check does
        wrong = any(output.output_type == "error" for output in outputs)
        state = "not right" if wrong else next((state for state in STATES if last.startswith(state)), "not run")
        if "solution" not in cell.metadata.get("tags", []):
            yield from ((name, state) for name in re.findall(r"^checks\.(\w+)\(", cell.source, re.MULTILINE))


def text(marks):
    """One line a notebook, ready to print: points, and which exercises have none; then the sum."""
    lines, states = [], [state for found in marks.values() for state in found.values()]
    for path, found in marks.items():
        rest = ", ".join(f"{name} {state}" for name, state in found.items() if state != "passed")
        lines.append(f"{path}: {list(found.values()).count('passed')} of {len(found)}  {rest}".rstrip())
    return "\n".join([*lines, f"all: {states.count('passed')} of {len(states)}"])
