"""What happens where a component from outside fails: one clear message, or a trace with an error, and never a score."""

import asyncio
import json
import re
from pathlib import Path
from typing import cast

import pytest
from typer.testing import CliRunner

import overthink
from overthink import InputError
from overthink.cli.main import app
from overthink.collect.arms.verifiers.base import Scores, Verifier
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Prefix
from overthink.collect.providers.think_tags import think_format
from overthink.components.base import failure_text
from overthink.components.registry import components_of_file
from overthink.data.pool import records_of
from overthink.workflows.analyse import Study

NOBODY = cast("TraceContext", None)

VERIFIER = """
from overthink.extend import ReasoningPath, Scores, TraceContext, Verifier, component

@component("moody")
class Moody(Verifier):
    "Raises for some steps."

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        if len(path.steps) > 1:
            raise ZeroDivisionError("no mood for more than one step")
        return Scores((0.5,) * (1 if last_only else len(path.steps)), tokens=0)
"""

SELECTOR = """
import numpy as np
from overthink.extend import Tries, TriesSelector, component

@component("mine")
class Mine(TriesSelector):
    "A rule of mine."
{colour}
    def cells(self, tries: Tries, k: int):
        return {cells}
"""

READER = """
import polars as pl
from overthink.extend import Reader, component

@component("mine")
class Mine(Reader):
    "Rows of mine."

    def frame(self, path):
        rows = {{"study": "s", "arm": "a", "axis": "capability", "task": "t", "scorer": "x", "question": ["p", "q"],
                 "draw": 0, "rung": 0, "estimand": "natural", "value": [0.0, 1.0]}}
        return {rows}
"""


