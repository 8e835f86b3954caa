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
from overthink.data.kinds import Metric
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis, Estimand
from overthink.errors import InputError
from overthink.forecasts import Forecast, forecast
from overthink.forecasts.counts import CurveBank
from overthink.forecasts.false_positives import FalsePositives
from overthink.forecasts.findings import ForecastCurve, ForecastOptions, forecast_findings
from overthink.forecasts.result import NEVER
from overthink.forecasts.safety import Band, safety_at
from overthink.forecasts.tail_risk import half_lives
from overthink.storage.files import write_text
from overthink.storage.findings import findings_json, write_findings
from overthink.storage.pool import is_pool
from overthink.storage.tables.columns import ALIASES, refuse_rows, texts, whole_numbers
from overthink.storage.tables.table_files import is_table, read_cells
from overthink.workflows.forecast_next_budget import curve_block, forecast_curves, visible
from overthink.workflows.forecast_printed import PrintedForecast, is_printed, printed_forecasts
from overthink.workflows.sources import ReadOptions, read_source

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
        banks: One bank per curve and rung.
        forecasts: One forecast per bank.
        curves: Forecasts of ladders an octave further; none for a table of counts.
        findings: Findings of all forecasts.
        options: Thresholds, band and claim of the request.
        printed: Forecasts from printed shares, which have no bank.
    """

    banks: tuple[CurveBank, ...]
    forecasts: tuple[Forecast, ...]
    curves: tuple[ForecastCurve, ...]
    findings: tuple[Finding, ...]
    options: ForecastOptions
    printed: tuple[PrintedForecast, ...] = ()

    def json(self) -> str:
        """Return the findings document."""
        return findings_json(self.findings, overthink=__version__, plan_sha256=None, pool_sha256=None)

    def text(self) -> str:
        """Return one text table per bank, and some lines per ladder."""
        parts = zip(self.banks, self.forecasts, prefixes(self.banks), strict=True)
        blocks = [
            _block(bank, forecast, bank_findings(self.findings, bank, prefix), self.options)
            for bank, forecast, prefix in parts
        ]
        blocks += [part.text() for part in self.printed]
        return "\n\n".join([*blocks, *(curve_block(curve) for curve in self.curves)]) + "\n"

    def write(self, folder: Path) -> None:
        """Write findings.json and questions.csv (tries per question until success is as likely as not).

        Raises:
            StoppedError: The disk is full.
        """
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
    cells = _counts_table(path)
    if cells is not None and is_printed({name.lower() for name in cells.columns}):
        _refuse_options(path, request)
        printed = printed_forecasts(path, cells, axis=read.axis, k=request.k, options=request.options)
        findings = tuple(finding for part in printed for finding in part.findings)
        return Forecasts((), (), (), findings, request.options, printed)
    tables = [] if cells is not None else read_source(path, read).tables()
    banks = [bank for table in tables for bank in _rungs(table)] if cells is None else _from_counts(path, cells, read)
    curves = forecast_curves(tables, level=request.level, stopping=request.stopping, seed=request.seed)
    if not banks and not curves:
        raise InputError(f"{path} holds no draw that is right or wrong, safe or harmful; graded values have no success")
    forecasts, findings_of_banks = [], []
    for number, (bank, prefix) in enumerate(zip(banks, prefixes(banks), strict=True)):
        try:
            # The notes, and so the findings, contain the warnings.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                result = forecast(
                    bank.attempts,
                    bank.successes,
                    k=request.k,
                    level=request.level,
                    stopping=request.stopping or bank.stopping,
                    judge=request.judge,
                    rng=np.random.default_rng([request.seed, number]),
                )
            options = request.options.for_forecast(result)
            findings_of_banks += list(forecast_findings(bank, result, options, prefix=prefix))
        except ValueError as failure:
            raise InputError(f"{path}, {bank.task} {bank.arm}: {failure}") from failure
        forecasts.append(result)
    findings_of_curves = [result for curve in curves for result in curve.findings]
    every = (*findings_of_banks, *findings_of_curves)
    return Forecasts(tuple(banks), tuple(forecasts), curves, every, request.options)


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


def _counts_table(path: Path) -> pl.DataFrame | None:
    """Return the cells of a table of counts or of printed shares; None if the path is anything else or missing."""
    if not path.is_file() or not is_table(path) or is_pool(path):
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
        task=task or path.stem,
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
            key = (bank.axis.value, bank.task, bank.arm, bank.at.rung, bank.questions[i])
            rows.writerow([*key, bank.attempts[i], bank.successes[i], *cells])
    return file.getvalue()


def bank_findings(findings: Sequence[Finding], bank: CurveBank, prefix: str) -> list[Finding]:
    """Return the findings of one bank alone: of its own arm, scorer, estimand and rung.

    Args:
        findings: Findings of all forecasts.
        bank: The bank.
        prefix: The prefix of its ids.
    """
    return [f for f in findings if f.id.startswith(f"{prefix}/forecast/") and f.at.rung == bank.at.rung]


def _block(bank: CurveBank, result: Forecast, own: Sequence[Finding], options: ForecastOptions) -> str:
    options = options.for_forecast(result)
    threshold = options.thresholds[0]
    where = "" if bank.at.rung is None else f", rung {bank.at.rung}"
    verdicts = safety_at(result, threshold, band=options.band)
    fewest, most = bank.attempts.min(), bank.attempts.max()
    tries = f"{most:,} attempts each" if fewest == most else f"{fewest:,} to {most:,} attempts"
    parts = [bank.task, bank.arm, *([bank.scorer] if bank.scorer else [])]
    name = " · ".join(visible(part) for part in parts) + where
    questions = "1 question" if result.n_questions == 1 else f"{result.n_questions} questions"
    lines = [f"{name} ({bank.axis.value}, {bank.estimand}, {questions}, {tries})"]
    lines += [f"  {'k':>13}  {'estimate':>9}  {'model band':>17}  {'assumption-free':>17}  at {threshold:g}"]
    for i, k in enumerate(result.k.tolist()):
        estimate = "–" if np.isnan(result.estimate[i]) else f"{result.estimate[i]:.1%}"
        model = "–" if result.layers.model is None else f"{result.low[i]:.1%} – {result.high[i]:.1%}"
        free = f"{result.bound_low[i]:.1%} – {result.bound_high[i]:.1%}"
        verdict = (
            verdicts[i]
            if bank.axis is Axis.SAFETY
            else {"safe": "below", "dangerous": "above"}.get(verdicts[i], verdicts[i])
        )
        lines.append(f"  {k:>13,}  {estimate:>9}  {model:>17}  {free:>17}  {verdict}")
    crossings = Metric.CROSSING if options.band == "model" else Metric.CROSSING_BOUND
    labels = [f.label for f in own if f.metric == Metric.CROSSING]
    stars = [f for f in own if f.metric == crossings]
    lines += [f"  {_crossing_line(f, label, options.band)}" for f, label in zip(stars, labels, strict=True)]
    lines += [
        f"  {f.label} ({f.reason})" for f in own if f.metric in (Metric.SAFE_THEN_DANGEROUS, Metric.BELOW_THEN_ABOVE)
    ]
    lines += [f"  warning: {limit}" for limit in _judge_limits(own)]
    return "\n".join([*lines, *(f"  note: {note}" for note in result.notes)])


def _crossing_line(finding: Finding, label: str | None, band: Band) -> str:
    """Return K* by the band that decides; the assumption-free band has an interval and no estimate."""
    high = NEVER if finding.high is None else finding.high
    low = NEVER if finding.low is None else finding.low
    star = "" if finding.estimate is None else f"{finding.estimate:,.0f}, "
    ends = "no k up to a billion" if low == NEVER else f"{low:,.0f} to {'open' if high == NEVER else f'{high:,.0f}'}"
    threshold = next(limit for limit in finding.limits if limit.startswith("threshold")).split(";")[0]
    return f"K* (tries) at {threshold}: {star}{ends} by the {band} band ({label})"


def _judge_limits(findings: Sequence[Finding]) -> list[str]:
    limits = [limit for f in findings for limit in f.limits if limit.startswith("a judge with")]
    return limits[-1:]
