"""Parameters of public functions are refused by name: wrong types, bools, NaN, and numbers that would take memory."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

import overthink
from overthink.data.parameters import instance, real, real_array, texts, whole
from overthink.forecasts.layers import FalsePositives

RNG = np.random.default_rng(1)
VALUES = np.full((2, 1, 3), 0.5)


@pytest.mark.parametrize("value", [3, 3.0, np.int8(3), np.float32(3), Fraction(3)])
def test_a_number_of_any_kind_is_read(value: float) -> None:
    assert (real(value, "x"), whole(value, "x")) == (3.0, 3)


@pytest.mark.parametrize("value", [True, np.bool_(True), None, "3", b"3", 3j, [3], np.array([3.0])])
def test_what_is_no_number_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="^x is .*needed: a number"):
        real(value, "x")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400])
def test_what_no_double_holds_is_a_value_error(value: float) -> None:
    with pytest.raises(ValueError, match="^x is .*needed: a finite number"):
        real(value, "x")


class _Odd(int):
    def __repr__(self) -> str:
        raise RuntimeError("no words")


class _NoArray:
    def __array__(self, *_: object, **__: object) -> object:
        raise RuntimeError("no array")


def test_numbers_that_have_no_words_and_no_array_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="^x is .*timedelta64; needed: a number"):
        real(np.timedelta64(3, "s"), "x")
    for wrong in (_Odd(-3), -(10**5000)):
        with pytest.raises(ValueError, match="^x is a number that is too long to print; needed"):
            whole(wrong, "x")
    with pytest.raises(TypeError, match="^x is .*, a _NoArray, which gives no array"):
        real_array(_NoArray(), "x")  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [range(10**9), np.broadcast_to(np.int64(3), (10**6, 10**6))])
def test_a_view_of_more_values_than_memory_holds_is_refused_before_it_is_copied(values: object) -> None:
    with pytest.raises(ValueError, match="^x has .* values; at most 268,435,456"):
        real_array(values, "x")  # type: ignore[arg-type]


def test_what_a_mask_hides_is_unknown() -> None:
    assert real_array(np.ma.array([4, 9], mask=[False, True]), "x").tolist()[:1] == [4]
    with pytest.raises(ValueError, match="attempts holds nan"):
        overthink.pass_at_k(np.ma.array([4, 9], mask=[False, True]), [1, 0], 1)


def test_a_level_is_any_real_number_and_a_stopping_is_a_text() -> None:
    values = np.arange(60).reshape(5, 3, 4) % 3 > 0
    for call in (overthink.divergence, overthink.correct_judge):
        budgets = {"budgets": [0, 1, 2, 3]} if call is overthink.divergence else {}
        assert call(values, values, rng=RNG, level=Fraction(9, 10), **budgets)  # type: ignore[operator]
    with pytest.raises(TypeError, match="^stopping is "):
        overthink.pass_at_k([4, 4], [1, 0], k=[1], stopping=_Odd(3))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="^stopping is "):
        overthink.forecast([4, 4], [1, 0], k=[1], rng=RNG, stopping=_Odd(3))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, 11, 2.5])
def test_a_whole_number_keeps_to_its_bounds(value: float) -> None:
    with pytest.raises(ValueError, match=f"^x is {value}; needed: a whole number from 1 to 10"):
        whole(value, "x", least=1, most=10)


def test_arrays_are_numbers_truth_values_or_unknown() -> None:
    assert real_array([True, False], "x").tolist() == [1, 0]
    assert np.isnan(real_array([float("nan")], "x")).all()
    for wrong in (["1"], [None], [1j], np.array(["2026-01-01"], dtype="datetime64[D]"), object()):
        with pytest.raises(TypeError, match="^x is .*needed: numbers"):
            real_array(wrong, "x")
    for wrong in ([1, [2]], [10**30]):
        with pytest.raises(ValueError, match="^x (is|holds) "):
            real_array(wrong, "x")


def test_a_text_is_no_list_of_texts_and_an_object_is_of_its_type() -> None:
    assert texts(["ab"], "x") == ("ab",)
    for wrong in ("ab", None, [1], iter(["ab"])):
        with pytest.raises(TypeError, match="^x is .*needed: a list of texts"):
            texts(wrong, "x")
    with pytest.raises(TypeError, match=r"^x is 3, a int; needed: str \| None"):
        instance(3, "x", str | None)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: overthink.majority_at_k([2, 1], 0, 1, abstentions=2**53), ValueError, "abstentions is 9007"),
        (lambda: overthink.majority_at_k([10**9, 1], 0, 1), ValueError, "abstentions are 1,000,000,001 draws"),
        (lambda: overthink.majority_at_k([2, 1], True, 1), TypeError, "correct is True"),
        (lambda: overthink.consensus_at_k([10**9], [5], 10**8), ValueError, "k holds 100,000,000; needed: at most"),
        (lambda: overthink.first_success_at_k([10**12], [1], 1, batch=1), ValueError, "attempts holds 1,000,000"),
        (lambda: overthink.first_success_at_k([10**7] * 9, [1] * 9, 1, batch=10**7), ValueError, "9 last batches"),
        (lambda: overthink.first_success_at_k([2], [1], 1, batch=True), TypeError, "batch is True"),
        (lambda: overthink.commitment_step([1, 2], 10**12, rng=RNG), ValueError, "draws is 1000000000000"),
        (lambda: overthink.forecast([9], [1], k=10**18, rng=RNG), ValueError, "k holds 1e.18.*beyond"),
        (lambda: overthink.forecast([9], [1], k=9, rng=RNG, level=5e-324), ValueError, "level is 5e-324"),
        (lambda: overthink.label(".", "x.csv", per_rung=3.0), TypeError, "per_rung is 3.0, a float"),
        (lambda: overthink.forecast([9], [1], k=9, rng=1), TypeError, "rng is 1, a int; needed: a generator"),
        (lambda: overthink.forecast([9], [1], k=9, rng=RNG, judge=3), TypeError, "judge is 3"),
        (lambda: FalsePositives(True, 9), TypeError, "flagged is True"),
        (lambda: overthink.pass_at_k([True], [True], [1]), TypeError, "attempts holds truth values"),
        (lambda: overthink.pass_at_k(["3"], [1], [1]), TypeError, "attempts is .*needed: numbers"),
        (lambda: overthink.pass_at_k([2**53 + 1.0, 2.0**54], [1, 1], 1), ValueError, "attempts holds 1.80144e.16"),
        (lambda: overthink.best_at_k([1, 2], [0, np.inf], 1), ValueError, "values an infinity"),
        (lambda: overthink.shape_verdict(VALUES, [0, 1, 2], margin=True, rng=RNG), TypeError, "margin is True"),
        (lambda: overthink.shape_verdict(VALUES, [0, 1, 2], margin=0.1, rng=RNG, hypothesis=3), TypeError, "hypoth"),
        (lambda: overthink.divergence(VALUES, VALUES, "012", rng=RNG), TypeError, "budgets is '012'"),
        (lambda: overthink.correct_judge(VALUES, VALUES, rng=None), TypeError, "rng is None"),
        (lambda: overthink.effective_compute(True, 1, alpha=0.5), TypeError, "training FLOP is True"),
        (lambda: overthink.effective_compute(1e25, float("inf"), alpha=0.5), overthink.InputError, "K is inf"),
        (lambda: overthink.AnalysisOptions(seed=2**63), overthink.InputError, "seed is 9223372036854775808"),
        (lambda: overthink.AnalysisOptions(level=float("nan")), overthink.InputError, "level is nan"),
        (lambda: overthink.AnalysisOptions(primary="safety"), TypeError, "primary is 'safety'"),
        (lambda: overthink.ReadOptions(max_rows=True), TypeError, "max_rows is True"),
        (lambda: overthink.analyse(3), TypeError, "path is 3"),
        (lambda: overthink.analyse(""), overthink.InputError, "path is empty"),
        (lambda: overthink.analyse("\0"), overthink.InputError, "path: .*cannot be reached: embedded null"),
        (lambda: overthink.analyse("x" * 5000), overthink.InputError, "path: .*cannot be reached: File name too long"),
        (lambda: overthink.report(".", formats=7), TypeError, "formats is 7"),
        (lambda: overthink.compare(7), TypeError, "paths is 7"),
        (lambda: overthink.prepare("plan"), TypeError, "plan is 'plan'"),
        (lambda: overthink.run(None, "out"), TypeError, "session is None"),
        (lambda: overthink.tasks(safety=7), TypeError, "safety is 7"),
        (lambda: overthink.label(".", "x.csv", per_rung=0), overthink.InputError, "per_rung is 0"),
    ],
)  # fmt: skip
def test_functions_name_the_parameter(call: Callable[[], object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()
