"""Drawn faces: small colour images with known attributes, made by code and always the same. Taught in notebook 17.

Each face is put together from the parts of python-avatars 1.4 (MIT), an edition of Pablo Stanley's Avataaars
(free for personal and commercial use), and painted by resvg. Both packages are needed once: the faces are kept.
"""

import functools
import hashlib
import io
import json
import operator
import os
import random
import threading
from typing import NamedTuple

from helpers import data
import numpy as np
from PIL import Image

from study.experiment import DATA

TRAIN_FACES, TEST_FACES, SHAPE = DATA["faces"]
SHA256 = "61809ed68475848a547deab2bdc448dbed058ad69f1279bdd67946c5cf67cb94"  # of the pixels of all 6,000
VIEW = (36, 14, 192, 192)  # of a drawing of 264 x 280: the head, as a centre crop of a photo
BACKGROUNDS = ("#a0c8f0", "#f0d0a0", "#b0e0b0", "#e0b0d0", "#d8d8d8")

# What a face is drawn from, each chosen at random on its own: names of python-avatars, and ours for colours.
ATTRIBUTES = {
    "hair": ("NONE", "SIDES", "BUN", "SHORT_FLAT", "SHORT_WAVED", "BOB", "DREADS", "FRO", "BIG_HAIR", "STRAIGHT_1"),
    "hair_colour": ("AUBURN", "BLACK", "BLONDE", "BLONDE_GOLDEN", "BROWN", "BROWN_DARK", "PASTEL_PINK", "PLATINUM",
                    "RED", "SILVER_GRAY"),
    "skin": ("TANNED", "YELLOW", "PALE", "LIGHT", "BROWN", "DARK_BROWN", "BLACK"),
    "eyes": ("DEFAULT", "HAPPY", "SURPRISED", "CLOSED"),
    "mouth": ("DEFAULT", "SMILE", "SAD", "SCREAM_OPEN"),
    "beard": ("NONE", "BEARD_MEDIUM"),
    "glasses": ("NONE", "PRESCRIPTION_2", "SUNGLASSES"),
    "background": BACKGROUNDS,
}  # fmt: skip


class Faces(NamedTuple):
    """Images: float32 (n, 32, 32, 3) in [-1, 1], read-only; attributes: dict from name to uint8 (n,)."""

    train_images: np.ndarray
    train_attributes: dict
    test_images: np.ndarray
    test_attributes: dict


@functools.cache
def load() -> Faces:
    """Return the 4,000 faces to train on and the 2,000 to judge by, drawn at the first call on a machine.

    That takes about half a minute; they are kept in data/, where that can be written. Both sets are drawn alike and
    apart, so 27 faces of the second are equal to one of the first, by chance.

    Raises:
        ImportError: they have to be drawn, and the packages for it are not there.
    """
    pixels, attributes = _kept(TRAIN_FACES + TEST_FACES)
    if hashlib.sha256(pixels.tobytes()).hexdigest() != SHA256:
        print("Drawn faces: not to the pixel those of the records, which python-avatars 1.4.1 and resvg-py 0.5.0 drew.")
    images = data.scale(pixels)
    images.flags.writeable = False
    train, test = slice(TRAIN_FACES), slice(TRAIN_FACES, None)
    split = [{name: values[part] for name, values in attributes.items()} for part in (train, test)]
    return Faces(images[train], split[0], images[test], split[1])


def draw(numbers) -> tuple[np.ndarray, dict]:
    """Draw the faces with these numbers: the same number is the same face.

    Args:
        numbers: integers >= 0.

    Returns:
        `(pixels, attributes)`: uint8 (n, 32, 32, 3), and a dict from the names of `ATTRIBUTES` to
        uint8 (n,), the places in its lists.

    Raises:
        ImportError: the packages that draw are not there.
        ValueError: a number below 0.
    """
    chosen = [_choose(operator.index(number)) for number in numbers]
    pixels = np.array([_paint(_describe(face)) for face in chosen], np.uint8)
    return pixels.reshape(-1, *SHAPE), {name: np.array([f[name] for f in chosen], np.uint8) for name in ATTRIBUTES}


