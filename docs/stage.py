"""Copy the sources of the site into one folder, with links that hold there: python docs/stage.py FOLDER

docs/ becomes the top of the site, and notebooks/ and figures/ stand beside its pages. Nothing is run: a notebook keeps
its stored outputs.
"""

import os
from pathlib import Path
import re
import shutil
import sys
import tomllib

import nbformat

ROOT = Path(__file__).resolve().parent.parent
TOP = {
    "README.md": "readme.md",
    "CONTRIBUTING.md": "contributing.md",
}  # readme.md is no page: index.md includes its parts
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s#:]+)(#[^()\s]*)?\)")
BADGE = "[![Open in Colab]"  # the site has a launch button instead
SETUP = "the lines that find the course's code"


def address(root=ROOT):
    """The repository's address from pyproject.toml; empty as long as there is none."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "")


def place(path):
    """Where the site has a file of the repository.

    Args:
        path: relative to the repository, with forward slashes.

    Returns:
        A path relative to the staged folder, or None: the site does not have it.
    """
    folder, _, name = path.partition("/")
    if path in TOP:
        return {"README.md": "index.md"}.get(path, TOP[path])
    if folder == "docs" and name.endswith(".md"):
        return name
    if folder in ("notebooks", "figures"):
        return path
    module = re.fullmatch(r"helpers/(\w+)\.py", path)
    if module:
        return "api/helpers/index.rst" if module[1] == "__init__" else f"api/helpers/{module[1]}/index.rst"
    return None


def relink(text, path, root=ROOT):
    """Turn links between files of the repository into links between the pages of the site.

    Args:
        text: Markdown.
        path: the file it stands in, relative to the repository.
        root: the repository.

    Returns:
        The same text. A link to a file that the site lacks leads to the repository's address, or becomes plain text
        without one. What is no file stays as it is, and the build names it.
    """

    def mend(link):
        picture, says, target, anchor = link.groups()
        found = os.path.normpath(os.path.join(os.path.dirname(path), target)).replace(os.sep, "/")
        if not (root / found).exists():
            return link[0]
        there = place(found)
        if there:
            here = os.path.dirname(TOP.get(path) or place(path))
            return f"{picture}[{says}]({os.path.relpath(there, here or '.').replace(os.sep, '/')}{anchor or ''})"
        return f"[{says}]({address(root)}/blob/main/{found}{anchor or ''})" if address(root) else says

    return LINK.sub(mend, text)


def prepare(book, path, root=ROOT):
    """Make a notebook ready for MyST-NB: links, alt texts where it looks for them, and the folded cells' titles.

    Args:
        book: the notebook, changed in place.
        path: its path relative to the repository.
        root: the repository.

    Raises:
        ValueError: a cell has two pictures with different alt texts, which MyST-NB cannot tell apart.
    """
    for cell in book.cells:
        if cell.cell_type == "markdown":
            lines = [line for line in cell.source.split("\n") if not line.startswith(BADGE)]
            cell.source = relink("\n".join(lines), path, root)
        elif cell.cell_type == "code":
            _describe(cell, path)
            title = re.match(r"# @title (.+)\n", cell.source)  # for Colab
            if title:
                cell.source = cell.source[title.end() :]
                _fold(cell, title[1].lower())
    _fold(next(cell for cell in book.cells if cell.cell_type == "code"), SETUP)


def _describe(cell, path):
    """Copy the alt text of a cell's picture to where MyST-NB reads it."""
    pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
    alts = {picture.metadata.get("image/png", {}).get("alt", "") for picture in pictures}
    if len(alts) > 1:
        raise ValueError(f"{path}: expected one alt text a cell, found {sorted(alts)}. Mend it: one picture a cell.")
    if alts:
        cell.metadata.setdefault("mystnb", {})["image"] = {"alt": alts.pop()}


def _fold(cell, title):
    """Hide a cell behind a line that says what it holds."""
    cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), "hide-cell"})
    prompts = {"code_prompt_show": f"Show {title}", "code_prompt_hide": f"Hide {title}"}
    cell.metadata.setdefault("mystnb", {}).update(prompts)


def stage(target, root=ROOT):
    """Write all sources of the site into a folder, which is emptied first.

    Args:
        target: the folder, made by this program only.
        root: the repository.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root / "figures", target / "figures")
    docs = root / "docs"
    pages = [path for path in docs.rglob("*.md") if path.relative_to(docs).parts[0] not in ("_static", "slides")]
    for path in [*pages, *(root / name for name in TOP)]:
        name = path.relative_to(root).as_posix()
        staged = target / (TOP.get(name) or place(name))
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(relink(path.read_text(encoding="utf-8"), name, root), encoding="utf-8")
    (target / "notebooks").mkdir()
    for path in (root / "notebooks").glob("*.ipynb"):
        name = path.relative_to(root).as_posix()
        book = nbformat.read(path, as_version=4)
        prepare(book, name, root)
        nbformat.write(book, target / name)


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
