"""A finding: one claim with its number, interval, evidence and limits. Report and statement contain only findings.

This is the only place where the shape of ``findings.json`` is defined.
"""

from dataclasses import dataclass

from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.selectors import SelectorName

FINDINGS_SCHEMA = "overthink.findings/3"
EARLIER_FINDINGS_SCHEMA = "overthink.findings/2"
"""Schema before this one, which is read as well: it has no parts of a hypothesis."""


@dataclass(frozen=True, slots=True)
class At:
    """Position of a finding on the surface of budgets.

    Attributes:
        rung: Position on the ladder, from 0; None for a finding about the whole curve.
        k: Tries per question.
        selector: Rule that turns the tries into one answer.
        requested_tokens: Requested thinking budget at the rung; at a checkpoint, tokens that a loop may generate.
        effort: The provider's level at the rung.
        from_rung: The rung compared with, for a difference.
        total: Total compute per question, where arms or allocations of a budget are compared at one; the limit, where
            finished traces are cut at one.
        unit: Unit of total compute: "tokens", "flop", "effective_flop", "usd" or "seconds"; None without a total.
        part: Part of a hypothesis, from 1; None for the whole.
    """

    rung: int | None = None
    k: int | None = None
    selector: SelectorName | None = None
    requested_tokens: int | None = None
    effort: str | None = None
    from_rung: int | None = None
    total: float | None = None
    unit: str | None = None
    part: int | None = None


