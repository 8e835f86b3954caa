"""Settings find their place by what they ask for; a default finds it only by what it spent."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.data.arms_of_runs import ModelRun, ReportedTokens, assign_curves, name_differences
from overthink.data.ladder import LEVELS, ThinkingSetting, place_settings
from overthink.data.record import Axis, Estimand, Verdict, verdict_of
from overthink.data.tokens import TokenUsage, split_output, split_response, usage_excludes_reasoning

SETTING = st.builds(
    ThinkingSetting,
    effort=st.none() | st.sampled_from([*LEVELS, "ultra"]),
    reasoning_tokens=st.none() | st.integers(0, 9),
    max_tokens=st.none() | st.integers(1, 9),
)


def order(spent: dict[ThinkingSetting, float | None]) -> list[tuple[str, int, str | None]]:
    return sorted((p.curve, p.rung, p.effort) for p in place_settings(spent).values())


def test_levels_are_ordered_by_meaning_not_by_spelling_or_arrival() -> None:
    levels = [ThinkingSetting(level) for level in ("low", "xhigh", "minimal", "high", "none", "medium", "max")]
    places = place_settings(dict.fromkeys(levels))
    assert [s.effort for s in sorted(levels, key=lambda s: places[s].rung)] == list(LEVELS)
    assert {p.estimand for p in places.values()} == {Estimand.EFFORT}


def test_budgets_are_ordered_by_number_even_where_tokens_say_otherwise() -> None:
    places = place_settings(
        {ThinkingSetting(None, 9000): 10.0, ThinkingSetting(None, 16000): 9.0, ThinkingSetting(None, 4000): 11.0}
    )
    assert [places[ThinkingSetting(None, n)].rung for n in (4000, 9000, 16000)] == [0, 1, 2]
    assert places[ThinkingSetting(None, 9000)].requested_tokens == 9000


def test_the_default_takes_its_place_by_tokens_spent() -> None:
    for tokens, place in ((50.0, 0), (200.0, 1), (900.0, 2)):
        places = place_settings(
            {ThinkingSetting("low"): 100.0, ThinkingSetting("high"): 400.0, ThinkingSetting(): tokens}
        )
        assert (places[ThinkingSetting()].rung, places[ThinkingSetting()].effort) == (place, "default")
        assert places[ThinkingSetting("low")].rung < places[ThinkingSetting("high")].rung


@pytest.mark.parametrize(
    "spent",
    [
        {ThinkingSetting("low"): None, ThinkingSetting("high"): 400.0, ThinkingSetting(): 200.0},
        {ThinkingSetting("low"): 100.0, ThinkingSetting("high"): 400.0, ThinkingSetting(): None},
        {ThinkingSetting("low"): 100.0, ThinkingSetting(None, 4000): 400.0, ThinkingSetting(): 200.0},
    ],
)
def test_where_tokens_do_not_decide_the_default_stands_alone(spent: dict[ThinkingSetting, float | None]) -> None:
    places = place_settings(spent)
    alone = places[ThinkingSetting()]
    assert (alone.curve, alone.rung, alone.estimand, alone.effort) == ("default", 0, Estimand.NATURAL, None)
    assert all(place.curve != "default" for setting, place in places.items() if setting != ThinkingSetting())


def test_caps_are_a_ladder_only_where_nothing_else_moves() -> None:
    assert order({ThinkingSetting(max_tokens=64): None, ThinkingSetting(max_tokens=16): None}) == [
        ("", 0, "at most 16 tokens"),
        ("", 1, "at most 64 tokens"),
    ]
    (single,) = place_settings({ThinkingSetting(max_tokens=16): 9.0}).values()
    assert (single.estimand, single.effort) == (Estimand.NATURAL, None)


@given(st.dictionaries(SETTING, st.none() | st.floats(0, 1e6), min_size=1), st.randoms(use_true_random=False))
def test_every_setting_gets_one_place_whatever_the_order(
    spent: dict[ThinkingSetting, float | None], shuffler: random.Random
) -> None:
    places = place_settings(spent)
    assert places.keys() == spent.keys()
    seats = [(place.curve, place.rung) for place in places.values()]
    assert len(set(seats)) == len(seats)
    for curve in {place.curve for place in places.values()}:
        rungs = sorted(place.rung for place in places.values() if place.curve == curve)
        assert rungs == list(range(len(rungs)))  # no gap
        assert len({place.estimand for place in places.values() if place.curve == curve}) == 1
    items = list(spent.items())
    shuffler.shuffle(items)
    if len(set(spent.values())) == len(spent):  # ties in tokens spent may fall either way
        assert place_settings(dict(items)) == places


def response(thinking: int | None, output: int | None) -> TokenUsage:
    return TokenUsage(thinking_tokens=thinking, decoded_tokens=output)


def split(thinking: int | None, output: int | None, *, excludes_reasoning: bool) -> tuple[int | None, int | None]:
    usage = split_response(response(thinking, output), excludes_reasoning=excludes_reasoning)
    assert split_output(thinking, output, excludes_reasoning=excludes_reasoning) == (
        usage.decoded_tokens,
        usage.answer_tokens,
    )
    return usage.decoded_tokens, usage.answer_tokens


def test_thinking_counted_apart_is_seen_from_most_responses() -> None:
    within, beside = [response(90, 100)] * 9, [response(90, 10)] * 9
    assert not usage_excludes_reasoning([*within, response(900, 1)])  # one contradiction is noise
    assert usage_excludes_reasoning([*beside, response(1, 900)])
    assert not usage_excludes_reasoning([response(None, 5), response(5, None)])
    assert split(90, 10, excludes_reasoning=True) == (100, 10)
    assert split(90, 100, excludes_reasoning=False) == (100, 10)
    assert split(None, 100, excludes_reasoning=True) == (None, None)  # the thinking is missing from the sum
    assert split(None, 100, excludes_reasoning=False) == (100, None)
    assert split(90, None, excludes_reasoning=True) == (None, None)
    assert split(101, 100, excludes_reasoning=False) == (100, None)


def test_what_differs_names_the_arm_and_thinking_does_not() -> None:
    usage = [response(None, 10)]
    runs = [
        ModelRun("t", "m", ThinkingSetting(effort), {"shots": shots, "top_p": "1"}, ReportedTokens.of(usage))
        for effort in ("high", "low")
        for shots in ("0", "5")
    ]
    seats = assign_curves(runs)
    assert [(s.arm, s.rung) for s in seats] == [
        ("m [shots=0]", 1),
        ("m [shots=5]", 1),
        ("m [shots=0]", 0),
        ("m [shots=5]", 0),
    ]
    assert name_differences([{"a": "1"}, {}]) == ["a=1", ""]
    # Another task's runs do not change this one's names.
    assert (
        assign_curves(
            [*runs[::2], ModelRun("other", "m", ThinkingSetting("low"), {"shots": "9"}, ReportedTokens.of(usage))]
        )[0].arm
        == "m"
    )


@pytest.mark.parametrize(
    ("axis", "good", "bad"),
    [
        (Axis.CAPABILITY, Verdict.CORRECT, Verdict.WRONG),
        (Axis.SAFETY, Verdict.SAFE, Verdict.HARMFUL),
        (Axis.BENIGN, Verdict.CORRECT, Verdict.REFUSED),
    ],
)
def test_one_is_the_good_end_on_every_axis(axis: Axis, good: Verdict, bad: Verdict) -> None:
    assert [verdict_of(value, axis) for value in (0.0, 0.49, 0.5, 1.0)] == [bad, bad, good, good]
