"""One curve by itself: its results put together, rung by rung."""

import numpy as np

from overthink.analysis.adaptive import adaptive
from overthink.analysis.controls import budget_control
from overthink.analysis.judge import GATE, judge_result
from overthink.analysis.ledger import token_totals, tokens_per_trace
from overthink.analysis.reliability import extreme, gate_findings, no_op, reliability_result
from overthink.analysis.request import CurveContext
from overthink.analysis.shapes import TestedCells, shapes
from overthink.analysis.values import values
from overthink.analysis.withheld import unlike_runs
from overthink.analysis.within_limit import within_limits
from overthink.data.results.curve import CurveResult, RungResult


def curve_result(context: CurveContext, *, seed: int) -> CurveResult:
    """Return everything about one curve by itself; p-values of its shapes are not adjusted yet.

    Args:
        context: The curve.
        seed: Seed of the curves on its questions.
    """
    rng = np.random.default_rng([seed, 1])
    judge = judge_result(context, rng=rng)
    drifts = None if judge is None else judge.withheld
    own = values(context, rng=rng, withheld=() if drifts is None else (GATE,))
    withheld = unlike_runs(context.gate_results) or drifts
    verdicts = shapes(context, TestedCells(context.cells, withheld=withheld), rng=rng)
    reliability = reliability_result(context)
    tokens, gates = tokens_per_trace(context), gate_findings(context)
    rungs = tuple(
        RungResult(
            context.at(i),
            mean=own.single[i],
            tries={selector: by_rung[i] for selector, by_rung in own.tries.items()},
            band=own.band[i] if own.band else None,
            corrected_mean=None if judge is None else judge.corrected[i],
            judge=None if judge is None else judge.errors[i],
            all_of_k=reliability.all_of_k[i] if reliability.all_of_k else {},
            disagreement=reliability.disagreement[i] if reliability.disagreement else None,
            settled=reliability.settled[i] if i < len(reliability.settled) else None,
            tokens=tokens[i],
            gates=gates[i],
        )
        for i in range(context.rungs)
    )
    return CurveResult(
        context.key,
        context.prefix,
        rungs,
        changes=own.changes,
        shapes=verdicts,
        drift=None if judge is None else judge.drift,
        corrected_changes=() if judge is None else judge.changes,
        corrected_shapes=() if judge is None else judge.shapes,
        flips=reliability.flips,
        token_totals=dict(token_totals(context)),
        extreme=extreme(context),
        no_op=no_op(context),
        adaptive=adaptive(context, seed=seed),
        budget_control=budget_control(context, rng=np.random.default_rng([seed, 2])),
        within=within_limits(context),
    )
