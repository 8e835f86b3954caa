"""What drawing until an interval is narrow enough came to: whether it is, why it stopped, and what even draws cost."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from overthink.core.adaptive.standing import Standing, standing
from overthink.core.adaptive.stopping import CAP, FLOOR, REACHED, UNDEFINED
from overthink.core.adaptive.waves import Waves
from overthink.core.finding import At, Finding
from overthink.core.findings.page import Page
from overthink.core.record import Estimand

WEIGHTED = (
    "draws came in {waves} waves, {least} to {most} per question, each wave settled by those before it: a wave counts "
    "by its share of all draws, the same for every question"
)
EVEN = "k tries of the {even} draws that every question was sure to get: the others went where earlier ones varied"
SAME_DRAWS = "judged by the draws that were shared out by it, so somewhat too high; the interval is over questions"
MODEL = (
    "by the model band of the forecast, which counts draws as they came, at a level that holds for all looks together"
)


def told_of_waves(waves: Waves, *, single: bool) -> str:
    """What a value must say of draws that came in waves."""
    if len(waves.counts) == 1:
        return "more draws were possible, and were not needed or could not help"
    if not single:
        return EVEN.format(even=waves.even)
    return WEIGHTED.format(waves=len(waves.counts), least=waves.draws.min(), most=waves.draws.max())


def adaptive(page: Page, *, seed: int) -> Iterator[Finding]:
    """Half-width or crossing that was aimed at, draws used, and what as many for every question would have cost.

    Args:
        page: The curve; one that was not drawn in waves, or is a control, has none.
        seed: Of the forecast's draws.
    """
    aim, waves = page.analysis.aim, page.whole.waves
    if aim is None or waves is None or page.is_control or page.table.estimand is not Estimand.FORCED:
        return
    now = standing(page.whole, aim, page.weights, level=page.level, seed=seed)
    yield _crossing(page, now) if now.seen is None else _half_width(page, now)
    used = int(waves.counts.sum())
    yield _counted(page, "draws", waves, estimate=float(used))
    if len(waves.counts) > 1 and now.stop != UNDEFINED:
        even, (low, high) = now.even_draws, _even_draws(page, now)
        saved, least, most = (1 - used / draws for draws in (even, low, high))
        yield _counted(page, "even_draws", waves, estimate=even, low=low, high=high)
        per = waves.draws
        said = (
            f"{used:,} draws in {len(waves.counts)} waves, {per.min():,} to {per.max():,} per question; as many for "
            f"every question would have taken {even:,.0f} for the same error"
        )
        yield _counted(page, "saving", waves, estimate=saved, low=least, high=most, label=said)


def _counted(page: Page, metric: str, waves: Waves, **told: Any) -> Finding:
    made = replace(page.finding("adaptive", metric, At()), n_draws=int(waves.draws.max()), **told)
    return made if made.low is None else replace(made, level=page.level, limits=(SAME_DRAWS,))


def _half_width(page: Page, now: Standing) -> Finding:
    seen, target = now.seen, now.aim.half_width
    assert seen is not None
    assert target is not None
    rung = seen.worst
    if rung < 0:
        return replace(page.finding("adaptive", "half_width", At()), reason="no rung has an interval")
    made = page.finding("adaptive", "half_width", replace(page.at(rung), k=1, selector="single"))
    width, floor = float(seen.half_width[rung]), float(seen.floor[rung])
    said = f"half-width {width:.3g} at its widest rung, {target:g} wanted"
    if now.stop == FLOOR:
        needed = seen.questions_needed(target, level=page.level)
        said += (
            f"; more draws of these {seen.questions[rung]} questions cannot reach it: endless ones would leave "
            f"{floor:.3g}; about {needed:,} questions would be needed"
        )
    elif now.stop == CAP:
        said += f"; stopped at {now.aim.max_draws:,} draws of a question"
    return replace(
        made,
        estimate=width,
        level=page.level,
        n_questions=int(seen.questions[rung]),
        n_draws=int(now.waves.draws.max()),
        label=f"{now.stop or 'unfinished'}: {said}",
        limits=(told_of_waves(now.waves, single=True),),
    )


def _crossing(page: Page, now: Standing) -> Finding:
    made = replace(page.finding("adaptive", "crossing", page.at(page.rungs - 1)), level=page.level)
    found = now.crossing
    if found is None:
        return replace(made, label=UNDEFINED, reason="graded values have no success to wait for")
    known = bool(np.isfinite(found.estimate))
    said = "resolved" if now.stop == REACHED else f"not resolved with {now.aim.max_draws:,} draws of a question"
    return replace(
        made,
        estimate=found.estimate if known else None,
        low=found.low if np.isfinite(found.low) else None,
        high=found.high if np.isfinite(found.high) else None,
        n_draws=int(now.waves.draws.max()),
        label=f"{now.stop or 'unfinished'}: {now.aim} {said}",
        reason=None if known else "the threshold is not reached at any k, or nothing succeeded",
        limits=(f"threshold {found.threshold:g}; an end that is null is open", MODEL),
    )


def _even_draws(page: Page, now: Standing) -> tuple[float, float]:
    """Ends of the interval of the draws that even sharing would take, by resampling questions."""
    ratios = (page.weights @ now.spread) / (page.weights @ now.noise) * len(now.spread)
    low, high = np.quantile(ratios, [(1 - page.level) / 2, (1 + page.level) / 2])
    return float(low), float(high)
