"""Run the calibration studies and write their tables.

python -m calibration [--runs 2000] [--workers 2] [--seed 1] [--out docs/calibration.md]
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

# Many small matrices: threads inside a product only get in each other's way. Set before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from calibration import (
    commitment,
    coverage,
    differences,
    families,
    hypotheses,
    mitigations,
    placebo_arms,
    readings,
    saturation,
    shapes,
    turn_sizes,
)

Row = Sequence[str]

HEAD = """# Calibration

Studies simulated from populations whose curve is known exactly (`calibration/population.py`), and how often
Overthink is right. Written by

    {command}

with {runs} studies per cell, seed {seed}. The standard error of a share of .05 is then {error:.4f}.
"""


def table(title: str, note: str, header: Row, rows: Sequence[Row]) -> str:
    """A section with a Markdown table."""
    lines = [" | ".join(["", *row, ""]).strip() for row in (header, ["---"] * len(header), *rows)]
    return "\n".join([f"## {title}\n", f"{note}\n", *lines, ""])


def false_verdicts(run: Any, runs: int) -> str:
    """Shares of wrong turns and falls."""
    cells = [
        shapes.Cell(curve, slopes, *size, method)
        for curve, slopes, size, method in product(shapes.NULLS, shapes.SLOPES, shapes.SIZES, shapes.METHODS)
    ]
    found = run(shapes.labels, cells)
    rows = []
    for cell, labels in zip(cells, found, strict=True):
        wrong = sum(labels[label] for label in shapes.FALSE) / runs
        rows.append(
            [*_named(cell), f"{wrong:.3f}", "yes" if wrong <= shapes.limit(0.05, runs) else "NO", _shares(labels)]
        )
    header = ["truth", "slopes", "questions × draws", "method", "false", "within the bar", "labels given"]
    note = (
        f"False: hump, dip or down where the truth is flat, rising or saturating. Bar: .05 plus two standard errors, "
        f"{shapes.limit(0.05, runs):.3f}. Logit-normal question effects (sd 1.5), slopes sd .5 (low) or 3 (strong). "
        f"Regimes at {shapes.HYPOTHESIS} tokens, rungs {shapes.BUDGETS}, margin {shapes.MARGIN}."
    )
    return table("False verdicts", note, header, rows)


def naive(run: Any, runs: int) -> str:
    """The positive control."""
    cells = [
        shapes.Cell("saturating", slopes, *size, "quadratic")
        for slopes, size in product(shapes.SLOPES, [(200, 4), (313, 5)])
    ]
    found = run(partial(shapes.labels, verdict=shapes.by_quadratic), cells)
    rows = [[*_named(cell), f"{labels['hump'] / runs:.3f}"] for cell, labels in zip(cells, found, strict=True)]
    note = "A quadratic fitted to every question, its curvature tested over questions, its top inside the ladder."
    return table("Positive control: what a quadratic says of a saturating curve", note, [*_NAMES, "false"], rows)


def power(run: Any, runs: int) -> str:
    """How often a hump is found."""
    curves = [curve for curve in shapes.CURVES if "points" in curve]
    sizes = [(100, 4), (200, 4), (313, 5)]
    cells = [
        shapes.Cell(curve, slopes, *size, method)
        for curve, slopes, size, method in product(curves, shapes.SLOPES, sizes, shapes.METHODS)
    ]
    found = run(shapes.labels, cells)
    rows = [
        [*_named(cell), f"{labels['hump'] / runs:.3f}", _shares(labels)]
        for cell, labels in zip(cells, found, strict=True)
    ]
    note = (
        "From .70: the tent rises evenly over rungs 1 to 4 and falls back over rungs 5 to 8; the block is high in the "
        "middle regime only."
    )
    return table("Power for a hump", note, [*_NAMES, "hump found", "labels given"], rows)


def effects(run: Any, runs: int) -> str:
    """Power for a hump of the minimum detectable effect, among flat curves."""
    cells = [*(families.Cell(size) for size in families.SIZES), families.Cell(families.SIZES[-1], corrected=False)]
    low, high = families.POWER
    rows = [
        [
            "the family" if cell.corrected else "a curve alone (control)",
            *(str(cell.size), f"{found.height:.3f}", f"{found.hump:.3f}"),
            ("yes" if low <= found.hump <= high else "NO") if cell.corrected else "–",
            f"{found.false:.3f}",
        ]
        for cell, found in zip(cells, run(families.shares, cells), strict=True)
    ]
    note = (
        f"A tent over {len(families.BUDGETS)} rungs, {families.QUESTIONS} × {families.DRAWS}, as high as the mean "
        f"minimum detectable effect of {families.PILOTS} flat studies; all other curves are flat, and verdicts are "
        f"adjusted over all (Holm). Bar: {low} to {high}. False: some flat curve gets another label than flat."
    )
    header = ["effect of", "curves", "height", "hump shown", "within the bar", "false"]
    return table("The minimum detectable effect among several curves", note, header, rows)


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
        rows.append([cell.truth, cell.way, size, f"{wrong:.3f}", passed, f"{control:.3f}", _shares(labels)])
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
        rows.append([truth, f"{size[0]} × {size[1]}", f"{helped:.3f}", passed, f"{control:.3f}", _shares(at_thinking)])
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


def sizes_of_turns(run: Any, runs: int) -> str:
    """Coverage of the sizes of the largest rise and fall."""
    cells = [turn_sizes.Cell(curve, *size) for curve, size in product(turn_sizes.CURVES, turn_sizes.SIZES)]
    rows = [
        [
            cell.curve,
            f"{cell.questions} × {cell.draws}",
            *(f"{x:.3f}" for x in (o.rise, o.drawdown, o.shown, o.width, o.estimate, o.naive)),
        ]
        for cell, o in zip(cells, run(turn_sizes.coverage, cells), strict=True)
    ]
    note = (
        f"Nominal {turn_sizes.LEVEL:g}, bar .93. Shown: the lower end of the fall is above 0; flat and plateau have "
        f"none. Beside it the positive control: the pointwise interval at the widest pair. {runs} studies."
    )
    header = ["truth", "questions × draws", "rise", "drawdown", "fall shown", "width", "mean estimate", "pointwise"]
    return table("Sizes of the largest rise and fall", note, header, rows)


def saturating(run: Any, runs: int) -> str:
    """Straight rises that are called saturating, and plateaus that are."""
    straight = [
        saturation.Cell(saturation.straight(rungs, slope), *size, saturation.STRAIGHT_MARGIN)
        for rungs, slope, size in product(saturation.RUNGS, saturation.SLOPES, saturation.STRAIGHT_SIZES)
    ]
    plateaus = [saturation.Cell(saturation.PLATEAU, *size[:3]) for size in saturation.PLATEAU_SIZES]
    limit = shapes.limit(0.05, runs)
    bars = [f"≤ {limit:.3f}"] * len(straight) + [f"≥ {size[3]:.2f}" for size in saturation.PLATEAU_SIZES]
    rows = []
    for cell, bar, o in zip([*straight, *plateaus], bars, run(saturation.outcome, [*straight, *plateaus]), strict=True):
        share = o.labels["saturating"] / runs
        passed = share <= limit if bar.startswith("≤") else share >= float(bar[2:])
        curve = " ".join(f"{mean:.2f}".lstrip("0") for mean in cell.curve)
        size = f"{cell.questions} × {cell.draws}"
        control = f"{o.without_slopes / runs:.3f}"
        verdict = "yes" if passed else "NO"
        rows.append([curve, size, f"{cell.margin:g}", f"{share:.3f}", bar, verdict, control, _shares(o.labels)])
    note = (
        "Straight: the same rise per doubling, 0 one doubling below the lowest other budget. Beside it the positive "
        "control: a rise from end to end whose top half is equivalent within the margin, slopes not compared."
    )
    header = ["truth", "questions × draws", "margin", "saturating", "bar", "within the bar", "without slopes", "labels"]
    return table("Saturating", note, header, rows)


def hypothesis(run: Any, runs: int) -> str:
    """Shares of hypotheses confirmed and contradicted, where they hold and where they do not."""
    found = run(hypotheses.labels, hypotheses.CELLS)
    limit = shapes.limit(0.05, runs)
    rows = []
    for cell, labels in zip(hypotheses.CELLS, found, strict=True):
        confirmed, contradicted = (labels[label] / runs for label in ("confirmed", "contradicted"))
        if cell.truth == "the claim":
            passed = confirmed >= (0.7 if cell.interaction_sd else 0.8)
        else:
            passed = confirmed <= limit
            passed &= contradicted <= limit if cell.truth == "flat throughout" else True
            passed &= contradicted >= 0.8 if cell.truth == "falls within 0-2k" else True
        spread = f"{cell.effect_sd:g}" + (f", interaction {cell.interaction_sd:g}" if cell.interaction_sd else "")
        rows.append([cell.truth, spread, f"{confirmed:.3f}", f"{contradicted:.3f}", "yes" if passed else "NO"])
    note = (
        f"“{hypotheses.TEXT}” on rungs {hypotheses.BUDGETS}, {hypotheses.QUESTIONS} × {hypotheses.DRAWS}, margin "
        f"{hypotheses.MARGIN}. Bars: confirmed where it holds, the positive control, in .80 (.70 with interaction); "
        f"elsewhere in at most {limit:.3f}. Contradicted in at most that where the curve is flat, in .80 where "
        "it falls within the first part."
    )
    return table(
        "Hypotheses with directions", note, ["truth", "sd", "confirmed", "contradicted", "within the bar"], rows
    )


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
                _shares(labels),
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


_NAMES = ["truth", "slopes", "questions × draws", "method"]

PARTS = {
    "false": false_verdicts,
    "naive": naive,
    "power": power,
    "effects": effects,
    "intervals": intervals,
    "differences": changes,
    "bands": bands,
    "mitigations": mitigation,
    "placebos": placebos,
    "readings": read_or_said,
    "sizes": sizes_of_turns,
    "saturating": saturating,
    "hypotheses": hypothesis,
    "commitment": committed,
}


def _named(cell: shapes.Cell) -> list[str]:
    return [cell.curve, cell.slopes, f"{cell.questions} × {cell.draws}", cell.method]


def _kind(cell: coverage.Cell) -> list[str]:
    return ["graded" if cell.graded else "binary", f"{cell.icc:g}", str(cell.questions)]


def _shares(labels: Counter[str]) -> str:
    total = labels.total()
    return ", ".join(f"{label} {count / total:.3f}" for label, count in labels.most_common())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the parts asked for and write them to one page."""
    parser = argparse.ArgumentParser(prog="python -m calibration", description="Run the calibration studies.")
    parser.add_argument("--runs", type=int, default=2000, help="studies per cell")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("docs/calibration.md"))
    given = parser.parse_args(arguments)
    parts = given.only or list(PARTS)
    options = f" --runs {given.runs} --seed {given.seed}" + "".join(f" --only {part}" for part in given.only or [])
    error = float(np.sqrt(0.05 * 0.95 / given.runs))
    page = [HEAD.format(command=f"python -m calibration{options}", runs=given.runs, seed=given.seed, error=error)]
    with ProcessPoolExecutor(given.workers) as pool:

        def run(study: Any, cells: Sequence[Any]) -> list[Any]:
            return list(pool.map(partial(study, runs=given.runs, seed=given.seed), cells))

        for part in parts:
            page.append(PARTS[part](run, given.runs))
            sys.stdout.write(page[-1] + "\n")
            sys.stdout.flush()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
