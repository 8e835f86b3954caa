"""Results of the rows of a source, where they come from, how they were made, and the planted truth beside them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from overthink._version import __version__
from overthink.analysis import analyse_outcomes
from overthink.analysis.k_scale import KScale, k_scale
from overthink.data.conditions import READING
from overthink.data.ids import CurveKey
from overthink.data.interventions import OversightRuns, hint_moves, intervention_runs
from overthink.data.oversight_cells import MonitorScores, monitor_scores, perturbation_answers
from overthink.data.pool import words_of
from overthink.data.projections import is_probe, probe_runs
from overthink.data.record import Estimand
from overthink.data.results.beside import PlantedCurve
from overthink.data.results.curve import CurveResult
from overthink.data.results.study import Results
from overthink.data.waves import Waves
from overthink.errors import InputError
from overthink.governance.statement.setting import (
    PoolFacts,
    Setting,
    distinct_conditions,
    setting_of_plan,
    setting_of_pool,
)
from overthink.paths import is_there
from overthink.plan.analysis import Analysis
from overthink.plan.arms import BASE
from overthink.plan.selectors import open_selectors
from overthink.plan.study import Plan
from overthink.reports import About
from overthink.storage.json_documents import read_notes, read_plan, read_polarity
from overthink.storage.pool import read_pool
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


MODEL = "overthink/simulated"
"""The only model with a planted truth."""


def planted_curves(plan: Plan | None, pool: pl.LazyFrame, curves: Sequence[CurveResult]) -> tuple[PlantedCurve, ...]:
    """Return the planted truth of every curve of a study's own answers; empty for every real model.

    Args:
        plan: The study's plan; None where rows were read without one.
        pool: Its rows.
        curves: Results by curve.
    """
    if plan is None or plan.model != MODEL:
        return ()
    own = [curve for curve in curves if not curve.key.is_control and curve.key.estimand == Estimand.FORCED]
    return tuple(_planted(plan, pool, curve) for curve in own)


def _planted(plan: Plan, pool: pl.LazyFrame, curve: CurveResult) -> PlantedCurve:
    from overthink.collect.providers.simulated.model import SimulatedModel
    from overthink.collect.providers.simulated.parameters import planted_obstacle, planted_values

    key = curve.key
    if key.arm != BASE.label:
        return PlantedCurve(key, obstacle="it is stated for the plain ladder alone: other arms change what is thought")
    parameters: dict[str, Any] = dict(plan.model_args)  # checked when the model was opened, perhaps by another version
    try:
        model = SimulatedModel(**parameters)
    except (InputError, TypeError):
        return PlantedCurve(key, obstacle="the plan's model arguments are not those of this version")
    rungs = [(rung.at.rung, rung.at.requested_tokens) for rung in curve.rungs if rung.mean is not None]
    budgets = {number: budget for number, budget in rungs if number is not None and budget is not None}
    obstacle = planted_obstacle(model) or ("" if budgets else "no rung has a budget")
    if not obstacle and "safe" in (plan.answer_cue or "").lower():
        obstacle = "the answer cue calls for care, which steers a simulated model"
    questions = _questions(pool, key)
    if not questions:
        obstacle = obstacle or "no answer has a value"
    if obstacle:
        return PlantedCurve(key, obstacle=obstacle)
    values = planted_values(model, key.axis, questions, list(budgets.values()))
    by_rung = dict(zip(budgets, values.tolist(), strict=True))
    return _beside_band(PlantedCurve(key, by_rung), curve)


def _questions(pool: pl.LazyFrame, key: CurveKey) -> list[str]:
    """Return the ids of the questions with a value."""
    of_curve = [pl.col(name) == str(getattr(key, name)) for name in ("axis", "task", "arm", "scorer", "estimand")]
    names = pool.filter(*of_curve, pl.col("value").is_not_null()).select(pl.col("question").unique())
    return sorted(map(str, names.collect()["question"].to_list()))


def _beside_band(truth: PlantedCurve, curve: CurveResult) -> PlantedCurve:
    """Return the truth with what the band that holds at all rungs at once says of it; as it is without a band."""
    bands = [
        (rung.at.rung, rung.band.low, rung.band.high)
        for rung in curve.rungs
        if rung.band is not None and rung.at.rung in truth.values
    ]
    whole = [(n, low, high) for n, low, high in bands if n is not None and low is not None and high is not None]
    if not whole:
        return truth
    return replace(
        truth,
        outside=tuple(n for n, low, high in whole if not low <= truth.values[n] <= high),
        half_width=max((high - low) / 2 for _, low, high in whole),
        holds_flat=max(low for _, low, _ in whole) <= min(high for _, _, high in whole),
    )


def plan_of(folder: StudyFolder) -> Plan | None:
    """Return the plan of a study; None for analysed logs and tables, whose analysis is stored.

    Raises:
        InputError: There is neither, or the study has not finished.
    """
    if is_there(folder.plan):
        return read_plan(folder.plan)
    folder.refuse_unfinished()
    if not is_there(folder.analysis):
        raise InputError(
            f"{folder.path} holds neither plan.json nor analysis.json; needed: a study by `overthink run`, or what "
            "`overthink analyse LOGS --out FOLDER` wrote"
        )
    return None


def sources_text(plan: Plan | None) -> str:
    """Return what the findings are computed from, in words."""
    return "the pool and its analysis" if plan is None else "plan and pool"


def setting_of(folder: StudyFolder, plan: Plan | None, analysis: Analysis) -> Setting:
    """Return how the rows were made: by the plan, or as far as the pool and what was stated at reading say it.

    Raises:
        InputError: There is no plan, and the rows are of several models.
    """
    if plan is not None:
        return setting_of_plan(plan)
    pool = read_pool(folder.pool)
    models, arms, conditions = (words.to_list() for words in words_of(pool, "model", "arm", "conditions"))
    if len(models) > 1:
        raise InputError(
            f"{folder.pool} holds rows of {len(models)} models, {', '.join(models[:5])}; a statement is of one: "
            "analyse the logs of each alone"
        )
    polarity = {(one.axis, one.task, one.scorer): one.high for one in read_polarity(folder.analysis)}
    notes = read_notes(folder.analysis)
    stated = distinct_conditions(conditions) | ({READING: notes} if notes else {})
    facts = PoolFacts(models[0] if models else None, arms, stated, polarity, analysis)
    return setting_of_pool(facts)
