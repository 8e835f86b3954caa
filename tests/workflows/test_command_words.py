"""Every option of a command is a word of the function of that name, and both make the same study."""

import inspect
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer

import overthink
from overthink.cli.main import app
from overthink.cost.units import Unit
from overthink.errors import InputError
from overthink.governance.calculators import CALCULATORS
from overthink.workflows.arguments import accepted_words
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.run_options import RunOptions
from overthink.workflows.sources import ReadOptions
from overthink.workflows.words import analysis, reading

OUTPUT = {"json", "quiet", "yes", "strict", "help"}
"""Options of what is printed, asked or returned as an exit code."""

OTHER_NAMES = {"verify": {"arm": "arms"}, "perturb": {"with": "changes", "arm": "arms"}, "check": {"store": "heads"}}
"""Names that a function had before its command's options were its words; `with` is Python's own, and a store of a
gateway is opened by the command alone."""

FUNCTIONS = {
    "analyse": overthink.analyse,
    "compare": overthink.compare,
    "report": overthink.report,
    "statement": overthink.statement,
    "check": overthink.check,
    "verify": overthink.verify,
    "monitor": overthink.monitor,
    "perturb": overthink.perturb,
    "latent": overthink.latent,
    "label": overthink.label,
    "table": overthink.table,
    "thresholds": overthink.thresholds,
    "forecast": overthink.forecast_table,
    "samples": overthink.samples,
    "methods": overthink.methods,
    "merge": overthink.merge,
}
"""Functions by command; that of `run` is `experiment`. `model` is of weights on this machine, `schema` of editors.

`status` is not among them: its one option is a view of a terminal. `gateway` is a server; `policy` is of it.
"""

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def option_words(command: Any) -> set[str]:
    options = (param for param in command.params if param.param_type_name == "option")
    longest = (max(param.opts, key=len) for param in options)
    return {option.lstrip("-").replace("-", "_") for option in longest} - OUTPUT


def words(function: Callable[..., Any]) -> set[str]:
    signature = inspect.signature(function)
    return set(accepted_words(signature) or signature.parameters)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_option_is_a_word(name: str) -> None:
    own = OTHER_NAMES.get(name, {})
    options = {own.get(word, word) for word in option_words(COMMANDS[name])}
    assert options <= words(FUNCTIONS[name])


def test_every_command_has_a_function() -> None:
    assert set(COMMANDS) == {*FUNCTIONS, "run", "calc", "gateway", "model", "schema", "status"}
    policy = {"model", "budget", "file"}  # words of the policy; the others of `gateway` are of a server
    assert policy == words(overthink.policy) - {"path"} == option_words(COMMANDS["gateway"].commands["policy"])
    functions = {"forecast_table" if name == "forecast" else name for name in FUNCTIONS}
    assert functions | {"run", "experiment", "calc"} <= set(overthink.__all__)
    assert option_words(COMMANDS["analyse"]) - {"margin"} < option_words(COMMANDS["analyse"])  # it can tell


def test_every_option_of_run_is_a_word_of_an_experiment() -> None:
    short = {"M": "model_args", "T": "task_args"}
    options = {short.get(word, word) for word in option_words(COMMANDS["run"])} - {"config", "save_config", "resume"}
    assert options == set(RunOptions.model_fields)
    assert {"config", "resume"} <= words(overthink.experiment)


def test_every_calculator_takes_the_inputs_of_its_command() -> None:
    for name, command in COMMANDS["calc"].commands.items():
        function = getattr(overthink.calc, name.replace("-", "_"))
        assert set(inspect.signature(function).parameters) == option_words(command)
        assert function.__doc__.startswith(CALCULATORS[name].help())


def test_words_make_the_options_of_the_command_line() -> None:
    read = reading({"safety": "probe@judge:high=harm", "capability": ["a", "b"], "ladder": "extra_body.depth"})
    expected = ReadOptions(safety=["probe@judge:high=harm"], capability=["a", "b"], ladder="extra_body.depth")
    assert read == expected
    options = analysis(
        {"hypothesis": "up@2k,flat@8k,down", "margin": 0.03, "primary": "safety", "k_reference": "2k", "by": "flop",
         "assume": {"training_days": 90}, "training_flop": 3.8e25, "as_of": date(2026, 1, 22), "selector": [],
         "model_shape": "m=parameters:8e9"}
    )  # fmt: skip
    assert (options.hypothesis, options.margin, options.primary) == ("up@2k,flat@8k,down", 0.03, ("safety",))
    assert (options.k_reference, options.unit, options.selectors) == (2000.0, Unit.FLOP, None)
    assert options.assumptions.inputs == {"training_flop": "3.8e+25", "training_days": "90"}
    assert options.assumptions.day == date(2026, 1, 22)
    assert options.shapes["m"].shape.parameters == 8e9
    assert analysis({"by": "effective-flop"}).unit is Unit.EFFECTIVE_FLOP
    as_text = analysis({"assume": "training_days=90", "training_flop": "3.8e+25", "as_of": "2026-01-22"})
    assert as_text.assumptions == options.assumptions


