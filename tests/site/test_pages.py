"""The built pages as files: all there, no broken link, a text for every picture, nothing loaded from elsewhere."""

from functools import cache
import json
import re
import shutil
import subprocess
import sys
from urllib.parse import unquote, urldefrag, urlsplit

from bs4 import BeautifulSoup
import pytest

from .conftest import ROOT, SITE

pytestmark = pytest.mark.site
LOADS = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}


@cache
def read(page):
    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(path):
    """All names that an address may end in after #."""
    return {
        tag.get("id") or tag.get("name") for tag in read(path).find_all(lambda tag: tag.get("id") or tag.get("name"))
    }


def fault(page, link):
    """What is wrong with a link of a page, or None."""
    address, anchor = urldefrag(link)
    path = (SITE / page).parent / unquote(urlsplit(address).path) if address else SITE / page
    path = path.resolve()
    if not path.is_file() or SITE not in path.parents:
        return f"{page}: no file for {link}"
    if anchor and path.suffix == ".html" and unquote(anchor) not in anchors(path.relative_to(SITE).as_posix()):
        return f"{page}: no anchor for {link}"
    return None


def test_every_source_has_its_page(pages):
    notebooks = {f"notebooks/{path.stem}.html" for path in (ROOT / "notebooks").glob("*.ipynb")}
    texts = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md") if "slides" not in path.parts]
    docs = {path.with_suffix(".html").as_posix() for path in texts}
    modules = [path.stem for path in (ROOT / "helpers").glob("*.py") if path.stem != "__init__"]
    api = {f"api/helpers/{name}/index.html" for name in modules}
    assert notebooks | docs | api | {"api/helpers/index.html", "contributing.html", "search.html"} <= set(pages)


def test_the_contents_have_every_notebook_once_in_the_order_of_the_course(pages):
    listed = [link["href"] for link in read("index.html").select("#pst-primary-sidebar nav a[href*='notebooks/']")]
    assert listed == [f"notebooks/{path.stem}.html" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


def test_no_link_inside_the_site_is_broken(pages):
    links = [(page, link["href"]) for page in pages for link in read(page).find_all("a", href=True)]
    inside = [(page, link) for page, link in links if not urlsplit(link).scheme]
    faults = [found for found in (fault(page, link) for page, link in inside) if found]
    print(f"{len(pages)} pages, {len(inside)} links inside the site, {len(set(inside))} of them different")
    assert len(inside) > 20 * len(pages) and not faults


def test_what_a_page_loads_is_in_the_site(pages):
    faults = []
    for page in pages:
        for tag in read(page).find_all(list(LOADS)):
            link = tag.get(LOADS[tag.name])
            if link and not link.startswith("data:") and "canonical" not in tag.get("rel", []):
                faults.append(f"{page}: loads {link}" if urlsplit(link).netloc else fault(page, link))
    for style in SITE.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        faults += [
            f"{style.name}: {found}" for found in re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\s]*", text)
        ]
    assert not [found for found in faults if found]


def test_every_picture_has_a_text_and_a_notebooks_are_the_stored_ones(pages):
    bare = [f"{page}: {tag.get('src')}" for page in pages for tag in read(page).find_all("img") if not tag.get("alt")]
    assert not bare
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        outputs = [
            output for cell in cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
        ]
        stored = [output["metadata"]["image/png"]["alt"] for output in outputs]
        shown = [tag["alt"] for tag in read(f"notebooks/{path.stem}.html").select(".cell_output img")]
        assert shown == stored, path.name


def test_checks_and_solutions_are_folded(pages):
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tags = [tag for cell in cells for tag in cell["metadata"].get("tags", []) if tag in ("check", "solution")]
        page = read(f"notebooks/{path.stem}.html")
        folded = [" ".join(line.text.split()) for line in page.select("details.hide > summary")]
        assert folded[1:] == [f"Show {tag} Hide {tag}" for tag in tags]  # the first folds the lines that find the code
        assert not page.select("details.hide[open]")


@pytest.mark.parametrize("address", ["", "https://github.com/someone/moments"])
def test_a_notebook_opens_on_colab_if_the_repository_has_an_address(tmp_path, address):
    for folder in ("docs", "helpers", "figures"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    (tmp_path / "notebooks").mkdir()
    for name in ("README.md", "CONTRIBUTING.md", "notebooks/00_start_here.ipynb"):
        shutil.copy(ROOT / name, tmp_path / name)
    url = f'Repository = "{address}"' if address else ""
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "x"\n[project.urls]\n{url}\n')
    subprocess.run([sys.executable, "docs/stage.py", "pages"], cwd=tmp_path, check=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-c", "docs", "pages", "html"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    page = (tmp_path / "html" / "notebooks" / "00_start_here.html").read_text(encoding="utf-8")
    colab = re.findall(r'href="(https://colab[^"]*)"', page)
    place = "someone/moments/blob/main/notebooks/00_start_here.ipynb"
    assert colab == ([f"https://colab.research.google.com/github/{place}"] if address else [])
    assert ('title="Source repository"' in page) == bool(address)
