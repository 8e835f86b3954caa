"""Models that grade: a grade, no grade, a failure, the model itself; and what is said of each before and after."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Model,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    get_model,
    modelapi,
)
from inspect_ai.scorer import (
    INCORRECT,
    Score,
    Scorer,
    Target,
    accuracy,
    includes,
    model_graded_fact,
    model_graded_qa,
    multi_scorer,
    scorer,
)
from inspect_ai.solver import TaskState, generate
from inspect_logs import run as run_inspect

import overthink
from overthink.collect.inspect_logs.read import read_logs
from overthink.collect.scoring.graders import graders
from overthink.collect.scoring.polarity import task_plan
from overthink.data.pool import records_of
from overthink.data.record import Verdict
from overthink.errors import InputError, StoppedError
from overthink.plan.study import Plan, TaskPlan, checked_plan

SAYS = {
    "right": "The submission holds it. GRADE: C",
    "wrong": "No. GRADE: I",
    "nonsense": "I like turtles.",
    "off_the_menu": "GRADE: Z",
    "silent": "",
}
GRADE_TOKENS = 15


class Grader(ModelAPI):
    async def generate(self, input: list[ChatMessage], tools: Any, tool_choice: Any, config: Any) -> ModelOutput:  # noqa: A002
        if self.model_name == "failing":
            raise ValueError("the grader is broken")
        if self.model_name == "reads":
            text = input[-1].text
            said = SAYS["right" if "ANSWER: 42" in text.partition("[Submission]")[2][:40] else "wrong"]
        else:
            said = SAYS[self.model_name]
        output = ModelOutput.from_content(self.model_name, said)
        output.usage = ModelUsage(input_tokens=10, output_tokens=5, total_tokens=GRADE_TOKENS)
        return output


@modelapi(name="testgrader")
def provider() -> type[ModelAPI]:
    return Grader


@scorer(metrics=[accuracy()])
def asks_the_role() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        result = await get_model(role="grader").generate(state.output.completion)
        return Score(value="C" in result.completion)

    return score


def graded(by: Callable[[], Scorer | list[Scorer]], name: str, **options: Any) -> str:
    """A task with this scorer; the simulated model says 42 or 41."""
    told = {"simulated": {"good": "ANSWER: 42", "bad": "ANSWER: 41"}}

    def build() -> Task:
        sample = Sample(id="q", input="6 × 7? End with ANSWER:", target="42", metadata=told)
        return Task(dataset=[sample], solver=generate(), scorer=by(), **options)

    task(name=name)(build)
    return name


def plan(name: str, grader: str | None, **changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "overthink": "0",
        "model": "overthink/simulated",
        "model_args": {"capability": "0:1", "natural_length": 12},
        "tasks": (task_plan(name, "capability", args={}),),
        "budgets": (0, 8),
        "draws": 2,
        "seed": 3,
        "grader": grader,
    }
    return checked_plan(**(fields | changes))


def study(folder: Path, name: str, grader: str | None, **changes: Any) -> overthink.Study:
    return overthink.run(overthink.prepare(plan(name, grader, **changes)), folder / "study")


@pytest.mark.parametrize("by", [model_graded_qa, model_graded_fact])
@pytest.mark.parametrize(("always", "value"), [("0:1", 1.0), ("0:0", 0.0)])
def test_a_separate_grader_decides_and_its_tokens_are_counted(
    by: Callable[[], Scorer], always: str, value: float, tmp_path: Path
) -> None:
    name = graded(by, f"graded_{by.__name__}")
    made = study(tmp_path, name, "testgrader/reads", model_args={"capability": always, "natural_length": 1000})
    assert {row.value for row in records_of(made.pool)} == {value}
    assert {row.judge_tokens for row in records_of(made.pool)} == {GRADE_TOKENS}
    assert made.about.actual_cost is not None
    assert made.about.actual_cost.judge_tokens == GRADE_TOKENS * len(records_of(made.pool))
    assert made.about.notes == ()


@pytest.mark.parametrize("grader", ["nonsense", "off_the_menu", "silent"])
def test_a_grader_without_a_grade_leaves_the_value_unknown(grader: str, tmp_path: Path) -> None:
    made = study(tmp_path, graded(model_graded_qa, f"ungraded_{grader}"), f"testgrader/{grader}")
    assert {(row.value, row.verdict) for row in records_of(made.pool)} == {(None, Verdict.UNPARSED)}
    gates = [gate for gate in made.find(kind="gate") if gate.metric == "unparsed"]
    assert [gate.label for gate in gates] == ["failed", "failed"]
    assert {finding.estimate for finding in made.find(metric="mean")} == {None}


def test_the_old_way_to_say_that_no_grade_was_found_is_no_wrong_answer(tmp_path: Path) -> None:
    """Older versions of Inspect scored it as incorrect, and said why in the explanation only."""

    @scorer(metrics=[accuracy()])
    def of_old() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            return Score(value=INCORRECT, answer="x", explanation="Grade not found in model output: I like turtles.")

        return score

    made = study(tmp_path, graded(of_old, "old_grades"), None)
    assert {(row.value, row.verdict) for row in records_of(made.pool)} == {(None, Verdict.UNPARSED)}
    sample = Sample(input="?", target="x")
    run_inspect(tmp_path / "logs", Task(dataset=[sample], solver=generate(), scorer=[of_old(), includes()]))
    with pytest.raises(InputError, match=r"no scorer 'of_old'"):  # a log of nothing but such scores has no curve
        read_logs(tmp_path / "logs", scorer="of_old")


@pytest.mark.parametrize(
    ("grades", "seen"), [("right", (1.0, Verdict.CORRECT)), ("nonsense", (None, Verdict.UNPARSED))]
)
def test_a_log_with_some_ungraded_answers_keeps_them_unknown(
    grades: str, seen: tuple[float | None, Verdict], tmp_path: Path
) -> None:
    names = iter(["right", grades])

    @scorer(metrics=[accuracy()])
    def now_and_then() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score | None:
            grader = get_model(f"testgrader/{next(names)}", memoize=False)
            return await model_graded_qa(model=grader)(state, target)

        return score

    samples = [Sample(id=name, input="?", target="x") for name in ("first", "second")]
    run_inspect(tmp_path, Task(dataset=samples, solver=generate(), scorer=now_and_then()), max_samples=1)
    rows = {row.question: (row.value, row.verdict) for row in read_logs(tmp_path).records}
    assert rows == {"first": (1.0, Verdict.CORRECT), "second": seen}


def test_a_grader_that_fails_leaves_errored_rows(tmp_path: Path) -> None:
    name = graded(model_graded_qa, "failing_grader")
    with pytest.raises(StoppedError, match="the grader is broken"):
        study(tmp_path, name, "testgrader/failing", concurrency=1, draws=4, budgets=(0, 8))
    journal = [json.loads(line) for line in (tmp_path / "study" / "journal.jsonl").read_text().splitlines()]
    written = json.dumps(journal)
    assert "errored" in written
    assert "the grader is broken" in written
    assert '"correct"' not in written
    assert '"wrong"' not in written


def test_a_grader_that_cannot_be_used_is_found_before_anything_is_paid() -> None:
    with pytest.raises(InputError, match="grader 'nowhere/model' cannot be used"):
        overthink.prepare(plan(graded(model_graded_qa, "no_such_grader"), "nowhere/model"))


OWN = "graded by the model under test, overthink/simulated"


@pytest.mark.parametrize(
    ("by", "grader", "note"),
    [
        (model_graded_qa, None, f"{OWN} (no --grader was given)"),
        (asks_the_role, None, f"{OWN} (no --grader was given)"),
        (model_graded_qa, "overthink/simulated", f"{OWN} (it was given as --grader)"),
        (lambda: model_graded_qa(model="overthink/simulated"), "testgrader/right", f"{OWN} (the task asks for it)"),
        (includes, "overthink/simulated", "The grader is the model under test, overthink/simulated."),
        (includes, "testgrader/right", "--grader testgrader/right: as far as the code of the scorers tells, none"),
        (lambda: model_graded_qa(model="testgrader/right"), "testgrader/wrong", "--grader testgrader/wrong: as far"),
        (model_graded_qa, "testgrader/right", None),
        (asks_the_role, "testgrader/right", None),
        (includes, None, None),
    ],
)
def test_who_grades_is_said_before_it_starts(
    by: Callable[[], Scorer], grader: str | None, note: str | None, request: pytest.FixtureRequest
) -> None:
    opened = overthink.prepare(plan(graded(by, f"said_{request.node.callspec.id}"), grader))
    notes = opened.spending.notes
    if note is None:
        assert notes == ()
        assert "Note:" not in opened.estimate()
    else:
        assert any(note in told for told in notes)
        assert note in opened.estimate()


def test_a_model_that_judged_itself_is_recorded_in_study_and_report(tmp_path: Path) -> None:
    made = study(tmp_path, graded(model_graded_qa, "judges_itself"), None)
    assert any(OWN in note for note in made.about.notes)
    assert OWN in made.text()
    assert OWN in made.html()
    assert OWN in (tmp_path / "study" / "estimate.json").read_text()
    again = overthink.analyse(tmp_path / "study")
    assert again.about.notes == made.about.notes
    assert (again.about.estimate, again.about.actual_cost) == (made.about.estimate, made.about.actual_cost)


@pytest.mark.parametrize(
    ("by", "alone", "with_grader"),
    [
        (includes, (), ()),
        (model_graded_fact, ("m/tested",), ("g/r",)),
        (lambda: model_graded_qa(model=["a/b", "c/d"]), ("a/b", "c/d"), ("a/b", "c/d")),
        (lambda: model_graded_qa(model_role=None), ("m/tested",), ("m/tested",)),
        (lambda: model_graded_qa(model_role="critic"), ("own/critic",), ("own/critic",)),
        (lambda: multi_scorer([includes(), model_graded_qa()], "mode"), ("m/tested",), ("g/r",)),
        (asks_the_role, ("m/tested",), ("g/r",)),
    ],
)
def test_the_models_that_grade_are_read_from_scorers_and_roles(
    by: Callable[[], Scorer], alone: tuple[str, ...], with_grader: tuple[str, ...]
) -> None:
    told = TaskPlan(task="t", axis="capability", high="correct")
    made = by()
    roles: dict[str, str | Model] = {"critic": "mockllm/critic"}
    whole = Task(dataset=[Sample(input="?")], scorer=made, model_roles=roles)

    def who(grader: str | None) -> tuple[str, ...]:
        fields = {"overthink": "0", "model": "m/tested", "tasks": (told,), "budgets": (0,), "draws": 1, "seed": 0}
        found = graders([made], whole, plan=checked_plan(**fields, grader=grader), task_plan=told)
        return tuple(name.replace("mockllm/critic", "own/critic") for name in found)

    assert who(None) == alone
    assert who("g/r") == with_grader


def test_a_role_of_the_tasks_own_is_no_self_judgement() -> None:
    name = graded(model_graded_qa, "own_role", model_roles={"grader": "mockllm/model"})
    assert overthink.prepare(plan(name, None)).workloads[0].graders == ("mockllm/model",)


def test_every_rung_of_every_trace_is_graded_at_most_once() -> None:
    name = graded(model_graded_qa, "counted", config=GenerateConfig(max_tokens=1))
    assert overthink.prepare(plan(name, "testgrader/right")).spending.judge_calls == 2 * 2
