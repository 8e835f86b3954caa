"""Process against outcome supervision: selection by step scores and by answer scores, at equal verifier tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from overthink.data.finding import Finding
from overthink.analysis.request import POINTWISE, CurveContext
from overthink.stats.bootstrap import question_weights
from overthink.data.outcomes import Outcomes
from overthink.data.record import Estimand
from overthink.cost.supervision import SupervisionComparison, process_against_outcome

CAPPED = "one of the two has no more tries to judge, and leaves some of the budget unspent"
PROXY = "a proxy at hand, and no measure of legibility by readers"


def supervision(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Yield a finding per rung, budget and measure for two curves of the same tries, one of them scored by steps.

    Args:
        contexts: The curves; those scored by an oracle are not compared.
        rng: Source of randomness.
    """
    seed = int(rng.integers(2**63))
    by_steps = [context for context in contexts if _is_scored(context, "steps")]
    by_answer = [context for context in contexts if _is_scored(context, "answer")]
    for context in by_steps:
        for other in by_answer:
            outcome = replace(other.table, arm=context.table.arm)
            if not _same_tries(context.table, outcome):
                continue
            natural = next((p.table for p in contexts if _is_natural(p.table, context.table)), None)
            weights = question_weights(len(context.table.questions), rng=np.random.default_rng(seed))
            for comparison in process_against_outcome(
                context.table, outcome, weights=weights, level=context.level, natural=natural
            ):
                yield from _of_budget(context, other, comparison)


def _of_budget(context: CurveContext, other: CurveContext, comparison: SupervisionComparison) -> Iterator[Finding]:
    steps, answers = comparison.tries
    other_id = other.prefix.replace("/", ".")
    at = replace(context.at(comparison.rung), k=min(comparison.tries), selector="best")
    for measure, intervals in comparison.difference.items():
        means = comparison.selected_means[measure]
        finding = context.estimate(
            "supervision",
            measure,
            at,
            intervals,
            (),
            unknown="no question has a value of this",
            part=f"{other_id}/{comparison.budget:.0f}tokens",
        )
        limits = (POINTWISE, *((CAPPED,) if comparison.is_capped else ()), *((PROXY,) if measure != "value" else ()))
        yield replace(
            finding,
            n_draws=int(context.draws[comparison.rung]),
            label=f"{comparison.budget:,.0f} verifier tokens: steps judge {steps} ({means[0]:.3g}), answers {answers} "
            f"({means[1]:.3g})",
            gates_failed=context.failed_gates([comparison.rung]),
            limits=(*finding.limits, *limits),
        )


def _is_scored(context: CurveContext, by: str) -> bool:
    run = context.verifier_run
    return run is not None and run.by == by and not run.oracle


def _same_tries(a: Outcomes, b: Outcomes) -> bool:
    labels = ("axis", "task", "scorer", "estimand", "questions", "draws", "rungs")
    alike = all(getattr(a, name) == getattr(b, name) for name in labels)
    return alike and bool(np.array_equal(a.values, b.values, equal_nan=True))


def _is_natural(table: Outcomes, of: Outcomes) -> bool:
    same = (table.arm, table.task, table.scorer, table.axis) == (of.arm, of.task, of.scorer, of.axis)
    return same and table.estimand is Estimand.NATURAL
