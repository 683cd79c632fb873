"""The images: MNIST as the study uses it, and the batches that training sees. Taught in notebook 01."""

import functools
import hashlib
import io
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pandas as pd

DATA = Path(__file__).resolve().parent.parent / "data"
MNIST_PATH = DATA / "mnist.npz"
IMAGE_SHAPE = (28, 28, 1)
VALIDATION_IMAGES = 5000

# SHA-256 of the bytes of each array of MNIST (LeCun, Cortes and Burges), uint8 throughout.
MNIST_SHA256 = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}

# What a stream of random numbers is for; each has its own, so that none disturbs another.
ORDER, NOISE, JUDGED_LATENTS, FIXED_LATENTS, DROPOUT, PROBED_LATENTS = range(6)


class MNIST(NamedTuple):
    """The split of the study. Images: float32 (n, 28, 28, 1) in [-1, 1]; labels: uint8 (n,)."""

    train_images: np.ndarray
    train_labels: np.ndarray
    validation_images: np.ndarray
    validation_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_mnist(path: Path = MNIST_PATH) -> MNIST:
    """Load MNIST from the archive that travels with the repository, once a process.

    Args:
        path: an .npz with uint8 arrays x_train, y_train, x_test and y_test.

    Returns:
        An `MNIST`: 55,000 training images (all but the first 5,000), those 5,000 for
        validation, and the 10,000 test images. All who ask share the arrays, so they are read-only.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the archive is damaged, or its arrays are not MNIST (by their SHA-256).
    """
    return _load_mnist(Path(path))


@functools.cache
def _load_mnist(path):
    arrays = _read_archive(path)
    train_images, test_images = scale(arrays["x_train"]), scale(arrays["x_test"])
    train_labels = arrays["y_train"]
    for array in (train_images, train_labels, test_images, arrays["y_test"]):
        array.flags.writeable = False
    return MNIST(
        train_images=train_images[VALIDATION_IMAGES:],
        train_labels=train_labels[VALIDATION_IMAGES:],
        validation_images=train_images[:VALIDATION_IMAGES],
        validation_labels=train_labels[:VALIDATION_IMAGES],
        test_images=test_images,
        test_labels=arrays["y_test"],
    )


def scale(pixels: np.ndarray) -> np.ndarray:
    """Map uint8 pixels (n, height, width[, 3]) from [0, 255] to float32 (n, height, width, 1 or 3) in [-1, 1].

    Raises:
        ValueError: not uint8 of that shape.
    """
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8 or not (pixels.ndim == 3 or (pixels.ndim == 4 and pixels.shape[-1] == 3)):
        raise ValueError(
            f"Pixels: expected uint8 of shape (n, height, width[, 3]), found {pixels.dtype} {pixels.shape}. "
            "Mend it by giving the bytes as they are stored."
        )
    images = pixels.astype(np.float32) / 127.5 - 1.0
    return images if images.ndim == 4 else images[..., None]


def unscale(images: np.ndarray) -> np.ndarray:
    """Map float images (n, height, width, 1 or 3) in [-1, 1] to uint8 (n, height, width[, 3]) in [0, 255].

    Raises:
        ValueError: not floats of that shape, or a pixel that is NaN or outside [-1, 1].
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or images.dtype.kind != "f":
        raise ValueError(
            f"Images: expected floats of shape (n, height, width, 1 or 3), found {images.dtype} {images.shape}. "
            "Mend it with data.scale."
        )
    _check_range(images)
    images = images[..., 0] if images.shape[-1] == 1 else images
    return np.rint((images + 1.0) * 127.5).astype(np.uint8)


def _check_range(images):
    if images.size and not (images.min() >= -1.0 and images.max() <= 1.0):
        raise ValueError(
            f"Images: expected pixels in [-1, 1], found [{images.min():.3g}, {images.max():.3g}]. "
            "Mend it with data.scale for pixels in [0, 255], or 2 * images - 1 for [0, 1]."
        )


def _read_archive(path):
    """Return the four arrays of the archive, checked one by one against their hashes."""
    mend = "Mend it by getting data/mnist.npz anew: git checkout -- data/mnist.npz, or unpack the downloaded zip again."
    if not path.is_file():
        raise FileNotFoundError(f"MNIST archive expected at {path}, nothing found there. {mend}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # a damaged zip raises one of many types
        raise ValueError(
            f"MNIST archive {path}: expected a readable .npz, found a damaged one ({type(error).__name__}). {mend}"
        ) from error
    for name, expected in MNIST_SHA256.items():
        if name not in arrays:
            raise ValueError(f"MNIST archive {path}: array {name} expected, not found. {mend}")
        shape = (*(arrays[name].shape[:1] or ("n",)), *(IMAGE_SHAPE[:2] if name.startswith("x") else ()))
        if arrays[name].dtype != np.uint8 or arrays[name].shape != shape:
            raise ValueError(
                f"MNIST archive {path}: array {name} expected as uint8 of shape {shape}, "
                f"found {arrays[name].dtype} of shape {arrays[name].shape}. {mend}"
            )
        found = hashlib.sha256(np.ascontiguousarray(arrays[name]).tobytes()).hexdigest()
        if found != expected:
            raise ValueError(
                f"MNIST archive {path}: array {name} expected with SHA-256 {expected[:12]}…, "
                f"found {found[:12]}…. {mend}"
            )
    return arrays


def check_images(images: np.ndarray, fewest: int = 0, shape: tuple[int, int, int] = IMAGE_SHAPE) -> np.ndarray:
    """Return `images` if they are what every function here expects, else say what is wrong.

    Args:
        images: float32 (n, *shape) in [-1, 1].
        fewest: how many there must be at least.
        shape: height, width and channels of an image.

    Raises:
        ValueError: not float32, not of that shape, a pixel outside [-1, 1] or NaN, or too few.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1:] != tuple(shape):
        raise ValueError(
            f"Images: expected shape (n, {', '.join(map(str, shape))}), found {images.shape}. "
            "Mend it with data.scale, which takes bytes as they are stored."
        )
    if images.dtype != np.float32:
        raise ValueError(
            f"Images: expected dtype float32, found {images.dtype}. "
            "Mend it with data.scale for uint8 pixels, or images.astype('float32')."
        )
    if len(images) < fewest:
        raise ValueError(f"Images: expected {fewest} or more, found {len(images)}.")
    _check_range(images)
    return images


