"""Results from tables of outcomes: every number that a report may print, with interval, gates and limits."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from overthink.analysis.commitment import commitments
from overthink.analysis.controls import controls
from overthink.analysis.curve_result import curve_result
from overthink.analysis.families import families
from overthink.analysis.flop_matched import flop_matches
from overthink.analysis.frontier import frontiers
from overthink.analysis.gaps import gaps
from overthink.analysis.hypotheses import adjusted_hypotheses
from overthink.analysis.ledger import ledgers
from overthink.analysis.mitigations import comparisons
from overthink.analysis.oversight.encoded import bits, encoded
from overthink.analysis.oversight.faithfulness import necessities, perturbations
from overthink.analysis.oversight.judges import judge_ratings, judge_results
from overthink.analysis.oversight.latent import latents, with_elicited
from overthink.analysis.oversight.latent_steps import latent_dependence
from overthink.analysis.oversight.monitorability import monitorabilities
from overthink.analysis.oversight.monitors import oversight, watches_of
from overthink.analysis.oversight.probes import probe_results
from overthink.analysis.oversight.red_team import policy_searches, worst_policies
from overthink.analysis.oversight.shape_verdicts import oversight_shapes
from overthink.analysis.oversight.task_measures import hints, obedience
from overthink.analysis.oversight.tax import monitorability_taxes
from overthink.analysis.request import CurveContext
from overthink.analysis.shapes import adjusted_shapes
from overthink.analysis.supervision import steering_depths, supervision
from overthink.data.finding import Finding
from overthink.data.ids import CurveKey, curve_ids
from overthink.data.interventions import OversightRuns
from overthink.data.outcomes import Outcomes
from overthink.data.oversight import LATENT
from overthink.data.oversight_cells import MonitorScores, PerturbationAnswers
from overthink.data.results.oversight import OversightResults
from overthink.data.results.study import Results, flatten
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights
from overthink.stats.curve import OutsideSelector
from overthink.stats.gates import with_judges

__all__ = ["Analysis", "analyse_outcomes", "findings", "seeds_of"]


def analyse_outcomes(
    outcomes: Sequence[Outcomes],
    analysis: Analysis,
    *,
    rng: np.random.Generator,
    selectors: Sequence[OutsideSelector] = (),
    scores: Sequence[MonitorScores] = (),
    changes: Sequence[PerturbationAnswers] = (),
    beside: OversightRuns | None = None,
) -> Results:
    """Return all results about all curves.

    Curves on the same questions share one bootstrap, so that they can be compared question by question. The
    order of the curves does not matter.

    Args:
        outcomes: The curves, as from :func:`~overthink.data.outcomes.from_records`.
        analysis: Decisions of the evaluator.
        rng: Source of randomness; the same state gives the same results.
        selectors: Selectors from outside.
        scores: Scores of monitors, by task, monitor and view.
        changes: Answers behind a change of the thinking, by task, arm and change.
        beside: Hints, interventions and probes; None for none of them.

    Raises:
        ValueError: Two curves have the same names.
        InputError: A declaration of primary curves matches none, or sampling is declared to stop
            at the first success, but the counts contradict that.
    """
    beside = beside or OversightRuns()
    tables = sorted(outcomes, key=lambda table: table.key)
    seeds = seeds_of(tables, rng=rng)
    alike: dict[CurveKey, list[Outcomes]] = {}  # tables of one curve, a judge each
    for table in tables:
        alike.setdefault(_without_scorer(table), []).append(table)
    family_of = families(tables, analysis)
    contexts, curves = [], []
    questions: tuple[str, ...] | None = None
    for prefix, table in zip(curve_ids([table.key for table in tables]), tables, strict=True):
        seed = seeds[table.questions]
        if table.questions != questions:  # neighbours mostly share their questions, and weights may take 100 MB
            questions = table.questions
            weights = question_weights(len(questions), rng=np.random.default_rng(seed))
        judges = alike[_without_scorer(table)]
        size = family_of[table.key].size if table.key in family_of else 1
        context = CurveContext.of(table, analysis, prefix=prefix, scorers=len(judges), family=size, weights=weights)
        others = [other for other in judges if other is not table and not other.key.judges_thinking]
        gate_results = with_judges(context.gate_results, context.table, others)
        context = replace(context, selectors=tuple(selectors), gate_results=gate_results)
        curves.append(curve_result(context, seed=seed))
        # Comparisons of curves have a bootstrap of their own.
        contexts.append(replace(context.without_oracle(), weights=weights[:0].copy()))
    rngs = [np.random.default_rng(rng.integers(2**63)) for _ in range(3)]
    folds = int(rng.integers(2**63))
    new = adjusted_shapes(curves, family_of, alpha=analysis.alpha)
    new |= adjusted_hypotheses(curves, family_of, alpha=analysis.alpha)
    return Results(
        curves=tuple(curve.with_findings(new) for curve in curves),
        gaps=tuple(gaps(contexts, rng=rngs[0])),
        controls=tuple(controls(contexts, rng=rngs[1])),
        commitments=tuple(commitments(contexts, rng=rngs[2])),
        frontiers=tuple(frontiers(contexts, rng=np.random.default_rng(folds))),
        flop_matches=tuple(flop_matches(contexts, rng=np.random.default_rng(folds))),
        arms=comparisons(contexts, rng=np.random.default_rng(rng.integers(2**63))),
        supervision=tuple(supervision(contexts, rng=np.random.default_rng(rng.integers(2**63)))),
        ledgers=tuple(ledgers(contexts)),
        steering_depths=tuple(steering_depths(contexts, tuple(dict(family) for family in analysis.steered))),
        oversight=_oversight(contexts, scores, changes, beside, rng=rng, seed=folds),
    )


def _oversight(
    contexts: Sequence[CurveContext],
    scores: Sequence[MonitorScores],
    changes: Sequence[PerturbationAnswers],
    beside: OversightRuns,
    *,
    rng: np.random.Generator,
    seed: int,
) -> OversightResults:
    """Return everything about the oversight of the curves."""
    latent = latents(contexts)
    of_steps = [block for block in changes if block.kind.startswith(LATENT)]
    changes = [block for block in changes if not block.kind.startswith(LATENT)]
    watches = watches_of(contexts, scores, rng=rng) if scores else []
    return replace(
        oversight(watches),
        worst=worst_policies(watches),
        searches=policy_searches(contexts, watches),
        necessity=with_elicited(necessities(contexts, changes), latent),
        perturbations=perturbations(contexts, changes),
        obedience=obedience(contexts, scores),
        hints=hints(contexts, beside.moves),
        encoded=encoded(contexts, changes),
        bits=bits(contexts, scores, changes),
        latent=latent,
        latent_steps=latent_dependence(contexts, of_steps),
        judges=judge_results(contexts),
        elo=judge_ratings(contexts),
        interventions=monitorabilities(contexts, beside.interventions),
        probes=probe_results(contexts, beside.probes, scores),
        taxes=monitorability_taxes(contexts, beside.interventions),
        shapes=oversight_shapes(contexts, changes, scores, seed=seed),
    )


def findings(outcomes: Sequence[Outcomes], analysis: Analysis, *, rng: np.random.Generator) -> tuple[Finding, ...]:
    """Return all results as the list of findings that ``findings.json`` stores; see :func:`analyse_outcomes`."""
    return flatten(analyse_outcomes(outcomes, analysis, rng=rng))


def seeds_of(outcomes: Sequence[Outcomes], *, rng: np.random.Generator) -> dict[tuple[str, ...], int]:
    """Return the seed of the bootstrap shared by all curves on the same questions, by tuple of questions.

    Interim looks use it to get the intervals of the later report.

    Args:
        outcomes: The curves of the report, in any order.
        rng: Source of randomness in its state at the start of the report.
    """
    question_sets = sorted({o.questions for o in outcomes})
    return dict(zip(question_sets, map(int, rng.integers(2**63, size=len(question_sets))), strict=True))


def _without_scorer(outcomes: Outcomes) -> CurveKey:
    return outcomes.key._replace(scorer="")
