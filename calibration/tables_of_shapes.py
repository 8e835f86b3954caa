"""Tables of verdicts on shapes: false ones, power, sizes, hypotheses."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

from calibration import families, hypotheses, saturation, shapes, turn_sizes
from calibration.tables import shares_of, table

_NAMES = ["truth", "slopes", "questions × draws", "method"]


def false_verdicts(run: Any, runs: int) -> str:
    """Shares of wrong turns and falls on curves that rise."""
    cells = [
        shapes.Cell(curve, slopes, *size, method)
        for curve, slopes, size, method in product(shapes.RISES, shapes.SLOPES, shapes.SIZES, shapes.METHODS)
    ]
    false = f"False: hump, dip or down. {_SETTING}"
    return _shares_of_false("False verdicts", false, cells, run(shapes.labels, cells), shapes.FALSE)


def flats(run: Any, runs: int) -> str:
    """Shares of any label but flat on flat curves."""
    cells = [
        shapes.Cell("flat", slopes, *size, method)
        for slopes, size, method in product((*shapes.SLOPES, shapes.SKEWED), shapes.LARGER_STEPS, shapes.METHODS)
    ]
    false = f"False: any label but flat (or undetermined). {_SETTING}"
    return _shares_of_false(
        "False labels on flat truths", false, cells, run(shapes.labels, cells), shapes.FALSE_OF_FLAT
    )


_SETTING = (
    "Logit-normal question effects (sd 1.5), slopes sd .5 (low) or 3 (strong; skewed: exponential). "
    f"Regimes at {shapes.HYPOTHESIS} tokens, rungs {shapes.BUDGETS}, margin {shapes.MARGIN}."
)


def _shares_of_false(
    title: str, false: str, cells: Sequence[shapes.Cell], found: Sequence[Counter[str]], wrong: Sequence[str]
) -> str:
    """A row per cell: the share of studies with one of the wrong labels, and those of all labels."""
    runs = found[0].total()
    bar, rows = shapes.limit(0.05, runs), []
    for cell, labels in zip(cells, found, strict=True):
        share = sum(labels[label] for label in wrong) / runs
        rows.append([*_named(cell), f"{share:.3f}", "yes" if share <= bar else "NO", shares_of(labels)])
    note = f"{false} Bar: .05 plus two standard errors, {bar:.3f}."
    return table(title, note, [*_NAMES, "false", "within the bar", "labels given"], rows)


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
        [*_named(cell), f"{labels['hump'] / runs:.3f}", shares_of(labels)]
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
        rows.append([curve, size, f"{cell.margin:g}", f"{share:.3f}", bar, verdict, control, shares_of(o.labels)])
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


def _named(cell: shapes.Cell) -> list[str]:
    return [cell.curve, cell.slopes, f"{cell.questions} × {cell.draws}", cell.method]