def component_file(folder: Path, text: str, **parts: str) -> Path:
    path = folder / "mine.py"
    path.write_text(text.format(**parts) if parts else text)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of three tries of four questions."""
    rows = [("t", f"q{q}", draw, int(draw <= q)) for q in range(4) for draw in range(3)]
    path = tmp_path_factory.mktemp("table") / "sums.csv"
    lines = [",".join(map(str, row)) for row in [("task", "question", "draw", "value"), *rows]]
    path.write_text("\n".join(lines) + "\n")
    return path


def analysed(table: Path, selector: str) -> Study:
    return overthink.analyse(table, options=overthink.AnalysisOptions(selectors=(selector,)))


def one_draw(arms: str, *, top: int, limit: int) -> overthink.Plan:
    """A plan on the simulated model with two rungs."""
    return overthink.Plan(
        model="overthink/simulated",
        tasks=overthink.tasks(safety=["overthink/contrast_harm"]),
        arms=overthink.arms(arms, model="overthink/simulated"),
        budgets=(0, top),
        draws=1,
        limit=limit,
        seed=1,
    )


def test_a_component_that_raises_fails_its_traces_and_scores_nothing(tmp_path: Path) -> None:
    verifier = component_file(tmp_path, VERIFIER)
    plan = one_draw(f"base,prm-beam:verifier={verifier}@moody", top=32, limit=2)
    study = overthink.run(overthink.prepare(plan), tmp_path / "study")
    rows = [
        row for row in records_of(study.pool) if row.arm == "prm-beam" and row.rung == 1
    ]  # at rung 0 nothing is scored
    assert rows
    assert {(row.value, row.verdict) for row in rows} == {(None, "errored")}
    assert all("ZeroDivisionError" in (row.error or "") for row in rows)
    assert {row.error for row in records_of(study.pool) if row.arm == "base"} == {None}


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("tries.values[0, 0] / missing", r"raised NameError: name 'missing' is not defined \(.*mine.py, line 10\)"),
        ("np.zeros(3)", r"returned an array of shape \(3,\); needed: \(4, 1\), question and rung"),
        ("np.full((4, 1), 1.5)", "returned 1.5; needed: expected values from 0 to 1"),
        ("__import__('sys').exit(0)", "raised SystemExit: 0"),
    ],
)
def test_a_selector_that_fails_ends_the_analysis(table: Path, tmp_path: Path, cells: str, message: str) -> None:
    path = component_file(tmp_path, SELECTOR, colour="", cells=cells)
    with pytest.raises(InputError, match=message):
        analysed(table, f"{path}@mine")


def test_selectors_with_one_name_or_no_colour_are_refused(table: Path, tmp_path: Path) -> None:
    plain = component_file(tmp_path, SELECTOR, colour="", cells="np.zeros((4, 1))")
    with pytest.raises(InputError, match=r"mine.py@mine and .*mine.py@mine have one name, mine"):
        overthink.analyse(table, options=overthink.AnalysisOptions(selectors=(f"{plain}@mine", f"{plain}@mine")))
    (tmp_path / "two").mkdir()
    loud = component_file(tmp_path / "two", SELECTOR, colour='\n    colour = "red"', cells="np.zeros((4, 1))")
    with pytest.raises(InputError):
        analysed(table, f"{loud}@mine")


def test_a_selector_whose_file_changed_is_refused_until_it_is_stated_again(table: Path, tmp_path: Path) -> None:
    path = component_file(tmp_path, SELECTOR, colour="", cells="np.zeros((4, 1))")
    options = overthink.AnalysisOptions(selectors=(f"{path}@mine",))
    overthink.analyse(table, out=tmp_path / "study", options=options)
    stored = json.loads((tmp_path / "study" / "analysis.json").read_text())
    assert stored["selectors"] == [{"text": f"{path}@mine", "file_sha256": stored["selectors"][0]["file_sha256"]}]
    stored["selectors"][0]["file_sha256"] = "0" * 64  # as if the file were another one then
    (tmp_path / "study" / "analysis.json").write_text(json.dumps(stored))
    with pytest.raises(InputError, match=r"the file has changed since the earlier analysis \(sha256 000000000000 then"):
        overthink.report(tmp_path / "study")
    assert overthink.report(tmp_path / "study", options=options).find(metric="other_at_k")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            'pl.DataFrame(rows).drop("draw", "task")',
            "gave a frame with missing columns: task, draw; unknown columns: none",
        ),
        ('pl.DataFrame(rows).rename({"value": "score"})', "missing columns: none; unknown columns: score"),
        ("pl.DataFrame(rows | {'draw': 'first'})", "row 1 has draw = 'first'; needed: Input should be a valid integer"),
        ("pl.DataFrame(rows | {'value': [0.0, 7.0]})", "row 2 has the value 7; needed: from 0 to 1"),
        ("[rows]", "gave list; needed: a Polars DataFrame, or a NotedFrame"),
        ("1 / 0", r"sums.csv cannot be read: ZeroDivisionError: division by zero \(.*mine.py, line 12\)"),
    ],
)
def test_a_reader_that_fails_is_named(table: Path, tmp_path: Path, rows: str, message: str) -> None:
    path = component_file(tmp_path, READER, rows=rows)
    with pytest.raises(InputError, match=message):
        overthink.analyse(table, read=overthink.ReadOptions(reader=f"{path}@mine"))


def test_a_reader_may_give_a_frame(table: Path, tmp_path: Path) -> None:
    path = component_file(tmp_path, READER, rows="pl.DataFrame(rows)")
    made = overthink.analyse(table, read=overthink.ReadOptions(reader=f"{path}@mine"))
    assert [(row.question, row.value) for row in records_of(made.pool)] == [("p", 0.0), ("q", 1.0)]
    assert made.find(metric="mean")[0].estimate == 0.5


def test_a_study_whose_component_file_changed_is_not_resumed(tmp_path: Path) -> None:
    path = component_file(tmp_path, VERIFIER)
    plan = one_draw(f"prm-beam:verifier={path}@moody", top=8, limit=1)
    overthink.run(overthink.prepare(plan), tmp_path / "study")
    stored = json.loads((tmp_path / "study" / "plan.json").read_text())
    assert list(stored["component_files"]) == [str(path)]
    stored["component_files"][str(path)] = "0" * 64  # as if the file were another one then
    (tmp_path / "study" / "plan.json").write_text(json.dumps(stored))
    with pytest.raises(InputError, match=f"{path.name} has changed since the study began"):
        overthink.run(overthink.prepare(plan), tmp_path / "study", resume=True)


def test_scores_of_another_type_and_tokens_below_0_are_refused() -> None:
    with pytest.raises(InputError, match=r"verifier moody gave the scores \('high',\); needed: 1 numbers from 0 to 1"):
        Scores(("high",), 3).checked(1, "moody")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="verifier moody gave -5 tokens; needed: a count, or None where unknown"):
        Scores((0.5,), -5).checked(1, "moody")


@pytest.mark.parametrize(("scores", "seen"), [("(0.5,)", "1 scores (0.5)"), ("(0.5, 7.0)", "2 scores (0.5, 7)")])
def test_scores_that_are_too_few_or_no_probabilities_end_the_run(tmp_path: Path, scores: str, seen: str) -> None:
    source = VERIFIER.replace("(0.5,) * (1 if last_only else len(path.steps))", scores).replace("> 1", "> 99")
    (part,) = components_of_file(str(component_file(tmp_path, source)))
    assert issubclass(part, Verifier)
    with pytest.raises(InputError, match=re.escape(f"verifier moody gave {seen}; needed: 2, from 0 to 1")):
        asyncio.run(part().solution(NOBODY, ReasoningPath(Prefix(""), steps=("one\n",)), "two"))


def test_a_calculator_that_raises_is_named(tmp_path: Path) -> None:
    source = (Path(__file__).parents[2] / "docs" / "extend" / "calculator.py").read_text(encoding="utf-8")
    path = tmp_path / "broken.py"
    path.write_text(source.replace("3.6e6\n", "0\n", 1))
    done = CliRunner().invoke(app, ["calc", f"{path}@energy", "--tokens-per-task", "5", "--joules-per-token", "1"])
    assert isinstance(done.exception, InputError)
    assert "calc energy raised ZeroDivisionError" in str(done.exception)
    with pytest.raises(InputError, match=r"calc nowhere.py@energy|nowhere.py is not there"):
        CliRunner().invoke(app, ["calc", "nowhere.py@energy"], catch_exceptions=False)
    assert CliRunner().invoke(app, ["calc", "nothing"]).exit_code == 2


def test_a_file_that_ends_the_process_is_named_with_its_line(tmp_path: Path) -> None:
    path = component_file(tmp_path, "import sys\nsys.exit(0)\n")
    with pytest.raises(InputError, match="mine.py, line 2: SystemExit: 0; needed: a file of components"):
        components_of_file(str(path))


INTERVENTION = """
import sys
from collections.abc import Sequence
from dataclasses import replace

