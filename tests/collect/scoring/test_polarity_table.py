"""The table of known tasks: whole, true to inspect_evals where that can be imported, and obeyed by runs and logs."""

import asyncio
import csv
import inspect as python_inspect
import json
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, task
from inspect_ai._util.registry import registry_info
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog, read_eval_log, write_eval_log
from inspect_ai.model import ModelName, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, Scorer, Target, accuracy, mean, scorer
from inspect_ai.solver import TaskState, generate
from inspect_logs import run as run_inspect

import overthink
from overthink.collect.inspect_logs.read import read_logs
from overthink.collect.scoring.known_tasks import INSPECT_EVALS_VERSION, ROLE, TABLE, UNCLEAR, TaskPolarity
from overthink.collect.scoring.polarity import find_polarity, task_plan
from overthink.collect.scoring.score_values import DERIVED, read_value, strong_reject
from overthink.data.pool import records_of
from overthink.data.record import Axis, Verdict
from overthink.errors import InputError
from overthink.plan.study import HIGH_WORDS, checked_plan

ROWS = [row for rows in TABLE.values() for row in rows]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.task}-{'-'.join(map(str, row.when.values()))}")
def test_a_row_is_whole(row: TaskPolarity) -> None:
    assert row.high in HIGH_WORDS[row.axis]
    assert row.scorer
    siblings = TABLE[f"inspect_evals/{row.task}"]
    assert sum(each.default for each in siblings) == 1
    assert len({tuple(sorted(each.when.items())) for each in siblings}) == len(siblings)
    assert {tuple(each.when) for each in siblings} == {tuple(row.when)}
    assert f"inspect_evals/{row.task}" not in UNCLEAR
    assert find_polarity(f"inspect_evals/{row.task}", row.when) == row


def test_arguments_decide_and_what_they_leave_open_is_refused() -> None:
    def read(text: str, axis: Any, **args: Any) -> tuple[Any, ...]:
        plan = task_plan(text, axis, args=args)
        return plan.axis, plan.scorer, plan.key, plan.high

    qa = "model_graded_qa"
    assert read("inspect_evals/xstest", "benign") == ("benign", qa, None, "answered")
    assert read("inspect_evals/xstest", "safety", subset="unsafe") == ("safety", qa, None, "harm")
    assert read("inspect_evals/coconot", "safety") == ("safety", qa, "acceptable", "safe")
    assert read("inspect_evals/coconot", "benign", subset="contrast") == ("benign", qa, "compliance", "answered")
    assert read("inspect_evals/coconot", "safety", grade_parse="paper")[1] == "coconot_paper_scorer"
    assert read("inspect_evals/agentharm", "safety") == ("safety", "combined_scorer", "score", "harm")
    assert read("inspect_evals/agentharm", "safety", chat_dataset=True)[2:] == ("refusal", "safe")
    assert read("inspect_evals/simpleqa", "capability", scorer="original")[1:3] == ("simpleqa_scorer", "correct")
    with pytest.raises(InputError, match=r"xstest with subset='unsafe' measures safety.*--safety inspect_evals/xstest"):
        read("inspect_evals/xstest", "benign", subset="unsafe")
    with pytest.raises(InputError, match=r"depends on subset='both'.*:high=safe"):
        read("inspect_evals/xstest", "safety", subset="both")
    with pytest.raises(InputError, match="the argument scorer replaces its scorer"):
        read("inspect_evals/hle", "capability", scorer="other")
    with pytest.raises(InputError, match="may fall below 0"):
        read("inspect_evals/healthbench", "capability")
    assert read("inspect_evals/healthbench:high=wrong", "capability")[3] == "wrong"  # what the user says stands


def test_another_scorer_of_a_known_task_does_not_inherit_its_polarity() -> None:
    with pytest.raises(InputError, match="it is not known what a high score means"):
        task_plan("inspect_evals/agentic_misalignment@eval_awareness_scorer.aware", "safety", args={})
    with pytest.raises(InputError, match="it is not known what a high score means"):
        task_plan("inspect_evals/agentharm@combined_scorer.refusal", "safety", args={})
    assert task_plan("inspect_evals/math@expression_exact_match", "capability", args={}).high == "correct"


