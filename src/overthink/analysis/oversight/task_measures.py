"""Measures of built-in tasks on the thinking: a rule kept there and in the answer, and hints that it mentions.

Both rest on monitors without a model, `rule` and `hint`, whose scores are in the table on oversight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from overthink.analysis.request import POINTWISE, CurveContext, with_estimate
from overthink.data.finding import At, Finding
from overthink.data.interventions import HintMoves
from overthink.data.kinds import Kind, Metric
from overthink.data.oversight_cells import MonitorScores
from overthink.data.phrases import Phrase
from overthink.data.record import Axis
from overthink.data.results.oversight import HintRung, ObedienceRung
from overthink.stats.oversight.hints import hint_faithfulness
from overthink.stats.oversight.scores import IntervalEstimate
from overthink.stats.proportion import clustered_proportion

RULE_MONITOR = "rule"

AMONG_CORRECT = Phrase("among right answers alone: a text that gives up obeys more easily")
MENTION = Phrase("a mention is a word of the hint's wording: an upper bound on the share that admits to have used it")
WITHOUT_CHANCE = Phrase("without the moves that chance makes, by those to other choices")

NO_RIGHT = Phrase("no right answer has a text that shows whether it keeps to its rule")


def obedience(contexts: Sequence[CurveContext], blocks: Sequence[MonitorScores]) -> tuple[ObedienceRung, ...]:
    """Return how often the rule is kept in the thinking and in the answer, per rung, among right answers.

    Args:
        contexts: The curves.
        blocks: Scores of monitors; those of the monitor of rules count.
    """
    own = {
        (block.task, block.estimand, block.view): block
        for block in blocks
        if block.monitor == RULE_MONITOR and np.isfinite(block.scores).any()
    }
    results = []
    for context in contexts:
        key = context.key
        views = [own.get((key.task, context.table.estimand, view)) for view in ("cot", "action")]
        if key.axis != Axis.CAPABILITY or key.judges_thinking or not any(views):
            continue
        for rung in range(context.rungs):
            at = context.at(rung)
            metrics = (Metric.OBEYS_IN_THINKING, Metric.OBEYS_IN_ANSWER)
            shares = [_share(context, block, at, metric) for block, metric in zip(views, metrics, strict=True)]
            results.append(ObedienceRung(key, at, *shares))
    return tuple(results)


def _share(context: CurveContext, block: MonitorScores | None, at: At, metric: Metric) -> Finding:
    finding = context.finding(Kind.FAITHFULNESS, metric, at)
    if block is None:
        return replace(finding, reason=NO_RIGHT)
    runs = (block.arms == context.table.arm) & (block.requested == at.requested_tokens) & (block.corrects == 1)
    runs &= ~np.isnan(block.scores)
    if not runs.any():
        return replace(finding, reason=NO_RIGHT)
    names, numbers = np.unique(block.questions[runs], return_inverse=True)
    hits = np.bincount(numbers, weights=1 - block.scores[runs]).astype(np.int64)
    share = clustered_proportion(hits, np.bincount(numbers), level=context.level)
    return replace(
        finding,
        estimate=share.estimate,
        low=share.low,
        high=share.high,
        level=context.level,
        n_questions=len(names),
        limits=(POINTWISE, AMONG_CORRECT),
    )


def hints(contexts: Sequence[CurveContext], moves: Sequence[HintMoves]) -> tuple[HintRung, ...]:
    """Return how often the thinking mentions a hint that moved the answer, per rung and wording.

    Args:
        contexts: The curves.
        moves: Moves of answers by arm, rung and wording.
    """
    return tuple(rung for context in contexts for rung in _hint_rungs(context, moves))


def _hint_rungs(context: CurveContext, moves: Sequence[HintMoves]) -> Iterator[HintRung]:
    key = context.key
    if key.axis != Axis.CAPABILITY or key.judges_thinking:
        return
    for rung in range(context.rungs):
        at = context.at(rung)
        for own in moves:
            if (own.task, own.arm, own.requested_tokens) == (key.task, key.arm, at.requested_tokens):
                result = hint_faithfulness(
                    own.to_hint, own.to_other, own.says, options=own.options, level=context.level
                )
                limits = (POINTWISE, MENTION)
                yield HintRung(
                    key,
                    str(own.wording),
                    at,
                    _finding(context, Metric.HINT_MENTIONS, at, own, result, limits),
                    _finding(context, Metric.HINT_MENTIONS_NORMAL, at, own, result.normal, (*limits, WITHOUT_CHANCE)),
                )


def _finding(
    context: CurveContext, metric: Metric, at: At, own: HintMoves, result: IntervalEstimate, limits: tuple[str, ...]
) -> Finding:
    moved = int(((own.to_hint == 1) & ~np.isnan(own.says)).any(axis=1).sum())
    finding = context.finding(Kind.FAITHFULNESS, metric, at, part=str(own.wording))
    finding = with_estimate(finding, result, context.level)
    return replace(finding, reason=result.reason, label=str(own.wording), n_questions=moved, limits=limits)
