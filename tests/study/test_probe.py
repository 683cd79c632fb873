"""The probe: what it measures, against NumPy and closed forms; and that the probed run is none the wiser."""

import json

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from networks import NARROW, plain_discriminator, plain_generator

from helpers import data, gradients, losses, records
from helpers.gan import GAN, build_optimizer


@pytest.fixture(scope="module")
def gan():
    keras.utils.set_random_seed(0)
    found = GAN(plain_generator(NARROW["generator"]), plain_discriminator(NARROW["discriminator"]), 0.1)
    found.compile(build_optimizer(1e-3), build_optimizer(1e-3))
    return found


@pytest.fixture(scope="module")
def batch(mnist):
    return mnist.train_images[:20], data.draw_latents(20, 9)


def test_measure_is_what_flat_gradients_say(gan, batch):
    images, latents = batch
    found = gradients.measure(gan, images, latents, 0.3)
    dropout = gan.discriminator.get_layer("dropout").seed_generator.state
    before = dropout.numpy()
    flat = {}
    for name in ("adversarial", "mean", "variance"):
        dropout.assign(before)
        with tf.GradientTape() as tape:
            fake = gan.generator(latents, training=True)
            logits = gan.discriminator(fake, training=True)
            gaps = [0.3 * gap for gap in losses.moment_gaps(fake, images)]
            terms = {"adversarial": tf.reduce_mean(tf.nn.softplus(-logits)), "mean": gaps[0], "variance": gaps[1]}
        parts = tape.gradient(terms[name], gan.generator.trainable_variables)
        flat[name] = np.concatenate([np.ravel(part) for part in parts]).astype(float)
    flat["penalty"] = flat["mean"] + flat["variance"]
    for name, vector in flat.items():
        assert found[f"{name}_norm"] == pytest.approx(np.linalg.norm(vector), rel=1e-4), name
        if name != "adversarial":
            cosine = flat["adversarial"] @ vector / np.linalg.norm(flat["adversarial"]) / np.linalg.norm(vector)
            assert found[f"{name}_cosine"] == pytest.approx(cosine, abs=1e-4), name
    assert found["spread"] == pytest.approx(fake.numpy().std(axis=0).mean(), rel=1e-5)


def test_measuring_leaves_the_gan_as_it_was(gan, batch):
    before = [np.array(variable) for variable in gan.variables]
    first, second = (gradients.measure(gan, *batch) for _ in range(2))
    assert first == second
    assert all(np.array_equal(one, other) for one, other in zip(before, gan.variables, strict=True))


def test_the_variance_terms_pull_is_twice_the_weight_where_all_varies_too_little():
    rng = np.random.default_rng(0)
    fake = 0.1 * rng.normal(size=(30, 4, 4, 1))
    real = rng.normal(size=(30, 4, 4, 1))
    slope = 0.7 * np.asarray(losses.moment_gap_gradients(fake, real)[1])
    assert gradients.pull(fake, slope) == pytest.approx(1.4)
    assert gradients.pull(10 * fake, slope * 10) == pytest.approx(1.4)  # of deviations of any size
    assert gradients.pull(fake, fake / len(fake)) == pytest.approx(-1.0)  # a quadratic well draws together
    assert gradients.pull(fake + 5.0, slope + 3.0) == pytest.approx(1.4)  # what moves all alike is no pull
    assert gradients.pull(np.ones((5, 2)), np.ones((5, 2))) == 0.0


def made_of(layers):
    """A generator of images with the given layers after a dense one."""
    dense = keras.layers.Dense(784, activation="tanh")
    return keras.Sequential([keras.Input((100,)), dense, *layers, keras.layers.Reshape((28, 28, 1))])


def test_batch_gaps_of_independent_images_with_the_right_moments_are_the_floor():
    keras.utils.set_random_seed(1)
    free = made_of([])
    real = free.predict(data.draw_latents(5_000, 8), verbose=0)
    found = gradients.batch_gaps(free, real, 20)
    chance = np.sqrt(2 / (np.pi * gradients.BATCHES))
    for mode in ("training", "inference"):
        for moment in ("mean", "variance"):
            assert found[f"{mode}_{moment}_gap"] == pytest.approx(1.0, abs=0.03)
            assert found[f"{mode}_{moment}_scatter"] == pytest.approx(1.0, abs=0.03)
            assert found[f"{mode}_{moment}_agreement"] == pytest.approx(chance, rel=0.3)


