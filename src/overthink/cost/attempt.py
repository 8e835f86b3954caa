"""Token usage and work of one attempt at a rung by itself, regardless of what the ladder shared or carried forward.

Tokens decoded by an attempt, and token totals of the whole pool.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from overthink.cost.flop import Work, decode, in_pieces, prefill
from overthink.cost.model_shape import ModelShape
from overthink.data.arrays import Array
from overthink.data.blocks import by_block, is_unknown, outcome_blocks
from overthink.data.decisions import control_of
from overthink.data.kinds import Metric
from overthink.data.outcomes import Outcomes
from overthink.data.record import Category, Estimand
from overthink.data.tokens import DECODED, OVERHEAD_COLUMNS, increments, sum_known, sum_verifier_tokens

POOL_TOTALS = {
    Metric.SPENT_GENERATED: "generated_tokens",
    Metric.SPENT_PROMPT: "prompt_tokens",
    Metric.SPENT_CACHED: "cached_tokens",
    Metric.SPENT_JUDGE: "judge_tokens",
    Metric.SPENT_VERIFIER: "verifier_tokens",
    Metric.SPENT_GUARD: "guard_tokens",
}
"""Column of :class:`Outcomes` summed by each metric, which counts each token once."""


def attempt_tokens(outcomes: Outcomes) -> NDArray[np.float64]:
    """Return the tokens that one attempt at a rung decodes: thinking, answer and decoded overhead.

    Tokens reused from lower rungs count in full. Unknown overhead counts as none.

    Where thinking or answer is unknown, generated tokens replace them if they cover the whole attempt: at a
    provider's own effort, at a natural end, and summed up to the rung for checkpoints of one agent. A forced rung
    decodes only new tokens, so there the attempt stays unknown. A trace that failed at the rung has no attempt there.

    Args:
        outcomes: The table.

    Returns:
        (question, draw, rung); NaN where unknown.
    """
    return by_block(_attempt_tokens, outcomes)


def _attempt_tokens(outcomes: Outcomes) -> Array:
    both = outcomes.thinking_tokens + outcomes.answer_tokens + overhead_tokens(outcomes)
    if outcomes.estimand in (Estimand.EFFORT, Estimand.NATURAL):
        both = np.where(np.isnan(both), outcomes.generated_tokens, both)
    elif outcomes.estimand is Estimand.CHECKPOINT:
        both = np.where(np.isnan(both), outcomes.generated_tokens.cumsum(axis=2), both)
    return np.where(outcomes.failed, np.nan, both)


def overhead_tokens(outcomes: Outcomes) -> NDArray[np.float64]:
    """Return (question, draw, rung) the decoded tokens up to a rung other than its thinking and its answer."""
    return sum_known(attempt_overhead(outcomes, category) for category in DECODED)


def attempt_overhead(outcomes: Outcomes, category: Category) -> Array:
    """Return (question, draw, rung) the overhead of one attempt in a category.

    It is that of the trace up to the rung, which an attempt would take, too. Where a protocol of control reviews each
    rung by itself, it is what the review of this rung took; thinking that an answer is not read from is a state of the
    trace in any case.
    """
    column: Array = getattr(outcomes, OVERHEAD_COLUMNS[category])
    if control_of(outcomes.arm) is None or category is Category.PRUNED:
        return column
    return _fill_carried_rows(outcomes, increments(column))


def output_excludes_reasoning(outcomes: Outcomes) -> bool:
    """Return whether the provider excludes reasoning from its output tokens.

    It does where mean reasoning tokens exceed mean output tokens. Always False for forced rungs, which decode less
    than their thinking by design.
    """
    if outcomes.estimand not in (Estimand.EFFORT, Estimand.NATURAL):
        return False
    thinking, output = outcomes.thinking_tokens, outcomes.generated_tokens
    is_known = ~np.isnan(thinking) & ~np.isnan(output)
    return bool(is_known.any()) and bool(thinking[is_known].mean() > output[is_known].mean())


def pool_total(outcomes: Outcomes, metric: Metric) -> tuple[float, int]:
    """Return the sum over the pool of one of ``POOL_TOTALS``, and the number of rows without a count.

    Returns:
        The sum over the rows with a count, NaN if there is none; and the number of rows without one.
    """
    total, n_known, n_rows = 0.0, 0, 0
    for block in outcome_blocks(outcomes):
        tokens: Array = getattr(block, POOL_TOTALS[metric])
        if metric == Metric.SPENT_VERIFIER:
            tokens = sum_verifier_tokens(tokens, increments(block.step_verifier_tokens))
        elif metric == Metric.SPENT_GUARD:
            tokens = increments(tokens)
        column = tokens[block.observed]
        counts = column[~np.isnan(column)]
        total, n_known, n_rows = total + float(counts.sum()), n_known + counts.size, n_rows + column.size
    return (total if n_known else float("nan")), n_rows - n_known


ONE_REQUEST = "the tokens of a row are those of one request"
NO_TURNS = "attention between the turns of an agent, which are told in one sum"
NO_BRANCHES = "attention of what was thrown away to the thinking before it"
NO_CONTEXT = "attention to the prompt, whose length is not told"
PROMPT_REREAD = "every turn of an agent reads its whole prompt again"


def attempt_parts(outcomes: Outcomes) -> Mapping[Category, Array]:
    """Tokens of one attempt by category, for the categories that the pool distinguishes.

    Thinking and the overhead beside it are cumulative up to the rung. A rung that was carried forward from the
    one below was graded and verified there, and an attempt of its own would be too.

    Args:
        outcomes: The table.

    Returns:
        (question, draw, rung) by category; NaN where unknown, and where a trace failed, which is no attempt. What a
        server would find in its cache is known only of attempts that were made by themselves.
    """
    is_single_request = outcomes.estimand in (Estimand.EFFORT, Estimand.NATURAL)
    is_checkpoint = outcomes.estimand is Estimand.CHECKPOINT
    cached_tokens = outcomes.cached_tokens.cumsum(axis=2) if is_checkpoint else outcomes.cached_tokens
    trace_overhead = {category: attempt_overhead(outcomes, category) for category in OVERHEAD_COLUMNS}
    parts = trace_overhead | {
        Category.PROMPT: _prompt(outcomes),
        Category.CACHED: cached_tokens if is_single_request or is_checkpoint else np.full(cached_tokens.shape, np.nan),
        Category.THINKING: outcomes.thinking_tokens,
        Category.ANSWER: outcomes.answer_tokens,
        Category.VERIFIER: sum_verifier_tokens(
            answer_verifier_tokens(outcomes), attempt_overhead(outcomes, Category.VERIFIER)
        ),
        Category.JUDGE: _fill_carried_rows(outcomes, outcomes.judge_tokens),
    }
    return {category: np.where(outcomes.failed, np.nan, tokens) for category, tokens in parts.items()}


def attempt_prompt(outcomes: Outcomes) -> Array:
    """Prompt tokens of one attempt, those of :func:`attempt_parts` alone."""
    return by_block(lambda block: np.where(block.failed, np.nan, _prompt(block)), outcomes)


def answer_verifier_tokens(outcomes: Outcomes) -> Array:
    """Verifier tokens that score the answer of one attempt: the cost of best-of-k for each of its tries."""
    if is_unknown(outcomes.verifier_tokens):
        return outcomes.verifier_tokens
    return by_block(lambda block: _fill_carried_rows(block, block.verifier_tokens), outcomes)


def strategy_tokens(outcomes: Outcomes) -> Array:
    """Tokens of one attempt: decoded tokens, and those that its guards and step verifiers read and write.

    Prompts, judges and verifiers of answers are excluded: tries share prompts, judges only measure, and
    answer verifiers are a cost of best-of-k alone.

    Args:
        outcomes: The table.

    Returns:
        (question, draw, rung); NaN where unknown.
    """
    overhead = (attempt_overhead(outcomes, category) for category in (Category.GUARD, Category.VERIFIER))
    return np.asarray(attempt_tokens(outcomes) + sum(np.where(np.isnan(column), 0.0, column) for column in overhead))


def attempt_work(outcomes: Outcomes, shape: ModelShape, *, batch: ArrayLike = 1) -> tuple[Work, Work]:
    """Compute and memory traffic of an attempt at each rung: of its prompt, and of its decoded tokens.

    They are separate because k tries share one reading of the prompt. Thinking and answer are decoded in one line after
    the prompt. Discarded tokens attend to the prompt and to themselves alone, and all that an agent reads and writes in
    its turns to itself: their positions are unknown, so these are lower bounds, as stated in ``left_out``.
    Verifiers and judges are other models, not counted.

    Args:
        outcomes: The table.
        shape: The model.
        batch: Sequences decoded together.

    Returns:
        Two arrays of work, (question, draw, rung); NaN where tokens or shape are unknown.
    """
    n_prompt, n_decoded = _prompt(outcomes), attempt_tokens(outcomes)
    if outcomes.estimand is Estimand.CHECKPOINT:
        turns = (NO_TURNS,) if (np.nan_to_num(n_prompt + n_decoded) > 0).any() else ()
        reading = in_pieces(shape, tokens=n_prompt, passes=np.minimum(n_prompt, 1), batch=batch)
        decoding = in_pieces(shape, tokens=n_decoded, passes=n_decoded, batch=batch)
        return replace(reading, left_out=turns, assumptions=(PROMPT_REREAD,)), replace(decoding, left_out=turns)
    context = np.where(np.isnan(n_prompt), 0.0, n_prompt)
    n_discarded = np.minimum(overhead_tokens(outcomes), n_decoded)
    line = decode(shape, context=context, n_tokens=n_decoded - n_discarded, batch=batch)
    pieces = in_pieces(shape, tokens=n_discarded, passes=n_discarded, context=context, batch=batch)
    marks = {NO_BRANCHES: n_discarded > 0, NO_CONTEXT: np.isnan(n_prompt) & (n_decoded > 0)}
    left_out = tuple(mark for mark, where in marks.items() if where.any())
    assumptions = (ONE_REQUEST,) if outcomes.estimand is Estimand.EFFORT else ()
    return (
        replace(prefill(shape, n_tokens=n_prompt, batch=batch), assumptions=assumptions),
        replace(line + pieces, left_out=left_out, assumptions=assumptions),
    )


def prompts_known(outcomes: Outcomes) -> bool:
    """Whether prompt tokens are known for every attempt with a known token count."""
    some = False
    for block in outcome_blocks(outcomes):
        is_known = ~np.isnan(strategy_tokens(block))
        if np.isnan(_prompt(block)[is_known]).any():
            return False
        some = some or bool(is_known.any())
    return some


def is_carried_forward(outcomes: Outcomes) -> NDArray[np.bool_]:
    """Whether a row repeats the one below because its trace had ended, (question, draw, rung)."""
    if outcomes.estimand is not Estimand.FORCED:
        return np.zeros(outcomes.observed.shape, dtype=np.bool_)
    nothing_new = np.asarray((outcomes.generated_tokens == 0) & ~outcomes.failed)
    nothing_new[:, :, :1] = False
    return nothing_new


def _prompt(outcomes: Outcomes) -> Array:
    """Prompt tokens of an attempt.

    The requests of a ladder read again what was thought before. Only its rung of 0 tokens reads the prompt alone, and
    all draws of a question share it. A row that decoded less than its attempt read the rest as part of its prompt; a
    prompt shorter than that rest is none that was counted.
    """
    prompt_tokens = outcomes.prompt_tokens
    if outcomes.estimand is Estimand.CHECKPOINT:
        return np.asarray(prompt_tokens.cumsum(axis=2))
    if outcomes.estimand in (Estimand.EFFORT, Estimand.NATURAL):
        read_again = np.maximum(attempt_tokens(outcomes) - outcomes.generated_tokens, 0)
        read_again = np.where(np.isnan(read_again), 0.0, read_again)
        is_none = (outcomes.generated_tokens == 0) | (prompt_tokens < read_again)
        return np.where(is_none, np.nan, prompt_tokens - read_again)
    if not outcomes.rungs or outcomes.rungs[0].requested_tokens != 0 or outcomes.estimand is not Estimand.FORCED:
        return np.full(prompt_tokens.shape, np.nan)
    first = np.where(outcomes.failed, np.nan, prompt_tokens)[:, :, 0]
    is_known = ~np.isnan(first)
    count = is_known.sum(axis=1)
    mean = np.where(count > 0, np.where(is_known, first, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
    return np.where(outcomes.observed, mean[:, None, None], np.nan)


def _fill_carried_rows(outcomes: Outcomes, tokens: Array) -> Array:
    result = tokens.copy()
    repeats = is_carried_forward(outcomes)
    for rung in range(1, result.shape[2]):
        result[:, :, rung] = np.where(repeats[:, :, rung], result[:, :, rung - 1], result[:, :, rung])
    return result
