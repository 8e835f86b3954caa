"""Verdicts on hypotheses: the claim is found, what contradicts it is not confirmed, and the numbers hold."""

import numpy as np
import pytest
from scipy import special
from sweeps import few

from overthink.data.hypothesis import Part, read_hypothesis
from overthink.stats.hypothesis import HypothesisTest, HypothesisVerdict, hypothesis_verdict, with_ended
from overthink.stats.multiplier_bootstrap import signs, units
from overthink.stats.shape import shape_verdict

BUDGETS = [0, 512, 1024, 2000, 4000, 8000, 16000, 32000]
TEXT = "up@2k,flat@8k,down"
CLAIM = [0.60, 0.75, 0.80, 0.85, 0.85, 0.85, 0.72, 0.60]
LATE = [0.60, 0.75, 0.80, 0.85, 0.85, 0.85, 0.60, 0.66]
STEP = [0.60, 0.75, 0.80, 0.90, 0.80, 0.80, 0.70, 0.60]
FALL_INSIDE = [0.60, 0.85, 0.78, 0.72, 0.72, 0.72, 0.60, 0.50]
FALLS_FIRST = [0.85, 0.80, 0.75, 0.70, 0.70, 0.70, 0.60, 0.50]


def values(means: list[float], seed: int, questions: int = 200, draws: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    chance = special.expit(special.logit(np.asarray(means)) * 1.15 + rng.normal(0, 0.8, (questions, 1, 1)))
    return (rng.random((questions, draws, len(means))) < chance).astype(float)


def verdict(table: np.ndarray, text: str = TEXT, margin: float = 0.06, **more: object) -> HypothesisVerdict:
    found = shape_verdict(table, BUDGETS, margin=margin, rng=np.random.default_rng(1), hypothesis=text, **more)  # type: ignore[arg-type]
    assert found.hypothesis is not None
    return found.hypothesis


def quick(table: np.ndarray, text: str = TEXT) -> HypothesisVerdict:
    """The verdict alone, without the shape around it."""
    on_rungs, parts = units(table.mean(axis=1)), [part for part in read_hypothesis(text) if isinstance(part, Part)]
    flips = signs(len(table), rng=np.random.default_rng(1), resamples=2000)
    return hypothesis_verdict(
        on_rungs, BUDGETS, HypothesisTest(tuple(parts), 0.06, 0.05), flips, n_questions=len(table)
    )


def share(means: list[float], label: str, runs: int = 60) -> float:
    return float(np.mean([quick(values(means, seed)).label == label for seed in range(runs)]))


def test_the_claim_is_confirmed_where_it_holds() -> None:
    assert share(CLAIM, "confirmed") >= 0.7  # the bar is .80 with 2,000 studies


@pytest.mark.parametrize("means", few([LATE, STEP, FALL_INSIDE, FALLS_FIRST, [0.7] * 8], 2))
def test_what_contradicts_the_claim_is_not_confirmed(means: list[float]) -> None:
    assert share(means, "confirmed") <= 0.13  # three standard errors above .05


def test_a_fall_where_a_rise_is_claimed_contradicts_it_and_a_flat_curve_does_not() -> None:
    assert share(FALLS_FIRST, "contradicted") >= 0.8
    assert share([0.7] * 8, "contradicted") <= 0.13


def test_the_whole_follows_from_its_parts() -> None:
    found = verdict(values(CLAIM, 3, questions=600))
    assert [part.label for part in found.parts] == ["shown"] * 3
    assert found.confirmed
    assert found.p_value == max(part.p_shown for part in found.parts)
    assert [(part.from_rung, part.rung) for part in found.parts] == [(0, 3), (3, 5), (5, 7)]
    up, _, down = found.parts
    assert up.low > 0 > down.high
    turned = verdict(1 - values(CLAIM, 3, questions=600), "down@2k,flat@8k,up")
    assert turned.confirmed
    assert turned.p_value == pytest.approx(found.p_value, abs=0.01)
    assert turned.parts[0].estimate == pytest.approx(-up.estimate)


def test_one_missing_part_is_enough_to_leave_the_whole_unconfirmed() -> None:
    found = verdict(values(CLAIM, 4, questions=40))
    assert [part.label for part in found.parts] == ["shown", "not_shown", "shown"]
    assert (found.label, found.confirmed) == ("not_shown", False)


def test_a_pair_beyond_the_margin_contradicts_flat_and_a_smaller_one_does_not() -> None:
    low, high = [0.5] * 4 + [0.53] * 4, [0.5] * 4 + [0.7] * 4
    assert verdict(values(high, 5, questions=2000), "flat").label == "contradicted"
    assert verdict(values(low, 5, questions=2000), "flat").label != "contradicted"  # shown to differ, inside the margin


def test_a_fall_smaller_than_the_margin_does_not_contradict_a_rise() -> None:
    means = [0.5, 0.8, 0.77, 0.77, 0.77, 0.77, 0.77, 0.77]
    found = verdict(values(means, 6, questions=2000), "up")
    assert found.confirmed
    deeper = [0.5, 0.8, 0.65, 0.65, 0.65, 0.65, 0.65, 0.65]
    assert verdict(values(deeper, 6, questions=2000), "up").label == "contradicted"


@pytest.mark.parametrize(("text", "rise"), [("up", 0.06), ("flat", 0.0), ("down", -0.06)])
def test_the_questions_needed_give_the_power_that_they_promise(text: str, rise: float) -> None:
    """Planned on one study, then drawn anew with that many questions and a change of the margin, or none."""
    means = list(0.6 + rise * np.linspace(0, 1, 8))
    needed = verdict(values(means, 100, questions=400), text).parts[0].questions_needed
    assert needed is not None
    again = np.mean([quick(values(means, seed, questions=needed), text).confirmed for seed in range(200, 260)])
    assert 0.62 <= again <= 0.95  # .80 within three standard errors


def test_the_questions_needed_do_not_depend_on_the_effect() -> None:
    near, far = ([0.5 + step * i for i in range(8)] for step in (0.0, 0.02))
    numbers = [verdict(values(means, 8, questions=400), "up").parts[0].questions_needed for means in (near, far)]
    assert None not in numbers
    assert numbers[0] == pytest.approx(numbers[1], rel=0.15)


def test_more_questions_are_no_answer_to_a_contradiction() -> None:
    found = verdict(values(FALLS_FIRST, 9, questions=600))
    assert found.parts[0].label == "contradicted"
    assert found.parts[0].questions_needed is None


def test_identical_answers_of_ended_traces_show_nothing() -> None:
    table = values(CLAIM, 3, questions=600)
    table[:, :, 4:] = table[:, :, [3]]  # all had ended by 2,000 tokens
    found = verdict(table)
    assert found.parts[1].label == "shown"  # the control: equal answers pass the test of equivalence for nothing
    ended = with_ended(found, np.arange(8) >= 3)
    assert [part.label for part in ended.parts] == ["shown", "had_ended", "had_ended"]
    assert (ended.label, ended.parts[1].questions_needed) == ("had_ended", None)
    assert with_ended(found, np.zeros(8, dtype=bool)) == found


def test_flat_had_ended_by_any_but_its_last_rung_and_a_rise_below_the_end_stays_shown() -> None:
    found = verdict(values(CLAIM, 3, questions=600))
    labels = {first: [p.label for p in with_ended(found, np.arange(8) >= first).parts] for first in (4, 5, 6)}
    assert labels == {
        4: ["shown", "had_ended", "had_ended"],
        5: ["shown", "shown", "had_ended"],
        6: ["shown", "shown", "shown"],
    }


def test_a_contradiction_remains_where_traces_had_ended() -> None:
    found = verdict(values(FALLS_FIRST, 9, questions=600))
    assert with_ended(found, np.ones(8, dtype=bool)).label == "contradicted"


def test_clusters_are_the_unit() -> None:
    """Questions copied ten times show no more than the questions themselves."""
    table = values([0.5, 0.52, 0.54, 0.56, 0.56, 0.56, 0.56, 0.56], 4, questions=40)
    copies = np.repeat(table, 10, axis=0)
    alone = verdict(table, "up").parts[0]
    copied = verdict(copies, "up", clusters=np.repeat(np.arange(40), 10)).parts[0]
    wrong = verdict(copies, "up").parts[0]  # the control: copies taken for questions
    assert [copied.label, alone.label] == ["not_shown", "not_shown"]
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high), rel=0.05)
    assert wrong.high - wrong.low < (alone.high - alone.low) / 2
    assert copied.questions_needed == pytest.approx(10 * (alone.questions_needed or 0), rel=0.2)


