"""The ledger of a pool: token usage at every rung, and of one attempt there, by category.

Tokens newly paid by every row of a pool, by category, and the work of decoding and reading them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from overthink.cost.attempt import ONE_REQUEST, attempt_parts, attempt_prompt, attempt_tokens, is_carried_forward
from overthink.cost.flop import Work, decode, in_pieces, prefill
from overthink.cost.model_shape import ModelShape
from overthink.data.arrays import Array
from overthink.data.blocks import outcome_blocks
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis, Category, Estimand
from overthink.data.tokens import DECODED, OVERHEAD_COLUMNS, increments, sum_known, sum_verifier_tokens
from overthink.stats.curve import question_means

SINGLE = (Estimand.EFFORT, Estimand.NATURAL, Estimand.SHAM, Estimand.TRUNCATED)
"""Estimands whose rows are one request each, or none."""

NO_CACHE = "the reading of prompts, which may have come from a cache: the source does not tell"
NO_READING = "attention over prompts, whose requests are told in one sum"
NO_PLACE = "attention between tokens that nobody tells the place of"


def paid_parts(outcomes: Outcomes) -> Mapping[Category, Array]:
    """Return the tokens that each row paid; a row that decoded nothing reuses thinking and answer of another row.

    Args:
        outcomes: The table.

    Returns:
        (question, draw, rung) by category; NaN where unknown.
    """
    n_generated, answer = outcomes.generated_tokens, outcomes.answer_tokens
    no_answer = (n_generated == 0) | (outcomes.failed & np.isnan(answer))  # a failed trace decoded no answer
    own_answer = np.where(no_answer, 0.0, np.where(np.isnan(n_generated), np.nan, answer))
    overhead_parts = {name: increments(getattr(outcomes, column)) for name, column in OVERHEAD_COLUMNS.items()}
    overhead = sum_known(overhead_parts[name] for name in DECODED)
    thinking = n_generated - own_answer - overhead
    # Contradictory counts are unknown; only a search may answer from a shorter branch than before.
    wrong = (thinking < 0) & (overhead == 0)
    return overhead_parts | {
        Category.PROMPT: outcomes.prompt_tokens,
        Category.CACHED: outcomes.cached_tokens,
        Category.THINKING: np.where(wrong, np.nan, thinking),
        Category.ANSWER: np.where(wrong, np.nan, own_answer),
        Category.VERIFIER: sum_verifier_tokens(outcomes.verifier_tokens, overhead_parts[Category.VERIFIER]),
        Category.JUDGE: outcomes.judge_tokens,
    }


def paid_work(outcomes: Outcomes, shape: ModelShape) -> tuple[Work, Work]:
    """Return the minimum work of the model under test at each row, for reading prompts and for decoding.

    Every token costs its pass through the weights. Prompt tokens from a cache cost none; if their number is unknown,
    prompts are left out. Attention depends on the position of each token: known for a row of a single request, and on
    the ladder for kept thinking and answers. A token of unknown position attends to itself and to the prompt alone.
    ``left_out`` lists what is missing.

    Args:
        outcomes: The table.
        shape: The model.

    Returns:
        Two arrays of work, (question, draw, rung); NaN where tokens or shape are unknown.
    """
    prompt, n_cached = outcomes.prompt_tokens, outcomes.cached_tokens
    is_unknown = np.isnan(prompt) | ~(n_cached <= prompt)
    read = np.where(is_unknown, 0.0, prompt)
    if outcomes.estimand in SINGLE:
        reading = prefill(shape, n_tokens=read, n_cached=np.where(is_unknown, 0.0, n_cached))
        decoding = decode(shape, context=np.where(np.isnan(prompt), 0.0, prompt), n_tokens=outcomes.generated_tokens)
        reading, decoding = (replace(work, assumptions=(ONE_REQUEST,)) for work in (reading, decoding))
    else:
        new = read - np.where(is_unknown, 0.0, n_cached)
        reading = in_pieces(shape, tokens=new, passes=np.minimum(new, 1))
        reading = replace(reading, left_out=(NO_READING,) if (new > 0).any() else ())
        decoding = (
            _ladder_decoding(outcomes, shape) if outcomes.estimand is Estimand.FORCED else _decoding(outcomes, shape)
        )
    silent = is_unknown & (prompt > 0)
    return replace(reading, left_out=(*reading.left_out, *((NO_CACHE,) if silent.any() else ()))), decoding


def _ladder_decoding(outcomes: Outcomes, shape: ModelShape) -> Work:
    """Return the work of decoding on a ladder: new thinking follows that of the rung below, the answer follows all.

    A search may continue an earlier branch, so the position of its thinking is unknown.
    """
    parts, n_generated = paid_parts(outcomes), outcomes.generated_tokens
    prompt = np.nan_to_num(attempt_prompt(outcomes))
    grew = np.where(np.nan_to_num(outcomes.pruned_tokens) > 0, 0.0, np.nan_to_num(increments(outcomes.thinking_tokens)))
    answer = np.nan_to_num(parts[Category.ANSWER])
    answer = np.minimum(answer, n_generated)
    thinking = np.minimum(np.nan_to_num(parts[Category.THINKING]), n_generated - answer)
    thinking = np.maximum(np.minimum(thinking, grew), 0)
    cumulative = np.nan_to_num(outcomes.thinking_tokens)
    below = np.maximum(cumulative - grew, 0)
    rest = n_generated - answer - thinking
    left_out = (NO_PLACE,) if (rest > 0).any() or ((n_generated > 0) & (prompt == 0)).any() else ()
    return (
        decode(shape, context=prompt + below, n_tokens=thinking)
        + decode(shape, context=prompt + cumulative, n_tokens=answer)
        + replace(in_pieces(shape, tokens=rest, passes=rest, context=prompt), left_out=left_out)
    )


def _decoding(outcomes: Outcomes, shape: ModelShape) -> Work:
    n_generated = outcomes.generated_tokens
    work = in_pieces(shape, tokens=n_generated, passes=n_generated)
    return replace(work, left_out=(NO_PLACE,) if (n_generated > 0).any() else ())


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens of some rows. ``tokens`` sums the known ones, None if none is; ``n_unknown`` counts the unknown ones."""

    tokens: float | None
    n_unknown: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        known_tokens = [amount.tokens for amount in (self, other) if amount.tokens is not None]
        return Amount(sum(known_tokens) if known_tokens else None, self.n_unknown + other.n_unknown)


