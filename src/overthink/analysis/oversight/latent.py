"""Is accuracy without thinking a floor? Direct answers behind filler and repeats of the question, against plain ones.

Where the lower end of the largest uplift is above 0, the plain prompt understates what the model does without a chain:
necessity then says so, and stands beside the uplift over the best prompt.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from overthink.analysis.oversight.perturbation_curve import NO_ANSWER
from overthink.analysis.request import POINTWISE, CurveContext, with_estimate
from overthink.data.arrays import Array
from overthink.data.decisions import gives_room
from overthink.data.finding import Finding
from overthink.data.ids import id_part
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Limit, Phrase, name
from overthink.data.record import Axis
from overthink.data.results.oversight import LatentResult, NecessityResult
from overthink.data.verdict_labels import LatentLabel
from overthink.stats.curve import question_means
from overthink.stats.oversight.latent import FEW, LatentUplift, latent_uplift
from overthink.stats.oversight.scores import IntervalEstimate
from overthink.stats.paired import paired_mean

LARGEST = Limit(
    "the largest of {n:d} prompts, with an interval for the choice; prompts that were not tried may do more"
)
ALL_TASKS = Limit("the verdict holds for all {n:d} curves of the report with such prompts at once (Bonferroni)")
NO_FLOOR = Limit(
    "accuracy without thinking is no floor: with {arm} it is shown to be higher, so read the elicited uplift instead",
    arm=name("arm"),
)
ELICITED = Phrase("without thinking is behind {arm}, the best prompt on the same questions", arm=name("arm"))

_Pair = tuple[CurveContext, int, list[CurveContext]]


def latents(contexts: Sequence[CurveContext]) -> tuple[LatentResult, ...]:
    """Return the latent uplift of every capability curve with a direct answer and prompts that give room beside it.

    Args:
        contexts: The curves.
    """
    pairs: list[_Pair] = []
    for context in contexts:
        key, direct = context.key, _direct(context)
        reference = context.analysis.reference or "base"
        if key.axis != Axis.CAPABILITY or key.judges_thinking or key.arm != reference or direct is None:
            continue
        prompts = [
            other
            for other in contexts
            if other.key._replace(arm=key.arm) == key and gives_room(other.key.arm) and _direct(other) is not None
        ]
        if prompts:
            pairs.append((context, direct, prompts))
    return tuple(_result(*pair, tests=len(pairs)) for pair in pairs)


def with_elicited(
    necessities: Sequence[NecessityResult], latents: Sequence[LatentResult]
) -> tuple[NecessityResult, ...]:
    """Return results on necessity, with a limit where accuracy without thinking is shown to be no floor.

    Args:
        necessities: Whether the thinking is needed, by curve.
        latents: Answers behind filler and repeats, by curve.
    """
    best = {each.key: each.best for each in latents if each.verdict is LatentLabel.NO_FLOOR}
    return tuple(
        replace(
            result,
            rungs=tuple(
                replace(
                    rung,
                    uplift=_with_limit(rung.uplift, str(arm)),
                    labels=tuple(_with_limit(label, str(arm)) for label in rung.labels),
                )
                for rung in result.rungs
            ),
        )
        if (arm := best.get(result.key)) is not None
        else result
        for result in necessities
    )


def _with_limit(finding: Finding, arm: str) -> Finding:
    return replace(finding, limits=(*finding.limits, NO_FLOOR.text(arm=arm)))


def _direct(context: CurveContext) -> int | None:
    """Return the rung of direct answers; None without one."""
    return next((index for index, rung in enumerate(context.whole.rungs) if rung.requested_tokens == 0), None)


def _result(context: CurveContext, direct: int, prompts: Sequence[CurveContext], *, tests: int) -> LatentResult:
    plain = context.whole.values[:, :, direct]
    tables = [_direct_answers(other, context) for other in prompts]
    draws = max(table.shape[1] for table in tables)
    stacked = np.full((len(plain), draws, len(tables)), np.nan)
    for index, table in enumerate(tables):
        stacked[:, : table.shape[1], index] = table
    found = latent_uplift(plain, stacked, level=context.level)
    shown = latent_uplift(plain, stacked, level=1 - (1 - context.level) / tests)
    best = None if found.best < 0 else prompts[found.best].key.arm
    verdict = None if shown.is_floor is None else (LatentLabel.NOT_SHOWN if shown.is_floor else LatentLabel.NO_FLOOR)
    at = context.at(direct)
    uplift = with_estimate(
        context.finding(Kind.LATENT, Metric.LATENT_UPLIFT, at), found, context.level, missing=NO_ANSWER
    )
    uplift = replace(
        uplift,
        label=None if best is None else f"{best}: {verdict}",
        simultaneous=True,
        n_questions=found.n_questions,
        limits=(LARGEST.text(n=len(prompts)), ALL_TASKS.text(n=tests)),
    )
    is_shown = verdict is LatentLabel.NO_FLOOR
    return LatentResult(
        key=context.key,
        uplift=uplift,
        prompts=tuple(_prompt(context, direct, prompt.key.arm, found, index) for index, prompt in enumerate(prompts)),
        best=best,
        elicited=_elicited(context, str(best), tables[found.best]) if is_shown else (),
        verdict=verdict,
    )


def _direct_answers(other: CurveContext, context: CurveContext) -> Array:
    """Return the direct answers of another arm on the questions of the curve, (question, draw)."""
    rows = {question: number for number, question in enumerate(other.whole.questions)}
    values = other.whole.values[:, :, _direct(other) or 0]
    table = np.full((len(context.whole.questions), values.shape[1]), np.nan)
    for number, question in enumerate(context.whole.questions):
        if question in rows:
            table[number] = values[rows[question]]
    return table


def _prompt(context: CurveContext, direct: int, arm: str, found: LatentUplift, index: int) -> Finding:
    result = IntervalEstimate(found.uplifts[index], found.lows[index], found.highs[index], "", found.reason)
    finding = context.finding(Kind.LATENT, Metric.ROOM_UPLIFT, context.at(direct), part=id_part(arm))
    return replace(with_estimate(finding, result, context.level, missing=NO_ANSWER), label=arm, simultaneous=True)


def _elicited(context: CurveContext, arm: str, best: Array) -> tuple[Finding, ...]:
    """Return accuracy with the thinking of each rung minus that behind the best prompt, paired by question."""
    findings = []
    without = question_means(best[:, :, None])[:, 0]
    for rung in range(context.rungs):
        if not context.whole.rungs[rung].requested_tokens:
            continue
        differences = question_means(context.whole.values[:, :, [rung]])[:, 0] - without
        found = paired_mean(differences, level=context.level, margin=context.analysis.margin)
        result = IntervalEstimate(found.estimate, found.low, found.high, "", FEW if found.n_questions < 2 else None)
        finding = context.finding(Kind.LATENT, Metric.ELICITED_UPLIFT, context.at(rung))
        finding = with_estimate(finding, result, context.level, missing=NO_ANSWER)
        limits = (POINTWISE, ELICITED.text(arm=arm))
        findings.append(replace(finding, label=arm, n_questions=found.n_questions, limits=limits))
    return tuple(findings)
