"""What of the results may be read before a run has ended: values and counts, and no claim about them.

Traces that finish early are no random sample of a study, and a verdict that is looked at again and again until it comes
out is no test of the stated level. So there is no shape, change, lead or comparison of arms; means and intervals stay,
each of the traces that are there.
"""

from dataclasses import replace

from overthink.data.results.curve import CurveResult
from overthink.data.results.study import Results


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
