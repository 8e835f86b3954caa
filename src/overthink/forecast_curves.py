"""The curves of a study one octave beyond their ladders: what is forecast of each, and its lines on the terminal."""

from collections.abc import Sequence

import numpy as np

from overthink.core.finding import Finding
from overthink.core.findings.page import MARGIN
from overthink.core.forecast.sequential_findings import ForecastCurve, forecast_curve
from overthink.core.identity import prefixes
from overthink.core.outcomes import Outcomes

SEQUENTIAL = 1
"""Sets the random numbers of these forecasts apart from those of forecasts over tries."""


def forecast_curves(
    tables: Sequence[Outcomes], *, level: float, stopping: str | None, seed: int
) -> tuple[ForecastCurve, ...]:
    """Forecast every curve that has a ladder.

    Args:
        tables: The curves of a study, logs, or a table of draws.
        level: Confidence level.
        stopping: "fixed", "first_success", or None to infer it.
        seed: Seed of the draws.

    Raises:
        InputError: The stopping rule is not that of the counts.
    """
    made = [
        forecast_curve(
            table,
            level=level,
            margin=MARGIN,
            stopping=stopping,
            prefix=prefix,
            rng=np.random.default_rng([seed, number, SEQUENTIAL]),
        )
        for number, (table, prefix) in enumerate(zip(tables, prefixes(tables), strict=True))
    ]
    return tuple(one for one in made if one is not None)


def curve_block(curve: ForecastCurve) -> str:
    """A curve's forecast in lines."""
    pool, *families = curve.findings
    parts = [pool.task, pool.arm, *([pool.scorer] if pool.scorer else [])]
    name = " · ".join(visible(part) for part in parts)
    lines = [f"{name} ({pool.axis}, {pool.estimand}): more thinking than the ladder has"]
    if curve.made is None or pool.estimate is None:
        return "\n".join([*lines, f"  {pool.label}: {pool.reason}"])
    lines.append(
        f"  at {curve.made.target:,.0f} tokens ({pool.label} from {curve.made.top:,.0f}): {_ends(pool)}, "
        f"{curve.made.level:.0%} interval"
    )
    for one, said in zip(curve.made.families, [f for f in families if not f.metric.endswith("_error")], strict=True):
        told = said.reason if said.low is None else _ends(said)
        lines.append(f"  {one.family.words:>18}: {told}")
    return "\n".join([*lines, *(f"  note: {limit}" for limit in pool.limits[1:])])


def _ends(finding: Finding) -> str:
    return f"{finding.estimate:.1%} ({finding.low:.1%} – {finding.high:.1%})"


def visible(name: str) -> str:
    """A name as it can be printed: no control characters, and not a page of it."""
    return "".join(c if c.isprintable() else "�" for c in name[:120])
