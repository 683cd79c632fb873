"""What runs train on and are judged by, by the names of `experiment.DATA`: MNIST, and drawn faces."""

from helpers import data, metrics
import numpy as np

from study import face_judge, faces


def train_images(name: str, count: int | None = None) -> np.ndarray:
    """The first `count` training images of a name, or all: float32 (n, height, width, channels) in [-1, 1]."""
    load = {"mnist": data.load_mnist, "faces": faces.load}[name]
    return load().train_images[:count]


def score(name: str, images: np.ndarray) -> dict[str, float]:
    """All metrics of a record of generated images of a name: a dict with the keys of `schema.METRICS`.

    Args:
        name: of `experiment.DATA`.
        images: float32 (n, height, width, channels) in [-1, 1].
    """
    if name == "faces":
        return face_judge.judge(images)
    return {**metrics.judge(images), metrics.RATIO: metrics.variance_ratio(images)}
