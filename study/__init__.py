"""How the evidence is made and read. `load_runs`, `load_epochs` and `load_frames` read what is recorded.

python -m study --help    # makes runs and reads records from the command line
"""

import importlib

__all__ = ["load_epochs", "load_frames", "load_pairs", "load_records", "load_runs"]


def __getattr__(name):
    """Import the tables when they are first asked for: the command line does without pandas."""
    if name in __all__:
        return getattr(importlib.import_module("study.tables"), name)
    raise AttributeError(f"module 'study' has no attribute {name!r}")
