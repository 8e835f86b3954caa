"""The tables of the pages in docs/studies, each as `overthink table` prints it from the study's stored findings.

A table stands between two comments. The first is its command, with the columns that are left out and the cells of which
each row has one; `--what sizes` is no table of the command, but what its CSV says of the size of a change:

    <!-- overthink table effort_logs --what verdicts | without Measures, Claim | rows of base -->
    <!-- end -->
"""

import csv
import gzip
import io
import re
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from overthink.data.number_text import fixed
from overthink.reports.paper.markup import markdown_escape
from overthink.reports.wording import points
from overthink.workflows.paper import table_text

STUDIES = Path(__file__).parents[2] / "docs" / "studies"
PAGES = ("effort_logs", "two_small_models")

_BLOCK = re.compile(
    r"^<!-- overthink table (?P<study>\S+) --what (?P<what>\w+)"
    r"(?: \| without (?P<columns>[^|>]+?))?(?: \| rows of (?P<rows>[^|>]+?))? -->\n"
    r"(?P<table>.*?)^<!-- end -->$",
    flags=re.MULTILINE | re.DOTALL,
)

Grid = list[list[str]]


def page(name: str) -> str:
    """Return a page with every table as the findings give it."""
    return _BLOCK.sub(_block, _text(name))


def tables(name: str) -> list[str]:
    """Return the tables of a page, as they stand there."""
    return [match["table"] for match in _BLOCK.finditer(_text(name))]


def prose(name: str) -> str:
    """Return a page without its tables and without its blocks of commands."""
    return re.sub(r"^(?:    |```).*\n", "", _BLOCK.sub("", _text(name)), flags=re.MULTILINE)


def findings(study: str) -> str:
    """Return the stored findings of a study, as the text of findings.json."""
    return gzip.decompress((STUDIES / study / "findings.json.gz").read_bytes()).decode("utf-8")


def _text(name: str) -> str:
    return (STUDIES / f"{name}.md").read_text(encoding="utf-8")


def _block(match: re.Match[str]) -> str:
    command, _, _ = match[0].partition("\n")
    grid = _sizes(match["study"]) if match["what"] == "sizes" else _cells(_table(match["study"], match["what"], "md"))
    return f"{command}\n{_drawn(_cut(grid, _words(match['columns']), _words(match['rows'])))}<!-- end -->"


@cache
def _table(study: str, what: str, form: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(study).name
        copy.mkdir()
        (copy / "findings.json").write_text(findings(study), encoding="utf-8")
        return table_text(copy, content=what, form=form)  # type: ignore[arg-type]


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _cells(table: str) -> Grid:
    """Return the cells of a table in Markdown, the headings first, without the rule below them."""
    return [line[2:-2].split(" | ") for line in table.splitlines() if line.startswith("| ")]


def _cut(grid: Grid, columns: Sequence[str], rows: Sequence[str]) -> Grid:
    """Return a table without some columns, and with the rows that have one of the cells."""
    assert set(columns) <= set(grid[0]), f"{columns} are not all columns of {grid[0]}"
    kept = [number for number, head in enumerate(grid[0]) if head not in columns]
    body = [cells for cells in grid[1:] if not rows or set(cells) & set(rows)]
    assert body, f"no row of {rows}"
    return [[cells[number] for number in kept] for cells in (grid[0], *body)]


def _drawn(grid: Grid) -> str:
    rule = [["---"] * len(grid[0])]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (*grid[:1], *rule, *grid[1:]))


def _sizes(study: str) -> Grid:
    """Return, by curve, the change from the lowest to the highest level, and what change would have been seen."""
    found = csv.DictReader(io.StringIO(_table(study, "verdicts", "csv")))
    heads = ["Task", "Arm", "Change (points)", "Would have been seen from (points)"]
    sizes = ((row, points(float(row["estimate"])), fixed(100 * float(row["mde"]), 1)) for row in found)
    return [
        heads,
        *([markdown_escape(row["task"]), markdown_escape(row["arm"]), change, seen] for row, change, seen in sizes),
    ]
