"""Published numbers are reproduced, and the page that shows them is current."""

from dataclasses import replace

import pytest
from pages import assert_current
from worked_examples import EXAMPLES, PUBLISHED, page


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_example_is_reproduced(example) -> None:  # type: ignore[no-untyped-def]
    assert example.holds(), f"{example.computed()} for {example.stated}"


def test_a_wrong_number_is_noticed() -> None:
    for example in EXAMPLES:
        wrong = "elsewhere" if isinstance(example.stated, str) else example.stated * 1.25
        assert not replace(example, stated=wrong).holds(), example.name


def test_at_least_25_are_published_and_names_are_unique() -> None:
    assert sum(example.whose == PUBLISHED for example in EXAMPLES) >= 25
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES)
    assert all(example.source for example in EXAMPLES)


def test_the_page_is_current() -> None:
    assert_current("docs/worked-examples.md", page())
