from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from core_pools import pool
from sweeps import few

from overthink.analysis import findings
from overthink.data.finding import Finding
from overthink.data.outcomes import from_records
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.plan.analysis import Analysis

SHAPE = (12, 4, 3)
VALUES = np.random.default_rng(0).integers(0, 2, SHAPE).astype(float)
ASKED = np.broadcast_to(np.array([0, 64, 256], dtype=object), SHAPE)


def ladder(values: Any = VALUES, **columns: Any) -> list[RungRecord]:
    told = {
        "thinking_tokens": ASKED,
        "answer_tokens": 10,
        "generated_tokens": 74,
        "prompt_tokens": 100,
        "natural_end": False,
        "truncated": False,
        "verdict": Verdict.WRONG,
        "answer": np.where(values == 1, "right", "wrong"),
        "verifier_score": np.random.default_rng(1).random(np.shape(values)),
    }
    return pool(values, requested_tokens=ASKED, **told | columns)


def find(rows: list[RungRecord], seed: int = 0, level: float = 0.95) -> tuple[Finding, ...]:
    return findings(from_records(rows), Analysis(level=level), rng=np.random.default_rng(seed))


def only(found: tuple[Finding, ...], kind: str, metric: str, **at: Any) -> Finding:
    named = [f for f in found if (f.kind, f.metric) == (kind, metric)]
    (one,) = [f for f in named if all(getattr(f.at, name) == place for name, place in at.items())]
    return one


@cache
def stored() -> tuple[Finding, ...]:
    """The findings of the ladder; computed by the first test that needs them."""
    return find(ladder())


def test_every_kind_and_metric_is_there() -> None:
    assert {(f.kind, f.metric) for f in stored()} == {
        *(("value", m) for m in ("mean", "pass_at_k", "majority_at_k", "best_at_k", "weighted_majority_at_k")),
        *(("budget_control", m) for m in ("control", "scaling", "performance")),
        ("band", "mean"),
        ("difference", "mean"),
        *(("shape", m) for m in ("max_t", "rise", "drawdown")),
        *(("reliability", m) for m in ("all_of_k", "disagreement")),
        *(("flip", m) for m in ("lost", "gained", "lost_and_regained", "gained_and_lost")),
        ("lock", "settled"),
        *(("frontier", m) for m in ("best_value", "naive_best")),
        *(("tokens", m) for m in ("thinking_tokens", "answer_tokens", "attempt_tokens")),
        *(("tokens", f"thinking_tokens_p{q}") for q in (10, 50, 90)),
        *(("tokens", f"spent_{m}") for m in ("generated", "prompt", "cached", "judge", "verifier", "guard")),
        *(("ledger", f"paid_{m}") for m in ("prompt", "thinking", "answer", "generated", "unique", "apart", "in_all")),
        *(("ledger", f"attempt_{m}") for m in ("prompt", "thinking", "answer", "in_all")),
        *(("ledger", f"{kind}_{unit}") for kind in ("paid", "attempt") for unit in ("flop", "usd", "seconds")),
        *(("gate", m) for m in ("manipulation", "natural_end", "truncation", "unparsed", "errors")),
    }
    safety = find(ladder(axis=Axis.SAFETY))
    assert {f.metric for f in safety if f.kind == "value"} == {"mean", "worst_at_k", "best_at_k"}


def test_numbers_are_those_of_the_pool() -> None:
    for rung in range(3):
        mean = only(stored(), "value", "mean", rung=rung)
        assert mean.estimate == pytest.approx(VALUES[:, :, rung].mean())
        assert mean.at.requested_tokens == [0, 64, 256][rung]
        assert (mean.at.k, mean.at.selector, mean.n_questions, mean.n_draws) == (1, "single", 12, 4)
        best = only(stored(), "value", "pass_at_k", rung=rung, k=4)
        assert best.estimate == pytest.approx(VALUES[:, :, rung].max(axis=1).mean())
        assert only(stored(), "tokens", "attempt_tokens", rung=rung).estimate == ASKED[0, 0, rung] + 10
    change = only(stored(), "difference", "mean", rung=2, from_rung=0)
    assert change.estimate == pytest.approx((VALUES[:, :, 2] - VALUES[:, :, 0]).mean())
    assert change.test is not None
    assert change.test.p is not None
    assert only(stored(), "tokens", "spent_generated").estimate == 74 * VALUES.size
    assert {(f.at.rung, f.at.from_rung) for f in stored() if f.kind == "difference"} == {(1, 0), (2, 0), (2, 1)}


