"""Extension drills: what is added in at most four source files works, from its estimator to the report."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import forked
import pytest

from overthink import InputError, analyse, arms
from overthink.data.selectors import Selector

SOURCE = Path(__file__).parents[2] / "src"
MOST_FILES = 4

Edits = Mapping[str, Sequence[tuple[str, str]]]
"""Anchors and texts to insert before them, by file below src/overthink; the text of a new file has no anchor."""

SELECTOR: Edits = {
    "data/kinds.py": [("    MAJORITY_AT_K =", '    ANY_AT_K = "any_at_k"\n')],
    "data/selectors.py": [
        ('    ALL = "all"', '    ANY = "any"\n'),
        (
            "        Selector.ALL: SelectorInfo(",
            '        Selector.ANY: SelectorInfo(Metric.ANY_AT_K, "one of k, picked blindly", colour=7),\n',
        ),
    ],
    "stats/curve.py": [
        ("        cells[Selector.PASS] =", "        enough = (~np.isnan(values)).sum(axis=1)[:, :, None] >= k\n"),
        (
            "        cells[Selector.PASS] =",
            "        cells[Selector.ANY] = np.where(enough, question_means(values)[:, :, None], np.nan)\n",
        ),
    ],
    "reports/html/page.css": [
        ("--s6: #8a5a44;", "--s7: #5a6b2f; "),
        ("--s6: #d9a58c;", "--s7: #b9cc86; "),
        (".c6 {", ".c7 { background: var(--s7); } "),
    ],
}

INTERVENTION: Edits = {
    "collect/arms/interventions/reconsider.py": [
        (
            "",
            '''"""A line that asks to reconsider, at the beginning of the thinking."""

from overthink.collect.arms.interventions.insertions import Primer
from overthink.components.base import component


@component("reconsider")
class Reconsider(Primer):
    """A line that asks to reconsider."""

    text: str = "Let me reconsider."
''',
        )
    ],
    "collect/arms/registry.py": [
        (
            "from overthink.collect.arms.interventions.saferemind",
            "from overthink.collect.arms.interventions.reconsider import Reconsider\n",
        ),
        ("        Primer,\n", "        Reconsider,\n"),
    ],
}


def copy_with(folder: Path, edits: Edits) -> Path:
    """Return a copy of src with the edits; its compiled files come along, as copies have the times of the originals."""
    copy = folder / "src"
    shutil.copytree(SOURCE, copy)
    for name, insertions in edits.items():
        path = copy / "overthink" / name
        for anchor, text in insertions:
            old = path.read_text(encoding="utf-8") if anchor else ""
            assert anchor in old, f"{name} has no {anchor!r}"
            path.write_text(old.replace(anchor, text + anchor, 1), encoding="utf-8")
    return copy


def changes(copy: Path) -> list[str]:
    """Return the source files of a copy that are new or differ."""
    files = [path.relative_to(copy) for path in copy.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return [str(f) for f in files if not (SOURCE / f).is_file() or (SOURCE / f).read_bytes() != (copy / f).read_bytes()]


def command_lines(source: Path, *commands: Sequence[str]) -> None:
    """Run commands of a copy of the source, all in one process: most of its time is for imports."""
    code = """
import json, sys, overthink
from overthink.cli.main import app
assert overthink.__file__ == sys.argv[1], overthink.__file__
for command in json.loads(sys.argv[2]):
    app(command, standalone_mode=False)
"""
    arguments = [str(source / "overthink" / "__init__.py"), json.dumps(commands)]
    done = forked.run(code, *arguments, env=os.environ | {"PYTHONPATH": str(source)})
    assert done.returncode == 0, done.stderr


def findings(folder: Path) -> list[dict[str, Any]]:
    document = json.loads((folder / "findings.json").read_text(encoding="utf-8"))
    return cast("list[dict[str, Any]]", document["findings"])


def table(path: Path, separator: str) -> Path:
    """A table of two tries of six questions at two budgets, the second try right at the higher budget."""
    rows = [
        ("sums", f"q{q}", draw, budget, int((draw == 0 and q < 3) or (budget > 0 and draw == 1)))
        for q in range(6)
        for draw in range(2)
        for budget in (0, 64)
    ]
    lines = [separator.join(map(str, row)) for row in [("task", "question", "draw", "budget", "value"), *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


TABLE_FORMAT: Edits = {
    "storage/tables/table_files.py": [
        (
            "class TableFormat(NamedTuple):",
            """def _tabs(path: Path) -> "pl.DataFrame":
    import polars as pl

    return pl.read_csv(path, separator="\\t", infer_schema=False)


""",
        ),
        ('    TableFormat("JSON", ', '    TableFormat("Tabs", (".tab",), _tabs),\n'),
    ]
}
"""A reader of tables with tabs, and its entry in the list of formats."""


@pytest.fixture(scope="module")
def drill_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what an extended copy made: `votes` and `tabs` of tables, `run` of a study."""
    folder = tmp_path_factory.mktemp("drill")
    source = copy_with(folder, SELECTOR | INTERVENTION | TABLE_FORMAT)
    assert sorted(changes(source)) == sorted(f"overthink/{name}" for name in SELECTOR | INTERVENTION | TABLE_FORMAT)
    study = "--model overthink/simulated --safety overthink/secret --budgets 0,8 --draws 1 --limit 2 --seed 1"
    command_lines(
        source,
        ["analyse", str(table(folder / "sums.csv", ",")), "--out", str(folder / "votes")],
        ["analyse", str(table(folder / "sums.tab", "\t")), "--out", str(folder / "tabs")],
        ["run", *study.split(), "--arms", "base,reconsider", "--out", str(folder / "run")],
    )
    return folder


@pytest.mark.parametrize("edits", [SELECTOR, INTERVENTION, TABLE_FORMAT], ids=["selector", "intervention", "format"])
def test_a_drill_touches_few_files(edits: Edits) -> None:
    assert 1 <= len(edits) <= MOST_FILES


def test_a_new_selector_has_values_and_words(drill_folder: Path) -> None:
    values = {
        (f["at"]["rung"], f["at"]["k"]): f["estimate"]
        for f in findings(drill_folder / "votes")
        if f["metric"] == "any_at_k"
    }
    assert values == {(0, 1): 0.25, (0, 2): 0.25, (1, 1): 0.75, (1, 2): 0.75}
    page = (drill_folder / "votes" / "report.html").read_text(encoding="utf-8")
    assert "one of k, picked blindly" in page
    assert page.count("--s7:") == 2


def test_a_new_intervention_is_an_arm(drill_folder: Path) -> None:
    assert {f["arm"] for f in findings(drill_folder / "run")} >= {"base", "reconsider"}


def test_a_new_table_format_is_read(drill_folder: Path) -> None:
    rows = [f for f in findings(drill_folder / "tabs") if (f["kind"], f["metric"]) == ("value", "mean")]
    assert {f["at"]["rung"]: f["estimate"] for f in rows} == {0: 0.25, 1: 0.75}


def test_without_its_edits_nothing_is_added(tmp_path: Path) -> None:
    """The positive control: a plain copy is the source, which has none of the three; and a lost anchor is noticed."""
    assert changes(copy_with(tmp_path, {})) == []
    with pytest.raises(InputError, match="sums.tab"):
        analyse(table(tmp_path / "sums.tab", "\t"))
    with pytest.raises(InputError, match="reconsider"):
        arms("reconsider", model="overthink/simulated")
    assert "any" not in [*Selector]
    with pytest.raises(AssertionError, match="has no 'no such line'"):
        copy_with(tmp_path / "again", {"stats/curve.py": [("no such line", "")]})
