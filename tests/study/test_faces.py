"""Drawn faces: always the same, each attribute seen; and the network that reads them."""

import io
import json

from helpers import data
import numpy as np
import pytest

from study import datasets, face_judge, faces, probe, training
from study.experiment import Experiment
from study.records import read


@pytest.fixture(scope="module")
def drawn():
    return faces.draw(range(60))


def test_a_number_is_a_face_whoever_else_is_drawn(drawn):
    pixels, attributes = drawn
    assert pixels.shape == (60, 32, 32, 3) and pixels.dtype == np.uint8
    again, same = faces.draw([41, 7])
    assert np.array_equal(again, pixels[[41, 7]])
    assert list(same) == list(attributes) == list(faces.ATTRIBUTES)
    assert all(np.array_equal(same[name], values[[41, 7]]) for name, values in attributes.items())
    assert faces.draw([])[0].shape == (0, 32, 32, 3)
    assert np.array_equal(faces.draw(np.arange(2))[0], pixels[:2])
    with pytest.raises(ValueError, match="expected 0 or more, found -5"):
        faces.draw([3, -5])


@pytest.mark.parametrize("name", faces.ATTRIBUTES)
def test_each_attribute_changes_the_picture(name):
    face = dict.fromkeys(faces.ATTRIBUTES, 0) | {"hair": 5}  # a bob: hair whose colour shows
    pictures = {faces._paint(faces._describe(face | {name: place})).tobytes()
                for place in range(len(faces.ATTRIBUTES[name]))}  # fmt: skip
    assert len(pictures) == len(faces.ATTRIBUTES[name])


def test_the_kept_faces_are_those_that_are_drawn_and_split(drawn):
    loaded = faces.load()
    assert loaded.train_images.shape == (4000, 32, 32, 3) and loaded.test_images.shape == (2000, 32, 32, 3)
    assert not loaded.train_images.flags.writeable and loaded.train_images.dtype == np.float32
    last, attributes = faces.draw([4000])
    # Other versions of the painter may round a colour another way.
    assert np.abs(data.unscale(loaded.train_images[:60]).astype(int) - drawn[0]).max() <= 2
    assert np.abs(data.unscale(loaded.test_images[:1]).astype(int) - last).max() <= 2
    assert {name: loaded.test_attributes[name][0] for name in attributes} == {
        name: values[0] for name, values in attributes.items()
    }


def test_a_damaged_file_is_drawn_anew_and_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "DATA", tmp_path)
    pixels, attributes = faces._kept(3)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    buffers = {"fewer": pixels[:2], "floats": pixels.astype(float)}
    for name, other in buffers.items():
        buffers[name] = io.BytesIO()
        np.savez(buffers[name], pixels=other, **attributes)
    contents = [whole[:500], b"", b"no zip", *(buffer.getvalue() for buffer in buffers.values())]
    for content in contents:
        path.write_bytes(content)
        again, same = faces._kept(3)
        assert np.array_equal(again, pixels) and list(same) == list(attributes)
        assert f"{path} is damaged" in capsys.readouterr().out
    monkeypatch.setattr(faces, "draw", None)  # from now on they are read
    assert np.array_equal(faces._kept(3)[0], pixels) and not capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setattr(data, "DATA", tmp_path / "gone")
    assert np.array_equal(faces._kept(2)[0], pixels[:2])
    assert "gone cannot be written" in capsys.readouterr().out


def test_without_the_packages_one_error_says_how_to_get_them(monkeypatch):
    for module in ("python_avatars", "resvg_py"):
        with monkeypatch.context() as without:
            without.setitem(__import__("sys").modules, module, None)
            with pytest.raises(ImportError, match=f"found no {module}.*pip install python-avatars resvg-py"):
                faces.draw([0])


def test_the_judge_reads_faces_that_it_never_saw_as_its_card_says():
    images, attributes = faces.load()[2:]
    *found, _ = face_judge.load().predict(images, batch_size=1000, verbose=0)
    said = json.loads(face_judge.CARD_PATH.read_text(encoding="utf-8"))["test_accuracy"]
    for name, logits in zip(face_judge.READ, found, strict=True):
        # One face in 500 may lie so near to a border that other kernels read it differently.
        assert abs(np.mean(logits.argmax(axis=1) == attributes[name]) - said[name]) <= 0.002
    assert face_judge.FIRST >= faces.TRAIN_FACES + faces.TEST_FACES  # it learned from others


