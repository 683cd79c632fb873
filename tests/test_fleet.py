"""The fleet against `GAN`, against itself, killed, and misused; JAX runs in processes of its own.

Equality over 20 steps is tested in float64. In float32 no two orders of summation agree for long,
not even two of one library: a bias before batch normalisation has a gradient of zero, rounding
makes it noise, Adam's first steps turn its sign into full steps of the rate, and training
amplifies what differs. In float64 the noise is far below Adam's epsilon. For the study's networks
in float32 the first step is compared instead.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import FULL, NARROW, CountedDropout, plain_discriminator, plain_generator

from helpers import data, penalties, records, study
from helpers.gan import GAN, RescaledGAN, build_optimizer

pytest.importorskip("jax")
ROOT = Path(__file__).resolve().parent.parent
LOGGED = records.STEP_NAMES
STEPS = 20


LAUNCH = """
import sys
sys.modules["tensorflow"] = None  # importing it fails, as where it is not installed
import fleet_on_jax
fleet_on_jax.main(*sys.argv[1:])
"""


def on_jax(folder, *scenarios, **environment):
    """Run scenarios of tests/fleet_on_jax.py; return the finished process."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),  # what is run twice is compiled once
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        **environment,
    }
    command = [sys.executable, "-c", LAUNCH, folder, *scenarios]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def check(process):
    assert process.returncode == 0, process.stderr[-3000:]


def read(path):
    with np.load(path) as archive:
        return dict(archive)


TWINS = {
    "narrow, without dropout": (NARROW, False, 8),
    "narrow, with dropout": (NARROW, True, 8),
    "the study's sizes": (FULL, True, 4),
    # The placebo's lots are drawn by each library in its own way.
    **{name: (NARROW, True, 8, name) for name in penalties.NAMES if name not in ("moments", "placebo")},
}


