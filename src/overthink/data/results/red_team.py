"""Results on the best attack of a red team: the worst of a fixed list, and what a search finds."""

from dataclasses import dataclass

from overthink.data.curve_key import CurveKey
from overthink.data.finding import At, Finding
from overthink.data.verdict_labels import MonitorLabel


@dataclass(frozen=True, slots=True, eq=False)
class WorstPolicyResult:
    """The worst of the attack policies of a task, for one monitor and view.

    Attributes:
        key: The curve of the policy that is worst at the highest rung.
        monitor: Label of the monitor.
        view: What it reads.
        policies: The policies, a fixed list.
        rungs: Lowest AUROC over them, by rung.
        worst: Policy that has it, by rung.
    """

    key: CurveKey
    monitor: str
    view: str
    policies: tuple[str, ...]
    rungs: tuple[Finding, ...]
    worst: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PolicySearchRung:
    """A search among attacking arms at one rung.

    Attributes:
        at: The rung.
        auroc: How well the monitor separates the arm of the search's choice, on questions that the search never saw.
        arm: That arm; None without a search.
        cost: Tokens of all runs that the search used, and of reading them.
        verdict: Verdict on "better than chance"; None where there is no test.
    """

    at: At
    auroc: Finding
    arm: str | None
    cost: Finding
    verdict: MonitorLabel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PolicySearchResult:
    """What a search among attacking arms leaves of one monitor and view.

    Attributes:
        key: The curve of the honest arm that they are compared with.
        monitor: Label of the monitor.
        view: What it reads.
        model: Model that it calls; None without one.
        effort: Its own thinking budget or level; None without one.
        arms: The attacking arms.
        rungs: The rungs, from the lowest.
    """

    key: CurveKey
    monitor: str
    view: str
    model: str | None
    effort: str | None
    arms: tuple[str, ...]
    rungs: tuple[PolicySearchRung, ...]
