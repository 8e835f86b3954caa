"""The time that a log tells: working time before total time, judges left out, and nothing made up."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.event import ModelEvent, ScoreEvent, SpanBeginEvent, SpanEndEvent
from inspect_ai.log import EvalSample, read_eval_log, write_eval_log
from inspect_ai.model import Model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
from inspect_ai.solver import TaskState
from inspect_logs import mock, progress, question_task, run, works_in_turns

from overthink.collect.inspect_logs import times as log_time
from overthink.collect.inspect_logs.files import OpenLog
from overthink.collect.inspect_logs.read import read_logs
from overthink.data.record import Estimand, RungRecord
from overthink.errors import InputError

Change = Callable[[EvalSample], None]


@scorer(metrics=[mean()])
def asks_a_judge(judge: Model) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        return Score(value=float((await judge.generate("Is it right?")).completion == "yes"))

    return score


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log without a judge, one with a judge, and one of an agent that is scored after its second and fourth turn."""
    folder = tmp_path_factory.mktemp("timed")
    run(folder / "plain", question_task(2))
    run(folder / "judged", question_task(2, scorer=asks_a_judge(mock("judge"))))
    run(folder / "simulated", question_task(1), model=mock())
    agent = Task(name="a", dataset=[Sample(id="q", input="5 x")], solver=works_in_turns(), scorer=progress())
    run(folder / "agent", agent)
    return folder


def changed(log: Path, to: Path, change: Change, *, model: str | None = None) -> list[RungRecord]:
    """The rows of a log after its samples were changed."""
    (file,) = log.glob("*.eval")
    content = read_eval_log(file)
    for sample in content.samples or []:
        change(sample)
        if model is not None:
            (usage,) = sample.model_usage.values()
            sample.model_usage = {model: usage}
    content.eval.model = model or content.eval.model
    to.mkdir()
    write_eval_log(content, to / "log.eval")
    return list(read_logs(to).records)


def times(rows: list[RungRecord]) -> set[tuple[float | None, float | None]]:
    return {(row.seconds, row.attempt_seconds) for row in rows if row.estimand is not Estimand.CHECKPOINT}


def took(working: float | None, total: float | None) -> Change:
    def change(sample: EvalSample) -> None:
        sample.working_time, sample.total_time = working, total

    return change


def scored(sample: EvalSample, begun: float, over: float) -> None:
    """Let the scorers of a sample work from one second to another."""
    (begin,) = (event for event in sample.events if isinstance(event, SpanBeginEvent) and event.type == "scorers")
    begin.working_start = begun
    for event in sample.events:
        if isinstance(event, SpanEndEvent) and event.id == begin.id:
            event.working_start = over


@pytest.mark.parametrize(
    ("working", "total", "seen"), [(12.5, 80.0, 12.5), (None, 80.0, 80.0), (None, None, None), (0.0, 3.0, 0.0)]
)
def test_working_time_comes_before_total_time(
    logs: Path, tmp_path: Path, working: float | None, total: float | None, seen: float | None
) -> None:
    assert times(changed(logs / "plain", tmp_path / "l", took(working, total))) == {(seen, seen)}


def test_what_a_judge_took_is_left_out(logs: Path, tmp_path: Path) -> None:
    def change(sample: EvalSample) -> None:
        took(30.0, 90.0)(sample)
        scored(sample, 11.0, 29.5)

    assert times(changed(logs / "judged", tmp_path / "l", change)) == {(30 - 18.5, 30 - 18.5)}
    assert times(changed(logs / "plain", tmp_path / "p", change)) == {(30, 30)}  # no judge: nothing is read for it


def test_a_judged_sample_that_does_not_tell_when_it_was_scored_has_no_time(logs: Path, tmp_path: Path) -> None:
    def change(sample: EvalSample) -> None:
        took(30.0, 90.0)(sample)
        sample.events = [event for event in sample.events if not isinstance(event, SpanBeginEvent)]

    assert times(changed(logs / "judged", tmp_path / "l", change)) == {(None, None)}


def test_a_sample_that_cannot_be_read_whole_loses_its_time_alone(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = changed(logs / "judged", tmp_path / "l", took(30.0, 90.0))

    def broken(self: OpenLog, *_: Any, **__: Any) -> Any:
        raise InputError("cut off")

    monkeypatch.setattr(OpenLog, "samples", broken)
    monkeypatch.setattr("overthink.collect.inspect_logs.read.own_records", lambda log: None)
    monkeypatch.setattr("overthink.collect.inspect_logs.curves.has_checkpoints", lambda log: False)
    rows = list(read_logs(tmp_path / "l").records)
    assert times(rows) == {(None, None)}
    assert [row.value for row in rows] == [row.value for row in whole]


def test_a_sample_that_failed_was_paid_for_and_is_no_attempt(logs: Path, tmp_path: Path) -> None:
    def change(sample: EvalSample) -> None:
        took(4.0, 5.0)(sample)
        if sample.id == "q0":
            sample.scores = {}

    assert times(changed(logs / "plain", tmp_path / "l", change)) == {(4.0, 4.0), (4.0, None)}


def test_the_simulated_model_takes_none(logs: Path, tmp_path: Path) -> None:
    rows = changed(logs / "simulated", tmp_path / "l", took(4.0, 5.0), model=log_time.TAKES_NO_TIME)
    assert times(rows) == {(None, None)}


def walked(sample: EvalSample) -> None:
    """Calls that begin every ten seconds and take four; scores on the way that take one more than they waited."""
    calls = [event for event in sample.events if isinstance(event, ModelEvent)]
    for number, call in enumerate(calls):
        call.working_start, call.working_time = 10.0 * number, 4.0
    scores = [event for event in sample.events if isinstance(event, ScoreEvent) and event.intermediate]
    for number, score in enumerate(scores):  # behind the second and the fourth call
        score.working_start = 10.0 * (2 * number + 1) + 4.0 + 3.0
    scored(sample, 47.0, 60.0)


def checkpoints(rows: list[RungRecord]) -> list[tuple[float | None, float | None]]:
    walk = sorted((row for row in rows if row.estimand is Estimand.CHECKPOINT), key=lambda row: row.rung)
    return [(row.seconds, row.attempt_seconds) for row in walk]


def test_checkpoints_take_their_calls_and_no_scores(logs: Path, tmp_path: Path) -> None:
    rows = changed(logs / "agent", tmp_path / "l", walked)
    # calls end at 4, 14, 24, 34 and 44; scores of 3 s behind the second and the fourth; the solver ended at 47
    assert checkpoints(rows) == [(14, 14), (34 - 3 - 14, 34 - 3), (47 - 6 - 31, 47 - 6)]


def test_a_call_that_does_not_tell_its_time_leaves_all_behind_it_unknown(logs: Path, tmp_path: Path) -> None:
    def change(sample: EvalSample) -> None:
        walked(sample)
        [event for event in sample.events if isinstance(event, ModelEvent)][2].working_time = None

    assert checkpoints(changed(logs / "agent", tmp_path / "l", change)) == [(14, 14), (None, None), (None, None)]
