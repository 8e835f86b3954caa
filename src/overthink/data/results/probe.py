"""Results on probes: what a linear reader of activations sees of the traces of a curve, beside its baselines."""

from dataclasses import dataclass

from overthink.data.curve_key import CurveKey
from overthink.data.finding import At, Finding
from overthink.data.verdict_labels import ProbeLabel


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
