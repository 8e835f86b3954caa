"""Arms on one axis of any unit: in tokens as ever, the same whatever the scale, and unknown with a reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from arm_pools import BUDGETS, three
from numpy.typing import NDArray

from overthink.analysis.frontier import frontiers
from overthink.analysis.mitigations import comparisons
from overthink.analysis.request import CurveContext
from overthink.cost.equal_terms import ComputeCurve, common_costs
from overthink.cost.estimate import Rates
from overthink.cost.model_shape import ModelShape
from overthink.cost.units import ModelInfo, ModelRoles, Unit
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, RungRecord
from overthink.data.results.study import arm_findings, findings_of
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

Array = NDArray[np.float64]

QUESTIONS, DRAWS = 24, 3

ROWS = [
    replace(row, attempt_seconds=0.5 + (row.thinking_tokens or 0) / 100)
    for row in three(questions=QUESTIONS, draws=DRAWS)
    if row.axis is not Axis.BENIGN
]
MODEL, GUARD = 8e9, 1e9


def parties(model: float | None = MODEL, guard: float | None = GUARD) -> Mapping[str, ModelRoles]:
    """Everybody's model, with a guard on the arm "keeps"; prices in USD per token."""
    rates = Rates(prompt=1e-6, cached=1e-6, decoded=4e-6, source="a list")
    own = ModelInfo("of/model", ModelShape(model, model), rates)
    watched = ModelRoles(
        own, guards=(ModelInfo("of/guard", ModelShape(guard, guard), Rates(1e-7, 1e-7, 1e-7, "a list")),)
    )
    return {"base": ModelRoles(own), "halves": ModelRoles(own), "keeps": watched}


def told(
    rows: Iterable[RungRecord],
    unit: Unit,
    who: Mapping[str, ModelRoles] | None = None,
    *,
    budgets: bool = True,
    flop_per_byte: float | None = None,
) -> list[Finding]:
    known = parties() if who is None else who
    decided = Analysis(level=0.95, unit=unit, parties=known, flop_per_byte=flop_per_byte)
    pages = []
    for table in from_records(list(rows)):
        weights = question_weights(len(table.questions), rng=np.random.default_rng(0), resamples=20)
        prefix = "/".join((table.axis, table.task, table.arm))
        pages.append(CurveContext.of(table, decided, prefix=prefix, scorers=1, family=1, weights=weights))
    made = list(arm_findings(comparisons(pages, rng=np.random.default_rng(0))))
    best = frontiers(pages, rng=np.random.default_rng(0)) if budgets else ()
    return [*made, *findings_of(list(best))]


@pytest.fixture(scope="module")
def by_unit() -> dict[Unit, list[Finding]]:
    return {unit: told(ROWS, unit) for unit in Unit}


def numbers(finding: Finding) -> tuple[object, ...]:
    """What must not hang on the scale of the axis."""
    k = (
        (finding.label or "").rpartition("K (total compute) = ")[2]
        if "K (total compute) = " in (finding.label or "")
        else None
    )
    p = () if finding.test is None else (finding.test.p, finding.test.p_adjusted, finding.test.mde)
    shown = (finding.estimate, finding.low, finding.high, *p)
    rounded = tuple(None if x is None else round(x, 9) for x in shown)
    verdict = finding.label if finding.kind == "mitigation" else None
    return (finding.metric, finding.arm, finding.at.rung, finding.at.k, finding.at.selector, *rounded, k, verdict)


def free_of_scale(found: Sequence[Finding]) -> list[tuple[object, ...]]:
    return [numbers(f) for f in found if f.metric not in ("compared_total", "compute_difference")]


def totals(found: Sequence[Finding]) -> Array:
    return np.array([f.at.total for f in found if f.at.total is not None])


def test_in_tokens_nothing_hangs_on_who_works_for_the_arms(by_unit: dict[Unit, list[Finding]]) -> None:
    assert told(ROWS, Unit.TOKENS, {}) == by_unit[Unit.TOKENS]
    assert {f.at.unit for f in by_unit[Unit.TOKENS] if f.at.total is not None} == {"tokens"}


def test_in_tokens_the_places_and_differences_are_those_of_the_rows(by_unit: dict[Unit, list[Finding]]) -> None:
    """An oracle that sums the columns of the pool by hand and knows nothing of units."""
    placed = {}
    for arm in ("base", "keeps"):
        mine = [row for row in ROWS if row.arm == arm and row.axis == "safety"]
        cost, value = np.zeros((2, QUESTIONS, len(BUDGETS)))
        for row in mine:
            decoded = (row.thinking_tokens or 0) + (row.rejected_tokens or 0) + (row.answer_tokens or 0)
            cost[int(row.question[1:]), row.rung] += (
                decoded + (row.guard_tokens or 0) + (row.prompt_tokens or 0)
            ) / DRAWS
            value[int(row.question[1:]), row.rung] += (row.value or 0) / DRAWS
        placed[arm] = ComputeCurve.of(value, cost)
    mine_found = [f for f in by_unit[Unit.TOKENS] if f.arm == "keeps" and f.axis == "safety"]
    points = [f for f in mine_found if (f.kind, f.metric) == ("arm_difference", "equal_compute")]
    where = common_costs(placed["keeps"], placed["base"])
    assert [f.at.total for f in points] == pytest.approx([one.cost for one in where])
    for made, one in zip(points, where, strict=True):
        change = placed["keeps"].at(one.cost, one.influences) - placed["base"].at(one.cost, one.influences)
        assert made.estimate == pytest.approx(change.mean())
    places = [f.estimate for f in mine_found if f.metric == "compared_total"]
    assert places == pytest.approx(placed["keeps"].cost.tolist())


