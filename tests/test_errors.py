"""Messages of errors, as Python shows them."""

import pytest

import overthink
from overthink.data.visible import visible
from overthink.errors import InputError


@pytest.mark.parametrize(
    "name", ["\x1b[31mred", "a\nb", "\u202eexe.txt", "\ud800", "\u2028", "\U000e0001", "plain é 思 ±"]
)
def test_a_name_moves_no_cursor_and_adds_no_line(name: str) -> None:
    message = str(InputError(f"no model {name}", "  needed: another"))
    assert message == f"no model {visible(name)}\n  needed: another"
    assert str(InputError(message.splitlines()[0])) == message.splitlines()[0]  # of an error that quotes another
    assert InputError(name).lines == (name,)


def test_a_model_with_a_hostile_name_is_refused_visibly() -> None:
    with pytest.raises(InputError) as refusal:
        overthink.experiment(model="overthink/\x1b[31msim", capability="overthink/arithmetic", budgets="0,8", draws=1)
    assert "\\u001b[31msim" in str(refusal.value)
    assert str(refusal.value).isprintable()
