"""The step-through in a browser, opened from the disk without network. Needs `make site`."""

from pathlib import Path

from browsing import watch
import pytest

pytestmark = pytest.mark.site

ROOT = Path(__file__).resolve().parents[2]
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PICTURES = "[...document.querySelectorAll('.step-picture')]"


@pytest.fixture(scope="module")
def address():
    found = list((ROOT / "site").rglob("see_it_move.html"))
    assert len(found) == 1, f"Site: expected one see_it_move.html, found {len(found)}. Mend it with: make site"
    return found[0].as_uri()


@pytest.fixture
def opened(browser, address):
    """Factory of the page in a context of its own; what the browser complained of, and what it asked for."""
    contexts = []

    def page(viewport=DESKTOP, **settings):
        contexts.append(browser.new_context(viewport=viewport, **settings))
        made = contexts[-1].new_page()
        complaints, asked = watch(made)
        made.goto(address)
        return made, complaints, asked

    yield page
    for context in contexts:
        context.close()


def shown(page):
    """What a reader meets: each picture's strip, place in it and alt text, and what the slider says."""
    told = f"{PICTURES}.map(one => [one.style.backgroundImage, one.style.backgroundPosition, one.ariaLabel])"
    return page.evaluate(told), page.locator("#step-slider").get_attribute("aria-valuetext")


def test_the_slider_obeys_the_keyboard_and_pictures_and_scores_follow(opened):
    page, complaints, asked = opened()
    slider = page.locator("#step-slider")
    slider.focus()
    seen = [shown(page)]
    for key in ("ArrowRight", "End", "Home"):
        slider.press(key)
        seen.append(shown(page))
    assert seen[0] == seen[3] and len({str(one) for one in seen[:3]}) == 3
    assert [told.split(";")[0] for _, told in seen] == ["step 0", "step 50", "step 550", "step 0"]
    for pictures, told in seen:
        assert len(pictures) == 2 and told.count("label entropy") == 2
        assert all(alt.split(": ")[1] in told for _, _, alt in pictures)
    page.wait_for_load_state("networkidle")
    assert complaints == [] and {url.split(":")[0] for url in asked} <= {"file", "data"}


def test_each_choice_shows_other_strips_and_all_of_them_load(opened):
    page, *_ = opened()
    strips = set()
    for reel in ("first epoch", "20 epochs"):
        page.get_by_label(reel).check()
        for rate in ("0.01", "0.001", "0.0001"):
            page.get_by_label(rate, exact=True).check()
            strips |= {strip for strip, _, _ in shown(page)[0]}
    assert len(strips) == 12
    loads = """urls => Promise.all(urls.map(url => new Promise(done => {
        const image = new Image(); image.onload = () => done(image.naturalWidth); image.onerror = () => done(0);
        image.src = url.slice(5, -2); })))"""
    assert min(page.evaluate(loads, sorted(strips))) > 1000


def test_it_plays_only_when_asked_to_and_stops_at_the_end(opened):
    page, *_ = opened(reduced_motion="reduce")
    page.wait_for_timeout(1500)
    assert page.locator("#step-slider").input_value() == "0"
    page.locator("#step-slider").press(" ")
    page.wait_for_function("document.getElementById('step-slider').value > 1")
    page.get_by_role("button", name="Stop").click()
    at = page.locator("#step-slider").input_value()
    page.wait_for_timeout(1000)
    assert page.locator("#step-slider").input_value() == at
    page.locator("#step-slider").press("End")
    page.get_by_role("button", name="Play").click()  # from the end it begins anew
    assert page.locator("#step-slider").input_value() == "0"


def test_on_a_phone_nothing_is_wider_than_the_page(opened):
    page, *_ = opened(PHONE)
    right = "[...document.querySelectorAll('#step-through *')].map(one => one.getBoundingClientRect().right)"
    assert max(page.evaluate(right)) <= PHONE["width"]
    assert min(page.evaluate(f"{PICTURES}.map(one => one.clientWidth)")) > 150


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_words_can_be_read_in_light_and_dark(opened, scheme):
    page, *_ = opened(color_scheme=scheme)
    page.wait_for_timeout(300)
    lightness = """one => { const [r, g, b] = getComputedStyle(one).color.match(/[\\d.]+/g).map(Number);
        return (r + g + b) / 765; }"""
    words = page.locator("#step-through :is(legend, label, figcaption span, button, .step-judged)")
    found = [words.nth(index).evaluate(lightness) for index in range(words.count())]
    assert len(found) > 10
    assert max(found) < 0.5 if scheme == "light" else min(found) > 0.5


def test_without_scripts_there_is_a_picture(opened):
    page, *_ = opened(java_script_enabled=False)
    picture = page.locator("#step-through img")
    assert picture.count() == 1 and len(picture.get_attribute("alt")) > 60
    assert picture.bounding_box()["width"] > 500 and page.locator("#step-slider").count() == 0