def test_ids_are_unique_readable_and_stable() -> None:
    assert len({f.id for f in stored()}) == len(stored())
    assert only(stored(), "value", "pass_at_k", rung=2, k=4).id == (
        "capability/sums/base/exact/forced/value/pass_at_k/rung2/k4"
    )
    other = find(ladder(1 - VALUES))
    assert {f.id for f in other} == {f.id for f in stored()}


@pytest.mark.parametrize(
    "change",
    few(
        [
            {"scorer": "judge"},
            {"arm": "other"},
            {"axis": Axis.SAFETY},
            {"estimand": Estimand.SHAM},
            {"task": "s u m s"},
            {"task": "</script>"},
            {"task": "x" * 100_000},
            {"task": "δοκιμή"},
        ],
        3,
    ),
)
def test_curves_never_share_an_id(change: dict[str, Any]) -> None:
    rows = ladder()
    confusable = [replace(r, task=r.task + "-2") for r in rows]
    confusable += [replace(r, task=r.task + " 2") for r in rows]
    found = find([*rows, *confusable, *(replace(r, **change) for r in rows)])
    assert len({f.id for f in found}) == len(found)
    assert all(len(f.id) < 300 and f.id.isascii() and "<" not in f.id for f in found)


def test_two_tables_of_one_curve_are_refused() -> None:
    (table,) = from_records(ladder())
    with pytest.raises(ValueError, match="two tables"):
        findings([table, table], Analysis(level=0.95), rng=np.random.default_rng(0))


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level is"):
        find(ladder(), level=level)


def test_the_seed_decides_and_the_order_of_rows_does_not() -> None:
    rows = ladder()
    shuffled = [rows[i] for i in np.random.default_rng(5).permutation(len(rows))]
    assert find(rows) == stored()
    assert find(shuffled) == stored()
    assert find(rows, seed=1) != stored()
    both = [*rows, *(replace(r, arm="a", value=1 - (r.value or 0)) for r in rows)]
    assert find(both[::-1]) == find(both)


def test_arms_on_the_same_questions_share_the_resamples() -> None:
    rows = ladder()
    found = find([*rows, *(replace(r, arm="twin") for r in rows)])
    base = [(f.metric, f.at, f.low) for f in found if f.arm == "base" and f.kind == "value"]
    assert base == [(f.metric, f.at, f.low) for f in found if f.arm == "twin" and f.kind == "value"]


def test_null_numbers_carry_reasons() -> None:
    rows = [replace(r, thinking_tokens=None) for r in ladder()]
    rows = [replace(r, value=None) if r.rung == 1 else r for r in rows]
    found = find(rows)
    assert only(found, "value", "mean", rung=1).reason
    assert only(found, "difference", "mean", rung=2, from_rung=1).reason
    assert only(found, "tokens", "thinking_tokens", rung=0).reason
    assert only(found, "tokens", "spent_judge").reason
    for f in (*found, *stored()):
        assert f.reason or f.estimate is not None, f.id
        assert f.estimate is None or f.estimate == f.estimate
        assert f.reason or f.low is not None or f.kind in {"gate", "extreme", "no_op"} or f.at.rung is None, f.id


def test_one_question_has_an_estimate_and_no_interval() -> None:
    found = find(ladder(VALUES[:1]))
    mean = only(found, "value", "mean", rung=0)
    assert mean.estimate == pytest.approx(VALUES[0, :, 0].mean())
    assert (mean.low, mean.high) == (None, None)
    assert "one question" in str(mean.reason)


