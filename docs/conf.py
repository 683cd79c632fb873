"""How Sphinx makes the site from what stage.py has laid out: sphinx-build -c docs build/pages build/site"""

import logging
from pathlib import Path
import re
import shutil
import sys

import mathjax

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from stage import address  # noqa: E402

project = html_title = "Moment stabilisation for GANs"
html_show_copyright = html_show_sphinx = False

# viewcode goes before autoapi, which then brings the source to it without an import.
extensions = ["myst_nb", "sphinx.ext.mathjax", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "autoapi.extension"]
exclude_patterns = ["readme.md"]
# A part may be without a quiz; suppress_warnings has no name for that warning.
logging.getLogger("sphinx.sphinx.directives.other").addFilter(lambda record: "glob pattern" not in str(record.msg))

# Notebooks: stored outputs, nothing is run.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 3

# The helpers are read, not imported, so the site needs no TensorFlow.
autoapi_dirs = [str(HERE.parent / "helpers")]
autoapi_ignore = ["*/checks/*"]
autoapi_root = "api"
autoapi_options = ["members"]
autoapi_template_dir = str(HERE / "_templates" / "autoapi")
autoapi_add_toctree_entry = False
autoapi_member_order = "bysource"
add_module_names = False
default_role = "code"  # of `names` in docstrings

# Formulas: MathJax from a Python package, copied beside the pages. Without its menu, which the keyboard would stop at.
MATHJAX = Path(mathjax.__file__).parent / "static" / "mathjax" / "es5"
MATHJAX_PARTS = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts")
mathjax_path = "mathjax/tex-chtml.js"
mathjax3_config = {"options": {"enableMenu": False}}

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_favicon = "_static/icon.svg"
html_css_files = sorted(path.name for path in (HERE / "_static").glob("*.css"))
html_js_files = [(path.name, {"defer": "defer"}) for path in sorted((HERE / "_static").glob("*.js"))]
html_copy_source = html_use_index = html_domain_indices = False
html_context = {"default_mode": "auto"}  # light or dark as the reader's system; the theme complains without it
html_theme_options = {
    "use_download_button": False,
    "footer_content_items": [],
    "navbar_persistent": [],  # the search field stands in the sidebar
    "max_navbar_depth": 1,  # the theme's unfolding lists have no name that a screen reader could say
    "search_bar_text": "Search the course",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
if address():
    html_theme_options |= {
        "repository_url": address(),
        "repository_branch": "main",
        "use_repository_button": True,
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }


def escape_markup(app, what, name, item, options, lines):
    """Keep Sphinx from reading markup into docstrings: there a star or a bar is what it is, except in `names`."""
    for index, line in enumerate(lines):
        parts = re.split("(`[^`]*`)", line)
        parts[::2] = [re.sub(r"([*|])", r"\\\1", part) for part in parts[::2]]
        lines[index] = "".join(parts)


def finish(app, exception):
    """Add the parts of MathJax that pages load, and take away the maps of the theme's sources, which none does."""
    static = Path(app.outdir) / "_static"
    for part in MATHJAX_PARTS:
        copy = shutil.copytree if (MATHJAX / part).is_dir() else shutil.copy
        (static / "mathjax" / part).parent.mkdir(parents=True, exist_ok=True)
        copy(MATHJAX / part, static / "mathjax" / part)
    for path in static.rglob("*.map"):
        path.unlink()


def setup(app):
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", escape_markup, priority=400)  # before napoleon, at 500
    app.connect("build-finished", finish)
