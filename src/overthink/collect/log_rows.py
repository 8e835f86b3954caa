"""From traces of foreign logs to rows of the pool."""

from collections.abc import Iterator
from dataclasses import dataclass

from overthink.collect.boundary import MAX_ERROR_CHARS, without_keys
from overthink.collect.judging import canonical
from overthink.collect.log_checkpoints import Grid, Path, at_budget, grid_label
from overthink.collect.log_scores import answer_of, score_of
from overthink.collect.log_traces import Trace
from overthink.collect.score_values import answer_not_found, declined, to_value
from overthink.core.layout import Seat
from overthink.core.record import Axis, Estimand, RungRecord, Verdict
from overthink.core.usage import split_output
from overthink.core.verdict import verdict_of

NO_SCORE = "the log holds no score"


@dataclass(frozen=True, slots=True)
class Scale:
    """How the scores of one task and scorer are read.

    Attributes:
        study: Name for the rows.
        task: Task name.
        scorer: `scorer` or `scorer.key`.
        axis: What a value of 1 means.
        flip: A high score is the bad end.
        has_answers: The scorer says what answer it read, at least now and then.
        max_tokens: Cap on the output.
    """

    study: str
    task: str
    scorer: str
    axis: Axis
    flip: bool
    has_answers: bool
    max_tokens: int | None

    @property
    def key(self) -> str | None:
        """The key of the scorer's values; None where it gives one."""
        return self.scorer.partition(".")[2] or None


def outcome_row(trace: Trace, draw: int, *, seat: Seat, scale: Scale) -> RungRecord:
    """The row of a trace as it ended."""
    value, verdict, error = _judged(trace.values, trace, scale)
    decoded, answer_tokens = split_output(trace.tokens.thinking, trace.tokens.output, apart=seat.apart)
    return RungRecord(
        study=scale.study,
        arm=seat.arm,
        axis=scale.axis,
        task=scale.task,
        scorer=scale.scorer,
        question=trace.question,
        draw=draw,
        rung=seat.rung,
        estimand=seat.estimand,
        verdict=verdict,
        value=value,
        requested_tokens=seat.requested_tokens,
        thinking_tokens=trace.tokens.thinking,
        answer_tokens=answer_tokens,
        generated_tokens=decoded,
        prompt_tokens=trace.tokens.prompt,
        cached_tokens=trace.tokens.cached,
        judge_tokens=trace.tokens.judge,
        seconds=trace.seconds,
        attempt_seconds=trace.seconds if error is None else None,
        truncated=_was_cut(trace, scale),
        answer=_answer(trace, scale),
        model=seat.model,
        effort=seat.effort,
        error=error,
    )


def checkpoint_rows(trace: Trace, draw: int, path: Path, *, grid: Grid, scale: Scale) -> Iterator[RungRecord]:
    """The rows of a trace at every budget. ``generated_tokens`` is what each rung newly decoded."""
    before, before_seconds = 0, 0.0
    for rung, budget in enumerate(grid.budgets):
        step, ended = at_budget(path, budget, grid.unit)
        decoded = step.tokens + (step.thinking or 0 if grid.apart else 0)
        value: float | None = None
        verdict: Verdict | None = None
        error: str | None = None
        if ended or step.scores is not None:
            value, verdict, error = _judged(step.scores or {}, trace if ended else None, scale)
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
            generated_tokens=decoded - before,
            seconds=None if step.seconds is None else max(0.0, step.seconds - before_seconds),
            attempt_seconds=step.seconds if error is None else None,
            natural_end=ended and not trace.summary.limit and not trace.summary.error,
            truncated=bool(ended and trace.summary.limit),
            answer=_answer(trace, scale) if ended else None,
            model=grid.model,
            effort=grid_label(budget, grid.unit),
            error=error,
        )
        before, before_seconds = decoded, step.seconds or before_seconds


def _judged(
    values: dict[str, object], ended: Trace | None, scale: Scale
) -> tuple[float | None, Verdict | None, str | None]:
    """Value, verdict and error of a trace that has ended, or of one on its way (None)."""
    if ended is not None and ended.summary.error:
        return None, Verdict.ERRORED, without_keys(ended.summary.error)[:MAX_ERROR_CHARS]
    raw = values.get(scale.scorer)
    value = to_value(raw)
    if value is None:
        if ended is None:
            return None, None, None
        return (None, Verdict.ERRORED, NO_SCORE) if raw is None else (None, Verdict.UNPARSED, None)
    value = 1 - value if scale.flip else value
    verdict = verdict_of(value, scale.axis)
    score = None if ended is None else score_of(ended.summary.scores, scale.scorer)
    if score is None or ended is None:
        return value, verdict, None
    if scale.axis is not Axis.CAPABILITY:
        # Silence is neither a refusal nor an answer.
        return (None, Verdict.UNPARSED, None) if score.reason == "no_response" else (value, verdict, None)
    if value == 0 and declined(score, scale.key):
        return value, Verdict.REFUSED, None
    if value == 0 and (answer_not_found(score) or (scale.has_answers and _answer(ended, scale) is None)):
        return value, Verdict.UNPARSED, None
    return value, verdict, None


def _answer(trace: Trace, scale: Scale) -> str | None:
    return canonical(answer_of(trace.summary.scores, scale.scorer)) if scale.axis is Axis.CAPABILITY else None


def _was_cut(trace: Trace, scale: Scale) -> bool | None:
    """Whether a limit or the output cap ended the trace; None where the log's summary cannot tell."""
    if trace.summary.limit:
        return True
    if trace.summary.turn_count != 1 or trace.tokens.output is None:
        return None
    return scale.max_tokens is not None and trace.tokens.output >= scale.max_tokens