def _choose(number):
    """The place in each list of `ATTRIBUTES` that a face has."""
    if number < 0:
        raise ValueError(f"Number of a face: expected 0 or more, found {number}.")
    lot = random.Random(number)
    return {name: lot.randrange(len(values)) for name, values in ATTRIBUTES.items()}


def _describe(face):
    """The drawing of a face, as an SVG, and the colour behind it."""
    try:
        import python_avatars as parts
    except ImportError as error:
        raise _needed(error) from error
    of = {name: values[face[name]] for name, values in ATTRIBUTES.items()}
    hair = parts.HairColor[of["hair_colour"]]
    drawing = parts.Avatar(
        style=parts.AvatarStyle.TRANSPARENT,
        background_color=parts.BackgroundColor.WHITE,
        top=parts.HairType[of["hair"]],
        hair_color=hair,
        eyebrows=parts.EyebrowType.DEFAULT,
        eyes=parts.EyeType[of["eyes"]],
        nose=parts.NoseType.DEFAULT,
        mouth=parts.MouthType[of["mouth"]],
        facial_hair=parts.FacialHairType[of["beard"]],
        facial_hair_color=hair,
        skin_color=parts.SkinColor[of["skin"]],
        accessory=parts.AccessoryType[of["glasses"]],
        clothing=parts.ClothingType.SHIRT_CREW_NECK,
        clothing_color=parts.ClothingColor.GRAY_01,
    ).render()
    size = 'width="{2}px" height="{3}px" viewBox="{0} {1} {2} {3}"'
    return drawing.replace(size.format(0, 0, 264, 280), size.format(*VIEW)), of["background"]


def _paint(described):
    """Pixels of a drawing: uint8 (32, 32, 3)."""
    try:
        import resvg_py
    except ImportError as error:
        raise _needed(error) from error
    drawing, background = described
    picture = resvg_py.svg_to_bytes(svg_string=drawing, width=SHAPE[1], background=background, skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(bytes(picture))).convert("RGB"))


def _needed(error):
    return ImportError(
        f"Drawn faces: expected the packages python-avatars and resvg-py, found no {error.name}. "
        "Mend it with: python -m pip install python-avatars resvg-py"
    )


def _kept(count):
    """`draw` the first `count` faces, or read them where they were kept."""
    recipe = json.dumps([count, SHAPE, VIEW, ATTRIBUTES])
    path = data.DATA / f"faces-{hashlib.sha256(recipe.encode()).hexdigest()[:8]}.npz"
    if path.is_file() and (kept := _read(path, count)):
        return kept
    pixels, attributes = draw(range(count))
    draft = path.with_name(f".draft-{path.stem}-{os.getpid()}-{threading.get_ident()}.npz")
    try:
        np.savez_compressed(draft, pixels=pixels, **attributes)
        draft.replace(path)
    except OSError as error:
        print(f"Drawn faces: {path.parent} cannot be written ({error.strerror}), so the next run draws them again.")
    finally:
        if draft.exists():
            draft.unlink()
    return pixels, attributes


def _read(path, count):
    """The pixels and attributes that are kept in a file, or None if it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            attributes = dict(archive)
        pixels = attributes.pop("pixels")
        kinds = [(values.dtype, values.shape) for values in (pixels, *attributes.values())]
        wanted = [(np.uint8, (count, *SHAPE)), *[(np.uint8, (count,))] * len(ATTRIBUTES)]
        if kinds != wanted or list(attributes) != list(ATTRIBUTES):
            raise ValueError("other arrays")
    except Exception as error:  # a damaged file raises one of many types
        print(f"Drawn faces: {path} is damaged ({type(error).__name__}), so they are drawn anew.")
        return None
    return pixels, attributes
