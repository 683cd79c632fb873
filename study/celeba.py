"""CelebA's aligned faces from a folder or zip that the reader has; nothing of it is kept. Taught in notebook 17.

Z. Liu, P. Luo, X. Wang, X. Tang, "Deep learning face attributes in the wild", ICCV 2015. The images are for
non-commercial research and may not be passed on.
"""

import io
import os
from pathlib import Path
import zipfile
import zlib

import numpy as np
from PIL import Image

SIZE = (178, 218)  # width and height of an aligned image
ZIP_MEGABYTES = 1443  # of img_align_celeba.zip, with all 202,599 images
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError,
          Image.DecompressionBombError)  # fmt: skip


def load(place: str | Path, count: int = 20_000, side: int = 32) -> np.ndarray:
    """Read the first aligned images, in order of name: the square in the middle, made small.

    Args:
        place: img_align_celeba.zip, or a folder with its images, at any depth.
        count: how many images, >= 1.
        side: height and width of a small image, in pixels, >= 1.

    Returns:
        uint8 (count, side, side, 3).

    Raises:
        FileNotFoundError: there is nothing at that place.
        ValueError: it is no zip, or a truncated one, or one without such images; it has too few; an image is
            damaged or of another size; `count` or `side` is below 1.
    """
    if count < 1 or side < 1:
        raise ValueError(f"CelebA: expected a count and a side of 1 or more, found {count} and {side}.")
    place = Path(os.path.expanduser(place))
    if not place.exists():
        raise FileNotFoundError(f"CelebA: expected a folder or a zip at {place}, found nothing. Mend the path.")
    if place.is_dir():
        names = sorted(path for path in place.rglob("*") if _is_image(path))
        return _read(names, Path.read_bytes, place, count, side)
    with _open(place) as archive:
        inside = [name for name in archive.namelist() if _is_image(Path(name))]
        if not inside:
            found = ", ".join(archive.namelist()[:3]) or "nothing"
            raise ValueError(
                f"CelebA {place}: expected the images of img_align_celeba in it, found {found}. "
                "Mend it with the file img_align_celeba.zip; there are others beside it."
            )
        return _read(sorted(inside), archive.read, place, count, side)


def _is_image(path):
    """Whether a path is that of a JPEG, and not of what macOS keeps beside one."""
    return path.suffix.lower() in (".jpg", ".jpeg") and not path.name.startswith("._")


def _open(place):
    """The zip at a place, or an error that says what lies there instead."""
    with place.open("rb") as file:
        start = file.read(512)
    if not start.startswith(b"PK"):
        page = start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))
        found = "a web page, such as Google Drive's notice that too many have asked" if page else "another file"
        raise ValueError(
            f"CelebA {place}: expected a zip, found {found}. Mend it by downloading again with a browser, or another "
            "day, and naming that file."
        )
    try:
        return zipfile.ZipFile(place)
    except zipfile.BadZipFile as error:
        raise ValueError(
            f"CelebA {place}: expected a whole zip (the original has {ZIP_MEGABYTES:,} MB), found a truncated one of "
            f"{place.stat().st_size / 1e6:,.1f} MB. Mend it by downloading it again to the end."
        ) from error


def _read(names, read, place, count, side):
    """The first `count` images of `names`, each by `read`, small."""
    if len(names) < count:
        raise ValueError(
            f"CelebA {place}: expected {count:,} images or more, found {len(names):,}. "
            "Mend it by unpacking all of them, or by asking for fewer."
        )
    images = np.empty((count, side, side, 3), np.uint8)
    for index, name in enumerate(names[:count]):
        try:
            images[index] = _small(read(name), side)
        except DAMAGE as error:
            raise ValueError(
                f"CelebA {place}: expected {name} as a JPEG of {SIZE[0]} x {SIZE[1]} pixels, found {error}. "
                "Mend it by unpacking or downloading it again."
            ) from error
    return images


def _small(content, side):
    """The middle square of one image, `side` pixels wide."""
    with Image.open(io.BytesIO(content)) as image:
        if image.size != SIZE:
            raise ValueError("one of {} x {}".format(*image.size))
        width, height = SIZE
        above = (height - width) // 2
        square = image.convert("RGB").resize((side, side), Image.Resampling.BOX, (0, above, width, above + width))
    return np.asarray(square)
