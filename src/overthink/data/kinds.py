"""Closed lists of findings: kinds, metrics, and labels that are verdicts.

:class:`~overthink.data.finding.Finding` describes them. Values are those of ``findings.json``.
"""

from enum import StrEnum


class ClosedList(StrEnum):
    """Closed list of strings; a member is printed as its string."""

    def __repr__(self) -> str:
        return repr(str(self))


class Kind(ClosedList):
    """Kind of a finding."""

    VALUE = "value"
    BAND = "band"
    DIFFERENCE = "difference"
    SHAPE = "shape"
    HYPOTHESIS = "hypothesis"
    REGIME = "regime"
    ONSET = "onset"
    DIVERGENCE = "divergence"
    RELIABILITY = "reliability"
    FLIP = "flip"
    LOCK = "lock"
    DISAGREEMENT = "disagreement"
    COMMITMENT = "commitment"
    TWO_BY_TWO = "two_by_two"
    FRONTIER = "frontier"
    FLOP_MATCHED = "flop_matched"
    ARM_DIFFERENCE = "arm_difference"
    SAFETY_TAX = "safety_tax"
    MITIGATION = "mitigation"
    LEDGER = "ledger"
    FORECAST = "forecast"
    NEXT_OCTAVE = "next_octave"
    SUPERVISION = "supervision"
    JUDGE = "judge"
    TOKENS = "tokens"
    BUDGET_CONTROL = "budget_control"
    STEERING_DEPTH = "steering_depth"
    WITHIN_LIMIT = "within_limit"
    GATE = "gate"
    EXTREME = "extreme"
    NO_OP = "no_op"
    ADAPTIVE = "adaptive"
    MONITOR = "monitor"
    FAITHFULNESS = "faithfulness"
    NECESSITY = "necessity"
    ENCODED = "encoded"
    LATENT = "latent"


