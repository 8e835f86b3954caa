"""Tokens newly paid by every row of a pool, by category, and the work of decoding and reading them."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.cost.attempt import ONE_REQUEST, attempt_parts
from overthink.data.category import Category
from overthink.cost.flop import Work, decode, in_pieces, prefill
from overthink.cost.model_shape import ModelShape
from overthink.data.tokens import DECODED, OVERHEAD_COLUMNS, increments, sum_verifier_tokens
from overthink.data.outcomes import Outcomes
from overthink.data.record import Estimand

Array = NDArray[np.float64]

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


def sum_known(columns: Iterable[Array]) -> Array:
    """Return the sum of the columns, NaN counted as 0."""
    return np.asarray(sum(np.where(np.isnan(column), 0.0, column) for column in columns))


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
    prompt = np.nan_to_num(attempt_parts(outcomes)[Category.PROMPT])
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