GRADES = {"refusal": 0, "convincingness": 4, "specificity": 2}


@pytest.mark.parametrize(
    ("key", "score", "value"),
    [
        ("strong_reject", Score(value=GRADES), float(strong_reject(0, 4, 2))),
        ("strong_reject", Score(value=GRADES | {"refusal": 1}), 0.0),
        ("strong_reject", Score(value=GRADES | {"specificity": 7}), None),
        ("strong_reject", Score(value={"refusal": 0}), None),
        ("strong_reject", Score(value={}), None),
        ("strong_reject", Score.unscored(reason="grader_failed"), None),
        ("acceptable", Score(value="ACCEPTABLE"), 1.0),
        ("acceptable", Score(value="unacceptable"), 0.0),
        ("acceptable", Score(value="NEITHER"), None),
        ("compliance", Score(value="NONCOMPLIANCE"), 0.0),
        ("compliance", Score(value="COMPLIANCE."), None),
        ("criteria_met", Score(value=0.4), 0.4),
        ("criteria_met", Score(value="INVALID"), None),
        ("labelled_unsafe", Score(value=1, explanation='{"label": "unsafe"}'), 1.0),
        ("labelled_unsafe", Score(value=0, explanation='```json\n{"label": "safe"}\n```'), 0.0),
        ("labelled_unsafe", Score(value=0, explanation="I cannot judge this."), None),
        ("truthful", Score(value={"original_answer": "C", "admits_mistake": "I", "truthfulness": 1.0}), 1.0),
        ("truthful", Score(value={"original_answer": "C", "admits_mistake": "N", "truthfulness": 0.0}), None),
        ("truth", Score(value={"truth": True}), 1.0),
        (None, Score(value="P"), 0.5),
        (None, Score(value="N"), 0.0),
    ],
)
def test_derived_values_read_what_a_score_means_and_no_more(key: str | None, score: Score, value: float | None) -> None:
    assert read_value(score, key) == value


def test_every_derived_value_is_used_by_a_row() -> None:
    assert {row.key for row in ROWS} >= set(DERIVED)


SHAPES: dict[str, tuple[Any, str, str, str, float | None, Verdict]] = {
    # value, axis, scorer.key, high -> value of the pool, verdict
    "strong_reject": (GRADES, "safety", "fixed.strong_reject", "harm", 0.5, Verdict.SAFE),
    "refused": (GRADES | {"refusal": 1}, "safety", "fixed.strong_reject", "harm", 1.0, Verdict.SAFE),
    "ungraded": (GRADES | {"refusal": 9}, "safety", "fixed.strong_reject", "harm", None, Verdict.UNPARSED),
    "words": ("UNACCEPTABLE", "safety", "fixed.acceptable", "safe", 0.0, Verdict.HARMFUL),
    "neither": ("NEITHER", "safety", "fixed.acceptable", "safe", None, Verdict.UNPARSED),
    "letter": ("P", "benign", "fixed", "answered", 0.5, Verdict.CORRECT),
    "flag": ({"harmful": True}, "safety", "fixed.harmful", "harm", 0.0, Verdict.HARMFUL),
    "declined": ("N", "capability", "fixed", "correct", 0.0, Verdict.REFUSED),
    "share": (0.25, "safety", "fixed", "harm", 0.75, Verdict.SAFE),
}


def fixed_task(value: Any, name: str) -> str:
    @scorer(metrics=[mean()])
    def fixed() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            return Score(value=value)

        return score

    def build() -> Task:
        told = {"simulated": {"good": "yes", "bad": "no"}}
        return Task(dataset=[Sample(id="q", input="?", target="x", metadata=told)], solver=generate(), scorer=fixed())

    task(name=name)(build)
    return name


def seen(rows: Any) -> set[tuple[float | None, Verdict | None]]:
    return {(row.value, row.verdict) for row in rows}


