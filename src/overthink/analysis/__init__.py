"""Findings from tables of outcomes: every number that a report may print, with interval, gates and limits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from overthink.analysis.adaptive import adaptive
from overthink.analysis.commitment import commitments
from overthink.analysis.controls import budget_control, controls
from overthink.analysis.families import families
from overthink.analysis.flop_matched import flop_matches
from overthink.analysis.frontier import frontiers
from overthink.analysis.gaps import gaps
from overthink.analysis.hypotheses import adjust_hypotheses
from overthink.analysis.judge import GATE, judge_findings
from overthink.analysis.mitigations import comparisons
from overthink.analysis.reliability import checks, reliability_findings
from overthink.analysis.request import CurveContext
from overthink.analysis.shapes import adjust_family, shapes
from overthink.analysis.supervision import steering_depths, supervision
from overthink.analysis.tokens import ledger_findings, token_findings
from overthink.analysis.values import values
from overthink.data.finding import Finding, labels, prefixes
from overthink.data.outcomes import Outcomes
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights

__all__ = ["Analysis", "findings", "seeds_of"]


def findings(outcomes: Sequence[Outcomes], analysis: Analysis, *, rng: np.random.Generator) -> tuple[Finding, ...]:
    """Return every finding about every curve.

    Curves on the same questions share one bootstrap, so that they can be compared question by question. The
    order of the curves does not matter.

    Args:
        outcomes: The curves, as from :func:`~overthink.data.outcomes.from_records`.
        analysis: Decisions of the evaluator.
        rng: Source of randomness; the same state gives the same findings.

    Returns:
        The findings, curve by curve. Ids are unique; kinds and metrics are those of
        :class:`~overthink.data.finding.Finding`.

    Raises:
        ValueError: Two curves have the same labels.
        InputError: A declaration of primary curves matches none, or sampling is declared to stop
            at the first success, but the counts contradict that.
    """
    tables = sorted(outcomes, key=labels)
    seeds = seeds_of(tables, rng=rng)
    judges = Counter(_without_scorer(o) for o in tables)
    named = dict(zip(prefixes(tables), tables, strict=True))
    family_of = families(named, analysis)
    contexts, results = [], []
    questions: tuple[str, ...] | None = None
    for prefix, table in named.items():
        seed = seeds[table.questions]
        if table.questions != questions:  # neighbours mostly share their questions, and weights may take 100 MB
            questions, weights = (
                table.questions,
                question_weights(len(table.questions), rng=np.random.default_rng(seed)),
            )
        scorers = judges[_without_scorer(table)]
        size = family_of[prefix].size if prefix in family_of else 1
        context = CurveContext.of(table, analysis, prefix=prefix, scorers=scorers, family=size, weights=weights)
        results.extend(_curve_findings(context, rng=np.random.default_rng([seed, 1])))
        results.extend(adaptive(context, seed=seed))
        results.extend(budget_control(context, rng=np.random.default_rng([seed, 2])))
        contexts.append(
            replace(context.without_oracle(), weights=weights[:0])
        )  # comparisons of curves have a bootstrap of their own
    results.extend(gaps(contexts, rng=np.random.default_rng(rng.integers(2**63))))
    results.extend(controls(contexts, rng=np.random.default_rng(rng.integers(2**63))))
    results.extend(commitments(contexts, rng=np.random.default_rng(rng.integers(2**63))))
    folds = int(rng.integers(2**63))
    results.extend(frontiers(contexts, rng=np.random.default_rng(folds)))
    results.extend(flop_matches(contexts, rng=np.random.default_rng(folds)))
    results.extend(comparisons(contexts, rng=np.random.default_rng(rng.integers(2**63))))
    results.extend(supervision(contexts, rng=np.random.default_rng(rng.integers(2**63))))
    results.extend(ledger_findings(contexts))
    results.extend(steering_depths(contexts, tuple(dict(family) for family in analysis.steered)))
    adjusted = tuple(adjust_family(results, family_of, alpha=analysis.alpha))
    return tuple(adjust_hypotheses(adjusted, family_of, alpha=analysis.alpha))


def seeds_of(outcomes: Sequence[Outcomes], *, rng: np.random.Generator) -> dict[tuple[str, ...], int]:
    """Return the seed of the bootstrap shared by all curves on the same questions, by tuple of questions.

    Interim looks use it to get the intervals of the later report.

    Args:
        outcomes: The curves of the report, in any order.
        rng: Source of randomness in its state at the start of the report.
    """
    question_sets = sorted({o.questions for o in outcomes})
    return dict(zip(question_sets, map(int, rng.integers(2**63, size=len(question_sets))), strict=True))


def _curve_findings(context: CurveContext, *, rng: np.random.Generator) -> list[Finding]:
    judge_results, withheld = judge_findings(context, rng=rng)
    failed_gates = () if withheld is None else (GATE,)
    return [
        *values(context, rng=rng, withheld=failed_gates),
        *shapes(context, rng=rng, withheld=withheld),
        *judge_results,
        *reliability_findings(context),
        *token_findings(context),
        *checks(context),
    ]


def _without_scorer(outcomes: Outcomes) -> tuple[str, ...]:
    return (outcomes.axis, outcomes.task, outcomes.arm, outcomes.estimand)