def check_batch_size(batch_size: int, images: int) -> int:
    """Return `batch_size` if batches of so many can be made of so many images, else raise a ValueError."""
    if not 2 <= batch_size <= images:
        raise ValueError(
            f"Batch size: expected 2 to {images} (the number of images), found "
            f"{batch_size}. A batch of one has no variance; one beyond the data has no images."
        )
    return batch_size


def draw_latents(count: int, *key: int, latent_dim: int = 100) -> np.ndarray:
    """Draw noise: float32 (count, latent_dim), uniform on [-1, 1), the same for the same key.

    Args:
        count: number of noise vectors.
        key: integers >= 0 that name the draw: a stream above, then for instance seed and epoch.
        latent_dim: length of one vector.
    """
    generator = np.random.default_rng(key)
    return generator.random((count, latent_dim), dtype=np.float32) * 2.0 - 1.0


def plan_epoch(images: int, batch_size: int, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """The order of the images and the noise of one epoch, the same for the same seed and epoch.

    Args:
        images: how many there are; as many as fill whole batches are used.
        batch_size: images a step.
        seed, epoch: integers >= 0.

    Returns:
        `(order, latents)`: int64 (n,), numbers of images, and float32 (n, 100) in [-1, 1).
    """
    count = images // check_batch_size(batch_size, images) * batch_size
    order = np.random.default_rng((ORDER, seed, epoch)).permutation(images)[:count]
    return order, draw_latents(count, NOISE, seed, epoch)


def dropout_state(seed: int, epoch: int) -> np.ndarray:
    """State of Keras' seed generator that dropout has at the start of an epoch: uint32 (2,)."""
    return np.array([np.random.SeedSequence((DROPOUT, seed, epoch)).generate_state(1)[0], 0], np.uint32)


def fixed_latents(count: int = 40) -> np.ndarray:
    """The noise behind every sample grid of the series: float32 (count, 100) in [-1, 1)."""
    return draw_latents(count, FIXED_LATENTS)


def load_author_log(path: Path = DATA / "author_test3.csv") -> pd.DataFrame:
    """Load the losses that the author of the 2017 study logged for test 3.

    Returns:
        A DataFrame, one row an arm and epoch (20 each): learning_rate, moment_weight, epoch,
        discriminator_loss, generator_loss (penalty included), weighted_mean_gap and
        weighted_variance_gap, each of the epoch's last batch in training mode.

    Raises:
        ValueError: the file is not whole.
    """
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    log = pd.read_csv(io.StringIO(text)) if text.strip() else pd.DataFrame()
    whole = {"moment_weight", "epoch"} <= set(log) and text.endswith("\n")
    counts = log.groupby("moment_weight")["epoch"].nunique().to_dict() if whole else {}
    if counts != {0.0: 20, 0.1: 20}:
        raise ValueError(
            f"The author's log {path}: expected 20 epochs for each weight 0.0 and 0.1, found {counts}. "
            "Mend it by getting the file anew: git checkout -- data/author_test3.csv, or unpack the zip again."
        )
    return log


class Batches(keras.utils.PyDataset):
    """Pairs `(images, latents)` for `fit`: real images in a new order every epoch, and noise.

    Order and noise of an epoch depend on (seed, epoch) alone, so a resumed run sees what an
    uninterrupted one would have seen, and the two arms of a pair see the same.

    Args:
        images: float32 (n, *shape) in [-1, 1].
        batch_size: images a step, 2 <= batch_size <= n; a last incomplete batch is left out.
        seed: integer >= 0.
        first_epoch: number of the first epoch to serve, counted from 0.
        shape: height, width and channels of an image.

    Raises:
        ValueError: images of a wrong kind, or a batch size out of range.
    """

    def __init__(self, images, batch_size=100, seed=0, first_epoch=0, shape=IMAGE_SHAPE):
        super().__init__()
        self.images = check_images(images, shape=shape)
        self.batch_size, self.seed = check_batch_size(batch_size, len(images)), seed
        self._next_epoch = first_epoch
        self._plan = self._plan_epoch(first_epoch)

    def _plan_epoch(self, epoch):
        return plan_epoch(len(self.images), self.batch_size, self.seed, epoch)

    def __len__(self):
        return len(self.images) // self.batch_size

    def __getitem__(self, step):
        order, latents = self._plan
        rows = slice(step * self.batch_size, (step + 1) * self.batch_size)
        return self.images[order[rows]], latents[rows]

    def on_epoch_begin(self):
        """Called by Keras before each epoch: plan it."""
        self._plan = self._plan_epoch(self._next_epoch)
        self._next_epoch += 1