def test_it_ranks_real_faces_blurred_ones_noise_and_a_single_face():
    real = faces.load().train_images[:500]
    blurred = real.reshape(500, 8, 4, 8, 4, 3).mean(axis=(2, 4)).repeat(4, axis=1).repeat(4, axis=2)
    noise = np.random.default_rng(0).uniform(-1, 1, real.shape).astype(np.float32)
    scores = [face_judge.judge(images) for images in (real, blurred, noise, np.repeat(real[:1], 500, axis=0))]
    for name in ("frechet_distance", "kernel_distance"):
        assert np.all(np.diff([score[name] for score in scores]) > 0)
    assert scores[0]["digits_covered"] == 10 and scores[3]["digits_covered"] == 1
    assert scores[3]["label_entropy"] == 0 == scores[3]["variance_ratio"]
    assert scores[0]["variance_ratio"] == pytest.approx(1, abs=0.05)  # 500 faces of 4,000
    grey = np.zeros((30, 28, 28, 1), np.float32)
    with pytest.raises(ValueError, match=r"expected shape \(n, 32, 32, 3\), found \(30, 28, 28, 1\)"):
        face_judge.judge(grey)
    for count in (19, 2001):
        with pytest.raises(ValueError, match=f"expected 20 to 2,000, found {count}"):
            face_judge.judge(np.zeros((count, 32, 32, 3), np.float32))


def test_missing_weights_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(face_judge, "WEIGHTS_PATH", tmp_path / "study" / "face_judge.weights.h5")
    with pytest.raises(ValueError, match="Weights .*found no file.*git checkout -- study/face_judge.weights.h5"):
        face_judge.load.__wrapped__()


SMALL = {"epochs": 2, "judged_epochs": None, "train_images": 200, "judged_images": 40, "steps_per_execution": 1}


def test_a_run_in_colour_is_recorded_and_read_again(tmp_path):
    experiment = Experiment.of_test(2, True, profile="faces", network="dcgan-w8", **SMALL)
    record = training.run(experiment, tmp_path, verbose=0)
    assert record.name == "faces-dcgan-w8-lr0.001-moments0.1-seed0"
    assert record.images.shape == (1, 16, 32, 32, 3) and record.images.dtype == np.uint8
    assert read(experiment.folder(tmp_path)).metrics == record.metrics
    gan = training.build(experiment)
    assert gan.generator.output_shape == (None, 32, 32, 3) == gan.discriminator.input_shape
    images, latents = training.batches(experiment)[0]
    assert images.shape == (100, 32, 32, 3) and latents.shape == (100, 100)
    assert np.array_equal(datasets.train_images("faces", 5), faces.load().train_images[:5])


def test_what_faces_cannot_be_is_named(tmp_path):
    wrong = {
        "moments or mean or variance, and no images judged": {"penalty": "features"},
        "found 'moments, with 20 at a frame'": {"frame_images": 20},
        "Data: expected one of mnist, faces, found 'cats'": {"data": "cats"},
        "Data: expected faces with the profile faces, found 'mnist'": {"data": "mnist"},
    }
    for message, settings in wrong.items():
        with pytest.raises(ValueError, match=message):
            Experiment.of_test(2, True, profile="faces", **settings)
    with pytest.raises(ValueError, match="Data: expected mnist with the profile lesson, found 'faces'"):
        Experiment.of_test(2, True, profile="lesson", data="faces")
    with pytest.raises(ValueError, match="Probe: expected runs on mnist, found faces-lr0.001"):
        probe.Probe(Experiment.of_test(2, True, profile="faces"), tmp_path)
    with pytest.raises(ValueError, match=r"from 2 to 4000 \(the images there are\), found 4001"):
        Experiment.of_test(2, True, profile="faces", train_images=4001)