def tensorflow_twin(path, widths, dropout, batch_size, penalty="moments"):
    """Train a `GAN` for 20 steps from weights that go to `path`; return its logs and variables."""
    images = data.load_mnist().train_images[: STEPS // 2 * batch_size]
    keras.utils.set_random_seed(5)
    generator = plain_generator(widths["generator"], "float64")
    layer = CountedDropout(dtype="float64") if dropout else None
    discriminator = plain_discriminator(widths["discriminator"], "float64", 0.0, layer)
    networks = {"generator": generator, "discriminator": discriminator}
    weights = {f"{n}.{i}": w for n, network in networks.items() for i, w in enumerate(network.get_weights())}
    sizes = {f"widths.{name}": width for name, width in widths.items()}
    settings = {"rate": 0.001, "weight": 0.125, "seed": 3, "batch_size": batch_size, "dropout": dropout}
    settings["penalty"] = penalty
    np.savez(path, images=images, **weights, **sizes, **settings)

    kind = RescaledGAN if penalty == "rescaled" else GAN
    built = penalties.build(penalty, 3, discriminator, lambda: images)
    gan = kind(generator, discriminator, 0.125, built)  # which float32 holds exactly, as a fleet has it
    gan.compile(build_optimizer(0.001), build_optimizer(0.001))
    batches, logs = data.Batches(images, batch_size, seed=3), []
    for _ in range(2):
        batches.on_epoch_begin()
        for step in range(len(batches)):
            batch = [tf.constant(part, tf.float64) for part in batches[step]]
            logs.append(gan.train_step(batch))
    found = {name: np.array([float(log[name]) for log in logs]) for name in LOGGED}
    for name, network in networks.items():
        kinds = {"weights": network.trainable_variables, "others": network.non_trainable_variables}
        for kind, variables in kinds.items():
            floats = {i: v.numpy() for i, v in enumerate(variables) if "float" in v.dtype}
            found |= {f"{name}.{kind}.{index}": value for index, value in floats.items()}
    return found


@pytest.fixture(scope="module")
def stepped(tmp_path_factory, mnist):
    """Folder with the results of every scenario in float64, and what TensorFlow found for the twins."""
    folder = tmp_path_factory.mktemp("steps")
    names = {name: f"twin-{number}.npz" for number, name in enumerate(TWINS)}
    expected = {name: tensorflow_twin(folder / names[name], *settings) for name, settings in TWINS.items()}
    check(on_jax(folder, "twins", "three", "dropout", JAX_ENABLE_X64="1"))
    return folder, {name: (expected[name], read(folder / names[name].replace("twin", "found"))) for name in TWINS}


@pytest.mark.parametrize("name", TWINS)
def test_a_fleet_of_one_is_the_gan_step_for_step(stepped, name):
    expected, found = stepped[1][name]
    assert set(expected) == set(found)
    for key, values in expected.items():
        if key in LOGGED:
            assert values.shape == (STEPS,) and found[key] == pytest.approx(values, rel=1e-5), key
        else:
            assert np.abs(found[key] - values).max() <= 1e-5, key


def test_the_twins_moved_far_more_than_they_differ(stepped):
    folder = stepped[0]
    start, (expected, _) = read(folder / "twin-0.npz"), stepped[1]["narrow, without dropout"]
    assert np.abs(expected["generator.weights.0"] - start["generator.0"]).max() > 5e-3
    assert np.ptp(expected["discriminator_loss"]) > 0.1


@pytest.mark.parametrize("row", range(3))
def test_a_fleet_of_three_is_three_fleets_of_one(stepped, row):
    folder, _ = stepped
    together, alone = read(folder / f"three-patches-{row}.npz"), read(folder / f"one-{row}.npz")
    for key, values in alone.items():
        assert together[key] == pytest.approx(values, rel=1e-7, abs=1e-7), key


@pytest.mark.parametrize("row", range(3))
def test_both_ways_to_convolve_agree(stepped, row):
    folder, _ = stepped
    patches, grouped = (read(folder / f"three-{way}-{row}.npz") for way in ("patches", "grouped"))
    for key, values in grouped.items():
        assert patches[key] == pytest.approx(values, rel=1e-7, abs=1e-7), key


def test_members_differ_in_seed_rate_and_weight(stepped):
    folder, _ = stepped
    rows = [read(folder / f"three-patches-{row}.npz")["generator_loss"] for row in range(3)]
    assert len({values.tobytes() for values in rows}) == 3


def test_dropout_is_kerass_with_the_noise_of_seed_and_epoch(stepped):
    found = read(stepped[0] / "dropout.npz")
    assert found["found"] == pytest.approx(found["expected"], rel=1e-9)
    assert np.ptp(found["found"]) > 1e-3


@pytest.fixture(scope="module")
def float32_step(tmp_path_factory, tiny, mnist):
    """What JAX and TensorFlow find in the first step of the study's own networks, without dropout."""
    folder, gan = tmp_path_factory.mktemp("study"), tiny().build()
    networks = {"generator": gan.generator, "discriminator": gan.discriminator}
    weights = {f"{n}.{i}": w for n, network in networks.items() for i, w in enumerate(network.get_weights())}
    images = mnist.train_images[:60]
    np.savez(folder / "study.npz", images=images, **weights)
    check(on_jax(folder, "study_step", "errors", "reading"))
    gan.discriminator.get_layer("dropout").rate = 0.0
    made = gan.generator(data.fixed_latents(), training=False).numpy()
    logs = gan.train_step([tf.constant(part) for part in data.Batches(images, 20, seed=0)[0]])
    expected = {**{name: float(value) for name, value in logs.items()}, "before": made}
    return folder, read(folder / "study-found.npz"), expected


def test_the_first_step_of_the_studys_networks(float32_step):
    _, found, expected = float32_step
    for name in LOGGED:
        assert found[name] == pytest.approx(expected[name], rel=1e-5), name
    assert np.abs(found["before"] - expected["before"]).max() <= 1e-5


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """A study run through, and one that was killed in its second fleet's third epoch and run again."""
    whole, broken = (tmp_path_factory.mktemp(name) for name in ("whole", "broken"))
    shared = {"JAX_COMPILATION_CACHE_DIR": str(whole / "compiled")}
    check(on_jax(whole, "small_study"))
    killed = on_jax(broken, "small_study", KILL_AT="6", **shared)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = sorted(path.name for path in (broken / "results" / "smoke").iterdir())
    check(on_jax(broken, "small_study", **shared))
    return whole, broken, left


def records_of(folder):
    return {path.name: records.read(path) for path in records.find(folder / "results", ["smoke"])}


def test_a_killed_fleet_resumes_to_the_same_records(studies, same_bits):
    whole, broken, left = studies
    assert len([name for name in left if name.startswith("lr")]) == 2  # the first fleet's
    assert len([name for name in left if name.startswith(".partial-fleet-")]) == 1
    calls, _ = json.loads((broken / "calls.json").read_text())
    assert calls in ([2], [2, 2])  # the third epoch, and the second if it was not yet written
    expected, found = records_of(whole), records_of(broken)
    assert set(expected) == set(found) and len(found) == 4
    for name, record in expected.items():
        same_bits(found[name], record)
    assert not [path for path in (broken / "results" / "smoke").iterdir() if path.name.startswith(".")]


def test_fleets_are_split_into_groups_that_fit(studies):
    calls, _ = json.loads((studies[0] / "calls.json").read_text())
    assert calls == [2] * 6  # two fleets of two for three epochs each, since four do not fit


def test_a_fleets_records_are_those_of_single_runs(studies, pair):
    found = records_of(studies[0])
    assert {name: record.status for name, record in found.items()} == {
        "lr0.01-moments0.1-seed0": "finished",
        "lr0.001-moments0-seed1": "finished",
        "lr1e+30-moments0.1-seed0": "failed",
        "lr0.001-moments0.1-seed1": "finished",
    }
    single = pair[1]
    for record in found.values():
        assert set(single.provenance) - {"tensorflow"} < set(record.provenance)
        assert (record.provenance["backend"], record.provenance["fleet_members"]) == ("jax", 2)
        assert set(record.config) == set(single.config) and list(record.epochs) == list(single.epochs)
        assert list(record.frames) == list(single.frames)
    done = found["lr0.001-moments0.1-seed1"]
    assert done.images.shape == (4, *single.images.shape[1:]) and done.frame_steps.tolist() == [0, 3, 6, 9]
    assert {name: values.shape for name, values in done.steps.items()} == {name: (9,) for name in LOGGED}
    assert set(done.metrics) == set(single.metrics)
    runs = study.load_runs(studies[0] / "results")
    assert len(runs) == 4 and runs["frechet_distance"].notna().sum() == 3


def test_arms_of_a_pair_share_weights_order_and_noise(studies):
    found = records_of(studies[0])
    plain, moments = found["lr0.001-moments0-seed1"], found["lr0.001-moments0.1-seed1"]
    assert plain.images[0].tobytes() == moments.images[0].tobytes()
    assert found["lr0.01-moments0.1-seed0"].images[0].tobytes() != plain.images[0].tobytes()
    assert plain.steps["mean_gap"][0] == pytest.approx(moments.steps["mean_gap"][0], rel=1e-6)


def test_a_member_that_diverges_fails_alone(studies):
    failed = records_of(studies[0])["lr1e+30-moments0.1-seed0"]
    assert failed.reason.startswith("generator_loss was ") and failed.reason.endswith("at step 1")
    assert len(failed.steps["mean_gap"]) == 1 and failed.metrics == {}


MESSAGES = {
    "no members": "ValueError: A fleet: expected one member or more, found none.",
    "precision": "ValueError: Precision: expected one of float32, tensorfloat32, bfloat16, found 'float16'.",
    "convolution": "ValueError: Convolution: expected one of grouped, patches, found 'fast'.",
    "batch size": "ValueError: Batch size: expected 2 to 60 (the number of images), found 61.",
    "pixels": "ValueError: Images: expected pixels in [-1, 1], found",
    "nothing planned": "ValueError: A fleet: expected one experiment or more, found none.",
    "two sizes": "ValueError: A fleet: expected experiments that differ in learning_rate, moment_weight, seed, ",
    "penalty": f"ValueError: Penalty: expected one of {', '.join(penalties.NAMES)}, found none.",
    "twice": "ValueError: A fleet: expected each experiment once, found one twice.",
    "keep every": "ValueError: Epochs between two kept states: expected 1 or more, found 0.",
    "single run": "ImportError: A run of its own: expected Keras on TensorFlow, found it on jax. Mend it",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_misuse_is_named(float32_step, name):
    assert json.loads((float32_step[0] / "errors.json").read_text())[name].startswith(MESSAGES[name])


def test_metrics_need_no_tensorflow(float32_step):
    found = json.loads((float32_step[0] / "reading.json").read_text())
    assert found["right"] > 0.97 and found["features"] == [500, 64]


def test_without_jax_as_backend_the_command_says_how(tmp_path, capsys):
    assert study.main(["run", "--fleet", "--profile", "smoke", "--results", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert "expected Keras on JAX, found it on tensorflow. Mend it by setting KERAS_BACKEND=jax" in message
