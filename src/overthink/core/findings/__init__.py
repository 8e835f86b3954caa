"""From tables of outcomes to findings: every number a report may print, with interval, gates and limits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from overthink.core.finding import Finding
from overthink.core.findings.adaptive import adaptive
from overthink.core.findings.budget_control import budget_control
from overthink.core.findings.checks import checks
from overthink.core.findings.commitment import commitments
from overthink.core.findings.comparisons import comparisons
from overthink.core.findings.controls import controls
from overthink.core.findings.flop_matched import flop_matches
from overthink.core.findings.frontier import frontiers
from overthink.core.findings.gaps import gaps
from overthink.core.findings.judged import GATE, judged
from overthink.core.findings.ledger import ledger_findings
from overthink.core.findings.page import Analysis, Page
from overthink.core.findings.shapes import over_the_family, shapes
from overthink.core.findings.spending import spending
from overthink.core.findings.steadiness import steadiness
from overthink.core.findings.steering_depth import steering_depths
from overthink.core.findings.supervision import supervision
from overthink.core.findings.values import values
from overthink.core.identity import labels, prefixes
from overthink.core.interval import question_weights
from overthink.core.outcomes import Outcomes

__all__ = ["Analysis", "findings", "seeds_of"]


def findings(outcomes: Sequence[Outcomes], analysis: Analysis, *, rng: np.random.Generator) -> tuple[Finding, ...]:
    """Every finding about every curve.

    Curves on the same questions share one bootstrap, so that they can be compared question by question. The
    order of the curves does not matter.

    Args:
        outcomes: The curves, as from :func:`~overthink.core.outcomes.from_records`.
        analysis: What the evaluator decided.
        rng: Source of randomness; the same state gives the same findings.

    Returns:
        The findings, curve by curve. Ids are unique; kinds and metrics are those of
        :class:`~overthink.core.finding.Finding`.

    Raises:
        ValueError: Two curves have the same labels.
        InputError: Sampling was said to stop at the first success, and the counts cannot come from that.
    """
    ordered = sorted(outcomes, key=labels)
    seeds = seeds_of(ordered, rng=rng)
    judges = Counter(_without_scorer(o) for o in ordered)
    family = sum(len(o.rungs) > 1 for o in ordered)
    pages, found = [], []
    asked: tuple[str, ...] | None = None
    for table, prefix in zip(ordered, prefixes(ordered), strict=True):
        seed = seeds[table.questions]
        if table.questions != asked:  # neighbours mostly share their questions, and weights may take 100 MB
            asked, weights = table.questions, question_weights(len(table.questions), rng=np.random.default_rng(seed))
        scorers = judges[_without_scorer(table)]
        page = Page.of(table, analysis, prefix=prefix, scorers=scorers, family=family, weights=weights)
        found.extend(_of_one_curve(page, rng=np.random.default_rng([seed, 1])))
        found.extend(adaptive(page, seed=seed))
        found.extend(budget_control(page, rng=np.random.default_rng([seed, 2])))
        pages.append(replace(page.without_oracle(), weights=weights[:0]))  # what compares curves resamples by itself
    found.extend(gaps(pages, rng=np.random.default_rng(rng.integers(2**63))))
    found.extend(controls(pages, rng=np.random.default_rng(rng.integers(2**63))))
    found.extend(commitments(pages, rng=np.random.default_rng(rng.integers(2**63))))
    folds = int(rng.integers(2**63))
    found.extend(frontiers(pages, rng=np.random.default_rng(folds)))
    found.extend(flop_matches(pages, rng=np.random.default_rng(folds)))
    found.extend(comparisons(pages, rng=np.random.default_rng(rng.integers(2**63))))
    found.extend(supervision(pages, rng=np.random.default_rng(rng.integers(2**63))))
    found.extend(ledger_findings(pages))
    found.extend(steering_depths(pages, tuple(dict(family) for family in analysis.steered)))
    return tuple(over_the_family(found, alpha=analysis.alpha))


def seeds_of(outcomes: Sequence[Outcomes], *, rng: np.random.Generator) -> dict[tuple[str, ...], int]:
    """By questions: the seed of the bootstrap that all curves on them share. Whoever looks ahead of a report needs it.

    Args:
        outcomes: The curves of the report, in any order.
        rng: Source of randomness, as it is when the report begins.
    """
    question_sets = sorted({o.questions for o in outcomes})
    return dict(zip(question_sets, map(int, rng.integers(2**63, size=len(question_sets))), strict=True))


def _of_one_curve(page: Page, *, rng: np.random.Generator) -> list[Finding]:
    by_humans, withheld = judged(page, rng=rng)
    spoilt = () if withheld is None else (GATE,)
    return [
        *values(page, rng=rng, withheld=spoilt),
        *shapes(page, rng=rng, withheld=withheld),
        *by_humans,
        *steadiness(page),
        *spending(page),
        *checks(page),
    ]


def _without_scorer(outcomes: Outcomes) -> tuple[str, ...]:
    return (outcomes.axis, outcomes.task, outcomes.arm, outcomes.estimand)
