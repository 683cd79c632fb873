"""The images: the split, the archive's checks, and the batches that training sees."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import data


def images_of(count):
    """Images that carry their number in every pixel, so that a batch tells whom it holds."""
    values = np.linspace(-1, 1, count, dtype=np.float32)
    return np.broadcast_to(values[:, None, None, None], (count, 28, 28, 1)).copy()


def served(batches):
    """The first pixel of every image of an epoch, and its noise."""
    images, latents = zip(*(batches[step] for step in range(len(batches))), strict=True)
    return np.concatenate(images)[:, 0, 0, 0], np.concatenate(latents)


def same(one, other):
    return [np.array_equal(a, b) for a, b in zip(one, other, strict=True)]


def test_split_is_the_archives_scaled(mnist, archive):
    # An independent formula: float64, another order of operations, rounded to float32 at the end.
    train, test = (((2.0 * archive[x].astype(np.float64) - 255.0) / 255.0)[..., None] for x in ("x_train", "x_test"))
    labels = archive["y_train"], archive["y_test"]
    expected = train[5000:], labels[0][5000:], train[:5000], labels[0][:5000], test, labels[1]
    assert [len(part) for part in mnist] == [55_000, 55_000, 5_000, 5_000, 10_000, 10_000]
    for images, wanted in zip(mnist[::2], expected[::2], strict=True):
        assert images.dtype == np.float32 and images.shape == wanted.shape
        assert np.abs(images - wanted).max() <= 2.0**-23
    for found, wanted in zip(mnist[1::2], expected[1::2], strict=True):
        assert found.dtype == np.uint8 and np.array_equal(found, wanted)


def test_all_share_the_arrays_and_none_can_write_them(mnist):
    assert data.load_mnist() is mnist
    for array in mnist:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_scaling_and_back_is_exact():
    every_value = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    back = data.unscale(data.scale(every_value))
    assert back.dtype == np.uint8 and np.array_equal(back, every_value)
    assert data.unscale(np.zeros((0, 28, 28, 1), np.float32)).shape == (0, 28, 28)


@pytest.mark.parametrize("pixels", [np.zeros((2, 4, 4)), np.zeros((2, 4, 4), np.int64), np.zeros((4, 4), np.uint8)])
def test_scale_refuses_what_are_no_stored_images(pixels):
    with pytest.raises(ValueError, match=rf"Pixels: expected uint8 of shape .* found {pixels.dtype} \({pixels.shape[0]}"):
        data.scale(pixels)


@pytest.mark.parametrize("pixel", [np.nan, 1.01, -1.01, 255.0])
def test_unscale_refuses_pixels_out_of_range(pixel):
    with pytest.raises(ValueError, match=r"expected pixels in \[-1, 1\]"):
        data.unscale(np.array([[[[0.0], [pixel]]]], np.float32))


def test_missing_archive(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        data.load_mnist(tmp_path / "mnist.npz")
    message = str(caught.value)
    assert f"expected at {tmp_path / 'mnist.npz'}" in message
    assert "nothing found" in message and "Mend it" in message


@pytest.mark.parametrize("damage", ["cut", "altered"])
def test_damaged_archive(tmp_path, damage):
    path, stored = tmp_path / "mnist.npz", bytearray(data.MNIST_PATH.read_bytes())
    stored[len(stored) // 2] ^= 0xFF  # within one array; the directory at the end stays whole
    path.write_bytes(stored if damage == "altered" else stored[:-1000])
    with pytest.raises(ValueError, match="expected a readable .npz, found a damaged one.*Mend it") as caught:
        data.load_mnist(path)
    assert str(path) in str(caught.value)


WRONG_ARRAYS = {
    "one pixel changed": ("x_test", lambda x: x ^ (np.arange(10_000) == 123)[:, None, None], "with SHA-256 6d87418db22c"),
    "flattened": ("x_test", lambda x: x.reshape(10_000, 784), r"found uint8 of shape \(10000, 784\)"),
    "float": ("x_test", lambda x: x.astype(np.float32), "found float32 of shape"),
    "a number for images": ("x_test", lambda x: x[0, 0, 0], r"found uint8 of shape \(\)"),
    "a number for labels": ("y_test", lambda y: y[0], r"found uint8 of shape \(\)"),
    **{f"no {name}": (name, None, "not found") for name in data.MNIST_SHA256},
}


@pytest.mark.parametrize("kind", WRONG_ARRAYS)
def test_a_wrong_array_is_named(tmp_path, archive, kind):
    name, change, found = WRONG_ARRAYS[kind]
    changed = {**archive, name: change(archive[name])} if change else {k: v for k, v in archive.items() if k != name}
    np.savez(tmp_path / "mnist.npz", **changed)
    with pytest.raises(ValueError, match=f"array {name} expected.*{found}.*Mend it"):
        data.load_mnist(tmp_path / "mnist.npz")


WRONG_IMAGES = {
    "no channel axis": (np.zeros((3, 28, 28), np.float32), r"expected shape \(n, 28, 28, 1\), found \(3, 28, 28\)"),
    "another size": (np.zeros((3, 32, 32, 1), np.float32), r"expected shape .* found \(3, 32, 32, 1\)"),
    "float64": (np.zeros((3, 28, 28, 1)), "expected dtype float32, found float64"),
    "uint8": (np.zeros((3, 28, 28, 1), np.uint8), "expected dtype float32, found uint8"),
    "too bright": (np.full((3, 28, 28, 1), 1.001, np.float32), r"expected pixels in \[-1, 1\], found \[1, 1\]"),
    "too dark": (np.full((3, 28, 28, 1), -2, np.float32), r"expected pixels in \[-1, 1\], found \[-2, -2\]"),
    "one nan": (np.where(np.arange(28) == 5, np.nan, images_of(3).swapaxes(2, 3)).swapaxes(2, 3), "found .*nan"),
}


@pytest.mark.parametrize("kind", WRONG_IMAGES)
def test_wrong_images_are_named(kind):
    images, found = WRONG_IMAGES[kind]
    for check in (data.check_images, data.Batches):
        with pytest.raises(ValueError, match=f"{found}.*Mend it"):
            check(images)


def test_right_images_come_back_as_they_are():
    images = images_of(3)
    assert data.check_images(images, fewest=3) is images
    with pytest.raises(ValueError, match="expected 4 or more, found 3"):
        data.check_images(images, fewest=4)


@given(count=st.integers(1, 50), seed=st.integers(0, 2**32), epoch=st.integers(0, 1000))
def test_noise_is_in_range_and_depends_on_its_key(count, seed, epoch):
    latents = data.draw_latents(count, data.NOISE, seed, epoch)
    assert latents.shape == (count, 100) and latents.dtype == np.float32
    assert latents.min() >= -1.0 and latents.max() < 1.0
    assert np.array_equal(latents, data.draw_latents(count, data.NOISE, seed, epoch))
    for key in ((data.JUDGED_LATENTS, seed, epoch), (data.NOISE, seed + 1, epoch), (data.NOISE, seed, epoch + 1)):
        assert not np.array_equal(latents, data.draw_latents(count, *key))
    states = {tuple(data.dropout_state(*key)) for key in ((seed, epoch), (seed + 1, epoch), (seed, epoch + 1))}
    assert len(states) == 3 and data.dropout_state(seed, epoch).dtype == np.uint32


def test_noise_is_uniform_and_begins_alike_whatever_its_number():
    latents = data.draw_latents(5000, data.NOISE, 0, 0)
    # 500,000 draws: the standard errors are 0.0008 and 0.0004.
    assert latents.mean() == pytest.approx(0.0, abs=0.004)
    assert latents.var() == pytest.approx(1 / 3, abs=0.002)
    assert np.array_equal(data.fixed_latents(9), data.fixed_latents()[:9])


def test_every_image_at_most_once_an_epoch():
    batches = data.Batches(images_of(50), batch_size=12, seed=1)
    assert len(batches) == 4
    assert all(batches[step][0].shape == (12, 28, 28, 1) for step in range(4))
    pixels, latents = served(batches)
    assert len(np.unique(pixels)) == 48
    assert latents.shape == (48, 100) and len(np.unique(latents, axis=0)) == 48


def test_a_new_order_and_new_noise_for_every_epoch_and_seed():
    one, other, third = (data.Batches(images_of(40), batch_size=10, seed=seed) for seed in (5, 5, 6))
    assert all(same(served(one), served(other)))
    epochs = [served(third)]
    for _ in range(3):
        one.on_epoch_begin()
        epochs.append(served(one))
    for number, epoch in enumerate(epochs):
        assert not any(any(same(epoch, before)) for before in epochs[:number])
        assert np.array_equal(np.sort(epoch[0]), np.sort(epochs[0][0]))  # all images: only the order is new


class Watcher(keras.Model):
    """A model that learns nothing and remembers what `fit` feeds it."""

    def __init__(self):
        super().__init__()
        self.built, self.seen = True, []

    def train_step(self, batch):
        self.seen.append([np.asarray(part) for part in batch])
        return {"seen": keras.ops.zeros(())}


@pytest.mark.parametrize("first", [0, 1])
def test_keras_serves_the_plan_from_the_start_and_after_a_resume(first):
    model = Watcher()
    model.compile(run_eagerly=True)
    batches = data.Batches(images_of(30), batch_size=10, seed=3, first_epoch=first)
    model.fit(batches, initial_epoch=first, epochs=3, shuffle=False, verbose=0)
    planned = data.Batches(images_of(30), batch_size=10, seed=3)
    for epoch in range(3):
        planned.on_epoch_begin()
        if epoch >= first:
            seen, model.seen = model.seen[:3], model.seen[3:]
            assert all(same([np.concatenate(part) for part in zip(*seen, strict=True)][1:], served(planned)[1:]))
            assert np.array_equal(np.concatenate([images[:, 0, 0, 0] for images, _ in seen]), served(planned)[0])
    assert not model.seen


@pytest.mark.parametrize("size", [-1, 0, 1, 31])
def test_batch_size_out_of_range(size):
    with pytest.raises(ValueError, match=f"Batch size: expected 2 to 30 .*found {size}"):
        data.Batches(images_of(30), batch_size=size)
    assert [len(data.Batches(images_of(30), batch_size=ends)) for ends in (2, 30)] == [15, 1]


def test_author_log_is_both_arms_of_test_3():
    log = data.load_author_log()
    assert (log["learning_rate"] == 0.0001).all()
    assert log.groupby("moment_weight")["epoch"].apply(list).to_dict() == {w: list(range(1, 21)) for w in (0.0, 0.1)}
    assert log[["discriminator_loss", "generator_loss"]].notna().all(axis=None)
    stabilised = log[log["moment_weight"] > 0]
    penalty = stabilised["weighted_mean_gap"] + stabilised["weighted_variance_gap"]
    assert (stabilised["generator_loss"] > penalty).all()  # the penalty is in it


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_an_author_log_cut_short_is_named(tmp_path, share):
    whole, path = (data.DATA / "author_test3.csv").read_bytes(), tmp_path / "author_test3.csv"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="author's log .*author_test3.csv: expected 20 epochs .*Mend it"):
        data.load_author_log(path)
