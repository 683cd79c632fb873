"""The film of docs/see_it_move.md: its strips are the recorded frames, its scores those of the records."""

import io
import json
import re

from helpers import plots
import numpy as np
from PIL import Image
import pytest

from study import film, tables
from study.settings import RECORDED, ROOT


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of the film, and what film.js sets."""
    folder = tmp_path_factory.mktemp("film")
    paths = film.write(folder)
    assert sorted(paths) == sorted(folder.iterdir())
    script = (folder / "film.js").read_text(encoding="utf-8")
    return folder, json.loads(re.fullmatch(r"window\.FILM = (.*);\n", script, re.DOTALL)[1])


def test_a_strip_holds_the_first_sixteen_latents_of_every_frame():
    images = np.random.default_rng(0).integers(0, 255, (3, 20, 28, 28), dtype=np.uint8)
    with Image.open(io.BytesIO(film.strip(images))) as picture:
        assert picture.mode == "L"
        drawn = np.asarray(picture)
    assert drawn.shape == (4 * 29, 3 * 4 * 29)
    for lines in (drawn[28::29], drawn[:, 28::29]):
        assert (lines == 255).all()
    bare = np.delete(np.delete(drawn, np.s_[28::29], 0), np.s_[28::29], 1)
    expected = [plots.tile(frame[:16], 4) for frame in images]
    assert np.array_equal(bare, np.concatenate(expected, axis=1))


def test_each_strip_is_there_small_and_as_long_as_its_scores(made):
    folder, told = made
    lengths = []
    for reel in told["reels"]:
        assert [rate["rate"] for rate in reel["rates"]] == ["0.01", "0.001", "0.0001"]
        for rate in reel["rates"]:
            assert list(rate["arms"]) == ["plain", "moments"]
            for arm in rate["arms"].values():
                path = folder / arm["strip"]
                assert path.stat().st_size <= 300_000
                with Image.open(path) as picture:
                    assert picture.size == (len(rate["places"]) * 4 * 29, 4 * 29)
                assert len(arm["distance"]) == len(arm["entropy"]) == len(rate["places"])
        lengths.append((reel["title"], len(rate["places"]), rate["places"][-1], reel["judged"]))
    assert lengths == [("first epoch", 12, 550, 1_000), ("20 epochs", 21, 20, 10_000)]


def test_scores_are_those_of_the_records(made):
    first, long = (reel["rates"][2]["arms"] for reel in made[1]["reels"])
    frames = tables.load_pairs(profile="lesson", seed=film.SEED)[3]
    epochs = tables.load_pairs(profile="full", seed=film.SEED)[3]
    for arms, records, table in ((first, frames, "frames"), (long, epochs, "epochs")):
        for arm, record in zip(arms.values(), records, strict=True):
            for name, column in film.SCORES.items():
                expected = list(getattr(record, table)[column])
                found = arm[name] if table == "frames" else arm[name][1:]
                assert np.allclose(found, expected, atol=0.0051)
    assert long["plain"]["distance"][0] is None  # nobody judged the untrained generator there


def test_the_same_records_give_the_same_bytes(made, tmp_path):
    for path in film.write(tmp_path, RECORDED):
        assert path.read_bytes() == (made[0] / path.name).read_bytes(), path.name


def test_the_page_names_what_is_written_and_has_a_picture_without_it():
    page = (ROOT / "docs" / "see_it_move.md").read_text(encoding="utf-8")
    for name in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert name == "_static/film/film.js" or (ROOT / "docs" / name).is_file(), name
    (picture,) = re.findall(r"!\[[^]]{40,}\]\((\S+)\)", page)
    assert (ROOT / "docs" / picture).is_file()
