"""A small model with more inference beside a larger one: the planted multiple, and what training makes of it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from arm_pools import BUDGETS, arm

from overthink.analysis.flop_matched import flop_matches
from overthink.analysis.frontier import frontiers
from overthink.analysis.request import CurveContext
from overthink.cost.flop_matched import served_below
from overthink.cost.model_shape import ModelShape
from overthink.cost.units import ModelInfo, ModelRoles, Unit, amount
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, RungRecord
from overthink.data.results.budgets import FlopMatchResult
from overthink.data.results.study import findings_of
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

SIZES = {"small": 4e9, "large": 8e9}
SMALL = (0.2, 0.4, 0.6, 0.8)
LARGE = (0.3, 0.5, 0.7, 0.95)
"""Capability by rung: the small model is as good at its next rung, and never as good as the large one's top."""

TOKENS = np.array(BUDGETS) + 10
TRUE = TOKENS[1:] * SIZES["small"] / (TOKENS[:-1] * SIZES["large"])
"""What the small model's next rung takes over what the large model's rung takes, for all rungs but the top."""


def analysis(sizes: dict[str, float | None] | None = None, **options: object) -> Analysis:
    known = SIZES if sizes is None else sizes
    parties = {name: ModelRoles(ModelInfo(f"of/{name}", ModelShape(size, size))) for name, size in known.items()}
    told = {"level": 0.95, "unit": Unit.FLOP, "parties": parties, "reference": "large", "other_models": ("small",)}
    return Analysis(**(told | options))  # type: ignore[arg-type]


def rows_of(seed: int, *, questions: int = 120, draws: int = 1, axis: Axis = Axis.CAPABILITY) -> list[RungRecord]:
    options = {"questions": questions, "draws": draws, "seed": seed}
    return [
        *arm("small", {axis: SMALL}, **options),  # type: ignore[arg-type]
        *arm("large", {axis: LARGE}, **options),  # type: ignore[arg-type]
    ]


def pages_of(rows: Iterable[RungRecord], decided: Analysis) -> list[CurveContext]:
    made = []
    for table in from_records(list(rows)):
        weights = question_weights(len(table.questions), rng=np.random.default_rng(0), resamples=20)
        prefix = "/".join((table.axis, table.task, table.arm))
        made.append(CurveContext.of(table, decided, prefix=prefix, scorers=1, family=1, weights=weights))
    return made


def matched(rows: Iterable[RungRecord], decided: Analysis | None = None, seed: int = 0) -> list[Finding]:
    return list(findings_of(results_of(rows, decided, seed)))


def results_of(rows: Iterable[RungRecord], decided: Analysis | None = None, seed: int = 0) -> list[FlopMatchResult]:
    return list(flop_matches(pages_of(rows, decided or analysis()), rng=np.random.default_rng(seed)))


def of(found: Sequence[Finding], metric: str) -> list[Finding]:
    return [f for f in found if f.metric == metric]


def at_rungs(found: Sequence[Finding], metric: str) -> list[Finding]:
    """The findings at the largest budgets that afford a rung of the large model and not the next one."""
    made = of(found, metric)
    above = [*(2 * SIZES["large"] * TOKENS[1:]), np.inf]
    return [[f for f in made if (f.at.total or 0) < 0.95 * cost][-1] for cost in above]


@pytest.mark.parametrize("seed", range(40))
def test_below_the_tokens_served_the_small_model_costs_less_in_all_and_above_it_does_not(seed: int) -> None:
    """Direct arithmetic: 6·N·D for training and 2·N·D' for what is served."""
    rng = np.random.default_rng(seed)
    small, trained, ratio = 10 ** rng.uniform(8, 11), 10 ** rng.uniform(11, 13), 1 + 10 ** rng.uniform(-1, 1.5)
    multiple = 1 + 10 ** rng.uniform(-1.5, 1.5)
    limit = served_below(multiple, ratio)
    for share, cheaper in ((0.99, True), (1.01, False)):
        served = share * limit * trained
        large_in_all = 6 * ratio * small * trained + 2 * ratio * small * served
        small_in_all = 6 * small * trained + multiple * 2 * ratio * small * served
        assert (small_in_all < large_in_all) is cheaper
        # Snell et al. count in the small model's own inference.
        assert (multiple * ratio < ratio + 3 * (ratio - 1) / (share * limit)) is cheaper


