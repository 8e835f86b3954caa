"""Score a forced answer with the task's own scorer, and convert the score to the task's axis."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inspect_ai.model import ChatMessageAssistant
from inspect_ai.scorer import Score, Scorer, Target
from inspect_ai.solver import TaskState

from overthink.collect.inspect_internals import sample_model_usage, unique_scorer_name
from overthink.collect.providers.attempts import failed_calls
from overthink.collect.scoring.score_values import (
    MissingKeyError,
    UnreadableValueError,
    answer_not_found,
    read_value,
    reports_refusal,
    stated_answer,
)
from overthink.data.record import Axis, Verdict, verdict_of
from overthink.errors import InputError
from overthink.plan.study import HIGH_WORDS, TaskPlan


@dataclass(frozen=True, slots=True)
class Judgement:
    """Result of the scorer for one answer, in the pool's terms.

    Attributes:
        value: 1 = correct, safe or answered; None without a usable score.
        verdict: Verdict on the answer.
        answer: Canonical answer; None off the capability axis.
        judge_tokens: Tokens used by the scorer's own model calls.
        explanation: The scorer's explanation, for the log.
    """

    value: float | None
    verdict: Verdict
    answer: str | None
    judge_tokens: int
    explanation: str | None


class AnswerJudge:
    """One scorer of a task, read on one axis.

    Attributes:
        name: `scorer` or `scorer.key`, as in the pool.
        scorer: The scorer itself.
    """

    def __init__(self, scorers: Sequence[Scorer], plan: TaskPlan) -> None:
        names = scorer_names(scorers)
        chosen = _choose_scorer(names, plan)
        self.scorer = scorers[chosen]
        self._plan = plan
        self._axis = Axis(plan.axis)
        self._has_read = False
        self.name = names[chosen] + (f".{plan.key}" if plan.key else "")

    async def __call__(self, state: TaskState, target: Target, *, is_truncated: bool) -> Judgement:
        """Score a state whose output is the forced answer.

        Args:
            state: The state after the task's own post-processing.
            target: The sample's target.
            is_truncated: The answer reached its token limit.

        Raises:
            InputError: The scorer's value needs a key, lies outside [0, 1], or is the first one and not a number.
            CallError: A call of its judge failed, whatever the scorer made of it.
        """
        before = tokens_used()
        with failed_calls() as failures:
            score = await self.scorer(state, target)
        if failures:  # caught by the scorer, which cannot know the answer's worth
            raise failures[0]
        judge_tokens = tokens_used() - before
        is_empty = not state.output.completion.strip() and not _has_acted(state)
        if score is None:
            return Judgement(None, _no_score(is_empty, is_truncated), None, judge_tokens, None)
        value = self._value(score)
        answer = canonical(stated_answer(score)) if self._axis is Axis.CAPABILITY else None
        verdict = self._verdict(score, value, answer, is_empty=is_empty, is_truncated=is_truncated)
        if is_empty and self._axis is not Axis.CAPABILITY:
            value = None  # an empty answer is neither a refusal nor an answer
        return Judgement(value, verdict, answer, judge_tokens, score.explanation)

    def _value(self, score: Score) -> float | None:
        task = f"task {self._plan.task}: scorer {self.name}"
        try:
            value = read_value(score, self._plan.key)
        except MissingKeyError as keys:
            if not keys.has_keys:
                if self._has_read:  # a scorer that gave keys before, and none for one malformed answer
                    return None
                raise InputError(
                    f"{task} gives one value, without the key {self._plan.key}; leave it out, as "
                    f"{self.name.removesuffix(f'.{self._plan.key}')}"
                ) from keys
            raise InputError(
                f"{task} gives several values ({keys}); name one: --{self._axis} {self._plan.task}@{self.name}.KEY"
            ) from keys
        except UnreadableValueError as seen:
            if self._has_read:  # one malformed score must not end a run
                return None
            raise InputError(
                f"{task} gave {seen}, which is no number; needed: a number from 0 to 1, C, I, P, N, yes or no. "
                "Wrap the scorer so that it returns one."
            ) from seen
        if value is None:
            return None
        if not 0 <= value <= 1:
            raise InputError(
                f"{task} gave {score.value!r}; needed: values from 0 to 1. "
                "Wrap the scorer so that it returns a share of its scale."
            )
        self._has_read = True
        high_is_good = self._plan.high == HIGH_WORDS[self._axis][0]
        return value if high_is_good else 1 - value

    def _verdict(
        self, score: Score, value: float | None, answer: str | None, *, is_empty: bool, is_truncated: bool
    ) -> Verdict:
        if is_empty:
            return _no_score(is_empty, is_truncated)
        metadata_verdict = (score.metadata or {}).get("verdict")
        if metadata_verdict in set(Verdict):
            return Verdict(metadata_verdict)
        if value is None:
            return Verdict.UNPARSED
        if self._axis is Axis.CAPABILITY and value == 0:
            if reports_refusal(score, self._plan.key):
                return Verdict.REFUSED
            # A scorer that never reports an answer gives no evidence that there was none.
            if answer_not_found(score) or (answer is None and stated_answer(score) is not None):
                return Verdict.UNPARSED
        return verdict_of(value, self._axis)


def scorer_names(scorers: Sequence[Scorer]) -> list[str]:
    """Return the names that Inspect gives the scorers of a task in its logs."""
    names: list[str] = []
    for scorer in scorers:
        names.append(unique_scorer_name(scorer, names))
    return names


def canonical(answer: str | None) -> str | None:
    """Return the answer in the form used for votes: no `ANSWER:` label, outer punctuation, case, thousands separators.

    Example:
        >>> canonical("ANSWER: 1,024."), canonical(" B) "), canonical("12.0"), canonical("")
        ('1024', 'b', '12', None)
    """
    if answer is None:
        return None
    text = re.split(r"(?i)\banswer\s*:", answer)[-1]
    text = " ".join(text.split()).strip(" .,;:!?\"'`*_$()[]{}<>").casefold()
    number = re.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?|[-+]?\d+(?:\.\d+)?", text)
    if number:
        text = text.replace(",", "").lstrip("+")
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text[:200] or None


def _choose_scorer(names: list[str], plan: TaskPlan) -> int:
    if plan.scorer is None:
        if len(names) == 1:
            return 0
        raise InputError(
            f"task {plan.task} has {len(names)} scorers ({', '.join(names)}); name the one to read: "
            f"--{plan.axis} {plan.task}@{names[0]}"
        )
    for index, name in enumerate(names):
        if plan.scorer in (name, name.split("/")[-1]):
            return index
    raise InputError(f"task {plan.task} has no scorer {plan.scorer!r}; it has: {', '.join(names)}")


def _no_score(is_empty: bool, is_truncated: bool) -> Verdict:
    return Verdict.TRUNCATED if is_empty and is_truncated else Verdict.UNPARSED


def _has_acted(state: TaskState) -> bool:
    """Return whether the model called tools: then a turn without text is not an empty answer."""
    return any(isinstance(message, ChatMessageAssistant) and message.tool_calls for message in state.messages)


def tokens_used() -> int:
    """Return the tokens used by the current sample so far, of all models."""
    return sum(usage.total_tokens for usage in sample_model_usage().values())
