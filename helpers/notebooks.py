"""Run the notebooks in order and store what they print.

python -m helpers.notebooks                 # all of them, in the profile in force
python -m helpers.notebooks 03 07           # those whose names start so
"""

import argparse
import asyncio
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from helpers import records
from helpers.experiment import ROOT, current_profile

FOLDER = ROOT / "notebooks"


class _Client(NotebookClient):
    """Runs a notebook and shows what its live cells print while they print it."""

    def process_message(self, msg, cell, cell_index):
        """Pass streams on to the terminal, then do as ever."""
        if msg["msg_type"] == "stream" and "nbval-ignore-output" in cell.metadata.get("tags", []):
            sys.stdout.write(msg["content"]["text"])
            sys.stdout.flush()
        return super().process_message(msg, cell, cell_index)


def run(path):
    """Run one notebook top to bottom and store it with its outputs, whole or not at all.

    Raises:
        CellExecutionError: a cell raised; the stored notebook stays as it was.
    """
    book = nbformat.read(path, as_version=4)
    for cell in book.cells:
        cell.metadata.pop("execution", None)
    code = [index for index, cell in enumerate(book.cells) if cell.cell_type == "code"]

    def announce(cell, cell_index):
        if cell.cell_type == "code":
            print(f"\r  cell {code.index(cell_index) + 1}/{len(code)}", end="", flush=True)

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
    client.execute()
    book.metadata.pop("widgets", None)
    draft = path.with_suffix(".draft")
    nbformat.write(book, draft)
    draft.replace(path)


def main(arguments=None):
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.notebooks", description="Run the notebooks in order.")
    parser.add_argument("names", nargs="*", help="how the names of the wanted ones start (default: all)")
    options = parser.parse_args(arguments)
    paths = sorted(FOLDER.glob("*.ipynb"))
    wanted = [path for path in paths if not options.names or path.name.startswith(tuple(options.names))]
    try:
        print(f"Profile {current_profile()}: {len(wanted)} notebooks")
        for path in wanted:
            start = time.perf_counter()
            print(path.name, flush=True)
            run(path)
            print(f"\r  done in {time.perf_counter() - start:.0f} s", flush=True)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("\nStopped. The same command continues: finished runs and epochs are kept.", file=sys.stderr)
        return 130
    except (CellExecutionError, ValueError, records.RecordError) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
