"""Shared code of the moment-stabilisation notebooks. Import it before Keras: it keeps imports quiet."""

import importlib
import importlib.util
import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow's import, or it talks


def _require(*packages):
    """Raise one clear error if a package that everything here rests on is missing."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ImportError(
                f"The helpers need the package '{package}', which this Python does not have. "
                "Mend it with: pip install -r requirements.txt "
                "(or run `make run`, which builds an environment of its own)."
            )


def _import_quietly(package):
    """Import a package whose C++ part writes to stderr before it reads its log level."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as log:
        terminal = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            importlib.import_module(package)
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


_backend = os.environ.get("KERAS_BACKEND", "tensorflow")
_require("keras", _backend)
_import_quietly(_backend)
