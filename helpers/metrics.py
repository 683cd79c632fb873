"""How good are generated images? Distances to real ones, in the digit classifier's features. Taught in notebook 05.

A Fréchet distance in these features is not comparable with published Inception FIDs.
"""

import functools

from helpers import classifier, data
import numpy as np
from scipy import linalg, special
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors

NEIGHBOURS = 5
KERNEL_BLOCKS = 10
DIGIT_SHARE = 0.01

NAMES = (
    "frechet_distance",
    "kernel_distance",
    "kernel_distance_error",
    "precision",
    "recall",
    "density",
    "coverage",
    "digits_covered",
    "label_entropy",
)

RATIO = "variance_ratio"


def judge(images: np.ndarray) -> dict[str, float]:
    """Judge images against the first test images of MNIST, as many as there are images.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1], 20 <= n <= 10,000.

    Returns:
        A dict with the keys of `NAMES`, all floats.

    Raises:
        ValueError: images of a wrong shape, dtype or range, or a wrong number of them.
    """
    images = data.check_images(images)
    if not 2 * KERNEL_BLOCKS <= len(images) <= 10_000:
        raise ValueError(f"Images to judge: expected 20 to 10,000, found {len(images)}.")
    return judge_reading(*classifier.classify(images))


def judge_reading(labels: np.ndarray, fake: np.ndarray, real: np.ndarray | None = None) -> dict[str, float]:
    """`judge` images by what a classifier read on them.

    Args:
        labels: int (n,), of ten classes.
        fake: float (n, d), the images' features.
        real: float (n, d), features of real images; without them those of MNIST's first n test images.
    """
    radii = _real_radii(len(fake)) if real is None else None
    real = real_features()[: len(fake)] if real is None else real
    kernel, kernel_error = kernel_distance(fake, real)
    return {
        "frechet_distance": frechet_distance(fake, real),
        "kernel_distance": kernel,
        "kernel_distance_error": kernel_error,
        **neighbourhood_scores(fake, real, real_radii=radii),
        "digits_covered": float(digits_covered(labels)),
        "label_entropy": label_entropy(labels),
    }


def judge_quickly(images: np.ndarray) -> dict[str, float]:
    """Judge a few images against all test images, by the metrics that few images suffice for.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1], n >= 2. The Fréchet distance of fewer images
            is larger for chance alone: compare only what was judged with the same n.

    Returns:
        A dict with frechet_distance, digits_covered and label_entropy, all floats.

    Raises:
        ValueError: images of a wrong shape, dtype or range, or fewer than two.
    """
    labels, fake = classifier.classify(data.check_images(images, fewest=2))
    return {
        "frechet_distance": frechet_distance(fake, real_features()),
        "digits_covered": float(digits_covered(labels)),
        "label_entropy": label_entropy(labels),
    }


def variance_ratio(images: np.ndarray) -> float:
    """Summed per-pixel variance of images over that of the training images: 1 at equal spread.

    Args:
        images: float32 (n, 28, 28, 1) in [-1, 1], n >= 2.

    Returns:
        Float >= 0, from unbiased variances.

    Raises:
        ValueError: images of a wrong shape, dtype or range, or fewer than two.
    """
    return spread(data.check_images(images, fewest=2)) / training_spread()


@functools.cache
def training_spread() -> float:
    """Summed per-pixel variance of the training images, unbiased."""
    return spread(data.load_mnist().train_images)


def spread(images: np.ndarray) -> float:
    """Summed unbiased variance of each pixel and channel over images (n, ...), n >= 2."""
    return float(np.var(images, axis=0, ddof=1, dtype=np.float64).sum())


@functools.cache
def real_features() -> np.ndarray:
    """Features of all test images, float64 (10,000, 64), read once."""
    return classifier.classify(data.load_mnist().test_images)[1]


def frechet_distance(fake: np.ndarray, real: np.ndarray) -> float:
    """Fréchet distance between two sets of features, each read as a Gaussian.

    Args:
        fake, real: float (n, d) and (m, d), n and m >= 2.

    Returns:
        Float >= 0: |mu - mu'|^2 + tr(S + S' - 2 (S S')^(1/2)) with unbiased covariances
        (Heusel et al., 2017). The last trace is summed from the eigenvalues of the symmetric
        S^(1/2) S' S^(1/2), which stays real when a collapsed generator makes S singular.
    """
    fake_covariance, real_covariance = np.cov(fake, rowvar=False), np.cov(real, rowvar=False)
    values, vectors = linalg.eigh(real_covariance)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    cross = np.clip(linalg.eigvalsh(root @ fake_covariance @ root), 0.0, None)
    shift = np.sum((fake.mean(axis=0) - real.mean(axis=0)) ** 2)
    spread = np.trace(fake_covariance) + np.trace(real_covariance) - 2.0 * np.sqrt(cross).sum()
    return float(max(shift + spread, 0.0))