def test_flop_of_weights_alone_are_tokens_on_another_scale() -> None:
    """2·N per token, prompts and guards too: one unit is a multiple of the other, so nothing but the scale changes."""
    same = parties(guard=MODEL)
    flop, tokens = (told(ROWS, unit, same, budgets=False) for unit in (Unit.FLOP, Unit.TOKENS))
    assert free_of_scale(flop) == free_of_scale(tokens)
    np.testing.assert_allclose(totals(flop), 2 * MODEL * totals(tokens))


@pytest.mark.parametrize("unit", [Unit.FLOP, Unit.USD])
def test_a_constant_times_all_costs_changes_no_k_and_no_value(unit: Unit, by_unit: dict[Unit, list[Finding]]) -> None:
    def dearer(party: ModelInfo) -> ModelInfo:
        size, rates = party.shape.active_parameters, party.rates
        assert size is not None
        assert rates is not None
        larger = Rates(*(100 * rate for rate in (rates.prompt, rates.cached, rates.decoded)), rates.source)
        return replace(party, shape=ModelShape(100 * size, 100 * size), rates=larger)

    who = {
        arm: replace(one, model=dearer(one.model), guards=tuple(map(dearer, one.guards)))
        for arm, one in parties().items()
    }
    scaled = told(ROWS, unit, who)
    assert free_of_scale(scaled) == free_of_scale(by_unit[unit])
    np.testing.assert_allclose(totals(scaled), 100 * totals(by_unit[unit]))
    # Positive control: a guard that alone costs more is another axis.
    other = told(ROWS, unit, {**parties(), "keeps": who["keeps"]}, budgets=False)
    same = free_of_scale(by_unit[unit])
    assert not all(number in same for number in free_of_scale(other))


def test_a_guard_counts_with_its_own_size_and_price(by_unit: dict[Unit, list[Finding]]) -> None:
    thought = np.array(BUDGETS)
    own, read = 10 + 1.2 * thought, 0.5 * thought
    wanted = {
        Unit.TOKENS: 30 + own + read,
        Unit.FLOP: 2 * MODEL * (30 + own) + 2 * GUARD * read,
        Unit.USD: 1e-6 * 30 + 4e-6 * own + 1e-7 * read,
        Unit.SECONDS: 0.5 + thought / 100,
    }
    for unit, cost in wanted.items():
        mine = (f for f in by_unit[unit] if (f.metric, f.arm, f.axis) == ("compared_total", "keeps", "safety"))
        np.testing.assert_allclose([f.estimate for f in mine], cost, rtol=0.01)


def test_labels_name_the_unit(by_unit: dict[Unit, list[Finding]]) -> None:
    def labels(unit: Unit, kind: str) -> list[str]:
        return [f.label or "" for f in by_unit[unit] if f.kind == kind and f.at.total is not None]

    ends = {
        Unit.FLOP: " FLOP, K (total compute) = ",
        Unit.USD: " USD, K (total compute) = ",
        Unit.SECONDS: " s, K (total compute) = ",
    }
    for unit, end in ends.items():
        assert all(end in label for label in labels(unit, "arm_difference"))
        assert {f.at.unit for f in by_unit[unit] if f.at.total is not None} == {unit.value}
    assert labels(Unit.FLOP, "arm_difference")[0] == "against base, at 6.4 × 10¹¹ FLOP, K (total compute) = 1"
    assert labels(Unit.FLOP, "frontier")[0].startswith("within 1.6 × 10¹¹ FLOP: one try at rung 0")
    assert labels(Unit.USD, "frontier")[0].startswith("within 4 × 10⁻⁵ USD: ")


def test_bounds_and_what_is_taken_for_granted_are_in_the_limits(by_unit: dict[Unit, list[Finding]]) -> None:
    made = [f for f in by_unit[Unit.FLOP] if f.arm == "keeps" and f.metric == "equal_compute"]
    for said in ("at least: not counted is attention of model of/model", "at least: not counted is attention of guard"):
        assert all(any(limit.startswith(said) for limit in f.limits) for f in made if f.kind == "arm_difference")
    plain = next(f for f in by_unit[Unit.FLOP] if f.metric == "compared_total" and f.arm == "base")
    assert not any("guard of/guard" in limit for limit in plain.limits)
    budgets = next(f for f in by_unit[Unit.FLOP] if f.metric == "best_value")
    assert any(limit.startswith("budgets are mean FLOP per question") for limit in budgets.limits)
    assert any("attention of model of/model" in limit for limit in budgets.limits)


