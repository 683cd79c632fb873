"""The probe: what it measures, against NumPy and closed forms; and that the probed run is none the wiser."""

import json
import shutil
import warnings

from helpers import data, losses
from helpers.gan import GAN, build_optimizer
import keras
from networks import NARROW, plain_discriminator, plain_generator
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from study import gradients, probe, records, schema
from study.settings import RECORDED


@pytest.fixture(scope="module", autouse=True)
def _few_batches():
    """A tenth of the batches that `record` compares: they take longer than these tiny runs."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(probe.batch_gaps, "__defaults__", (20,))
        yield


@pytest.fixture(scope="module")
def gan():
    keras.utils.set_random_seed(0)
    found = GAN(plain_generator(NARROW["generator"]), plain_discriminator(NARROW["discriminator"]), 0.1)
    found.compile(build_optimizer(1e-3), build_optimizer(1e-3))
    return found


def test_measure_is_what_flat_gradients_say_and_leaves_the_gan_as_it_was(gan, mnist):
    images, latents = mnist.train_images[:20], data.draw_latents(20, 9)
    kept = [np.array(variable) for variable in gan.variables]
    found, again = (probe.measure(gan, images, latents, 0.3) for _ in range(2))
    assert found == again
    assert all(np.array_equal(one, other) for one, other in zip(kept, gan.variables, strict=True))
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


def test_the_variance_terms_pull_is_twice_the_weight_where_all_varies_too_little():
    rng = np.random.default_rng(0)
    fake, real = 0.1 * rng.normal(size=(30, 4, 4, 1)), rng.normal(size=(30, 4, 4, 1))
    slope = 0.7 * np.asarray(losses.moment_gap_gradients(fake, real)[1])
    assert probe.pull(fake, slope) == pytest.approx(1.4)
    assert probe.pull(fake, fake / len(fake)) == pytest.approx(-1.0)  # a quadratic well draws together
    # Whatever the size of the deviations; and what moves all alike is no pull.
    assert probe.pull(10 * fake + 5.0, 10 * slope + 3.0) == pytest.approx(1.4)
    assert probe.pull(np.ones((5, 2)), np.ones((5, 2))) == 0.0


def made_of(layers):
    """A generator of images with the given layers after a dense one."""
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(784, activation="tanh")
    return keras.Sequential([keras.Input((100,)), dense, *layers, keras.layers.Reshape((28, 28, 1))])


def test_batch_gaps_of_independent_images_with_the_right_moments_are_the_floor():
    free = made_of([])
    real = free.predict(data.draw_latents(5_000, 8), verbose=0)
    found = probe.batch_gaps(free, real, 20, probe.BATCHES)
    chance = np.sqrt(2 / (np.pi * probe.BATCHES))
    for mode in ("training", "inference"):
        for moment in ("mean", "variance"):
            assert found[f"{mode}_{moment}_gap"] == pytest.approx(1.0, abs=0.03)
            assert found[f"{mode}_{moment}_scatter"] == pytest.approx(1.0, abs=0.03)
            assert found[f"{mode}_{moment}_agreement"] == pytest.approx(chance, rel=0.3)


def test_only_batch_normalisation_ties_a_batch_together():
    tied = made_of([keras.layers.BatchNormalization(momentum=0.0)])
    real = tied(data.draw_latents(5_000, 8), training=True).numpy()  # its moments are the moving ones now
    before = tied.get_weights()
    found = probe.batch_gaps(tied, real, 20, probe.BATCHES)
    # Each batch has the same mean, beta: of the two equal variances of a difference one is left.
    assert found["training_mean_scatter"] == pytest.approx(np.sqrt(1 / 2), abs=0.03)
    assert found["inference_mean_scatter"] == pytest.approx(1.0, abs=0.03)
    assert all(np.array_equal(one, other) for one, other in zip(before, tied.get_weights(), strict=True))


@pytest.fixture(scope="module")
def probed(tiny, tmp_path_factory):
    """The folder of one probed run."""
    return probe.record(tiny(), tmp_path_factory.mktemp("probed"), every=2)


def read(folder):
    """The bytes of a probe's table, and its header."""
    return (folder / "gradients.csv").read_bytes(), json.loads((folder / "run.json").read_text())


def test_a_probed_run_ends_with_the_same_bits_and_is_read_as_it_was_written(probed, pair, tiny):
    results = probed.parents[2]
    assert probed == results / "gradients" / "smoke" / tiny().name
    _, header = read(probed)
    assert header["metrics"] == pair[1].metrics and header["config"] == pair[1].config
    assert sorted(path.name for path in probed.iterdir()) == ["gradients.csv", "run.json"]
    assert not schema.find(results, ["smoke"])  # no ordinary record, and nothing unfinished
    assert [path for path in probed.parent.iterdir() if not path.name.startswith(".lock-")] == [probed]
    steps, runs = probe.load(results, "smoke")
    assert steps["step"].tolist() == [0, 2, 4, 6] and list(steps) == [*gradients.COLUMNS, "network", "learning_rate"]
    labels = {"test": 2, "arm": "moments", "seed": 0}
    assert (steps[list(labels)] == pd.Series(labels)).all(axis=None) and not steps.isna().any(axis=None)
    assert runs.iloc[0][[*labels, "status"]].to_dict() == {**labels, "status": "finished"}
    assert 0 < runs.iloc[0]["training_mean_scatter"] < runs.iloc[0]["training_mean_gap"]