@dataclass(frozen=True, slots=True)
class Total:
    """A sum, and its unknown categories: a lower bound wherever something is unknown."""

    tokens: float
    unknown: tuple[Category, ...]


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One rung of one curve.

    Attributes:
        arm: Label of the curve.
        axis: Label of the curve.
        task: Label of the curve.
        scorer: Label of the curve.
        estimand: Label of the curve.
        rung: Number of the rung.
        requested_tokens: Requested thinking budget.
        effort: The provider's level.
        realised_tokens: Thinking tokens of an attempt, mean over draws, then questions.
        rows: Rows of the pool at this rung.
        usage: Token usage of the pool, by category.
        decoded_tokens: Decoded tokens of the pool here: thinking, answers, and discarded tokens.
        unique_tokens: Distinct tokens among them, each prefix counted once; fewer where some were decoded twice.
        unshared_tokens: Decoded tokens of the same attempts without sharing of prefixes.
        attempt: Tokens of one attempt at this rung by itself, by category; None where unknown.
        attempt_decoded: All its decoded tokens, which may be known where thinking and answer are not distinguished.
    """

    arm: str
    axis: Axis
    task: str
    scorer: str
    estimand: Estimand
    rung: int
    requested_tokens: int | None
    effort: str | None
    realised_tokens: float | None
    rows: int
    usage: Mapping[Category, Amount]
    decoded_tokens: Amount
    unique_tokens: Amount
    unshared_tokens: Amount
    attempt: Mapping[Category, float | None]
    attempt_decoded: float | None

    @property
    def paid_in_all(self) -> Total:
        """Total token usage of the pool here. A category is unknown if it is unknown in any row."""
        amounts = {**self.usage, **dict.fromkeys((Category.ANSWER, *DECODED), Amount(0.0))}
        amounts[Category.THINKING] = self.decoded_tokens  # all that was decoded, what was thrown away included
        unknown = {name for name, amount in amounts.items() if amount.tokens is None or amount.n_unknown}
        return _total({name: amount.tokens for name, amount in amounts.items()}, unknown)

    @property
    def attempt_in_all(self) -> Total:
        """All tokens of one attempt."""
        tokens = {**self.attempt, Category.THINKING: self.attempt_decoded, Category.ANSWER: 0.0}
        unknown = {name for name, count in tokens.items() if count is None}
        return _total({**tokens, **dict.fromkeys(DECODED, 0.0)}, unknown)  # what was thrown away is in what was decoded


def ledger(outcomes: Sequence[Outcomes]) -> tuple[LedgerLine, ...]:
    """One line per curve and rung.

    The lines of a curve add up to its :func:`~overthink.cost.attempt.pool_total`. Curves of several scorers describe
    the same calls: sum the lines of one.

    Args:
        outcomes: The curves.

    Example:
        >>> from overthink.data.outcomes import from_records
        >>> from overthink.data.record import RungRecord
        >>> row = RungRecord("s", "base", Axis.CAPABILITY, "t", "m", "q", 0, 0, Estimand.FORCED, generated_tokens=7)
        >>> ledger(from_records([row]))[0].decoded_tokens
        Amount(tokens=7.0, n_unknown=0)
    """
    return tuple(line for table in outcomes for line in _lines(table))


def sum_paid(lines: Iterable[LedgerLine]) -> dict[Category, Amount]:
    """Token usage of several lines together, by category."""
    total: dict[Category, Amount] = {}
    for line in lines:
        for name, amount in line.usage.items():
            total[name] = total[name] + amount if name in total else amount
    return total


def _lines(outcomes: Outcomes) -> Iterable[LedgerLine]:
    blocks = [_Block.of(block) for block in outcome_blocks(outcomes)]
    cells = {name: np.concatenate([block.attempt[name] for block in blocks]) for name in blocks[0].attempt}
    means = {name: cell_means(column) for name, column in cells.items()}
    mean_decoded = cell_means(np.concatenate([block.attempt_decoded for block in blocks]))
    for r, rung in enumerate(outcomes.rungs):
        sums = {name: _sum(block.rungs[r][name] for block in blocks) for name in blocks[0].rungs[r]}
        yield LedgerLine(
            arm=outcomes.arm,
            axis=outcomes.axis,
            task=outcomes.task,
            scorer=outcomes.scorer,
            estimand=outcomes.estimand,
            rung=rung.index,
            requested_tokens=rung.requested_tokens,
            effort=rung.effort,
            realised_tokens=means[Category.THINKING][r],
            rows=int(outcomes.observed[:, :, r].sum()),
            usage={name: amount for name, amount in sums.items() if isinstance(name, Category)},
            decoded_tokens=sums[_Sum.DECODED],
            unique_tokens=sums[_Sum.UNIQUE],
            unshared_tokens=sums[_Sum.UNSHARED],
            attempt={name: mean[r] for name, mean in means.items()},
            attempt_decoded=mean_decoded[r],
        )


class _Sum(Enum):
    """Sums of a line beside those of its categories."""

    DECODED = auto()
    UNIQUE = auto()
    UNSHARED = auto()


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The part of a ledger from some of the questions.

    Attributes:
        rungs: By rung: the tokens of its rows, by category and kind of sum.
        attempt: (question, rung) mean tokens of one attempt, by category.
        attempt_decoded: (question, rung) mean of all its decoded tokens.
    """

    rungs: Sequence[Mapping[Category | _Sum, Amount]]
    attempt: Mapping[Category, Array]
    attempt_decoded: Array

    @classmethod
    def of(cls, outcomes: Outcomes) -> "_Block":
        whole_tokens, observed = attempt_tokens(outcomes), outcomes.observed
        columns: list[tuple[Category | _Sum, Array]] = [
            *paid_parts(outcomes).items(),
            (_Sum.DECODED, outcomes.generated_tokens),
            (_Sum.UNIQUE, _unique(outcomes)),
            (_Sum.UNSHARED, whole_tokens),
        ]
        rungs = [
            {name: known_sum(tokens[:, :, r][observed[:, :, r]]) for name, tokens in columns}
            for r in range(len(outcomes.rungs))
        ]
        attempt = {name: question_means(tokens) for name, tokens in attempt_parts(outcomes).items()}
        return cls(rungs, attempt, question_means(whole_tokens))


