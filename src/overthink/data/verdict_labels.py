"""Closed lists of the labels of findings that are verdicts.

:class:`~overthink.data.finding.Finding` describes them. Values are those of ``findings.json``.

Closed lists of labels of arms against the reference or a placebo: pairs, mitigation, reading and safety tax.
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


class MitigationLabel(ClosedList):
    """Verdict on the mitigation of a safety loss by an arm, at equal thinking budget.

    A label that ends in "partly by thinking less" stands where the arm's realised thinking is over 10 % below that of
    the reference, and what it gives back is shown at equal realised thinking, too.
    """

    ELIMINATES = "eliminates within δ"
    MITIGATES = "mitigates, does not eliminate"
    OPEN = "mitigates, elimination undetermined"
    ELIMINATES_PARTLY = "eliminates within δ, partly by thinking less"
    MITIGATES_PARTLY = "mitigates, does not eliminate, partly by thinking less"
    OPEN_PARTLY = "mitigates, elimination undetermined, partly by thinking less"
    THINKS_LESS = "partly by thinking less, no more is shown"
    NO_EFFECT = "no effect shown"
    WORSENS = "worsens"
    UNTESTABLE = "not testable"


HELPS = (
    MitigationLabel.ELIMINATES,
    MitigationLabel.MITIGATES,
    MitigationLabel.OPEN,
    MitigationLabel.ELIMINATES_PARTLY,
    MitigationLabel.MITIGATES_PARTLY,
    MitigationLabel.OPEN_PARTLY,
)
"""Labels that say that an arm mitigates, or eliminates."""


class ReadingLabel(ClosedList):
    """Verdict on an arm against its placebo, which acts as often and reads nothing: the effect of the arm's reading."""

    HELPS = "its reading helps"
    HELPS_PARTLY = "its reading helps, partly by thinking less"
    THINKS_LESS = "thinks less than its placebo, no more is shown"
    NO_EFFECT = "no effect of its reading shown"
    HARMS = "its reading harms"
    UNTESTABLE = "not testable"


class TaxLabel(ClosedList):
    """Verdict on the safety tax of an arm: the end of a finding's label."""

    LOSS = "loss shown"
    SMALL_LOSS = "loss shown, below δ"
    GAIN = "gain shown"
    SMALL = "loss below δ"
    OPEN = "undetermined"


class PairedLabel(ClosedList):
    """Verdict on two arms on the same questions."""

    DIFFERENT = "different"
    EQUIVALENT = "equivalent within the margin"
    UNDETERMINED = "undetermined"