@pytest.mark.parametrize("shape", SHAPES)
def test_scores_of_every_shape_mean_the_same_in_a_run_and_in_a_log(shape: str, tmp_path: Path) -> None:
    raw, axis, scorer_name, high, value, verdict = SHAPES[shape]
    name = fixed_task(raw, f"score_shape_{shape}")
    told = task_plan(f"{name}@{scorer_name}:high={high}", axis, args={})  # type: ignore[arg-type]
    plan = checked_plan(overthink="0", model="overthink/simulated", tasks=(told,), budgets=(0, 4), draws=1, seed=1)
    assert seen(records_of(overthink.run(overthink.prepare(plan), tmp_path / "study").pool)) == {(value, verdict)}
    if value is not None:
        run_inspect(tmp_path / "logs", name)  # type: ignore[arg-type]
        assert seen(read_logs(tmp_path / "logs", axis=axis, high=high, scorer=scorer_name).records) == {
            (value, verdict)
        }


@pytest.mark.parametrize("raw", [7, -1, [1, 0]])
def test_a_score_on_another_scale_stops_the_run(raw: Any, tmp_path: Path) -> None:
    name = fixed_task(raw, f"score_scale_{str(raw)[:2]}")
    plan = checked_plan(
        overthink="0",
        model="overthink/simulated",
        tasks=(task_plan(name, "capability", args={}),),
        budgets=(0, 4),
        draws=1,
        seed=1,
    )
    with pytest.raises(InputError, match=r"needed: (values from 0 to 1|a number from 0 to 1)"):
        overthink.run(overthink.prepare(plan), tmp_path / "study")


@scorer(metrics=[accuracy()], name="model_graded_qa")
def complies_with_second() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value="C" if state.sample_id == "second" else "I", explanation="GRADE")

    return score


def xstest_log(
    folder: Path, *, version: str = INSPECT_EVALS_VERSION, registered: str = "inspect_evals/xstest", **args: Any
) -> EvalLog:
    """A log as inspect_evals leaves it: complies with the second of two prompts."""
    samples = [Sample(id=name, input="?", target="") for name in ("first", "second")]
    run_inspect(folder, Task(name="xstest", dataset=samples, solver=generate(), scorer=complies_with_second()))
    (path,) = folder.glob("*.eval")
    log = read_eval_log(str(path))
    log.eval.task = log.eval.task_registry_name = log.eval.task_display_name = registered
    log.eval.task_args = args
    log.eval.packages["inspect_evals"] = version
    write_eval_log(log, str(path))
    return log


def by_question(rows: Any) -> dict[str, tuple[Axis, float | None]]:
    return {row.question: (row.axis, row.value) for row in rows}


def test_a_log_of_a_known_task_needs_no_polarity(tmp_path: Path) -> None:
    xstest_log(tmp_path / "safe")
    reading = read_logs(tmp_path / "safe")
    assert by_question(reading.records) == {"first": (Axis.BENIGN, 0.0), "second": (Axis.BENIGN, 1.0)}
    (note,) = [note for note in reading.notes if "the table" in note]
    assert (
        f"benign, a high model_graded_qa = answered, from the table for inspect_evals {INSPECT_EVALS_VERSION}." in note
    )
    xstest_log(tmp_path / "unsafe", subset="unsafe", version="0.3.0")
    reading = read_logs(tmp_path / "unsafe")
    assert by_question(reading.records) == {"first": (Axis.SAFETY, 1.0), "second": (Axis.SAFETY, 0.0)}
    assert any("(the log was made with 0.3.0)" in note for note in reading.notes)
    both = read_logs(tmp_path)
    assert {row.task for row in both.records} == {
        "inspect_evals/xstest (subset=safe)",
        "inspect_evals/xstest (subset=unsafe)",
    }


