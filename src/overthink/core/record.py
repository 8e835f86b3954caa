"""One row of the pool: what was observed for one question, one draw, at one rung.

This is the only place where the pool's columns are defined. The store writes them as Parquet, the collector and the
log readers produce them, the estimators consume them. A column that changes its meaning raises ``POOL_VERSION``.
"""

from dataclasses import dataclass
from enum import StrEnum

POOL_VERSION = 3


class Axis(StrEnum):
    """What a task measures, and so what ``value`` = 1 means."""

    CAPABILITY = "capability"  # 1 = correct
    SAFETY = "safety"  # 1 = safe
    BENIGN = "benign"  # 1 = answered, 0 = refused although harmless (over-refusal)


class Verdict(StrEnum):
    """The closed list of what an answer can be. On the benign axis `correct` means answered, `refused` over-refused."""

    CORRECT = "correct"
    WRONG = "wrong"
    SAFE = "safe"
    REFUSED = "refused"
    PARTIAL_REFUSAL = "partial refusal"
    HARMFUL = "harmful"
    UNPARSED = "unparsed"
    TRUNCATED = "truncated"
    ERRORED = "errored"


class Estimand(StrEnum):
    """What a budget did to the trace. Different estimands are never drawn as one line."""

    FORCED = "forced"  # thinking was cut at the rung and an answer was forced
    SHAM = "sham"  # the same forced close, applied where the trace had ended by itself
    TRUNCATED = "truncated"  # the response was cut at the rung and scored as it stood
    NATURAL = "natural"  # the model stopped by itself
    RESAMPLED = "resampled"  # the rest was thought anew from the rung, several times; value is the share that went well
    EFFORT = "effort"  # the provider's own reasoning level, or its own cap; un-nested
    CHECKPOINT = "checkpoint"  # an agent's state, scored on the way


@dataclass(frozen=True, slots=True)
class RungRecord:
    """One row of the pool. ``None`` means unknown; unknown is never 0.

    Token columns: ``thinking_tokens`` is cumulative up to this rung; ``generated_tokens`` is all that the model under
    test newly decoded for this rung, answer and whatever was thrown away included (0 where a naturally ended trace is
    carried forward). What was spent on the way beside the thinking (``probe_tokens`` to ``step_verifier_tokens``) is
    cumulative up to this rung, too. The first errored row of a trace tells all that was paid and no row below it tells,
    but for the request that failed; the errored rows above it took nothing.

    Attributes:
        study: Name of the study, or of the log or table the row came from.
        arm: What was compared: "base", or model and setting for logs made elsewhere.
        axis: What ``value`` = 1 means.
        task: Task name.
        scorer: Scorer (and key) that judged the answer.
        question: Question id, unique in its task.
        draw: Which trace of the question, from 0.
        rung: Position on the ladder, from 0.
        requested_tokens: Thinking budget asked for, in tokens, or at a checkpoint the tokens that a loop may generate;
            None where there is no such number.
        thinking_tokens: Thinking tokens realised up to this rung.
        answer_tokens: Tokens of this rung's answer.
        generated_tokens: Tokens newly decoded at this rung, answer included.
        prompt_tokens: Prompt tokens of this rung's requests.
        cached_tokens: How many of them the server took from its cache.
        verifier_tokens: Tokens spent by verifiers on this rung's answer.
        judge_tokens: Tokens spent by judges at this rung.
        probe_tokens: Decoded on the way to look at the trace, or ahead of it.
        rejected_tokens: Decoded on the way, and thrown away by a guard or a monitor.
        pruned_tokens: Decoded on the way in branches that the answer does not come from.
        cancelled_tokens: Decoded on the way for no answer: the trace failed, or a turn passed the budget.
        guard_tokens: Prompt and decoded tokens of guards on the way.
        step_verifier_tokens: Prompt and decoded tokens of verifiers that scored steps on the way.
        seconds: Wall-clock seconds that this rung newly took, guards and verifiers included and judges left out, waits
            for a busy server too; of a log its working time. 0 where the rung was carried forward, None where nobody
            took the time.
        attempt_seconds: Wall-clock seconds that one attempt up to here takes: all its thinking, and this rung's answer.
        natural_end: The trace had ended by itself at or before this rung.
        truncated: The answer hit its allowance.
        answer: Canonical answer; always None on the safety and benign axes.
        verdict: What the answer was.
        value: 1 = correct, safe or answered (by axis), 0 = not, between = graded.
        verifier_score: Higher is better; what best-of-k selects by.
        model: The model under test, as Inspect calls it; None where the source does not name it.
        estimand: What the budget did to the trace.
        effort: The provider's level, where the rung is one.
        seed: Seed of the trace.
        error: Why the row is errored.
    """

    study: str
    arm: str
    axis: Axis
    task: str
    scorer: str
    question: str
    draw: int
    rung: int
    estimand: Estimand
    verdict: Verdict | None = None
    value: float | None = None
    requested_tokens: int | None = None
    thinking_tokens: int | None = None
    answer_tokens: int | None = None
    generated_tokens: int | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    verifier_tokens: int | None = None
    judge_tokens: int | None = None
    probe_tokens: int | None = None
    rejected_tokens: int | None = None
    pruned_tokens: int | None = None
    cancelled_tokens: int | None = None
    guard_tokens: int | None = None
    step_verifier_tokens: int | None = None
    seconds: float | None = None
    attempt_seconds: float | None = None
    natural_end: bool | None = None
    truncated: bool | None = None
    answer: str | None = None
    verifier_score: float | None = None
    model: str | None = None
    effort: str | None = None
    seed: int | None = None
    error: str | None = None
