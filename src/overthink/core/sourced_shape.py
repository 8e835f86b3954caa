"""The shape of a model, and where it is from."""

from dataclasses import dataclass

from overthink.core.model_shape import ModelShape


@dataclass(frozen=True, slots=True)
class SourcedShape:
    """A shape that somebody can look up again.

    Attributes:
        shape: The numbers; None among them is unknown.
        source: Where they are from, in a few words, such as "the model's card"; or why they are unknown.

    Example:
        >>> SourcedShape(ModelShape(8e9, 8e9, layers=32), "the model's card").shape.layers
        32
    """

    shape: ModelShape
    source: str

    def without_attention(self, why: str) -> "SourcedShape":
        """The same for a model that attends in a way of its own: what that costs stays unknown.

        Args:
            why: What is told of it.
        """
        known = ModelShape(
            parameters=self.shape.parameters,
            active_parameters=self.shape.active_parameters,
            layers=self.shape.layers,
            vocabulary=self.shape.vocabulary,
            weight_bytes=self.shape.weight_bytes,
        )
        return SourcedShape(known, f"{self.source}; {why}")
