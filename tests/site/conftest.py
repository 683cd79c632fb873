"""What the tests of the site share: its pages, a server on this machine, and Chromium."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
import threading

from browsing import chromium
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SITE = ROOT / "site"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing: a missing file is a failed request, which the tests name."""


@pytest.fixture(scope="session")
def pages():
    """Addresses of all pages, relative to the site."""
    found = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "_static" not in path.parts)
    if not found:
        pytest.fail(f"Site: expected pages in {SITE.name}/, found none. Mend it with: make site")
    return found


@pytest.fixture(scope="session")
def server():
    """The address of a server of the site."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=SITE)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests: a second one in the same process is refused."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def look(browser, server):
    """A function that opens a page and waits for its formulas; `look.faults` collects what goes wrong on the way."""
    contexts = []

    def opened(width=1280, mode="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=mode)
        contexts.append(context)
        tab = context.new_page()

        def listen(kind, fault):
            tab.on(kind, lambda event: fault(event) and look.faults.append(f"{tab.url}: {fault(event)}"))

        listen("console", lambda message: message.type == "error" and f"console: {message.text} {message.location}")
        listen("pageerror", lambda error: f"script: {error}")
        # Aborted is what a page still loads while the test goes on to the next one.
        listen("requestfailed", lambda request: request.failure != "net::ERR_ABORTED" and f"failed: {request.url}")
        listen("response", lambda answer: answer.status >= 400 and f"{answer.status}: {answer.url}")
        listen("request", lambda request: foreign(request.url) and f"foreign: {request.url}")
        return tab

    def foreign(address):
        look.requests += 1
        return not address.startswith((server, "file:", "data:", "blob:"))

    def look(page, tab=None, base=server, **settings):
        tab = tab or opened(**settings)
        tab.goto(base + page)
        tab.evaluate("window.MathJax?.startup?.promise.then(() => null)")
        return tab

    look.faults, look.requests = [], 0
    yield look
    for context in contexts:
        context.close()
