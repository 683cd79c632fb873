"""Where images that are known stand on every judge: what a score lies between. Read without TensorFlow.

noise             every pixel uniform on [-1, 1]
shuffled pixels   every pixel drawn anew from its own values in the training images: all moments of
                  every pixel are right, and none of what one pixel knows of another
Gaussian cloud    a normal distribution with mean and covariance of the training images, cut off at -1 and 1
floor             real training images, as good as a perfect generator's
untrained NAME    the generator of a network before its first step, as it is judged after an epoch
"""

import json
import os
from pathlib import Path
import random

import numpy as np

from study.experiment import DEFAULT_DATA
from study.settings import RECORDED

PATH = RECORDED / "landmarks.json"
FACES_PATH = RECORDED / "landmarks-faces.json"  # of drawn faces, by their own judge
IMAGES = 10_000  # as many as a run is judged by
SEED = 0
NETWORKS = ("dcgan", "dense-2")  # those with a grid of rates: their maps are capped by the untrained generator's score
UNTRAINED = "untrained {}"


def load(path=PATH):
    """Read the landmarks.

    Args:
        path: the file that `make` wrote.

    Returns:
        A dict from a landmark to its scores, each a dict with the keys of `schema.METRICS`.

    Raises:
        ValueError: there is no such file, or it holds something else; said with how to mend it.
    """
    path = Path(path)
    mend = f"Mend it by getting the file anew: git checkout -- results/{path.name}"
    try:
        return json.loads(path.read_text(encoding="utf-8"))["landmarks"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"Landmarks {path}: expected JSON, found {type(error).__name__}: {error}. {mend}") from error


def make(path=PATH, networks=NETWORKS, count=IMAGES, name=DEFAULT_DATA):
    """Judge all landmarks and write them down, with what the numbers depend on.

    Args:
        path: file to write; one that is there is replaced, whole.
        networks: names out of `experiment.NETWORKS`, whose untrained generators are judged too.
        count: images of each landmark, from 20 to as many as a run is judged by.
        name: of `experiment.DATA`, the images that are real.

    Returns:
        What `load` reads.
    """
    from study import datasets, machine  # TensorFlow: only where landmarks are made

    found = {landmark: datasets.score(name, images) for landmark, images in draw(count, networks, name)}
    text = {"images": count, "seed": SEED, "provenance": machine.provenance(), "landmarks": found}
    path = Path(path)
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    draft.write_text(json.dumps(text, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    os.replace(draft, path)
    return found


def real_gaps(size=100, pairs=200):
    """Mean and variance gap between two batches of real images, on average: what chance alone costs (notebook 01).

    Args:
        size: images of a batch.
        pairs: how many pairs of batches, all disjoint.

    Returns:
        `(mean_gap, variance_gap)`, unweighted, of training images.
    """
    from helpers import data, losses  # TensorFlow: only where they are computed

    images = data.load_mnist().train_images
    batches = np.random.default_rng(SEED).permutation(len(images))[: 2 * size * pairs].reshape(pairs, 2, size)
    gaps = [losses.moment_gaps(images[one], images[other]) for one, other in batches]
    return tuple(float(gap) for gap in np.mean(gaps, axis=0))


def draw(count=IMAGES, networks=NETWORKS, name=DEFAULT_DATA):
    """Yield each landmark's name and its images, float32 (count, *image shape) in [-1, 1]; seeded."""
    from study import datasets

    train = datasets.train_images(name)
    yield "floor", train[:count]
    for landmark, sample in {"noise": noise, "shuffled pixels": shuffled, "Gaussian cloud": cloud}.items():
        yield landmark, sample(train, count, np.random.default_rng(SEED))
    for network in networks:
        yield UNTRAINED.format(network), untrained(network, count, train.shape[1:])


def noise(train, count, rng):
    """Every pixel uniform on [-1, 1]: float32 (count, *image shape)."""
    return rng.uniform(-1, 1, (count, *train.shape[1:])).astype(np.float32)


def shuffled(train, count, rng):
    """Every pixel of every image from a training image of its own: float32 (count, *image shape)."""
    rows = rng.integers(0, len(train), (count, *train.shape[1:]))
    return np.take_along_axis(train, rows, axis=0)


def cloud(train, count, rng):
    """A normal distribution with the training images' mean and covariance, clipped: float32 (count, *image shape)."""
    pixels = train.reshape(len(train), -1).astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(pixels, rowvar=False))
    root = vectors * np.sqrt(np.clip(values, 0, None))  # root @ root.T is the covariance; always-black pixels: 0
    draws = pixels.mean(axis=0) + rng.normal(size=(count, len(values))) @ root.T
    return np.clip(draws, -1, 1).astype(np.float32).reshape(count, *train.shape[1:])


def untrained(network, count, image_shape):
    """What a generator draws before its first step, from the noise that its runs are judged by."""
    from helpers import data

    from study import networks

    generator = networks.build(network, random.Random(SEED), image_shape=image_shape)[0]
    latents = data.draw_latents(count, data.JUDGED_LATENTS, SEED)
    return np.clip(generator.predict(latents, batch_size=1000, verbose=0), -1, 1)
