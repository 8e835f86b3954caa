"""Parts of results on oversight: judges of two answers, probes of activations, and the best attack of a red team."""

from dataclasses import dataclass

from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.verdict_labels import JudgeLabel, MonitorLabel, ProbeLabel


@dataclass(frozen=True, slots=True, eq=False)
class JudgeRung:
    """A judge of two answers at one rung, whose thinking budget is the rung's.

    Attributes:
        at: The rung.
        accuracy: Its accuracy, both orders of a pair as one unit.
        gain: That minus its accuracy alone, paired; None for the judge alone.
        gap: Accuracy alone at the budget of the debaters minus that at its own; None where they think no more.
        recovered: Share of that gap; None likewise.
        chance: Verdict on the accuracy; None without a test.
        verdict: Verdict on the gain; None without a test.
    """

    at: At
    accuracy: Finding
    gain: Finding | None = None
    gap: Finding | None = None
    recovered: Finding | None = None
    chance: JudgeLabel | None = None
    verdict: JudgeLabel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class JudgeResult:
    """A judge of two answers on one curve.

    Attributes:
        key: The curve.
        protocol: Name of the protocol by which others argue before it; None for the judge alone, or where unknown.
        budget: Thinking budget of the debaters; None likewise.
        is_coin: Their sides are drawn by chance, without a call: the placebo.
        rungs: The rungs, from the lowest.
    """

    key: CurveKey
    protocol: str | None
    budget: int | None
    is_coin: bool
    rungs: tuple[JudgeRung, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EloResult:
    """Ratings of judges and of the debaters, of one protocol on one task.

    Attributes:
        key: The curve of the judge alone.
        protocol: Name of the protocol.
        judges: Rating at each rung.
        debaters: Rating of each budget of the debaters.
        nested: Chance that oversight holds over the gap in steps; None below three budgets on either side.
    """

    key: CurveKey
    protocol: str
    judges: tuple[Finding, ...]
    debaters: tuple[Finding, ...]
    nested: Finding | None


@dataclass(frozen=True, slots=True, eq=False)
class ProbeTextRung:
    """A probe against a text monitor at one rung, on the traces that both have read.

    Attributes:
        at: The rung.
        difference: AUROC of the probe minus that of the monitor.
        cascade: AUROC where a share of the traces goes on to the monitor, by share; ``at.total`` has its tokens.
        verdict: Verdict on the difference; None without a test.
    """

    at: At
    difference: Finding
    cascade: tuple[Finding, ...]
    verdict: ProbeLabel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ProbeTextResult:
    """A probe against one text monitor.

    Attributes:
        monitor: Label of the monitor.
        view: What it reads.
        rungs: The rungs, from the lowest.
    """

    monitor: str
    view: str
    rungs: tuple[ProbeTextRung, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ProbeRung:
    """A probe at one rung.

    Attributes:
        at: The rung.
        auroc: How well it separates the runs to be caught from the others, trained without their questions.
        baselines: The same of other features: the prompt alone, length, words, a random direction, shuffled labels.
        beyond_prompt: AUROC minus that of the prompt alone: what thinking adds.
    """

    at: At
    auroc: Finding
    baselines: tuple[Finding, ...]
    beyond_prompt: Finding


@dataclass(frozen=True, slots=True, eq=False)
class ProbeResult:
    """A probe that reads one view of the traces of one arm.

    Attributes:
        key: The curve whose traces are read.
        monitor: Label of the probe.
        view: What it reads.
        policy: Attack policy; None where the behaviour of the answers is to be caught.
        rungs: The rungs, from the lowest.
        against: Every monitor that has scored the same traces.
    """

    key: CurveKey
    monitor: str
    view: str
    policy: str | None
    rungs: tuple[ProbeRung, ...]
    against: tuple[ProbeTextResult, ...]


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


@dataclass(frozen=True, slots=True, eq=False)
class LatentStep:
    """One latent step of a model, or every step at once, behind each change of its state.

    Attributes:
        step: Its number, from 1; None for every step at once: the control, which must move answers.
        changes: Share of answers that change beyond the sham, by change.
        losses: Accuracy undisturbed minus accuracy behind the change, by change.
        sham: Share of answers that change behind the same state handed back: the placebo.
        verdict: What all changes show together; None without a test.
    """

    step: int | None
    changes: tuple[Finding, ...]
    losses: tuple[Finding, ...]
    sham: Finding
    verdict: str | None


@dataclass(frozen=True, slots=True, eq=False)
class LatentStepsResult:
    """Which latent steps the answers of a curve depend on.

    Attributes:
        key: The curve.
        kinds: The changes, by their names in the table on oversight, in the order of those of a step.
        steps: Every step, and every step at once behind them.
        reason: Why no step is called within the margin; None where one could be.
    """

    key: CurveKey
    kinds: tuple[str, ...]
    steps: tuple[LatentStep, ...]
    reason: str | None
