"""The page of what the literature says, made from docs/literature.json. Labels are computed, never copied."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from literature_labels import INKLING_ERROR, LABELS, Label, Row

from overthink.stats.summary_verdict import (
    DOWN,
    GATED,
    NOT_SHOWN,
    UP,
    Counts,
    Effect,
    Estimate,
    SummaryVerdict,
    summary_verdict,
    trend_verdict,
    unequal_shares_p,
)

FILE = Path(__file__).parents[2] / "docs" / "literature.json"

POINT, FIVE_POINTS = 1.0, 0.05
"""Margins: one percentage point for rates of system cards, five for counts, which are smaller."""

ABOUT = """# What the literature says

Made from [literature.json](literature.json) by `make pages`; do not edit. Published measurements of safety,
over-refusal and capability against thinking, effort, budgets and tries, and what their printed numbers show by
themselves.

**Unpaired, conservative.** A verdict here has summary numbers, not questions: estimate ± half width, or counts. Both
sides answered mostly the same prompts, so a paired analysis would be sharper; no data per question is invented. That a
printed ± is a 95 % half width is inferred, and the rounding of printed numbers is not added.

Two labels, each at 5 %: the *direction* (up, down, not shown; two-sided) and the *equivalence* (within or beyond the
margin, or not shown). A small change can be certain, so both can hold. "Not shown" never means "no change". {labelled}
of {rows} rows have labels: those that a review labelled by hand too, and a test compares the two. The others are shown
without a label (–). P-values are not adjusted for their number.

Thinking on against off is not a dose. Never compare numbers of two cards: evaluations are updated between them (Sonnet
4.5 without thinking scores 99.16, 98.32 and 97.29 in three). Attackers that adapt make tries dependent.

Status of a row, to check against the original before its number is shown as primary:

{statuses}
"""

TRIES = """Percentage of attacks that succeed within k tries. The verdict is of thinking on against off, shown at
both: Fisher's exact test on the cases at the highest k, which can be silent where the interval leaves 0 out. Margin: 5
points. Unpaired, conservative.
"""

DOSE = """The trend over effort is Cochran and Armitage's; over filler tokens the same, in doublings. Margin: 5 points.
Unpaired, conservative. *Gated*: the judge's errors differ between levels, so a trend may be the judge's, and both
labels are withheld.
"""

STATUSES = {
    "measured": "read in the source, and the test measured by us",
    "read": "read in the source's own text",
    "third party": "read in somebody else's notes or table",
    "recalled": "from memory, not checked",
}

Cells = Sequence[str]


def rows() -> list[Row]:
    """Every row of the file."""
    loaded: list[Row] = json.loads(FILE.read_text(encoding="utf-8"))["rows"]
    return loaded


def status(row: Row) -> str:
    """The mark of a row's status."""
    text = row["status"]
    for mark in ("recalled", "third party"):
        if mark in text.replace("-", " "):
            return mark
    return "measured" if "measured here" in text else "read"


def label_of(row: Row) -> Label | None:
    """What the review says of the row; None if nothing."""
    matching = [label for label in LABELS if label.matches(row)]
    assert len(matching) <= 1, row
    return matching[0] if matching else None


def margin_of(row: Row) -> float:
    """The margin of the row's verdict, in the unit of its summaries."""
    return POINT if row["kind"] == "thinking_on_off" else FIVE_POINTS


