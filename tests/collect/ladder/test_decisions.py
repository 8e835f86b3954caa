"""Decisions of a trace, and those of a placebo: as many and when the donor's were, and without information."""

from collections import Counter

import pytest

from overthink.collect.ladder.decisions import DecisionError, Decisions, YokedDecisions, donor_of, draw_order
from overthink.data.missing_rungs import TraceKey

DONOR = (("safethink", 0, "", (False,)), ("safethink", 1, "", (True, True, False)), ("safethink", 2, "", (True,)))


def looks(decisions: Decisions, step: int, *acts: bool, branch: str = "", once: bool = False) -> list[bool]:
    return [decisions.act("safethink", step, branch, one, once=once) for one in acts]


@pytest.mark.parametrize("own", [False, True])
def test_a_placebo_acts_where_its_donor_did_whatever_it_reads(own: bool) -> None:
    yoked = YokedDecisions(DONOR, seed=1)
    assert looks(yoked, 0, own) == [False]
    assert looks(yoked, 1, own, own, own) == [True, True, False]
    assert looks(yoked, 2, own, own) == [True, False]  # beyond its looks, and beyond its end, it does not act
    assert looks(yoked, 3, own) == [False]
    assert {row[1]: row[3] for row in yoked.rows}[1] == (True, True, False)


def test_the_arm_acts_on_what_it_reads() -> None:
    decisions = Decisions()
    assert looks(decisions, 0, True) + looks(decisions, 1, False) == [True, False]
    assert not decisions.draws_candidates
    assert YokedDecisions((), seed=1).draws_candidates


def test_what_acts_once_acts_at_the_first_look_after_the_donor_did() -> None:
    yoked = YokedDecisions([("safethink", 2, "", (True,))], seed=1)
    assert [looks(yoked, step, False, once=True) for step in (1, 3)] == [[False], [True]]


def test_a_branch_that_the_donor_has_not_takes_one_of_its_branches() -> None:
    donor = [("safethink", 1, ".0", (True,)), ("safethink", 1, ".1", (False,))]
    acts = Counter(looks(YokedDecisions(donor, seed=seed), 1, False, branch=".7")[0] for seed in range(400))
    assert 150 < acts[True] < 250


def test_donors_are_drawn_over_all_axes_and_never_the_own_question() -> None:
    donors: list[TraceKey] = [(task, "g", f"q{i}", d) for task in ("sums", "secrets") for i in range(4) for d in (0, 1)]
    own: TraceKey = ("secrets", "placebo:of=g", "q1", 0)
    drawn = Counter(donor_of(own, donors, seed=seed)[:3] for seed in range(700))
    assert ("secrets", "g", "q1") not in drawn
    assert set(drawn) == {(task, "g", f"q{i}") for task, _, i in ((d[0], 0, int(d[2][1])) for d in donors)} - {
        ("secrets", "g", "q1")
    }
    assert all(60 < count < 145 for count in drawn.values())  # the same question of another task is another one
    assert donor_of(own, reversed(donors), seed=3) == donor_of(own, donors, seed=3)


def test_the_next_donor_replaces_one_that_failed() -> None:
    donors: list[TraceKey] = [("secrets", "g", f"q{i}", 0) for i in range(5)]
    own: TraceKey = ("secrets", "placebo:of=g", "q0", 0)
    first = donor_of(own, donors, seed=3)
    second = donor_of(own, [donor for donor in donors if donor != first], seed=3)
    assert second not in (first, donors[0])
    with pytest.raises(DecisionError, match="no trace of its arm on another question"):
        donor_of(own, donors[:1], seed=3)


def test_candidates_are_drawn_uniformly_and_anew_at_each_moment() -> None:
    names = [".0", ".1", ".2"]
    first = Counter(draw_order(seed, names, "grow", 1)[0] for seed in range(900))
    assert all(240 < first[i] < 360 for i in range(3))
    again = sum(draw_order(seed, names, "grow", 1) == draw_order(seed, names, "grow", 2) for seed in range(900))
    assert 90 < again < 210  # one of six orders
