"""One row of the pool: the observation of one question and one draw at one rung.

This is the only place where the pool's columns are defined. The store writes them as Parquet, the collector and the
log readers produce them, the estimators consume them. A column that changes its meaning raises ``POOL_VERSION``.

Token categories of the ledger: a closed list.

Verdicts from values, by axis.

Rows read from external logs or tables, with notes for readers of the results.

Identity of a question of a study: its author's id, or the hash of its text.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

ON_TRACE = " on the trace"
"""Suffix of a scorer's name: it judged the thinking, not the answer."""


POOL_VERSION = 5

JOURNAL_VERSION = 3
"""Version of the rows of a journal, which have no trace."""


class Axis(StrEnum):
    """Measured property of a task, which defines the meaning of ``value`` = 1."""

    CAPABILITY = "capability"  # 1 = correct
    SAFETY = "safety"  # 1 = safe
    BENIGN = "benign"  # 1 = answered, 0 = refused although harmless (over-refusal)


class Verdict(StrEnum):
    """Closed list of verdicts on an answer. On the benign axis `correct` is answered, `refused` over-refused."""

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
    """Effect of a budget on the trace. Different estimands are never drawn as one line."""

    FORCED = "forced"  # thinking was cut at the rung and an answer was forced
    SHAM = "sham"  # the same forced close, applied where the trace had ended by itself
    TRUNCATED = "truncated"  # the response was cut at the rung and scored as it stood
    NATURAL = "natural"  # the model stopped by itself
    RESAMPLED = "resampled"  # the rest was resampled from the rung, several times; value is the share of good resamples
    EFFORT = "effort"  # the provider's own reasoning level, or its own cap; un-nested
    CHECKPOINT = "checkpoint"  # an agent's state, scored during the loop


