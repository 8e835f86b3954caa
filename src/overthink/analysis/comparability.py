"""What follows where the runs of a ladder are not alike: no trend is claimed."""

from collections.abc import Iterable

from overthink.data.kinds import Metric
from overthink.data.phrases import Reason, one_of
from overthink.data.results.curve import Withheld
from overthink.stats.gates import UNLIKE, UNLIKE_MORE, GateResult

UNLIKE_WITHHELD = Reason("withheld: {why}", why=one_of(UNLIKE, UNLIKE_MORE))


def unlike_runs(gates: Iterable[GateResult]) -> Withheld | None:
    """Return why no trend of a curve may be claimed: its runs differ in more than the ladder; None where they do not.

    Args:
        gates: Results of the gates of the curve.

    Example:
        >>> gate = GateResult(Metric.COMPARABILITY, 1, 1.0, False, UNLIKE.text(difference="the grader differs"))
        >>> unlike_runs([gate]).reason
        'withheld: the runs are not alike: `the grader differs`'
    """
    failed = (gate for gate in gates if gate.name == Metric.COMPARABILITY and gate.passed is False)
    return next((Withheld(Metric.COMPARABILITY, gate.reason or "") for gate in failed), None)
