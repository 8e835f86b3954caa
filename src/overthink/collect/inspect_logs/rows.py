"""Rows of the pool from traces of foreign logs."""

from collections.abc import Iterator

from overthink.collect.inspect_logs.checkpoints import Grid, LogPath, at_budget, grid_label
from overthink.collect.inspect_logs.traces import LogTrace
from overthink.collect.inspect_logs.verdicts import LogScale, final_outcome, is_truncated, log_answer, state_outcome
from overthink.data.arms_of_runs import Placement
from overthink.data.record import Estimand, RungRecord
from overthink.data.tokens import split_response


def outcome_row(trace: LogTrace, draw: int, *, placement: Placement, scale: LogScale) -> RungRecord:
    """Return the row of the final outcome of a trace."""
    value, verdict, error = final_outcome(trace.values, trace, scale)
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
        truncated=is_truncated(trace),
        answer=log_answer(trace, scale),
        model=placement.model,
        effort=placement.effort,
        error=error,
        conditions=scale.conditions,
        log=trace.path,
        epoch=trace.summary.epoch,
    )


def checkpoint_rows(trace: LogTrace, draw: int, path: LogPath, *, grid: Grid, scale: LogScale) -> Iterator[RungRecord]:
    """Yield the rows of a trace at every budget. ``generated_tokens`` counts the tokens newly decoded per rung."""
    before, before_seconds = 0, 0.0
    for rung, budget in enumerate(grid.budgets):
        step, is_end = at_budget(path, budget, grid.unit)
        n_decoded = step.tokens + (step.thinking or 0 if grid.excludes_reasoning else 0)
        scores = step.scores or {}
        value, verdict, error = final_outcome(scores, trace, scale) if is_end else state_outcome(scores, scale)
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
            truncated=is_truncated(trace) if is_end else False,
            answer=log_answer(trace, scale) if is_end else None,
            model=grid.model,
            effort=grid_label(budget, grid.unit),
            error=error,
            conditions=scale.conditions,
            log=trace.path,
            epoch=trace.summary.epoch,
        )
        before, before_seconds = n_decoded, step.seconds or before_seconds
