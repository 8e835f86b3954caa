"""Forecasts of a study's curves one octave beyond their ladders, and their terminal output."""

from collections.abc import Sequence

import numpy as np

from overthink.data.finding import Finding
from overthink.data.finding_ids import curve_ids
from overthink.data.outcomes import Outcomes
from overthink.forecasts.findings import ForecastCurve, forecast_curve
from overthink.plan.analysis import MARGIN

SEED_OFFSET = 1
"""Third element of the seed; gives these forecasts other random numbers than forecasts over tries."""


def forecast_curves(
    tables: Sequence[Outcomes], *, level: float, stopping: str | None, seed: int
) -> tuple[ForecastCurve, ...]:
    """Return the forecast of every curve with a ladder.

    Args:
        tables: The curves of a study, logs, or a table of draws.
        level: Confidence level.
        stopping: "fixed", "first_success", or None to infer it.
        seed: Seed of the draws.

    Raises:
        InputError: The stopping rule contradicts the counts.
    """
    forecasts = [
        forecast_curve(
            table,
            level=level,
            margin=MARGIN,
            stopping=stopping,
            prefix=prefix,
            rng=np.random.default_rng([seed, number, SEED_OFFSET]),
        )
        for number, (table, prefix) in enumerate(zip(tables, curve_ids([table.key for table in tables]), strict=True))
    ]
    return tuple(curve for curve in forecasts if curve is not None)


def curve_block(curve: ForecastCurve) -> str:
    """Return a curve's forecast as text lines."""
    pool, *families = curve.findings
    parts = [pool.task, pool.arm, *([pool.scorer] if pool.scorer else [])]
    name = " · ".join(visible(part) for part in parts)
    lines = [f"{name} ({pool.axis}, {pool.estimand}): more thinking than the ladder has"]
    if curve.forecast is None or pool.estimate is None:
        return "\n".join([*lines, f"  {pool.label}: {pool.reason}"])
    lines.append(
        f"  at {curve.forecast.target:,.0f} tokens ({pool.label} from {curve.forecast.top:,.0f}): {_ends(pool)}, "
        f"{curve.forecast.level:.0%} interval"
    )
    for family, finding in zip(
        curve.forecast.families, [f for f in families if not f.metric.endswith("_error")], strict=True
    ):
        text = finding.reason if finding.low is None else _ends(finding)
        lines.append(f"  {family.family.words:>18}: {text}")
    return "\n".join([*lines, *(f"  note: {limit}" for limit in pool.limits[1:])])


def _ends(finding: Finding) -> str:
    return f"{finding.estimate:.1%} ({finding.low:.1%} – {finding.high:.1%})"


def visible(name: str) -> str:
    """Return a printable name: no control characters, at most 120 characters."""
    return "".join(c if c.isprintable() else "�" for c in name[:120])
