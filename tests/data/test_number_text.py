"""Ties are rounded up by the decimal that is meant, in every place alike."""

import pytest

from overthink.data.number_text import fixed
from overthink.data.shape_text import no_turn_text
from overthink.governance.statement.wording import percent, points
from overthink.reports import wording


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0375, "3.8"),
        (0.0365, "3.7"),
        (0.1 + 0.2 - 0.26225, "3.8"),
        (0.9995, "100.0"),
        (0.00049, "0.0"),
        (0.6285, "62.9"),
    ],
)
def test_a_share_is_printed_alike_everywhere(share: float, shown: str) -> None:
    assert percent(share) == wording.percent(share) == f"{shown}%"
    assert points(share) == f"+{shown} points"
    assert wording.points(share) == f"+{shown}"
    assert no_turn_text("rise", share) == f"no rise shown; at most {shown} points"


def test_large_numbers_have_no_decimals_left() -> None:
    assert fixed(1e18, 0) == "1,000,000,000,000,000,000"
    assert fixed(-0.05, 1) == "-0.1"
