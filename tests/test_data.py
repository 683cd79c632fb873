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


def test_split_has_the_shapes_of_the_study(mnist):
    assert mnist.train_images.shape == (55_000, 28, 28, 1)
    assert mnist.validation_images.shape == (5_000, 28, 28, 1)
    assert mnist.test_images.shape == (10_000, 28, 28, 1)
    assert [len(labels) for labels in (mnist.train_labels, mnist.validation_labels, mnist.test_labels)] == [
        55_000,
        5_000,
        10_000,
    ]


def test_images_are_float32_in_range_and_labels_digits(mnist):
    for images in (mnist.train_images, mnist.validation_images, mnist.test_images):
        assert images.dtype == np.float32
        assert (images.min(), images.max()) == (-1.0, 1.0)
    for labels in (mnist.train_labels, mnist.validation_labels, mnist.test_labels):
        assert labels.dtype == np.uint8
        assert np.array_equal(np.unique(labels), np.arange(10))


def test_split_is_the_archives_scaled(mnist, archive):
    # An independent formula: float64, another order of operations, rounded to float32 at the end.
    expected = ((2.0 * archive["x_train"].astype(np.float64) - 255.0) / 255.0)[..., None]
    assert np.abs(mnist.train_images - expected[5000:]).max() <= 2.0**-23
    assert np.abs(mnist.validation_images - expected[:5000]).max() <= 2.0**-23
    assert np.array_equal(mnist.train_labels, archive["y_train"][5000:])
    assert np.array_equal(mnist.validation_labels, archive["y_train"][:5000])
    assert np.array_equal(mnist.test_labels, archive["y_test"])


def test_scaling_and_back_is_exact(mnist, archive):
    every_value = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    assert np.array_equal(data.unscale(data.scale(every_value)), every_value)
    assert data.unscale(data.scale(every_value)).dtype == np.uint8
    assert np.array_equal(data.unscale(mnist.test_images), archive["x_test"])


