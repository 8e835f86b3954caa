"""The command `forecast` as a function: its words, the request that they make, and the files of `--out`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Unpack

from overthink._version import __version__
from overthink.data.ids import CurveKey
from overthink.errors import InputError
from overthink.forecasts.findings import ForecastOptions, fan_points
from overthink.forecasts.layers import FalsePositives
from overthink.paths import is_there, name_text
from overthink.reports import About, ForecastPanel, figure_formats, forecast_figures, forecast_html
from overthink.storage.json_documents import shipped_backtest
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import arguments as arg
from overthink.workflows.forecast import DEFAULT_K, ForecastRequest, Forecasts, forecast_path, prefixes
from overthink.workflows.option_words import OneOrMore
from overthink.workflows.words import TaskWords, reading, report_formats


def write_forecasts(
    forecasts: Forecasts, folder: Path, *, source: str, formats: Sequence[str] = ("html",), command: str | None = None
) -> Path:
    """Write findings.json, questions.csv, report.html and optional figures.

    Args:
        forecasts: The forecasts.
        folder: Output folder; created if missing.
        source: Name of the input, for the heading.
        formats: "svg" and "png" draw the charts into the folder `figures`; the page itself is always made.
        command: The command line, for the page.

    Returns:
        Path of the page.

    Raises:
        InputError: A format is unknown, nothing was forecast over tries, or the folder holds a study, whose findings
            would be lost.
        StoppedError: The disk is full.
    """
    figures, study_folder = figure_formats(formats), StudyFolder(folder)
    if forecasts.printed:
        raise InputError("printed shares have no counts for a page; leave --out away, and use --json for the findings")
    if not forecasts.banks:
        raise InputError(
            "graded values have no success to count over tries, so there is no page to write; leave --out away, and "
            "use --json for the findings"
        )
    if is_there(study_folder.plan) or is_there(study_folder.pool):
        raise InputError(f"{folder} holds a study, whose findings would be overwritten; choose another folder")
    forecasts.write(folder)
    panels = forecast_panels(forecasts)
    about = About(
        title=f"Beyond what was tried: {source}",
        source=source,
        made_with=__version__,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
    )
    study_folder.write_report(forecast_html(panels, about, shipped_backtest(), next_budgets=forecasts.next_budgets))
    if figures:
        study_folder.write_figures(forecast_figures(panels, figures))
    return study_folder.report


def forecast_panels(forecasts: Forecasts) -> list[ForecastPanel]:
    """Return one panel per bank. Of a curve with several rungs only the highest has a chart."""
    judges: dict[CurveKey, set[str]] = defaultdict(set)
    top: dict[CurveKey, int] = {}
    for result in forecasts.results:
        top[result.key] = max(top.get(result.key, 0), result.at.rung or 0)
        judges[_of_any_judge(result.key)].add(result.key.scorer)
    panels = []
    for bank, forecast, result, prefix in zip(
        forecasts.banks, forecasts.forecasts, forecasts.results, prefixes(forecasts.banks), strict=True
    ):
        has_fan = (result.at.rung or 0) == top[result.key]
        fan = fan_points(bank, forecast, forecasts.options, prefix=prefix) if has_fan else ()
        has_several = len(judges[_of_any_judge(result.key)]) > 1
        panels.append(ForecastPanel(result, fan, result.key.scorer if has_several else ""))
    return sorted(panels, key=lambda panel: not panel.fan)


def _of_any_judge(key: CurveKey) -> CurveKey:
    return key._replace(scorer="")


_SHARES, _CLAIM, _LEVEL = "0.5", "1,100", 0.9


class ForecastWords(TaskWords, total=False):
    """Words of `overthink forecast`."""

    reader: str | None
    k: str | int | Sequence[int] | None
    threshold: str | float | Sequence[float] | None
    claim: str | Sequence[int] | None
    level: float | None
    stopping: Literal["fixed", "first_success"] | None
    judge_fpr: str | float | None
    band: Literal["assumption-free", "model"] | None
    seed: int | None
    format: OneOrMore


@arg.checked(path=arg.a_path, out=arg.a_path_or_none, command=arg.a(str | None))
def forecast_table(
    path: str | Path, *, out: str | Path | None = None, command: str | None = None, **words: Unpack[ForecastWords]
) -> Forecasts:
    """Forecast many tries from few, for a table of counts or printed shares, a study, logs, or a table of draws.

    The estimator on arrays is :func:`forecast`.

    Args:
        path: A table with question, attempts and successes, or with k and the share as printed; a study; logs; or a
            table of draws.
        out: Folder for report.html, findings.json and questions.csv; None writes nothing.
        command: The command line, for the report.
        **words: Options of `overthink forecast`, with underscores for hyphens and spelled as there, such as
            ``k="1000,10k"`` or ``k=[1000, 10_000]``, ``threshold=0.5``, ``judge_fpr="3/1000"``.

    Returns:
        The forecasts, one per curve and rung; `text()` and `json()` are what the command prints.

    Raises:
        InputError: The path or a word cannot be read, the path holds no counts, or does not allow the forecast.
    """
    formats = report_formats(words.get("format"), None)
    if out is None and formats != ["html"]:
        raise InputError(f"--format {','.join(formats)} is of the files that --out writes; add --out, or leave it out")
    request = forecast_request(words)
    forecasts = forecast_path(Path(path), read=reading(words), request=request)
    if out is not None:
        source = name_text(Path(path).name)
        write_forecasts(forecasts, Path(out), source=source, formats=formats, command=command)
    return forecasts


def forecast_request(words: Mapping[str, Any]) -> ForecastRequest:
    """Return the request that the words make.

    Raises:
        TypeError: A word has a value of another type.
        InputError: A word cannot be read.
    """
    present = {name: value for name, value in words.items() if value is not None}
    for name, check in _CHECKS.items():
        if name in present:
            check(present[name], name)
    few, many = _claim_range(_text(present.get("claim", _CLAIM), "claim"))
    judge, rate = _judge(_text(present["judge_fpr"], "judge_fpr") if "judge_fpr" in present else None)
    shares = _shares(_text(present.get("threshold", _SHARES), "threshold"))
    band = present.get("band", "assumption-free")
    return ForecastRequest(
        k=_tries(_text(present.get("k", DEFAULT_K), "k"), "--k"),
        level=present.get("level", _LEVEL),
        stopping=present.get("stopping"),
        options=ForecastOptions(thresholds=shares, band=band, few=few, many=many, judge_rate=rate),
        judge=judge,
        seed=present.get("seed", 0),
    )


_CHECKS: Mapping[str, arg.Check] = {
    "level": arg.number_or_none,
    "seed": arg.seed_or_none,
    "stopping": arg.word_of("fixed", "first_success"),
    "band": arg.word_of("assumption-free", "model"),
}


def _text(value: object, name: str) -> str:
    """Return a word as a text: numbers with commas between them.

    Raises:
        TypeError: It is neither a text nor numbers.
    """
    parts = value if isinstance(value, list | tuple) else (value,)
    if not all(isinstance(part, str | int | float) and not isinstance(part, bool) for part in parts):
        raise TypeError(f"{name} is {str(value)[:40]!r}, a {type(value).__name__}; needed: a text, or numbers")
    return ",".join(map(str, parts))


def _tries(text: str, option: str) -> tuple[int, ...]:
    """Return numbers of tries, ascending; 10k is 10,000 and 1M is 1,000,000."""
    sizes = []
    for word in text.replace("_", "").split(","):
        unit = {"k": 1_000, "K": 1_000, "M": 1_000_000}.get(word.strip()[-1:], 1)
        number = word.strip()[:-1] if unit > 1 else word.strip()
        try:
            size = float(number) * unit
        except ValueError:
            size = float("nan")
        if not 1 <= size <= 1e9 or size != int(size):
            raise InputError(
                f"{option} {text}: {word.strip()!r} is no number of tries; needed: from 1 to 1,000,000,000"
            )
        sizes.append(int(size))
    return tuple(sorted(set(sizes)))


def _claim_range(text: str) -> tuple[int, int]:
    sizes = _tries(text, "--claim")
    if len(sizes) != 2:
        raise InputError(f"--claim {text} cannot be read; needed: few and many tries, as 1,100")
    return sizes[0], sizes[1]


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(word) for word in text.split(","))
    except ValueError:
        shares = (float("nan"),)
    if not all(0 < share < 1 for share in shares):
        raise InputError(f"--threshold {text} cannot be used; needed: shares between 0 and 1, as 0.5")
    return tuple(dict.fromkeys(shares))


def _judge(text: str | None) -> tuple[FalsePositives | None, float | None]:
    """Return the false positives found by human labels, and the rate to warn of; None where unknown."""
    if text is None:
        return None, None
    count, slash, failures = text.partition("/")
    try:
        if not slash:
            rate = float(text)
            if not 0 <= rate < 1:
                raise ValueError(text)
            return None, rate
        judge = FalsePositives(int(count), int(failures))
    except ValueError as failure:
        raise InputError(
            f"--judge-fpr {text} cannot be used; needed: a rate from 0 to below 1, or FLAGGED/FAILURES such as 3/1000"
        ) from failure
    return judge, judge.flagged / judge.failures
