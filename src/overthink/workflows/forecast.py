"""Forecasts for a table of attempts and successes, a study, logs, or a table of single draws."""

import csv
import io
import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from overthink._version import __version__
from overthink.data.finding import At, Finding
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis, Estimand
from overthink.data.results.forecast import ForecastResult, NextBudgetResult, PrintedResult
from overthink.data.results.study import findings_of
from overthink.errors import InputError
from overthink.forecasts import Forecast, forecast
from overthink.forecasts.counts import CurveBank
from overthink.forecasts.findings import ForecastOptions, forecast_result
from overthink.forecasts.layers import FalsePositives
from overthink.forecasts.tail_risk import half_lives
from overthink.paths import name_text, path_kind
from overthink.plan.stated_tasks import AXES
from overthink.reports.forecast_text import next_budget_text, printed_text, tries_text
from overthink.storage.files import storage_errors, write_text
from overthink.storage.findings import findings_json, write_findings
from overthink.storage.pool import is_pool
from overthink.storage.tables.cells import refuse_rows, texts, to_cell, whole_numbers
from overthink.storage.tables.columns import ALIASES
from overthink.storage.tables.table_files import is_table, read_cells
from overthink.workflows.forecast_inputs import is_printed, next_budget_forecasts, printed_forecasts
from overthink.workflows.sources import ReadOptions, read_sources

