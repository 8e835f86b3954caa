"""Forecasts as terminal text. Numbers are looked up and formatted, never computed."""

from overthink.data.curve_key import CurveKey
from overthink.data.finding import Finding
from overthink.data.results.forecast import ForecastResult, NextBudgetResult, PrintedResult, ThresholdResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.forecasts.findings import side_words
from overthink.reports.forecast_text import share

NOT_REACHED = "no k up to a billion"
OPEN = "open"


def tries_text(result: ForecastResult) -> str:
    """Return a forecast over tries: a row per k, then K* and the claim at each threshold, warnings and notes."""
    first, sides = result.thresholds[0], side_words(result.key.axis)
    lines = [_tries_name(result)]
    lines += [f"  {'k':>13}  {'estimate':>9}  {'model band':>17}  {'assumption-free':>17}  at {first.threshold:g}"]
    for point, side in zip(result.points, first.sides, strict=True):
        estimate = "–" if point.value.estimate is None else share(point.value.estimate)
        model = _span(point.value) if result.has_model else "–"
        lines.append(f"  {point.k:>13,}  {estimate:>9}  {model:>17}  {_span(point.bound):>17}  {sides[side]}")
    lines += [f"  {_crossing_line(at)}" for at in result.thresholds]
    lines += [
        f"  {at.claim.finding.label} ({visible(str(at.claim.finding.reason), PROSE_LIMIT)})" for at in result.thresholds
    ]
    warning = result.points[-1].judge_warning
    lines += [] if warning is None else [f"  warning: {warning}"]
    return "\n".join([*lines, *(f"  note: {visible(note, PROSE_LIMIT)}" for note in result.notes)])


def _tries_name(result: ForecastResult) -> str:
    fewest, most = (0 if result.n_untried else result.attempts[0]), result.attempts[1]
    tries = f"{most:,} attempts each" if fewest == most else f"{fewest:,} to {most:,} attempts"
    questions = "1 question" if result.n_questions == 1 else f"{result.n_questions} questions"
    where = "" if result.at.rung is None else f", rung {result.at.rung}"
    key = result.key
    return f"{_name(key)}{where} ({key.axis}, {key.estimand}, {questions}, {tries})"


def _crossing_line(at: ThresholdResult) -> str:
    star = "" if at.deciding.estimate is None else f"{at.deciding.estimate:,.0f}, "
    return f"K* (tries) at {at.words}: {star}{_tries_span(at.deciding)} by the {at.band} band ({at.verdict})"


def printed_text(result: PrintedResult) -> str:
    """Return what printed shares leave open: a row per k, K* at each threshold, and how the shares are read."""
    shares = ", ".join(f"{text} at k = {k:,}" for k, text in result.shares.items())
    lines = [f"{_name(result.key)} ({result.key.axis}, printed: {shares})", f"  {'k':>13}  {'assumption-free':>17}"]
    for k, bound in result.bounds.items():
        lines.append(f"  {k:>13,}  {_span(bound):>17}")
    lines += [
        f"  K* at {crossing.words}: {_tries_span(crossing.bound)} by the assumption-free band ({crossing.verdict})"
        for crossing in result.crossings
    ]
    return "\n".join([*lines, *(f"  note: {visible(note, PROSE_LIMIT)}" for note in result.notes)])


def next_budget_text(result: NextBudgetResult) -> str:
    """Return the forecast at twice the highest budget, and what each family of curves says."""
    key = result.key
    lines = [f"{_name(key)} ({key.axis}, {key.estimand}): more thinking than the ladder has"]
    if result.obstacle is not None:
        return "\n".join([*lines, f"  {result.label}: {visible(result.obstacle, PROSE_LIMIT)}"])
    where = f"at {result.target:,.0f} tokens ({result.label} from {result.top:,.0f})"
    lines.append(f"  {where}: {_estimate(result.pool)}, {result.level:.0%} interval")
    lines += [
        f"  {family.words:>18}: {_estimate(family.value) if family.is_used else family.obstacle}"
        for family in result.families
    ]
    return "\n".join([*lines, *(f"  note: {visible(note, PROSE_LIMIT)}" for note in result.notes)])


def _name(key: CurveKey) -> str:
    return " · ".join(visible(part) for part in (key.task, key.arm, key.scorer) if part)


def _span(finding: Finding) -> str:
    return f"{share(finding.low or 0)} – {share(finding.high or 0)}"


def _tries_span(finding: Finding) -> str:
    if finding.low is None:
        return NOT_REACHED
    return f"{finding.low:,.0f} to {OPEN if finding.high is None else f'{finding.high:,.0f}'}"


def _estimate(finding: Finding) -> str:
    return f"{finding.estimate:.1%} ({finding.low:.1%} – {finding.high:.1%})"
