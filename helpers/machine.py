"""The machine and the code that runs: what a number depends on besides its experiment."""

import ctypes
import functools
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

import keras

ROOT = Path(__file__).resolve().parent.parent
BACKEND = keras.backend.backend()
M_TOP_PAD, M_MMAP_MAX = -2, -4  # glibc's malloc.h


def accelerators():
    """Names of the GPUs (or TPUs) that the backend in force can use; empty on a CPU alone."""
    if BACKEND == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return [detail.get("device_name", "GPU") for detail in details]


def keep_freed_memory(size=2**28):
    """Have the C library keep freed memory for the next step, up to `size` bytes a heap.

    Without it the gradient of the widest layer, 51 MB, goes back to the system after each step and
    its pages are zeroed anew in the next one. Numbers stay the same bit for bit.

    Returns:
        Whether it could be set: with glibc only. Source: `mallopt` in the GNU C library's manual.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
    # Large blocks from the heap, not mapped one by one; and a heap that gives back only what is above `size`.
    return bool(mallopt and mallopt(M_MMAP_MAX, 0) and mallopt(M_TOP_PAD, size))


@functools.cache
def provenance():
    """What a number depends on besides its experiment: versions, hardware, commit."""
    packages = ("keras", BACKEND, "numpy", "scipy", "scikit-learn")
    return {
        "python": platform.python_version(),
        **{package: importlib.metadata.version(package) for package in packages},
        "backend": BACKEND,
        "system": f"{platform.system()} {platform.machine()}",
        "device": device_name(),
        "cores": os.cpu_count(),
        "threads": threads(),  # the order of sums
        "commit": _commit(),
    }


def threads():
    """How many threads TensorFlow computes one operation with: `TF_NUM_INTRAOP_THREADS`, else one a core."""
    return int(os.environ.get("TF_NUM_INTRAOP_THREADS") or os.cpu_count())


def device_name():
    """Name of what computes: the first accelerator, else the processor."""
    return next(iter(accelerators()), None) or _processor()


def device_memory():
    """Bytes that a JAX program may take: nine tenths of what the accelerator offers, or half of a CPU's memory."""
    import jax

    offered = jax.devices()[0].memory_stats()
    if offered:
        return 0.9 * (offered["bytes_limit"] - offered["bytes_in_use"])
    return 0.5 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _processor():
    """The processor's name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _commit():
    """Commit of the code, with a + if the code differs from it; "unknown" outside a checkout."""
    git = ["git", "-C", str(ROOT)]
    try:
        commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "helpers"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")
