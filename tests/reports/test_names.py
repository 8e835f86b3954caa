"""Nothing in a name is hidden, and no name is long."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.data.visible import NAME_LIMIT, visible

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def hides(text: str) -> bool:
    return any(unicodedata.category(character) in HIDDEN for character in text)


@given(st.text(alphabet=st.characters(), max_size=300))
def test_nothing_is_hidden_and_nothing_is_long(text: str) -> None:
    shown = visible(text)
    assert not hides(shown)
    assert len(shown) <= NAME_LIMIT * 10 + 60


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=NAME_LIMIT))
def test_plain_short_names_are_left_alone(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("code", [0x202E, 0x2066, 0x200B, 0x1B, 0x00, 0xFEFF, 0xE0041, 0x3164, 0xD800, 0x2028])
def test_each_known_trick_shows_as_its_code(code: int) -> None:
    shown = visible(f"a{chr(code)}b")
    assert f"{code:x}" in shown
    assert shown.isascii()


def test_two_long_names_stay_two_names() -> None:
    one, other = "a" * 2**20 + "1", "a" * 2**20 + "2"
    assert visible(one) != visible(other)
    assert "1048577 characters" in visible(one)
    assert len(visible(one)) < 150


def test_the_checker_sees_what_is_hidden() -> None:
    assert hides("safe\u202egnp.exe")
    assert not hides("safe gnp.exe")
