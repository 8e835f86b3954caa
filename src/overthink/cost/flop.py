"""Compute and memory traffic of reading a prompt and decoding after it, from the shape of a model.

A token costs 2·N for the weights that it passes through, N being the active parameters of a mixture of experts, and
4·L·n·d for attention over the n tokens up to it (Kaplan et al. 2020, arXiv:2001.08361, table 1, before they average
over the context). Over positions a+1 to b the second sums to 2·L·d·(b(b+1) - a(a+1)). 2·N alone misprices long
reasoning: for Llama 3 70B attention adds 19 % at 10,000 tokens and 187 % at 100,000.

Effective FLOP (Kinetics, Sadhukhan et al. 2025, arXiv:2506.05333) add the memory that is read, at the FLOP that the
hardware could have done meanwhile; to their reading of the cache this adds the weights, read once a step and shared by
the batch. Windowed and latent attention, speculative decoding and kernels that skip work need formulas of their own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from overthink.cost.model_shape import ModelShape
from overthink.data.arrays import Array


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """Compute and memory traffic of a model. The arrays share one shape; NaN where unknown.

    Attributes:
        matmul: FLOP of the weights, 2·N_active per token.
        attention: FLOP of attention.
        weight_bytes: Bytes of weights read, this request's share of the batch.
        cache_bytes: Bytes of keys and values read.
        missing: Unknown parts of the model's shape that would be needed.
        left_out: What is not included, so that it is a lower bound.
        assumptions: Its assumptions.
    """

    matmul: Array
    attention: Array
    weight_bytes: Array
    cache_bytes: Array
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    def __add__(self, other: "Work") -> "Work":
        return Work(
            matmul=self.matmul + other.matmul,
            attention=self.attention + other.attention,
            weight_bytes=self.weight_bytes + other.weight_bytes,
            cache_bytes=self.cache_bytes + other.cache_bytes,
            missing=tuple(dict.fromkeys((*self.missing, *other.missing))),
            left_out=tuple(dict.fromkeys((*self.left_out, *other.left_out))),
            assumptions=tuple(dict.fromkeys((*self.assumptions, *other.assumptions))),
        )

    @property
    def flop(self) -> Array:
        """Total FLOP; NaN where a part is unknown. ``matmul`` alone is then a lower bound."""
        return np.asarray(self.matmul + self.attention)

    @property
    def bytes_read(self) -> Array:
        """Total memory traffic in bytes."""
        return np.asarray(self.weight_bytes + self.cache_bytes)

    @property
    def reason(self) -> str | None:
        """Reason for a NaN; None if the shape is known."""
        return f"unknown of the model: {', '.join(self.missing)}" if self.missing else None

    def effective_flop(self, *, flop_per_byte: float) -> Array:
        """FLOP plus those that the hardware could have computed while it read memory.

        Args:
            flop_per_byte: Peak FLOP/s of the hardware over its bandwidth: 295 for an H100. Kinetics' 562.5 per value
                of two bytes is 281.

        Raises:
            ValueError: The intensity is negative or not finite.
        """
        if not (np.isfinite(flop_per_byte) and flop_per_byte >= 0):
            raise ValueError(f"flop_per_byte is {flop_per_byte}; needed: 0 or more, such as 295 for an H100")
        return np.asarray(self.flop + flop_per_byte * self.bytes_read)


def prefill(shape: ModelShape, *, n_tokens: ArrayLike, n_cached: ArrayLike = 0, batch: ArrayLike = 1) -> Work:
    """Work of reading a prompt in one pass.

    Cached tokens cost no FLOP of their own, but those that follow attend to them, so their keys and values are read.

    Args:
        shape: The model.
        n_tokens: Prompt tokens, cached ones included; any shape.
        n_cached: How many of them, from the start, the server had in its cache.
        batch: Requests served by one reading of the weights.

    Raises:
        ValueError: A count is negative, more is cached than there is, or the batch is less than 1.

    Example:
        >>> llama = ModelShape(70e9, 70e9, layers=80, heads=64, kv_heads=8, head_width=128)
        >>> float(prefill(llama, n_tokens=1000).matmul)
        140000000000000.0
    """
    end, start = _counts(n_tokens, "tokens"), _counts(n_cached, "cached")
    if (start > end).any():
        raise ValueError("more tokens are cached than the prompt has; needed: at most as many")
    passes = np.where(np.isnan(end - start), np.nan, (end > start).astype(np.float64))
    positions = _sum_of_positions(start, end)
    return _work(shape, end - start, positions, passes=passes, positions_read=passes * end, batch=batch)


def decode(shape: ModelShape, *, context: ArrayLike, n_tokens: ArrayLike, batch: ArrayLike = 1) -> Work:
    """Work of decoding tokens one at a time after a context that is in the cache.

    Args:
        shape: The model.
        context: Tokens before the first one decoded; any shape.
        n_tokens: Tokens decoded.
        batch: Sequences decoded together, which share each reading of the weights.

    Raises:
        ValueError: A count is negative, or the batch is less than 1.

    Example:
        >>> llama = ModelShape(70e9, 70e9, layers=80, heads=64, kv_heads=8, head_width=128)
        >>> work = decode(llama, context=99_999, n_tokens=1)
        >>> round(float(work.attention / work.matmul), 2)
        1.87
    """
    start, steps = _counts(context, "context"), _counts(n_tokens, "tokens")
    positions = _sum_of_positions(start, start + steps)
    return _work(shape, steps, positions, passes=steps, positions_read=positions, batch=batch)


def in_pieces(
    shape: ModelShape, *, tokens: ArrayLike, passes: ArrayLike, context: ArrayLike = 0, batch: ArrayLike = 1
) -> Work:
    """Minimum work of tokens whose order is unknown.

    Each attends to the context, to itself, and to none of the others: exact for one-token branches after a context, and
    a lower bound for anything else.

    Args:
        shape: The model.
        tokens: Tokens decoded or read; any shape.
        passes: Minimum number of times the weights were read for them: once per token where they were decoded.
        context: Tokens that came before all of them.
        batch: Sequences that share each reading of the weights.

    Raises:
        ValueError: A count is negative, or the batch is less than 1.

    Example:
        >>> llama = ModelShape(70e9, 70e9, layers=80, heads=64, kv_heads=8, head_width=128)
        >>> line, pieces = decode(llama, context=0, n_tokens=100), in_pieces(llama, tokens=100, passes=100)
        >>> bool(line.matmul == pieces.matmul), float(line.attention / pieces.attention)
        (True, 50.5)
    """
    n_tokens, n_context = _counts(tokens, "tokens"), _counts(context, "context")
    positions = n_tokens * (n_context + 1)
    return _work(shape, n_tokens, positions, passes=_counts(passes, "passes"), positions_read=positions, batch=batch)


def response(
    shape: ModelShape, *, prompt: ArrayLike, n_decoded: ArrayLike, n_cached: ArrayLike = 0, batch: ArrayLike = 1
) -> Work:
    """Work of a whole response: reading its prompt, and decoding every token after it.

    Every token is counted once, the last one too, although a server may stop before it is read back.

    Args:
        shape: The model.
        prompt: Prompt tokens, cached ones included; any shape.
        n_decoded: Tokens decoded.
        n_cached: Prompt tokens found in the server's cache.
        batch: Requests served together.

    Raises:
        ValueError: As for :func:`prefill` and :func:`decode`.
    """
    read = prefill(shape, n_tokens=prompt, n_cached=n_cached, batch=batch)
    return read + decode(shape, context=prompt, n_tokens=n_decoded, batch=batch)


def _work(
    shape: ModelShape, tokens: Array, positions: Array, *, passes: Array, positions_read: Array, batch: ArrayLike
) -> Work:
    """Work of tokens that attend to ``positions`` positions in total."""
    batch_size = np.asarray(batch, dtype=np.float64)
    if (batch_size < 1).any():
        raise ValueError(f"batch is {np.nanmin(batch_size):g}; needed: 1 or more")
    per_position, bytes_per_token = _or_nan(shape.attention_flop_per_position), _or_nan(shape.cache_bytes_per_token)
    # Sequences of a batch that pick other experts read other weights: at most all of them.
    parameters = np.minimum(batch_size * _or_nan(shape.active_parameters), _or_nan(_all_parameters(shape, batch_size)))
    matmul, attention, weights, cache = np.broadcast_arrays(
        2 * _or_nan(shape.active_parameters) * tokens,
        per_position * positions,
        parameters * _or_nan(shape.weight_bytes) * passes / batch_size,
        bytes_per_token * positions_read,
    )
    return Work(matmul.copy(), attention.copy(), weights.copy(), cache.copy(), missing=shape.missing)


def _all_parameters(shape: ModelShape, batch_size: Array) -> float | None:
    """A single sequence reads its active parameters, whatever else there is."""
    return shape.active_parameters if shape.parameters is None and (batch_size == 1).all() else shape.parameters


def _sum_of_positions(start: Array, end: Array) -> Array:
    """(start + 1) + … + end: every token attends to those before it and to itself."""
    return np.asarray((end * (end + 1) - start * (start + 1)) / 2)


def _or_nan(number: float | None) -> float:
    return np.nan if number is None else number


def _counts(tokens: ArrayLike, name: str) -> Array:
    counts = np.asarray(tokens, dtype=np.float64)
    if (counts < 0).any():
        raise ValueError(f"{name} is {np.nanmin(counts):g}; needed: 0 or more, NaN where unknown")
    return counts