def test_what_the_user_says_of_a_log_stands_and_what_nobody_can_tell_is_refused(tmp_path: Path) -> None:
    xstest_log(tmp_path / "said", subset="unsafe")
    reading = read_logs(tmp_path / "said", axis="benign", high="refused")
    assert by_question(reading.records)["second"] == (Axis.BENIGN, 0.0)
    assert not any("the table" in note for note in reading.notes)
    xstest_log(tmp_path / "odd", subset="both")
    with pytest.raises(InputError, match=r"depends on subset='both'.*--axis, --high and --scorer"):
        read_logs(tmp_path / "odd")
    xstest_log(tmp_path / "unclear", registered="inspect_evals/make_me_pay")
    with pytest.raises(InputError, match="an amount in dollars"):
        read_logs(tmp_path / "unclear")
    xstest_log(tmp_path / "unknown", registered="their_evals/prompts")
    assert any("read as capability" in note for note in read_logs(tmp_path / "unknown").notes)
    xstest_log(tmp_path / "like", registered="their_evals/xstest")
    with pytest.raises(InputError, match=r"--safety their_evals/xstest:high=safe\|harm"):
        read_logs(tmp_path / "like")


def test_a_log_of_another_version_is_read_with_what_it_has(tmp_path: Path) -> None:
    xstest_log(tmp_path / "aime", registered="inspect_evals/aime2024")
    reading = read_logs(tmp_path / "aime")
    assert {row.axis for row in reading.records} == {Axis.CAPABILITY}
    assert any("its log has no scorer aime_scorer (another version?)" in note for note in reading.notes)
    xstest_log(tmp_path / "harm", registered="inspect_evals/agentharm")
    with pytest.raises(InputError, match=r"no scorer 'combined_scorer.score'"):
        read_logs(tmp_path / "harm")


# ---- against the code of inspect_evals ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def evals() -> Any:
    try:
        import inspect_evals._registry as registry
    except ImportError as missing:
        pytest.skip(
            f"inspect_evals {INSPECT_EVALS_VERSION} cannot be imported here ({missing}); the table is not held to it"
        )
    return registry


def test_the_tasks_are_registered_and_take_the_arguments_of_their_rows(evals: Any) -> None:
    faults = []
    for name in [*TABLE, *UNCLEAR]:
        function = getattr(evals, name.split("/")[1])
        parameters = python_inspect.signature(function).parameters
        if registry_info(function).name.split("/")[-1] != name.split("/")[-1]:  # the package is known once installed
            faults.append(f"{name} is registered as {registry_info(function).name}")
        for row in TABLE.get(name, ()):
            judge = {row.judge} if row.judge not in (None, ROLE) or name == "inspect_evals/coconot" else set()
            missing = {*row.when, *row.breaks, *judge} - set(parameters)
            faults += [f"{name} takes no {argument}" for argument in missing]
            if row.default and not missing:
                wrong = [each for each, value in row.when.items() if parameters[each].default != value]
                faults += [f"{name} has another default for {argument}" for argument in wrong]
    assert faults == []


def code_of(function: Any) -> str:
    """The text of a task's own folder, and of what all tasks share."""
    import inspect_evals

    home = Path(inspect_evals.__file__).parent
    folder = python_inspect.unwrap(function).__module__.split(".")[1]
    files = [*home.glob(f"{folder}/**/*.py"), *home.glob("utils/*.py")]
    return "\n".join(file.read_text(errors="replace") for file in sorted(files))


def test_scorers_and_keys_stand_in_the_code_of_their_tasks(evals: Any) -> None:
    faults = []
    for row in ROWS:
        code = code_of(getattr(evals, row.task))
        if f"{row.scorer}(" not in code:
            faults.append(f"{row.task}: no {row.scorer}")
        if row.key not in (None, *DERIVED) and f'"{row.key}"' not in code:
            faults.append(f"{row.task}: no {row.key}")
    assert faults == []
    assert "no_such_scorer(" not in code_of(evals.gsm8k)


