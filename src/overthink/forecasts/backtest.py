"""Back-test of the forecasts: their coverage on public banks with known truth, reported with every forecast."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FamilyRecord:
    """Back-test results on one family of banks.

    Attributes:
        family: Name of the family.
        chosen_on: Whether the method was chosen using this family.
        models: Number of models.
        banks: Number of forecast banks: models × random parts × numbers of attempts used.
        shown: Attempts per question that the forecasts were fitted to.
        asked: Values of k that were forecast.
        forecasts: Banks × k.
        inside: Forecasts whose truth was inside the model band.
        bound_inside: Forecasts whose truth was inside the assumption-free band.
        mean_error: Mean absolute error of the estimate, as a share.
        width: Mean width of the model band.
        bound_width: Mean width of the assumption-free band.
        crossings: Thresholds whose true K* is known and beyond 1.5 times the attempts used.
        crossings_near: Number of them estimated within a factor of three.
        crossings_inside: Number of them inside the model band's interval.
    """

    family: str
    chosen_on: bool
    models: int
    banks: int
    shown: tuple[int, ...]
    asked: tuple[int, ...]
    forecasts: int
    inside: int
    bound_inside: int
    mean_error: float
    width: float
    bound_width: float
    crossings: int
    crossings_near: int
    crossings_inside: int

    def __post_init__(self) -> None:
        parts = [(part, self.forecasts) for part in (self.inside, self.bound_inside)]
        parts += [(part, self.crossings) for part in (self.crossings_near, self.crossings_inside)]
        if any(not 0 <= part <= whole for part, whole in parts) or not self.forecasts:
            raise ValueError(f"{self.family}: more forecasts were right than were made, or none was made")

    @property
    def coverage(self) -> float:
        """Share of forecasts whose truth was inside the model band."""
        return self.inside / self.forecasts

    @property
    def bound_coverage(self) -> float:
        """Share of forecasts whose truth was inside the assumption-free band."""
        return self.bound_inside / self.forecasts

    @property
    def near(self) -> float | None:
        """Share of crossings estimated within a factor of three; None without a crossing."""
        return self.crossings_near / self.crossings if self.crossings else None

    @property
    def crossing_coverage(self) -> float | None:
        """Share of crossings inside their interval; None without a crossing."""
        return self.crossings_inside / self.crossings if self.crossings else None


@dataclass(frozen=True, slots=True)
class Backtest:
    """A back-test of the method, as written by the benchmark.

    Attributes:
        made: Date of the run, as ISO text.
        overthink: Version of Overthink.
        command: Command that wrote it.
        source: Source of the data.
        seeds: Number of random parts of each model's bank.
        level: Confidence level of the bands.
        silent: Number of banks without a success, where nothing is extrapolated; in ``mean_error`` they count as
            forecasts of 0.
        families: Results on each family.
    """

    made: str
    overthink: str
    command: str
    source: str
    seeds: int
    level: float
    silent: int
    families: tuple[FamilyRecord, ...]