class Metric(ClosedList):
    """Metric of a finding, with the kinds that it belongs to first."""

    # value, band, difference and arm_difference
    MEAN = "mean"
    CORRECTED_MEAN = "corrected_mean"
    PASS_AT_K = "pass_at_k"  # noqa: S105
    MAJORITY_AT_K = "majority_at_k"
    BEST_AT_K = "best_at_k"
    WORST_AT_K = "worst_at_k"
    WEIGHTED_MAJORITY_AT_K = "weighted_majority_at_k"
    ORACLE_BEST_AT_K = "oracle_best_at_k"
    ORACLE_WEIGHTED_MAJORITY_AT_K = "oracle_weighted_majority_at_k"
    OTHER_AT_K = "other_at_k"
    # shape, regime and onset
    REGIMES = "regimes"
    MAX_T = "max_t"
    CORRECTED_REGIMES = "corrected_regimes"
    CORRECTED_MAX_T = "corrected_max_t"
    RISE = "rise"
    DRAWDOWN = "drawdown"
    # hypothesis
    WHOLE = "whole"
    PART = "part"
    # divergence
    GAP = "gap"
    SLOPE_CAPABILITY = "slope_capability"
    SLOPE_SAFETY = "slope_safety"
    ONSET = "onset"
    # reliability, flip and lock
    ALL_OF_K = "all_of_k"
    DISAGREEMENT = "disagreement"
    LOST = "lost"
    GAINED = "gained"
    LOST_AND_REGAINED = "lost_and_regained"
    GAINED_AND_LOST = "gained_and_lost"
    SETTLED = "settled"
    # disagreement, commitment and two_by_two
    NATURAL = "natural"
    NATURAL_DIFFERENCE = "natural_difference"
    SHAM = "sham"
    SHAM_DIFFERENCE = "sham_difference"
    COMMITTED = "committed"
    NOT_SETTLED = "not_settled"
    NO_CHANGE_SHOWN = "no_change_shown"
    COMMITMENT_TOKENS = "commitment_tokens"
    FORCING_ARTEFACT = "forcing_artefact"
    GOOD_GOOD = "good_good"
    GOOD_BAD = "good_bad"
    BAD_GOOD = "bad_good"
    BAD_BAD = "bad_bad"
    # frontier
    BEST_VALUE = "best_value"
    NAIVE_BEST = "naive_best"
    WORST_VALUE = "worst_value"
    NAIVE_WORST = "naive_worst"
    BEST_BY_DIFFICULTY = "best_by_difficulty"
    BEST_BY_DIFFICULTY_BIN0 = "best_by_difficulty_bin0"
    BEST_BY_DIFFICULTY_BIN1 = "best_by_difficulty_bin1"
    BEST_BY_DIFFICULTY_BIN2 = "best_by_difficulty_bin2"
    WORST_BY_DIFFICULTY = "worst_by_difficulty"
    WORST_BY_DIFFICULTY_BIN0 = "worst_by_difficulty_bin0"
    WORST_BY_DIFFICULTY_BIN1 = "worst_by_difficulty_bin1"
    WORST_BY_DIFFICULTY_BIN2 = "worst_by_difficulty_bin2"
    # flop_matched
    MULTIPLE = "multiple"
    MULTIPLE_SHOWN = "multiple_shown"
    TOKENS_SERVED = "tokens_served"
    # arm_difference, safety_tax and mitigation
    MCNEMAR = "mcnemar"
    FLIPS = "flips"
    MDE = "mde"
    EQUIVALENCE = "equivalence"
    DESIGN_EFFECT = "design_effect"
    EQUAL_RUNG = "equal_rung"
    EQUAL_COMPUTE = "equal_compute"
    EQUAL_THINKING = "equal_thinking"
    DEGRADATION_EQUAL_THINKING = "degradation_equal_thinking"
    RESIDUAL_EQUAL_THINKING = "residual_equal_thinking"
    EQUAL_REALISED = "equal_realised"
    AGAINST_PLACEBO = "against_placebo"
    ARM_THINKING = "arm_thinking"
    REFERENCE_THINKING = "reference_thinking"
    STEERS = "steers"
    THINKS_LESS = "thinks_less"
    CAPABILITY = "capability"
    CAPABILITY_EQUAL_COMPUTE = "capability_equal_compute"
    OVER_REFUSAL = "over_refusal"
    OVER_REFUSAL_EQUAL_COMPUTE = "over_refusal_equal_compute"
    COMPUTE = "compute"
    COMPUTE_DIFFERENCE = "compute_difference"
    # ledger: categories, sums and units of compute
    PAID_PROMPT = "paid_prompt"
    PAID_CACHED = "paid_cached"
    PAID_THINKING = "paid_thinking"
    PAID_ANSWER = "paid_answer"
    PAID_PROBE = "paid_probe"
    PAID_REJECTED = "paid_rejected"
    PAID_PRUNED = "paid_pruned"
    PAID_CANCELLED = "paid_cancelled"
    PAID_VERIFIER = "paid_verifier"
    PAID_GUARD = "paid_guard"
    PAID_JUDGE = "paid_judge"
    PAID_GENERATED = "paid_generated"
    PAID_UNIQUE = "paid_unique"
    PAID_APART = "paid_apart"
    PAID_IN_ALL = "paid_in_all"
    PAID_FLOP = "paid_flop"
    PAID_EFFECTIVE_FLOP = "paid_effective_flop"
    PAID_USD = "paid_usd"
    PAID_SECONDS = "paid_seconds"
    ATTEMPT_PROMPT = "attempt_prompt"
    ATTEMPT_CACHED = "attempt_cached"
    ATTEMPT_THINKING = "attempt_thinking"
    ATTEMPT_ANSWER = "attempt_answer"
    ATTEMPT_PROBE = "attempt_probe"
    ATTEMPT_REJECTED = "attempt_rejected"
    ATTEMPT_PRUNED = "attempt_pruned"
    ATTEMPT_CANCELLED = "attempt_cancelled"
    ATTEMPT_VERIFIER = "attempt_verifier"
    ATTEMPT_GUARD = "attempt_guard"
    ATTEMPT_JUDGE = "attempt_judge"
    ATTEMPT_IN_ALL = "attempt_in_all"
    ATTEMPT_FLOP = "attempt_flop"
    ATTEMPT_EFFECTIVE_FLOP = "attempt_effective_flop"
    ATTEMPT_USD = "attempt_usd"
    ATTEMPT_SECONDS = "attempt_seconds"
    COMPARED_TOTAL = "compared_total"
    # forecast
    PASS_AT_K_BOUND = "pass_at_k_bound"  # noqa: S105
    ATTACK_SUCCESS_AT_K = "attack_success_at_k"
    ATTACK_SUCCESS_AT_K_BOUND = "attack_success_at_k_bound"
    REFUSAL_AT_K = "refusal_at_k"
    REFUSAL_AT_K_BOUND = "refusal_at_k_bound"
    CROSSING = "crossing"
    CROSSING_BOUND = "crossing_bound"
    SAFE_THEN_DANGEROUS = "safe_then_dangerous"
    BELOW_THEN_ABOVE = "below_then_above"
    BEHAVIOUR_FREQUENCY = "behaviour_frequency"
    BREADTH_AT_K = "breadth_at_k"
    ANY_QUESTION_AT_K = "any_question_at_k"
    AGGREGATE_RISK = "aggregate_risk"
    JUDGE_ALONE = "judge_alone"
    # next_octave
    FLAT = "flat"
    FLAT_ERROR = "flat_error"
    LOG_LINEAR = "log_linear"
    LOG_LINEAR_ERROR = "log_linear_error"
    POWER_CEILING = "power_ceiling"
    POWER_CEILING_ERROR = "power_ceiling_error"
    LOGISTIC = "logistic"
    LOGISTIC_ERROR = "logistic_error"
    HUMP = "hump"
    HUMP_ERROR = "hump_error"
    # supervision and judge
    VALUE = "value"
    PARSE_RATE = "parse_rate"
    NATURAL_AGREEMENT = "natural_agreement"
    SENSITIVITY = "sensitivity"
    SPECIFICITY = "specificity"
    ROGAN_GLADEN = "rogan_gladen"
    # tokens
    THINKING_TOKENS = "thinking_tokens"
    THINKING_TOKENS_P10 = "thinking_tokens_p10"
    THINKING_TOKENS_P50 = "thinking_tokens_p50"
    THINKING_TOKENS_P90 = "thinking_tokens_p90"
    ANSWER_TOKENS = "answer_tokens"
    ATTEMPT_TOKENS = "attempt_tokens"
    SPENT_GENERATED = "spent_generated"
    SPENT_PROMPT = "spent_prompt"
    SPENT_CACHED = "spent_cached"
    SPENT_JUDGE = "spent_judge"
    SPENT_VERIFIER = "spent_verifier"
    SPENT_GUARD = "spent_guard"
    # budget_control and steering_depth
    CONTROL = "control"
    SCALING = "scaling"
    PERFORMANCE = "performance"
    HARM = "harm"
    # within_limit
    CORRECT_WITHIN = "correct_within"
    HARMFUL_WITHIN = "harmful_within"
    ANSWERED_WITHIN = "answered_within"
    # gate, extreme and no_op
    MANIPULATION = "manipulation"
    NATURAL_END = "natural_end"
    TRUNCATION = "truncation"
    UNPARSED = "unparsed"
    ERRORS = "errors"
    COMPARABILITY = "comparability"
    JUDGE_DRIFT = "judge_drift"
    FLOOR = "floor"
    CEILING = "ceiling"
    EFFORT = "effort"
    CHECKPOINT = "checkpoint"
    # adaptive
    HALF_WIDTH = "half_width"
    DRAWS = "draws"
    EVEN_DRAWS = "even_draws"
    SAVING = "saving"
    # monitor, faithfulness and necessity
    AUROC = "auroc"
    WORST_AUROC = "worst_auroc"
    TPR_AT_FPR = "tpr_at_fpr"
    AUDIT_SAFETY = "audit_safety"
    USEFULNESS = "usefulness"
    SCORED = "scored"
    MONITOR_TOKENS = "monitor_tokens"
    OVERSEEN_TOKENS = "overseen_tokens"
    MONITOR_TOKENS_PAID = "monitor_tokens_paid"
    AREA_OVER_CURVE = "area_over_curve"
    ANSWERS_CHANGE = "answers_change"
    BEYOND_SHAM = "beyond_sham"
    PERTURBATION_TOKENS_PAID = "perturbation_tokens_paid"
    OBEYS_IN_THINKING = "obeys_in_thinking"
    OBEYS_IN_ANSWER = "obeys_in_answer"
    HINT_MENTIONS = "hint_mentions"
    HINT_MENTIONS_NORMAL = "hint_mentions_normal"
    UPLIFT = "uplift"
    COT_NECESSARY = "cot_necessary"
    ONE_SHOT = "one_shot"
    TOO_HARD = "too_hard"
    WEAK = "weak"
    # encoded and latent
    ENCODED_GAP = "encoded_gap"
    ORIGINAL_MINUS_SHAM = "original_minus_sham"
    WRITER_ALONE = "writer_alone"
    BEYOND_PLAIN = "beyond_plain"
    CODE_LOSS = "code_loss"
    BITS_PASSED = "bits_passed"
    BITS_AT_RATE = "bits_at_rate"
    LATENT_UPLIFT = "latent_uplift"
    ROOM_UPLIFT = "room_uplift"
    ELICITED_UPLIFT = "elicited_uplift"


