"""Tables of intervals, bands, mitigations, placebo arms and commitment."""

from functools import partial
from itertools import product
from typing import Any

import numpy as np

from calibration import commitment, coverage, differences, mitigations, placebo_arms, readings, shapes
from calibration.tables import shares_of, table


def intervals(run: Any, runs: int) -> str:
    """Coverage of pointwise intervals."""
    cells = [coverage.Cell(*one) for one in product((False, True), coverage.ICCS, coverage.SIZES)]
    found = run(coverage.pointwise, cells)
    rows = [[*_kind(cell), *(f"{share:.3f}" for share in held)] for cell, held in zip(cells, found, strict=True)]
    note = f"Nominal .95, {coverage.DRAWS} draws. Pooled over all cells: {np.mean(found):.3f}."
    header = ["values", "ICC", "questions", *(f"mean {mean:g}" for mean in coverage.MEANS)]
    return table("Coverage of the interval of a mean", note, header, rows)


def changes(run: Any, runs: int) -> str:
    """Coverage of intervals of differences near 0 and 1."""
    cells = [
        differences.Cell(change, generator, *size)
        for change, generator, size in product(differences.CHANGES, differences.GENERATORS, differences.SIZES)
    ]
    found = run(differences.shares, cells)
    rows = [
        [
            *(cell.change, cell.generator, f"{cell.questions} × {cell.draws}"),
            *(f"{share:.3f}" for share in (one.covered, one.understated, one.shown, one.plain, one.plain_understated)),
            "yes" if one.covered >= differences.BAR else "NO",
        ]
        for cell, one in zip(cells, found, strict=True)
    ]
    note = (
        f"Nominal .95, paired by question; within the bar: covered at least {differences.BAR}. Beside it the positive "
        "control, Student's interval without the two pseudo-questions. Understated: the whole interval lies below the "
        "truth."
    )
    names = ["truth", "questions", "questions × draws", "covered", "understated", "shown"]
    header = [*names, "Student's covered", "Student's understated", "within the bar"]
    return table("Coverage of intervals of differences", note, header, rows)


def bands(run: Any, runs: int) -> str:
    """Coverage of simultaneous bands."""
    cells = [coverage.Cell(*one) for one in product((False, True), coverage.ICCS, coverage.SIZES)]
    whole, gaps = run(coverage.simultaneous, cells), run(coverage.gap, cells)
    rows = [
        [*_kind(cell), f"{band:.3f}", f"{pointwise:.3f}", f"{gap:.3f}"]
        for cell, (band, pointwise), gap in zip(cells, whole, gaps, strict=True)
    ]
    note = (
        f"Nominal .95 for the whole curve {coverage.CURVE}. Beside it, how often pointwise intervals hold all of it, "
        "and the band of the divergence (half as many safety questions)."
    )
    header = ["values", "ICC", "questions", "band", "pointwise, all rungs", "band of D(b)"]
    return table("Coverage of simultaneous bands", note, header, rows)


def mitigation(run: Any, runs: int) -> str:
    """Shares of wrong verdicts on mitigations, by the package and by p-values."""
    cells = [
        mitigations.Cell(truth, way, *size)
        for way, truth, size in product(mitigations.WAYS, mitigations.TRUTHS, mitigations.SIZES)
    ]
    found, naive = (
        run(partial(mitigations.labels, verdict=verdict), cells)
        for verdict in (mitigations.by_test, mitigations.by_p_values)
    )
    rows = []
    for cell, labels, told in zip(cells, found, naive, strict=True):
        wrong, control = (
            sum(seen[label] for label in mitigations.TRUTHS[cell.truth].wrong) / runs for seen in (labels, told)
        )
        passed = "yes" if wrong <= shapes.limit(0.05, runs) else "NO"
        size = f"{cell.questions} × {cell.draws}"
        rows.append([cell.truth, cell.way, size, f"{wrong:.3f}", passed, f"{control:.3f}", shares_of(labels)])
    costs = ", ".join(f"{cost:g}" for cost in mitigations.COST)
    note = (
        f"Two arms on a safety task, δ = {mitigations.MARGIN}. Safety is straight over the log of total compute (or "
        f"rises to a rung and falls); the reference costs {costs} tokens, the arm {mitigations.GUARD} times as much, "
        "and questions differ in both. Wrong: a verdict that the truth rules out; “all but δ” leaves exactly δ, the "
        "worst case for *eliminates*. Undetermined, and *no effect shown* of an effect, are not wrong. Bar: .05 plus "
        f"two standard errors, {shapes.limit(0.05, runs):.3f}. Beside it the positive control: t-tests from the best "
        "rung seen, and p > .05 taken for “equal”."
    )
    header = ["truth", "compared at", "questions × draws", "wrong", "within the bar", "by p-values", "labels given"]
    return table("Verdicts on mitigations", note, header, rows)


