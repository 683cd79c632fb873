"""Links, alt texts and folded cells on the way from the repository to the site."""

import importlib.util
import shutil

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
import pytest

from .conftest import ROOT

spec = importlib.util.spec_from_file_location("stage", ROOT / "docs" / "stage.py")
stage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(stage)

PROJECT = '[project]\nname = "x"\n[project.urls]\n'
ADDRESS = "https://github.com/someone/moments"
PNG = {"image/png": "iVBORw0KGgo="}


@pytest.fixture
def repository(tmp_path):
    """The names of files that the links below mean, and a project without an address."""
    for name in ("docs/symbols.md", "docs/quiz/part_0.md", "notebooks/01_data.ipynb", "figures/test_3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for name in ("helpers/losses.py", "helpers/__init__.py", "study/rivals.py", "README.md", "CONTRIBUTING.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    return tmp_path


@pytest.mark.parametrize(
    "path, link, expected",
    [
        ("notebooks/00.ipynb", "[data](01_data.ipynb)", "[data](01_data.ipynb)"),
        ("notebooks/00.ipynb", "[terms](../docs/symbols.md#arm)", "[terms](../symbols.md#arm)"),
        ("notebooks/00.ipynb", "[`losses`](../helpers/losses.py)", "[`losses`](../api/helpers/losses/index.rst)"),
        ("notebooks/00.ipynb", "[helpers](../helpers/__init__.py)", "[helpers](../api/helpers/index.rst)"),
        ("notebooks/00.ipynb", "[top](../README.md)", "[top](../index.md)"),
        ("notebooks/00.ipynb", "[rivals](../study/rivals.py)", "rivals"),
        ("docs/symbols.md", "[data](../notebooks/01_data.ipynb)", "[data](notebooks/01_data.ipynb)"),
        ("docs/symbols.md", "![three](../figures/test_3.png)", "![three](figures/test_3.png)"),
        ("docs/symbols.md", "[how](../CONTRIBUTING.md)", "[how](contributing.md)"),
        ("docs/quiz/part_0.md", "[data](../../notebooks/01_data.ipynb)", "[data](../notebooks/01_data.ipynb)"),
        ("docs/quiz/part_0.md", "[terms](../symbols.md)", "[terms](../symbols.md)"),
        ("README.md", "[terms](docs/symbols.md)", "[terms](symbols.md)"),
        ("README.md", "[a [b] c](notebooks/01_data.ipynb)", "[a [b] c](notebooks/01_data.ipynb)"),
        ("README.md", "[away](https://example.org/a), [here](#x)", "[away](https://example.org/a), [here](#x)"),
        ("README.md", "$f[x](y)$ and [lost](nowhere.md)", "$f[x](y)$ and [lost](nowhere.md)"),
    ],
)
def test_links_lead_to_pages_of_the_site(repository, path, link, expected):
    assert stage.relink(f"See {link}.", path, repository) == f"See {expected}."


def test_with_an_address_links_to_other_files_lead_there(repository):
    (repository / "pyproject.toml").write_text(f'{PROJECT}Repository = "{ADDRESS}"\n')
    assert stage.address(repository) == ADDRESS
    linked = stage.relink("[rivals](../study/rivals.py)", "notebooks/00.ipynb", repository)
    assert linked == f"[rivals]({ADDRESS}/blob/main/study/rivals.py)"


def picture(*alts):
    return [new_output("display_data", PNG, metadata={"image/png": {"alt": alt}}) for alt in alts]


def test_a_notebook_keeps_its_alt_text_and_folds_with_a_title():
    cells = [
        new_markdown_cell(f"# 00\n{stage.BADGE}(https://x/b.svg)](https://x/y)\n\ntext"),
        new_code_cell("import sys"),
        new_code_cell("draw()", outputs=picture("One shape.")),
        new_code_cell("# @title Solution\nanswer()", metadata={"tags": ["solution", "hide-cell"]}),
    ]
    book = new_notebook(cells=cells)
    stage.prepare(book, "notebooks/00.ipynb")
    text, first, drawn, solution = book.cells
    assert text.source == "# 00\n\ntext"
    assert first.metadata.tags == ["hide-cell"]
    assert drawn.metadata.mystnb["image"] == {"alt": "One shape."} and "tags" not in drawn.metadata
    assert solution.source == "answer()"
    assert solution.metadata.mystnb == {"code_prompt_show": "Show solution", "code_prompt_hide": "Hide solution"}


def test_two_alt_texts_in_one_cell_are_named():
    book = new_notebook(cells=[new_code_cell("draw()", outputs=picture("One.", "Two."))])
    with pytest.raises(ValueError, match=r"00.ipynb: expected one alt text a cell, found \['One.', 'Two.'\]. Mend"):
        stage.prepare(book, "notebooks/00.ipynb")


def test_the_badge_that_is_left_out_is_the_one_that_make_badges_writes():
    assert f'"{stage.BADGE}' in (ROOT / "study" / "notebooks.py").read_text(encoding="utf-8")


def test_all_notebooks_and_pages_are_staged_and_what_was_there_before_is_not(tmp_path):
    root, target = tmp_path / "slides" / "root", tmp_path / "pages"  # a folder above may have any name
    for folder in ("docs", "notebooks", "figures"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns(".*", "_static", "node_modules"))
    for name in ("README.md", "CONTRIBUTING.md", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    (target / "old.md").parent.mkdir()
    (target / "old.md").touch()
    stage.stage(target, root)
    assert not (target / "old.md").exists()
    for path in (root / "notebooks").glob("*.ipynb"):
        nbformat.validate(nbformat.read(target / "notebooks" / path.name, as_version=4))
    assert {path.name for path in (root / "docs").glob("*.md")} <= {path.name for path in target.glob("*.md")}