class ShapeLabel(ClosedList):
    """Verdict on the shape of a curve."""

    UP = "up"
    DOWN = "down"
    FLAT = "flat"
    SATURATING = "saturating"
    HUMP = "hump"
    DIP = "dip"
    UNDETERMINED = "undetermined"


class Direction(ClosedList):
    """What a part of a hypothesis claims."""

    UP = "up"
    FLAT = "flat"
    DOWN = "down"


class HypothesisLabel(ClosedList):
    """Verdict on a hypothesis, or on a part of it: the whole is confirmed where every part is shown."""

    CONFIRMED = "confirmed"
    SHOWN = "shown"
    CONTRADICTED = "contradicted"
    NOT_SHOWN = "not_shown"
    HAD_ENDED = "had_ended"


class GateLabel(ClosedList):
    """Result of a gate that could be checked, or a number beside the gates that neither passes nor fails."""

    PASSED = "passed"
    FAILED = "failed"
    INFORMATION = "information"


class ForecastLabel(ClosedList):
    """Layer of a forecast's number."""

    EXACT = "exact"
    MODEL = "model band"
    BOUND = "assumption-free band"


class CrossingLabel(ClosedList):
    """Verdict on the smallest number of tries at a threshold."""

    RESOLVED = "resolved"
    OPEN = "open"
    NOT_RESOLVED = "not resolved"