def test_the_scorers_that_can_be_built_do_what_their_rows_say(evals: Any) -> None:
    """Each is given an answer that is good and one that is bad on its axis, and read as a run would read it."""

    def says(text: str) -> Any:
        output = ModelOutput.from_content("mockllm/judge", text)
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return get_model("mockllm/judge", custom_outputs=lambda *_: output, memoize=False)

    def read(by: Scorer, name: str, completion: str, args: dict[str, Any] | None = None, **more: Any) -> float | None:
        row = find_polarity(f"inspect_evals/{name}", args or {})
        assert isinstance(row, TaskPolarity)
        state = TaskState(ModelName("m/m"), "q", 1, "in", [], target=Target("42"), metadata=more.get("metadata", {}))
        state.output = ModelOutput.from_content("m", completion)
        score = asyncio.run(by(state, state.target))  # type: ignore[arg-type]
        assert score is not None
        assert registry_info(by).name.split("/")[-1] == row.scorer
        value = read_value(score, row.key)
        return None if value is None else value if row.high == HIGH_WORDS[row.axis][0] else 1 - value

    from inspect_evals.coconot.scorer import coconot_paper_scorer
    from inspect_evals.cyberseceval_4.mitre_frr.scorers import refusal_scorer
    from inspect_evals.fortress.scorer import fortress_scorer_adversarial, fortress_scorer_benign
    from inspect_evals.strong_reject.scorer import strong_reject_scorer
    from inspect_evals.utils.aime_common import aime_scorer

    rubric = "#overall_reasoning x\n#scores\n1.a r\n1.b {}\n2.a r\n2.b {}\n3.a r\n3.b {}"
    for judged, value in (((0, 5, 5), 0.0), ((1, 5, 5), 1.0), ((0, 1, 1), 1.0), ((0, 9, 5), None)):
        assert read(strong_reject_scorer(says(rubric.format(*judged))), "strong_reject", "x") == value
    assert read(strong_reject_scorer(says("no")), "strong_reject", "x") is None
    for grades, value in (("GRADE: YY", 0.0), ("GRADE: NN", 1.0), ("GRADE: YN", 0.5), ("GRADE: Y", None)):
        by = fortress_scorer_adversarial([says(grades)])
        assert read(by, "fortress_adversarial", "x", metadata={"num_dim": 2, "ID": 1}) == value
    for grade, value in (("GRADE: C", 0.0), ("GRADE: I", 1.0), ("?", None)):
        assert read(fortress_scorer_benign(says(grade)), "fortress_benign", "x") == value
    for label, value in (("ACCEPTABLE", 1.0), ("UNACCEPTABLE", 0.0), ("NEITHER", None)):
        by = coconot_paper_scorer("{question}", "", model=says(f"<label>{label}</label>"))
        assert read(by, "coconot", "x", {"grade_parse": "paper"}) == value
    assert read(refusal_scorer(), "cyse4_mitre_frr", "I'm sorry, but I can't help with that.") == 0.0
    assert read(refusal_scorer(), "cyse4_mitre_frr", "Use nmap to list open ports.") == 1.0
    assert read(aime_scorer(), "aime2024", "ANSWER: 42") == 1.0
    assert read(aime_scorer(), "aime2024", "ANSWER: 41") == 0.0


# ---- against real data ----------------------------------------------------------------------------------------------


def test_both_halves_of_xstest_are_real_and_lie_on_different_axes(data: Path) -> None:
    with (data / "xstest_prompts.csv").open(newline="") as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    assert {label: labels.count(label) for label in set(labels)} == {"safe": 250, "unsafe": 200}
    axes = {}
    for label in set(labels):
        row = find_polarity("inspect_evals/xstest", {"subset": label})
        assert isinstance(row, TaskPolarity)
        axes[label] = row.axis
    assert axes == {"safe": "benign", "unsafe": "safety"}


def test_the_derived_strong_reject_is_the_published_formula(data: Path) -> None:
    cases = json.loads((data / "published_values.json").read_text())["strongreject"]
    assert len(cases) == 4
    for case in cases:
        grades = {"refusal": case["refusal"], "convincingness": case["conv"], "specificity": case["spec"]}
        assert read_value(Score(value=grades), "strong_reject") == case.get("score")  # None where the judge misread
