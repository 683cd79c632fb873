"""The metrics against reference implementations, and the classifier whose features they use."""

import contextlib
import io
import json

import numpy as np
import prdc
import pytest
import scipy.stats
from reference import torch_fidelity_values as torch_fidelity
from scipy import linalg

from helpers import classifier, data, metrics

REFERENCE = json.loads(torch_fidelity.VALUES_PATH.read_text())
FEATURES = torch_fidelity.feature_sets()
REAL = FEATURES["real"]

SETS = {
    **{name: FEATURES[name] for name in REFERENCE["distances"]},
    "fewer": FEATURES["alike"][:200],
    "one point": np.repeat(REAL[:1] + 0.25, 600, axis=0),
    "two modes": np.concatenate([FEATURES["collapsed"][:300], FEATURES["shifted"][:300]]),
}


def reference_scores(fake, neighbours=5):
    with contextlib.redirect_stdout(io.StringIO()):  # it prints the sizes
        return prdc.compute_prdc(REAL, fake, neighbours)


@pytest.mark.parametrize("neighbours", [1, 5])
@pytest.mark.parametrize("name", SETS)
def test_neighbourhood_scores_are_those_of_prdc(name, neighbours):
    found = metrics.neighbourhood_scores(SETS[name], REAL, neighbours)
    assert found == pytest.approx(reference_scores(SETS[name], neighbours), abs=1e-12)


def test_scores_tell_a_collapse_from_a_good_set():
    good, bad = (metrics.neighbourhood_scores(FEATURES[name], REAL) for name in ("alike", "collapsed"))
    assert good["recall"] > 0.7 and good["coverage"] > 0.9
    assert bad["recall"] < 0.01 and bad["coverage"] < 0.01
    # Every fake lies in some real ball, so precision alone would praise the collapse.
    assert bad["precision"] == 1.0


def test_slabs_do_not_change_the_scores(monkeypatch):
    whole = metrics.neighbourhood_scores(FEATURES["alike"], REAL)
    chunks = metrics.pairwise_distances_chunked
    seen = []

    def small(*arguments, working_memory, **keywords):
        for distances in chunks(*arguments, working_memory=0.1, **keywords):
            seen.append(len(distances))
            yield distances

    monkeypatch.setattr(metrics, "pairwise_distances_chunked", small)
    assert metrics.neighbourhood_scores(FEATURES["alike"], REAL) == whole
    assert max(seen) < len(REAL)  # the slabs were small indeed


def test_feature_sets_are_those_of_the_reference():
    for name, mean in REFERENCE["means"].items():
        assert FEATURES[name].mean() == pytest.approx(mean, rel=1e-12), "NumPy's random streams changed"


@pytest.mark.parametrize("name", REFERENCE["distances"])
def test_distances_are_those_of_torch_fidelity(name):
    expected = REFERENCE["distances"][name]
    kernel, error = metrics.kernel_distance(FEATURES[name], REAL, blocks=1)
    assert metrics.frechet_distance(FEATURES[name], REAL) == pytest.approx(expected["frechet_distance"], rel=1e-6)
    assert kernel == pytest.approx(expected["kernel_distance"], rel=1e-9)
    assert np.isnan(error)


@pytest.mark.parametrize("scale", [1.0, 0.1, 3.0])
def test_frechet_distance_is_the_formula_with_a_matrix_root(scale):
    # Correlated and of full rank, where SciPy's matrix root can be trusted.
    generator = np.random.default_rng(0)
    fake, real = (generator.normal(size=(500, 16)) @ generator.normal(size=(16, 16)) for _ in range(2))
    fake = scale * fake + 0.5
    covariances = np.cov(fake.T), np.cov(real.T)
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((fake.mean(0) - real.mean(0)) ** 2) + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert metrics.frechet_distance(fake, real) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["real", "normal", "collapsed"])
def test_frechet_distance_of_a_set_to_itself_is_zero(name):
    features = FEATURES[name]
    assert metrics.frechet_distance(features, features.copy()) == pytest.approx(0.0, abs=1e-6)


def test_frechet_distance_of_a_shift_is_its_square():
    shift = np.linspace(-1.0, 2.0, REAL.shape[1])
    assert metrics.frechet_distance(REAL + shift, REAL) == pytest.approx(np.sum(shift**2), rel=1e-9)


def test_frechet_distance_of_two_lines_by_hand():
    # Variances 2 and 8 along one axis: (sqrt 8 - sqrt 2)^2 = 2, and the centres are 3 apart.
    fake = np.array([[-1.0, 0.0], [1.0, 0.0]])
    real = np.array([[1.0, 0.0], [5.0, 0.0]])
    assert metrics.frechet_distance(fake, real) == pytest.approx(9.0 + 2.0, abs=1e-9)


