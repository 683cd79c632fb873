"""The network that judges drawn faces: it reads their attributes, and its features give the distances.

python -m study.face_judge    # trains on faces that no GAN sees, writes the weights and what they reach
"""

import functools
from pathlib import Path

from helpers import classifier, data, metrics
from helpers.metrics import spread
import keras
from keras import layers
import numpy as np

from study import faces

READ = ("hair", "skin", "mouth", "beard", "glasses")  # attributes that every face shows
FEATURE_DIM = 64
FIRST, COUNT = 100_000, 12_000  # numbers of the faces that it learns from: none of those that are judged
SEED, EPOCHS, BATCH_SIZE = 0, 12, 100
WEIGHTS_PATH = Path(__file__).with_name("face_judge.weights.h5")
CARD_PATH = Path(__file__).with_name("face_judge.json")


def build() -> keras.Model:
    """Return the untrained network: images (batch, 32, 32, 3) in [-1, 1] to attributes and features.

    Returns:
        A `keras.Model` with one output of log-odds for each name in `READ`, in order, and after them
        non-negative features (batch, 64). Float32.
    """
    pinned = {"dtype": "float32"}
    convolution = {"padding": "same", "activation": "relu", "data_format": "channels_last", **pinned}
    images = keras.Input(faces.SHAPE, name="image", **pinned)
    x = layers.Conv2D(16, 3, **convolution)(images)
    for channels in (32, 64, 64):
        x = layers.Conv2D(channels, 3, strides=2, **convolution)(x)
    x = layers.Dropout(0.2, **pinned)(layers.Flatten(data_format="channels_last", **pinned)(x))
    features = layers.Dense(FEATURE_DIM, activation="relu", name="features", **pinned)(x)
    outputs = [layers.Dense(len(faces.ATTRIBUTES[name]), name=name, **pinned)(features) for name in READ]
    return keras.Model(images, [*outputs, features], name="face_judge")


@functools.cache
def load() -> keras.Model:
    """Return the trained network that ships with the repository.

    Raises:
        ValueError: the weights are missing or not those that its card describes.
    """
    return classifier.load_trained(build(), WEIGHTS_PATH, _card())


def _card():
    return classifier.load_card(CARD_PATH, "feature_size")


def read(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read images as faces.

    Args:
        images: float32 (n, 32, 32, 3) in [-1, 1].

    Returns:
        `(hair, features)`: int (n,), the kind of hair, 0 to 9, and float64 (n, 64), non-negative, in units
        of their root mean square over drawn faces.

    Raises:
        ValueError: images of a wrong shape, dtype or range, or none.
    """
    images = data.check_images(images, fewest=1, shape=faces.SHAPE)
    hair, *_, features = load().predict(images, batch_size=1000, verbose=0)
    return np.argmax(hair, axis=1), features.astype(np.float64) / _card()["feature_size"]


def judge(images: np.ndarray) -> dict[str, float]:
    """Judge images against the first of the 2,000 faces that nothing was trained on, as many as there are images.

    Args:
        images: float32 (n, 32, 32, 3) in [-1, 1], 20 <= n <= 2,000.

    Returns:
        A dict with the keys of `helpers.metrics.NAMES` and variance_ratio: what those mean for digits, in this
        network's features. In place of the ten digits stand the ten kinds of hair. Not comparable with the
        distances of digits.

    Raises:
        ValueError: images of a wrong shape, dtype or range, or a wrong number of them.
    """
    if not 2 * metrics.KERNEL_BLOCKS <= len(images) <= faces.TEST_FACES:
        raise ValueError(f"Faces to judge: expected 20 to {faces.TEST_FACES:,}, found {len(images)}.")
    hair, fake = read(images)
    scores = metrics.judge_reading(hair, fake, real_features()[: len(fake)])
    return {**scores, metrics.RATIO: spread(images) / training_spread()}


@functools.cache
def real_features() -> np.ndarray:
    """Features of the faces to judge by, float64 (2,000, 64), read once."""
    return read(faces.load().test_images)[1]


@functools.cache
def training_spread() -> float:
    """`spread` of the faces that GANs train on."""
    return spread(faces.load().train_images)


def train() -> tuple[keras.Model, dict]:
    """Train on faces of their own.

    Returns:
        The network, and of the 2,000 faces the accuracy for each attribute and the root mean square of the features.
    """
    keras.utils.set_random_seed(SEED)
    pixels, attributes = faces.draw(range(FIRST, FIRST + COUNT))
    model = build()
    decay = keras.optimizers.schedules.CosineDecay(2e-3, EPOCHS * COUNT // BATCH_SIZE)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(decay), loss=[*[loss] * len(READ), None])
    wanted = [attributes[name] for name in READ]
    model.fit(data.scale(pixels), [*wanted, None], batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=2)
    *found, features = model.predict(faces.load().test_images, batch_size=1000, verbose=0)
    truth = faces.load().test_attributes
    right = {
        name: float(np.mean(logits.argmax(axis=1) == truth[name])) for name, logits in zip(READ, found, strict=True)
    }
    return model, {"test_accuracy": right, "feature_size": float(np.sqrt(np.mean(features**2, dtype=float)))}


def main() -> None:
    """Train, then write the weights and their card."""
    model, reached = train()
    facts = {"test_faces": faces.TEST_FACES, "train_faces": COUNT, "seed": SEED, "epochs": EPOCHS}
    classifier.save_trained(build(), model, WEIGHTS_PATH, CARD_PATH, **reached, **facts)
    print(reached, f"{WEIGHTS_PATH.stat().st_size / 1e3:.0f} kB of weights")


if __name__ == "__main__":
    main()
