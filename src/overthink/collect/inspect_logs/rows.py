"""Rows of the pool from traces of foreign logs, without answers from a cache that count already."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

from overthink.collect.inspect_logs.checkpoints import Grid, LogPath, at_budget, grid_label
from overthink.collect.inspect_logs.traces import LogTrace
from overthink.collect.inspect_logs.verdicts import LogScale, final_outcome, is_truncated, log_answer, state_outcome
from overthink.data.arms_of_runs import Placement
from overthink.data.record import Estimand, RungRecord
from overthink.data.tokens import difference, split_response, total


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
    before: int | None = 0
    before_seconds = 0.0
    for rung, budget in enumerate(grid.budgets):
        step, is_end = at_budget(path, budget, grid.unit)
        n_decoded = total((step.tokens, step.thinking if grid.excludes_reasoning else 0))
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
            generated_tokens=difference(n_decoded, before),
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


def copied_answers(traces: Sequence[LogTrace], cells: Sequence[Hashable]) -> set[int]:
    """Return the positions of the traces whose answer came from a cache and is that of another trace of the cell.

    A cache keeps the id of the message that it stores, so that two answers of one id were generated once. The answer
    that was generated counts, or else the first that was read from the cache.

    Args:
        traces: The traces.
        cells: Curve and rung of every trace.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for i, (trace, cell) in enumerate(zip(traces, cells, strict=True)):
        if trace.ending.answer_id is not None:
            groups[cell, trace.question, trace.ending.answer_id].append(i)
    copies: set[int] = set()
    for members in groups.values():
        cached = [i for i in members if traces[i].ending.is_cached]
        copies.update(cached if len(cached) < len(members) else cached[1:])
    return copies


def copies_note(n_copies: int) -> list[str]:
    """Return a note on the number of copies; none without one."""
    if not n_copies:
        return []
    return [f"{n_copies} samples have an answer from a cache that counts already: copies are no draws, and left out."]