def test_a_model_that_takes_no_more_inference_costs_less_however_much_is_served() -> None:
    assert served_below(1.0, 4.0) == np.inf
    for multiple, ratio in ((0.0, 2.0), (2.0, 1.0)):
        with pytest.raises(ValueError, match="needed: above 0"):
            served_below(multiple, ratio)


def test_the_planted_multiple_is_found_and_its_interval_covers_it() -> None:
    hits, exact, in_tokens = [], [], []
    for seed in range(5):
        found = matched(rows_of(seed, questions=300))
        for made, true in zip(at_rungs(found, "multiple"), TRUE, strict=False):
            low, high = made.low or 0.0, np.inf if made.high is None else made.high
            hits.append(low * 0.97 <= true <= high * 1.03)
            exact.append(abs((made.estimate or 0) / true - 1) < 0.03)
            # Positive control: tokens in place of FLOP would be off by the ratio of the sizes.
            in_tokens.append(abs((made.estimate or 0) / (2 * true) - 1) < 0.03)
        (top,) = at_rungs(found, "multiple")[-1:]
        assert top.estimate is None
        assert (top.reason or "").startswith("not reached")
    assert np.mean(hits) > 0.9
    assert np.mean(exact) > 0.7
    assert not any(in_tokens)


def test_between_models_that_are_alike_a_lucky_estimate_shows_nothing() -> None:
    """As good at the same rung, half of the FLOP: estimates say so every other time, an interval must hardly ever."""
    alike = {Axis.CAPABILITY: (0.3, 0.5, 0.7, 0.9)}
    estimated, shown, ends, below = [], [], [], []
    for seed in range(6):
        rows = [row for name in SIZES for row in arm(name, alike, questions=80, draws=1, seed=seed)]
        found = matched(rows, analysis(margin=1e-9))
        for metric, told in (("multiple", estimated), ("multiple_shown", shown)):
            told += [(f.estimate or np.inf) < 0.53 for f in at_rungs(found, metric)[1:]]
        below += [(f.low or 0) < 0.53 for f in at_rungs(found, "multiple")[1:]]
        ends += [(np.inf if f.high is None else f.high) < 0.53 for f in at_rungs(found, "multiple")[1:]]
    assert np.mean(estimated) > 0.3
    assert np.mean(shown) < 0.15
    assert np.mean(ends) < 0.15
    assert np.mean(below) > 0.9


def test_what_is_shown_takes_no_less_than_what_is_estimated_with_a_margin_of_nothing() -> None:
    found = matched(rows_of(0, questions=200), analysis(margin=1e-9))
    wide = matched(rows_of(0, questions=200), analysis(margin=0.2))
    for estimate, shown, easy in zip(
        of(found, "multiple"), of(found, "multiple_shown"), of(wide, "multiple_shown"), strict=True
    ):
        if shown.estimate is not None:
            assert estimate.estimate is not None
            assert shown.estimate >= estimate.estimate
            assert easy.estimate is not None
            assert easy.estimate <= shown.estimate
    assert any(f.estimate is not None for f in of(found, "multiple_shown"))
    assert any("no worse than δ = 0.2" in limit for limit in of(wide, "multiple_shown")[0].limits)


def test_tokens_served_follow_from_the_multiple_and_its_ends() -> None:
    found = matched(rows_of(1))
    assert len({f.id for f in found}) == len(found)
    for multiple, served in zip(of(found, "multiple"), of(found, "tokens_served"), strict=True):
        assert multiple.at == served.at
        if multiple.estimate is None:
            assert served.estimate is None
        elif multiple.estimate <= 1:
            assert "however much is served" in (served.reason or "")
        else:
            assert served.estimate == pytest.approx(served_below(multiple.estimate, 2.0))
            for end, other in ((multiple.low, served.high), (multiple.high, served.low)):
                wanted = None if end is None or end <= 1 else pytest.approx(served_below(end, 2.0))
                assert other == wanted
    told = of(found, "tokens_served")[0]
    assert any("each model trained on as many tokens" in limit for limit in told.limits)
    assert any("2 times the active parameters, 8e+09 against 4e+09" in limit for limit in told.limits)


