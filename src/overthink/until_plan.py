"""What draws are spent on until it is narrow enough, as the command line writes it and as the plan keeps it."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from overthink.errors import InputError

_AIMS = ("half-width", "crossing", "factor")


class Until(BaseModel):
    """The interval that draws are spent on. Exactly one of ``half_width`` and ``crossing`` is set.

    Attributes:
        half_width: Half-width of the interval of the mean, wanted at every rung of every task.
        crossing: Threshold: the number of tries is wanted at which successes reach it, at the top rung of every task.
        factor: How far apart the ends of that number's interval may lie.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    half_width: float | None = Field(default=None, gt=0, lt=0.5)
    crossing: float | None = Field(default=None, gt=0, lt=1)
    factor: float = Field(default=3.0, gt=1)

    @model_validator(mode="after")
    def _one(self) -> "Until":
        if (self.half_width is None) == (self.crossing is None):
            raise ValueError("--until needs either half-width or crossing, and not both")
        return self


def read_until(text: str) -> Until:
    """Read an aim as the command line gives it: `half-width=0.02`, `crossing=0.5` or `crossing=0.5,factor=2`.

    Raises:
        InputError: A key or a number is none of these.

    Example:
        >>> read_until("crossing=0.5").factor
        3.0
    """
    given: dict[str, float] = {}
    for pair in text.split(","):
        name, _, value = (part.strip() for part in pair.partition("="))
        try:
            if name not in _AIMS or name in given:
                raise ValueError(name)
            given[name] = float(value)
        except ValueError:
            raise InputError(
                f"--until {text}: {pair!r} cannot be read; needed: half-width=NUMBER, or crossing=SHARE, behind which "
                "factor=NUMBER may stand"
            ) from None
    if "factor" in given and "crossing" not in given:
        raise InputError(f"--until {text}: a factor belongs to a crossing; leave it out")
    try:
        return Until(**{name.replace("-", "_"): value for name, value in given.items()})
    except ValidationError as failure:
        said = failure.errors()[0]
        raise InputError(f"--until {text}: {said['msg'].removeprefix('Value error, ')}") from failure
