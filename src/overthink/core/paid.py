"""What every row of a pool newly paid, by what it was spent on, and the work that this was."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.attempt import ONE_REQUEST, attempt_parts
from overthink.core.category import Category
from overthink.core.flop import Work, decode, in_pieces, prefill
from overthink.core.model_shape import ModelShape
from overthink.core.on_the_way import COLUMNS, DECODED, both_told, grown
from overthink.core.outcomes import Outcomes
from overthink.core.record import Estimand

Array = NDArray[np.float64]

SINGLE = (Estimand.EFFORT, Estimand.NATURAL, Estimand.SHAM, Estimand.TRUNCATED)
"""Estimands whose rows are one request each, or none."""

NO_CACHE = "the reading of prompts, which may have come from a cache: the source does not tell"
NO_READING = "attention over prompts, whose requests are told in one sum"
NO_PLACE = "attention between tokens that nobody tells the place of"


def paid_parts(outcomes: Outcomes) -> Mapping[Category, Array]:
    """Tokens that each row paid; a row that decoded nothing took its thinking and its answer from another.

    Args:
        outcomes: The table.

    Returns:
        (question, draw, rung) by category; NaN where unknown.
    """
    generated, answer = outcomes.generated_tokens, outcomes.answer_tokens
    no_answer = (generated == 0) | (outcomes.failed & np.isnan(answer))  # a trace that failed decoded for none
    own_answer = np.where(no_answer, 0.0, np.where(np.isnan(generated), np.nan, answer))
    on_the_way = {name: grown(getattr(outcomes, column)) for name, column in COLUMNS.items()}
    thrown = told_of(on_the_way[name] for name in DECODED)
    thinking = generated - own_answer - thrown
    # Counts that contradict each other say nothing; only a search may answer from a shorter branch than before.
    wrong = (thinking < 0) & (thrown == 0)
    return on_the_way | {
        Category.PROMPT: outcomes.prompt_tokens,
        Category.CACHED: outcomes.cached_tokens,
        Category.THINKING: np.where(wrong, np.nan, thinking),
        Category.ANSWER: np.where(wrong, np.nan, own_answer),
        Category.VERIFIER: both_told(outcomes.verifier_tokens, on_the_way[Category.VERIFIER]),
        Category.JUDGE: outcomes.judge_tokens,
    }


def told_of(columns: Iterable[Array]) -> Array:
    """The sum of columns, where one that is not told counts as nothing."""
    return np.asarray(sum(np.where(np.isnan(column), 0.0, column) for column in columns))


def paid_work(outcomes: Outcomes, shape: ModelShape) -> tuple[Work, Work]:
    """The least work of the model under test at each row: of prompts that it read, and of what it decoded.

    Every token costs its pass through the weights. Prompt tokens from a cache cost none, and where the source does not
    tell how many these were, prompts are left out. Attention needs the place of each token: a row of one request tells
    it, and a row of the ladder tells where the kept thinking and the answer stand. Where nobody tells, a token attends
    to itself and to the prompt alone. ``left_out`` says what is missing.

    Args:
        outcomes: The table.
        shape: The model.

    Returns:
        Two arrays of work, (question, draw, rung); NaN where tokens or shape are unknown.
    """
    prompt, cached = outcomes.prompt_tokens, outcomes.cached_tokens
    untold = np.isnan(prompt) | ~(cached <= prompt)
    read = np.where(untold, 0.0, prompt)
    if outcomes.estimand in SINGLE:
        reading = prefill(shape, tokens=read, cached=np.where(untold, 0.0, cached))
        decoding = decode(shape, context=np.where(np.isnan(prompt), 0.0, prompt), tokens=outcomes.generated_tokens)
        reading, decoding = (replace(work, assumed=(ONE_REQUEST,)) for work in (reading, decoding))
    else:
        new = read - np.where(untold, 0.0, cached)
        reading = in_pieces(shape, tokens=new, passes=np.minimum(new, 1))
        reading = replace(reading, left_out=(NO_READING,) if (new > 0).any() else ())
        decoding = _placed(outcomes, shape) if outcomes.estimand is Estimand.FORCED else _unplaced(outcomes, shape)
    silent = untold & (prompt > 0)
    return replace(reading, left_out=(*reading.left_out, *((NO_CACHE,) if silent.any() else ()))), decoding


def _placed(outcomes: Outcomes, shape: ModelShape) -> Work:
    """Decoding on a ladder: new thinking stands behind that of the rung below, and the answer behind all of it.

    A search may go on from a branch that it decoded before, so its thinking has no place.
    """
    paid, generated = paid_parts(outcomes), outcomes.generated_tokens
    prompt = np.nan_to_num(attempt_parts(outcomes)[Category.PROMPT])
    grew = np.where(np.nan_to_num(outcomes.pruned_tokens) > 0, 0.0, np.nan_to_num(grown(outcomes.thinking_tokens)))
    answer = np.nan_to_num(paid[Category.ANSWER])
    answer = np.minimum(answer, generated)
    thinking = np.minimum(np.nan_to_num(paid[Category.THINKING]), generated - answer)
    thinking = np.maximum(np.minimum(thinking, grew), 0)
    thought = np.nan_to_num(outcomes.thinking_tokens)
    below = np.maximum(thought - grew, 0)
    rest = generated - answer - thinking
    left_out = (NO_PLACE,) if (rest > 0).any() or ((generated > 0) & (prompt == 0)).any() else ()
    return (
        decode(shape, context=prompt + below, tokens=thinking)
        + decode(shape, context=prompt + thought, tokens=answer)
        + replace(in_pieces(shape, tokens=rest, passes=rest, context=prompt), left_out=left_out)
    )


def _unplaced(outcomes: Outcomes, shape: ModelShape) -> Work:
    generated = outcomes.generated_tokens
    work = in_pieces(shape, tokens=generated, passes=generated)
    return replace(work, left_out=(NO_PLACE,) if (generated > 0).any() else ())