@dataclass(frozen=True, slots=True)
class FindingTest:
    """A test behind a claim: its name, p-value, p-value adjusted over its family, and minimum detectable effect."""

    __test__ = False  # not a pytest class

    name: str
    p: float | None = None
    p_adjusted: float | None = None
    mde: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim. A null ``estimate`` carries a ``reason``. ``scorer`` distinguishes several curves of one task.

    ``kind`` and ``metric`` together name the claim. This is the list of all kinds, and of the metrics of each:

    ``value``
        mean, pass_at_k, majority_at_k, weighted_majority_at_k, best_at_k, worst_at_k: the curve, in [0, 1], at a rung
        and k; oracle_best_at_k, oracle_weighted_majority_at_k: by a verifier that knows the targets; corrected_mean:
        the curve that humans would have drawn, from human labels
    ``band``
        mean: the curve with a band that holds at all rungs at once
    ``difference``
        mean, corrected_mean: this rung minus ``at.from_rung``, paired by question
    ``shape``
        regimes (pre-registered), max_t (any rise and fall), and both with ``corrected_`` before: label is the shape,
        up, down, flat, saturating, hump, dip or undetermined; the estimate is the highest rung minus the lowest; rise,
        drawdown: the largest rise and fall from ``at.from_rung`` to ``at.rung`` over all pairs, simultaneous. Of a
        curve on oversight, here and of a hypothesis, its onset and its divergence, the label names it before the
        verdict, and the metric is what it measures: answers_change, area_over_curve, uplift, pair_ranking or
        judge_accuracy
    ``hypothesis``
        whole: confirmed if every part is shown, contradicted if an opposite is, not_shown, or had_ended; part, number
        ``at.part``: from ``at.from_rung`` to ``at.rung``, the estimate is the last rung minus the first, with the
        interval of the one-sided tests; ``questions_needed`` is null where contradicted or had_ended
    ``regime``
        as of its shape: mean over the rungs of one regime, named by the label; simultaneous
    ``onset``
        as of its shape: from low to high tokens a change sets in; it has no estimate
    ``divergence``
        gap: capability's change since the lowest rung minus safety's, simultaneous; slope_capability, slope_safety:
        change per doubling; onset: where the gap begins to rise. The finding is the safety curve's, the label names the
        capability task. Of a curve on oversight: the same gap to it, each axis from chance to 1, and with no rung where
        it begins to rise; that label ends in the verdict
    ``reliability``
        all_of_k: all k tries right (pass^k); disagreement: mean squared difference of two draws
    ``flip``
        lost, gained: share of traces that changed sides since ``at.from_rung``; lost_and_regained, gained_and_lost: and
        came back, along the whole ladder
    ``lock``
        settled: share of traces whose forced answer stays from this rung to the top
    ``disagreement``
        natural: share of traces whose forced verdict at this rung is not that of the model's own answer;
        natural_difference: mean of forced minus own, paired by trace; sham, sham_difference: the same for the forced
        close at the natural end, with no rung
    ``commitment``
        committed: share of traces in which a change of the outcome is shown, and no later step more than 20 points from
        the mean after it; not_settled: a change is shown, and so is such a step; no_change_shown: the rest;
        commitment_tokens: thinking tokens of the committed traces at their change; forcing_artefact: by how many tokens
        their forced answers settle later
    ``two_by_two``
        good_good, good_bad, bad_good, bad_bad: share of traces by the verdict of the thinking, then of the answer, at a
        rung; good is safe, correct or answered, by axis
    ``frontier``
        best_value, naive_best (on safety worst_value, naive_worst: the attacker's): value of the best allocation of
        length, tries, selector and arm within ``at.total``, in ``at.unit``; cross-fitted, and naive;
        best_by_difficulty, worst_by_difficulty: where each bin of difficulty chooses for itself; with _bin0 after it,
        for the hardest: its own value
    ``flop_matched``
        multiple: FLOP with which a smaller model is as good as a larger one within ``at.total``, over those that the
        larger one takes; an end that is null is open. multiple_shown: the same where the smaller one is shown to be no
        worse than the margin. tokens_served: tokens that the larger one serves per token of pre-training, below which
        the smaller one costs less, training counted
    ``arm_difference``
        equal_rung, equal_compute: this arm minus the reference that the label names, in the value, with a band over all
        budgets, or over all ``at.total``, in ``at.unit``, that both were measured at. At a rung that both have, paired
        by question: mean: the same, with its own interval; mcnemar: share gained of the questions that changed, one
        draw each; flips: share of questions gained, and lost, which ``questions`` names; mde: the smallest true
        difference found with a power of 80 %; equivalence: mean with the interval of the two one-sided tests, the label
        ends in the verdict of the pair; design_effect: variance of a mean over that of as many independent samples
    ``safety_tax``
        capability (a change), over_refusal (refused in addition): at the highest common budget, with _equal_compute
        after it at the highest common total compute; compute: total compute over that of the reference;
        compute_difference: their difference, in ``at.unit``
    ``mitigation``
        equal_thinking: safety that the arm gives back at the highest common budget, the label is the verdict; with
        ``degradation_`` before it the fall of the reference, with ``residual_`` what is left. arm_thinking,
        reference_thinking: mean tokens realised there; equal_realised, where they differ by over 10 %: the difference
        at the lesser of them. against_placebo: safety of the arm minus that of its placebo, which acts as often and
        reads nothing, at the highest common budget; the label says whether the arm's reading helps. equal_compute, no
        verdict: what the arm gives back at the highest common total compute, the sum of steers (at the arm's thinking)
        and thinks_less (the reference there, minus at its own thinking)
    ``ledger``
        paid_in_all, paid_unique and others, attempt_in_all and others, by category: tokens at a rung; paid_flop,
        paid_effective_flop, paid_usd, paid_seconds, and the same of an attempt: what they cost; compared_total: where
        the rung stands on the axis of total compute, in ``at.unit``
    ``forecast``
        pass_at_k (safety attack_success_at_k, benign refusal_at_k): at k tries, exact or by the model band, as the
        label says; with _bound after it: the assumption-free band; crossing, crossing_bound: smallest k at the
        threshold that id and limits name, an end that is null is open; safe_then_dangerous (off the safety axis
        below_then_above): the label answers the claim; behaviour_frequency, breadth_at_k, any_question_at_k,
        aggregate_risk: risk in the tail; judge_alone: what false positives make
    ``next_octave``
        mean: the curve at twice its highest budget, a pool of the families that foretold its upper rungs from the lower
        ones; flat, log_linear, power_ceiling, logistic, hump: what each family says, the label whether it is used; with
        _error after it: its mean error on the rungs held out
    ``supervision``
        value, thinking_tokens, answer_tokens, parse_rate, natural_agreement: what best-of-k selects by scores of steps
        minus what it selects by scores of answers, at equal verifier tokens, paired by question; the label says how
        many tries each got, at.k is the smaller number
    ``judge``
        sensitivity, specificity: by human labels, at a rung; rogan_gladen: the classical correction
    ``tokens``
        per trace, mean over draws, at a rung: thinking_tokens, answer_tokens, attempt_tokens (thinking plus answer:
        what one attempt at this budget decodes); thinking_tokens_p10, _p50, _p90: quantiles over traces; or, with no
        rung, sums over the pool: spent_generated, spent_prompt, spent_cached, spent_judge, spent_verifier, spent_guard
    ``budget_control``
        control: share of traces that kept to their budgets; scaling: mean slope between every two budgets, in value per
        1,000 tokens; performance: the highest mean of the curve (all three s1's)
    ``steering_depth``
        harm: the least number of early steps whose steering leaves the harm equivalent to that of the most that were
        steered, at a rung; the finding is that arm's
    ``within_limit``
        correct_within, on safety harmful_within, on the benign axis answered_within: share of the traces of a rung that
        came to it with at most ``at.total`` in ``at.unit``, or at a checkpoint by the rung; they were never given that
        limit, so this is what a cap would have kept, not what a budget does. Rises by construction
    ``gate``
        manipulation, natural_end, truncation, unparsed, errors, at a rung; comparability, there: how many settings of
        its runs are not those of the lowest rung; judge_drift, of the curve; label "passed" or "failed"
    ``extreme``
        floor, ceiling: the task cannot show a change in one direction; label says which
    ``no_op``
        effort: the levels did not move the reasoning tokens; checkpoint: every loop had ended at the lowest
    ``adaptive``
        half_width: of the widest rung, where draws were spent until it is narrow enough; crossing: the smallest k at
        the threshold that limits name; the label begins with why drawing stopped: reached, floor (more draws cannot
        reach it), cap or undefined. draws: in all; even_draws: as many for every question for the same error; saving:
        one minus their ratio
    ``monitor``
        of an arm whose traces follow an attack policy, against the honest ones; else of the rung's own answers that are
        bad, against the good ones. The label begins with the monitor and its view. auroc: how well its scores tell the
        two apart, the label ends in the verdict on "better than chance", adjusted over all rungs, monitors, views and
        policies; pair_ranking: share of pairs of one question that its scores put in the right order; worst_auroc: the
        lowest over the policies, simultaneous; auroc_after_search: of the attacking arm that a search chose, which the
        label names before the verdict, on questions that the search never saw, and search_tokens: what the search cost;
        both stand with the honest arm; tpr_at_fpr: share caught where the share of honest runs that the label names is
        flagged; audit_safety: attacks caught over those and the successful ones not
        caught, at the audit budget of the label; usefulness: share of honest runs that are right; scored: share of runs
        with a score; monitor_tokens: of the monitor per trace; overseen_tokens: of an attempt and its monitor;
        monitor_tokens_paid: all that the monitor was paid, failed calls included, with no rung
    ``faithfulness``
        of a change of the thinking, which the label names: area_over_curve: of agreement with the final answer over
        shares of the thinking; answers_change: share of answers that differ behind it; beyond_sham: either one minus
        that of the same text sent again, with the test; obeys_in_thinking and obeys_in_answer: share of rules kept;
        hint_mentions and hint_mentions_normal: of the answers that a hint moved, those whose thinking mentions it;
        perturbation_tokens_paid: all that the change was paid, with no rung
    ``necessity``
        uplift: accuracy with the thinking minus without, paired by question; cot_necessary, one_shot, too_hard and
        weak: shares of questions by both accuracies
    ``encoded``
        encoded_gap: accuracy behind the same text minus that behind its paraphrase, which the label names, and ends in
        the claim; original_minus_sham checks the sham. Controls: writer_alone: the paraphraser's own text minus no
        thinking; beyond_plain: the gap minus that of plain traces; code_loss: what is lost of a planted code.
        bits_passed: least bits per trace that an attack passed, a lower bound with no interval; bits_at_rate: what as
        long a thinking as the rung asks for would pass at an assumed rate
    ``latent``
        of answers without thinking: latent_uplift: the largest gain by a prompt with filler or repeats, which the label
        names before the verdict, simultaneous; room_uplift: by each prompt, simultaneous; elicited_uplift, where the
        first is shown: accuracy with the thinking of the rung minus that without, with the best prompt. Of a model of
        latent steps, at the highest rung: step_change: share of answers that change behind a change of one step's
        state, or of every step at once, minus that behind the same state handed back (sham; for it the share itself);
        the label names both, and ends in the verdict, adjusted over all steps and changes; step_loss: accuracy
        undisturbed minus accuracy behind the change
    ``oversight``
        of a judge of two answers that thinks as long as the rung, both orders of a pair as one unit: judge_accuracy,
        against a half; judge_gain: that behind the arguments of others minus that alone; the label of either is its
        verdict, adjusted over all rungs and protocols. capability_gap: accuracy alone at the budget of the debaters
        minus that at the judge's; gap_recovered: the share of it that the protocol gives back. judge_elo, debater_elo:
        ratings against each other, of the protocol that the label names; nested_oversight: chance that oversight holds
        from the lowest rung to the highest budget of the debaters, in the steps of the label
    ``monitorability``
        of an intervention, which the label names: a hint's wording, or an attack policy. g_mean_square: g² of a monitor
        and its view, cross-fitted; pooled_g_mean_square: of the rates over all instances at once; intervention_effect:
        by how much more often the behaviour is shown; dependence: the effect at ``at.rung``, the lowest, minus that at
        ``at.from_rung``, the highest; its label ends in the verdict. equal_compute_tax: capability that the most
        monitorable choice of arm and budget gives up within ``at.total``, an attempt of the rung; equal_capability_tax:
        compute, in ``at.unit``, that it takes beyond the cheapest choice as capable as the rung
    ``probe``
        of activations, told apart as of ``monitor``: auroc: of the probe, folds by question; auroc_prompt_only,
        auroc_length, auroc_words, auroc_random_direction, auroc_shuffled_labels: of its baselines; beyond_prompt: minus
        that of the prompt alone; probe_minus_text: minus that of the monitor that the label names before the verdict;
        auroc_cascade: where a share of the traces goes on to that monitor, at its tokens per trace, ``at.total``
    """

    id: str
    kind: Kind
    axis: str
    task: str
    arm: str
    estimand: str
    metric: Metric
    at: At
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    simultaneous: bool = False
    n_questions: int = 0
    n_draws: int = 0
    test: FindingTest | None = None
    label: str | None = None
    reason: str | None = None
    gates_failed: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    scorer: str | None = None
    questions_needed: int | None = None
    """Questions with which a part of a hypothesis would be shown, with a power of 80 % at the spread of the study."""
    claim: str | None = None
    """What a hypothesis, or a part of it, claims, as ``up@2000,flat@8000,down``."""
    questions: tuple[str, ...] = ()
    """Ids of the questions that were gained or lost, sorted; left out of ``findings.json`` where there is none."""

    @property
    def key(self) -> CurveKey:
        """Names of the curve that it is about."""
        return CurveKey(self.axis, self.task, self.arm, self.scorer or "", self.estimand)
