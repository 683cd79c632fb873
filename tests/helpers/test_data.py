"""The images: the split, the archive's checks, and the batches that training sees."""

from helpers import data
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest


def images_of(count):
    """Images that carry their number in every pixel, so that a batch tells whom it holds."""
    values = np.linspace(-1, 1, count, dtype=np.float32)
    return np.broadcast_to(values[:, None, None, None], (count, 28, 28, 1)).copy()


def served(batches):
    """The first pixel of every image of an epoch, and its noise."""
    images, latents = zip(*(batches[step] for step in range(len(batches))), strict=True)
    return np.concatenate(images)[:, 0, 0, 0], np.concatenate(latents)


def test_split_is_the_archives_scaled_and_scales_back_exactly(mnist, archive):
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
    assert data.load_mnist() is mnist  # all share the arrays, so none may write them
    assert not any(array.flags.writeable for array in mnist)
    every_value = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    back = data.unscale(data.scale(every_value))
    assert back.dtype == np.uint8 and np.array_equal(back, every_value)


ZEROS = np.zeros((3, 28, 28, 1), np.float32)
NAN = np.where(np.arange(28) == 5, np.float32(np.nan), images_of(3)[..., 0])[..., None]
WRONG = {
    "float pixels": (data.scale, np.zeros((2, 4, 4)), r"expected uint8 of shape .* found float64 \(2, 4, 4\)"),
    "one image": (data.scale, np.zeros((4, 4), np.uint8), r"expected uint8 of shape .* found uint8 \(4, 4\)"),
    "nan to unscale": (data.unscale, NAN, r"expected pixels in \[-1, 1\], found \[nan"),
    "below -1 to unscale": (data.unscale, ZEROS - 1.01, r"expected pixels in \[-1, 1\], found \[-1.01"),
    "no channel axis": (data.check_images, ZEROS[..., 0], r"shape \(n, 28, 28, 1\), found \(3, 28, 28\)"),
    "another size": (data.check_images, np.zeros((3, 32, 32, 1), np.float32), r"shape .* found \(3, 32, 32, 1\)"),
    "float64": (data.check_images, ZEROS.astype(float), "expected dtype float32, found float64"),
    "one nan": (data.check_images, NAN, r"expected pixels in \[-1, 1\], found .*nan"),
    "batches": (data.Batches, ZEROS.astype(float), "expected dtype float32, found float64"),
}


@pytest.mark.parametrize(("function", "images", "message"), WRONG.values(), ids=WRONG)
def test_wrong_images_are_named(function, images, message):
    with pytest.raises(ValueError, match=f"{message}.*Mend it"):
        function(images)


