"""A study in fewer than 2,000 bytes, as text and as HTML: title, sizes, and of each curve a small line and the verdict.

What does not fit is counted. Nothing is read but results, so that a study of a million rows shows itself at once.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from overthink.data.results.study import Results
from overthink.data.visible import visible
from overthink.reports import summary, verdicts, wording
from overthink.reports.about import About
from overthink.reports.report_curves import ReportCurve, default_arms, level, level_unit, planted_summary, report_curves
from overthink.reports.verdicts import selected_curves

MOST_BYTES = 2000
"""Bytes of a card in UTF-8, which it stays below."""

_TITLE_BYTES, _NAME_BYTES, _VERDICT_BYTES, _REST_BYTES = 200, 90, 220, 40
_MOST_CURVES = 12
_MOST_VALUES = 16
_BARS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"
_WIDTH, _HEIGHT, _EDGE = 80, 20, 2
_NEXT = "study.curves, study.verdicts, study.frame(), study.chart()"
_ARMS = "study.find(kind='arm_difference')"
_STYLE = (
    "display:grid;grid-template-columns:repeat(5,auto);justify-content:start;align-items:center;gap:2px 14px;"
    "fill:none;stroke:currentColor;stroke-width:1.5;stroke-linecap:round"
)
"""Style of the curves. They are no table, for notebooks align and stripe those as numbers."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One curve of a card.

    Attributes:
        axis: Printed name of its axis.
        name: Task and arm.
        values: Values by rung, lowest first; None for unknown ones.
        ends: Lowest and highest value, with their levels.
        verdict: Verdict in a word; empty where there can be none.
        why: The change with its interval, and what qualifies it.
    """

    axis: str
    name: str
    values: tuple[float | None, ...]
    ends: str
    verdict: str
    why: str


@dataclass(frozen=True, slots=True)
class _Content:
    """Content of a card.

    Attributes:
        title: Its title.
        sizes: Numbers of tasks, questions, draws and rungs.
        rows: The curves that matter most, in turn from each axis.
        curves: Number of curves with a value that are no controls.
        planted: In how many curves the band holds the planted truth; empty for a real model.
        calls: What shows more of the study.
    """

    title: str
    sizes: str
    rows: tuple[_Row, ...]
    curves: int
    planted: str
    calls: str


def card_text(results: Results, about: About) -> str:
    """Return a study as a few lines of text, of fewer than :data:`MOST_BYTES` bytes.

    Args:
        results: Results of the analysis; names may be hostile.
        about: Metadata of the report.
    """
    content = _content(results, about, is_html=False)
    head, after = (
        [f"{content.title}: {content.sizes}"],
        [*([content.planted] if content.planted else []), f"({content.calls})"],
    )
    rows = [
        f"  {_bars(row.values)} {row.axis}, {row.name}: {row.ends}; {f'{row.verdict} {row.why}'.strip()}"
        for row in content.rows
    ]
    fitting = _fitting(rows, MOST_BYTES - _size(*head, *after) - _REST_BYTES)
    rest = _rest(content, len(fitting))
    return "\n".join([*head, *fitting, *([f"  {rest}"] if rest else []), *after])


def card_html(results: Results, about: About) -> str:
    """Return a study as a piece of HTML, of fewer than :data:`MOST_BYTES` bytes, in the colours of what is around it.

    Args:
        results: Results of the analysis; names may be hostile.
        about: Metadata of the report.
    """
    content = _content(results, about, is_html=True)
    head = f'<b>{content.title}</b><br>{content.sizes}<div style="{_STYLE}">'
    after = [content.planted] if content.planted else []
    end = "</div>" + "".join(f"{line}<br>" for line in after) + f"<small>{content.calls}</small>"
    rows = [
        f"<div>{row.axis}</div><div>{row.name}</div>{_line(row.values)}<div>{row.ends}</div>"
        f"<div>{f'<b>{row.verdict}</b>' if row.verdict else ''} {row.why}</div>"
        for row in content.rows
    ]
    fitting = _fitting(rows, MOST_BYTES - _size(head, end) - _REST_BYTES)
    rest = _rest(content, len(fitting))
    return "".join([head, *fitting, f"<div>{rest}</div>" if rest else "", end])


def _content(results: Results, about: About, *, is_html: bool) -> _Content:
    curves = report_curves(results, about.k_scale.reference)
    own = [curve for curve in curves if not curve.is_control and any(rung.mean for rung in curve.rungs)]
    chosen = _in_turn(own, default_arms(curves))
    cut: Callable[[str, int], str] = _cut_html if is_html else _cut
    return _Content(
        title=cut(about.title, _TITLE_BYTES),
        sizes=summary.sizes(own) or "no finding carries a value",
        rows=tuple(_row(curve, cut) for curve in chosen),
        curves=len(own),
        planted=planted_summary(about.planted),
        calls=f"{_NEXT}, {_ARMS}" if results.arms.paired or results.arms.differences else _NEXT,
    )


def _in_turn(own: Sequence[ReportCurve], arms: Sequence[str]) -> list[ReportCurve]:
    """Return the curves that matter most, in turn from each axis, so that no axis fills the card."""
    axes = (
        selected_curves([curve for curve in own if curve.axis == axis], _MOST_CURVES, arms_first=arms)
        for axis in dict.fromkeys(curve.axis for curve in own)
    )
    turns = itertools.zip_longest(*axes)
    return [curve for turn in turns for curve in turn if curve is not None][:_MOST_CURVES]


def _row(curve: ReportCurve, cut: Callable[[str, int], str]) -> _Row:
    means = [rung.mean for rung in curve.rungs if rung.mean is not None]
    first, last = means[0], means[-1]
    ends = [_value(mean.estimate) + f" at {level(mean.at)}" for mean in dict.fromkeys((first, last))]
    verdict, why = _verdict(curve, len(means))
    return _Row(
        axis=cut(wording.axis_name(curve.axis), _NAME_BYTES),
        name=f"{cut(curve.name, _NAME_BYTES)} · {cut(curve.arm, _NAME_BYTES)}",
        values=tuple(_spread([None if rung.mean is None else rung.mean.estimate for rung in curve.rungs])),
        ends=cut(f"{' → '.join(ends)}{level_unit(last.at)}", 2 * _NAME_BYTES),
        verdict=cut(verdict, _NAME_BYTES),
        why=cut(why, _VERDICT_BYTES),
    )


def _verdict(curve: ReportCurve, rungs: int) -> tuple[str, str]:
    """Return the verdict on a curve, and its change with what qualifies it."""
    if rungs < 2:
        return "", "one rung only, so no change can be shown"
    change, hypothesis = verdicts.qualified_change(curve), curve.result.hypothesis
    claim = "" if hypothesis is None else f"hypothesis {hypothesis.whole.label or 'not tested'}".replace("_", " ")
    return verdicts.verdict_word(curve), "; ".join(filter(None, (change.number, claim, change.but)))


def _value(value: float | None) -> str:
    return "unknown" if value is None else wording.percent(value)


def _spread(values: Sequence[float | None]) -> list[float | None]:
    """Return at most :data:`_MOST_VALUES` values, evenly spread, with both ends."""
    if len(values) <= _MOST_VALUES:
        return list(values)
    return [values[round(n * (len(values) - 1) / (_MOST_VALUES - 1))] for n in range(_MOST_VALUES)]


def _bars(values: Sequence[float | None]) -> str:
    top = len(_BARS) - 1
    return "".join(_UNKNOWN if value is None else _BARS[round(min(max(value, 0), 1) * top)] for value in values)


def _line(values: Sequence[float | None]) -> str:
    """Return values as a small line between 0 and 1: rungs at even distances, a gap where one is unknown."""
    step, height = (_WIDTH - 2 * _EDGE) / max(len(values) - 1, 1), _HEIGHT - 2 * _EDGE
    path, pen = "", "M"
    for number, value in enumerate(values):
        if value is not None:
            path += f"{pen}{_EDGE + number * step:.0f} {_EDGE + (1 - min(max(value, 0), 1)) * height:.0f}"
            path += "h0" if pen == "M" else ""  # a value by itself is a dot
        pen = "M" if value is None else "L"
    return (
        f"<svg width={_WIDTH} height={_HEIGHT}><path d='M0 1H{_WIDTH}M0 {_HEIGHT - 1}H{_WIDTH}' opacity=.2 />"
        f"<path d='{path}'/></svg>"
    )


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    """Return the rows that fit, in order; a long one is left out for those behind it."""
    fitting = []
    for row in rows:
        if _size(row) <= room:
            fitting.append(row)
            room -= _size(row)
    return fitting


def _size(*lines: str) -> int:
    return sum(len(line.encode()) + 1 for line in lines)


def _rest(content: _Content, shown: int) -> str:
    return f"… and {content.curves - shown:,} more" if content.curves > shown else ""


def _cut(text: str, most: int) -> str:
    """Return a text of others made visible, in at most so many bytes."""
    return _short(text, most, lambda shown: shown)


def _cut_html(text: str, most: int) -> str:
    """Return the same for HTML."""
    return _short(text, most, escape)


def _short(text: str, most: int, markup: Callable[[str], str]) -> str:
    for limit in (most, most // 2, most // 4, most // 8, most // 16):
        shown = markup(visible(text[:limit], None) + ("…" if len(text) > limit else ""))
        if len(shown.encode()) <= most:
            return shown
    return "…"
