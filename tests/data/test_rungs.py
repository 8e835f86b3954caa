"""Settings find their place by what they ask for, never by what was spent."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.data.arms_of_runs import ModelRun, ReportedTokens, assign_curves, name_differences, placement_notes
from overthink.data.ladder import LEVELS, ThinkingSetting, label, level_name, place_settings
from overthink.data.record import Axis, Estimand, Verdict, verdict_of
from overthink.data.tokens import TokenUsage, split_output, split_response, usage_excludes_reasoning

SETTING = st.builds(
    ThinkingSetting,
    effort=st.none() | st.sampled_from([*LEVELS, "ultra"]),
    reasoning_tokens=st.none() | st.integers(0, 9),
    max_tokens=st.none() | st.integers(1, 9),
)


def order(settings: list[ThinkingSetting]) -> list[tuple[str, int, str | None]]:
    return sorted((p.curve, p.rung, p.effort or "") for p in place_settings(settings).values())


def test_levels_are_ordered_by_meaning_not_by_spelling_or_arrival() -> None:
    levels = [ThinkingSetting(level) for level in ("low", "xhigh", "minimal", "high", "none", "medium", "max")]
    places = place_settings(levels)
    assert [s.effort for s in sorted(levels, key=lambda s: places[s].rung)] == list(LEVELS)
    assert {p.estimand for p in places.values()} == {Estimand.EFFORT}


def test_budgets_are_ordered_by_number_and_thinking_turned_off_is_below_them() -> None:
    budgets = [ThinkingSetting(None, n) for n in (9000, 16000, 4000)]
    places = place_settings([*budgets, ThinkingSetting("none")])
    assert [places[ThinkingSetting(None, n)].rung for n in (4000, 9000, 16000)] == [1, 2, 3]
    assert places[ThinkingSetting(None, 9000)].requested_tokens == 9000
    assert places[ThinkingSetting("none")].rung == 0


@pytest.mark.parametrize(
    "ladder",
    [
        [ThinkingSetting("low"), ThinkingSetting("high")],
        [ThinkingSetting(None, 1024), ThinkingSetting(None, 4096)],
        [ThinkingSetting(None, None, 64), ThinkingSetting(None, None, 256)],
        [ThinkingSetting("seats=2", place=2.0), ThinkingSetting("seats=10", place=10.0)],
    ],
)
@pytest.mark.parametrize("apart", [ThinkingSetting(), ThinkingSetting("ultra"), ThinkingSetting("on")])
def test_what_asks_for_no_known_amount_stands_apart(ladder: list[ThinkingSetting], apart: ThinkingSetting) -> None:
    places = place_settings([apart, *reversed(ladder)])
    assert [(places[s].curve, places[s].rung) for s in ladder] == [("", 0), ("", 1)]
    assert (places[apart].curve, places[apart].rung) == (label(apart), 0)
    assert (places[apart].estimand is Estimand.NATURAL) == (apart == ThinkingSetting())


def test_caps_are_a_ladder_only_where_nothing_else_moves() -> None:
    assert order([ThinkingSetting(max_tokens=64), ThinkingSetting(max_tokens=16)]) == [
        ("", 0, "at most 16 tokens"),
        ("", 1, "at most 64 tokens"),
    ]
    (single,) = place_settings([ThinkingSetting(max_tokens=16)]).values()
    assert (single.estimand, single.effort) == (Estimand.NATURAL, None)


def test_a_cap_belongs_to_its_level_unless_one_level_has_several() -> None:
    raised = [ThinkingSetting(None, 1024, 4096), ThinkingSetting(None, 8192, 16384)]
    assert {place.curve for place in place_settings(raised).values()} == {""}
    crossed = [ThinkingSetting(level, None, cap) for level in ("low", "high") for cap in (None, 512)]
    assert order(crossed) == [
        ("by effort, at most 512 tokens", 0, "low, at most 512 tokens"),
        ("by effort, at most 512 tokens", 1, "high, at most 512 tokens"),
        ("by effort, no further limit", 0, "low"),
        ("by effort, no further limit", 1, "high"),
    ]


@pytest.mark.parametrize(
    ("text", "level"),
    [("HIGH", "high"), ("x-high", "xhigh"), ("Off", "none"), ("auto", None), (None, None), ("Turbo", "Turbo")],
)
def test_a_level_is_read_in_any_spelling(text: str | None, level: str | None) -> None:
    assert level_name(text) == level


@given(st.lists(SETTING, min_size=1, unique=True), st.randoms(use_true_random=False))
def test_every_setting_gets_one_place_whatever_the_order(
    settings: list[ThinkingSetting], shuffler: random.Random
) -> None:
    places = place_settings(settings)
    assert places.keys() == set(settings)
    seats = [(place.curve, place.rung) for place in places.values()]
    assert len(set(seats)) == len(seats)
    for curve in {place.curve for place in places.values()}:
        rungs = sorted(place.rung for place in places.values() if place.curve == curve)
        assert rungs == list(range(len(rungs)))  # no gap
        assert len({place.estimand for place in places.values() if place.curve == curve}) == 1
    shuffler.shuffle(settings)
    assert place_settings(settings) == places


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


def run(effort: str | None, **other: str) -> ModelRun:
    return ModelRun("t", "m", ThinkingSetting(effort), other, ReportedTokens.of([response(None, 10)]))


def test_what_differs_within_a_rung_names_the_arm_and_thinking_does_not() -> None:
    runs = [run(effort, shots=shots, top_p="1") for effort in ("high", "low") for shots in ("0", "5")]
    assert [(s.arm, s.rung) for s in assign_curves(runs)] == [
        ("m [shots=0]", 1),
        ("m [shots=5]", 1),
        ("m [shots=0]", 0),
        ("m [shots=5]", 0),
    ]
    assert name_differences([{"a": "1"}, {}]) == ["a=1", ""]
    # Another task's runs do not change this one's names.
    other = ModelRun("other", "m", ThinkingSetting("low"), {"shots": "9"}, ReportedTokens())
    assert assign_curves([*runs[::2], other])[0].arm == "m"


@pytest.mark.parametrize(
    ("low", "high"),
    [({"judge": "a"}, {"judge": "b"}), ({"task_version": "1"}, {"task_version": "2"}), ({}, {"system_message": "Hi"})],
)
def test_what_differs_along_the_ladder_is_one_curve(low: dict[str, str], high: dict[str, str]) -> None:
    placements = assign_curves([run("low", **low), run("high", **high)])
    assert [(p.arm, p.rung) for p in placements] == [("m", 0), ("m", 1)]


def test_runs_that_stand_apart_are_explained() -> None:
    def notes(*runs: ModelRun) -> list[str]:
        return placement_notes(runs, assign_curves(runs), advice="Name it.")

    assert notes(run("low"), run("high", judge="b")) == []
    (one_rung,) = notes(run(None, seats="2"), run(None, seats="4"), run(None, seats="8"))
    assert "3 arms of one rung each. They differ in seats (2; 4; 8). Name it." in one_rung
    (apart,) = notes(run("low"), run("high"), run(None))
    assert "2 arms. Runs at default leave the amount of thinking to the provider" in apart
    assert "Name it." not in apart
    capped = [replace(run(None), setting=ThinkingSetting(max_tokens=cap)) for cap in (512, 2048)]
    (beside_caps,) = notes(*capped, run(None))
    assert "2 arms. Runs at default leave the amount" in beside_caps
    (unknown,) = notes(run("low"), run("high"), run("turbo"))
    assert "No order is known for turbo." in unknown


@pytest.mark.parametrize("limit", ["max_tokens", "reasoning_tokens"])
def test_a_level_that_rises_while_its_limit_falls_makes_no_ladder(limit: str) -> None:
    def curves(*tokens: int | None) -> set[str]:
        levels = zip(("low", "medium", "high"), tokens, strict=False)
        settings = [replace(ThinkingSetting(effort), **{limit: most}) for effort, most in levels]
        return {place.curve for place in place_settings(settings).values()}

    assert curves(512, 1024, 4096) == curves(512, 512, 4096) == curves(512, None, 512) == {""}
    assert len(curves(4096, 512)) == 2
    assert len(curves(1024, 4096, 512)) == 3


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
