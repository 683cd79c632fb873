"""The metrics against reference implementations, and the classifier whose features they use."""

import contextlib
import io
import json

from helpers import classifier, metrics
import keras
import numpy as np
import prdc
import pytest
from reference import torch_fidelity_values as torch_fidelity
from scipy import linalg, stats

REFERENCE = json.loads(torch_fidelity.VALUES_PATH.read_text())
FEATURES = torch_fidelity.feature_sets()
REAL = FEATURES["real"]

SETS = {
    **{name: FEATURES[name] for name in REFERENCE["distances"]},
    "fewer": FEATURES["alike"][:200],
    "one point": np.repeat(REAL[:1] + 0.25, 600, axis=0),
    "two modes": np.concatenate([FEATURES["collapsed"][:300], FEATURES["shifted"][:300]]),
}


@pytest.mark.parametrize("neighbours", [1, 5])
@pytest.mark.parametrize("name", SETS)
def test_neighbourhood_scores_are_those_of_prdc_whatever_the_slabs(monkeypatch, name, neighbours):
    with contextlib.redirect_stdout(io.StringIO()):  # it prints the sizes
        expected = prdc.compute_prdc(REAL, SETS[name], neighbours)
    whole = metrics.neighbourhood_scores(SETS[name], REAL, neighbours)
    assert whole == pytest.approx(expected, abs=1e-12)
    slabs = list(metrics.pairwise_distances_chunked(SETS[name], REAL, working_memory=0.1))
    monkeypatch.setattr(metrics, "pairwise_distances_chunked", lambda *given, working_memory: slabs)
    assert metrics.neighbourhood_scores(SETS[name], REAL, neighbours) == whole and len(slabs) > 1


@pytest.mark.parametrize("name", REFERENCE["distances"])
def test_distances_are_those_of_torch_fidelity(name):
    assert FEATURES[name].mean() == pytest.approx(REFERENCE["means"][name], rel=1e-12), "NumPy's random streams changed"
    expected = REFERENCE["distances"][name]
    kernel, error = metrics.kernel_distance(FEATURES[name], REAL, blocks=1)
    assert metrics.frechet_distance(FEATURES[name], REAL) == pytest.approx(expected["frechet_distance"], rel=1e-6)
    assert kernel == pytest.approx(expected["kernel_distance"], rel=1e-9) and np.isnan(error)


def test_distances_are_a_formula_with_a_matrix_root_and_a_mean_over_blocks():
    # Correlated and of full rank, where SciPy's matrix root can be trusted.
    generator = np.random.default_rng(0)
    fake, real = (generator.normal(size=(500, 16)) @ generator.normal(size=(16, 16)) for _ in range(2))
    fake = 0.1 * fake + 0.5
    covariances = np.cov(fake.T), np.cov(real.T)
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.sum((fake.mean(0) - real.mean(0)) ** 2) + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert metrics.frechet_distance(fake, real) == pytest.approx(expected, rel=1e-9)
    fake = FEATURES["alike"][:20]  # fewer points than features: a singular covariance
    found = metrics.frechet_distance(fake, REAL)
    assert np.isfinite(found) and found > metrics.frechet_distance(FEATURES["alike"], REAL)
    assert found == pytest.approx(metrics.frechet_distance(REAL, fake), rel=1e-6)
    assert metrics.frechet_distance(fake, fake.copy()) == pytest.approx(0.0, abs=1e-6)
    fake = FEATURES["shifted"]
    blocks = [metrics.kernel_distance(fake[i : i + 100], REAL[i : i + 100], blocks=1)[0] for i in range(0, 600, 100)]
    distance, error = metrics.kernel_distance(fake, REAL, blocks=6)
    assert distance == pytest.approx(np.mean(blocks), rel=1e-12)
    assert error == pytest.approx(stats.sem(blocks), rel=1e-12)


def test_digits_are_counted_from_one_percent_on_and_their_entropy_is_scipys():
    counts = {10: [10] * 10, 1: [991, 9] + [0] * 8, 2: [990, 10] + [0] * 8, 7: [0, 2, 3, 4, 0, 0, 5, 6, 7, 8]}
    for covered, shares in counts.items():
        labels = np.repeat(np.arange(10), shares)
        assert metrics.digits_covered(labels) == covered
        assert metrics.label_entropy(labels) == pytest.approx(stats.entropy(shares), abs=1e-12)


def test_real_images_are_judged_as_good_and_of_equal_spread_a_collapse_and_noise_as_bad(mnist):
    images = mnist.train_images[:500]
    random = np.random.default_rng(0).uniform(-1, 1, images.shape).astype(np.float32)
    good, one, noise = map(metrics.judge, (images, np.repeat(images[:1], 500, axis=0), random))
    assert tuple(good) == metrics.NAMES and all(type(value) is float for value in good.values())
    assert good["digits_covered"] == 10.0 and good["label_entropy"] > 2.28  # of at most 2.303
    assert min(good[name] for name in ("precision", "recall", "coverage", "density")) > 0.8
    assert abs(good["kernel_distance"]) < 3 * good["kernel_distance_error"]
    assert (one["digits_covered"], one["label_entropy"]) == (1.0, 0.0)
    assert one["recall"] < 0.01 and one["coverage"] < 0.02 and noise["coverage"] < 0.1
    assert one["kernel_distance"] > 20 * one["kernel_distance_error"]
    assert min(one["frechet_distance"], noise["frechet_distance"]) > 20 * good["frechet_distance"]
    # The ratio of variances is one at equal spread, and quadratic.
    assert metrics.variance_ratio(mnist.train_images) == pytest.approx(1.0, rel=1e-12)
    mean = images.mean(axis=0)
    for scale in (0.0, 0.5):
        expected = scale**2 * metrics.variance_ratio(images)
        assert metrics.variance_ratio(mean + scale * (images - mean)) == pytest.approx(expected, rel=1e-5, abs=1e-12)


