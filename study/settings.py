"""Where records stand, and the sizes that the profiles have. Imports nothing but the standard library."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECORDED = ROOT / "results"  # the evidence, committed
LIVE = RECORDED / "live"  # the reader's own runs

LEARNING_RATES = {1: 0.01, 2: 0.001, 3: 0.0001}
MOMENT_WEIGHT = 0.1

# A profile changes sizes, never code paths.
PROFILES = {
    "smoke": {"epochs": 2, "train_images": 400, "judged_images": 200, "frames_per_epoch": 2, "frame_images": 20},
    "lesson": {
        "epochs": 1,
        "train_images": 55_000,
        "judged_images": 10_000,
        "frames_per_epoch": 11,
        "frame_images": 1_000,
    },
    "full": {"epochs": 20, "train_images": 55_000, "judged_images": 10_000, "frames_per_epoch": 1, "frame_images": 0},
}
# The lesson's training under the penalty's variants: a folder of its own, and fewer frames for so many runs.
PROFILES["ablation"] = {**PROFILES["lesson"], "frames_per_epoch": 5}
# The same number of steps, 550, at smaller batches (that of 100 is the ablation).
BATCHES = {f"batch{size}": size for size in (10, 25, 50)}
PROFILES |= {
    name: {**PROFILES["ablation"], "batch_size": size, "train_images": 550 * size} for name, size in BATCHES.items()
}

# Runs that one question alone needs: judged after few epochs, and one small grid kept, at the end.
_LEAN = {
    **{"train_images": 55_000, "judged_images": 10_000, "frames_per_epoch": 0, "frame_images": 0},
    **{"grid_images": 20, "steps_per_execution": 55},
}
PROFILES |= {
    "first-post": {
        **_LEAN,
        "epochs": 100,
        "judged_epochs": (1, 2, 3, 5, 10, 20, 50, 100),
        "steps_per_execution": 550,
    },
    "map-dense": {**_LEAN, "epochs": 10, "judged_epochs": (1, 3, 10)},
    "weights": {**_LEAN, "epochs": 10, "judged_epochs": (10,)},
    "terms-dense": {**_LEAN, "epochs": 5, "judged_epochs": (1, 5), "steps_per_execution": 10},
    "terms-conv": {**_LEAN, "epochs": 1, "steps_per_execution": 10},
    "optimizers": {**_LEAN, "epochs": 1},
    "map-conv": {**_LEAN, "epochs": 3, "judged_epochs": (1, 3)},
    "small": {**_LEAN, "epochs": 3, "judged_epochs": (1, 3)},
    # 1,000 steps on drawn faces in colour.
    "faces": {
        **_LEAN,
        **{"data": "faces", "train_images": 4_000, "judged_images": 2_000, "grid_images": 16},
        **{"epochs": 25, "judged_epochs": (5, 10, 15, 20, 25), "steps_per_execution": 10},
    },
}


def current_profile():
    """Name of the profile in force: STUDY_PROFILE, else "lesson", also where there is a GPU.

    Raises:
        ValueError: STUDY_PROFILE names no profile.
    """
    return check_profile(os.environ.get("STUDY_PROFILE") or "lesson")


def check_profile(name):
    """Return `name` if it is a profile.

    Raises:
        ValueError: it is not; the message lists the profiles.
    """
    if not isinstance(name, str) or name not in PROFILES:
        raise ValueError(
            f"Profile: expected one of {', '.join(PROFILES)}, found {name!r}. "
            "Mend it with, for instance, STUDY_PROFILE=lesson."
        )
    return name


def live_results():
    """Folder for the reader's own runs: STUDY_RESULTS, else results/live (not committed).

    A relative STUDY_RESULTS counts from the repository, so that notebooks and commands agree.

    Raises:
        ValueError: STUDY_RESULTS begins with the home of a user who is not there.
    """
    named = os.environ.get("STUDY_RESULTS")
    try:
        return ROOT / Path(named).expanduser() if named else LIVE
    except RuntimeError as error:
        raise ValueError(
            f"STUDY_RESULTS: expected a folder, found {named!r} ({error}). Mend it by writing the folder out."
        ) from error
