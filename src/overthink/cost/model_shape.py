"""The shape of a model: the numbers that determine its inference cost.

The shape of a model with its source.
"""

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Numbers from a model's configuration. None is unknown, and so are costs that depend on it.

    Attributes:
        parameters: All of them.
        active_parameters: Those that a token passes through; in a dense model all of them.
        layers: Transformer blocks.
        heads: Query heads of a layer.
        kv_heads: Key-value heads of a layer.
        hidden_size: Width of the residual stream, d_model.
        head_width: Width of a head; None where the configuration leaves it at hidden_size / heads.
        vocabulary: Tokens in the vocabulary.
        weight_bytes: Bytes per parameter, as served.
        cache_bytes: Bytes per value of the key-value cache.

    Raises:
        ValueError: A number is not positive and finite, more parameters are active than there are, or there are more
            key-value heads than heads.

    Example:
        >>> ModelShape(70e9, 70e9, layers=80, kv_heads=8, head_width=128, cache_bytes=2).cache_bytes_per_token
        327680
    """

    parameters: float | None = None
    active_parameters: float | None = None
    layers: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    hidden_size: int | None = None
    head_width: int | None = None
    vocabulary: int | None = None
    weight_bytes: float | None = None
    cache_bytes: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            number = getattr(self, field.name)
            if number is not None and not (np.isfinite(number) and number > 0):
                raise ValueError(f"{field.name} is {number}; needed: a positive number, or None if it is unknown")
        for part, whole in (("active_parameters", "parameters"), ("kv_heads", "heads")):
            less, more = getattr(self, part), getattr(self, whole)
            if less is not None and more is not None and less > more:
                raise ValueError(f"{part} is {less}, {whole} is {more}; needed: at most as many")

    @property
    def attention_flop_per_position(self) -> float | None:
        """FLOP of attention per token and position attended to: 4·L·heads·width, for scores and for their sum."""
        width = self.attention_width
        return None if self.layers is None or width is None else 4 * self.layers * width

    @property
    def cache_bytes_per_token(self) -> float | None:
        """Bytes of keys and values that a token adds to the cache: 2·L·kv_heads·width·bytes."""
        width = self.width_of_a_head
        if self.layers is None or self.kv_heads is None or width is None or self.cache_bytes is None:
            return None
        return 2 * self.layers * self.kv_heads * width * self.cache_bytes

    @property
    def missing(self) -> tuple[str, ...]:
        """Unknown numbers without which FLOP or memory traffic are unknown."""
        numbers = {
            "active parameters": self.active_parameters,
            "layers": self.layers,
            "width of attention": self.attention_width,
            "key-value heads": self.kv_heads,
            "width of a head": self.width_of_a_head,
            "bytes per parameter": self.weight_bytes,
            "bytes per cached value": self.cache_bytes,
        }
        return tuple(name for name, number in numbers.items() if number is None)

    @property
    def width_of_a_head(self) -> float | None:
        """Width of a head, as stated or hidden_size / heads."""
        if self.head_width is not None or self.hidden_size is None or self.heads is None:
            return self.head_width
        return self.hidden_size / self.heads

    @property
    def attention_width(self) -> float | None:
        """Heads times their width, which need not be d_model."""
        if self.head_width is None:
            return self.hidden_size
        return None if self.heads is None else self.heads * self.head_width


@dataclass(frozen=True, slots=True)
class SourcedShape:
    """A model shape with a source that can be checked.

    Attributes:
        shape: The numbers; None is unknown.
        source: Short name of the source, such as "the model's card"; or why the numbers are unknown.

    Example:
        >>> SourcedShape(ModelShape(8e9, 8e9, layers=32), "the model's card").shape.layers
        32
    """

    shape: ModelShape
    source: str

    def without_attention(self, why: str) -> "SourcedShape":
        """Return the shape without its attention fields, for an architecture with attention of unknown cost.

        Args:
            why: Reason, added to the source.
        """
        shape = ModelShape(
            parameters=self.shape.parameters,
            active_parameters=self.shape.active_parameters,
            layers=self.shape.layers,
            vocabulary=self.shape.vocabulary,
            weight_bytes=self.shape.weight_bytes,
        )
        return SourcedShape(shape, f"{self.source}; {why}")