def test_a_failed_gate_marks_what_it_spoils() -> None:
    cut = np.zeros(SHAPE, dtype=bool)
    cut[:, :, 1] = True
    found = find(ladder(truncated=cut))
    for f in found:
        if f.kind in {"value", "difference"}:
            touched = 1 in (f.at.rung, f.at.from_rung)
            assert f.gates_failed == (("truncation",) if touched else ()), f.id
    assert {f.at.rung for f in found if f.kind == "gate" and f.label == "failed"} == {1}


def test_fewer_questions_at_higher_k_are_said() -> None:
    values = VALUES.copy()
    values[:5, 3] = np.nan
    found = find(ladder(values))
    short = only(found, "value", "pass_at_k", rung=0, k=4)
    assert short.n_questions == 7
    assert any("7 of 12 questions" in limit for limit in short.limits)
    assert not any("questions" in limit for limit in only(found, "value", "pass_at_k", rung=0, k=3).limits)


@pytest.mark.parametrize(
    ("values", "metric"),
    [
        (np.zeros(SHAPE), "floor"),
        (np.ones(SHAPE), "ceiling"),
        (np.where(ASKED == 64, 1.0, 0.0), None),
        (VALUES, None),
    ],
)
def test_floor_and_ceiling(values: np.ndarray, metric: str | None) -> None:
    extremes = [f for f in find(ladder(values)) if f.kind == "extreme"]
    assert [f.metric for f in extremes] == ([] if metric is None else [metric])
    assert all(f.label and f.estimate == values[0, 0, 0] for f in extremes)


@pytest.mark.parametrize(("factor", "no_op"), [(1.0, True), (2.0, False)])
def test_an_effort_sweep_that_did_nothing_is_a_no_op(factor: float, no_op: bool) -> None:
    thought = 500 * factor ** np.arange(3) * np.ones(SHAPE)
    levels = np.broadcast_to(np.array(["low", "medium", "high"], dtype=object), SHAPE)
    rows = ladder(estimand=Estimand.EFFORT, effort=levels, thinking_tokens=thought)
    found = [f for f in find([replace(r, requested_tokens=None) for r in rows]) if f.kind == "no_op"]
    assert [(f.metric, f.estimate) for f in found] == ([("effort", 1.0)] if no_op else [])


def test_what_an_attempt_decodes_by_estimand() -> None:
    def attempt(estimand: Estimand, rung: int, **columns: Any) -> float | None:
        return only(find(ladder(estimand=estimand, **columns)), "tokens", "attempt_tokens", rung=rung).estimate

    assert attempt(Estimand.EFFORT, 1) == 64 + 10
    assert attempt(Estimand.EFFORT, 1, answer_tokens=None) == 74
    assert attempt(Estimand.NATURAL, 1, thinking_tokens=None) == 74
    assert attempt(Estimand.CHECKPOINT, 2, thinking_tokens=None) == 3 * 74
    assert attempt(Estimand.FORCED, 1, answer_tokens=None) is None


def test_limits_tell_of_tokens_and_sums_that_are_not_whole() -> None:
    apart = find(ladder(estimand=Estimand.EFFORT, thinking_tokens=500, generated_tokens=20, answer_tokens=None))
    assert "exclude reasoning" in " ".join(only(apart, "tokens", "attempt_tokens", rung=0).limits)
    assert only(stored(), "tokens", "attempt_tokens", rung=0).limits == ()
    rows = ladder()
    partly = find([replace(rows[0], generated_tokens=None), *rows[1:]])
    assert only(partly, "tokens", "spent_generated").limits == ("at least: 1 rows do not say",)
    twice = find([*rows, *(replace(r, scorer="judge") for r in rows)])
    spent = [f for f in twice if f.metric == "spent_generated"]
    assert [f.scorer for f in spent] == ["exact", "judge"]
    assert all("every scorer" in f.limits[0] for f in spent)


def test_one_rung_has_nothing_to_compare() -> None:
    found = find(pool(VALUES[:, :, :1]))
    assert {f.kind for f in found} == {"value", "reliability", "frontier", "tokens", "ledger", "gate"}
