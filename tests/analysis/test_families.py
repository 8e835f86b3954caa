"""Families of curves: who is adjusted with whom, who cannot show anything, and what that costs the others."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from core_pools import pool
from sweeps import few

from overthink.analysis import findings
from overthink.analysis.families import families
from overthink.data.finding import Finding
from overthink.data.outcomes import Outcomes, from_records
from overthink.data.record import Estimand, RungRecord
from overthink.errors import InputError
from overthink.plan.analysis import Analysis

BUDGETS = [0, 64, 256, 1024, 4096]
HUMP = [0.3, 0.5, 0.8, 0.5, 0.3]
FLAT = [0.5] * 5


def rows(means: list[float], questions: int, *, seed: int = 0, draws: int = 2, **columns: Any) -> list[RungRecord]:
    values = (np.random.default_rng(seed).random((questions, draws, 5)) < means).astype(float)
    asked = np.broadcast_to(np.array(BUDGETS, dtype=object), values.shape)
    return pool(values, **{"requested_tokens": asked} | columns)


def curves(*parts: list[RungRecord]) -> list[Outcomes]:
    return from_records([row for part in parts for row in part])


def verdicts(*parts: list[RungRecord], **decided: Any) -> dict[str, Finding]:
    tables = from_records([row for part in parts for row in part])
    found = findings(tables, Analysis(level=0.95, **decided), rng=np.random.default_rng(0))
    return {f.task: f for f in found if f.kind == "shape" and f.metric == "max_t"}


def tiny(n: int, questions: int = 4) -> list[RungRecord]:
    return [row for i in range(n) for row in rows(FLAT, questions, seed=50 + i, task=f"tiny{i:02}")]


def test_curves_that_cannot_show_anything_cost_the_others_nothing() -> None:
    study = rows([0.35, 0.4, 0.55, 0.4, 0.35], 60, task="one")
    alone = verdicts(study)["one"]
    beside = verdicts(study, tiny(30))["one"]
    assert alone.test is not None
    assert beside.test is not None
    assert beside.test.p_adjusted == beside.test.p
    assert beside.test.mde == pytest.approx(alone.test.mde, rel=0.05)  # seeds follow the sets of questions
    paying = verdicts(study, tiny(30, questions=40))["one"]  # the control: they could show something
    assert paying.test is not None
    assert paying.test.p_adjusted is not None
    assert paying.test.p is not None
    assert paying.test.p_adjusted > 5 * paying.test.p
    assert (paying.test.mde or 0) > 1.2 * (beside.test.mde or 1)


def test_a_curve_with_too_few_questions_says_so() -> None:
    found = verdicts(rows(HUMP, 100, task="one"), tiny(1))
    small = found["tiny00"]
    assert small.label == "undetermined"
    assert "too few questions: with 4 the smallest possible p-value is about 0.06" in str(small.reason)
    assert any("not counted" in limit for limit in small.limits)
    assert found["one"].label == "hump"
    assert not any("too few" in limit for limit in found["one"].limits)


def test_how_few_are_too_few_depends_on_the_family() -> None:
    tables = curves(tiny(1, questions=6), rows(FLAT, 100, task="a"))
    assert all(family.is_member for family in families(tables, Analysis(level=0.95)).values())
    many = curves(tiny(1, questions=6), *(rows(FLAT, 100, task=f"a{i}") for i in range(4)))
    found = families(many, Analysis(level=0.95))
    assert [key.task for key, family in found.items() if not family.is_member] == ["tiny00"]
    assert {family.size for family in found.values()} == {4}


def test_hundreds_of_curves_leave_room_for_a_clear_verdict() -> None:
    """Resampling alone cannot go below about 3/40,000, and 1,000 curves need .00005."""
    (table,) = curves(rows(FLAT, 60))
    many = [replace(table, task=f"{i}") for i in range(1000)]
    found = families(many, Analysis(level=0.95))
    assert {family.size for family in found.values()} == {1000}
    assert all(family.is_member for family in found.values())


def test_controls_are_a_family_of_their_own() -> None:
    tables = curves(rows(FLAT, 40), rows(FLAT, 40, estimand=Estimand.SHAM), rows(FLAT, 40, task="b"))
    sizes = {(key.task, key.estimand): family.size for key, family in families(tables, Analysis(level=0.95)).items()}
    assert sizes == {("sums", "forced"): 2, ("sums", "sham"): 1, ("b", "forced"): 2}


@pytest.mark.parametrize("named", few(["one", "on*", "one/base", "one/*"], 2))
def test_declared_curves_are_adjusted_among_themselves(named: str) -> None:
    weak = rows([0.4, 0.45, 0.55, 0.45, 0.4], 100, task="one", seed=3)
    noise = [row for i in range(8) for row in rows(FLAT, 60, seed=20 + i, task=f"noise{i}")]
    everyone, declared = verdicts(weak, noise), verdicts(weak, noise, primary=(named,))
    assert everyone["one"].test is not None
    assert declared["one"].test is not None
    assert everyone["one"].test.p_adjusted == pytest.approx(min(1, 9 * (everyone["one"].test.p or 0)), rel=0.3)
    assert declared["one"].test.p_adjusted == declared["one"].test.p
    assert (declared["one"].test.mde or 1) < (everyone["one"].test.mde or 0)
    assert any(limit.endswith("(Holm): all curves of the report") for limit in everyone["one"].limits)
    assert any("the curves declared as primary" in limit for limit in declared["one"].limits)
    assert any("8 curves (Holm): the curves beside those declared" in limit for limit in declared["noise0"].limits)


def test_a_declaration_that_matches_nothing_is_one_clear_error() -> None:
    with pytest.raises(InputError, match="--primary two matches no curve .* of one/base"):
        verdicts(rows(HUMP, 30, task="one"), primary=("one", "two"))
