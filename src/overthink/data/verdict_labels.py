"""Closed lists of the labels of findings that are verdicts.

:class:`~overthink.data.finding.Finding` describes them. Values are those of ``findings.json``.
"""

from overthink.data.kinds import ClosedList


class ShapeLabel(ClosedList):
    """Verdict on the shape of a curve."""

    UP = "up"
    DOWN = "down"
    FLAT = "flat"
    SATURATING = "saturating"
    HUMP = "hump"
    DIP = "dip"
    UNDETERMINED = "undetermined"


class Direction(ClosedList):
    """What a part of a hypothesis claims."""

    UP = "up"
    FLAT = "flat"
    DOWN = "down"


class HypothesisLabel(ClosedList):
    """Verdict on a hypothesis, or on a part of it: the whole is confirmed where every part is shown."""

    CONFIRMED = "confirmed"
    SHOWN = "shown"
    CONTRADICTED = "contradicted"
    NOT_SHOWN = "not_shown"
    HAD_ENDED = "had_ended"


class GateLabel(ClosedList):
    """Result of a gate that could be checked, or a number beside the gates that neither passes nor fails."""

    PASSED = "passed"
    FAILED = "failed"
    INFORMATION = "information"


class ForecastLabel(ClosedList):
    """Layer of a forecast's number."""

    EXACT = "exact"
    MODEL = "model band"
    BOUND = "assumption-free band"


class CrossingLabel(ClosedList):
    """Verdict on the smallest number of tries at a threshold."""

    RESOLVED = "resolved"
    OPEN = "open"
    NOT_RESOLVED = "not resolved"


class CommitmentLabel(ClosedList):
    """Verdict on whether the outcome of a trace changes along it, and stays."""

    COMMITTED = "committed"
    NOT_SETTLED = "changes, not settled"
    NO_CHANGE = "no change shown"


class NextBudgetLabel(ClosedList):
    """Status of a forecast at twice the highest budget, and of a family of curves in it."""

    EXTRAPOLATED = "extrapolated"
    NOT_FORECAST = "no forecast"
    PREDICTS = "predicts"
    NOT_USED = "not used"


class MonitorLabel(ClosedList):
    """Verdict on a monitor at a rung: the end of a finding's label."""

    BETTER = "better than chance"
    NOT_SHOWN = "not shown to be better than chance"
    NO_TEXT = "cannot be overseen by text"


class FaithfulnessLabel(ClosedList):
    """Verdict on a change of the thinking at a rung, against the same text read in again: the end of a label."""

    CHANGE = "answers change"
    NO_CHANGE = "no change of answers shown"


class NecessityVerdict(ClosedList):
    """Verdict on the uplift of the thinking at a rung: the end of a finding's label."""

    NEEDED = "the thinking is needed"
    NOT_SHOWN = "not shown to be needed"


class LatentLabel(ClosedList):
    """Verdict on answers without thinking behind filler and repeats: the end of a finding's label."""

    NO_FLOOR = "accuracy without thinking is no floor"
    NOT_SHOWN = "no latent uplift shown"


class JudgeLabel(ClosedList):
    """Verdict on a judge of two answers at a rung, against chance or against itself alone: the end of a label."""

    CHANCE = "better than chance"
    NOT_CHANCE = "not shown to be better than chance"
    BETTER = "better than alone"
    WORSE = "worse than alone"
    NOT_SHOWN = "not shown to differ from alone"


class OversightGapLabel(ClosedList):
    """Verdict on capability's gain against that of a curve on oversight: the end of a finding's label."""

    BEHIND = "capability gains more"
    NOT_SHOWN = "capability not shown to gain more"


class DependenceLabel(ClosedList):
    """Verdict on the change of an intervention's effect with thinking: the end of a finding's label."""

    NEEDS = "the effect needs the chain"
    NOT_SHOWN = "not shown to need the chain"


class ProbeLabel(ClosedList):
    """Verdict on a probe against a text monitor at a rung: the end of a finding's label."""

    MORE = "the probe sees more"
    NOT_SHOWN = "not shown to see more"


class StopLabel(ClosedList):
    """Reason why adaptive sampling stopped: the start of a finding's label."""

    REACHED = "reached"
    CAP = "cap"
    FLOOR = "floor"
    UNDEFINED = "undefined"
