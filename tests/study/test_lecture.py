"""The pictures of the lecture: they fit a slide, are small, and the same every time."""

from helpers import plots
import numpy as np
from PIL import Image
import pytest

from study import lecture, tables


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The paths of all pictures, drawn once."""
    return lecture.write(tmp_path_factory.mktemp("lecture"))


def test_every_picture_fits_a_slide_and_is_small(drawn):
    assert [path.stem for path in drawn] == list(lecture.PICTURES)
    for path in drawn:
        with Image.open(path) as picture:
            width, height = picture.size
        assert 1100 < width <= 1280 and 300 < height <= 600, path.name
        assert path.stat().st_size < 150_000, path.name


def test_the_same_records_give_the_same_bytes(drawn):
    for path in drawn[:3]:
        assert plots.png(lecture.PICTURES[path.stem]()) == path.read_bytes(), path.name


def test_letters_can_be_read_from_the_last_row():
    for name in ("distances", "over_epochs_2", "rates", "sizes", "hill"):
        figure = lecture.PICTURES[name]()
        texts = [text for axis in figure.axes for text in (axis.title, axis.xaxis.label, *axis.get_xticklabels())]
        assert min(text.get_fontsize() for text in texts if text.get_text()) >= 18, name


def test_samples_are_the_last_of_both_arms():
    axes = lecture.samples(3, "full").axes
    pair = tables.load_pairs(profile="full", tests=[3])[3]
    for axis, record, label in zip(axes, pair, plots.LABELS.values(), strict=True):
        assert axis.get_title() == label
        bare = np.delete(np.delete(axis.images[0].get_array(), np.s_[28::29], 0), np.s_[28::29], 1)
        assert np.array_equal(bare, plots.tile(record.images[-1, :40], 8))


def test_on_the_hill_all_images_end_at_one_place():
    before, after = (axis.lines[1].get_xdata() for axis in lecture.hill().axes)
    assert before.std() > 0.5 and after.std() < 0.01