def test_the_larger_models_budgets_are_those_of_its_frontier() -> None:
    pages = pages_of(rows_of(2, draws=3), analysis())
    (mine,) = flop_matches(pages, rng=np.random.default_rng(0))
    (best,) = (result for result in frontiers(pages, rng=np.random.default_rng(0)) if result.key.arm == "large")
    assert [match.budget for match in mine.matches] == [point.budget for point in best.points]
    assert [match.large for match in mine.matches] == [point.choice for point in best.points]
    label = mine.matches[0].multiple.label or ""
    assert label.startswith("against of/large, within 1.6 × 10¹¹ FLOP: one try at rung 0; as good by ")


def test_what_labels_say_is_in_fields() -> None:
    (result,) = results_of(rows_of(2, draws=3))
    assert (result.key.arm, result.larger, result.unknown) == ("small", "of/large", None)
    for match in result.matches:
        as_good = "" if match.small is None else f"; as good by {match.small}"
        does = f"against of/large, within {amount(match.budget, Unit.FLOP)}: {match.large}{as_good}"
        assert {match.multiple.label, match.shown.label, match.tokens_served.label} == {does}
        assert (match.small is None) == (match.multiple.estimate is None)
    assert any(match.small is None for match in result.matches)
    (unknown,) = results_of(rows_of(0), analysis({"small": 4e9}))
    assert (unknown.larger, unknown.matches) == (None, ())
    assert unknown.unknown is not None


def test_which_model_is_the_small_one_is_told_by_active_parameters_and_not_by_names() -> None:
    found = matched(rows_of(0), analysis({"small": 8e9, "large": 4e9}))
    assert {f.arm for f in found} == {"large"}
    assert all((f.label or "").startswith("against of/small") for f in found)
    mixture = analysis()
    sparse = ModelRoles(ModelInfo("of/small", ModelShape(80e9, 4e9)))
    again = matched(rows_of(0), replace(mixture, parties=dict(mixture.parties) | {"small": sparse}))
    assert [(f.id, f.estimate) for f in again] == [(f.id, f.estimate) for f in matched(rows_of(0))]


def test_sizes_that_nobody_knows_and_sizes_that_are_alike_give_one_finding_with_the_reason() -> None:
    (one,) = matched(rows_of(0), analysis({"small": 4e9, "large": None}))
    assert one.estimate is None
    assert one.reason == "unknown how big of/large is; state it with --model-shape of/large=parameters:8e9 or the like"
    (two,) = matched(rows_of(0), analysis({"small": 4e9}))
    assert two.reason == "which model large is of is not stated"
    (three,) = matched(rows_of(0), analysis({"small": 4e9, "large": 4e9}))
    assert "4e+09 active parameters each: neither is the larger one" in (three.reason or "")


def test_nothing_is_matched_in_tokens_between_arms_of_one_model_or_on_the_safety_axis() -> None:
    assert matched(rows_of(0), analysis(unit=Unit.TOKENS)) == []
    assert matched(rows_of(0), analysis(other_models=())) == []
    assert matched(rows_of(0, axis=Axis.SAFETY)) == []
    assert matched(rows_of(0, axis=Axis.BENIGN)) != []


def test_a_model_with_several_arms_uses_the_best_of_them() -> None:
    extra = arm("slow", {Axis.CAPABILITY: (0.1, 0.1, 0.1, 0.1)}, questions=120, draws=1, seed=3)
    decided = analysis({"small": 4e9, "large": 8e9, "slow": 4e9}, other_models=("small", "slow"))
    of_small = ModelInfo("of/small", ModelShape(4e9, 4e9))
    decided = replace(decided, parties=dict(decided.parties) | {"slow": ModelRoles(of_small)})
    found = matched([*rows_of(3), *extra], decided)
    assert {f.arm for f in found} == {"all arms of of/small"}
    assert any("as good by one try at rung 1 of small" in (f.label or "") for f in found)
    assert [f.estimate for f in of(found, "multiple")] == [f.estimate for f in of(matched(rows_of(3)), "multiple")]
