"""Token usage adds up: unknown stays unknown, nothing is neutral, and order does not matter."""

import random
from collections.abc import Callable
from dataclasses import asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.data.record import Category, RungRecord
from overthink.data.tokens import NO_USAGE, OVERHEAD_COLUMNS, UNDIVIDED, UNKNOWN_USAGE, TokenUsage, difference, total

NAMES = [field.name for field in fields(TokenUsage)]
COUNTS = st.integers(0, 10**9)
KNOWN = st.builds(TokenUsage, **dict.fromkeys(NAMES, COUNTS))
USAGE = st.builds(TokenUsage, **dict.fromkeys(NAMES, COUNTS | st.none()))


def has_unknown(*usages: TokenUsage) -> list[bool]:
    return [None in counts for counts in zip(*(asdict(usage).values() for usage in usages), strict=True)]


def zero_for_unknown(a: TokenUsage, b: TokenUsage) -> TokenUsage:
    """A wrong sum, for the positive control: an unknown count adds 0."""
    return TokenUsage(**{name: (getattr(a, name) or 0) + (getattr(b, name) or 0) for name in NAMES})


def keeps_unknown(add: Callable[[TokenUsage, TokenUsage], TokenUsage], a: TokenUsage, b: TokenUsage) -> bool:
    return has_unknown(add(a, b)) == has_unknown(a, b)


@given(USAGE, USAGE)
def test_unknown_stays_unknown(a: TokenUsage, b: TokenUsage) -> None:
    assert keeps_unknown(TokenUsage.__add__, a, b)
    assert keeps_unknown(TokenUsage.__sub__, a, b)
    if any(has_unknown(a, b)):
        assert not keeps_unknown(zero_for_unknown, a, b)  # the control: the property rejects a wrong sum


@given(USAGE, KNOWN)
def test_a_difference_undoes_a_sum(a: TokenUsage, b: TokenUsage) -> None:
    assert a + b - b == a
    assert b - b == NO_USAGE
    assert a + UNKNOWN_USAGE == UNKNOWN_USAGE - a == UNKNOWN_USAGE
    with_more = replace(b, judge_tokens=(b.judge_tokens or 0) + 1)
    assert a.judge_tokens is None or a + with_more - b != a


@given(st.lists(USAGE, max_size=5), st.randoms())
def test_nothing_is_neutral_and_the_order_of_a_sum_does_not_matter(
    usages: list[TokenUsage], shuffler: random.Random
) -> None:
    for usage in usages:
        assert usage + NO_USAGE == NO_USAGE + usage == usage - NO_USAGE == usage
    in_order = sum(usages, NO_USAGE)
    for name in NAMES:
        assert getattr(in_order, name) == total(getattr(usage, name) for usage in usages)
    shuffler.shuffle(usages)
    assert sum(usages, NO_USAGE) == in_order


@given(USAGE)
def test_every_category_and_every_column_has_its_count(usage: TokenUsage) -> None:
    of_categories = [usage[category] for category in Category]
    columns = usage.columns()
    assert of_categories == [columns[OVERHEAD_COLUMNS.get(category, f"{category}_tokens")] for category in Category]
    assert columns.keys() == {field.name for field in fields(RungRecord) if field.name.endswith("_tokens")} - {
        "requested_tokens"
    }
    assert columns["generated_tokens"] == usage.decoded_tokens
    parts = (TokenUsage.of(category, usage[category]) for category in Category)
    rest = TokenUsage(decoded_tokens=usage.decoded_tokens, verifier_tokens=usage.verifier_tokens)
    assert sum(parts, rest) == usage
    assert usage.undivided() + TokenUsage() == usage.undivided().undivided()
    assert [getattr(usage.undivided(), name) for name in UNDIVIDED] == [getattr(usage, name) for name in UNDIVIDED]


@pytest.mark.parametrize(
    ("whole", "parts", "rest"), [(9, (2, 3), 4), (9, (), 9), (None, (2,), None), (9, (None,), None)]
)
def test_parts_are_taken_away(whole: int | None, parts: tuple[int | None, ...], rest: int | None) -> None:
    assert difference(whole, *parts) == rest
