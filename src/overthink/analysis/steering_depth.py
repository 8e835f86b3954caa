"""Steering depth: the number of early steps to steer, from arms that differ in nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from overthink.data.finding import Finding, Test
from overthink.analysis.request import CurveContext
from overthink.data.record import Axis
from overthink.stats.steering_depth import harm_by_depth, steering_depth

STEERING_TEST = "TOST, paired by question; from the largest m down, each at the full α until one shows nothing"
ONE_RUNG = "for this budget alone"


def steering_depths(contexts: Sequence[CurveContext], families: Sequence[Mapping[int, str]]) -> Iterator[Finding]:
    """Yield the depth of every family of arms at every budget above 0.

    Args:
        contexts: The curves.
        families: Label of the arm by m. The finding belongs to the arm with the largest m.
    """
    safety = [context for context in contexts if context.table.axis is Axis.SAFETY and not context.is_control]
    for context in safety:
        for family in families:
            if context.table.arm == family[max(family)]:
                by_depth = {m: other for m, label in family.items() for other in safety if _same(context, other, label)}
                if len(by_depth) > 1:
                    yield from _family_depth(context, by_depth)


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
            context.finding("steering_depth", "harm", context.at(rung)),
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
            test=Test(STEERING_TEST, p=p),
        )
