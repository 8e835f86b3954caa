"""Forecasts from shares that were printed, as in papers and system cards: no counts, each share an interval."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from overthink.data.finding import At, Finding
from overthink.data.kinds import ForecastLabel, Kind, Metric
from overthink.data.record import Axis, Estimand
from overthink.data.selectors import Selector
from overthink.errors import InputError
from overthink.forecasts.counts import MOST_TRIES, forecast_sizes
from overthink.forecasts.findings import AT_K, INDEPENDENT, NO_ESTIMATE, ForecastOptions
from overthink.forecasts.printed import PrintedShare, printed_band, printed_share
from overthink.forecasts.result import NEVER, crossing_label, first_reaching
from overthink.storage.tables.columns import ALIASES, refuse_rows, texts, whole_numbers
from overthink.workflows.forecast_next_budget import visible

TRIES, SHARE = "k", "share"
GROUPS = {"task": ("task", "family"), "arm": ALIASES["arm"], "axis": ("axis",)}

AS_PRINTED = "from shares as they are printed: {shares}; a printed share is any that rounds to it"
NO_SAMPLING = "the printed shares count as those of these questions: their sampling error is not in the band"


@dataclass(frozen=True, slots=True)
class PrintedForecast:
    """What printed shares of one curve leave open at other numbers of tries.

    Attributes:
        findings: One bound per k and one per threshold.
        shares: The printed share at each number of tries.
        labels: Label of K* at each threshold.
    """

    findings: tuple[Finding, ...]
    shares: dict[int, PrintedShare]
    labels: tuple[str, ...]

    def text(self) -> str:
        """Return the terminal's lines."""
        first = self.findings[0]
        name = f"{visible(first.task)} · {visible(first.arm)}"
        given = ", ".join(f"{share.text} at k = {k:,}" for k, share in self.shares.items())
        lines = [f"{name} ({first.axis}, printed: {given})", f"  {'k':>13}  {'assumption-free':>17}"]
        bounds = [finding for finding in self.findings if finding.metric is not Metric.CROSSING_BOUND]
        for bound in bounds:
            ends = f"{bound.low or 0:.1%} – {bound.high or 0:.1%}"
            lines.append(f"  {bound.at.k or 0:>13,}  {ends:>17}")
        for crossing, label in zip(self.findings[len(bounds) :], self.labels, strict=True):
            high = "open" if crossing.high is None else f"{crossing.high:,.0f}"
            ends = "no k up to a billion" if crossing.low is None else f"{crossing.low:,.0f} to {high}"
            threshold = crossing.limits[-1].split(";")[0]
            lines.append(f"  K* at {threshold}: {ends} by the assumption-free band ({label})")
        return "\n".join([*lines, *(f"  note: {limit}" for limit in first.limits)])


def is_printed(names: set[str]) -> bool:
    """Return whether a table with these columns, in lower case, holds printed shares."""
    return {TRIES, SHARE} <= names and "question" not in names


def printed_forecasts(
    path: Path, cells: pl.DataFrame, *, axis: str | None, k: tuple[int, ...], options: ForecastOptions
) -> tuple[PrintedForecast, ...]:
    """Return one forecast per task, arm and axis of a table of printed shares.

    Args:
        path: The table, for messages.
        cells: Its cells, as texts.
        axis: Axis of rows that state none; capability if that is None.
        k: Tries to forecast.
        options: Thresholds and band.

    Raises:
        InputError: A cell cannot be read, shares at one k are repeated or contradict each other, or the model band is
            wanted, which needs counts.
    """
    if options.band == "model":
        raise InputError(f"{path} holds printed shares; the model band needs attempts and successes: drop --band model")
    lower = {name.lower(): name for name in reversed(cells.columns)}
    try:
        tries = whole_numbers(cells[lower[TRIES]])
        refuse_rows(cells[lower[TRIES]], tries.is_null() | (tries < 1) | (tries > MOST_TRIES), "needed: 1 to a billion")
        shares = texts(cells[lower[SHARE]])
        refuse_rows(cells[lower[SHARE]], shares.is_null(), "needed: a share as it was printed")
        columns = {"tries": tries, "share": shares}
        for name, aliases in GROUPS.items():
            column = next((lower[alias] for alias in aliases if alias in lower), None)
            columns[name] = (
                pl.Series([None] * cells.height, dtype=pl.String) if column is None else texts(cells[column])
            )
        table = pl.DataFrame([series.alias(name) for name, series in columns.items()])
        groups = [group for _, group in table.group_by(*GROUPS, maintain_order=True)]
        return tuple(
            _forecast(f"{path.stem}/printed/{i}", path, group, axis, k, options) for i, group in enumerate(groups, 1)
        )
    except (InputError, ValueError) as failure:
        raise InputError(f"{path}: {failure}") from failure


def _forecast(
    name: str, path: Path, group: pl.DataFrame, default: str | None, k: tuple[int, ...], options: ForecastOptions
) -> PrintedForecast:
    task, arm, axis = group.select(*GROUPS).row(0)
    axis = axis or default or Axis.CAPABILITY.value
    if axis not in set(Axis):
        raise ValueError(f"axis {axis!r} is unknown; needed: {' | '.join(Axis)}")
    if group["tries"].is_duplicated().any():
        repeated = group["tries"].filter(group["tries"].is_duplicated())[0]
        raise ValueError(f"k = {repeated} occurs more than once; needed: one share each; columns task and model divide")
    shares = {tries: printed_share(text) for tries, text in group.select("tries", "share").iter_rows()}
    sizes = forecast_sizes(k)
    low, high = printed_band(shares, sizes.tolist())
    blank = Finding(
        id=re.sub(r"[^A-Za-z0-9._/]+", "-", f"{axis}/{name}"),
        kind=Kind.FORECAST,
        axis=axis,
        task=task or path.stem,
        arm=arm or "base",
        estimand=Estimand.NATURAL.value,
        metric=Metric(f"{AT_K[Axis(axis)]}_bound"),
        at=At(selector=Selector.PASS if axis == Axis.CAPABILITY else Selector.WORST),
        label=ForecastLabel.BOUND,
        reason=NO_ESTIMATE,
        limits=(
            INDEPENDENT,
            AS_PRINTED.format(shares=", ".join(f"{share.text} at k = {n:,}" for n, share in shares.items())),
            NO_SAMPLING,
        ),
    )
    findings = [
        replace(blank, id=f"{blank.id}/{blank.metric}/k{tries}", at=replace(blank.at, k=tries), low=a, high=b)
        for tries, a, b in zip(sizes.tolist(), low.tolist(), high.tolist(), strict=True)
    ]
    crossings = [_crossing(blank, shares, threshold) for threshold in options.thresholds]
    labels = tuple(crossing_label(_end(f.low), _end(f.high), _end(f.low)).value for f in crossings)
    return PrintedForecast((*findings, *crossings), shares, labels)


def _crossing(blank: Finding, shares: dict[int, PrintedShare], threshold: float) -> Finding:
    """Return the bound of K*: the first k that the upper end reaches, and the first that the lower end does."""

    def first(end: int) -> float | None:
        k = first_reaching(lambda tries: float(printed_band(shares, [tries])[end][0]), threshold)
        return None if k == NEVER else k

    return replace(
        blank,
        id=f"{blank.id}/at{threshold:g}/{Metric.CROSSING_BOUND}",
        metric=Metric.CROSSING_BOUND,
        low=first(1),
        high=first(0),
        limits=(*blank.limits, f"threshold {threshold:g}; an end that is null is open"),
    )


def _end(value: float | None) -> float:
    return NEVER if value is None else value
