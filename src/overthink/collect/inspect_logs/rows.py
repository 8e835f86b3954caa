"""Rows of the pool from traces of foreign logs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from overthink.collect.inspect_logs.checkpoints import Grid, LogPath, at_budget, grid_label
from overthink.collect.inspect_logs.traces import LogTrace, answer_of, score_of
from overthink.collect.providers.attempts import MAX_ERROR_CHARS
from overthink.collect.scoring.judging import canonical
from overthink.collect.scoring.score_values import answer_not_found, reports_refusal, to_value
from overthink.data.arms_of_runs import Placement
from overthink.data.record import Axis, Estimand, RungRecord, Verdict, verdict_of
from overthink.data.secrets import without_secrets
from overthink.data.tokens import split_response

NO_SCORE = "the log holds no score"


@dataclass(frozen=True, slots=True)
class LogScale:
    """Interpretation of the scores of one task and scorer.

    Attributes:
        study: Study name of the rows.
        task: Task name.
        scorer: `scorer` or `scorer.key`.
        axis: Axis of the values, which defines the meaning of 1.
        flip: A high score is the bad end.
        has_answers: The scorer reports the answer that it read, at least for some samples.
        max_tokens: Cap on the output.
        conditions: Conditions of the rows of one log; None for rows of several.
    """

    study: str
    task: str
    scorer: str
    axis: Axis
    flip: bool
    has_answers: bool
    max_tokens: int | None
    conditions: str | None = None

    @property
    def key(self) -> str | None:
        """The key of the scorer's values; None if it gives a single value."""
        return self.scorer.partition(".")[2] or None


def outcome_row(trace: LogTrace, draw: int, *, placement: Placement, scale: LogScale) -> RungRecord:
    """Return the row of the final outcome of a trace."""
    value, verdict, error = _score_outcome(trace.values, trace, scale)
    usage = split_response(trace.tokens, excludes_reasoning=placement.excludes_reasoning)
    return RungRecord(
        study=scale.study,
        arm=placement.arm,
        axis=scale.axis,
        task=scale.task,
        scorer=scale.scorer,
        question=trace.question,
        draw=draw,
        rung=placement.rung,
        estimand=placement.estimand,
        verdict=verdict,
        value=value,
        requested_tokens=placement.requested_tokens,
        **usage.columns(),
        seconds=trace.seconds,
        attempt_seconds=trace.seconds if error is None else None,
        truncated=_is_truncated(trace, scale),
        answer=_answer(trace, scale),
        model=placement.model,
        effort=placement.effort,
        error=error,
        conditions=scale.conditions,
    )


def checkpoint_rows(trace: LogTrace, draw: int, path: LogPath, *, grid: Grid, scale: LogScale) -> Iterator[RungRecord]:
    """Yield the rows of a trace at every budget. ``generated_tokens`` counts the tokens newly decoded per rung."""
    before, before_seconds = 0, 0.0
    for rung, budget in enumerate(grid.budgets):
        step, is_end = at_budget(path, budget, grid.unit)
        n_decoded = step.tokens + (step.thinking or 0 if grid.excludes_reasoning else 0)
        value: float | None = None
        verdict: Verdict | None = None
        error: str | None = None
        if is_end or step.scores is not None:
            value, verdict, error = _score_outcome(step.scores or {}, trace if is_end else None, scale)
        yield RungRecord(
            study=scale.study,
            arm=grid.arm,
            axis=scale.axis,
            task=scale.task,
            scorer=scale.scorer,
            question=trace.question,
            draw=draw,
            rung=rung,
            estimand=Estimand.CHECKPOINT,
            verdict=verdict,
            value=value,
            thinking_tokens=step.thinking,
            generated_tokens=n_decoded - before,
            seconds=None if step.seconds is None else max(0.0, step.seconds - before_seconds),
            attempt_seconds=step.seconds if error is None else None,
            natural_end=is_end and not trace.summary.limit and not trace.summary.error,
            truncated=bool(is_end and trace.summary.limit),
            answer=_answer(trace, scale) if is_end else None,
            model=grid.model,
            effort=grid_label(budget, grid.unit),
            error=error,
            conditions=scale.conditions,
        )
        before, before_seconds = n_decoded, step.seconds or before_seconds


def _score_outcome(
    values: dict[str, object], complete_trace: LogTrace | None, scale: LogScale
) -> tuple[float | None, Verdict | None, str | None]:
    """Return value, verdict and error of a complete trace, or of an intermediate state (None)."""
    if complete_trace is not None and complete_trace.summary.error:
        return None, Verdict.ERRORED, without_secrets(complete_trace.summary.error, os.environ)[:MAX_ERROR_CHARS]
    raw = values.get(scale.scorer)
    value = to_value(raw)
    if value is None:
        if complete_trace is None:
            return None, None, None
        return (None, Verdict.ERRORED, NO_SCORE) if raw is None else (None, Verdict.UNPARSED, None)
    value = 1 - value if scale.flip else value
    verdict = verdict_of(value, scale.axis)
    score = None if complete_trace is None else score_of(complete_trace.summary.scores, scale.scorer)
    if score is None or complete_trace is None:
        return value, verdict, None
    if scale.axis is not Axis.CAPABILITY:
        # An empty answer is neither a refusal nor an answer.
        return (None, Verdict.UNPARSED, None) if score.reason == "no_response" else (value, verdict, None)
    if value == 0 and reports_refusal(score, scale.key):
        return value, Verdict.REFUSED, None
    if value == 0 and (answer_not_found(score) or (scale.has_answers and _answer(complete_trace, scale) is None)):
        return value, Verdict.UNPARSED, None
    return value, verdict, None


def _answer(trace: LogTrace, scale: LogScale) -> str | None:
    return canonical(answer_of(trace.summary.scores, scale.scorer)) if scale.axis is Axis.CAPABILITY else None


def _is_truncated(trace: LogTrace, scale: LogScale) -> bool | None:
    """Return whether a limit or the output cap ended the trace; None if unknown from the log's summary."""
    if trace.summary.limit:
        return True
    if trace.summary.turn_count != 1 or trace.tokens.decoded_tokens is None:
        return None
    return scale.max_tokens is not None and trace.tokens.decoded_tokens >= scale.max_tokens