def test_judgements_are_those_of_their_parts(mnist):
    images = mnist.train_images[:50]
    labels, fake = classifier.classify(images)
    real = metrics.real_features()
    judged, quick = metrics.judge(images), metrics.judge_quickly(images)
    # Against as many test images, and against all of them. Batches of another size round otherwise.
    assert judged["frechet_distance"] == pytest.approx(metrics.frechet_distance(fake, real[:50]), rel=1e-4)
    assert quick["frechet_distance"] == pytest.approx(metrics.frechet_distance(fake, real), rel=1e-4)
    assert tuple(quick) == ("frechet_distance", "digits_covered", "label_entropy")
    for found in (judged, quick):
        assert found["label_entropy"] == metrics.label_entropy(labels) and found["digits_covered"] == 10
    assert np.isfinite(metrics.judge_quickly(np.repeat(images[:1], 2, axis=0))["frechet_distance"])


FEWEST = [(metrics.judge, 20), (classifier.classify, 1), (metrics.judge_quickly, 2), (metrics.variance_ratio, 2)]


@pytest.mark.parametrize(("judge", "fewest"), FEWEST)
def test_too_few_too_many_and_wrong_images_are_named(judge, fewest):
    for count in range(fewest):
        with pytest.raises(ValueError, match=rf"Images.*: expected {fewest} .*found {count}\."):
            judge(np.zeros((count, 28, 28, 1), np.float32))
    with pytest.raises(ValueError, match="expected dtype float32, found float64"):
        judge(np.zeros((30, 28, 28, 1)))
    with pytest.raises(ValueError, match="Images to judge: expected 20 to 10,000, found 10001"):
        metrics.judge(np.broadcast_to(np.float32(0.0), (10_001, 28, 28, 1)))


def test_classifier_reads_the_test_images_and_shifts_whole_images_in_training(mnist):
    labels, features = classifier.classify(mnist.test_images)
    assert features.shape == (10_000, 64) and features.dtype == np.float64 and features.min() >= 0.0
    card = json.loads(classifier.CARD_PATH.read_text())
    accuracy = np.mean(labels == mnist.test_labels)
    # Not to the last image: a machine that rounds otherwise may read one or two differently.
    assert accuracy >= 0.99 and accuracy == pytest.approx(card["test_accuracy"], abs=2e-4)
    assert classifier.load_classifier().count_params() == card["parameters"]
    small = classifier.classify(mnist.test_images[:50], 7)  # the size of a batch changes nothing but rounding
    assert np.array_equal(small[0], labels[:50]) and np.allclose(small[1], features[:50], atol=1e-4)
    # In training it saw every shift there is, of whole images.
    images = mnist.train_images[:200]
    shifted = classifier._shift(images, np.random.default_rng(0))
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=-1.0)
    windows = [padded[:, row : row + 28, column : column + 28] for row in range(5) for column in range(5)]
    found = [{i for i, window in enumerate(windows) if np.array_equal(window[n], shifted[n])} for n in range(200)]
    assert all(found) and len(set.union(*found)) == 25


WEIGHTS = classifier.WEIGHTS_PATH.read_bytes()
DAMAGED = {
    "no weights": ("WEIGHTS_PATH", None, "expected SHA-256 [0-9a-f]{12}…, found no file….*git checkout"),
    "others": ("WEIGHTS_PATH", WEIGHTS[:-1] + b"?", "expected SHA-256 [0-9a-f]{12}…, found [0-9a-f]{12}….*Mend"),
    "no card": ("CARD_PATH", None, "expected JSON with sha256 and test_accuracy, found FileNotFoundError.*Mend it"),
    "no JSON": ("CARD_PATH", b"\xff{", "expected JSON with sha256 and test_accuracy, found .*Mend it"),
    "half a card": ("CARD_PATH", b'{"sha256": "ab"}', "expected JSON with sha256 and test_accuracy, found .*Mend it"),
}


def test_saved_weights_come_back_without_the_optimizer_and_with_their_card(tmp_path):
    def network():
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(100), keras.layers.Dense(1)])

    trained, path, card_path = network(), tmp_path / "small.weights.h5", tmp_path / "small.json"
    trained.compile("adam", "mse")
    trained.fit(np.ones((4, 3)), np.zeros((4, 1)), verbose=0)
    trained.save_weights(tmp_path / "all.weights.h5")
    classifier.save_trained(network(), trained, path, card_path, accuracy=0.5)
    assert path.stat().st_size < (tmp_path / "all.weights.h5").stat().st_size
    assert json.loads(card_path.read_text())["parameters"] == trained.count_params()
    back = classifier.load_trained(network(), path, classifier.load_card(card_path, "accuracy"))
    for one, other in zip(back.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("name", "stored", "message"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_classifier_is_named(tmp_path, monkeypatch, name, stored, message):
    if stored is not None:
        (tmp_path / "file").write_bytes(stored)
    monkeypatch.setattr(classifier, name, tmp_path / "file")
    with pytest.raises(ValueError, match=f"{tmp_path / 'file'}: {message}"):
        classifier.load_classifier.__wrapped__()  # past the cache