def test_only_batch_normalisation_ties_a_batch_together():
    keras.utils.set_random_seed(1)
    tied = made_of([keras.layers.BatchNormalization(momentum=0.0)])
    real = tied(data.draw_latents(5_000, 8), training=True).numpy()  # its moments are the moving ones now
    before = tied.get_weights()
    found = gradients.batch_gaps(tied, real, 20)
    # Each batch has the same mean, beta: of the two equal variances of a difference one is left.
    assert found["training_mean_scatter"] == pytest.approx(np.sqrt(1 / 2), abs=0.03)
    assert found["inference_mean_scatter"] == pytest.approx(1.0, abs=0.03)
    assert all(np.array_equal(one, other) for one, other in zip(before, tied.get_weights(), strict=True))


def test_batch_gaps_of_a_shifted_and_squeezed_generator_are_what_numpy_says():
    rng = np.random.default_rng(0)
    real = rng.normal(0.0, 0.2, (4_000, 28, 28, 1)).astype(np.float32)

    class Shifted(keras.Model):
        def call(self, latents, training=False):
            spread = keras.random.normal((len(latents), 28, 28, 1), stddev=0.1, seed=self.draws)
            return 0.5 + spread

    shifted = Shifted()
    shifted.draws = keras.random.SeedGenerator(0)
    found = gradients.batch_gaps(shifted, real, 20)
    floor = 0.2 * np.sqrt(2 / 20) * np.sqrt(2 / np.pi)
    assert found["training_mean_gap"] == pytest.approx(0.5 / floor, rel=0.03)
    assert found["training_mean_scatter"] == pytest.approx(np.sqrt((1 + 0.25) / 2), abs=0.03)
    assert found["training_mean_agreement"] == 1.0
    assert found["training_variance_agreement"] > 0.99


@pytest.fixture(scope="module")
def probed(tiny, tmp_path_factory):
    """A folder with one probed run, and that run's experiment."""
    folder, experiment = tmp_path_factory.mktemp("probed"), tiny(moment_weight=0.1)
    gradients.record(experiment, folder, every=2)
    return folder, experiment


def test_a_probed_run_ends_with_the_same_bits(probed, tmp_path):
    folder, experiment = probed
    header = json.loads((folder / "gradients" / experiment.profile / experiment.name / "run.json").read_text())
    assert header["metrics"] == experiment.run(tmp_path, verbose=0).metrics


def test_records_are_read_as_they_were_written(probed):
    folder, experiment = probed
    steps, runs = gradients.load(folder, experiment.profile)
    total = experiment.epochs * experiment.steps_per_epoch
    assert steps["step"].tolist() == list(range(0, total + 1, 2))
    labels = {"test": experiment.test, "arm": "moments", "seed": experiment.seed}
    assert (steps[list(labels)] == pd.Series(labels)).all(axis=None)
    assert runs.iloc[0][list(labels)].to_dict() == labels
    assert runs.iloc[0]["status"] == "finished"
    assert 0 < runs.iloc[0]["training_mean_scatter"] < runs.iloc[0]["training_mean_gap"]
    assert not steps.isna().any(axis=None)


def test_what_is_recorded_is_not_run_again(probed, monkeypatch):
    folder, experiment = probed
    monkeypatch.setattr(type(experiment), "run", lambda *rest, **options: pytest.fail("ran again"))
    assert gradients.record(experiment, folder) == folder / "gradients" / experiment.profile / experiment.name


def test_misuse_is_named(tmp_path, capsys):
    with pytest.raises(ValueError, match="expected gradients/ablation/<name>/run.json, found none. Mend it with"):
        gradients.load(tmp_path)
    (tmp_path / "file").touch()
    assert gradients.main(["--tests", "3", "--profile", "smoke", "--results", str(tmp_path / "file")]) == 2
    assert "Mend it" in capsys.readouterr().err
    for wrong, named in ((["--seeds", "-1"], "Seed: expected"), (["--every", "0"], "Every: expected 1 step or more")):
        assert gradients.main(["--tests", "3", "--profile", "smoke", "--results", str(tmp_path), *wrong]) == 2
        assert capsys.readouterr().err.startswith(f"error: {named}")


def test_probing_keeps_no_ordinary_record(probed):
    assert not records.find(probed[0], ["smoke"])