from overthink.extend import Intervention, component

@component("odd")
class Odd(Intervention):
    "Does what no intervention should."

    {statement}

    def wrap(self, stepper, context):
        async def step(path, room, *, branch="", cue=""):
            if path.tokens >= 0:
                {step}
            return path

        return step
"""


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("sys.exit(0)", "SystemExit: 0"),
        ("return path", "64 steps in a row took no token, so the budget of 8 is never reached"),
        ("return replace(path, tokens=99)", "the arm thought 99 tokens, and the rung allows 8"),
    ],
)
def test_a_step_that_ends_the_process_never_ends_or_takes_too_much_fails_its_trace(
    tmp_path: Path, step: str, error: str
) -> None:
    path = component_file(tmp_path, INTERVENTION, statement="", step=step)
    study = overthink.run(overthink.prepare(one_draw(f"base,{path}@odd", top=8, limit=1)), tmp_path / "study")
    rows = [row for row in records_of(study.pool) if row.arm != "base" and row.rung == 1]
    assert [(row.value, row.verdict, error in (row.error or "")) for row in rows] == [(None, "errored", True)] * len(
        rows
    )
    assert rows
    assert {row.error for row in records_of(study.pool) if row.arm == "base"} == {None}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("max_decode_factor", "float('nan')", "intervention odd: max_decode_factor is nan; needed: a number from 0"),
        ("max_decode_factor", "1 / 0", r"max_decode_factor raised ZeroDivisionError.*mine.py, line"),
        ("max_decode_factor", "sys.exit(0)", "max_decode_factor raised SystemExit"),
        ("max_segments", "-1", "max_segments is -1; needed: a whole number"),
        ("inserted_texts", "'text'", "inserted_texts is 'text'; needed: texts"),
        ("models", "(1,)", r"models is \(1,\); needed: names of models"),
        ("models", "{}['x']", "models raised KeyError"),
    ],
)
def test_what_a_component_states_of_itself_is_checked(tmp_path: Path, name: str, value: str, message: str) -> None:
    statement = f"@property\n    def {name}(self):\n        return {value}"
    path = component_file(tmp_path, INTERVENTION, statement=statement, step="return path")
    with pytest.raises(InputError, match=message):
        overthink.prepare(one_draw(f"base,{path}@odd", top=8, limit=1))


def test_what_a_verifier_states_and_a_component_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    for statement, message in (
        ("    @property\n    def models(self):\n        return None\n", "verifier moody: models is None"),
        (
            "    def open(self):\n        raise OSError('no weights')\n",
            "verifier moody: open raised OSError: no weights",
        ),
        ("    def open(self):\n        return None\n", "verifier moody: open is None; needed: the component"),
    ):
        folder = tmp_path / str(len(message))
        folder.mkdir()
        path = component_file(folder, VERIFIER + "\n" + statement)
        with pytest.raises(InputError, match=message):
            overthink.prepare(one_draw(f"prm-beam:verifier={path}@moody", top=8, limit=1))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ('close: str = ""', "close is empty; needed: the text that ends the thinking"),
        ("close: str = 3", "close: Input should be a valid string"),
        ('close: str = "x"\n    stop: tuple[str, ...] = ("",)', "stop and answer_stop hold an empty text"),
        ('close: str = "x"\n    stop: tuple[str, ...] = "end"', "stop: Input should be a valid tuple"),
    ],
)
def test_a_think_format_without_usable_texts_is_refused(tmp_path: Path, texts: str, message: str) -> None:
    source = (
        "from overthink.extend import ThinkFormat, component\n\n"
        f'@component("odd")\nclass Odd(ThinkFormat):\n    "Odd."\n    open: str = "hm"\n    {texts}\n'
    )
    with pytest.raises(InputError, match=message):
        think_format(f"{component_file(tmp_path, source)}@odd")


@pytest.mark.filterwarnings("ignore:Field name:UserWarning")  # Pydantic has a method json
@pytest.mark.parametrize("name", ["json", "day", "seed", "as_of"])
def test_a_calculators_input_cannot_be_called_as_an_option_of_all(tmp_path: Path, name: str) -> None:
    source = (
        "from overthink.extend import Calculator, Range, component\n\n"
        f'@component("odd")\nclass Odd(Calculator):\n    "Odd."\n    {name}: Range\n\n'
        "    def answer(self, day, rng):\n        return None\n"
    )
    with pytest.raises(InputError, match=f"has an input '{name}', which names an option of every calculator"):
        components_of_file(str(component_file(tmp_path, source)))


@pytest.mark.parametrize("rows", ["pl.DataFrame()", "pl.DataFrame(rows).head(0)"])
def test_a_reader_without_rows_is_refused_and_nothing_is_written(table: Path, tmp_path: Path, rows: str) -> None:
    path = component_file(tmp_path, READER, rows=rows)
    with pytest.raises(InputError, match=r"mine.py@mine gave no row of .*sums.csv; needed: a row for each answer"):
        overthink.analyse(table, read=overthink.ReadOptions(reader=f"{path}@mine"), out=tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_an_exception_whose_text_raises_is_a_fault_of_the_component() -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    with pytest.raises(OddError) as raised:
        raise OddError
    assert failure_text(raised.value).startswith("OddError: without a message (")