def test_boundaries_claim_nothing_and_parts_change_no_label() -> None:
    table = values(CLAIM, 3)
    shapes = [
        shape_verdict(table, BUDGETS, margin=0.06, rng=np.random.default_rng(1), hypothesis=h)
        for h in (None, TEXT, (2000, 8000), "2k,8k")
    ]
    assert [s.hypothesis is None for s in shapes] == [True, False, True, True]
    assert shapes[0].claims == shapes[1].claims
    assert shapes[2].regimes == shapes[3].regimes
    assert len(shapes[2].regimes) == 3


def test_a_part_that_does_not_fit_the_ladder_is_refused() -> None:
    with pytest.raises(ValueError, match=r"part 1, up@300, has fewer than two rungs"):
        verdict(values(CLAIM, 3), "up@300,down")


def test_where_nothing_changed_the_bound_of_no_fall_is_exact() -> None:
    """A first step that all climb, and a second on which nobody of n falls: .95^n is how often that hides 5 %."""
    table = np.zeros((46, 1, 3))
    table[:, :, 1:] = 1.0
    found = shape_verdict(table, [0, 64, 256], margin=0.05, rng=np.random.default_rng(1), hypothesis="up").hypothesis
    assert found is not None
    assert found.p_value == pytest.approx(0.95**46)
    enough = np.repeat(table, 2, axis=0)
    more = shape_verdict(enough, [0, 64, 256], margin=0.05, rng=np.random.default_rng(1), hypothesis="up").hypothesis
    assert more is not None
    assert more.confirmed


def test_the_questions_needed_of_an_unchanged_part_are_those_of_its_exact_bound() -> None:
    def part(questions: int) -> tuple[str, int | None]:
        found = verdict(np.ones((questions, 1, 8)), "flat", margin=0.05).parts[0]
        return str(found.label), found.questions_needed

    assert part(71) == ("not_shown", 72)
    assert part(72) == ("shown", 72)