def test_words_and_options_add_up_but_nothing_is_stated_twice() -> None:
    assert analysis({"margin": 0.03}, AnalysisOptions(level=0.9)) == AnalysisOptions(level=0.9, margin=0.03)
    assert reading({"ladder": None, "safety": []}, ReadOptions(axis="safety", high="harm")).axis == "safety"
    with pytest.raises(InputError, match=r"^margin is stated as a word, and margin in options=AnalysisOptions"):
        analysis({"margin": 0.03}, AnalysisOptions(margin=0.04))
    with pytest.raises(InputError, match=r"^by is stated as a word, and unit in options="):
        analysis({"by": "usd"}, AnalysisOptions(unit=Unit.FLOP))
    with pytest.raises(InputError, match="safety is stated as a word"):
        reading({"safety": "x:high=harm"}, ReadOptions(safety=["y:high=harm"]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: overthink.analyse("x", safty="y"), TypeError, r"analyse\(\) takes no 'safty'; nearest: safety"),
        (lambda: overthink.report("x", model_shapes="y"), TypeError, "nearest: model_shape"),
        (lambda: overthink.label("x", "y.csv", capabilty="y"), TypeError, "nearest: capability"),
        (lambda: overthink.forecast_table("x", thresholds=0.5), TypeError, "nearest: threshold"),
        (lambda: overthink.calc.overhang(trainig_flop=1), TypeError, r"calc.overhang\(\) takes no"),
        (lambda: overthink.compare("x", by="flops"), InputError, "by is 'flops'; needed: one of tokens, flop"),
        (lambda: overthink.compare(["x"], "y"), TypeError, "paths is a list with other paths behind it"),
        (lambda: overthink.compare(3, 4), TypeError, r"^paths is 3, a int; needed: str \| pathlib"),
        (lambda: overthink.compare({"x"}, "y"), TypeError, r"^paths is \{'x'\}, a set; needed: str \| pathlib"),
        (lambda: overthink.analyse("x", errored="never"), InputError, "errored is 'never'; needed: one of inspect"),
        (lambda: overthink.analyse("x", safety=3), TypeError, "safety is 3"),
        (lambda: overthink.analyse("x", training_flop=True), TypeError, "training_flop is True"),
        (lambda: overthink.analyse("x", as_of=2026), TypeError, "as_of is 2026"),
        (lambda: overthink.forecast_table("x", k=None, judge_fpr={}), TypeError, "judge_fpr"),
        (lambda: overthink.forecast_table("x", k=[10, "many"]), InputError, "'many' is no number of tries"),
        (lambda: overthink.forecast_table("x", format="svg"), InputError, "--format svg is of the files"),
        (lambda: overthink.forecast_table("x", format=[]), InputError, "format is empty; needed: one or more of html"),
        (lambda: overthink.report("x", format="png", formats=["svg"]), InputError, "format and formats are both"),
        (lambda: overthink.report("x", format="html", formats="html"), InputError, "leave one out"),
        (lambda: overthink.report("x", format=""), InputError, "format is empty; needed: one or more of html, svg"),
        (lambda: overthink.report("x", formats=[]), InputError, "formats is empty; needed"),
        (lambda: overthink.report("x", formats=3), TypeError, "formats is 3"),
        (lambda: overthink.forecast_table("x", band="wide"), InputError, "band is 'wide'"),
        (lambda: overthink.table("x", what="curve"), InputError, "what is 'curve'; needed: one of curves"),
        (lambda: overthink.methods("x", format="html"), InputError, "format is 'html'; needed: one of text"),
        (lambda: overthink.calc.none, AttributeError, "there is no calculator 'none'; needed: one of chips"),
        (lambda: overthink.calc.overhang(k=True), TypeError, "k is True"),
        (lambda: overthink.calc.overhang(training_flop=(1, 2, 3)), TypeError, "training_flop"),
        (lambda: overthink.calc.overhang(k=float("nan")), InputError, "k is nan; needed: a finite number"),
        (lambda: overthink.calc.overhang(k=(1, float("inf"))), InputError, "k is inf"),
        (lambda: overthink.calc.overhang(seed=-1), InputError, "seed is -1"),
        (lambda: overthink.analyse("x", training_flop=float("nan")), InputError, "training_flop is nan"),
        (lambda: overthink.thresholds(as_of=3), TypeError, "as_of is 3"),
    ],
)
def test_a_word_that_cannot_be_used_is_one_error(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two tasks, of which one is of safety."""
    dice = np.random.default_rng(1)
    rows = [
        {"task": task, "question": f"q{q}", "draw": draw, "requested_tokens": budget,
         "value": float(dice.random() < 0.4 + budget / 2000)}
        for task in ("sums", "probe") for q in range(12) for draw in range(2) for budget in (0, 512)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("tables") / "answers.csv"
    pl.DataFrame(rows).write_csv(path)
    return path


STATED = {"capability": "sums", "safety": "probe:high=harm"}


def test_a_stopping_rule_that_does_not_exist_is_an_input_error(answers: Path) -> None:
    with pytest.raises(InputError, match="stopping is 'never'; needed: one of fixed, first_success"):
        overthink.analyse(answers, stopping="never", **STATED)  # type: ignore[arg-type]


def test_flat_words_give_the_findings_of_the_options(answers: Path) -> None:
    flat = overthink.analyse(answers, **STATED, margin=0.03, seed=2)  # type: ignore[arg-type]
    read = ReadOptions(capability=["sums"], safety=["probe:high=harm"])
    assert flat.json() == overthink.analyse(answers, read=read, options=AnalysisOptions(margin=0.03, seed=2)).json()
    assert flat.json() != overthink.analyse(answers, read=read, options=AnalysisOptions(margin=0.3, seed=2)).json()


def test_compare_takes_paths_one_behind_the_other(answers: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    pl.read_csv(answers).with_columns(value=1.0).write_csv(other)
    apart = overthink.compare(answers, str(other), **STATED, reference="base (answers)")  # type: ignore[arg-type]
    listed = overthink.compare(paths=[answers, other], **STATED, reference="base (answers)")  # type: ignore[arg-type]
    assert apart.json() == listed.json()


@pytest.mark.long
def test_label_and_forecast_take_the_words_too(answers: Path, tmp_path: Path) -> None:
    sheet = overthink.label(answers, tmp_path / "sheet.csv", per_rung=2, **STATED)  # type: ignore[arg-type]
    assert sheet.answers == 2 * 2 * 2
    forecasts = overthink.forecast_table(answers, k=[1, 100], threshold=(0.1, 0.5), **STATED)  # type: ignore[arg-type]
    assert forecasts.json() == overthink.forecast_table(answers, k="1,100", threshold="0.1,0.5", **STATED).json()  # type: ignore[arg-type]
    assert {bank.axis.value for bank in forecasts.banks} == {"capability", "safety"}
    with pytest.raises(InputError, match="--axis and --safety"):
        overthink.forecast_table(answers, axis="capability", safety="probe:high=harm")


def test_tables_methods_and_samples_of_a_folder(answers: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    overthink.analyse(answers, out=study, **STATED)  # type: ignore[arg-type]
    text = overthink.table(study, format="csv", out=tmp_path / "curves.csv")
    assert (tmp_path / "curves.csv").read_text() == text
    assert text == overthink.table(study, what="curves", format="csv") != overthink.table(study)
    assert overthink.methods(study) != overthink.methods(study, format="latex")
    rows = overthink.samples(study, task="probe", rung=1)
    assert rows.height == 24
    assert set(rows["task"]) == {"probe"}
    assert set(rows["reason"]) == {"the source names no log"}
    with pytest.raises(InputError, match="its tasks are: probe, sums"):
        overthink.samples(study, task="prob")


def test_a_calculation_shows_itself_and_has_its_results_by_name() -> None:
    answer = overthink.calc.effective_compute(
        training_flop=1e25, k=100, k_basis="tokens", k_reference="1k", alpha=(0.5, 1)
    )
    again = overthink.calc["effective-compute"](training_flop="1e25", k="100", k_basis="tokens", k_reference="1k",
                                                alpha="0.5..1")  # fmt: skip
    assert answer.as_dict() == again.as_dict()
    assert repr(answer).startswith("effective-compute: analysis, not legal status")
    assert answer.result("effective_flop").high == pytest.approx(1e27)
    with pytest.raises(InputError, match="nearest: effective_flop"):
        answer.result("effective flops")


def test_thresholds_of_a_day_and_of_one_instrument() -> None:
    day = overthink.thresholds(as_of=date(2026, 11, 1))
    assert repr(day).startswith("thresholds on 2026-11-01")
    ids = [row["id"] for row in day.as_dict()["instruments"]]
    assert len(ids) > 5
    one = overthink.thresholds(as_of="2026-11-01", instrument=ids[0])
    assert [row["id"] for row in one.as_dict()["instruments"]] == ids[:1]