# In epoch 2 of 2, when the training is over, and when all is seen and the run not yet recorded.
STOPS = [(probe.Probe, "_measure", 3), (probe, "batch_gaps", 1)]
STOPS += [pytest.param(records, "write", 1, marks=pytest.mark.slow)]


@pytest.mark.parametrize(("owner", "name", "when"), STOPS)
def test_a_stopped_probe_goes_on_to_the_same_rows(tiny, tmp_path, monkeypatch, owner, name, when, probed):
    calls, real = [], getattr(owner, name)

    def stop(*arguments):
        calls.append(name)
        if len(calls) == when:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(owner, name, stop)
        probe.record(tiny(), tmp_path, every=2)
    folder = tmp_path / "gradients" / "smoke" / tiny().name
    assert not folder.exists()
    first, fit = [], GAN.fit
    monkeypatch.setattr(GAN, "fit", lambda self, *a, **k: (first.append(k["initial_epoch"]), fit(self, *a, **k)))
    assert probe.record(tiny(), tmp_path, every=2) == folder
    assert first in ([], [1])  # the second epoch only, or none
    (found, ended), (rows, expected) = read(folder), read(probed)
    assert found == rows and all(ended[key] == expected[key] for key in probe.KEYS if key != "provenance")
    monkeypatch.setattr(probe.training, "run", lambda *rest, **options: pytest.fail("ran again"))
    assert probe.record(tiny(), tmp_path) == folder


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_records_at_all_are_named_and_a_failed_run_is_recorded_with_what_was_seen(tiny, tmp_path):
    with pytest.raises(ValueError, match="expected gradients/ablation/<name>/run.json, found none. Mend it with"):
        probe.load(tmp_path)
    probe.record(tiny(learning_rate=1e30), tmp_path, every=1)
    steps, runs = probe.load(tmp_path, "smoke")
    assert runs["status"].tolist() == ["failed"] and runs["frechet_distance"].isna().all()
    assert steps["step"].tolist() == [0, 1] and np.isfinite(steps.loc[0, list(gradients.MEASURED)].astype(float)).all()


DAMAGES = {
    "cut table": ("gradients.csv", lambda text: text[:-30]),
    "a column less": ("gradients.csv", lambda text: text.replace("spread", "width")),
    "cut header": ("run.json", lambda text: text[:100]),
    "no batches": ("run.json", lambda text: text.replace('"batches"', '"lots"')),
    "metrics of another kind": ("run.json", lambda text: json.dumps({**json.loads(text), "metrics": None})),
    "another seed": ("run.json", lambda text: text.replace('"seed": 0', '"seed": 5')),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_in_a_warning_and_left_out(probed, tmp_path, damage):
    name, change = DAMAGES[damage]
    broken = shutil.copytree(probed, tmp_path / "gradients" / "smoke" / probed.name)
    whole = shutil.copytree(probed, broken.with_name(probed.name.replace("seed0", "seed1")))
    _, header = read(whole)
    (whole / "run.json").write_text(json.dumps({**header, "config": {**header["config"], "seed": 1}}))
    (broken / name).write_text(change((broken / name).read_text()))
    with pytest.warns(UserWarning, match=f"Record {broken}: expected .*Mend it"):
        steps, runs = probe.load(tmp_path, "smoke")
    assert runs["seed"].tolist() == [1] and len(steps) == 4


def test_every_recorded_probe_is_read():
    for profile in (path.name for path in (RECORDED / "gradients").iterdir()):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            steps, runs = probe.load(RECORDED, profile)
        folders = [path for path in (RECORDED / "gradients" / profile).iterdir() if path.name[0] != "."]
        assert len(runs) == len(folders) and not steps.duplicated(["network", "test", "arm", "seed", "step"]).any()


def test_a_probe_looks_when_steps_end(tiny, tmp_path):
    together = tiny(steps_per_execution=3)
    with pytest.raises(ValueError, match="Every: expected a multiple of 3 steps, found 2"):
        probe.Probe(together, tmp_path, 2)
    probe.record(together, tmp_path, 3)
    steps, _ = probe.load(tmp_path, "smoke")
    assert steps["step"].tolist() == [0, 3, 6] and set(steps["network"]) == {"dcgan"}
    assert gradients.terms(tmp_path) is None  # of other profiles than the terms'
