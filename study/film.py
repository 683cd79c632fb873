"""The film of docs/see_it_move.md: recorded frames of both arms as strips of pictures, and their scores.

python -m study film docs/_static/film    # twelve PNG and film.js, the same bytes every time
"""

import io
import json
from pathlib import Path

from helpers import plots
import numpy as np
from PIL import Image as Picture

from study import tables
from study.settings import RECORDED

SEED = 0  # the pair of the course's other pictures
LATENTS = 16  # of the fixed ones, a square number
REELS = {
    "lesson": {"title": "first epoch", "unit": "step"},
    "full": {"title": "20 epochs", "unit": "epoch"},
}
SCORES = {"distance": "frechet_distance", "entropy": "label_entropy"}


def write(folder, results=RECORDED):
    """Write the strips and film.js, which sets `window.FILM`, into a folder.

    A script and no JSON file: a page that was opened from a disk may load the one and not the other.

    Returns:
        The paths written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    reels, paths = [], []
    for profile, words in REELS.items():
        rates = []
        for pair in tables.load_pairs(results, profile, SEED).values():
            rate = f"{pair[0].config['learning_rate']:g}"
            arms = {}
            for arm, record in zip(plots.LABELS, pair, strict=True):
                paths.append(folder / f"{profile}-{rate}-{arm}.png")
                paths[-1].write_bytes(strip(record.images))
                arms[arm] = {"label": plots.LABELS[arm], "strip": paths[-1].name, **scores(record)}
            rates.append({"rate": rate, "places": _places(pair[0]), "arms": arms})
        judged = pair[0].config["frame_images"] or pair[0].config["judged_images"]
        reels.append({**words, "judged": judged, "rates": rates})
    script = json.dumps({"seed": SEED, "latents": LATENTS, "reels": reels})
    paths.append(folder / "film.js")
    paths[-1].write_text(f"window.FILM = {script};\n", encoding="utf-8", newline="\n")
    return paths


def strip(images):
    """Frames side by side as one greyscale PNG, in bytes; in each the first latents in a square, a line around each.

    Args:
        images: uint8 (frames, latents, 28, 28), as `Record.images`.
    """
    lined = np.pad(images[:, :LATENTS], [(0, 0), (0, 0), (0, 1), (0, 1)], constant_values=255)
    frames = [plots.tile(frame, round(LATENTS**0.5)) for frame in lined]
    buffer = io.BytesIO()
    Picture.fromarray(np.concatenate(frames, axis=1)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def scores(record):
    """The scores of each frame as lists, None where a frame was not judged.

    Args:
        record: a `records.Record` whose frames were judged, or one of a frame an epoch, whose epochs were.
    """
    table = record.frames if record.config["frame_images"] else _by_epoch(record)
    return {name: [_rounded(value) for value in table[column]] for name, column in SCORES.items()}


def _by_epoch(record):
    """The judgements of the epochs, one a frame; the first frame shows the untrained generator, which has none."""
    return record.epochs.set_index("epoch").reindex(range(len(record.images)))


def _places(record):
    """Where each frame stands: its step, or its epoch."""
    return list(map(int, record.frame_steps)) if record.config["frame_images"] else list(range(len(record.images)))


def _rounded(value):
    return None if np.isnan(value) else round(float(value), 2)
