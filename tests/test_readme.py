"""The README's numbers are those of the verdict table."""

from pathlib import Path
import re

from study import claims

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


def test_every_interval_of_the_readme_is_in_the_verdict_table():
    quoted = re.findall(r"\d+\.\d+\s+\[\d+\.\d+,\s+\d+\.\d+\]", README)
    table = claims.as_text(claims.table())
    known = {text for name in ("fd", "kid") for text in table[name]}
    known |= {text for cell in table["other"] for text in re.findall(r"\d+\.\d+ \[\d.*?\]", cell.replace("+", ""))}
    assert len(quoted) >= 16 and {re.sub(r"\s+", " ", text) for text in quoted} <= known
