"""The planted truth beside the measurement: for studies of overthink/simulated, and of no other model."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from overthink.data.curve_key import CurveKey, PlantedCurve
from overthink.data.record import Estimand
from overthink.data.results.curve import CurveResult
from overthink.errors import InputError
from overthink.plan.arms import BASE
from overthink.plan.study import Plan

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
    from overthink.collect.providers.simulated.planted import planted_obstacle, planted_values

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