def test_what_is_unknown_in_one_unit_blocks_neither_other_units_nor_other_arms() -> None:
    who = dict(parties(guard=None))
    (guard,) = who["keeps"].guards
    who["keeps"] = replace(who["keeps"], guards=(replace(guard, rates=None),))
    flop = told(ROWS, Unit.FLOP, who)
    for kind, metric in (("mitigation", "equal_compute"), ("arm_difference", "equal_compute")):
        (made,) = (f for f in flop if (f.kind, f.metric, f.arm, f.axis) == (kind, metric, "keeps", "safety"))
        assert made.estimate is None
        assert made.reason is not None
        assert "size of guard of/guard" in made.reason
        assert made.reason.endswith("state it with --model-shape of/guard=parameters:8e9 or the like")
        (other,) = (f for f in flop if (f.kind, f.metric, f.arm, f.axis) == ("mitigation", metric, "halves", "safety"))
        assert other.estimate is not None
    (ratio,) = (f for f in flop if (f.metric, f.arm, f.axis) == ("compute", "keeps", "safety"))
    assert "size of guard of/guard" in (ratio.reason or "")
    # At rung 0 the guard reads nothing: what an attempt costs there is known.
    places = [f for f in flop if (f.metric, f.arm, f.axis) == ("compared_total", "keeps", "safety")]
    assert [f.estimate is None for f in places] == [False, True, True, True]
    (together, *_) = (f for f in flop if f.metric == "best_value" and f.arm == "all arms")
    assert "keeps" not in (together.label or "")
    assert any("price of guard of/guard" in (f.reason or "") for f in told(ROWS, Unit.USD, who, budgets=False))
    for unit in (Unit.TOKENS, Unit.SECONDS):
        mine = told(ROWS, unit, who, budgets=False)
        assert free_of_scale(mine) == free_of_scale(told(ROWS, unit, budgets=False))


@pytest.mark.parametrize(
    ("unit", "who", "reason"),
    [
        (Unit.FLOP, {}, "no model size is stated"),
        (Unit.USD, {}, "no price is known"),
        (Unit.EFFECTIVE_FLOP, parties(), "bytes per parameter"),
    ],
)
def test_without_sizes_prices_or_hardware_there_is_a_reason(
    unit: Unit, who: Mapping[str, ModelRoles], reason: str
) -> None:
    found = told(ROWS, unit, who)
    at_compute = [f for f in found if f.metric in ("equal_compute", "compared_total", "best_value", "compute")]
    assert at_compute
    assert all(f.estimate is None and reason in (f.reason or "") for f in at_compute)
    assert any(f.estimate is not None for f in found if f.metric == "equal_rung")


def test_effective_flop_need_the_hardware_and_are_more_than_flop() -> None:
    whole = ModelShape(MODEL, MODEL, layers=32, heads=32, kv_heads=8, hidden_size=4096, weight_bytes=2, cache_bytes=2)
    who = {arm: ModelRoles(ModelInfo("of/model", whole)) for arm in ("base", "halves")}
    rows = [row for row in ROWS if row.arm in who and row.axis is Axis.SAFETY]

    def places(unit: Unit, flop_per_byte: float | None) -> list[Finding]:
        found = told(rows, unit, who, budgets=False, flop_per_byte=flop_per_byte)
        return [f for f in found if f.metric == "compared_total" and f.arm == "halves"]

    assert all("no FLOP per byte" in (f.reason or "") for f in places(Unit.EFFECTIVE_FLOP, None))
    flop, slow, fast = (
        np.array([f.estimate for f in places(unit, per_byte)])
        for unit, per_byte in ((Unit.FLOP, None), (Unit.EFFECTIVE_FLOP, 295.0), (Unit.EFFECTIVE_FLOP, 0.0))
    )
    np.testing.assert_allclose(fast, flop)
    assert (slow > 50 * flop).all()


def test_where_nobody_took_the_time_there_is_no_axis_of_seconds() -> None:
    found = told([replace(row, attempt_seconds=None) for row in ROWS], Unit.SECONDS, budgets=False)
    assert all("nobody took the time" in (f.reason or "") for f in found if f.metric == "compared_total")


def test_what_costs_nothing_has_no_place_on_a_log_axis() -> None:
    free = {arm: ModelRoles(ModelInfo("here", free=True), guards=(ModelInfo("there", free=True),)) for arm in parties()}
    found = told(ROWS, Unit.USD, free)
    reasons = {f.reason for f in found if f.metric == "equal_compute"}
    assert reasons == {"an attempt costs no USD at some rung"}
    assert {f.reason for f in found if f.metric == "best_value"} == {"no allocation costs any USD"}
    assert {f.reason for f in found if f.metric == "compute"} == {"an attempt of the reference costs no USD"}