def placebos(run: Any, runs: int) -> str:
    """Shares of claims of help by arms that do nothing at equal thinking, and by arms that help."""
    cells = [
        placebo_arms.Cell(truth, way, *size)
        for truth, size, way in product(placebo_arms.TRUTHS, placebo_arms.SIZES, placebo_arms.WAYS)
    ]
    found = dict(zip(cells, run(placebo_arms.labels, cells), strict=True))
    rows = []
    for truth, size in product(placebo_arms.TRUTHS, placebo_arms.SIZES):
        at_thinking, at_compute = (found[placebo_arms.Cell(truth, way, *size)] for way in placebo_arms.WAYS)
        helped, control = (
            sum(seen[label] for label in placebo_arms.HELPS) / runs for seen in (at_thinking, at_compute)
        )
        is_null = truth in placebo_arms.NULLS
        passed = ("yes" if helped <= shapes.limit(0.05, runs) else "NO") if is_null else "–"
        rows.append(
            [truth, f"{size[0]} × {size[1]}", f"{helped:.3f}", passed, f"{control:.3f}", shares_of(at_thinking)]
        )
    note = (
        f"Two arms on a safety task, δ = {placebo_arms.MARGIN}; safety falls from .9 straight over the log of "
        "thinking. A placebo answers as the reference does at the thinking that it realises, and pays more or stops "
        f"early. Bar for any claim of help: .05 plus two standard errors, {shapes.limit(0.05, runs):.3f}. Beside it "
        "the control that fails: the same verdict at equal total compute, where an arm that costs more thinks less."
    )
    header = ["arm", "questions × draws", "helps", "within the bar", "at equal compute", "labels given"]
    return table("Placebo arms at equal thinking", note, header, rows)


def read_or_said(run: Any, runs: int) -> str:
    """Shares of studies in which an arm is said to help, and its reading."""
    cells = [readings.Cell(truth) for truth in readings.TRUTHS]
    rows = []
    for cell, found in zip(cells, run(readings.shares, cells), strict=True):
        is_control = cell.truth == readings.CONTROL
        holds = found.reads <= shapes.limit(0.05, runs) and (cell.truth not in readings.HELPFUL or found.helps >= 0.8)
        passed = "–" if is_control else "yes" if holds else "NO"
        rows.append([cell.truth, f"{found.helps:.3f}", f"{found.reads:.3f}", passed])
    note = (
        f"An arm against the reference and against its placebo, adjusted together (Holm), {readings.QUESTIONS} × "
        f"{readings.DRAWS}; the reference falls by 40 points. The placebo speaks where the arm did on another "
        f"question. Bars: its reading helps, .05 plus two standard errors, {shapes.limit(0.05, runs):.3f}; helps, at "
        "least .80 where the phrase works whoever says it. The last row is the positive control."
    )
    return table("The reading of an arm", note, ["arm", "helps", "its reading helps", "within the bars"], rows)


def committed(run: Any, runs: int) -> str:
    """Shares of traces that are said to commit."""
    cells = commitment.cells()
    rows = []
    for cell, (labels, naive) in zip(cells, run(commitment.labels, cells), strict=True):
        truth = commitment.TRUTHS[cell.truth]
        traces = labels.total()
        wrong = sum(labels[label] for label in truth.wrong) / traces
        passed = "yes" if wrong <= shapes.limit(0.05, traces) else "NO"
        rows.append(
            [
                cell.truth,
                f"{cell.steps} × {cell.draws}",
                f"{cell.icc:g}",
                f"{wrong:.3f}" if truth.wrong else "",
                "reported" if truth.drifts else passed if truth.wrong else "",
                f"{labels[truth.right] / traces:.3f}" if truth.right else "",
                f"{naive:.3f}",
                shares_of(labels),
            ]
        )
    note = (
        f"Studies of {commitment.TRACES} traces; beta-binomial resamples, independent from step to step. Wrong: a "
        "label that the truth rules out. Where the wobble drifts (each step's normal score correlates "
        f"{commitment.DRIFT:g} with the last) there is no bar. Beside it the positive control: a test that takes the "
        "steps for binomial."
    )
    header = ["truth", "steps × resamples", "icc", "wrong", "within the bar", "right", "change by a binomial test"]
    return table("Where traces commit", note, [*header, "labels given"], rows)


def _kind(cell: coverage.Cell) -> list[str]:
    return ["graded" if cell.graded else "binary", f"{cell.icc:g}", str(cell.questions)]
