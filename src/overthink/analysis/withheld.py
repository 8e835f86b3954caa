"""What is withheld: a trend where the runs of a ladder are not alike, and every claim before a run has ended.

Traces that finish early are no random sample of a study, and a verdict that is looked at again and again until it
comes out is no test of the stated level. So there is no shape, change, lead or comparison of arms; means and intervals
stay, each of the traces that are there.
"""

from collections.abc import Iterable
from dataclasses import replace

from overthink.data.kinds import Metric
from overthink.data.phrases import Reason, one_of
from overthink.data.results.curve import CurveResult, Withheld
from overthink.data.results.study import Results
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


def values_alone(results: Results) -> Results:
    """Return the results without anything that claims a change, a shape or a difference: values, gates and tokens.

    Args:
        results: Results of the traces that are there.

    Example:
        >>> values_alone(Results()).curves
        ()
    """
    return Results(curves=tuple(map(_values, results.curves)), ledgers=results.ledgers)


def _values(curve: CurveResult) -> CurveResult:
    rungs = tuple(replace(rung, disagreement=None, settled=None, all_of_k={}) for rung in curve.rungs)
    return CurveResult(curve.key, curve.id, rungs, token_totals=curve.token_totals)
