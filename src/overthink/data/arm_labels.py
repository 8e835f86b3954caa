"""Closed lists of labels of arms against the reference or a placebo: pairs, mitigation, reading and safety tax."""

from overthink.data.kinds import ClosedList


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
