"""Process against outcome supervision: selection by step scores and by answer scores, at equal verifier tokens.

Steering depth: the number of early steps to steer, from arms that differ in nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from overthink.analysis.request import POINTWISE, CurveContext
from overthink.cost.supervision import SupervisionComparison, process_against_outcome
from overthink.data.finding import Finding, FindingTest
from overthink.data.ids import other_curve
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis, Estimand
from overthink.data.results.budgets import SteeringDepthResult, SupervisionResult
from overthink.data.selectors import Selector
from overthink.stats.bootstrap import question_weights
from overthink.stats.steering_depth import harm_by_depth, steering_depth

CAPPED = "one of the two has no more tries to judge, and leaves some of the budget unspent"
PROXY = "a proxy at hand, and no measure of legibility by readers"


def supervision(contexts: Sequence[CurveContext], *, rng: np.random.Generator) -> Iterator[SupervisionResult]:
    """Yield a comparison per rung and budget for two curves of the same tries, one of them scored by steps.

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
                yield SupervisionResult(
                    by_steps=context.key,
                    by_answers=other.key,
                    at=context.at(comparison.rung),
                    budget=comparison.budget,
                    tries=comparison.tries,
                    differences=dict(_differences(context, other, comparison)),
                )


def _differences(
    context: CurveContext, other: CurveContext, comparison: SupervisionComparison
) -> Iterator[tuple[Metric, Finding]]:
    """Yield the difference of the selections by measure."""
    steps, answers = comparison.tries
    other_id = other_curve(other.prefix, joint=".")
    at = replace(context.at(comparison.rung), k=min(comparison.tries), selector=Selector.BEST)
    for measure, intervals in comparison.difference.items():
        means, metric = comparison.selected_means[measure], Metric(measure)
        finding = context.estimate(
            Kind.SUPERVISION,
            metric,
            at,
            intervals,
            (),
            unknown="no question has a value of this",
            part=f"{other_id}/{comparison.budget:.0f}tokens",
        )
        proxy = () if metric is Metric.VALUE else (PROXY,)
        yield (
            metric,
            replace(
                finding,
                n_draws=int(context.draws[comparison.rung]),
                label=f"{comparison.budget:,.0f} verifier tokens: steps judge {steps} ({means[0]:.3g}), answers "
                f"{answers} ({means[1]:.3g})",
                gates_failed=context.failed_gates([comparison.rung]),
                limits=(*finding.limits, POINTWISE, *((CAPPED,) if comparison.is_capped else ()), *proxy),
            ),
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


STEERING_TEST = "TOST, paired by question; from the largest m down, each at the full α until one shows nothing"
ONE_RUNG = "for this budget alone"


def steering_depths(
    contexts: Sequence[CurveContext], families: Sequence[Mapping[int, str]]
) -> Iterator[SteeringDepthResult]:
    """Yield the depth of every family of arms, at every budget above 0.

    Args:
        contexts: The curves.
        families: Label of the arm by m. The result belongs to the arm with the largest m.
    """
    safety = [context for context in contexts if context.table.axis is Axis.SAFETY and not context.is_control]
    for context in safety:
        for family in families:
            if context.table.arm == family[max(family)]:
                by_depth = {m: other for m, label in family.items() for other in safety if _same(context, other, label)}
                if len(by_depth) > 1:
                    yield SteeringDepthResult(context.key, tuple(_family_depth(context, by_depth)))


def _same(context: CurveContext, other: CurveContext, label: str) -> bool:
    first, second = context.table, other.table
    return second.arm == label and (first.task, first.scorer, first.estimand) == (
        second.task,
        second.scorer,
        second.estimand,
    )


def _family_depth(context: CurveContext, by_depth: Mapping[int, CurveContext]) -> Iterator[Finding]:
    margin, alpha = context.analysis.margin, context.analysis.alpha
    for rung, ladder_rung in enumerate(context.table.rungs):
        if not ladder_rung.requested_tokens:
            continue
        cells, depths = harm_by_depth({m: curve.table for m, curve in by_depth.items()}, ladder_rung.requested_tokens)
        depth = steering_depth(cells, depths, margin=margin, alpha=alpha)
        depths_text = ", ".join(str(m) for m in depths)
        finding = replace(
            context.finding(Kind.STEERING_DEPTH, Metric.HARM, context.at(rung)),
            level=context.level,
            n_questions=depth.n_questions,
            gates_failed=tuple(
                dict.fromkeys(gate for curve in by_depth.values() for gate in curve.failed_gates([rung]))
            ),
            limits=(
                ONE_RUNG,
                f"m was {depths_text}; equivalent means within {margin:g} of the harm at m={depths[-1]}",
                f"by the estimates alone, their error left out, it would be m={depth.by_point}",
            ),
        )
        if depth.depth is None:
            reason = f"no m below {depths[-1]} is shown to leave as little harm: undetermined, or deeper than was tried"
            yield replace(finding, reason=reason)
            continue
        p = float(depth.p[depths.index(depth.depth)])
        yield replace(
            finding,
            estimate=float(depth.depth),
            low=None,
            high=float(depth.depth),
            label=f"steering {depth.depth} early steps does what {depths[-1]} do, within {margin:g}",
            test=FindingTest(STEERING_TEST, p=p),
        )
