"""The README's numbers are those of the verdict table."""

from pathlib import Path
import re

from study import claims

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


def test_every_interval_of_the_readme_is_in_the_verdict_table():
    quoted = re.findall(r"\d+\.\d+\s+\[\d+\.\d+,\s+\d+\.\d+\]", README)
    known = {text for name in ("fd", "kid") for text in claims.as_text(claims.table())[name]}
    assert len(quoted) >= 16 and {re.sub(r"\s+", " ", text) for text in quoted} <= known