def verdict_of(label: Label, found: Sequence[Row]) -> SummaryVerdict:
    """The verdict of a row, or of a pair of rows of tries, by its printed numbers."""
    row = found[0]
    margin = margin_of(row)
    if row["kind"] == "thinking_on_off":
        return summary_verdict(
            Estimate(row["off"], row["off_half"]), Estimate(row["on"], row["on_half"]), margin=margin
        )
    if row["kind"] == "tries":
        off, on = sorted(found, key=lambda one: bool(one["thinking"]))
        return summary_verdict(last_count(off), last_count(on), margin=margin)
    if "filler" in row:
        successes = [round(value * row["n"] / 100) for value in row["value"]]
        # Filler tokens in doublings; one more than the filler, so that none has a place.
        scores = [math.log2(1 + filler) for filler in row["filler"]]
        return trend_verdict(successes, [row["n"]] * len(scores), scores, margin=margin)
    if "p1" in row:
        effects = [_effect(row, i) for i in range(len(row["p1"]))]
        return summary_verdict(effects[0], effects[-1], margin=margin)
    if "k" in row:
        errors = judge_errors(row)
        return trend_verdict(row["k"], row["n"], row["effort"], margin=margin, judge_errors=errors)
    assert row["n"] == 13, "the only row of counts in words: none of 13 at any effort"
    return summary_verdict(Counts(0, 13), Counts(0, 13), margin=margin)


def last_count(row: Row) -> Counts:
    """Cases of a row of tries that were broken at its highest k."""
    return Counts(round(row["value"][-1] * row["cases"] / 100), row["cases"])


def judge_errors(row: Row) -> list[int] | None:
    """Wrong marks of the matcher at each effort; None where none are published."""
    shares = INKLING_ERROR.get(row["model"]) if row["measure"].startswith("harmful compliance") else None
    return None if shares is None else [round(share * n) for share, n in zip(shares, row["n"], strict=True)]


def largest_fall(row: Row) -> SummaryVerdict:
    """The verdict of the largest fall from a level to a later level, of a row of filler tokens."""
    counts = [Counts(round(value * row["n"] / 100), row["n"]) for value in row["value"]]
    pairs = [(first, second) for i, first in enumerate(counts) for second in counts[i + 1 :]]
    first, second = max(pairs, key=lambda pair: pair[0].successes - pair[1].successes)
    return summary_verdict(first, second, margin=FIVE_POINTS)


def _effect(row: Row, i: int) -> Effect:
    shares = ((row["p1"][i], row["n1"][i]), (row["p0"][i], row["n0"][i]))
    return Effect(*(Counts(round(share * n), n) for share, n in shares))


def page() -> str:
    every = rows()
    labelled = [row for row in every if label_of(row)]
    statuses = "\n".join(f"- **{mark}**: {meaning}" for mark, meaning in STATUSES.items())
    lines = [ABOUT.format(labelled=len(labelled), rows=len(every), statuses=statuses)]
    titles = {
        ("thinking_on_off", "safety"): "Thinking on against off: harmful requests, % answered harmlessly",
        ("thinking_on_off", "benign"): "Thinking on against off: benign requests, % refused",
    }
    for key, title in titles.items():
        lines += [f"## {title}", "", "Margin: 1 percentage point. Unpaired, conservative.", ""]
        chosen = [row for row in every if (row["kind"], row["axis"]) == key]
        lines += _table(("Model", "Set", "Off", "On", *_VERDICT, "Status", "Source"), map(_on_off_cells, chosen))
    lines += ["## More tries", "", TRIES]
    header = ("Model", "Attack", "Thinking", "k", "%", "Cases", *_VERDICT, "Status", "Source")
    lines += _table(header, (_tries_cells(row, every) for row in every if row["kind"] == "tries"))
    lines += ["## Effort, budget, filler tokens", "", DOSE]
    others = [row for row in every if row["kind"] not in ("thinking_on_off", "tries")]
    header = ("Model", "Measure", "Numbers", *_VERDICT, "Remark", "Status", "Source")
    lines += _table(header, map(_dose_cells, others))
    return "\n".join(lines).rstrip() + "\n"


_VERDICT = ("Change [95 %]", "p", "Direction", "Equivalence")


def _table(header: Cells, body: Iterable[Cells]) -> list[str]:
    lines = [header, ["---"] * len(header), *body]
    return ["| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |" for cells in lines] + [""]


def _on_off_cells(row: Row) -> Cells:
    numbers = [f"{row[side]:.2f} ± {row[side + '_half']:.2f}" for side in ("off", "on")]
    words = row["measure"].split(", ", maxsplit=1)[1]
    return [row["model"], words, *numbers, *_verdict_cells(row, [row], scale=1), status(row), row["source"]]