COUNTS = ("attempts", "successes")
GROUPS = {"task": ("task", "family"), "arm": ALIASES["arm"], "axis": ("axis",), "stopping": ("stopping",)}
DEFAULT_K = (1, 10, 100, 1_000, 10_000)


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """Options of a forecast.

    Attributes:
        k: Tries to forecast.
        level: Confidence level of the bands.
        stopping: "fixed", "first_success", or None to infer it from the table.
        options: Thresholds, band and claim.
        judge: The judge's false positives by human labels; the forecast is then corrected.
        seed: Seed of the draws.
    """

    k: tuple[int, ...] = DEFAULT_K
    level: float = 0.9
    stopping: Literal["fixed", "first_success"] | None = None
    options: ForecastOptions = field(default_factory=ForecastOptions)
    judge: FalsePositives | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Forecasts:
    """All forecasts of one path.

    Attributes:
        options: Thresholds, band and claim of the request.
        banks: One bank per curve and rung.
        forecasts: One forecast per bank.
        results: What is claimed of each.
        next_budgets: Forecasts of ladders an octave further; none for a table of counts.
        printed: Forecasts from printed shares, which have no bank.
        unread: What is wrong with each file that could not be read.
    """

    options: ForecastOptions
    banks: tuple[CurveBank, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    results: tuple[ForecastResult, ...] = ()
    next_budgets: tuple[NextBudgetResult, ...] = ()
    printed: tuple[PrintedResult, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of all forecasts, in the order of the document."""
        return tuple(findings_of((self.results, self.next_budgets, self.printed)))

    def json(self) -> str:
        """Return the findings document."""
        return findings_json(self.findings, overthink=__version__, plan_sha256=None, pool_sha256=None)

    def text(self) -> str:
        """Return one text table per bank, and some lines per ladder."""
        blocks = [tries_text(result) for result in self.results]
        blocks += [printed_text(result) for result in self.printed]
        return "\n\n".join([*blocks, *(next_budget_text(result) for result in self.next_budgets)]) + "\n"

    def write(self, folder: Path) -> None:
        """Write findings.json and questions.csv (tries per question until success is as likely as not).

        Raises:
            StoppedError: The disk is full.
        """
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_findings(
            folder / "findings.json", self.findings, overthink=__version__, plan_sha256=None, pool_sha256=None
        )
        write_text(folder / "questions.csv", _questions(self.banks, self.forecasts))


def forecast_path(path: Path, *, read: ReadOptions, request: ForecastRequest) -> Forecasts:
    """Return the forecasts of a path.

    Args:
        path: A table with attempts and successes per question, a table of printed shares (columns k and share), a
            study's folder, Inspect logs, or a table of draws.
        read: Properties that logs and tables do not state.
        request: Options of the forecast.

    Raises:
        InputError: The path cannot be read, holds no counts, or does not allow the requested forecast.
    """
    cells = _counts_table(path) if read.reader is None else None
    if cells is not None:
        _refuse_reading(path, read)
    if cells is not None and is_printed({name.lower() for name in cells.columns}):
        _refuse_options(path, request)
        printed = printed_forecasts(path, cells, axis=read.axis, k=request.k, options=request.options)
        return Forecasts(request.options, printed=printed)
    source = None if cells is not None else read_sources([path], read)[0]
    tables = [] if source is None else source.tables()
    banks = [bank for table in tables for bank in _rungs(table)] if cells is None else _from_counts(path, cells, read)
    ahead = next_budget_forecasts(tables, level=request.level, stopping=request.stopping, seed=request.seed)
    if not banks and not ahead:
        raise InputError(f"{path} holds no draw that is right or wrong, safe or harmful; graded values have no success")
    forecasts, results = [], []
    for number, (bank, prefix) in enumerate(zip(banks, prefixes(banks), strict=True)):
        try:
            result = _forecast(bank, request, number)
            results.append(forecast_result(bank, result, request.options, prefix=prefix))
        except ValueError as failure:
            raise InputError(f"{path}, {bank.task} {bank.arm}: {failure}") from failure
        forecasts.append(result)
    unread = () if source is None else source.unread
    return Forecasts(request.options, tuple(banks), tuple(forecasts), tuple(results), ahead, unread=unread)


def _forecast(bank: CurveBank, request: ForecastRequest, number: int) -> Forecast:
    # The notes, and so the findings, contain the warnings.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return forecast(
            bank.attempts,
            bank.successes,
            k=request.k,
            level=request.level,
            stopping=request.stopping or bank.stopping,
            judge=request.judge,
            rng=np.random.default_rng([request.seed, number]),
        )


def _refuse_options(path: Path, request: ForecastRequest) -> None:
    """Raise an error for options that mean nothing for printed shares, which have no counts behind them."""
    plain = ForecastRequest()
    stated = {
        "--stopping": request.stopping is not None,
        "--level": request.level != plain.level,
        "--judge-fpr": request.options.judge_rate is not None or request.judge is not None,
    }
    names = [name for name, is_stated in stated.items() if is_stated]
    if names:
        raise InputError(f"{path} has printed shares, without the counts that {', '.join(names)} needs; leave it out")


def _refuse_reading(path: Path, read: ReadOptions) -> None:
    """Raise an error for options on logs and tables of draws, which counts and shares do not need."""
    stated = [f"--{name}" for name in ("high", "scorer", *AXES) if getattr(read, name)]
    if stated:
        raise InputError(
            f"{path} is a table of counts or shares, which has no {stated[0].lstrip('-')}; leave {stated[0]} out"
        )


def _counts_table(path: Path) -> pl.DataFrame | None:
    """Return the cells of a table of counts or of printed shares; None if the path is anything else or missing."""
    if path_kind(path) != "a file" or not is_table(path) or is_pool(path, follow=True):
        return None
    cells = read_cells(path)
    names = {name.lower() for name in cells.columns}
    if len(names & set(COUNTS)) == 1:
        raise InputError(f"{path} has only one of the columns attempts and successes; needed: both, with a question")
    return cells if names >= set(COUNTS) or is_printed(names) else None


def _from_counts(path: Path, cells: pl.DataFrame, read: ReadOptions) -> list[CurveBank]:
    lower = {name.lower(): name for name in reversed(cells.columns)}
    question = next((lower[name] for name in ALIASES["question"] if name in lower), None)
    if question is None:
        raise InputError(f"{path} has no column for the question; needed: {' | '.join(ALIASES['question'])}")
    try:
        table = pl.DataFrame({"question": texts(cells[question])})
        refuse_rows(cells[question], table["question"].is_null(), "needed: a question")
        for name in COUNTS:
            counts = whole_numbers(cells[lower[name]])
            refuse_rows(cells[lower[name]], counts.is_null(), "needed: a whole number, 0 or more")
            table = table.with_columns(counts.alias(name))
        wrong = table["successes"] > table["attempts"]
        refuse_rows(cells[lower["successes"]], wrong, "needed: at most as many successes as attempts")
    except InputError as failure:
        raise InputError(f"{path}: {failure}") from failure
    for name, aliases in GROUPS.items():
        column = next((lower[alias] for alias in aliases if alias in lower), None)
        table = table.with_columns((pl.lit(None, pl.String) if column is None else texts(cells[column])).alias(name))
    return [_bank(path, group, read) for _, group in table.group_by(*GROUPS, maintain_order=True)]


def _bank(path: Path, group: pl.DataFrame, read: ReadOptions) -> CurveBank:
    task, arm, axis, stopping = group.select(*GROUPS).row(0)
    twice = group["question"].is_duplicated()
    if twice.any():
        name = group["question"].filter(twice)[0]
        raise InputError(
            f"{path}: question {name!r} occurs more than once{f' for {arm}' if arm else ''}; needed: one row each; "
            "tell several banks apart by the columns task (or family) and model"
        )
    axis_name = axis or read.axis or Axis.CAPABILITY.value
    if axis_name not in set(Axis):
        raise InputError(f"{path}: axis {axis_name!r} is unknown; needed: {' | '.join(Axis)}")
    rule = next((word for word in ("fixed", "first_success") if (stopping or "").startswith(word)), None)
    return CurveBank(
        axis=Axis(axis_name),
        task=task or name_text(path.stem),
        arm=arm or "base",
        scorer=None,
        estimand=Estimand.NATURAL.value,
        at=At(),
        questions=tuple(group["question"].to_list()),
        attempts=group["attempts"].to_numpy(),
        successes=group["successes"].to_numpy(),
        stopping=rule,
    )


def _rungs(table: Outcomes) -> list[CurveBank]:
    """Return one bank per rung. Success: a correct answer, or an unsafe one on other axes; none for graded values."""
    values = table.values
    has_value = ~np.isnan(values)
    if not has_value.any() or not np.isin(values[has_value], (0.0, 1.0)).all():
        return []
    success = values == (1.0 if table.axis is Axis.CAPABILITY else 0.0)
    return [
        CurveBank(
            axis=table.axis,
            task=table.task,
            arm=table.arm,
            scorer=table.scorer,
            estimand=table.estimand.value,
            at=At(rung=rung.index, requested_tokens=rung.requested_tokens, effort=rung.effort),
            questions=table.questions,
            attempts=has_value[:, :, i].sum(axis=1),
            successes=success[:, :, i].sum(axis=1),
            stopping=None if table.waves is None else "adaptive",
        )
        for i, rung in enumerate(table.rungs)
        if has_value[:, :, i].any()
    ]


def prefixes(banks: Sequence[CurveBank]) -> list[str]:
    """Return one id prefix per bank: axis, task, arm, scorer and estimand, numbered if equal after cleaning."""
    counts: dict[tuple[str, int | None], int] = defaultdict(int)
    result = []
    for bank in banks:
        parts = (bank.axis.value, bank.task, bank.arm, bank.scorer or "", bank.estimand)
        plain = "/".join(re.sub(r"[^A-Za-z0-9._]+", "-", part[:96]).strip("-")[:48] for part in parts if part)
        counts[plain, bank.at.rung] += 1
        number = counts[plain, bank.at.rung]
        result.append(plain if number == 1 else f"{plain}~{number}")
    return result


def _questions(banks: Sequence[CurveBank], forecasts: Sequence[Forecast]) -> str:
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["axis", "task", "arm", "rung", "question", "attempts", "successes", "k50", "k50_low", "k50_high"])
    for bank, result in zip(banks, forecasts, strict=True):
        has_attempts = bank.attempts > 0
        lives = half_lives(result)
        for row, i in enumerate(np.flatnonzero(has_attempts)):
            ends = [lives.estimate[row], lives.low[row], lives.high[row]]
            cells = ["" if not np.isfinite(end) else int(end) for end in ends]
            curve = (bank.axis.value, to_cell(bank.task), to_cell(bank.arm), bank.at.rung)
            rows.writerow([*curve, to_cell(str(bank.questions[i])), bank.attempts[i], bank.successes[i], *cells])
    return file.getvalue()
