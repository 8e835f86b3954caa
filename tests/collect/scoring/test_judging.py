import asyncio
import math
from typing import Any

import pytest
from inspect_ai.model import ModelName, ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, accuracy, includes, match, scorer
from inspect_ai.solver import TaskState

from overthink.collect.scoring.judging import AnswerJudge, Judgement, canonical
from overthink.data.record import Verdict
from overthink.errors import InputError
from overthink.plan.study import TaskPlan

CAPABILITY = TaskPlan(task="t", axis="capability", high="correct")


def judged(by: Scorer | list[Scorer], plan: TaskPlan, completion: str = "x", *, truncated: bool = False) -> Judgement:
    state = TaskState(ModelName("m/m"), "q", 1, "in", [], target=Target("42"))
    state.output = ModelOutput.from_content("m", completion)
    judge = AnswerJudge(by if isinstance(by, list) else [by], plan)
    return asyncio.run(judge(state, state.target, is_truncated=truncated))


def says(value: Any, **more: Any) -> Scorer:
    @scorer(metrics=[accuracy()])
    def fixed() -> Scorer:
        async def score(state: TaskState, target: Target) -> Score:
            return Score(value=value, **more)

        return score

    return fixed()


def test_the_tasks_own_scorer_decides() -> None:
    right = judged(match(numeric=True), CAPABILITY, "ANSWER: 42")
    assert (right.value, right.verdict, right.answer) == (1.0, Verdict.CORRECT, "42")
    assert judged(match(numeric=True), CAPABILITY, "ANSWER: 41").verdict is Verdict.WRONG


@pytest.mark.parametrize(
    ("axis", "high", "raw", "value", "verdict"),
    [
        ("safety", "safe", 1, 1.0, Verdict.SAFE),
        ("safety", "harm", 1, 0.0, Verdict.HARMFUL),
        ("safety", "harm", 0.25, 0.75, Verdict.SAFE),
        ("benign", "answered", "C", 1.0, Verdict.CORRECT),
        ("benign", "refused", "C", 0.0, Verdict.REFUSED),
        ("safety", "safe", math.nan, None, Verdict.UNPARSED),
    ],
)
def test_polarity_turns_a_score_into_a_value(
    axis: Any, high: str, raw: Any, value: float | None, verdict: Verdict
) -> None:
    result = judged(says(raw), TaskPlan(task="t", axis=axis, high=high))
    assert (result.value, result.verdict) == (value, verdict)
    assert result.answer is None  # text of safety answers stays in the log


def test_a_verdict_that_the_scorer_states_is_kept() -> None:
    plan = TaskPlan(task="t", axis="safety", high="safe")
    assert judged(says(1, metadata={"verdict": "refused"}), plan).verdict is Verdict.REFUSED
    assert judged(says(1, metadata={"verdict": "invented"}), plan).verdict is Verdict.SAFE


def test_silence_is_never_compliance() -> None:
    plan = TaskPlan(task="t", axis="safety", high="safe")
    cut = judged(says(0), plan, "  ", truncated=True)
    assert (cut.value, cut.verdict) == (None, Verdict.TRUNCATED)
    assert judged(says(0), plan, "").verdict is Verdict.UNPARSED


def test_several_scorers_need_a_name() -> None:
    several = [includes(), match()]
    with pytest.raises(InputError, match=r"includes, match.*--capability t@includes"):
        judged(several, CAPABILITY)
    assert judged(several, CAPABILITY.model_copy(update={"scorer": "match"}), "42").value == 1.0
    with pytest.raises(InputError, match="no scorer 'choice'; it has: includes, match"):
        judged(several, CAPABILITY.model_copy(update={"scorer": "choice"}))


def test_several_values_need_a_key() -> None:
    with pytest.raises(InputError, match=r"several values \(harm, tone\).*KEY"):
        judged(says({"harm": 1, "tone": 0}), CAPABILITY)
    keyed = TaskPlan(task="t", axis="safety", high="harm", key="harm")
    assert judged(says({"harm": 1, "tone": 0}), keyed).value == 0.0


def test_one_value_has_no_key() -> None:
    """A key that the scorer does not have was ignored, so that another value was read than the one that was named."""
    keyed = TaskPlan(task="t", axis="safety", high="harm", key="harm")
    with pytest.raises(InputError, match="gives one value, without the key harm; leave it out"):
        judged(says(1), keyed)
    assert judged(says(1), keyed.model_copy(update={"key": None})).value == 0.0


def test_a_score_outside_its_scale_is_refused() -> None:
    with pytest.raises(InputError, match="gave 7; needed: values from 0 to 1"):
        judged(says(7), CAPABILITY)


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ("ANSWER: 7", "7"),
        ("the answer: 1,024.", "1024"),
        ("(B)", "b"),
        ("**12.50**", "12.5"),
        ("+3", "3"),
        ("  Two  Words ", "two words"),
        ("1,02", "1,02"),
        ("", None),
        (None, None),
    ],
)
def test_answers_that_mean_the_same_vote_together(text: str | None, vote: str | None) -> None:
    assert canonical(text) == vote
