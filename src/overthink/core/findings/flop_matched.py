"""A small model that is given more inference beside a larger one: at how many times its FLOP is it as good?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from overthink.core.allocation import log_budgets, option_budgets
from overthink.core.amounts import amount
from overthink.core.costing import Unit
from overthink.core.finding import At, Finding
from overthink.core.findings.arm_pairs import tasks_with_arms
from overthink.core.findings.frontier import BUDGETS
from overthink.core.findings.menus import (
    CROSS_FITTED,
    STOPPED,
    Choosers,
    budgets_mean,
    can_choose,
    menu_for,
    nothing_to_choose,
    resampling,
    shared_questions,
    together,
)
from overthink.core.findings.page import POINTWISE, Page
from overthink.core.flop_matched import Match, flop_matched, served_below
from overthink.core.frontier import Frontier, frontier
from overthink.core.record import Axis

KIND = "flop_matched"

FINE = 40
"""Budgets of the smaller model at most: what lies between two of them is not seen."""

MULTIPLE = (
    "inference FLOP of the smaller model over those of the larger one; among the rungs and tries that were run, costs "
    "as measured; an end that is null lies beyond them"
)
TRAINING = (
    "6·N FLOP per token of pre-training and 2·N per token served, N the active parameters, each model trained on as "
    "many tokens; a token served is one that the larger model decodes"
)
CHEAPER = "the smaller model takes no more inference than the larger one: it costs less however much is served"


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """A model with its arms.

    Attributes:
        name: Of the model.
        size: Active parameters.
        who: Its arms, as one choice.
    """

    name: str
    size: float
    who: Choosers


def flop_matches(pages: Sequence[Page], *, rng: np.random.Generator) -> Iterator[Finding]:
    """For every budget of a larger model: how many times its FLOP make a smaller one as good, in and beside training.

    Only where arms of several models are compared in FLOP. On the safety axis a budget is spent by the attacker, for
    whom a model that is worse is the better one, and nobody's training pays for it: nothing is said there.

    Args:
        pages: The curves; controls are left out.
        rng: In the state in which :func:`~overthink.core.findings.frontier.frontiers` gets it, for the same folds.
    """
    seed = int(rng.integers(2**63))
    for group in tasks_with_arms(pages):
        decided = group[0].analysis
        mine = [page for page in group if can_choose(page)]
        several = any(page.table.arm in decided.other_models for page in mine)
        if decided.unit is not Unit.FLOP or not several or group[0].table.axis is Axis.SAFETY:
            continue
        unknown = _unknown(mine)
        if unknown is not None:
            yield replace(_bare(mine), reason=unknown)
            continue
        sides = _sides(mine)
        for small, large in combinations(sides, 2):
            yield from _of_models(small, large, seed)


def _unknown(pages: Sequence[Page]) -> str | None:
    """Why nobody can say which model is the larger one; None where everybody can."""
    parties = pages[0].analysis.parties
    nameless = [page.table.arm for page in pages if page.table.arm not in parties]
    if nameless:
        return f"which model {', '.join(nameless)} is of is not stated"
    models = (parties[page.table.arm].model for page in pages)
    sizeless = dict.fromkeys(model.name for model in models if model.shape.active_parameters is None)
    if sizeless:
        options = " ".join(f"--model-shape {name}=parameters:8e9" for name in sizeless)
        return f"unknown how big {' and '.join(sizeless)} is; state it with {options} or the like"
    return None


def _bare(pages: Sequence[Page]) -> Finding:
    """A finding without a number, of the first arm of another model."""
    other = next(page for page in pages if page.table.arm in page.analysis.other_models)
    return replace(other.finding(KIND, "multiple", At(unit=Unit.FLOP.value)), level=other.level)


def _sides(pages: Sequence[Page]) -> list[_Side]:
    """The models, smallest first; those of one size in the order of their names."""
    by_model: dict[tuple[float, str], list[Page]] = {}
    for page in pages:
        model = page.analysis.parties[page.table.arm].model
        by_model.setdefault((model.shape.active_parameters or np.nan, model.name), []).append(page)
    models = sorted(by_model)
    named = [(f"all arms of {model[1]}", by_model[model]) for model in models]
    joined = iter(together([(name, group) for name, group in named if len(group) > 1]))
    whos = (Choosers.alone(group[0]) if len(group) == 1 else next(joined) for _, group in named)
    return [_Side(name, size, who) for (size, name), who in zip(models, whos, strict=True)]


def _of_models(small: _Side, large: _Side, seed: int) -> Iterator[Finding]:
    page = small.who.page
    beside = large.who.page.prefix.replace("/", ".")
    bare = page.finding(KIND, "multiple", At(unit=Unit.FLOP.value), part=beside)
    bare = replace(bare, level=page.level, label=f"against {large.name}")
    if small.size == large.size:
        same = f"{small.name} and {large.name} have {small.size:.3g} active parameters each: neither is the larger one"
        yield replace(bare, reason=same)
        return
    if small.who.stopped or large.who.stopped:
        yield replace(bare, reason=STOPPED)
        return
    shared = shared_questions([*small.who.tables, *large.who.tables])
    menus = [menu_for(side.who, side.who.tables, shared) for side in (small, large)]
    reason = next((why for why in map(nothing_to_choose, menus) if why is not None), None)
    if reason is not None:
        yield replace(bare, reason=reason)
        return
    made = []
    for menu, budgets in zip(menus, (option_budgets(menus[0], FINE), log_budgets(menus[1], BUDGETS)), strict=True):
        weights, rng = resampling(seed, len(shared))  # anew: both models are valued on the same folds
        made.append(frontier(menu, budgets, weights=weights, level=page.level, rng=rng))
    ratio = large.size / small.size
    limits = dict.fromkeys((*menus[0].limits, *menus[1].limits, CROSS_FITTED, budgets_mean(Unit.FLOP), POINTWISE))
    sizes = f"{large.name} has {ratio:.3g} times the active parameters, {large.size:.3g} against {small.size:.3g}"
    matches = flop_matched(*made, weights=weights, level=page.level, margin=page.analysis.margin)
    for match in matches:
        one = _placed(bare, match, made, (small, large))
        one = replace(one, limits=(sizes, MULTIPLE, *limits))
        yield from _numbers(one, match, ratio, page.analysis.margin)


def _placed(bare: Finding, match: Match, made: Sequence[Frontier], sides: tuple[_Side, _Side]) -> Finding:
    """The finding at a budget of the larger model: what both do there, and the gates that failed where they do it."""
    budget = float(made[1].budgets[match.budget])
    label = f"{bare.label}, within {amount(budget, Unit.FLOP)}"
    gates: list[str] = []
    places = ((": ", match.budget), ("; as good by ", match.met))
    for side, of_side, (words, place) in zip(reversed(sides), reversed(made), places, strict=True):
        choice = None if place is None else of_side.choices[0][place]
        if choice is not None:
            label += words + side.who.said(choice)
            gates += side.who.pages[choice.arm].failed([choice.rung])
    return replace(
        bare,
        id=f"{bare.id}/{np.format_float_positional(budget, trim='-')}flop",
        at=At(total=budget, unit=Unit.FLOP.value),
        label=label,
        gates_failed=tuple(dict.fromkeys(gates)),
    )


def _numbers(one: Finding, match: Match, ratio: float, margin: float) -> Iterator[Finding]:
    """The multiple by the estimates, the one that is shown, and what the first means when training counts."""
    low, high = match.over_large(match.low_cost), match.over_large(match.high_cost)
    multiple = match.multiple
    reason = match.reason if multiple is None else None
    yield replace(one, estimate=multiple, low=low, high=high, reason=reason)
    shown = _called(one, "multiple_shown")
    within = f"no worse than δ = {margin:g}, by the lower end of the interval"
    number = match.over_large(match.shown_cost)
    reason = match.reason if number is None else "no interval: it is itself what an interval shows"
    yield replace(shown, estimate=number, reason=reason, limits=(within, *shown.limits))
    served = replace(_called(one, "tokens_served"), limits=(TRAINING, *one.limits))
    if multiple is None:
        yield replace(served, reason=match.reason, high=_finite(low, ratio))
    elif multiple <= 1:
        yield replace(served, reason=CHEAPER, low=_finite(high, ratio))
    else:
        estimate = served_below(multiple, ratio)
        yield replace(served, estimate=estimate, low=_finite(high, ratio), high=_finite(low, ratio))


def _called(one: Finding, metric: str) -> Finding:
    return replace(one, metric=metric, id=one.id.replace(f"/{KIND}/multiple/", f"/{KIND}/{metric}/", 1))


def _finite(multiple: float | None, ratio: float) -> float | None:
    """Tokens served at an end of the interval of the multiple; None where that end is open, or no number is."""
    below = np.inf if multiple is None else served_below(multiple, ratio)
    return float(below) if np.isfinite(below) else None
