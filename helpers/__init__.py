"""Shared code of the moment-stabilisation notebooks."""

import importlib.util
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow's import, or it talks

_backend = os.environ.get("KERAS_BACKEND", "tensorflow")
for _package in ("keras", _backend):
    if importlib.util.find_spec(_package) is None:
        raise ImportError(
            f"The helpers need the package '{_package}', which this Python does not have. "
            "Mend it with: pip install -r requirements.txt "
            "(or run `make run`, which builds an environment of its own)."
        )
