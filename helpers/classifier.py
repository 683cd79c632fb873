"""The digit classifier that judges generated images; run as a script, it trains itself.

python -m helpers.classifier    # trains on MNIST, writes the weights and what they reach
"""

import functools
import hashlib
import json
from pathlib import Path

from helpers import data
import keras
from keras import layers
import numpy as np

FEATURE_DIM = 64
WEIGHTS_PATH = Path(__file__).with_name("classifier.weights.h5")
CARD_PATH = Path(__file__).with_name("classifier.json")
SEED, EPOCHS, BATCH_SIZE = 0, 8, 128


def build_classifier() -> keras.Model:
    """Return the classifier: images (batch, 28, 28, 1) in [-1, 1] to digits and features.

    Returns:
        A `keras.Model` with two outputs: log-odds (batch, 10) of the digits and, from the layer
        before, non-negative features (batch, 64). Float32, 126,474 parameters.
    """
    pinned = {"dtype": "float32"}
    convolution = {"padding": "same", "activation": "relu", "data_format": "channels_last", **pinned}
    images = keras.Input(data.IMAGE_SHAPE, name="image", **pinned)
    x = layers.Conv2D(16, 3, **convolution)(images)
    x = layers.Conv2D(32, 3, strides=2, **convolution)(x)
    x = layers.Conv2D(64, 3, strides=2, **convolution)(x)
    x = layers.Conv2D(64, 3, strides=2, **convolution)(x)
    x = layers.Flatten(data_format="channels_last", **pinned)(x)
    x = layers.Dropout(0.3, **pinned)(x)
    features = layers.Dense(FEATURE_DIM, activation="relu", name="features", **pinned)(x)
    logits = layers.Dense(10, name="digit", **pinned)(layers.Dropout(0.3, **pinned)(features))
    return keras.Model(images, [logits, features], name="classifier")


@functools.cache
def load_classifier() -> keras.Model:
    """Return the trained classifier that ships with the repository.

    Raises:
        ValueError: the weights are missing or not those that its card describes.
    """
    return load_trained(build_classifier(), WEIGHTS_PATH, load_card(CARD_PATH, "test_accuracy"))


def load_trained(model: keras.Model, path: Path, card: dict) -> keras.Model:
    """Give a network the weights of a file; ValueError: it is missing or not the one that the card describes."""
    expected, found = card["sha256"], _sha256(path) if path.is_file() else "no file"
    if found != expected:
        raise ValueError(f"Weights {path}: expected SHA-256 {expected[:12]}…, found {found[:12]}…. {_mend(path)}")
    model.load_weights(path)
    return model


def load_card(path: Path, number: str) -> dict:
    """What is known of weights, from the JSON file beside them: their hash and a number; ValueError: not there."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        return {"sha256": str(card["sha256"]), number: float(card[number])}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"Card {path}: expected JSON with sha256 and {number}, found {type(error).__name__}: {error}. {_mend(path)}"
        ) from error


def _mend(path):
    place = f"{path.parent.name}/{path.name}"
    return f"Mend it by getting the file anew: git checkout -- {place}, or unpack the downloaded zip again."


def classify(images: np.ndarray, batch_size: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Read images as digits.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1].
        batch_size: images at a time; changes nothing but memory.

    Returns:
        `(labels, features)`: int (n,) in 0..9, and float64 (n, 64), non-negative.

    Raises:
        ValueError: images of a wrong shape, dtype or range, or none.
    """
    images = data.check_images(images, fewest=1)
    logits, features = load_classifier().predict(images, batch_size=batch_size, verbose=0)
    return np.argmax(logits, axis=1), features.astype(np.float64)


def train() -> tuple[keras.Model, float]:
    """Train on the 55,000 training images, shifted by up to two pixels; return model and accuracy.

    The accuracy is the share of the 10,000 test images read right after the last epoch.
    """
    keras.utils.set_random_seed(SEED)
    mnist = data.load_mnist()
    model = build_classifier()
    steps = EPOCHS * (len(mnist.train_images) // BATCH_SIZE)
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)),
        loss=[keras.losses.SparseCategoricalCrossentropy(from_logits=True), None],
    )
    shifts = np.random.default_rng(SEED)
    for _ in range(EPOCHS):  # one `fit` an epoch: each sees the images shifted anew
        images = _shift(mnist.train_images, shifts)
        model.fit(images, [mnist.train_labels, None], batch_size=BATCH_SIZE, verbose=2)
    logits, _ = model.predict(mnist.test_images, batch_size=1000, verbose=0)
    return model, float(np.mean(np.argmax(logits, axis=1) == mnist.test_labels))


def _shift(images, generator, most=2):
    """Move each image by up to `most` pixels each way, filling with background (-1)."""
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), constant_values=-1.0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(1, 2))
    rows, columns = generator.integers(0, 2 * most + 1, (2, len(images)))
    return windows[np.arange(len(images)), rows, columns, 0][..., None]


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_trained(bare: keras.Model, trained: keras.Model, path: Path, card_path: Path, **card: object) -> None:
    """Write trained weights, from an untrained twin without the optimizer, which would triple the file, and a card."""
    bare.set_weights(trained.get_weights())
    bare.save_weights(path)
    card = {"sha256": _sha256(path), **card, "parameters": bare.count_params(), "keras": keras.__version__}
    card_path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Train, then write the weights and their card."""
    model, accuracy = train()
    facts = {"test_accuracy": accuracy, "test_images": 10000, "seed": SEED, "epochs": EPOCHS}
    save_trained(build_classifier(), model, WEIGHTS_PATH, CARD_PATH, **facts)
    print(f"Test accuracy {accuracy:.2%}, {WEIGHTS_PATH.stat().st_size / 1e3:.0f} kB of weights")


if __name__ == "__main__":
    main()
