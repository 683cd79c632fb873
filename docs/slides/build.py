"""Build the lecture: one page with the text in it, reveal.js, KaTeX and pictures beside it. Called by `make slides`.

python docs/slides/build.py slides    # after npm ci in docs/slides, and python -m study lecture slides/figures
"""

import html
from pathlib import Path
import re
import shutil
import sys

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
# What is copied from npm's packages, and where to: scripts that a page opened from a disk may load.
VENDORED = {
    "reveal.js/dist": ("reveal", ["reset.css", "reveal.css", "reveal.js", "theme/white.css", "plugin/markdown.js",
                                  "plugin/math.js", "plugin/notes.js"]),
    "reveal.js": ("reveal", ["LICENSE"]),
    "katex/dist": ("katex/dist", ["katex.min.css", "katex.min.js", "contrib/auto-render.min.js", "fonts"]),
    "katex": ("katex", ["LICENSE"]),
}  # fmt: skip


def build(folder):
    """Write the lecture into a folder, beside its pictures, which are drawn before.

    Raises:
        FileNotFoundError: the packages or a picture are missing; said with how to mend it.
    """
    folder = Path(folder)
    lecture = (HERE / "lecture.md").read_text(encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    for source, (target, names) in VENDORED.items():
        for name in names:
            _copy(MODULES / source / name, folder / target / name, "npm ci --prefix docs/slides")
    for picture in pictures(lecture):
        if not (folder / picture).is_file():
            raise _missing(folder / picture, "python -m study lecture slides/figures")
    page = (HERE / "template.html").read_text(encoding="utf-8")
    page = page.replace("{{ lecture }}", html.escape(lecture.strip(), quote=False))
    (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
    shutil.copy(HERE / "lecture.css", folder)


def pictures(lecture):
    """The addresses of a text's pictures, in order."""
    return re.findall(r"!\[[^]]*\]\(([^)]+)\)", lecture)


def _missing(path, mend):
    return FileNotFoundError(f"Lecture: expected {path}, found none. Mend it with: {mend}")


def _copy(source, target, mend):
    if not source.exists():
        raise _missing(source, mend)
    target.parent.mkdir(parents=True, exist_ok=True)
    copy = shutil.copytree if source.is_dir() else shutil.copy
    copy(source, target, **({"dirs_exist_ok": True} if source.is_dir() else {}))


if __name__ == "__main__":
    build(sys.argv[1])
