"""What the course teaches: data, networks, losses, the GAN and its judges. Start with gan.py, then losses.py.

Import it before Keras: it settles which backend Keras has, and keeps TensorFlow's import quiet.
"""

import importlib
import importlib.util
import os
from pathlib import Path
import subprocess
import sys
import tempfile


def _require(*packages: str) -> None:
    """Raise one clear error if a package that everything here rests on is missing."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise ImportError(
                f"The helpers need the package '{package}', which this Python does not have. "
                "Mend it with: pip install -r requirements.txt "
                "(or run `make run`, which builds an environment of its own)."
            )


def _choose_tensorflow() -> None:
    """Have Keras use TensorFlow, whatever keras.json says.

    Raises:
        ImportError: KERAS_BACKEND asks for another backend, or Keras has been imported with one.
    """
    named = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if named != "tensorflow":
        raise ImportError(
            f"Keras' backend: expected tensorflow, found {named!r} in the environment variable KERAS_BACKEND. "
            "Mend it by unsetting KERAS_BACKEND."
        )
    os.environ["KERAS_BACKEND"] = named  # goes before the file keras.json
    loaded = sys.modules.get("keras")
    if loaded is not None and loaded.backend.backend() != "tensorflow":
        raise ImportError(
            f"Keras' backend: expected tensorflow, found Keras imported with {loaded.backend.backend()!r}. "
            "Mend it by restarting Python and importing helpers before Keras."
        )


# Prints a log unless it hears that all went well; it outlives a crash in C++, which no Python code sees.
_WITNESS = """import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.stdin.buffer.read(1) or sys.stderr.write(open(sys.argv[1], errors="replace").read())
"""


def _import_quietly(package: str) -> None:
    """Import a package whose C++ part writes to stderr before it reads its log level.

    What it wrote is shown after all if the import fails or ends the process.
    """
    try:
        terminal = os.dup(2)
    except OSError:  # started without a stderr: nothing to keep quiet
        importlib.import_module(package)
        return
    handle, log = tempfile.mkstemp()
    witness = subprocess.Popen([sys.executable, "-ISc", _WITNESS, log], stdin=subprocess.PIPE)
    verdict = b""
    try:
        os.dup2(handle, 2)
        importlib.import_module(package)
        verdict = b"+"
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(handle)
        witness.communicate(verdict)
        Path(log).unlink()


if os.environ.get("STUDY_ENGINE") == "jax":  # `study.fleet` alone sets it: models, losses and metrics do without
    _require("keras", "jax")
    os.environ["KERAS_BACKEND"] = "jax"
else:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow's import, or it talks
    _require("keras", "tensorflow")
    _choose_tensorflow()
    _import_quietly("tensorflow")
