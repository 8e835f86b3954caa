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
from numpy.typing import ArrayLike, NDArray

from overthink.core.model_shape import ModelShape

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What a model did. The arrays share one shape; NaN where unknown.

    Attributes:
        matmul: FLOP of the weights, 2·N_active per token.
        attention: FLOP of attention.
        weight_bytes: Bytes of weights read, this request's share of the batch.
        cache_bytes: Bytes of keys and values read.
        missing: What of the model's shape is unknown and would be needed.
        left_out: What is not in it, so that it is a lower bound.
        assumed: What it takes for granted.
    """

    matmul: Array
    attention: Array
    weight_bytes: Array
    cache_bytes: Array
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    def __add__(self, other: "Work") -> "Work":
        return Work(
            matmul=self.matmul + other.matmul,
            attention=self.attention + other.attention,
            weight_bytes=self.weight_bytes + other.weight_bytes,
            cache_bytes=self.cache_bytes + other.cache_bytes,
            missing=tuple(dict.fromkeys((*self.missing, *other.missing))),
            left_out=tuple(dict.fromkeys((*self.left_out, *other.left_out))),
            assumed=tuple(dict.fromkeys((*self.assumed, *other.assumed))),
        )

    @property
    def flop(self) -> Array:
        """FLOP in all; NaN where a part is unknown. ``matmul`` alone is then a lower bound."""
        return np.asarray(self.matmul + self.attention)

    @property
    def bytes_read(self) -> Array:
        """Memory traffic in all."""
        return np.asarray(self.weight_bytes + self.cache_bytes)

    @property
    def reason(self) -> str | None:
        """Why something is NaN; None if the shape is known."""
        return f"unknown of the model: {', '.join(self.missing)}" if self.missing else None

    def effective_flop(self, *, flop_per_byte: float) -> Array:
        """FLOP plus what the hardware could have computed while it read memory.

        Args:
            flop_per_byte: Peak FLOP/s of the hardware over its bandwidth: 295 for an H100. Kinetics' 562.5 per value
                of two bytes is 281.

        Raises:
            ValueError: The intensity is negative or not finite.
        """
        if not (np.isfinite(flop_per_byte) and flop_per_byte >= 0):
            raise ValueError(f"flop_per_byte is {flop_per_byte}; needed: 0 or more, such as 295 for an H100")
        return np.asarray(self.flop + flop_per_byte * self.bytes_read)


def prefill(shape: ModelShape, *, tokens: ArrayLike, cached: ArrayLike = 0, batch: ArrayLike = 1) -> Work:
    """Reading a prompt in one pass.

    Cached tokens cost no FLOP of their own, but those that follow attend to them, so their keys and values are read.

    Args:
        shape: The model.
        tokens: Prompt tokens, cached ones included; any shape.
        cached: How many of them, from the start, the server had in its cache.
        batch: Requests served by one reading of the weights.

    Raises:
        ValueError: A count is negative, more is cached than there is, or the batch is less than 1.

    Example:
        >>> llama = ModelShape(70e9, 70e9, layers=80, heads=64, kv_heads=8, head_width=128)
        >>> float(prefill(llama, tokens=1000).matmul)
        140000000000000.0
    """
    end, start = _counts(tokens, "tokens"), _counts(cached, "cached")
    if (start > end).any():
        raise ValueError("more tokens are cached than the prompt has; needed: at most as many")
    passes = np.where(np.isnan(end - start), np.nan, (end > start).astype(np.float64))
    positions = _sum_of_positions(start, end)
    return _work(shape, end - start, positions, passes=passes, positions_read=passes * end, batch=batch)


def decode(shape: ModelShape, *, context: ArrayLike, tokens: ArrayLike, batch: ArrayLike = 1) -> Work:
    """Decoding tokens one at a time after a context that is in the cache.

    Args:
        shape: The model.
        context: Tokens before the first one decoded; any shape.
        tokens: Tokens decoded.
        batch: Sequences decoded together, which share each reading of the weights.

    Raises:
        ValueError: A count is negative, or the batch is less than 1.

    Example:
        >>> llama = ModelShape(70e9, 70e9, layers=80, heads=64, kv_heads=8, head_width=128)
        >>> work = decode(llama, context=99_999, tokens=1)
        >>> round(float(work.attention / work.matmul), 2)
        1.87
    """
    start, steps = _counts(context, "context"), _counts(tokens, "tokens")
    positions = _sum_of_positions(start, start + steps)
    return _work(shape, steps, positions, passes=steps, positions_read=positions, batch=batch)


def in_pieces(
    shape: ModelShape, *, tokens: ArrayLike, passes: ArrayLike, context: ArrayLike = 0, batch: ArrayLike = 1
) -> Work:
    """The least that tokens take where nobody tells which of them came one after another.

    Each attends to the context, to itself, and to none of the others: short branches after a long context, and a lower
    bound for anything else.

    Args:
        shape: The model.
        tokens: Tokens decoded or read; any shape.
        passes: How often the weights were read for them, at least: once per token where they were decoded.
        context: Tokens that came before all of them.
        batch: Sequences that share each reading of the weights.

    Raises:
        ValueError: A count is negative, or the batch is less than 1.

    Example:
        >>> llama = ModelShape(70e9, 70e9, layers=80, heads=64, kv_heads=8, head_width=128)
        >>> line, pieces = decode(llama, context=0, tokens=100), in_pieces(llama, tokens=100, passes=100)
        >>> bool(line.matmul == pieces.matmul), float(line.attention / pieces.attention)
        (True, 50.5)
    """
    counted, before = _counts(tokens, "tokens"), _counts(context, "context")
    positions = counted * (before + 1)
    return _work(shape, counted, positions, passes=_counts(passes, "passes"), positions_read=positions, batch=batch)


def response(
    shape: ModelShape, *, prompt: ArrayLike, decoded: ArrayLike, cached: ArrayLike = 0, batch: ArrayLike = 1
) -> Work:
    """A whole response: its prompt read, and every token decoded after it.

    Every token is counted once, the last one too, although a server may stop before it is read back.

    Args:
        shape: The model.
        prompt: Prompt tokens, cached ones included; any shape.
        decoded: Tokens decoded.
        cached: Prompt tokens found in the server's cache.
        batch: Requests served together.

    Raises:
        ValueError: As for :func:`prefill` and :func:`decode`.
    """
    read = prefill(shape, tokens=prompt, cached=cached, batch=batch)
    return read + decode(shape, context=prompt, tokens=decoded, batch=batch)


def _work(
    shape: ModelShape, tokens: Array, positions: Array, *, passes: Array, positions_read: Array, batch: ArrayLike
) -> Work:
    """The work of tokens that attend to so many positions together."""
    together = np.asarray(batch, dtype=np.float64)
    if (together < 1).any():
        raise ValueError(f"batch is {np.nanmin(together):g}; needed: 1 or more")
    per_position, reading = _known(shape.attention_flop_per_position), _known(shape.cache_bytes_per_token)
    # Sequences of a batch that pick other experts read other weights: at most all of them.
    parameters = np.minimum(together * _known(shape.active_parameters), _known(_all_parameters(shape, together)))
    matmul, attention, weights, cache = np.broadcast_arrays(
        2 * _known(shape.active_parameters) * tokens,
        per_position * positions,
        parameters * _known(shape.weight_bytes) * passes / together,
        reading * positions_read,
    )
    return Work(matmul.copy(), attention.copy(), weights.copy(), cache.copy(), missing=shape.missing)


def _all_parameters(shape: ModelShape, together: Array) -> float | None:
    """A single sequence reads its active parameters, whatever else there is."""
    return shape.active_parameters if shape.parameters is None and (together == 1).all() else shape.parameters


def _sum_of_positions(start: Array, end: Array) -> Array:
    """(start + 1) + … + end: every token attends to those before it and to itself."""
    return np.asarray((end * (end + 1) - start * (start + 1)) / 2)


def _known(number: float | None) -> float:
    return np.nan if number is None else number


def _counts(tokens: ArrayLike, name: str) -> Array:
    counts = np.asarray(tokens, dtype=np.float64)
    if (counts < 0).any():
        raise ValueError(f"{name} is {np.nanmin(counts):g}; needed: 0 or more, NaN where unknown")
    return counts