class CommitmentLabel(ClosedList):
    """Verdict on whether the outcome of a trace changes along it, and stays."""

    COMMITTED = "committed"
    NOT_SETTLED = "changes, not settled"
    NO_CHANGE = "no change shown"


class NextBudgetLabel(ClosedList):
    """Status of a forecast at twice the highest budget, and of a family of curves in it."""

    EXTRAPOLATED = "extrapolated"
    NOT_FORECAST = "no forecast"
    PREDICTS = "predicts"
    NOT_USED = "not used"


class MonitorLabel(ClosedList):
    """Verdict on a monitor at a rung: the end of a finding's label."""

    BETTER = "better than chance"
    NOT_SHOWN = "not shown to be better than chance"
    NO_TEXT = "cannot be overseen by text"


class FaithfulnessLabel(ClosedList):
    """Verdict on a change of the thinking at a rung, against the same text read in again: the end of a label."""

    CHANGE = "answers change"
    NO_CHANGE = "no change of answers shown"


class NecessityVerdict(ClosedList):
    """Verdict on the uplift of the thinking at a rung: the end of a finding's label."""

    NEEDED = "the thinking is needed"
    NOT_SHOWN = "not shown to be needed"


class LatentLabel(ClosedList):
    """Verdict on answers without thinking behind filler and repeats: the end of a finding's label."""

    NO_FLOOR = "accuracy without thinking is no floor"
    NOT_SHOWN = "no latent uplift shown"


class StopLabel(ClosedList):
    """Reason why adaptive sampling stopped: the start of a finding's label."""

    REACHED = "reached"
    CAP = "cap"
    FLOOR = "floor"
    UNDEFINED = "undefined"
