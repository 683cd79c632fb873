"""CelebA's reader, on made files in CelebA's format."""

import io
import zipfile

import numpy as np
from PIL import Image
import pytest

from study import celeba


def jpeg(colour, size=celeba.SIZE):
    """An image of one colour, with a white band above and below its middle square, as the bytes of a JPEG."""
    image = Image.new("RGB", size, "white")
    image.paste(colour, (0, 20, size[0], size[1] - 20))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (120, 120, 120)]


@pytest.fixture
def made(tmp_path):
    """Four images as the zip has them, listed out of order, and the same in a folder."""
    with zipfile.ZipFile(tmp_path / "img_align_celeba.zip", "w") as archive:
        for number in (2, 0, 3, 1):
            archive.writestr(f"img_align_celeba/{number + 1:06d}.jpg", jpeg(COLOURS[number]))
        archive.writestr("__MACOSX/img_align_celeba/._000001.jpg", b"\0")
    with zipfile.ZipFile(tmp_path / "img_align_celeba.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path


@pytest.mark.parametrize("place", ["img_align_celeba.zip", "unpacked", "unpacked/img_align_celeba"])
def test_the_middle_squares_come_in_order_from_a_zip_and_from_a_folder(made, place):
    images = celeba.load(made / place, 3)
    assert images.shape == (3, 32, 32, 3) and images.dtype == np.uint8
    for image, colour in zip(images, COLOURS, strict=False):
        middle = image[1:-1, 1:-1].astype(int)  # JPEG's blocks reach a little over the bands' edges
        assert np.abs(middle - colour).max() <= 12
    assert celeba.load(made / place, 1, side=64).shape == (1, 64, 64, 3)


def damage(kind, folder):
    """Write a broken zip, and return its path."""
    path = folder / f"{kind}.zip"
    whole = (folder / "img_align_celeba.zip").read_bytes()
    if kind == "a web page":
        path.write_text("<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title>", encoding="utf-8")
    elif kind == "another file":
        path.write_bytes(b"7z\xbc\xaf" + whole)
    elif kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "damaged inside":
        at = whole.index(b"/000001.jpg") + 600
        path.write_bytes(whole[:at] + bytes(64) + whole[at + 64 :])
    else:
        with zipfile.ZipFile(path, "w") as archive:
            if kind == "no images":
                archive.writestr("Anno/list_attr_celeba.txt", "202599\n")
            else:  # not aligned: each of its own size
                archive.writestr("img_celeba/000001.jpg", jpeg(COLOURS[0], (409, 687)))
    return path


BROKEN = {
    "a web page": "expected a zip, found a web page, such as Google Drive's",
    "another file": "expected a zip, found another file",
    "truncated": r"expected a whole zip .* found a truncated one of 0\.0 MB",
    "no images": r"expected the images of img_align_celeba in it, found Anno/list_attr_celeba\.txt",
    "damaged inside": r"expected img_align_celeba/000001\.jpg as a JPEG .* found Bad CRC-32",
    "of another size": "as a JPEG of 178 x 218 pixels, found one of 409 x 687",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_zip_is_named_with_what_to_do(made, kind):
    path = damage(kind, made)
    with pytest.raises(ValueError, match=f"CelebA {path}: .*{BROKEN[kind]}.*Mend it"):
        celeba.load(path, 1)


def test_what_macos_and_cameras_name_otherwise_is_read_too(made):
    folder = made / "unpacked" / "img_align_celeba"
    (folder / "._000001.jpg").write_bytes(b"")
    (folder / "000004.jpg").rename(folder / "000004.JPG")
    assert celeba.load(folder, 4).shape == (4, 32, 32, 3)


def test_too_few_images_and_a_wrong_path_are_named(made):
    for wrong in ({"count": 0}, {"side": -1}):
        with pytest.raises(ValueError, match="expected a count and a side of 1 or more"):
            celeba.load(made / "img_align_celeba.zip", **wrong)
    for place in ("img_align_celeba.zip", "unpacked"):
        with pytest.raises(ValueError, match="expected 20,000 images or more, found 4"):
            celeba.load(made / place)
    with pytest.raises(FileNotFoundError, match="expected a folder or a zip at .*, found nothing"):
        celeba.load(made / "img_align_celeb.zip")
