"""Run the notebooks in order, and keep the one address of the repository in all of them."""

import asyncio
import os
from pathlib import Path
import re
import sys
import tempfile
import time

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
import nbformat

from study import files
from study.settings import ROOT, current_profile, live_results

FOLDER = ROOT / "notebooks"
EXECUTED = ROOT / "executed"  # not committed

# The first cell of every notebook: finds the repository, or on Colab fetches it.
FIRST_CELL = """\
import subprocess
import sys
from pathlib import Path

ADDRESS = "{address}"  # of the repository, for Colab; `make badges` writes it
folders = [Path.cwd(), *Path.cwd().parents, Path("course").resolve()]
root = next((p for p in folders if (p / "helpers" / "gan.py").is_file()), None)
if root is None and ADDRESS and "google.colab" in sys.modules:
    subprocess.run(["git", "clone", "-q", "--depth=1", ADDRESS, "course"], check=True)
    root = Path("course").resolve()
if root is None:
    raise ModuleNotFoundError(
        "This notebook needs the folder 'helpers' of its repository: open it inside "
        "the repository, upload the whole folder, or write its address into ADDRESS."
    )
if str(root) not in sys.path:
    sys.path.insert(0, str(root))"""
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repository}/blob/main/notebooks/{name})"
)


FOLDED = {"check": "Check", "solution": "Solution"}  # tags of cells that a reader unfolds


class _Client(NotebookClient):
    """Runs a notebook and shows what its live cells print while they print it."""

    def process_message(self, msg, cell, cell_index):
        """Pass streams on to the terminal, then do as ever."""
        if msg["msg_type"] == "stream" and "nbval-ignore-output" in cell.metadata.get("tags", []):
            sys.stdout.write(msg["content"]["text"])
            sys.stdout.flush()
        return super().process_message(msg, cell, cell_index)


def find(names=()):
    """Paths of the notebooks, in order.

    Args:
        names: numbers, beginnings of names or paths of the wanted ones; without any, all.

    Raises:
        ValueError: one of them names no notebook.
    """
    paths = sorted(FOLDER.glob("*.ipynb"))
    wanted = set()
    for name in names:
        start = Path(name).name
        start = f"{int(start):02d}_" if start.isdecimal() else start
        chosen = [path for path in paths if start and path.name.startswith(start)]
        if not chosen:
            known = ", ".join(path.stem for path in paths)
            raise ValueError(f"Notebook: expected one of {known}, found {name!r}.")
        wanted.update(chosen)
    return [path for path in paths if path in wanted or not names]


def run(path, target):
    """Run one notebook top to bottom and write it with its outputs, whole or not at all.

    Args:
        path: the notebook; it runs in its own folder.
        target: where to write it.

    Raises:
        CellExecutionError: a cell raised; what stood at `target` stays as it was.
    """
    book = nbformat.read(path, as_version=4)
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    code = [index for index, cell in enumerate(book.cells) if cell.cell_type == "code"]

    def announce(cell, cell_index):
        if cell.cell_type == "code":
            print(f"\r  cell {code.index(cell_index) + 1}/{len(code)}", end="", flush=True)

    with tempfile.TemporaryDirectory() as profile:  # no start-up files of the user's IPython
        client = _Client(
            book,
            timeout=None,
            kernel_name="python3",
            extra_arguments=["--IPKernelApp.log_level=40"],  # no warning about the local connection
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_start=announce,
        )
        client.execute(env={**os.environ, "IPYTHONDIR": profile, "STUDY_RESULTS": str(live_results())})
    book.metadata.pop("widgets", None)
    fold(book)
    draft = target.with_name(f".draft-{target.stem}-{os.getpid()}")
    try:
        nbformat.write(book, draft)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def fold(book):
    """Fold the cells tagged `check` or `solution`: in Jupyter, on Colab (which asks for a title) and on the site."""
    for cell in book.cells:
        tags = cell.metadata.get("tags", [])
        for tag in set(tags) & set(FOLDED):
            cell.metadata |= {"tags": [*tags, *({"hide-cell"} - set(tags))], "cellView": "form"}
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
            if not cell.source.startswith("# @title"):
                cell.source = f"# @title {FOLDED[tag]}\n{cell.source}"


def run_all(names=(), store=False):
    """Run notebooks in order, and say how long each took.

    Args:
        names: as for `find`.
        store: whether to store the outputs in the notebooks themselves; else copies go to executed/.

    Raises:
        ValueError: a name that is none, or a cell that raised.
        PermissionError: the folder cannot be written.
        KeyboardInterrupt: stopped; finished runs and epochs are kept.
    """
    paths, folder = find(names), FOLDER if store else EXECUTED
    files.check_writable(folder, "copying the repository to where you may write")
    print(f"Profile {current_profile()}: {len(paths)} notebooks, into {folder.name}/")
    for path in paths:
        start = time.perf_counter()
        print(path.name, flush=True)
        try:
            run(path, folder / path.name)
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        except AssertionError as error:  # nbclient's, when it is cancelled while its kernel starts
            if isinstance(error.__context__, (asyncio.CancelledError, KeyboardInterrupt)):
                raise KeyboardInterrupt from None
            raise
        except CellExecutionError as error:
            raise ValueError(f"{path.name}: expected every cell to run, found: {error}") from None
        print(f"\r  done in {time.perf_counter() - start:.0f} s", flush=True)


def address():
    """The repository's one address, from pyproject.toml; empty until `stamp` has written it."""
    found = re.search(r'^Repository = "(.*)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def stamp(repository, root=ROOT):
    """Write the address of the repository into pyproject.toml, every first cell and every badge.

    Args:
        repository: "owner/name" on GitHub, which is where Colab opens notebooks from.
        root: folder of the repository.

    Raises:
        ValueError: not of that form.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", repository):
        raise ValueError(
            f"Address: expected owner/name, found {repository!r}. Mend it with: make badges REPO=owner/name"
        )
    link = f"https://github.com/{repository}"
    project = root / "pyproject.toml"
    text = re.sub(r"(?m)^(# )?Repository = .*$", f'Repository = "{link}"', project.read_text(encoding="utf-8"))
    project.write_text(text, encoding="utf-8", newline="\n")
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        first = next(cell for cell in book.cells if cell.cell_type == "code")
        first.source = re.sub(r'^ADDRESS = ".*?"', f'ADDRESS = "{link}"', first.source, flags=re.MULTILINE)
        title = book.cells[0].source.split("\n")
        title = [line for line in title if not line.startswith("[![Open in Colab]")]
        title[1:1] = [BADGE.format(repository=repository, name=path.name)]
        book.cells[0].source = "\n".join(title)
        nbformat.write(book, path)
