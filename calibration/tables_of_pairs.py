"""Table of paired differences of two arms."""

from typing import Any

from calibration import pairs, shapes
from calibration.tables import table


def paired(run: Any, runs: int) -> str:
    """Coverage, wrong claims and width of paired differences."""
    cells = pairs.cells()
    limit = shapes.limit(0.05, runs)
    low, high = pairs.COVERED
    rows = []
    for cell, found in zip(cells, run(pairs.shares, cells), strict=True):
        is_none = cell.truth == "none"
        wrong = found.different if is_none else found.equivalent
        most = high if found.changed >= pairs.EXPECTED_CHANGED else 1.0
        passed = "yes" if low <= found.covered <= most and wrong <= limit else "NO"
        ratio = f"{found.width / found.unpaired:.2f}" if found.unpaired else "–"
        rows.append(
            [
                *(cell.truth, f"{cell.base:g}", f"{cell.questions} × {cell.draws}"),
                *(f"{found.changed:.0f}", f"{found.student:.2f}", f"{found.covered:.3f}"),
                f"**{found.different:.3f}**" if is_none else f"{found.different:.3f}",
                f"{found.equivalent:.3f}" if is_none else f"**{found.equivalent:.3f}**",
                *(f"{found.width:.3f}", f"{found.unpaired:.3f}", ratio, f"{found.allowed:.2f}", passed),
            ]
        )
    note = (
        f"Nominal .95, margin {pairs.MARGIN:g}; yes-or-no answers to questions of logit-normal difficulty, as hard in "
        "both arms but for a slope. Bold: wrong claims, at the edge of the null of each verdict (no difference; a "
        f"difference of the margin). Within the bars: covered {low:g} to {high:g} (from {low:g} alone where fewer than "
        f"{pairs.EXPECTED_CHANGED:g} questions change on average, whose interval is widened on purpose), wrong claims "
        f"at most .05 plus two standard errors, {limit:.3f}. Unpaired: Welch's interval of the same means; allowed: "
        "the ratio of standard errors that the correlation of the arms allows."
    )
    header = ["true difference", "reference", "questions × draws", "questions that change", "Student's", "covered"]
    more = ["different", "equivalent", "width", "unpaired", "ratio", "allowed", "within the bars"]
    return table("Two arms on the same questions", note, [*header, *more], rows)
