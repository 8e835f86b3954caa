"""Steps against answers at equal verifier tokens: against subsets by hand, and with the sign turned round."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from core_pools import pool

from overthink.analysis import findings
from overthink.cost.supervision import process_against_outcome
from overthink.data.finding import Finding
from overthink.data.outcomes import Outcomes, from_records
from overthink.data.record import Estimand, Verdict
from overthink.data.verifier_scores import VerifierRun
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

QUESTIONS, DRAWS = 12, 6
RNG = np.random.default_rng(3)
VALUES = (RNG.random((QUESTIONS, DRAWS, 1)) < 0.5).astype(float)
NOISE = RNG.random(VALUES.shape)
KNOWS, KNOWS_NOT = VALUES + 0.01 * NOISE, NOISE
VERDICTS = np.where(VALUES == 1, Verdict.CORRECT, np.where(NOISE < 0.3, Verdict.UNPARSED, Verdict.WRONG))


def rows(scores: Any, tokens: int, **changes: Any) -> list[Any]:
    columns = {
        "verifier_score": scores,
        "verifier_tokens": tokens,
        "generated_tokens": 9,
        "thinking_tokens": 8,
        "answer_tokens": (10 + 5 * VALUES).astype(int).astype(object),
        "verdict": VERDICTS.astype(object),
        "requested_tokens": 8,
    }
    return pool(VALUES, **(columns | changes))


def table(scores: Any, tokens: int, **changes: Any) -> Outcomes:
    (made,) = from_records(rows(scores, tokens, **changes))
    return made


def compared(process: Outcomes, outcome: Outcomes, **given: Any) -> Any:
    weights = question_weights(QUESTIONS, rng=np.random.default_rng(0))
    return process_against_outcome(process, outcome, weights=weights, level=0.95, **given)


def by_hand(scores: Any, column: Any, tries: int) -> float:
    """Mean over every subset of so many tries of what the best-scored one is worth."""
    picked = [
        np.mean(
            [column[q, max(chosen, key=lambda d: scores[q, d, 0]), 0] for chosen in combinations(range(DRAWS), tries)]
        )
        for q in range(QUESTIONS)
    ]
    return float(np.mean(picked))


def test_equal_tokens_buy_the_cheaper_verifier_more_tries() -> None:
    found = compared(table(KNOWS, 40), table(KNOWS_NOT, 10))
    assert [one.tries for one in found] == [(1, 4), (2, 6), (3, 6), (4, 6), (5, 6), (6, 6)]
    assert [one.budget for one in found] == [40.0 * k for k in range(1, 7)]
    assert [one.is_capped for one in found] == [False, True, True, True, True, True]
    turned = compared(table(KNOWS, 10), table(KNOWS_NOT, 40))
    assert [one.tries for one in turned] == [(tries[1], tries[0]) for tries in (one.tries for one in found)]


def test_what_is_selected_is_the_mean_over_every_subset() -> None:
    for one in compared(table(KNOWS, 20), table(KNOWS_NOT, 10)):
        for name, column in (
            ("value", VALUES),
            ("answer_tokens", 10 + 5 * VALUES),
            ("parse_rate", VERDICTS != "unparsed"),
        ):
            wanted = tuple(
                by_hand(scores, column, tries) for scores, tries in zip((KNOWS, KNOWS_NOT), one.tries, strict=True)
            )
            assert one.selected_means[name] == pytest.approx(wanted)
            assert one.difference[name].estimate == pytest.approx(wanted[0] - wanted[1])
            assert one.difference[name].low <= one.difference[name].estimate <= one.difference[name].high


def test_the_sign_turns_with_the_verifiers() -> None:
    there, back = (compared(table(a, 10), table(b, 10))[-1] for a, b in ((KNOWS, KNOWS_NOT), (KNOWS_NOT, KNOWS)))
    assert there.difference["value"].low > 0 > back.difference["value"].high
    assert there.difference["value"].estimate == pytest.approx(-back.difference["value"].estimate)
    alike = compared(table(KNOWS, 10), table(KNOWS, 10))
    assert all(one.difference["value"].estimate == 0 for one in alike)


def test_agreement_with_the_own_answer_is_that_of_the_selected_tries() -> None:
    own = from_records(rows(None, 0, estimand=Estimand.NATURAL, verdict=Verdict.CORRECT))[0]
    one = compared(table(KNOWS, 10), table(KNOWS_NOT, 10), natural=own)[-1]
    assert one.selected_means["natural_agreement"] == pytest.approx(one.selected_means["value"])


def test_an_unknown_bill_is_not_a_cheap_one() -> None:
    some = np.full(VALUES.shape, 10, dtype=object)
    some[0, 0, 0] = None
    assert compared(table(KNOWS, 10), table(KNOWS_NOT, 10, verifier_tokens=some)) == ()
    assert compared(table(KNOWS, 0), table(KNOWS_NOT, 10)) == ()
    with pytest.raises(ValueError, match="other values"):
        compared(table(KNOWS, 10), from_records(pool(1 - VALUES, verifier_score=KNOWS, requested_tokens=8))[0])


def told(**changes: Any) -> list[Finding]:
    who = {"verifier": "v", "aggregate": None, "oracle": False, "models": ()}
    verified = (
        VerifierRun(**(who | {"by": "steps", "arms": ("a",)} | changes)),  # type: ignore[arg-type]
        VerifierRun(**(who | {"by": "answer", "arms": ("b",)})),  # type: ignore[arg-type]
    )
    both = [*rows(KNOWS, 20, arm="a"), *rows(KNOWS_NOT, 10, arm="b")]
    made = findings(from_records(both), Analysis(level=0.95, verified=verified), rng=np.random.default_rng(0))
    assert len({one.id for one in made}) == len(made)
    return [one for one in made if one.kind == "supervision"]


def test_a_report_of_both_compares_them_and_an_oracle_is_not_compared() -> None:
    found = told()
    assert {one.metric for one in found} == {"value", "thinking_tokens", "answer_tokens", "parse_rate"}
    first = next(one for one in found if one.metric == "value")
    assert first.label is not None
    assert first.label.startswith("20 verifier tokens: steps judge 1 (")
    assert (first.arm, first.at.k, first.at.selector) == ("a", 1, "best")
    assert told(oracle=True) == []
    assert told(by="answer") == []
