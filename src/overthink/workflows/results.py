"""Results of the rows of a source, and where they come from."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from overthink._version import __version__
from overthink.analysis import analyse_outcomes
from overthink.analysis.k_scale import KScale, k_scale
from overthink.data.interventions import OversightRuns, hint_moves, intervention_runs
from overthink.data.oversight_cells import MonitorScores, monitor_scores, perturbation_answers
from overthink.data.projections import is_probe, probe_runs
from overthink.data.results.study import Results
from overthink.data.waves import Waves
from overthink.errors import InputError
from overthink.plan.selectors import open_selectors
from overthink.reports import About
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.request import AnalysisOptions, AnalysisRequest
from overthink.workflows.sources import Source


class SourceResults(NamedTuple):
    """What the rows of a source give.

    Attributes:
        request: The complete request of the analysis.
        results: All results.
        scale: The one reference of K (thinking), or why there is none.
    """

    request: AnalysisRequest
    results: Results
    scale: KScale


def results_of(source: Source, options: AnalysisOptions) -> SourceResults:
    """Return all results of the rows of a source.

    Raises:
        InputError: The rows are inconsistent, or the options do not fit them.
    """
    tables = source.tables()
    request = options.resolve(source, tables)
    analysis, selectors = request.analysis, open_selectors(request.analysis.selectors)
    blocks = () if source.oversight is None else tuple(monitor_scores(source.oversight))
    scores = tuple(block for block in blocks if not is_probe(block.monitor))
    changes = () if source.oversight is None else tuple(perturbation_answers(source.oversight))
    rng, beside = np.random.default_rng(request.seed), _oversight_runs(source, blocks)
    results = analyse_outcomes(
        tables, analysis, rng=rng, selectors=selectors, scores=scores, changes=changes, beside=beside
    )
    return SourceResults(request, results, k_scale(results.curves, analysis))


def _oversight_runs(source: Source, blocks: Sequence[MonitorScores]) -> OversightRuns:
    """Return what the table on oversight gives beside scores and answers."""
    table = source.oversight
    if table is None:
        return OversightRuns()
    return OversightRuns(
        tuple(hint_moves(source.pool, table)),
        tuple(intervention_runs(source.pool, table)),
        probe_runs(blocks, source.projections),
    )


def about_source(source: Source, results: Results, scale: KScale, *, command: str | None) -> About:
    """Return the origin of a report as of now: source, versions, plan and command, without costs and notes.

    Args:
        source: The rows.
        results: Their results.
        scale: The one reference of K (thinking), or why there is none.
        command: The command line.
    """
    return About(
        title=_title(source, results),
        source=source.name,
        made_with=__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        plan=None if source.plan is None else json.loads(source.plan.to_json()),
        plan_sha256=None if source.plan is None else source.plan.sha256(),
        k_scale=scale,
        passive_arms=source.passive_arms,
    )


def _title(source: Source, results: Results) -> str:
    """Return the title of the report; where arms are compared and none has a ladder, nothing is said of thinking."""
    if results.arms.paired and all(len(curve.rungs) == 1 for curve in results.curves):
        return f"{source.name}, question by question"
    return f"What more thinking does to {source.name if source.plan is None else source.plan.model}"


def require_waves(folder: StudyFolder, pool: pl.LazyFrame, waves: Mapping[str, Waves]) -> None:
    """Raise an error unless the waves of a precision target account for every draw of the pool.

    Args:
        folder: The study's folder.
        pool: Its pool.
        waves: Its waves by task.

    Raises:
        InputError: The pool has draws that no wave has.
    """
    draws = {
        (task, question): int(count)
        for task, one in waves.items()
        for question, count in zip(one.questions, one.draws, strict=True)
    }
    rows = pool.group_by("task", "question", maintain_order=True).agg(pl.col("draw").n_unique()).collect()
    for task, question, n_draws in rows.iter_rows():
        if n_draws > draws.get((task, question), 0):
            raise InputError(
                f"{folder.waves} has {draws.get((task, question), 0)} draws of {task}, question {question}, and the "
                f"pool has {n_draws}; needed: every wave of the study, as draws that follow earlier ones are no fixed "
                "number of draws"
            )