def _unique(outcomes: Outcomes) -> NDArray[np.float64]:
    """New tokens of each row: on a ladder, the increase of thinking and branches, and the answer."""
    if outcomes.estimand is not Estimand.FORCED:
        return outcomes.generated_tokens
    branches = sum_known(increments(getattr(outcomes, OVERHEAD_COLUMNS[name])) for name in DECODED)
    new = increments(outcomes.thinking_tokens) + branches + outcomes.answer_tokens
    new = np.where(outcomes.failed, outcomes.generated_tokens, new)
    return np.where(is_carried_forward(outcomes), 0.0, new)


def cell_means(cells: NDArray[np.float64]) -> list[float | None]:
    """Mean over the questions with a value, rung by rung, of (question, rung); None where there is none."""
    columns = cells.T
    return [None if np.isnan(column).all() else float(column[~np.isnan(column)].mean()) for column in columns]


def known_sum(tokens: NDArray[np.float64]) -> Amount:
    """Return the sum of the known entries, and the number of the others.

    Example:
        >>> known_sum(np.array([1.0, np.nan, 2.0]))
        Amount(tokens=3.0, n_unknown=1)
    """
    known_tokens = tokens[~np.isnan(tokens)]
    return Amount(float(known_tokens.sum()) if known_tokens.size else None, int(tokens.size - known_tokens.size))


def _sum(amounts: Iterable[Amount]) -> Amount:
    return sum(amounts, start=Amount(None))


def _total(tokens: Mapping[Category, float | None], unknown: set[Category]) -> Total:
    total_tokens = sum(count for name, count in tokens.items() if count is not None and name != Category.CACHED)
    return Total(total_tokens, tuple(name for name in Category if name in unknown and name != Category.CACHED))
