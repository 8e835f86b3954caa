"""The table of costs tells what was made again, and what nobody knows."""

from dataclasses import replace
from typing import Any

import pytest

from overthink.cost.estimate import Estimate, StudyUsage
from overthink.data.tokens import NO_USAGE, TokenUsage
from overthink.reports import About
from overthink.reports.tables.ledger import cost_note, cost_rows

ESTIMATE = Estimate(10, (1000, 1000), (1, 900), 0, (0, 0), None, "no charge", free=True)
SPENT = StudyUsage(1234, None, 567, 0, None, 0)
AGAIN = "of it in traces that were cut short and made again"


def about(**told: Any) -> About:
    spent = replace(SPENT, **told)
    return About("t", "s", made_with="0", created_at="2030", estimate=ESTIMATE, actual_cost=spent)


def test_a_study_in_which_nothing_was_made_again_does_not_speak_of_it() -> None:
    assert AGAIN not in [name for name, _, _ in cost_rows(about())]
    assert not any(word in cost_note(about()) for word in ("failed", "cut short"))


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (TokenUsage(1200, 0, decoded_tokens=34), "1,200 prompt, 34 decoded"),
        (TokenUsage(5, 0, decoded_tokens=6, judge_tokens=7), "5 prompt, 6 decoded, 7 judge"),
        (TokenUsage(None, None, decoded_tokens=6), "unknown prompt, 6 decoded"),
        (NO_USAGE, "0 prompt, 0 decoded"),
    ],
)
def test_what_was_made_again_is_part_of_the_sum_and_told(again: TokenUsage, said: str) -> None:
    rows = {name: (estimated, spent) for name, estimated, spent in cost_rows(about(retry_usage=again, n_cut_short=1))}
    assert rows["decoded tokens"][1] == "567"
    assert rows[AGAIN] == ("none", said)


def test_what_nobody_knows_is_said() -> None:
    assert "1 trace failed: what it took is counted, but for the request that failed itself" in cost_note(
        about(n_failed=1)
    )
    assert "3 traces failed: what they took is counted" in cost_note(about(n_failed=3))
    assert "Unknown, and in no sum: what 2 requests took" in cost_note(about(n_unanswered=2))