def test_a_damaged_archive_is_named(tmp_path):
    path, stored = tmp_path / "mnist.npz", bytearray(data.MNIST_PATH.read_bytes())
    with pytest.raises(FileNotFoundError, match=f"expected at {path}, nothing found there.*Mend it"):
        data.load_mnist(path)
    stored[len(stored) // 2] ^= 0xFF  # within one array; the directory at the end stays whole
    for damaged in (stored, stored[:-1000]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{path}: expected .*found a damaged one.*Mend it"):
            data.load_mnist(path)


WRONG_ARRAYS = {
    "one image changed": ("x_test", lambda x: x ^ (np.arange(10_000) == 9)[:, None, None], "with SHA-256 6d87418db22c"),
    "flattened": ("x_test", lambda x: x.reshape(10_000, 784), r"found uint8 of shape \(10000, 784\)"),
    "a number for images": ("x_test", lambda x: x[0, 0, 0], r"found uint8 of shape \(\)"),
    "a number for labels": ("y_test", lambda y: y[0], r"found uint8 of shape \(\)"),
    **{f"no {name}": (name, None, "not found") for name in data.MNIST_SHA256},
}


@pytest.mark.parametrize(("name", "change", "found"), WRONG_ARRAYS.values(), ids=WRONG_ARRAYS)
def test_a_wrong_array_is_named(tmp_path, archive, name, change, found):
    changed = {**archive, name: change(archive[name])} if change else {k: v for k, v in archive.items() if k != name}
    np.savez(tmp_path / "mnist.npz", **changed)
    with pytest.raises(ValueError, match=f"array {name} expected.*{found}.*Mend it"):
        data.load_mnist(tmp_path / "mnist.npz")


@given(count=st.integers(1, 50), seed=st.integers(0, 2**32), epoch=st.integers(0, 1000))
def test_noise_is_uniform_and_depends_on_its_key_alone(count, seed, epoch):
    latents = data.draw_latents(count, data.NOISE, seed, epoch)
    assert latents.shape == (count, 100) and latents.dtype == np.float32
    assert latents.min() >= -1.0 and latents.max() < 1.0
    assert np.array_equal(latents, data.draw_latents(count, data.NOISE, seed, epoch))
    for key in ((data.JUDGED_LATENTS, seed, epoch), (data.NOISE, seed + 1, epoch), (data.NOISE, seed, epoch + 1)):
        assert not np.array_equal(latents, data.draw_latents(count, *key))
    states = {tuple(data.dropout_state(*key)) for key in ((seed, epoch), (seed + 1, epoch), (seed, epoch + 1))}
    assert len(states) == 3 and data.dropout_state(seed, epoch).dtype == np.uint32
    assert np.array_equal(data.fixed_latents(count), data.fixed_latents(50)[:count])
    many = data.draw_latents(5000, data.NOISE, 0, 0)  # 500,000 draws: the standard errors are 0.0008 and 0.0004
    assert [many.mean(), many.var()] == pytest.approx([0.0, 1 / 3], abs=0.003)


def test_every_image_once_in_a_new_order_for_every_epoch_and_seed_and_wrong_batch_sizes_are_named():
    one, third = (data.Batches(images_of(44), batch_size=10, seed=seed) for seed in (5, 6))
    assert len(one) == 4 and one[3][0].shape == (10, 28, 28, 1)
    epochs = [served(third)]
    for epoch in range(3):
        one.on_epoch_begin()
        resumed = data.Batches(images_of(44), batch_size=10, seed=5, first_epoch=epoch)
        for _ in range(2):  # before its first epoch, when Keras looks at a batch, and in it
            assert all(map(np.array_equal, served(one), served(resumed)))
            resumed.on_epoch_begin()
        epochs.append(served(one))
    for number, (pixels, latents) in enumerate(epochs):
        assert len(np.unique(pixels)) == len(pixels) == 40
        assert latents.shape == (40, 100) and len(np.unique(latents, axis=0)) == 40
        assert not any(any(map(np.array_equal, (pixels, latents), before)) for before in epochs[:number])
    for size in (-1, 0, 1, 31):
        with pytest.raises(ValueError, match=f"Batch size: expected 2 to 30 .*found {size}"):
            data.Batches(images_of(30), batch_size=size)
    assert [len(data.Batches(images_of(30), batch_size=ends)) for ends in (2, 30)] == [15, 1]


def test_author_log_is_both_arms_of_test_3_and_one_cut_short_is_named(tmp_path):
    log = data.load_author_log()
    assert log.groupby("moment_weight")["epoch"].apply(list).to_dict() == {w: list(range(1, 21)) for w in (0.0, 0.1)}
    penalty = (log["weighted_mean_gap"] + log["weighted_variance_gap"]).fillna(0)
    assert (log["generator_loss"] > penalty).all()  # it is in the loss
    path = tmp_path / "author_test3.csv"
    for kept in (0, 16, 35, 827, 1489, 1640):
        path.write_bytes((data.DATA / path.name).read_bytes()[:kept])
        with pytest.raises(ValueError, match="author's log .*author_test3.csv: expected 20 epochs .*Mend it"):
            data.load_author_log(path)