def test_frechet_distance_survives_fewer_points_than_features():
    fake = FEATURES["alike"][:20]  # a singular covariance
    found = metrics.frechet_distance(fake, REAL)
    assert np.isfinite(found) and found > metrics.frechet_distance(FEATURES["alike"], REAL)
    assert found == pytest.approx(metrics.frechet_distance(REAL, fake), rel=1e-6)


def test_kernel_distance_is_the_mean_over_blocks():
    fake = FEATURES["shifted"]
    blocks = [metrics.kernel_distance(fake[i : i + 100], REAL[i : i + 100], blocks=1)[0] for i in range(0, 600, 100)]
    distance, error = metrics.kernel_distance(fake, REAL, blocks=6)
    assert distance == pytest.approx(np.mean(blocks), rel=1e-12)
    assert error == pytest.approx(scipy.stats.sem(blocks), rel=1e-12)


def test_kernel_distance_of_one_distribution_is_zero_within_its_error():
    generator = np.random.default_rng(0)
    fake, real = np.maximum(generator.normal(size=(2, 2000, 64)), 0.0)
    distance, error = metrics.kernel_distance(fake, real)
    assert abs(distance) < 3 * error  # unbiased: half of such draws are negative
    assert metrics.kernel_distance(fake + 0.1, real)[0] > 10 * error


def test_kernel_distance_by_sums_written_out():
    fake, real = FEATURES["wider"][:7], REAL[:7]

    def kernel(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / 64 + 1) ** 3

    pairs = [(i, j) for i in range(7) for j in range(7)]
    within = sum(kernel(s[i], s[j]) for s in (fake, real) for i, j in pairs if i != j) / 42
    between = sum(kernel(fake[i], real[j]) for i, j in pairs) / 49
    assert metrics.kernel_distance(fake, real, blocks=1)[0] == pytest.approx(within - 2 * between, rel=1e-9)


@pytest.mark.parametrize(
    "counts", [[10] * 10, [100] + [0] * 9, [1, 2, 3, 4, 0, 0, 5, 6, 7, 8], [50, 50] + [0] * 8, [0] * 9 + [3]]
)
def test_label_entropy_is_scipys(counts):
    labels = np.repeat(np.arange(10), counts)
    assert metrics.label_entropy(labels) == pytest.approx(scipy.stats.entropy(counts), abs=1e-12)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([10] * 10, 10),
        ([991, 9] + [0] * 8, 1),  # 0.9 %
        ([990, 10] + [0] * 8, 2),  # 1 % exactly
        ([0] * 9 + [5], 1),
        ([297, 3] + [0] * 8, 2),
        ([9_901, 99] + [0] * 8, 1),
    ],
)
def test_a_digit_is_covered_from_one_percent_on(counts, expected):
    assert metrics.digits_covered(np.repeat(np.arange(10), counts)) == expected


def test_real_images_are_judged_as_good(mnist):
    judged = metrics.judge(mnist.train_images[:1000])
    assert tuple(judged) == metrics.NAMES
    assert all(type(value) is float for value in judged.values())
    assert judged["digits_covered"] == 10.0
    assert judged["label_entropy"] > 2.28  # of at most 2.303
    for name in ("precision", "recall", "coverage", "density"):
        assert judged[name] > 0.8, name
    assert abs(judged["kernel_distance"]) < 3 * judged["kernel_distance_error"]


def test_one_image_a_thousand_times_is_judged_as_a_collapse(mnist):
    judged = metrics.judge(np.repeat(mnist.train_images[:1], 1000, axis=0))
    good = metrics.judge(mnist.train_images[:1000])
    assert (judged["digits_covered"], judged["label_entropy"]) == (1.0, 0.0)
    assert judged["recall"] < 0.01 and judged["coverage"] < 0.02
    assert judged["frechet_distance"] > 20 * good["frechet_distance"]
    assert judged["kernel_distance"] > 20 * judged["kernel_distance_error"]


def test_noise_is_judged_as_no_digits(mnist):
    images = np.random.default_rng(0).uniform(-1, 1, (500, 28, 28, 1)).astype(np.float32)
    judged, good = metrics.judge(images), metrics.judge(mnist.train_images[:500])
    assert judged["coverage"] < 0.1 < 0.8 < good["coverage"]
    assert judged["frechet_distance"] > 20 * good["frechet_distance"]


def test_floor_is_the_judgement_of_training_images(mnist):
    assert metrics.floor(100) == metrics.judge(mnist.train_images[:100])


def test_judgement_is_against_as_many_test_images(mnist):
    fake = classifier.classify(mnist.train_images[:50])[1]
    real = classifier.classify(mnist.test_images[:50])[1]
    judged = metrics.judge(mnist.train_images[:50])
    assert judged["frechet_distance"] == pytest.approx(metrics.frechet_distance(fake, real), rel=1e-4)


@pytest.mark.parametrize("count", [0, 19, 10_001])
def test_wrong_number_of_images_to_judge(count):
    images = np.broadcast_to(np.float32(0.0), (count, 28, 28, 1))
    with pytest.raises(ValueError, match=f"Images to judge: expected 20 to 10,000, found {count}"):
        metrics.judge(images)


