"""What a comparison needs: one name for one task; and whether it compared anything, else why and what to do."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from overthink.data.finding import Finding
from overthink.data.pool import words_of
from overthink.data.results.curve import CurveResult
from overthink.data.results.study import Results, findings_of
from overthink.data.visible import name_list
from overthink.paths import name_text
from overthink.workflows.sources import Source

_SHOWN = 8
"""Rungs of an arm that are named."""


def with_one_task(sources: Sequence[tuple[Path, Source]]) -> list[tuple[Path, Source]]:
    """Return the sources; tables that name no task, which is then called like the file, get the first one's name.

    Args:
        sources: Path and rows of each source.
    """
    names = [name_text(path.stem) for path, _ in sources]
    tasks = [words_of(source.pool, "task")[0].to_list() for _, source in sources]
    if any(own != [name] for own, name in zip(tasks, names, strict=True)):
        return list(sources)
    same = pl.lit(names[0]).alias("task")
    return [(path, replace(source, pool=source.pool.with_columns(same))) for path, source in sources]


def has_comparison(results: Results) -> bool:
    """Return whether any arm was compared with another: whether any such finding has an estimate."""
    arms = results.arms
    parts = (arms.paired, arms.differences, arms.taxes, arms.mitigations, arms.readings)
    others = (results.flop_matches, results.supervision)
    return any(finding.estimate is not None for finding in findings_of((*parts, *others)))


def without_comparison(results: Results, reference: str) -> str:
    """Return why no arm was compared, and what to do.

    Args:
        results: Results without a comparison.
        reference: Label of the reference arm.
    """
    reasons = list(dict.fromkeys(_reasons(results.curves, reference)))
    unknown = [f.reason for f in findings_of(results.arms.paired) if f.metric == "mean" and f.reason is not None]
    why = "; ".join(dict.fromkeys([*unknown, *reasons])) or f"no other arm has a task of {reference}"
    return (
        f"nothing was compared: {why}; needed: runs of the same questions with a value at the same budget or level, or "
        "at none in both"
    )


def _reasons(curves: Iterable[CurveResult], reference: str) -> Iterator[str]:
    """Yield, for each task of the reference, the rungs at which it and every other arm were run."""
    by_task: dict[tuple[str, str, str], list[CurveResult]] = {}
    for curve in curves:
        by_task.setdefault((curve.key.axis, curve.key.task, curve.key.scorer), []).append(curve)
    for (_, task, _), own in by_task.items():
        if reference in {curve.key.arm for curve in own} and len(own) > 1:
            yield f"{task} was run at " + ", and at ".join(f"{_rungs(curve)} by {curve.key.arm}" for curve in own)


def _rungs(curve: CurveResult) -> str:
    return name_list([_rung(rung.mean) for rung in curve.rungs], _SHOWN, separator="/")


def _rung(mean: Finding | None) -> str:
    if mean is None:
        return "a rung without values"
    if mean.at.effort is not None:
        return mean.at.effort
    return "no set budget" if mean.at.requested_tokens is None else f"{mean.at.requested_tokens:,} tokens"