def _tries_cells(row: Row, every: Sequence[Row]) -> Cells:
    label = label_of(row)
    pair = [] if label is None else [other for other in every if label.matches(other)]
    safeguards = {True: ", safeguards", False: ", no safeguards", None: ""}[row.get("safeguards")]
    attack = row.get("surface", "ART indirect injection") + safeguards
    thinking = row["thinking"]
    words = "off, on" if isinstance(thinking, list) else "on" if thinking else "off"
    cases = "not read" if "cases" not in row else f"{row['cases']}, {row['cases_status']}"
    numbers = [", ".join(f"{value:g}" for value in row[name]) for name in ("k", "value")]
    cells = _verdict_cells(row, pair, scale=100)
    return [row["model"], attack, words, *numbers, cases, *cells, status(row), row["source"]]


def _dose_cells(row: Row) -> Cells:
    names = ("effort", "budgets", "filler", "repeats", "k", "n", "value", "p1", "n1", "p0", "n0", "auroc")
    numbers = "; ".join(f"{name} {_words(row[name])}" for name in names if row.get(name) is not None)
    cells = _verdict_cells(row, [row], scale=100)
    return [row["model"], row["measure"], numbers, *cells, _remark(row), status(row), row["source"]]


def _words(value: Any) -> str:
    return ", ".join(f"{part}" for part in value) if isinstance(value, list) else f"{value}"


def _verdict_cells(row: Row, found: Sequence[Row], *, scale: float) -> Cells:
    label = label_of(row)
    if label is None:
        return ["–"] * 4
    verdict = verdict_of(label, found)
    change = " [{:+.2f}, {:+.2f}]" if scale == 1 else " [{:+.1f}, {:+.1f}]"
    first = "{:+.2f}" if scale == 1 else "{:+.1f}"
    ends = change.format(verdict.low * scale, verdict.high * scale)
    numbers = first.format(verdict.difference * scale) + ends
    p = "< .0001" if verdict.p < 1e-4 else f"{verdict.p:.4f}" if verdict.p < 0.001 else f"{verdict.p:.3f}"
    return [numbers, p, direction_words(row, verdict.direction), verdict.equivalence]


def direction_words(row: Row, direction: str) -> str:
    """The direction, with what it means on the row's axis."""
    if direction in (NOT_SHOWN, GATED):
        return direction
    if row["axis"] == "capability":
        return direction
    if row["axis"] == "benign":
        return f"{direction} (refuses {'more' if direction == UP else 'less'})"
    good = UP if row["measure"].startswith("harmless") else DOWN
    return f"{direction} ({'safer' if direction == good else 'less safe'})"


def _remark(row: Row) -> str:
    parts = [row["note"]] if "note" in row else []
    if (errors := judge_errors(row)) is not None:
        p = unequal_shares_p(errors, row["n"])
        shares = _words(list(INKLING_ERROR[row["model"]]))
        parts.append(f"the matcher's share of errors: {shares}, equal: p = {p:.3f}")
    if "truncated" in row:
        parts.append(f"truncated: {_words(row['truncated'])}")
    if "rule_of_three_upper" in row:
        parts.append(f"0 of 13: upper limit {row['rule_of_three_upper']}")
    if "drop" in row:
        parts.append(f"published drop {row['drop']['value']} [{row['drop']['ci'][0]}, {row['drop']['ci'][1]}]")
    if label_of(row) is not None and "filler" in row:
        fall = largest_fall(row)
        parts.append(
            f"no fall shown: the largest is {fall.difference * 100:+.1f} "
            f"[{fall.low * 100:+.1f}, {fall.high * 100:+.1f}], p = {fall.p:.2f}"
        )
    if row["kind"] == "budget" and row.get("n", 0) is None:
        parts.append("n per point was not read, so nothing is tested")
    return "; ".join(parts) or "–"
