"""What the benchmarks compare does the same work; what they print and draw follows from what they measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from helpers import bench, data, fused, graph_session, plots, speed

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def first_steps(mnist):
    """Both losses of three steps in each of the ways, from the same weights and without dropout."""
    batches = data.Batches(mnist.train_images[:60], 20)
    generator, discriminator = bench.build_networks()
    discriminator.get_layer("dropout").rate = 0.0
    found = {}
    for way, one_kernel in {"graph session": False, "fused session": True}.items():
        session = graph_session.SessionGAN(generator, discriminator, bench.MOMENT_WEIGHT, bench.RATE, one_kernel)
        found[way] = [session.step(*batches[step]) for step in range(3)]
    for way, build in (("ours", bench.build_gan), ("plain Keras", bench.build_plain_gan)):
        gan = build()
        gan.discriminator.get_layer("dropout").rate = 0.0
        tensors = [map(keras.ops.convert_to_tensor, batches[step]) for step in range(3)]
        logs = [gan.train_step(batch) for batch in tensors]
        found[way] = [(float(log["discriminator_loss"]), float(log["generator_loss"])) for log in logs]
    return found


@pytest.mark.parametrize("way", ["graph session", "fused session", "plain Keras"])
def test_the_ways_compared_train_alike(first_steps, way):
    """To float32's rounding, which Adam's first steps amplify from step to step."""
    for step, tolerance in enumerate((1e-5, 1e-3, 1e-2)):
        assert first_steps[way][step] == pytest.approx(first_steps["ours"][step], rel=tolerance), step


def test_the_plain_way_has_nothing_of_ours():
    gan = bench.build_plain_gan()
    for network in (gan.generator, gan.discriminator):
        ours = (fused.FusedBatchNormalization, fused.LeakyDropout, fused.OrderedDense)
        assert not any(isinstance(layer, ours) for layer in network.layers)
    assert type(gan.generator_optimizer) is type(gan.discriminator_optimizer) is keras.optimizers.Adam


def test_the_work_of_a_step():
    assert speed.matrix_work(100) == pytest.approx(15.9e9, rel=5e-3)
    assert speed.matrix_work(200) == 2 * speed.matrix_work(100)
    # 13,037,697 and 87,425 trained parameters, each with 7 float32 to move.
    assert speed.adam_traffic() == 28 * (13_037_697 + 87_425)


def test_forward_work_by_hand():
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(5, 3, strides=2, padding="same")(image)
    x = layers.Conv2DTranspose(2, 3, strides=2, padding="same")(x)
    outputs = layers.Dense(7)(layers.Flatten()(x))
    expected = 2 * (4 * 4 * 5 * 9 * 3 + 4 * 4 * 5 * 9 * 2 + 8 * 8 * 2 * 7)
    assert speed.forward_work(keras.Model(image, outputs)) == expected


def test_the_spread_is_that_of_the_middle_half():
    assert speed.spread([0.001, 0.002, 0.003, 0.004, 0.1]) == pytest.approx({"low": 2.0, "median": 3.0, "high": 4.0})
    assert speed.spread([0.5]) == {"low": 500.0, "median": 500.0, "high": 500.0}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A measurement that is as short as can be, and what the command wrote and printed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bench, "BATCH_SIZE", 10)
        return bench.bench(rounds=1, repetitions=1, steps=2, batch_sizes=(10, 20), matrix=256)


def test_a_measurement_is_consistent(measured):
    ours = measured["step_ms"]["ours"]["median"]
    assert set(measured["step_ms"]) == set(bench.WAYS)
    assert all(0 < ms["low"] <= ms["median"] <= ms["high"] for ms in measured["step_ms"].values())
    limit = 1e3 * (speed.matrix_work(10) / measured["matmul"] + speed.adam_traffic() / measured["bandwidth"])
    assert measured["limit_ms"] == pytest.approx(limit) and measured["share"] == pytest.approx(limit / ours)
    assert measured["speedup"]["plain Keras"] == pytest.approx(measured["step_ms"]["plain Keras"]["median"] / ours)
    assert sum(measured["parts_ms"].values()) == pytest.approx(ours)
    assert [row["batch_size"] for row in measured["scaling"]] == [10, 20]
    assert measured["provenance"]["backend"] == "tensorflow"


def test_a_measurement_prints_draws_and_is_json(measured, tmp_path):
    printed = bench.text(measured)
    assert f"{measured['speedup']['graph session']:.2f}x ours" in printed
    assert f"ours reaches {measured['share']:.0%} of it" in printed
    figure = plots.bench(json.loads(json.dumps(measured)))
    bars, pieces, line = figure.axes
    assert [bar.get_height() for bar in bars.patches] == [ms["median"] for ms in measured["step_ms"].values()]
    assert [piece.get_width() for piece in pieces.patches] == [max(ms, 0.0) for ms in measured["parts_ms"].values()]
    expected = [row["images_per_second"] for row in measured["scaling"]]
    assert np.array_equal(line.lines[0].get_ydata(), expected)
    assert plots.png(figure).startswith(b"\x89PNG")


def test_the_command_names_what_it_expects(capsys):
    assert bench.main(["--repetitions", "0"]) == 2
    assert "expected at least" in capsys.readouterr().err


FLEETS = ["--members", "1", "2", "--batch-size", "4", "--steps", "2", "--repetitions", "1", "--matrix", "64"]


def test_the_fleets_command(tmp_path):
    pytest.importorskip("jax")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "helpers.fleet_bench", *FLEETS, "--convolution", "patches"]
    done = subprocess.run([*command, "--json", tmp_path / "found.json"], cwd=ROOT, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    one, two = found["fleets"]
    assert (one["members"], two["members"], one["against_one"]) == (1, 2, 1.0)
    assert two["flops"] == pytest.approx(two["steps_per_second"] * speed.matrix_work(4))
    assert two["steps_per_second"] == pytest.approx(2e3 / two["step_ms"]["median"])
    assert two["memory_bytes"] > one["memory_bytes"] > 3 * 4 * 13_000_000
    assert found["matmul"] > 0 and found["copy"] > 0 and set(found["convolutions"]) == {"grouped", "patches"}
    assert found["provenance"]["device"] in done.stdout and found["provenance"]["backend"] == "jax"
