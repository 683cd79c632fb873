"""Chromium for tests of built pages: without network, so that what is not on the disk cannot be loaded."""

import contextlib
import shutil

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")


def program():
    """Where this machine has a browser; None without one."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


@contextlib.contextmanager
def chromium():
    """A headless browser of this machine, through Playwright."""
    from playwright.sync_api import sync_playwright  # of the site's environment; other tests do without

    found = program()
    assert found, "Chromium: expected it on the path, found none. Mend it with: apt-get install chromium"
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--proxy-server=127.0.0.1:9"]  # a proxy that does not exist
        browser = playwright.chromium.launch(executable_path=found, args=options)
        yield browser
        browser.close()


def watch(page):
    """Two lists that fill while a page is open: what the browser complained of, and the addresses it asked for."""
    complaints, asked = [], []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"not loaded: {request.url}"))
    page.on("request", lambda request: asked.append(request.url))
    return complaints, asked