def kernel_distance(fake: np.ndarray, real: np.ndarray, blocks: int = KERNEL_BLOCKS) -> tuple[float, float]:
    """Unbiased kernel distance (KID) and its standard error over disjoint blocks.

    Args:
        fake, real: float (n, d) each; the blocks take equal numbers of both, in order.
        blocks: how many disjoint blocks; with one block there is no standard error.

    Returns:
        `(distance, standard_error)`: the mean over blocks of the unbiased squared maximum mean
        discrepancy under the kernel (x.y / d + 1)^3, which can be slightly negative
        (Bińkowski et al., 2018), and the blocks' standard deviation / sqrt(blocks), or NaN.
    """
    pairs = zip(np.array_split(fake, blocks), np.array_split(real, blocks), strict=True)
    values = np.array([_squared_discrepancy(x, y) for x, y in pairs])
    error = values.std(ddof=1) / np.sqrt(blocks) if blocks > 1 else np.nan
    return float(values.mean()), float(error)


def _squared_discrepancy(x, y):
    """Unbiased MMD^2 of two sets of features under the polynomial kernel."""

    def kernel(a, b):
        return (a @ b.T / a.shape[1] + 1.0) ** 3

    def mean_off_diagonal(matrix):
        count = len(matrix)
        return (matrix.sum() - np.trace(matrix)) / (count * (count - 1))

    within = mean_off_diagonal(kernel(x, x)) + mean_off_diagonal(kernel(y, y))
    return within - 2.0 * kernel(x, y).mean()


def neighbourhood_scores(
    fake: np.ndarray,
    real: np.ndarray,
    neighbours: int = NEIGHBOURS,
    real_radii: np.ndarray | None = None,
) -> dict[str, float]:
    """Improved precision and recall, density and coverage.

    Args:
        fake, real: float (n, d) and (m, d), both with more rows than `neighbours`.
        neighbours: k >= 1, the neighbour that sets the radius of each point's ball.
        real_radii: float (m,), the radii of the real points' balls, if they are known.

    Returns:
        A dict: precision and recall, the share of fake (real) points inside a ball of the other
        set (Kynkäänniemi et al., 2019); density, how many real balls a fake point lies in, over k
        (it can exceed 1), and coverage, the share of real balls that hold a fake point
        (Naeem et al., 2020). For a point exactly on a rim, such as a copy of a real one, rounding decides.
    """
    real_radii = _radii(real, neighbours) if real_radii is None else real_radii
    fake_radii = _radii(fake, neighbours)

    balls, recalled, covered = [], False, False
    for distances in pairwise_distances_chunked(fake, real, working_memory=256):
        # A slab of the full matrix: some fake points (rows) against all real ones (columns).
        in_real_ball = distances < real_radii
        rows = slice(len(balls), len(balls) + len(distances))
        in_fake_ball = distances < fake_radii[rows, None]
        balls.extend(in_real_ball.sum(axis=1))
        recalled |= in_fake_ball.any(axis=0)
        covered |= in_real_ball.any(axis=0)
    return {
        "precision": float(np.mean(np.array(balls) > 0)),
        "recall": float(np.mean(recalled)),
        "density": float(np.mean(balls) / neighbours),
        "coverage": float(np.mean(covered)),
    }


@functools.cache
def _real_radii(count):
    """Radii of the first `count` test images' balls, found once, as every judgement needs them."""
    return _radii(real_features()[:count], NEIGHBOURS)


def _radii(points, neighbours):
    """Distance of each point to its k-th nearest other point."""
    search = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(points)
    return search.kneighbors()[0][:, -1]


def digits_covered(labels: np.ndarray) -> int:
    """Number of digits, 0 to 10, that at least 1 % of the images are read as."""
    shares = np.bincount(labels, minlength=10) / len(labels)
    return int(np.sum(shares >= DIGIT_SHARE))


def label_entropy(labels: np.ndarray) -> float:
    """Entropy in nats of the digits that images are read as: 0 if all alike, at most ln 10."""
    return float(special.entr(np.bincount(labels, minlength=10) / len(labels)).sum())
