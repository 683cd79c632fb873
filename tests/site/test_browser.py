"""The site in Chromium, on a desktop and on a phone, in light and in dark, from a server and from a folder."""

import re

import pytest

from .conftest import SITE

pytestmark = pytest.mark.site
WIDTHS = {"desktop": 1280, "phone": 390}
SOME = ["index.html", "notebooks/00_start_here.html", "notebooks/04_moment_stabilization.html"]
SOME += ["notebooks/10_results.html", "symbols.html", "api/helpers/losses/index.html", "search.html"]
SOME += [page for page in ("see_it_move.html", "quiz/part_0.html") if (SITE / page).exists()]

# The text of a page, without code and without formulas that are set.
TEXT = """() => {
  const article = document.querySelector("main").cloneNode(true);
  article.querySelectorAll("pre, code, script, style, mjx-container").forEach((part) => part.remove());
  return article.textContent;
}"""

# Opens all that is folded, and waits for it to fade in.
UNFOLD = """async () => {
  document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
  await Promise.all(document.getAnimations().map((animation) => animation.finished));
}"""


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_every_page_opens_without_a_fault_and_fits_the_screen(pages, look, width):
    tab = look(pages[0], width=width)
    for page in pages:
        look(page, tab)
        if tab.evaluate("document.documentElement.scrollWidth") > width:
            look.faults.append(f"{page}: wider than the screen")
        raw = re.search(r".{0,20}(\$|\\\(|\\\[|\\begin|\\frac).{0,20}", tab.evaluate(TEXT))
        if raw:
            look.faults.append(f"{page}: a formula that is not set: {raw[0]}")
        if tab.locator("mjx-merror").count():
            look.faults.append(f"{page}: a formula with an error")
    print(f"{len(pages)} pages at {width}: {look.requests} requests, {len(look.faults)} faults")
    assert not look.faults


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_axe_finds_no_serious_fault(look, width, mode):
    from axe_playwright_python.sync_playwright import Axe

    faults, minor = [], set()
    for page in SOME:
        tab = look(page, width=width, mode=mode)
        tab.evaluate(UNFOLD)
        for found in Axe().run(tab, options={"resultTypes": ["violations"]}).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                faults += [f"{page}: {found['id']}: {node['html'][:200]}" for node in found["nodes"]]
            else:
                minor.add(f"{found['id']} ({found['impact']})")
    print(f"{len(SOME)} pages at {width}, {mode}: {len(faults)} serious faults; others: {sorted(minor)}")
    assert not faults


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_page_takes_the_readers_light_or_dark(look, mode):
    tab = look("index.html", mode=mode)
    shade = tab.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (max(shade) < 60) if mode == "dark" else (min(shade) > 230)


def test_a_solution_opens_by_the_keyboard(look):
    tab = look(SOME[1])
    fold = tab.locator("details.hide", has_text="Show solution").first
    code = fold.locator("pre").first
    assert not code.is_visible()
    fold.locator("summary").focus()
    tab.keyboard.press("Enter")
    assert code.is_visible()


def test_formulas_are_set(look):
    tab = look(SOME[2])
    assert tab.locator("mjx-container").count() > 20
    assert tab.evaluate("[...document.fonts].some((font) => font.family.startsWith('MJX') && font.status === 'loaded')")


@pytest.mark.parametrize("place", ["server", "folder"])
def test_search_finds_a_page(look, server, place):
    tab = look("search.html?q=collapse", base=server if place == "server" else f"{SITE.as_uri()}/")
    tab.wait_for_selector("#search-results li a")
    hrefs = tab.locator("#search-results li a").evaluate_all("links => links.map((link) => link.href)")
    assert any("notebooks/11_collapse.html" in href for href in hrefs) and not look.faults


def test_the_site_opens_from_a_folder(look):
    tab = look(SOME[0])
    for page in SOME:
        look(page, tab, base=f"{SITE.as_uri()}/")
    assert not look.faults


@pytest.mark.parametrize("page", SOME[:2])
def test_a_printed_page_has_no_menus(look, page):
    tab = look(page)
    tab.emulate_media(media="print")
    assert not tab.locator("#pst-primary-sidebar").is_visible() and tab.locator("article").is_visible()
