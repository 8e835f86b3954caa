"""Decisions of a trace: where an arm acts on what it reads. A placebo acts as another trace did.

An arm that reads steps looks at each and acts on some: it takes the step again, inserts a text, ends the thinking. A
placebo looks as often and pays for every look, and acts where a donor acted, a trace of the arm on another question:
equally often, at the same steps, without information about its own. Where an arm chooses among candidates by their
scores, its placebo draws them uniformly.
"""

from collections.abc import Iterable, Sequence

from overthink.collect.ladder.sampling import seed_for
from overthink.data.decisions import Decision
from overthink.data.missing_rungs import TraceKey


class DecisionError(RuntimeError):
    """A placebo has no decisions to take."""


class Decisions:
    """Decisions of one trace of an arm, recorded as they come.

    Attributes:
        draws_candidates: Whether candidates are drawn uniformly, whatever their scores.

    Example:
        >>> decisions = Decisions()
        >>> decisions.act("monitor", 0, "", False), decisions.act("monitor", 1, "", True)
        (False, True)
        >>> decisions.rows
        (('monitor', 0, '', (False,)), ('monitor', 1, '', (True,)))
    """

    draws_candidates = False

    def __init__(self) -> None:
        self._looks: dict[tuple[str, int, str], list[bool]] = {}

    @property
    def rows(self) -> tuple[Decision, ...]:
        """All decisions so far, by component, step and branch."""
        return tuple((*place, tuple(looks)) for place, looks in sorted(self._looks.items()))

    def act(self, component: str, step: int, branch: str, acts: bool, *, once: bool = False) -> bool:
        """Return whether a component acts at a look; recorded.

        Args:
            component: Name of the component.
            step: Number of steps before the one that it looks at.
            branch: Name of the step's branch.
            acts: Whether what it reads there makes it act.
            once: Whether it acts once per trace at most.
        """
        self._looks.setdefault((component, step, branch), []).append(acts)
        return acts


class YokedDecisions(Decisions):
    """Decisions of one trace of a placebo: those of a donor. Beyond the donor's end it does not act.

    Args:
        donor: The donor's decisions.
        seed: Seed of the trace, for a branch that the donor has not.

    Example:
        >>> yoked = YokedDecisions([("monitor", 1, "", (True,))], seed=7)
        >>> [yoked.act("monitor", step, "", step == 0) for step in range(3)]
        [False, True, False]
    """

    draws_candidates = True

    def __init__(self, donor: Sequence[Decision], *, seed: int) -> None:
        super().__init__()
        self._seed = seed
        self._donor: dict[tuple[str, int], dict[str, tuple[bool, ...]]] = {}
        for component, step, branch, looks in donor:
            self._donor.setdefault((component, step), {})[branch] = looks

    def act(self, component: str, step: int, branch: str, acts: bool, *, once: bool = False) -> bool:
        """Return whether the donor acted at this look; one that acts once acts at the first look after it did, too."""
        earlier = len(self._looks.get((component, step, branch), ()))
        looks = self._looks_at(component, step, branch)
        yoked = earlier < len(looks) and looks[earlier]
        if once and not yoked:
            yoked = any(any(self._looks_at(component, before, branch)) for before in range(step))
        return super().act(component, step, branch, yoked, once=once)

    def _looks_at(self, component: str, step: int, branch: str) -> tuple[bool, ...]:
        """Return the donor's looks at a step: of the same branch, else of one of its branches, drawn."""
        branches = self._donor.get((component, step), {})
        if not branches or branch in branches:
            return branches.get(branch, ())
        names = sorted(branches)
        return branches[names[seed_for(self._seed, "yoked", component, step, branch) % len(names)]]


def donor_of(trace: TraceKey, donors: Iterable[TraceKey], *, seed: int) -> TraceKey:
    """Return the trace that a placebo takes its decisions from, drawn over all other questions of all axes.

    A donor that is not there, because it failed, is replaced by the next in the order drawn.

    Args:
        trace: Key of the placebo's trace.
        donors: Finished traces of its arm.
        seed: The study's seed.

    Raises:
        DecisionError: There is no trace on another question.

    Example:
        >>> donors = [("secrets", "safethink", "q1", 0), ("secrets", "safethink", "q2", 0)]
        >>> donor_of(("secrets", "placebo:of=safethink", "q1", 0), donors, seed=1)
        ('secrets', 'safethink', 'q2', 0)
    """
    task, arm, question, draw = trace
    others = [donor for donor in donors if (donor[0], donor[2]) != (task, question)]
    if not others:
        raise DecisionError(
            f"{arm}: no trace of its arm on another question has been collected, so it has no decisions"
        )
    return min(others, key=lambda donor: (seed_for(seed, arm, task, question, draw, "donor", *donor), donor))


def draw_order(seed: int, names: Sequence[str], *moment: str | int) -> list[int]:
    """Return the positions of candidates in an order drawn uniformly.

    Args:
        seed: Seed of the trace.
        names: Names of the candidates, all different.
        moment: Name of the moment at which they are drawn.

    Example:
        >>> sorted(draw_order(7, ["a", "b", "c"], "grow", 1))
        [0, 1, 2]
    """
    return sorted(range(len(names)), key=lambda i: (seed_for(seed, "placebo", *moment, names[i]), i))
