"""The machine and the code that runs: what a number depends on besides its experiment."""

import functools
import importlib.metadata
import os
from pathlib import Path
import platform
import subprocess

import helpers  # noqa: F401  TensorFlow, quietly

from study.settings import ROOT

# Of a provenance, what the bits of a run depend on: only where all are equal do they come again.
BITS = ("keras", "tensorflow", "numpy", "instructions", "kernels", "threads", "accelerator")
KERNEL_SETTINGS = (
    *("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE"),
    *("TF_SET_ONEDNN_FPMATH_MODE", "TF_XLA_FLAGS", "XLA_FLAGS"),
)
INSTRUCTIONS = ("avx512_bf16", "avx512f", "avx2", "avx", "sse4_1")  # the newest first


def engine():
    """What computes: "tensorflow", or "jax" in a fleet."""
    import keras

    return keras.backend.backend()


def accelerators():
    """Names of the GPUs that the engine can use; empty on a CPU alone."""
    if engine() == "jax":
        import jax

        return [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    import tensorflow as tf

    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return [detail.get("device_name", "GPU") for detail in details]


@functools.cache
def _packages():
    packages = ("keras", "numpy", "scipy", "scikit-learn", engine())
    return {"tensorflow": "not used", **{package: importlib.metadata.version(package) for package in packages}}


def provenance():
    """What a number depends on besides its experiment: versions, hardware, threads, commit; a dict."""
    accelerator = next(iter(accelerators()), None)
    return {
        "python": platform.python_version(),
        **_packages(),
        "backend": engine(),
        "system": f"{platform.system()} {platform.machine()}",
        "device": accelerator or _processor().get("model name") or platform.processor() or "unknown processor",
        "accelerator": accelerator or "none",
        "instructions": instructions(),
        "kernels": kernels(),
        "cores": cores(),
        "threads": threads(),  # the order of sums
        "commit": commit(),
    }


def cores():
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads():
    """How many threads TensorFlow computes one operation with.

    What `use_threads` has set, else TF_NUM_INTRAOP_THREADS, else one for each processor that this
    process may use.

    Raises:
        ValueError: TF_NUM_INTRAOP_THREADS is no whole number.
    """
    if engine() == "jax":  # it has no such setting
        return cores()
    import tensorflow as tf

    return tf.config.threading.get_intra_op_parallelism_threads() or _threads_from_outside() or cores()


def _threads_from_outside():
    named = os.environ.get("TF_NUM_INTRAOP_THREADS") or "0"
    if not named.isdecimal():
        raise ValueError(
            f"TF_NUM_INTRAOP_THREADS: expected a whole number, found {named!r}. "
            "Mend it by unsetting it, or by setting it to a number such as 1."
        )
    return int(named)


def use_threads(count):
    """Have TensorFlow compute one operation with so many threads, in this process.

    Raises:
        ValueError: fewer than one, or TensorFlow has begun to compute with another number.
    """
    import tensorflow as tf

    if count < 1:
        raise ValueError(f"Threads: expected 1 or more, found {count}.")
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
    except RuntimeError:  # it has begun to compute
        if threads() != count:
            raise ValueError(
                f"Threads: expected {count}, found TensorFlow at work with {threads()}. "
                f"Mend it in a new process, with TF_NUM_INTRAOP_THREADS={count}."
            ) from None


def instructions():
    """Name of the newest vector instructions that the processor has, where the system tells it."""
    flags = _processor().get("flags", "").split()
    return next((name for name in INSTRUCTIONS if name in flags), "unknown")


def kernels():
    """What the environment says of the kernels that TensorFlow picks, and so of the bits: "default" if nothing."""
    named = [f"{name}={os.environ[name]}" for name in KERNEL_SETTINGS if os.environ.get(name)]
    return ", ".join(named) or "default"


@functools.cache
def _processor():
    """What Linux tells of the first processor; elsewhere nothing."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.is_file() else ""
    pairs = [line.partition(":") for line in text.split("\n\n")[0].splitlines()]
    return {name.strip(): value.strip() for name, _, value in pairs}


def commit():
    """Commit of the code, with a + if helpers or study differ from it; "unknown" outside a checkout.

    Where the code travels without its history, STUDY_COMMIT says it.
    """
    if named := os.environ.get("STUDY_COMMIT"):
        return named
    git = ["git", "-C", str(ROOT)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    run = functools.partial(subprocess.run, capture_output=True, text=True, check=True, env=clean)
    try:
        if Path(run([*git, "rev-parse", "--show-toplevel"]).stdout.strip()) != ROOT:  # unpacked inside another checkout
            return "unknown"
        found = run([*git, "rev-parse", "--short=12", "HEAD"]).stdout.strip()
        changed = run([*git, "status", "--porcelain", "helpers", "study"]).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found + ("+" if changed else "")