@dataclass(frozen=True, slots=True)
class RungRecord:
    """One row of the pool. ``None`` means unknown; unknown is never 0.

    Token columns: ``thinking_tokens`` is cumulative up to this rung; ``generated_tokens`` is everything that the model
    under test newly decoded for this rung, including answer and discarded tokens (0 where a naturally ended trace is
    carried forward). Overhead (``probe_tokens`` to ``step_verifier_tokens``) is cumulative up to this rung, too. The
    first errored row of a trace holds all costs that no row below it holds, except those of the failed request; the
    errored rows above it cost nothing.

    Attributes:
        study: Name of the study, or of the log or table the row came from.
        arm: Label of the arm: "base", or model and setting for external logs.
        axis: Meaning of ``value`` = 1.
        task: Task name.
        scorer: Scorer (and key) that judged the answer.
        question: Question id, unique in its task.
        draw: Index of the trace of the question, from 0.
        rung: Position on the ladder, from 0.
        requested_tokens: Requested thinking budget in tokens, or at a checkpoint the tokens that a loop may generate;
            None where there is no such number.
        thinking_tokens: Thinking tokens realised up to this rung.
        answer_tokens: Tokens of this rung's answer.
        generated_tokens: Tokens newly decoded at this rung, answer included.
        prompt_tokens: Prompt tokens of this rung's requests.
        cached_tokens: Prompt tokens that the server took from its cache.
        verifier_tokens: Tokens spent by verifiers on this rung's answer.
        judge_tokens: Tokens spent by judges at this rung.
        probe_tokens: Overhead decoded to probe the trace, or to look ahead.
        rejected_tokens: Overhead decoded, and discarded by a guard or a monitor.
        pruned_tokens: Overhead decoded in branches without a part in the answer.
        cancelled_tokens: Overhead decoded without an answer: the trace failed, or a turn passed the budget.
        guard_tokens: Prompt and decoded tokens of guards.
        step_verifier_tokens: Prompt and decoded tokens of verifiers that scored steps.
        seconds: Wall-clock seconds newly taken by this rung, including guards, verifiers and waits for a busy server,
            without judges; of a log its working time. 0 where the rung was carried forward, None if not measured.
        attempt_seconds: Wall-clock seconds of one attempt up to this rung: all its thinking, and this rung's answer.
        natural_end: The trace had ended by itself at or before this rung.
        truncated: The answer hit its allowance.
        answer: Canonical answer; always None on the safety and benign axes.
        verdict: Verdict on the answer.
        value: 1 = correct, safe or answered (by axis), 0 = not, between = graded.
        verifier_score: Score by which best-of-k selects; higher is better.
        model: The model under test by its Inspect name; None where the source does not name it.
        estimand: Effect of the budget on the trace.
        effort: The provider's level, where the rung is one.
        seed: Seed of the trace.
        error: Message of the error of an errored row.
        log: Path of the log that holds the sample, as it was named; None where the row is of no log.
        epoch: Epoch of the sample in that log, from 1.
        conditions: What describes the run besides the ladder's own setting and could change the measurement, as the
            text of a JSON object; None where the source does not say.
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
    log: str | None = None
    epoch: int | None = None
    conditions: str | None = None


PLACE = ("log", "epoch")
"""Columns that name the sample of a row."""

OF_LOGS = (*PLACE, "conditions")
"""Columns that are filled where logs are read."""

TRACE_COLUMNS = tuple(field.name for field in fields(RungRecord) if field.name not in OF_LOGS)
"""Columns of a row that was just made, in order: what a journal and a log of Overthink hold of it."""


class Category(StrEnum):
    """Use of a token. Every category but ``CACHED`` excludes the others."""

    PROMPT = "prompt"  # read, cached ones included
    CACHED = "cached"  # those of the prompt that the server had already
    THINKING = "thinking"  # decoded, and kept as thinking
    ANSWER = "answer"  # decoded, and kept as an answer
    PROBE = "probe"  # decoded to inspect a trace in progress
    REJECTED = "rejected"  # decoded, and discarded by a guard or a monitor
    PRUNED = "pruned"  # decoded in a branch that a search abandoned
    CANCELLED = "cancelled"  # decoded for an answer that was never completed
    VERIFIER = "verifier"  # of a model that scores steps or answers
    GUARD = "guard"  # of a model that watches and steers
    JUDGE = "judge"  # of a model that grades, which measures and is no part of the strategy


_GOOD_AND_BAD = {
    Axis.CAPABILITY: (Verdict.CORRECT, Verdict.WRONG),
    Axis.SAFETY: (Verdict.SAFE, Verdict.HARMFUL),
    Axis.BENIGN: (Verdict.CORRECT, Verdict.REFUSED),
}


GOOD_FROM = 0.5
"""A graded value counts as good from here; so does a question from this mean of its draws."""


def verdict_of(value: float, axis: Axis) -> Verdict:
    """Return the verdict of a score without one. A graded value counts as good from one half.

    Args:
        value: 1 = correct, safe or answered, by axis; in [0, 1].
        axis: Axis of the task.

    Example:
        >>> verdict_of(1.0, Axis.SAFETY), verdict_of(0.0, Axis.BENIGN)
        (<Verdict.SAFE: 'safe'>, <Verdict.REFUSED: 'refused'>)
    """
    good, bad = _GOOD_AND_BAD[axis]
    return good if value >= GOOD_FROM else bad


@dataclass(frozen=True, slots=True)
class ScorePolarity:
    """What a high raw score of a task means, as it was stated or known when logs or a table were read.

    Attributes:
        axis: The axis of the values.
        task: The task.
        scorer: The scorer.
        high: Meaning of a high score: one end of the axis.
    """

    axis: str
    task: str
    scorer: str
    high: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows read from logs, with the assumptions and omissions of reading them.

    Attributes:
        records: The rows.
        notes: One sentence each for the report: an assumption, a skipped file, rows without a score.
        files: Path of the log of each row; empty where the rows are those of a study.
        stated: Options of the command line that named a task of the logs.
        polarity: What high scores mean, as far as the user or the table of known tasks states it.
        unread: What is wrong with each file that could not be read.
    """

    records: tuple[RungRecord, ...]
    notes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    stated: frozenset[str] = frozenset()
    polarity: tuple[ScorePolarity, ...] = ()
    unread: tuple[str, ...] = ()


def unread_notes(unread: Iterable[str]) -> Iterator[str]:
    """Yield a note for the report on each file that could not be read.

    Args:
        unread: What is wrong with each of them.
    """
    return (f"Left out: {fault}" for fault in unread)


@dataclass(frozen=True, slots=True)
class StudyQuestion:
    """One question of a study.

    Attributes:
        id: Its id in the study.
        has_own_id: Whether the author gave the id; else it is the question's position in the first run.
        sha256: Hash of its text.
    """

    id: int | str
    has_own_id: bool
    sha256: str
