"""Which latent steps does the answer depend on? Answers behind a changed state, against the same state handed back.

A step is one position of a model that thinks in states; its budget is the number of steps. What is found stands at the
highest budget. A change of every step at once is the control: where it moves no answer, the changes may not reach the
model, and no step is called unimportant.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from overthink.analysis.oversight.perturbation_curve import (
    NO_ANSWER,
    PerturbationCurve,
    measure_finding,
    perturbation_curves,
)
from overthink.analysis.request import POINTWISE, CurveContext
from overthink.data.arrays import Array
from overthink.data.finding import Finding, FindingTest
from overthink.data.ids import id_part
from overthink.data.kinds import Kind, Metric
from overthink.data.oversight import LATENT, LatentChange
from overthink.data.oversight_cells import PerturbationAnswers
from overthink.data.phrases import Phrase
from overthink.data.results.oversight_parts import LatentStep, LatentStepsResult
from overthink.stats.curve import question_means
from overthink.stats.oversight.latent import LatentSteps, StepChange, StepClaim, latent_steps
from overthink.stats.oversight.scores import IntervalEstimate, question_mean
from overthink.stats.paired import PairedMean, paired_mean

STEP_TEST = "two-sided against 0, paired by question with the sham; Holm over all steps and changes"
CONTROL_TEST = "two-sided against 0, paired by question with the sham; Holm over the changes of every step at once"

ONE_AT_A_TIME = Phrase("one step is changed at a time: one that moves no answer may hold what another step holds, too")
OFF_THE_PATH = Phrase(
    "a changed state may be none that the model has; the scale of noise in the label is an assumption"
)
UNITS = Phrase("the budget is a number of latent steps, not of tokens of text")
UNSTABLE = Phrase("answers change behind the same state: the model is not decided by its seed alone")
LIMITS = (ONE_AT_A_TIME, OFF_THE_PATH, UNITS)

MOVES, MOVES_NOTHING = Phrase("moves answers"), Phrase("not shown to move answers")


def latent_dependence(
    contexts: Sequence[CurveContext], blocks: Sequence[PerturbationAnswers]
) -> tuple[LatentStepsResult, ...]:
    """Return which latent steps the answers depend on, of every curve with changed steps and their sham.

    Args:
        contexts: The curves.
        blocks: Answers behind changed latent steps, by task, arm and change.
    """
    curves = [
        (curve, sham, others)
        for curve in perturbation_curves(contexts, blocks)
        if curve.rungs
        and (sham := curve.block_of(LATENT + LatentChange.SHAM)) is not None
        and (others := [block for block in curve.blocks if block is not sham])
    ]
    return tuple(_result(*parts, families=len(curves)) for parts in curves)


def _result(
    curve: PerturbationCurve, sham: PerturbationAnswers, others: Sequence[PerturbationAnswers], *, families: int
) -> LatentStepsResult:
    context, top = curve.context, curve.rungs[-1]
    steps = curve.requested(top) or 0
    same, _ = _tables(curve, sham, steps)
    tables = [_tables(curve, block, steps) for block in others]
    same_answer, right = (np.stack([table[side] for table in tables], axis=3) for side in (0, 1))
    result = latent_steps(
        1 - same_answer, 1 - same, margin=context.analysis.margin, level=context.level, families=families
    )
    losses = context.whole.values[:, :, top][:, :, None, None] - right
    rows = []
    for index, cells in enumerate((*result.steps, result.whole)):
        step = index + 1 if index < steps else None
        names = [f"{block.label} of {_name(step)}" for block in others]
        rows.append(
            LatentStep(
                step,
                tuple(_change(curve, *cell, is_control=step is None) for cell in zip(names, cells, strict=True)),
                tuple(_loss(curve, name, losses[:, :, index, kind]) for kind, name in enumerate(names)),
                _sham(curve, f"{sham.label} of {_name(step)}", 1 - same[:, :, index]),
                _verdict(result, index),
            )
        )
    return LatentStepsResult(context.key, tuple(block.kind for block in others), tuple(rows), result.reason)


def _name(step: int | None) -> str:
    return "every step" if step is None else f"step {step}"


def _verdict(result: LatentSteps, index: int) -> str | None:
    """Return what all changes of a step show together; None without a test."""
    cells = (*result.steps, result.whole)[index]
    if all(np.isnan(cell.p_adjusted) for cell in cells):
        return None
    if index < len(result.steps):
        return str(result.claims[index])
    return str(MOVES if result.reason is None else MOVES_NOTHING)


def _change(curve: PerturbationCurve, name: str, cell: StepChange, *, is_control: bool) -> Finding:
    """Return the share of answers that change beyond the sham, with its verdict."""
    finding = _measured(curve, Metric.STEP_CHANGE, name, cell.change)
    if np.isnan(cell.p_adjusted):
        return finding
    moves = MOVES if cell.claim is StepClaim.DEPENDS else MOVES_NOTHING
    test = CONTROL_TEST if is_control else STEP_TEST
    return replace(
        finding,
        label=f"{name}: {moves if is_control else cell.claim}",
        test=FindingTest(test, p=cell.change.p, p_adjusted=cell.p_adjusted, mde=cell.change.mde),
    )


def _loss(curve: PerturbationCurve, name: str, losses: Array) -> Finding:
    means = question_means(losses[:, :, None])[:, 0]
    loss = paired_mean(means, level=curve.context.level, margin=curve.context.analysis.margin)
    return _measured(curve, Metric.STEP_LOSS, name, loss)


def _measured(curve: PerturbationCurve, metric: Metric, name: str, result: PairedMean) -> Finding:
    reason = NO_ANSWER if result.n_questions < 2 else None
    interval = IntervalEstimate(result.estimate, result.low, result.high, "", reason)
    at, part = curve.context.at(curve.rungs[-1]), id_part(name)
    finding = measure_finding(curve, Kind.LATENT, metric, at, interval, (POINTWISE, *LIMITS), part=part)
    return replace(finding, label=name, n_questions=result.n_questions)


def _sham(curve: PerturbationCurve, name: str, changes: Array) -> Finding:
    """Return the share of answers that change behind the same state, handed back."""
    mean, low, high, n = question_mean(changes, level=curve.context.level)
    result = IntervalEstimate(mean, low, high, "", NO_ANSWER if n < 2 else None)
    limits = (POINTWISE, UNSTABLE) if mean > 0 else (POINTWISE,)
    at, part = curve.context.at(curve.rungs[-1]), id_part(name)
    finding = measure_finding(curve, Kind.LATENT, Metric.STEP_CHANGE, at, result, limits, part=part)
    return replace(finding, label=name, n_questions=n)


def _tables(curve: PerturbationCurve, block: PerturbationAnswers, steps: int) -> tuple[Array, Array]:
    """Return agreements and right answers by step, every step at once behind them, (question, draw, step) each."""
    whole = curve.context.whole
    rows, columns = ({name: number for number, name in enumerate(names)} for names in (whole.questions, whole.draws))
    agreements, corrects = (np.full((*whole.values.shape[:2], steps + 1), np.nan) for _ in range(2))
    for index in np.flatnonzero(block.requested == steps):
        row, column = rows.get(str(block.questions[index])), columns.get(int(block.draws[index]))
        if row is not None and column is not None:
            at = steps if np.isnan(block.positions[index]) else round(block.positions[index] * steps)
            agreements[row, column, at], corrects[row, column, at] = block.agreements[index], block.corrects[index]
    return agreements, corrects
