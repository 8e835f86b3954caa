"""Precision target of adaptive draws, as parsed from the command line and stored in the plan."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from overthink.errors import InputError

_TARGETS = ("half-width", "crossing", "factor")


class Until(BaseModel):
    """Precision target of adaptive draws. Exactly one of ``half_width`` and ``crossing`` is set.

    Attributes:
        half_width: Required half-width of the interval of the mean at every rung of every task.
        crossing: Success rate whose crossing (number of tries) is estimated at the top rung of every task.
        factor: Required ratio of the ends of the crossing's interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    half_width: float | None = Field(default=None, gt=0, lt=0.5)
    crossing: float | None = Field(default=None, gt=0, lt=1)
    factor: float = Field(default=3.0, gt=1)

    @model_validator(mode="after")
    def _single_target(self) -> "Until":
        if (self.half_width is None) == (self.crossing is None):
            raise ValueError("--until needs either half-width or crossing, and not both")
        return self

    @property
    def text(self) -> str:
        """The target as it is given.

        >>> Until(crossing=0.5).text
        'crossing=0.5,factor=3.0'
        """
        if self.half_width is not None:
            return f"half-width={self.half_width!r}"
        return f"crossing={self.crossing!r},factor={self.factor!r}"


def read_until(text: str) -> Until:
    """Parse a precision target: `half-width=0.02`, `crossing=0.5` or `crossing=0.5,factor=2`.

    Raises:
        InputError: A key is unknown, or a number is not valid.

    Example:
        >>> read_until("crossing=0.5").factor
        3.0
    """
    numbers: dict[str, float] = {}
    for pair in text.split(","):
        name, _, value = (part.strip() for part in pair.partition("="))
        try:
            if name not in _TARGETS or name in numbers:
                raise ValueError(name)
            numbers[name] = float(value)
        except ValueError:
            raise InputError(
                f"--until {text}: {pair!r} cannot be read; needed: half-width=NUMBER, or crossing=SHARE, behind which "
                "factor=NUMBER may stand"
            ) from None
    if "factor" in numbers and "crossing" not in numbers:
        raise InputError(f"--until {text}: a factor belongs to a crossing; leave it out")
    try:
        return Until(**{name.replace("-", "_"): value for name, value in numbers.items()})
    except ValidationError as failure:
        error = failure.errors()[0]
        raise InputError(f"--until {text}: {error['msg'].removeprefix('Value error, ')}") from failure
