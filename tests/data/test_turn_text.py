"""Report and statement say the size of a rise or fall in the same words."""

from dataclasses import replace

import pytest

from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.shape_text import TURN_WORDS, no_turn_text, shown_turn_text
from overthink.reports.verdicts import size_text


def size(metric: Metric, low: float, high: float) -> Finding:
    at = At(rung=3, from_rung=0, requested_tokens=1024)
    names = ("a", Kind.SHAPE, "safety", "t", "base", "forced", metric)
    return replace(Finding(*names, at=at), estimate=(low + high) / 2, low=low, high=high)


@pytest.mark.parametrize(("metric", "word"), [(Metric.RISE, "rise"), (Metric.DRAWDOWN, "fall")])
def test_a_size_is_shown_where_its_interval_lies_above_zero(metric: Metric, word: str) -> None:
    assert TURN_WORDS[metric] == word
    shown = shown_turn_text(word, 0.021, 0.125, start="", end="1,024 tokens")
    assert size_text(size(metric, 0.021, 0.125), []) == shown == f"{word}s 2.1 to 12.5 points to 1,024 tokens"
    assert size_text(size(metric, 0.0, 0.125), []) == no_turn_text(word, 0.125)
    assert no_turn_text(word, 0.125) == f"no {word} shown; at most 12.5 points"
    assert no_turn_text(word, 0.125, in_list=True) == f"no {word} is shown, at most 12.5 points"
