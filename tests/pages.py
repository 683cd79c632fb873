"""What the tests of docs/ share: the anchors of headings, and the links of a page."""

import functools
from pathlib import Path
import re

import nbformat


def slug(heading):
    """The anchor of a heading, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@functools.cache
def anchors(path):
    """The anchors of a page's headings; a formula in one has no sure anchor."""
    if path.suffix == ".ipynb":
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    return {slug(title) for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE) if "$" not in title}


def broken_links(page):
    """Links of a Markdown page to files or headings that are not there."""
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8"))
    targets = [(page.parent / Path(name) if name else page, anchor) for name, anchor in links]
    return [
        (path.name, anchor) for path, anchor in targets if not path.is_file() or anchor and anchor not in anchors(path)
    ]
