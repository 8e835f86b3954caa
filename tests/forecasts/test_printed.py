"""A printed percentage is an interval, and what it leaves open at other numbers of tries."""

import numpy as np
import pytest

from overthink.forecasts.printed import PrintedShare, printed_band, printed_share


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (".2 %", 0.0015, 0.0025),
        ("0.2%", 0.0015, 0.0025),
        ("0.20%", 0.00195, 0.00205),
        ("63%", 0.625, 0.635),
        ("0%", 0.0, 0.005),
        ("100 %", 0.995, 1.0),
        ("0.002", 0.0015, 0.0025),
        ("1", 0.5, 1.0),
        ("1e-05", 0.5e-5, 1.5e-5),
        ("1.50E-5", 1.495e-5, 1.505e-5),
        (".2e+1 %", 0.015, 0.025),
        ("5e-1%", 0.0045, 0.0055),
    ],
)
def test_a_printed_share_is_half_a_unit_of_its_last_digit_to_either_side(text: str, low: float, high: float) -> None:
    share = printed_share(text)
    assert (share.low, share.high) == (low, high)


@pytest.mark.parametrize(
    "text", ["", ".", "two", "-1%", "101%", "1.5", "nan", "5 % %", "e-5", "1e", "1e-5.0", "1e0 1", "1e-9999"]
)
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needed: "):
        printed_share(text)


def exact(value: float) -> PrintedShare:
    return PrintedShare(value, value, str(value))


def test_one_share_allows_all_alike_to_all_or_nothing() -> None:
    # Concave in the chance: most where all questions are alike, least where each succeeds always or never.
    low, high = printed_band({1: printed_share(".2 %")}, [1, 100, 10_000])
    np.testing.assert_allclose(low, 0.0015, atol=1e-6)
    np.testing.assert_allclose(high, 1 - (1 - 0.0025) ** np.array([1, 100, 10_000]), atol=2e-4)


def test_a_published_pair_exists_only_as_printed() -> None:
    # .2 % at one try and 21.7 % at a hundred (published): .2 % exactly gives at most 18.1 %.
    pair = {1: printed_share(".2 %"), 100: printed_share("21.7 %")}
    low, high = printed_band(pair, [10])
    assert 0.015 < low[0] <= high[0] < 0.0248
    with pytest.raises(ValueError, match=r"no distribution .* 21.7 % at k = 100"):
        printed_band({**pair, 1: exact(0.002)}, [10])


def test_the_band_holds_the_truth_of_any_bank_and_narrows_with_more_shares() -> None:
    draw = np.random.default_rng(1)
    for chances in (draw.beta(0.3, 5, size=200), draw.beta(3, 300, size=200), np.array([0.0] * 150 + [0.4] * 50)):
        at = {k: float((1 - (1 - chances) ** k).mean()) for k in (1, 10, 1000)}
        shares = {k: printed_share(f"{at[k]:.1%}") for k in (1, 10)}
        low, high = printed_band(shares, [1000])
        wide_low, wide_high = printed_band({1: shares[1]}, [1000])
        assert wide_low[0] - 1e-6 <= low[0] <= at[1000] <= high[0] <= wide_high[0] + 1e-6


def test_the_check_sees_a_share_that_was_not_of_the_bank() -> None:
    low, high = printed_band({1: printed_share("5.0%"), 10: printed_share("20.0%")}, [1000])
    assert not low[0] <= 0.19 <= high[0]