def test_missing_archive(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        data.load_mnist(tmp_path / "mnist.npz")
    message = str(caught.value)
    assert f"expected at {tmp_path / 'mnist.npz'}" in message
    assert "nothing found" in message and "Mend it" in message


def test_truncated_archive(tmp_path):
    path = tmp_path / "mnist.npz"
    path.write_bytes(data.MNIST_PATH.read_bytes()[:-1000])
    with pytest.raises(ValueError) as caught:
        data.load_mnist(path)
    message = str(caught.value)
    assert str(path) in message and "expected a readable .npz" in message
    assert "found a damaged one" in message and "Mend it" in message


def test_archive_damaged_inside_one_array(tmp_path):
    path = tmp_path / "mnist.npz"
    stored = bytearray(data.MNIST_PATH.read_bytes())
    stored[len(stored) // 2] ^= 0xFF  # the directory at the end stays whole
    path.write_bytes(stored)
    with pytest.raises(ValueError, match="expected a readable .npz, found a damaged one.*Mend it"):
        data.load_mnist(path)


def test_archive_with_one_pixel_changed(tmp_path, archive):
    images = archive["x_test"].copy()
    images[123, 14, 14] ^= 1
    path = tmp_path / "mnist.npz"
    np.savez(path, **{**archive, "x_test": images})
    with pytest.raises(ValueError) as caught:
        data.load_mnist(path)
    message = str(caught.value)
    assert "array x_test expected with SHA-256 6d87418db22c" in message
    assert "found " in message.split("expected", 1)[1] and "Mend it" in message


@pytest.mark.parametrize("name", ["x_train", "y_train", "x_test", "y_test"])
def test_archive_without_an_array(tmp_path, archive, name):
    path = tmp_path / "mnist.npz"
    np.savez(path, **{key: array for key, array in archive.items() if key != name})
    with pytest.raises(ValueError) as caught:
        data.load_mnist(path)
    message = str(caught.value)
    assert f"array {name} expected, not found" in message and "Mend it" in message


def test_archive_with_flattened_images(tmp_path, archive):
    # The same bytes in another shape: a common variant of MNIST, and not what is documented.
    path = tmp_path / "mnist.npz"
    np.savez(path, **{**archive, "x_test": archive["x_test"].reshape(10_000, 784)})
    with pytest.raises(ValueError, match="x_test.*expected.*found.*Mend it"):
        data.load_mnist(path)


WRONG_IMAGES = {
    "no channel axis": (np.zeros((3, 28, 28), np.float32), r"expected shape \(n, 28, 28, 1\), found \(3, 28, 28\)"),
    "another size": (np.zeros((3, 32, 32, 1), np.float32), r"expected shape .* found \(3, 32, 32, 1\)"),
    "float64": (np.zeros((3, 28, 28, 1)), "expected dtype float32, found float64"),
    "uint8": (np.zeros((3, 28, 28, 1), np.uint8), "expected dtype float32, found uint8"),
    "too bright": (np.full((3, 28, 28, 1), 1.001, np.float32), r"expected pixels in \[-1, 1\], found \[1, 1\]"),
    "0 to 255": (np.full((3, 28, 28, 1), 255, np.float32), r"expected pixels in \[-1, 1\], found \[255, 255\]"),
    "too dark": (np.full((3, 28, 28, 1), -2, np.float32), r"expected pixels in \[-1, 1\], found \[-2, -2\]"),
}


@pytest.mark.parametrize("kind", WRONG_IMAGES)
def test_wrong_images_are_named(kind):
    images, found = WRONG_IMAGES[kind]
    with pytest.raises(ValueError, match=f"{found}.*Mend it"):
        data.check_images(images)


def test_one_nan_among_good_pixels_is_found():
    images = images_of(3)
    images[1, 5, 5, 0] = np.nan
    with pytest.raises(ValueError, match="found .*nan"):
        data.check_images(images)


def test_right_images_come_back_as_they_are():
    images = images_of(3)
    assert data.check_images(images) is images


@given(count=st.integers(1, 50), seed=st.integers(0, 2**32), epoch=st.integers(0, 1000))
def test_latents_are_in_range_and_depend_on_their_key(count, seed, epoch):
    latents = data.draw_latents(count, data.NOISE, seed, epoch)
    assert latents.shape == (count, 100) and latents.dtype == np.float32
    assert latents.min() >= -1.0 and latents.max() < 1.0
    assert np.array_equal(latents, data.draw_latents(count, data.NOISE, seed, epoch))
    for key in ((data.JUDGED_LATENTS, seed, epoch), (data.NOISE, seed + 1, epoch), (data.NOISE, seed, epoch + 1)):
        assert not np.array_equal(latents, data.draw_latents(count, *key))


def test_latents_are_uniform():
    latents = data.draw_latents(5000, data.NOISE, 0, 0)
    # 500,000 draws: the standard errors are 0.0008 and 0.0004.
    assert latents.mean() == pytest.approx(0.0, abs=0.004)
    assert latents.var() == pytest.approx(1 / 3, abs=0.002)


def test_fixed_latents_begin_alike_whatever_their_number():
    assert data.fixed_latents().shape == (40, 100)
    assert np.array_equal(data.fixed_latents(9), data.fixed_latents(40)[:9])


def test_every_image_at_most_once_an_epoch():
    batches = data.Batches(images_of(50), batch_size=12, seed=1)
    assert len(batches) == 4
    assert all(batches[step][0].shape == (12, 28, 28, 1) for step in range(4))
    pixels, latents = served(batches)
    assert len(np.unique(pixels)) == 48
    assert latents.shape == (48, 100) and len(np.unique(latents, axis=0)) == 48


def test_a_new_order_and_new_noise_every_epoch():
    batches = data.Batches(images_of(40), batch_size=10, seed=1)
    epochs = []
    for _ in range(3):
        batches.on_epoch_begin()
        epochs.append(served(batches))
    for first, second in ((0, 1), (1, 2), (0, 2)):
        assert not np.array_equal(epochs[first][0], epochs[second][0])
        assert not np.array_equal(epochs[first][1], epochs[second][1])
        # All images are in every epoch: only the order is new.
        assert np.array_equal(np.sort(epochs[first][0]), np.sort(epochs[second][0]))


def test_same_seed_same_batches_other_seed_others():
    one, other, third = (data.Batches(images_of(40), batch_size=10, seed=seed) for seed in (5, 5, 6))
    assert all(np.array_equal(a, b) for a, b in zip(served(one), served(other), strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(served(one), served(third), strict=True))


@pytest.mark.parametrize("first", [0, 1, 3])
def test_a_resumed_run_is_served_what_an_uninterrupted_one_is(first):
    whole = data.Batches(images_of(40), batch_size=10, seed=2)
    for _ in range(first + 1):
        whole.on_epoch_begin()
    resumed = data.Batches(images_of(40), batch_size=10, seed=2, first_epoch=first)
    # Keras may look at a batch before the first epoch begins; it is to be the same one.
    before = served(resumed)
    resumed.on_epoch_begin()
    for epoch in (before, served(resumed)):
        assert all(np.array_equal(a, b) for a, b in zip(epoch, served(whole), strict=True))
    whole.on_epoch_begin()
    resumed.on_epoch_begin()
    assert all(np.array_equal(a, b) for a, b in zip(served(resumed), served(whole), strict=True))


class Watcher(keras.Model):
    """A model that learns nothing and remembers what `fit` feeds it."""

    def __init__(self):
        super().__init__()
        self.built, self.seen = True, []

    def train_step(self, batch):
        self.seen.append([np.asarray(part) for part in batch])
        return {"seen": keras.ops.zeros(())}


def watch(first_epoch, epochs):
    """What `fit` shows a model from `first_epoch` to `epochs`, one array of pixels an epoch."""
    model = Watcher()
    model.compile(run_eagerly=True)
    batches = data.Batches(images_of(30), batch_size=10, seed=3, first_epoch=first_epoch)
    model.fit(batches, initial_epoch=first_epoch, epochs=epochs, shuffle=False, verbose=0)
    pixels = np.concatenate([images[:, 0, 0, 0] for images, _ in model.seen])
    latents = np.concatenate([latents for _, latents in model.seen])
    return pixels.reshape(-1, 30), latents.reshape(-1, 30, 100)


def test_keras_serves_the_plan():
    pixels, latents = watch(0, 3)
    assert pixels.shape == (3, 30)
    planned = data.Batches(images_of(30), batch_size=10, seed=3)
    for epoch in range(3):
        planned.on_epoch_begin()
        expected = served(planned)
        assert np.array_equal(pixels[epoch], expected[0])
        assert np.array_equal(latents[epoch], expected[1])


def test_keras_resumes_with_the_plan_of_the_epoch():
    whole, resumed = watch(0, 3), watch(1, 3)
    assert np.array_equal(resumed[0], whole[0][1:])
    assert np.array_equal(resumed[1], whole[1][1:])


@pytest.mark.parametrize("size", [-1, 0, 1, 31])
def test_batch_size_out_of_range(size):
    with pytest.raises(ValueError, match=f"Batch size: expected 2 to 30 .*found {size}"):
        data.Batches(images_of(30), batch_size=size)


@pytest.mark.parametrize("size", [2, 30])
def test_batch_sizes_at_the_ends_of_the_range(size):
    assert len(data.Batches(images_of(30), batch_size=size)) == 30 // size


def test_batches_refuse_wrong_images():
    with pytest.raises(ValueError, match="expected dtype float32, found float64"):
        data.Batches(np.zeros((30, 28, 28, 1)), batch_size=10)
