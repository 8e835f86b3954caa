"""What one attempt at a rung takes when it is made by itself, whatever the ladder shared or carried forward."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.core.category import Category
from overthink.core.flop import Work, decode, in_pieces, prefill
from overthink.core.model_shape import ModelShape
from overthink.core.on_the_way import COLUMNS, both_told
from overthink.core.outcomes import Outcomes
from overthink.core.record import Estimand
from overthink.core.tokens import attempt_tokens, thrown_away

Array = NDArray[np.float64]

ONE_REQUEST = "the tokens of a row are those of one request"
NO_TURNS = "attention between the turns of an agent, which are told in one sum"
NO_BRANCHES = "attention of what was thrown away to the thinking before it"
NO_CONTEXT = "attention to the prompt, whose length is not told"
READ_AGAIN = "every turn of an agent reads its whole prompt again"


def attempt_parts(outcomes: Outcomes) -> Mapping[Category, Array]:
    """Tokens of an attempt by what they are spent on, for the categories that the pool tells apart.

    Thinking, and what was spent on the way beside it, is all up to the rung. A rung that was carried forward from the
    one below was graded and verified there, and an attempt of its own would be too.

    Args:
        outcomes: The table.

    Returns:
        (question, draw, rung) by category; NaN where unknown, and where a trace failed, which is no attempt. What a
        server would find in its cache is known only of attempts that were made by themselves.
    """
    alone = outcomes.estimand in (Estimand.EFFORT, Estimand.NATURAL)
    along = outcomes.estimand is Estimand.CHECKPOINT
    cached = outcomes.cached_tokens.cumsum(axis=2) if along else outcomes.cached_tokens
    on_the_way = {category: getattr(outcomes, column) for category, column in COLUMNS.items()}
    parts = on_the_way | {
        Category.PROMPT: _prompt(outcomes),
        Category.CACHED: cached if alone or along else np.full(cached.shape, np.nan),
        Category.THINKING: outcomes.thinking_tokens,
        Category.ANSWER: outcomes.answer_tokens,
        Category.VERIFIER: both_told(answer_verifier_tokens(outcomes), outcomes.step_verifier_tokens),
        Category.JUDGE: _as_below_where_carried(outcomes, outcomes.judge_tokens),
    }
    return {category: np.where(outcomes.failed, np.nan, tokens) for category, tokens in parts.items()}


def answer_verifier_tokens(outcomes: Outcomes) -> Array:
    """Verifier tokens that score the answer of one attempt: what best-of-k pays for each of its tries."""
    return _as_below_where_carried(outcomes, outcomes.verifier_tokens)


def strategy_tokens(outcomes: Outcomes) -> Array:
    """Tokens that one attempt takes: what it decodes, and what its guards and step verifiers read and write.

    Prompts, judges and verifiers of answers are not in it: the first are shared between tries, the second measure,
    and the last are paid by best-of-k alone.

    Args:
        outcomes: The table.

    Returns:
        (question, draw, rung); NaN where unknown.
    """
    on_the_way = (outcomes.guard_tokens, outcomes.step_verifier_tokens)
    return np.asarray(attempt_tokens(outcomes) + sum(np.where(np.isnan(column), 0.0, column) for column in on_the_way))


def attempt_work(outcomes: Outcomes, shape: ModelShape, *, batch: ArrayLike = 1) -> tuple[Work, Work]:
    """Compute and memory traffic of an attempt at each rung: of its prompt, and of what it decodes.

    They are apart because k tries share one reading of the prompt. Thinking and answer are decoded in one line after
    the prompt. What was thrown away on the way attends to the prompt and to itself alone, and so does all that an agent
    reads and writes in its turns to itself: nobody tells where they stood, so these are lower bounds, and ``left_out``
    says so. Verifiers and judges are other models, not counted.

    Args:
        outcomes: The table.
        shape: The model.
        batch: Sequences decoded together.

    Returns:
        Two arrays of work, (question, draw, rung); NaN where tokens or shape are unknown.
    """
    prompt, decoded = _prompt(outcomes), attempt_tokens(outcomes)
    if outcomes.estimand is Estimand.CHECKPOINT:
        turns = (NO_TURNS,) if (np.nan_to_num(prompt + decoded) > 0).any() else ()
        reading = in_pieces(shape, tokens=prompt, passes=np.minimum(prompt, 1), batch=batch)
        decoding = in_pieces(shape, tokens=decoded, passes=decoded, batch=batch)
        return replace(reading, left_out=turns, assumed=(READ_AGAIN,)), replace(decoding, left_out=turns)
    context = np.where(np.isnan(prompt), 0.0, prompt)
    thrown = np.minimum(thrown_away(outcomes), decoded)
    line = decode(shape, context=context, tokens=decoded - thrown, batch=batch)
    pieces = in_pieces(shape, tokens=thrown, passes=thrown, context=context, batch=batch)
    marks = {NO_BRANCHES: thrown > 0, NO_CONTEXT: np.isnan(prompt) & (decoded > 0)}
    left_out = tuple(mark for mark, where in marks.items() if where.any())
    assumed = (ONE_REQUEST,) if outcomes.estimand is Estimand.EFFORT else ()
    return (
        replace(prefill(shape, tokens=prompt, batch=batch), assumed=assumed),
        replace(line + pieces, left_out=left_out, assumed=assumed),
    )


def tells_prompts(outcomes: Outcomes) -> bool:
    """Whether the prompt of every attempt whose tokens are told is told, too."""
    told = ~np.isnan(strategy_tokens(outcomes))
    return bool(told.any()) and not np.isnan(_prompt(outcomes)[told]).any()


def carried(outcomes: Outcomes) -> NDArray[np.bool_]:
    """Whether a row repeats the one below because its trace had ended, (question, draw, rung)."""
    if outcomes.estimand is not Estimand.FORCED:
        return np.zeros(outcomes.observed.shape, dtype=np.bool_)
    nothing_new = np.asarray((outcomes.generated_tokens == 0) & ~outcomes.failed)
    nothing_new[:, :, :1] = False
    return nothing_new


def _prompt(outcomes: Outcomes) -> Array:
    """Prompt tokens of an attempt.

    The requests of a ladder read again what was thought before. Only its rung of 0 tokens reads the prompt alone, and
    all draws of a question share it. A row that decoded less than its attempt read the rest as part of its prompt.
    """
    told = outcomes.prompt_tokens
    if outcomes.estimand is Estimand.CHECKPOINT:
        return np.asarray(told.cumsum(axis=2))
    if outcomes.estimand in (Estimand.EFFORT, Estimand.NATURAL):
        read_again = np.maximum(attempt_tokens(outcomes) - outcomes.generated_tokens, 0)
        read_again = np.where(np.isnan(read_again), 0.0, read_again)
        return np.where(outcomes.generated_tokens == 0, np.nan, told - read_again)
    if not outcomes.rungs or outcomes.rungs[0].requested_tokens != 0 or outcomes.estimand is not Estimand.FORCED:
        return np.full(told.shape, np.nan)
    first = np.where(outcomes.failed, np.nan, told)[:, :, 0]
    known = ~np.isnan(first)
    count = known.sum(axis=1)
    mean = np.where(count > 0, np.where(known, first, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
    return np.where(outcomes.observed, mean[:, None, None], np.nan)


def _as_below_where_carried(outcomes: Outcomes, tokens: Array) -> Array:
    filled = tokens.copy()
    repeats = carried(outcomes)
    for rung in range(1, filled.shape[2]):
        filled[:, :, rung] = np.where(repeats[:, :, rung], filled[:, :, rung - 1], filled[:, :, rung])
    return filled
