"""Does a weaker judge keep up? Accuracy of a judge of two answers per rung, alone and behind the arguments of others.

The judge's budget is the rung's and the debaters have one of their own, so the gap between them is measured: the
accuracy of the judge alone at either budget. Chance is a half, and both orders of a pair are one unit.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from overthink.analysis.families import is_shown, with_adjusted_p
from overthink.analysis.oversight.perturbation_curve import NO_ANSWER
from overthink.analysis.request import POINTWISE, CurveContext, with_estimate
from overthink.data.arrays import Array
from overthink.data.finding import At, Finding, FindingTest
from overthink.data.ids import id_part
from overthink.data.kinds import Kind, Metric
from overthink.data.phrases import Limit, Phrase, one_of
from overthink.data.record import Axis
from overthink.data.results.oversight_parts import EloResult, JudgeResult, JudgeRung
from overthink.data.verdict_labels import JudgeLabel
from overthink.plan.arms import ProtocolArm
from overthink.stats.oversight.elo import SCALE, DomainForm, EloRatings, domain_elo, elo_ratings, nested_oversight
from overthink.stats.oversight.recovered import judge_accuracy, performance_gap_recovered, swap_average
from overthink.stats.oversight.scores import IntervalEstimate
from overthink.stats.paired import paired_mean

DEBATE_TASK = "overthink/debate"
CHANCE = 0.5
ORDERS = 2

CHANCE_TEST = "two-sided against a half, by pair; Holm over all rungs and protocols of the report, gains included"
GAIN_TEST = (
    "two-sided against the judge alone, by pair; Holm over all rungs and protocols of the report, chance included"
)

BOTH_ORDERS = Limit("a pair in both orders is one unit; {n:,d} of {total:,d} pairs were judged in both")
NOT_WEAKER = Limit("the judge thinks as much as the debaters, or more: it is no weaker judge")
PLACEBO = Limit("sides are drawn by chance, and nobody argues: the placebo")
MEASURED = Phrase("the gap is that of the judge alone, at {high:,d} and at {low:,d} tokens")
NO_RUNG = Phrase("no rung of the judge alone is at {budget:,d} tokens, the budget of the debaters")
INDEPENDENT = Phrase("games count as independent, though protocols share their questions")
FORMS = Phrase(
    "Elo of the {side} over that of the task: {form}, by the lowest AIC",
    side=one_of("judge", "debaters"),
    form=one_of(*DomainForm),
)
NO_ENDS = Phrase("no interval: lines through ratings that have intervals of their own")
FAR = Phrase("the interval is open: in some resamples a side wins or loses all of its games")
ONE_LINE = Phrase("ratings or accuracies that are not finite, or fewer than three different ones")

LEAST_BUDGETS = 3
"""Budgets of either side through which a line of ratings is laid."""


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """A curve of a judge.

    Attributes:
        context: The curve.
        arm: The protocol before it; None for the judge alone.
        pairs: Names of the pairs of answers.
        right: 1 where its verdict is right, (pair, order, draw, rung).
    """

    context: CurveContext
    arm: ProtocolArm | None
    pairs: tuple[str, ...]
    right: Array

    def at_budget(self, budget: int | None) -> int | None:
        """Return the rung of a thinking budget; None without one."""
        asked = [rung.requested_tokens for rung in self.context.whole.rungs]
        return asked.index(budget) if budget is not None and budget in asked else None

    def values(self, rung: int, pairs: Sequence[str]) -> Array:
        """Return the accuracy on each of some pairs at a rung, NaN where a pair lacks an order."""
        own = dict(zip(self.pairs, swap_average(self.right[..., rung]).tolist(), strict=True))
        return np.array([own.get(pair, np.nan) for pair in pairs])


def judge_results(contexts: Sequence[CurveContext]) -> tuple[JudgeResult, ...]:
    """Return the judge of every curve of the wrong-answer task, alone and in each protocol.

    Args:
        contexts: The curves.
    """
    results = [
        JudgeResult(
            key=judge.context.key,
            protocol=None if judge.arm is None else judge.arm.protocol,
            budget=None if judge.arm is None else judge.arm.budget,
            is_coin=judge.arm is not None and judge.arm.is_coin,
            rungs=tuple(_rung(judge, alone, rung) for rung in range(judge.context.rungs)),
        )
        for alone, group in judge_groups(contexts)
        for judge in group
    ]
    adjusted = with_adjusted_p(
        finding for result in results for rung in result.rungs for finding in (rung.accuracy, rung.gain)
    )
    return tuple(
        replace(result, rungs=tuple(_with_verdicts(rung, adjusted) for rung in result.rungs)) for result in results
    )


def judge_ratings(contexts: Sequence[CurveContext]) -> tuple[EloResult, ...]:
    """Return ratings of judges against the debaters, for every protocol whose speakers are a model.

    Args:
        contexts: The curves.
    """
    results = []
    for alone, group in judge_groups(contexts):
        protocols: dict[str, list[Judge]] = {}
        for judge in group:
            if judge.arm is not None and not judge.arm.is_coin:
                protocols.setdefault(judge.arm.protocol, []).append(judge)
        if alone is not None:
            results += [_elo(alone, name, own) for name, own in protocols.items()]
    return tuple(results)


def pair_of(question: str) -> tuple[str, int] | None:
    """Return the pair of answers of a question by its id, and their order, from 0; None for another task.

    Example:
        >>> pair_of("debate-0007-2"), pair_of("hints-0007-4-none")
        (('debate-0007', 1), None)
    """
    match = re.fullmatch(r"(debate-\d+)-([12])", question)
    return None if match is None else (match[1], int(match[2]) - 1)


def judge_groups(contexts: Sequence[CurveContext]) -> Iterator[tuple[Judge | None, list[Judge]]]:
    """Yield the judges of each task and scorer: the one alone, and all.

    Args:
        contexts: The curves.
    """
    groups: dict[object, list[CurveContext]] = {}
    for context in contexts:
        key = context.key
        if key.task == DEBATE_TASK and key.axis == Axis.CAPABILITY and not (context.is_control or key.judges_thinking):
            groups.setdefault(key._replace(arm=""), []).append(context)
    for group in groups.values():
        own = [_judge(context) for context in group]
        reference = group[0].analysis.reference or "base"
        alone = next((judge for judge in own if judge.context.key.arm == reference and judge.arm is None), None)
        yield alone, own


def _judge(context: CurveContext) -> Judge:
    places = [pair_of(question) for question in context.whole.questions]
    pairs = tuple(dict.fromkeys(place[0] for place in places if place is not None))
    values = context.whole.values
    right = np.full((len(pairs), ORDERS, *values.shape[1:]), np.nan)
    for row, place in enumerate(places):
        if place is not None:
            right[pairs.index(place[0]), place[1]] = values[row]
    arm = next((arm for arm in context.analysis.protocols if arm.arm == context.key.arm), None)
    return Judge(context, arm, pairs, right)


def _rung(judge: Judge, alone: Judge | None, rung: int) -> JudgeRung:
    context, at = judge.context, judge.context.at(rung)
    found = judge_accuracy(judge.right[..., rung], chance=CHANCE, level=context.level)
    limits: tuple[str, ...] = (POINTWISE, BOTH_ORDERS.text(n=found.n_pairs, total=len(judge.pairs)))
    limits += (str(PLACEBO),) if judge.arm is not None and judge.arm.is_coin else ()
    accuracy = _finding(judge, Metric.JUDGE_ACCURACY, at, found, limits, n=found.n_pairs)
    if not np.isnan(found.p):
        accuracy = replace(accuracy, test=FindingTest(CHANCE_TEST, p=found.p))
    weak = None if alone is None or alone is judge else alone.at_budget(at.requested_tokens)
    if alone is None or weak is None:
        return JudgeRung(at, accuracy)
    before, after = alone.values(weak, judge.pairs), judge.values(rung, judge.pairs)
    change = paired_mean(after - before, level=context.level, margin=context.analysis.margin)
    result = IntervalEstimate(change.estimate, change.low, change.high, "", None)
    budget = None if judge.arm is None else judge.arm.budget
    is_weaker = budget is not None and at.requested_tokens is not None and at.requested_tokens < budget
    gain_limits = limits if is_weaker or budget is None else (*limits, str(NOT_WEAKER))
    gain = _finding(judge, Metric.JUDGE_GAIN, at, result, gain_limits, n=change.n_questions)
    if not np.isnan(change.p):
        gain = replace(gain, test=FindingTest(GAIN_TEST, p=change.p, mde=change.mde))
    if not is_weaker or budget is None:
        return JudgeRung(at, accuracy, gain)
    gap, recovered = _gap(judge, alone, at, budget, (before, after), limits)
    return JudgeRung(at, accuracy, gain, gap, recovered)


def _gap(
    judge: Judge, alone: Judge, at: At, budget: int, values: tuple[Array, Array], limits: tuple[str, ...]
) -> tuple[Finding, Finding]:
    """Return the gap between the budgets of the judge and of the debaters, and the share recovered."""
    strong = alone.at_budget(budget)
    if strong is None:
        unknown = IntervalEstimate(np.nan, np.nan, np.nan, "none", NO_RUNG.text(budget=budget))
        metrics = (Metric.CAPABILITY_GAP, Metric.GAP_RECOVERED)
        gap, recovered = (_finding(judge, metric, at, unknown, limits, n=0) for metric in metrics)
        return gap, recovered
    weak, protocol = values
    found = performance_gap_recovered(weak, alone.values(strong, judge.pairs), protocol, level=judge.context.level)
    limits = (*limits, MEASURED.text(high=budget, low=at.requested_tokens or 0))
    gap_found = IntervalEstimate(found.gap, found.gap_low, found.gap_high, "", found.reason)
    return (
        _finding(judge, Metric.CAPABILITY_GAP, at, gap_found, limits, n=found.n_questions),
        _finding(judge, Metric.GAP_RECOVERED, at, found, limits, n=found.n_questions),
    )


def _with_verdicts(rung: JudgeRung, adjusted: Mapping[str, Finding]) -> JudgeRung:
    accuracy, chance = _with_verdict(adjusted.get(rung.accuracy.id, rung.accuracy), CHANCE)
    if rung.gain is None:
        return replace(rung, accuracy=accuracy, chance=chance)
    gain, verdict = _with_verdict(adjusted.get(rung.gain.id, rung.gain), 0.0)
    return replace(rung, accuracy=accuracy, gain=gain, chance=chance, verdict=verdict)


def _with_verdict(finding: Finding, null: float) -> tuple[Finding, JudgeLabel | None]:
    """Return a finding whose label is its verdict: above or below the null, or not shown."""
    if finding.test is None or finding.estimate is None:
        return finding, None
    has_effect, is_above = is_shown(finding), finding.estimate > null
    if finding.metric == Metric.JUDGE_ACCURACY:
        label = JudgeLabel.CHANCE if has_effect and is_above else JudgeLabel.NOT_CHANCE
    else:
        label = (JudgeLabel.BETTER if is_above else JudgeLabel.WORSE) if has_effect else JudgeLabel.NOT_SHOWN
    return replace(finding, label=str(label)), label


def _finding(
    judge: Judge,
    metric: Metric,
    at: At,
    result: IntervalEstimate,
    limits: tuple[str, ...],
    *,
    n: int | None,
    part: str | None = None,
) -> Finding:
    """Return a finding with an estimate, its interval where it holds, and the reason where it does not."""
    finding = judge.context.finding(Kind.OVERSIGHT, metric, at, part=part)
    finding = with_estimate(finding, result, judge.context.level, missing=NO_ANSWER)
    return replace(finding, n_questions=finding.n_questions if n is None else n, limits=limits)


def _elo(alone: Judge, protocol: str, own: Sequence[Judge]) -> EloResult:
    """Return ratings from the table of games: judges by rung, the debaters by arm; a pair is a game."""
    context, rungs = alone.context, range(alone.context.rungs)
    wins, games = np.zeros((len(rungs), len(own))), np.zeros((len(rungs), len(own)))
    for row in rungs:
        for column, judge in enumerate(own):
            place = judge.at_budget(context.whole.rungs[row].requested_tokens)
            values = np.zeros(0) if place is None else judge.values(place, judge.pairs)
            known = values[~np.isnan(values)]
            wins[row, column], games[row, column] = known.sum(), len(known)
    ratings = elo_ratings(wins, games, level=context.level)
    limits = (POINTWISE, str(INDEPENDENT))
    ends = list(zip((*ratings.rows, *ratings.columns), ratings.low, ratings.high, strict=True))
    found = [IntervalEstimate(*end, ratings.method, ratings.reason or FAR) for end in ends]
    judges = tuple(
        replace(
            _finding(alone, Metric.JUDGE_ELO, context.at(row), found[row], limits, n=None, part=id_part(protocol)),
            label=protocol,
        )
        for row in rungs
    )
    debaters = tuple(
        replace(
            _finding(judge, Metric.DEBATER_ELO, At(), result, limits, n=None, part=id_part(protocol)),
            label=f"{protocol} at {judge.arm.budget:,}" if judge.arm is not None else protocol,
        )
        for judge, result in zip(own, found[len(rungs) :], strict=True)
    )
    return EloResult(context.key, protocol, judges, debaters, _nested(alone, protocol, own, ratings))


def _nested(alone: Judge, protocol: str, own: Sequence[Judge], ratings: EloRatings) -> Finding | None:
    """Return the chance that oversight holds from the lowest rung to the highest budget of the debaters."""
    rungs = range(alone.context.rungs)
    if min(len(rungs), len(own)) < LEAST_BUDGETS:
        return None
    places = [alone.at_budget(judge.arm.budget if judge.arm is not None else None) for judge in own]
    general = [_task_elo(alone, place) for place in (*rungs, *places)]
    errors = np.subtract(ratings.high, ratings.low) / 4  # about two standard errors to either side
    sides = (slice(0, len(rungs)), slice(len(rungs), None))
    is_known = np.isfinite(general).all() and np.isfinite(errors).all() and (errors > 0).all()
    enough = all(len(set(general[side])) >= LEAST_BUDGETS for side in sides)
    if not (is_known and enough):
        unknown = IntervalEstimate(np.nan, np.nan, np.nan, "none", ONE_LINE)
        return _finding(alone, Metric.NESTED_OVERSIGHT, At(), unknown, (POINTWISE,), n=None, part=id_part(protocol))
    judge, debater = (
        domain_elo(general[side], values, errors[side])
        for side, values in zip(sides, (ratings.rows, ratings.columns), strict=True)
    )
    start, end = min(general[sides[0]]), max(general[sides[1]])
    lines = (judge.slope, judge.intercept), (debater.slope, debater.intercept)
    held = nested_oversight(*lines, start=start, gap=end - start)
    limits = tuple(FORMS.text(side=side, form=line.form) for side, line in (("judge", judge), ("debaters", debater)))
    result = IntervalEstimate(held.chance, np.nan, np.nan, "none", NO_ENDS)
    finding = _finding(alone, Metric.NESTED_OVERSIGHT, At(), result, limits, n=None, part=id_part(protocol))
    return replace(finding, label=f"{protocol}: {held.steps} steps over {held.gap:,.0f} Elo")


def _task_elo(alone: Judge, rung: int | None) -> float:
    """Return the Elo of the judge alone against the task at a rung; NaN where it is not finite."""
    values = np.zeros(0) if rung is None else alone.values(rung, alone.pairs)
    values = values[~np.isnan(values)]
    accuracy = float(values.mean()) if values.size else np.nan
    return float(SCALE * special.logit(accuracy)) if 0 < accuracy < 1 else float("nan")
