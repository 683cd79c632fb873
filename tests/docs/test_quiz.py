"""The quizzes: their form, what they point to, and what a browser makes of them."""

import collections
import html
import json
import re
import subprocess

import browsing
from markdown_it import MarkdownIt
import pages
import pytest

from study.settings import ROOT

DOCS = ROOT / "docs"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted((DOCS / "quiz").glob("part_*.md"))}
OPTION = re.compile(r"^- ([A-D])\. (\S.*)$", re.MULTILINE)
KEY = re.compile(r"^\*\*(\d+)\. ([A-D])\.\*\* (.*?)(?=^- )", re.MULTILINE | re.DOTALL)
READ = re.compile(r"Read:\s+\[([^\]]+)\]\(\.\./\.\./notebooks/(\w+\.ipynb)(?:#([\w-]+))?\)")


def parts(page):
    """A page's questions, {letter: option} each; and its answers, (number, key, text, {letter: why})."""
    asked, answered = PAGES[page].split("\n## Answers\n")
    questions = [dict(OPTION.findall(block)) for block in re.split(r"^## \d+\. ", asked, flags=re.MULTILINE)[1:]]
    blocks = re.split(r"^(?=\*\*\d+\.)", answered, flags=re.MULTILINE)[1:]
    answers = [(*KEY.search(block).groups(), dict(OPTION.findall(block))) for block in blocks]
    return questions, answers


def test_there_is_a_page_for_each_part_of_the_course():
    assert list(PAGES) == [f"part_{number}" for number in range(5)]


@pytest.mark.parametrize("page", PAGES)
def test_ten_questions_have_one_key_and_a_reason_for_every_option(page):
    questions, answers = parts(page)
    titles = re.findall(r"^## (\d+)\. (\S.*)$", PAGES[page], re.MULTILINE)
    assert [int(number) for number, _ in titles] == list(range(1, 11)) == [int(answer[0]) for answer in answers]
    assert len(questions) == len(answers) == 10
    for options, (number, key, right, wrong) in zip(questions, answers, strict=True):
        assert "".join(options) in ("ABC", "ABCD"), number
        assert key in options and list(wrong) == [letter for letter in options if letter != key], number
        assert all(len(why) >= 25 for why in (right, *wrong.values())), number
        assert len(set(options.values())) == len(options), number


@pytest.mark.parametrize("page", PAGES)
def test_neither_place_nor_length_gives_the_right_option_away(page):
    questions, answers = parts(page)
    keys = collections.Counter(key for _, key, *_ in answers)
    assert set(keys) == set("ABCD") and max(keys.values()) <= 4
    for options, (number, key, *_) in zip(questions, answers, strict=True):
        lengths = {letter: len(text) for letter, text in options.items()}
        assert max(lengths.values()) <= max(1.7 * min(lengths.values()), 20), number
        others = [length for letter, length in lengths.items() if letter != key]
        assert max(others) < 20 or 0.85 * min(others) <= lengths[key] <= 1.1 * max(others), number


@pytest.mark.parametrize("page", PAGES)
def test_every_answer_names_a_section_that_is_there(page):
    assert pages.broken_links(DOCS / "quiz" / f"{page}.md") == []
    _, answers = parts(page)
    for number, _, right, _ in answers:
        (read,) = READ.findall(right)
        words, name, anchor = read
        path = ROOT / "notebooks" / name
        assert path.is_file() and words.split(",")[0] == name.split("_")[0], number
        assert anchor in pages.anchors(path), (number, anchor)


TRIES = """<script>addEventListener("load", () => {
  const keys = %s, forms = [...document.querySelectorAll("form.quiz")], told = [];
  const said = (form) => form.querySelector("[role=status]").textContent;
  const choose = (form, letter) => {
    if (letter) form.querySelector(`input[value=${letter}]`).checked = true;
    form.querySelector("button").click();
    return said(form);
  };
  told.push(choose(forms[0], ""));
  forms.forEach((form, i) => {
    const letters = [...form.querySelectorAll("input")].map((input) => input.value);
    if (i %% 2) told.push(choose(form, letters.find((letter) => letter !== keys[i])));
    told.push(choose(form, keys[i]));
  });
  told.push(document.querySelector(".quiz-score").textContent);
  const names = forms.map((form) => form.querySelector("fieldset").getAttribute("aria-label"));
  document.body.innerHTML = "<pre>" + JSON.stringify({told, names}).replaceAll("<", "&lt;") + "</pre>";
})</script>"""


@pytest.mark.skipif(not browsing.program(), reason="without Chromium; mend it with: apt-get install chromium")
@pytest.mark.parametrize("page", PAGES)
def test_in_a_browser_each_choice_has_its_reason_and_first_tries_are_counted(page, tmp_path):
    questions, answers = parts(page)
    script = (DOCS / "_static" / "quiz.js").read_text(encoding="utf-8")
    body = MarkdownIt("commonmark").render(PAGES[page])
    tries = TRIES % json.dumps([key for _, key, *_ in answers])
    path = tmp_path / "quiz.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><script>{script}</script>{body}{tries}", encoding="utf-8")
    line = [browsing.program(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    line += [f"--user-data-dir={tmp_path}", path.as_uri()]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120)
    found = json.loads(html.unescape(re.search(r"<pre>(.*)</pre>", done.stdout, re.DOTALL)[1]))
    first, *told, score = found["told"]
    assert first == "Choose an answer first."
    for number, (options, (_, key, _, _)) in enumerate(zip(questions, answers, strict=True)):
        if number % 2:
            other = next(letter for letter in options if letter != key)
            assert told.pop(0).startswith(f"{other} is not right. ")
        said = told.pop(0)
        assert said.startswith(f"{key} is right. ") and "Read:" in said and len(said) > 60
    assert not told and score == "Right at the first try: 5 of 10 answered, 10 questions."
    assert found["names"] == [
        f"{n}. {title}" for n, title in re.findall(r"^## (\d+)\. (.*)$", PAGES[page], re.MULTILINE)
    ]
