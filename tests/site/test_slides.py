"""The built lecture in a browser, opened from the disk without network. Needs `make slides`."""

from pathlib import Path
import re

from browsing import watch
import pytest

pytestmark = pytest.mark.site

ROOT = Path(__file__).resolve().parents[2]
LECTURE = ROOT / "slides" / "index.html"
# Edges of what a slide shows, notes and the text for screen readers in formulas aside.
EDGES = """() => {
    const slide = Reveal.getCurrentSlide();
    const shown = [...slide.querySelectorAll("*")].filter((one) => !one.closest("aside, .katex-mathml"));
    const boxes = shown.map((one) => one.getBoundingClientRect()).filter((box) => box.width && box.height);
    return [Math.max(...boxes.map((box) => box.right)), Math.max(...boxes.map((box) => box.bottom))];
}"""


@pytest.fixture(scope="module")
def deck(browser):
    """The opened lecture, and what the browser complained of and asked for."""
    assert LECTURE.is_file(), "Lecture: expected slides/index.html, found none. Mend it with: make slides"
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    complaints, asked = watch(page)
    page.goto(LECTURE.as_uri())
    page.wait_for_function("Reveal.isReady() && document.querySelector('.katex')")
    return page, complaints, asked


def test_it_opens_without_complaint_and_asks_no_other_host(deck):
    page, complaints, asked = deck
    page.wait_for_load_state("networkidle")
    assert complaints == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}


def test_formulas_are_drawn_and_no_mark_of_markdown_is_left(deck):
    page = deck[0]
    written = (ROOT / "docs" / "slides" / "lecture.md").read_text(encoding="utf-8").count("$$") // 2
    assert page.locator(".katex-display").count() == written > 3
    assert page.locator(".katex-error").count() == 0
    text = page.evaluate("document.querySelector('.slides').innerText")
    assert not re.search(r"\$\$|\*\*|!\[|Notes:|\.slide:", text)


def test_every_slide_fits_and_shows_its_pictures(deck):
    page = deck[0]
    count = page.evaluate("Reveal.getTotalSlides()")
    assert count == (ROOT / "docs" / "slides" / "lecture.md").read_text(encoding="utf-8").count("\n---\n") + 1
    for index in range(count):
        page.evaluate(f"Reveal.slide({index})")
        right, bottom = page.evaluate(EDGES)
        title = page.evaluate("Reveal.getCurrentSlide().querySelector('h1, h2').textContent")
        assert right <= 1260 and bottom <= 700, (title, right, bottom)
        broken = "[...Reveal.getCurrentSlide().querySelectorAll('img')].filter(one => !one.naturalWidth || !one.alt)"
        assert page.evaluate(f"{broken}.length") == 0, title


def test_letters_are_large(deck):
    sizes = """[...document.querySelectorAll(".slides section :is(p, li, td, th, code)")].filter(
        (one) => !one.closest("aside")).map((one) => parseFloat(getComputedStyle(one).fontSize))"""
    assert min(deck[0].evaluate(sizes)) >= 29


def test_notes_are_kept_for_the_speaker(deck):
    page = deck[0]
    for index in (0, 10):
        page.evaluate(f"Reveal.slide({index})")
        assert "Say:" in page.evaluate("Reveal.getSlideNotes()")


def test_on_paper_there_is_a_page_for_each_slide(browser, deck):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{LECTURE.as_uri()}?print-pdf")
    page.wait_for_function("document.querySelectorAll('.pdf-page').length > 0")
    assert page.locator(".pdf-page").count() == deck[0].evaluate("Reveal.getTotalSlides()")
    inset = "[...document.querySelectorAll('.pdf-page h2')].map(one => one.getBoundingClientRect().left)"
    assert min(page.evaluate(inset)) > 40
    page.close()
