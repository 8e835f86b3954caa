"""The shape of a model with its source."""

from dataclasses import dataclass

from overthink.cost.model_shape import ModelShape


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
