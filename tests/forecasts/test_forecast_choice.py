"""The benchmark that chose the model band judges what the package does, and its bars can be missed."""

import numpy as np
import pytest
from benchmark import load_benchmark

from overthink import forecast

CHOICE = load_benchmark("forecast_choice")
K = np.array([100, 1000, 10_000])


def test_the_choice_is_what_the_package_does_and_the_others_are_not() -> None:
    made = forecast([100] * 40, [0] * 25 + [1] * 8 + [10] * 7, k=K, rng=np.random.default_rng(1))
    bands = {one.name: np.array(one.layers(made.layers).band(K)) for one in CHOICE.CANDIDATES}
    np.testing.assert_allclose(bands[CHOICE.CHOICE.name], [made.estimate, made.low, made.high])
    assert len(bands) == len(CHOICE.CANDIDATES)
    # A line bends the curve down, half of the weight the more; without doubt the band begins higher.
    estimates = [bands[name][0, 2] for name in (CHOICE.BEFORE, CHOICE.CHOICE.name, CHOICE.POOL)]
    assert estimates == sorted(estimates)
    assert estimates[0] < estimates[-1]
    assert bands[CHOICE.POOL][1, 2] > bands[CHOICE.CHOICE.name][1, 2]


UNITS = np.array([f"{family}/{bank}" for family in "ab" for bank in range(7) for _ in range(4)])


def measured(*, error: float = 0.05, score: float = 0.3, lost: str = "", share: float = 1.0) -> object:
    """As measured on banks that are all inside but for a share of the cases of one family."""
    inside = np.full((len(UNITS), 3), fill_value=True)
    family = np.array([unit.startswith(lost or "?") for unit in UNITS])
    inside[family, 2] = np.arange(family.sum()) >= family.sum() * share
    return CHOICE.Measured(np.full(inside.shape, error), np.full(inside.shape, score), inside)


@pytest.mark.parametrize(
    ("one", "missed"),
    [
        (measured(), ()),
        (measured(error=0.061), ("error",)),
        (measured(error=0.0551), ("error",)),
        (measured(score=0.31), ("score",)),
        (measured(lost="a", share=0.2), ()),
        (measured(lost="a", share=0.5), ("coverage",)),
    ],
)
def test_each_bar_can_be_missed(one: object, missed: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    pool = measured(error=0.06, score=0.305)
    single = 0.061 if one.error[0, 0] == 0.0551 else 0.1  # type: ignore[attr-defined]
    assert CHOICE.bars("one", one, pool, single, UNITS) == missed
    assert ("rejected: a at k 3" in capsys.readouterr().out) == (missed == ("coverage",))


def test_a_bank_counts_once_however_many_cases_it_has() -> None:
    # One bank of a hundred cases, all missed, among twenty banks of one case: 20 of 21 banks hold.
    units = np.array(["a/0"] * 100 + [f"a/{bank}" for bank in range(1, 21)])
    inside = np.repeat((np.arange(120) >= 100)[:, None], 3, axis=1)
    one = CHOICE.Measured(np.zeros(inside.shape), np.zeros(inside.shape), inside)
    assert CHOICE.bars("one", one, one, 0.1, units) == ()