@pytest.mark.parametrize("judge", [metrics.judge, classifier.classify])
def test_wrong_images_are_refused(judge):
    with pytest.raises(ValueError, match="expected dtype float32, found float64"):
        judge(np.zeros((30, 28, 28, 1)))
    with pytest.raises(ValueError, match=r"expected shape \(n, 28, 28, 1\), found \(30, 28, 28\)"):
        judge(np.zeros((30, 28, 28), np.float32))
    with pytest.raises(ValueError, match=r"expected pixels in \[-1, 1\]"):
        judge(np.full((30, 28, 28, 1), 2, np.float32))


def test_classifier_reads_the_test_images(mnist):
    labels, features = classifier.classify(mnist.test_images)
    accuracy = np.mean(labels == mnist.test_labels)
    assert accuracy >= 0.99
    assert features.shape == (10_000, 64) and features.dtype == np.float64 and features.min() >= 0.0
    # Not to the last image: a machine that rounds otherwise may read one or two differently.
    card = json.loads(classifier.CARD_PATH.read_text())
    assert accuracy == pytest.approx(card["test_accuracy"], abs=2e-4)


def test_classifier_is_small_and_as_its_card_says():
    card = json.loads(classifier.CARD_PATH.read_text())
    assert classifier.WEIGHTS_PATH.stat().st_size < 1_000_000
    assert classifier.load_classifier().count_params() == card["parameters"]


def test_batches_do_not_change_what_is_read(mnist):
    one, other = (classifier.classify(mnist.test_images[:50], size) for size in (50, 7))
    assert np.array_equal(one[0], other[0])
    assert np.allclose(one[1], other[1], atol=1e-4)


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_wrong_classifier_weights_are_named(tmp_path, monkeypatch, damage):
    path = tmp_path / "classifier.weights.h5"
    if damage == "altered":
        stored = bytearray(classifier.WEIGHTS_PATH.read_bytes())
        stored[-1000] ^= 1
        path.write_bytes(stored)
    monkeypatch.setattr(classifier, "WEIGHTS_PATH", path)
    with pytest.raises(ValueError) as caught:
        classifier.load_classifier.__wrapped__()  # past the cache
    message = str(caught.value)
    expected = json.loads(classifier.CARD_PATH.read_text())["sha256"]
    assert str(path) in message and f"expected SHA-256 {expected[:12]}" in message
    assert ("no file" in message) == (damage == "missing")
    assert "Mend it with: git checkout -- helpers/classifier.weights.h5" in message


def test_classifier_training_shifts_move_whole_images(mnist):
    image = data.check_images(mnist.train_images[:200])
    shifted = classifier._shift(image, np.random.default_rng(0))
    assert shifted.shape == image.shape
    padded = np.pad(image[..., 0], ((0, 0), (2, 2), (2, 2)), constant_values=-1.0)
    offsets = [(row, column) for row in range(5) for column in range(5)]
    found = [
        {(r, c) for r, c in offsets if np.array_equal(shifted[i, :, :, 0], padded[i, r : r + 28, c : c + 28])}
        for i in range(200)
    ]
    assert all(found)
    assert len(set.union(*found)) == 25  # every shift there is


def test_a_quick_judgement_is_that_of_its_parts(mnist):
    images = mnist.train_images[:300]
    labels, features = classifier.classify(images)
    found = metrics.judge_quickly(images)
    assert tuple(found) == metrics.QUICK_NAMES
    real = classifier.classify(mnist.test_images)[1]
    assert found["frechet_distance"] == pytest.approx(metrics.frechet_distance(features, real), rel=1e-6)
    assert found["label_entropy"] == metrics.label_entropy(labels) and found["digits_covered"] == 10


def test_a_quick_judgement_of_a_collapsed_generator_is_a_number(mnist):
    found = metrics.judge_quickly(np.repeat(mnist.train_images[:1], 50, axis=0))
    assert np.isfinite(found["frechet_distance"]) and found["label_entropy"] == 0 and found["digits_covered"] == 1


def test_variance_ratio_of_training_images_is_one(mnist):
    assert metrics.variance_ratio(mnist.train_images) == pytest.approx(1.0, rel=1e-12)
    assert metrics.variance_ratio(mnist.test_images) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("scale", [0.0, 0.5, 0.9])
def test_variance_ratio_is_quadratic_in_the_spread(mnist, scale):
    images = mnist.train_images[:1000]
    mean = images.mean(axis=0)
    expected = scale**2 * metrics.variance_ratio(images)
    assert metrics.variance_ratio(mean + scale * (images - mean)) == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_variance_ratio_says_what_is_wrong():
    with pytest.raises(ValueError, match="Images: expected"):
        metrics.variance_ratio(np.zeros((4, 28, 28), np.float32))
