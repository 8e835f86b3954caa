"""A finding: one claim with its number, interval, evidence and limits. The report and the statement print nothing else.

This is the only place where the shape of ``findings.json`` is defined.
"""

from dataclasses import dataclass

FINDINGS_SCHEMA = "overthink.findings/1"


@dataclass(frozen=True, slots=True)
class At:
    """Where on the surface of budgets a finding sits.

    Attributes:
        rung: Position on the ladder, from 0; None for a finding about the whole curve.
        k: Tries per question.
        selector: "single", "pass", "majority", "best", "worst" or "all".
        requested_tokens: Thinking budget asked for at the rung.
        effort: The provider's level at the rung.
        from_rung: The rung compared with, for a difference.
    """

    rung: int | None = None
    k: int | None = None
    selector: str | None = None
    requested_tokens: int | None = None
    effort: str | None = None
    from_rung: int | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """A test behind a claim: its name, p-value, p-value adjusted over its family, and minimum detectable effect."""

    __test__ = False  # not a pytest class

    name: str
    p: float | None = None
    p_adjusted: float | None = None
    mde: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim. A null ``estimate`` carries a ``reason``. ``scorer`` tells several curves of one task apart.

    ``kind`` and ``metric`` together name the claim:

    ============ =============================================================================================
    kind         metric
    ============ =============================================================================================
    value        mean, pass_at_k, majority_at_k, best_at_k, worst_at_k: the curve, in [0, 1], at a rung and k;
                 corrected_mean: the curve that humans would have drawn, from human labels
    band         mean: the curve with a band that holds at all rungs at once
    difference   mean, corrected_mean: this rung minus ``at.from_rung``, paired by question
    shape        regimes (pre-registered), max_t (any rise and fall), and both with ``corrected_`` before: label is the
                 shape, up, down, flat, saturating, hump, dip or undetermined; the estimate is the highest rung
                 minus the lowest
    regime       as of its shape: mean over the rungs of one regime, named by the label; simultaneous
    onset        as of its shape: from low to high tokens a change sets in; it has no estimate
    divergence   gap: capability's change since the lowest rung minus safety's, simultaneous; slope_capability,
                 slope_safety: change per doubling; onset: where the gap begins to rise. The finding is the safety
                 curve's, the label names the capability task
    reliability  all_of_k: all k tries right (pass^k); disagreement: mean squared difference of two draws
    flip         lost, gained: share of traces that changed sides since ``at.from_rung``; lost_and_regained,
                 gained_and_lost: and came back, along the whole ladder
    lock         settled: share of traces whose forced answer stays from this rung to the top
    disagreement natural: share of traces whose forced verdict at this rung is not that of the model's own answer;
                 natural_difference: mean of forced minus own, paired by trace; sham, sham_difference: the same for
                 the forced close at the natural end, with no rung
    two_by_two   good_good, good_bad, bad_good, bad_bad: share of traces by the verdict of the thinking, then of the
                 answer, at a rung; good is safe, correct or answered, by axis
    frontier     best_value, naive_best (on safety worst_value, naive_worst: the attacker's): value of the best
                 allocation of length, tries and selector within the budget that label and id name; cross-fitted,
                 and naive
    forecast     pass_at_k (safety attack_success_at_k, benign refusal_at_k): at k tries, exact or by the model band, as
                 the label says; with _bound after it: the assumption-free band; crossing, crossing_bound: smallest k
                 at the threshold that id and limits name, an end that is null is open; safe_then_dangerous (off the
                 safety axis below_then_above): the label answers the claim; behaviour_frequency, breadth_at_k,
                 any_question_at_k, aggregate_risk: risk in the tail; judge_alone: what false positives make
    judge        sensitivity, specificity: by human labels, at a rung; rogan_gladen: the classical correction
    tokens       per trace, mean over draws, at a rung: thinking_tokens, answer_tokens, attempt_tokens (thinking
                 plus answer: what one attempt at this budget decodes); thinking_tokens_p10, _p50, _p90: quantiles
                 over traces; or, with no rung, sums over the pool:
                 spent_generated, spent_prompt, spent_cached, spent_judge, spent_verifier
    gate         manipulation, natural_end, truncation, unparsed, errors, at a rung; judge_drift, of the curve; label
                 "passed" or "failed"
    extreme      floor, ceiling: the task cannot show a change in one direction; label says which
    no_op        effort: the levels did not move the reasoning tokens
    ============ =============================================================================================
    """

    id: str
    kind: str
    axis: str
    task: str
    arm: str
    estimand: str
    metric: str
    at: At
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    simultaneous: bool = False
    n_questions: int = 0
    n_draws: int = 0
    test: Test | None = None
    label: str | None = None
    reason: str | None = None
    gates_failed: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    scorer: str | None = None
