"""The lecture: every slide has notes, every picture an alt text, every result the numbers of the verdict table."""

import importlib.util
import re

import pytest

from study import claims, lecture
from study.settings import LEARNING_RATES, ROOT

TEXT = (ROOT / "docs" / "slides" / "lecture.md").read_text(encoding="utf-8")
SLIDES = [tuple(part.split("\nNotes:\n")) for part in TEXT.split("\n---\n")]
TITLES = [re.search(r"(?m)^##? (.+)$", slide[0])[1] for slide in SLIDES]
PICTURE = r"!\[([^]]*)\]\(([^)]+)\)"
NUMBER = r"\d+(?:\.\d+)?"
VERDICTS = {"held", "fell", "undecided"}
RIVALS = {
    "R1": "plain+r1",
    "feature matching": "feature-matching",
    "variance hinge": "variance-hinge",
    "spectral normalisation": "plain+spectral",
    "two time scales": "plain+rates1:4",
    "β₁ = 0.5": "plain+beta0.5",
    "minibatch deviation": "plain+minibatch-stddev",
    "covariance": "covariance",
}


def attributes(slide):
    """The attributes that a slide's comment sets."""
    comment = re.search(r"<!-- \.slide: (.*?) -->", slide[0])
    return dict(re.findall(r'([\w-]+)="([^"]*)"', comment[1])) if comment else {}


RESULTS = {title: slide for title, slide in zip(TITLES, SLIDES, strict=True) if "data-claims" in attributes(slide)}


@pytest.fixture(scope="module")
def verdicts():
    return claims.as_text(claims.table())


def rows_of(slide, verdicts):
    """The rows of the verdict table that a result slide is about."""
    told = attributes(slide)
    names, places = (tuple(told[name].split("; ")) for name in ("data-claims", "data-where"))
    rows = verdicts[verdicts["claim"].isin(names) & verdicts["where"].str.startswith(places)]
    return rows[rows["rate"] == told["data-rate"]] if "data-rate" in told else rows


def lines_of(slide):
    """The body lines of a slide's tables, each a list of cells without marks of weight."""
    tables = re.findall(r"(?m)(?:^\|.*\n?)+", slide[0])
    lines = [line for table in tables for line in table.strip().splitlines()[2:]]
    return [[cell.strip().strip("*") for cell in line.strip("|").split("|")] for line in lines]


def test_there_is_a_slide_every_two_minutes_or_so_and_each_title_once():
    assert 35 <= len(SLIDES) <= 45
    assert len(set(TITLES)) == len(TITLES)


@pytest.mark.parametrize("slide", SLIDES, ids=TITLES)
def test_every_slide_has_notes_that_say_ask_and_answer(slide):
    assert len(slide) == 2, "expected one line 'Notes:'"
    assert re.match(r"\*\*\d+ min\.\*\* ", slide[1])
    for part in (r"\*\*Say:\*\*", r"\*\*Ask", r"\*\*Usual answer:\*\*"):
        assert re.search(part, slide[1]), part


def test_the_time_plan_is_the_sum_of_the_minutes_and_90():
    spent, part = {}, None
    for slide in SLIDES:
        part = attributes(slide).get("data-part", part)
        spent[part] = spent.get(part, 0) + int(re.match(r"\*\*(\d+)", slide[1])[1])
    plan = re.search(r"Time plan, minutes: (.*); together 90\.", SLIDES[0][1])[1]
    assert ", ".join(f"{name} {minutes}" for name, minutes in spent.items()) == plan
    assert sum(spent.values()) == 90


def test_few_words_on_a_slide():
    for title, (shown, _) in zip(TITLES, SLIDES, strict=True):
        bare = re.sub(r"<!--.*?-->|!\[.*?\]\(.*?\)|<[^>]+>|\$\$.*?\$\$|\|", " ", shown, flags=re.DOTALL)
        assert len(bare.split()) <= 75, title


def test_every_picture_is_there_and_its_alt_text_states_what_it_shows():
    pictures = re.findall(PICTURE, TEXT)
    made = {f"figures/{name}.png" for name in lecture.PICTURES}
    assert {address for _, address in pictures} == made  # and none is drawn for nothing
    assert min(len(alt) for alt, _ in pictures) > 60


@pytest.mark.parametrize("slide", RESULTS.values(), ids=list(RESULTS))
def test_each_line_of_a_result_is_a_row_of_the_verdict_table(slide, verdicts):
    rows, lines = rows_of(slide, verdicts), lines_of(slide)
    assert len(rows) and lines
    for cells in lines:
        label, *rest = cells
        known = [row for row in rows.to_dict("records") if all(cell in said(row) for cell in rest)]
        known = [row for row in known if not re.match(NUMBER, label) or label == row["rate"]]
        known = [row for row in known if label not in RIVALS or row["where"].endswith(f" to {RIVALS[label]}")]
        assert len(known) == 1, cells
        assert rest[0] == known[0]["n"] and rest[-1] == known[0]["new"] in VERDICTS


def said(row):
    """What a row of the verdict table says, as a slide writes it; of a range of rates, the decades alone."""
    other = re.sub(r"^decades (.*), area .*", r"\1", row["other"])
    return {row["n"], row["fd"], row["kid"], other, row["new"]}


def test_three_tests_are_told_whole(verdicts):
    for test, rate in LEARNING_RATES.items():
        slide = RESULTS[f"Test {test}, measured"]
        assert attributes(slide)["data-rate"] == f"{rate:g}"
        assert len(lines_of(slide)) == len(rows_of(slide, verdicts)) == 3


def test_no_result_stands_outside_the_checked_slides():
    rates = {f"{rate:g}" for rate in LEARNING_RATES.values()}
    for title, slide in zip(TITLES, SLIDES, strict=True):
        shown = slide[0] if title not in RESULTS else ""
        text = re.sub(PICTURE, "", f"{shown} {slide[1]}")
        assert set(re.findall(r"\d+\.\d+", text)) <= rates | {"0.1", "0.9", "0.5", "0.45"}, title
        assert "[" not in text, title


def test_distances_in_alt_texts_are_those_of_the_picture():
    alt = next(alt for alt, address in re.findall(PICTURE, TEXT) if "distances" in address)
    texts = {text.get_text() for text in lecture.distances().axes[0].texts}
    assert texts == set(re.findall(NUMBER, alt))


@pytest.fixture
def build(tmp_path, monkeypatch):
    """docs/slides/build.py, which finds npm's packages in tmp_path/modules."""
    spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "slides" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "MODULES", tmp_path / "modules")
    return module


def test_the_build_puts_the_text_and_its_pictures_into_one_folder(tmp_path, build):
    """With stand-ins for npm's packages, which the unit tests do without."""
    with pytest.raises(FileNotFoundError, match="npm ci"):
        build.build(tmp_path / "slides")
    for source, (_, names) in build.VENDORED.items():
        for name in names:
            path = tmp_path / "modules" / source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if name == "fonts" else path.write_text(name)
    with pytest.raises(FileNotFoundError, match="python -m study lecture"):
        build.build(tmp_path / "slides")
    for name in lecture.PICTURES:
        (tmp_path / "slides" / "figures").mkdir(exist_ok=True)
        (tmp_path / "slides" / "figures" / f"{name}.png").touch()
    for _ in range(2):  # also over what is there
        build.build(tmp_path / "slides")
    page = (tmp_path / "slides" / "index.html").read_text(encoding="utf-8")
    assert "epochs to FD &lt; 100" in page and "{{" not in page
    named = re.findall(r'(?:src|href)="([^"#:]+)"', page)
    assert named and all((tmp_path / "slides" / name).is_file() for name in named)
