"""Text table with links to findings, for the page and the terminal.

Budget control of curves (control, scaling, performance) as a text table.

Process against outcome supervision as a text table.

FLOP-matched comparison of a smaller model with a larger one, as a text table.

Ledger as tables: tokens, compute, money and time of the pool and of one attempt.

Estimated and actual cost of a study, as a text table.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from overthink.cost.estimate import AmountRange
from overthink.cost.units import UNIT_NAMES, Unit, amount, figure
from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Category
from overthink.data.tokens import TokenUsage
from overthink.reports import wording
from overthink.reports.about import About
from overthink.reports.report_curves import level
from overthink.reports.summary import TextPiece
from overthink.reports.wording import ID_LIMIT, PROSE_LIMIT, visible

TextCell = tuple[TextPiece, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Caption, head, rows (first cell: row heading) and notes below the rows."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[TextCell, ...], ...]
    notes: tuple[str, ...] = ()

    def first(self, rows: int) -> "Table":
        """Return the table cut to a number of rows."""
        return Table(self.caption, self.head, self.rows[:rows], self.notes)


def plain(text: str) -> TextCell:
    """Return a cell without a link."""
    return (TextPiece(text),)


def finding_link(finding: Finding, text: str) -> TextPiece:
    """Return text that links to its finding."""
    return TextPiece(text, visible(finding.id, ID_LIMIT))


BUDGET_CONTROL_CAPTION = "Budget control: s1's three metrics, one row per curve"
BUDGET_CONTROL_HEAD = ("Curve", "Control", "Scaling, points per 1,000 tokens", "Performance")
BUDGET_CONTROL_NOTES = (
    "Control: the share of traces, over all rungs, whose thinking kept to its budget; one that ended early has.",
    (
        "Scaling: how much the value changes per 1,000 tokens more that thinking was allowed, the mean over every two "
        "budgets. Below 0, more thinking made it worse."
    ),
    (
        "Performance: the highest value of the curve. The highest of several is higher than the truly highest, on "
        "average; its interval holds for the whole curve."
    ),
)

_FORMATS: dict[str, Callable[[float], str]] = {
    "control": wording.percent,
    "scaling": wording.points,
    "performance": wording.percent,
}


def budget_control_table(findings: Sequence[Finding]) -> Table:
    """Return a table with a row per curve with token budgets, ordered by axis."""
    rows: dict[tuple[str, ...], dict[str, Finding]] = {}
    for finding in findings:
        if finding.kind == Kind.BUDGET_CONTROL:
            curve = (finding.axis, finding.task, finding.arm, finding.estimand, finding.scorer or "")
            rows.setdefault(curve, {})[finding.metric] = finding
    judges = Counter(curve[:4] for curve in rows)
    keys = sorted(rows, key=lambda curve: wording.axis_position(curve[0]))
    cells = (_budget_control_row(rows[curve], judge=curve[4] if judges[curve[:4]] > 1 else "") for curve in keys)
    return Table(BUDGET_CONTROL_CAPTION, BUDGET_CONTROL_HEAD, tuple(cells), BUDGET_CONTROL_NOTES)


def _budget_control_row(row: dict[str, Finding], *, judge: str) -> tuple[TextCell, ...]:
    first = next(iter(row.values()))
    name = f"{wording.axis_name(first.axis)} · {visible(first.task)} · {visible(first.arm)}"
    name += "" if first.estimand == "forced" else f" · {visible(first.estimand)}"
    name += f", judged by {visible(judge)}" if judge else ""
    return (plain(name), *(_cell(row.get(metric), show) for metric, show in _FORMATS.items()))


def _cell(finding: Finding | None, show: Callable[[float], str]) -> TextCell:
    """Return the number with interval and failed gates, or the reason for no number."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, "unknown"), *plain(f": {visible(finding.reason or 'no reason', PROSE_LIMIT)}"))
    ends = "" if finding.low is None or finding.high is None else f" ({show(finding.low)} to {show(finding.high)})"
    gates = ", ".join(visible(gate) for gate in finding.gates_failed)
    return (
        finding_link(finding, show(finding.estimate)),
        *plain(ends + (f"; a gate failed ({gates})" if gates else "")),
    )


SUPERVISION_CAPTION = (
    "Steps against answers, at equal verifier tokens: what best-of-k by each selects, steps minus answers"
)
SUPERVISION_HEAD = ("task", "rung", "budget and tries", "difference", "interval")


def supervision_table(findings: Sequence[Finding]) -> Table:
    """Return a table with a row per task, rung and budget, for the selected values."""
    differences = [
        f for f in findings if f.kind == Kind.SUPERVISION and f.metric == Metric.VALUE and f.estimate is not None
    ]
    return Table(SUPERVISION_CAPTION, SUPERVISION_HEAD, tuple(_supervision_row(finding) for finding in differences))


def _supervision_row(finding: Finding) -> tuple[TextCell, ...]:
    assert finding.estimate is not None
    ends = (
        ""
        if finding.low is None or finding.high is None
        else " to ".join(map(wording.points, (finding.low, finding.high)))
    )
    budget = finding.at.effort if finding.at.requested_tokens is None else f"{finding.at.requested_tokens:,} tokens"
    return (
        plain(visible(f"{finding.axis}: {finding.task}", PROSE_LIMIT)),
        plain(visible(budget or "", PROSE_LIMIT)),
        plain(visible(finding.label or "", PROSE_LIMIT)),
        (finding_link(finding, wording.points(finding.estimate)),),
        plain(ends),
    )


FLOP_MATCHED_CAPTION = "A smaller model with more inference, against a larger one: times the FLOP of the larger one"
FLOP_MATCHED_HEAD = (
    "Task · arm",
    "Larger model, within",
    "What it does",
    "What the smaller one does",
    "As good at",
    "No worse than δ at",
    "Less in all, with training, below",
)

FlopMatchedRow = dict[str, Finding]
"""Findings by metric."""


def flop_matched_table(findings: Sequence[Finding]) -> Table:
    """Return a table with a row per budget of a larger model at which an entry changes."""
    rows: dict[tuple[str, ...], FlopMatchedRow] = {}
    for finding in findings:
        if finding.kind == Kind.FLOP_MATCHED:
            key = (finding.axis, finding.task, finding.scorer or "", finding.estimand, finding.arm)
            against = (finding.label or "").partition(", within ")[0]
            rows.setdefault((*key, against, str(finding.at.total)), {})[finding.metric] = finding
    sorted_rows = sorted(rows.values(), key=lambda row: wording.axis_position(row["multiple"].axis))
    return Table(FLOP_MATCHED_CAPTION, FLOP_MATCHED_HEAD, tuple(_distinct_rows(map(_flop_matched_row, sorted_rows))))


def _distinct_rows(rows: Iterable[tuple[TextCell, ...]]) -> Iterable[tuple[TextCell, ...]]:
    """Yield rows that differ from the preceding row in more than the budget."""
    before: list[str] = []
    for row in rows:
        texts = ["".join(piece.text for piece in cell) for cell in row]
        signature = [texts[0], texts[1].rpartition(", ")[0], *texts[2:]]
        if signature != before:
            yield row
        before = signature


def _flop_matched_row(row: FlopMatchedRow) -> tuple[TextCell, ...]:
    multiple = row["multiple"]
    against, _, words = (multiple.label or "").partition(", within ")
    large, name = visible(against.removeprefix("against ")), f"{visible(multiple.task)} · {visible(multiple.arm)}"
    if multiple.at.total is None:
        reason = (finding_link(multiple, visible(multiple.reason or "unknown", PROSE_LIMIT)),)
        return (plain(name), plain(large or "–"), plain("–"), plain("–"), reason, plain("–"), plain("–"))
    within = visible(amount(multiple.at.total, multiple.at.unit))
    does, _, small = words.partition(": ")[2].partition("; as good by ")
    any_served = "any R" if multiple.estimate is not None and multiple.estimate <= 1 else "–"
    return (
        plain(name),
        plain(f"{large}, {within}"),
        plain(visible(does, PROSE_LIMIT)),
        plain(visible(small, PROSE_LIMIT) or "–"),
        _flop_matched_cell(multiple, "×", unknown="not reached"),
        _flop_matched_cell(row.get("multiple_shown"), "×", unknown="not shown"),
        _flop_matched_cell(row.get("tokens_served"), "R =", unknown=any_served),
    )


def _flop_matched_cell(finding: Finding | None, sign: str, *, unknown: str) -> TextCell:
    if finding is None:
        return plain("–")
    low, high = (None if end is None else _number(end) for end in (finding.low, finding.high))
    if low is not None and high is not None:
        ends = f" ({low} to {high})"
    else:
        ends = f" ({low} or more)" if low is not None else f" ({high} or less)" if high is not None else ""
    number = unknown if finding.estimate is None else f"{sign} {_number(finding.estimate)}"
    return (finding_link(finding, f"{number}{ends}"),)


def _number(value: float) -> str:
    """Return a number with two significant digits, or all integer digits."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


_IN_ALL, _DISTINCT, _UNSHARED = "in_all", "unique", "apart"
_NAMES = {_IN_ALL: "tokens in all", _DISTINCT: "decoded, each prefix once", _UNSHARED: "decoded, without sharing"}
_BEYOND = {str(unit): name for unit, name in UNIT_NAMES.items() if unit is not Unit.TOKENS} | {
    str(Unit.SECONDS): "seconds"
}
"""Column head by unit other than tokens."""

_COLUMNS = (*(str(category) for category in Category), _IN_ALL, _DISTINCT, _UNSHARED, *_BEYOND)
_CAPTIONS = {
    "paid": "What was paid, tokens and compute of all traces at the rung",
    "attempt": "What one attempt takes, tokens and compute of an attempt made by itself",
}
_MAX_REASONS = 5
"""Maximum number of reasons for an unknown column below the table; findings contain all."""

NO_BREAK_SPACE = "\u00a0"
"""No-break space inside numbers."""

LedgerRow = dict[str, Finding]


def ledger_tables(findings: Sequence[Finding]) -> tuple[Table, ...]:
    """Return one table of the pool's totals and one of a single attempt; empty without counts."""
    rows: dict[tuple[str, ...], LedgerRow] = {}
    for finding in findings:
        if finding.kind == Kind.LEDGER and finding.metric.partition("_")[0] in _CAPTIONS:
            key = (finding.axis, finding.task, finding.arm, finding.estimand, str(finding.at.rung))
            rows.setdefault(key, {})[finding.metric] = finding
    keys = sorted(rows, key=lambda key: wording.axis_position(key[0]))
    tables = (_table(kind, [rows[key] for key in keys]) for kind in _CAPTIONS)
    return tuple(table for table in tables if table.rows and len(table.head) > _FIXED_COLUMNS)


_FIXED_COLUMNS = 3
"""Number of fixed columns: curve, requested level, realised thinking."""


def _table(kind: str, rows: Sequence[LedgerRow]) -> Table:
    columns = [name for name in _COLUMNS if any(_has_estimate(row.get(f"{kind}_{name}")) for row in rows)]
    names = _NAMES | _BEYOND
    head = ("Curve", "Asked for", "Realised thinking", *(names.get(name, name) for name in columns))
    return Table(
        _CAPTIONS[kind], head, tuple(_ledger_row(kind, row, columns) for row in rows), tuple(_notes(kind, rows))
    )


def _has_estimate(finding: Finding | None) -> bool:
    return finding is not None and finding.estimate is not None


def _notes(kind: str, rows: Sequence[LedgerRow]) -> Iterator[str]:
    """Yield notes on columns without any value, with the reasons."""
    for unit, name in _BEYOND.items():
        findings = [row[f"{kind}_{unit}"] for row in rows if f"{kind}_{unit}" in row]
        if findings and not any(map(_has_estimate, findings)):
            reasons = list(dict.fromkeys(finding.reason or "no reason was recorded" for finding in findings))
            more = f"; {len(reasons) - _MAX_REASONS} more in the findings" if len(reasons) > _MAX_REASONS else ""
            text = f"{name[:1].upper()}{name[1:]} unknown: {'; '.join(reasons[:_MAX_REASONS])}{more}."
            yield visible(text, PROSE_LIMIT)


def _ledger_row(kind: str, row: LedgerRow, columns: Sequence[str]) -> tuple[TextCell, ...]:
    first = next(iter(row.values()))
    name = f"{wording.axis_name(first.axis)} · {visible(first.task)} · {visible(first.arm)}"
    name += "" if first.estimand == "forced" else f" · {visible(first.estimand)}"
    thinking = _ledger_cell(row.get(f"attempt_{Category.THINKING}"), Unit.TOKENS)
    return (
        plain(name),
        plain(level(first.at)),
        thinking,
        *(_ledger_cell(row.get(f"{kind}_{column}"), column) for column in columns),
    )


def _ledger_cell(finding: Finding | None, column: str) -> TextCell:
    """Return a number as text; incomplete numbers are lower bounds, missing ones "unknown"."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, "unknown"),)
    least = finding.label is not None or any(limit.startswith("at least") for limit in finding.limits)
    text = "0" if finding.estimate == 0 else figure(finding.estimate, column if column in _BEYOND else Unit.TOKENS)
    return (finding_link(finding, (f"≥ {text}" if least else text).replace(" ", NO_BREAK_SPACE)),)


COST_HEAD = ("", "estimated", "spent")


def cost_rows(about: About) -> list[tuple[str, str, str]]:
    """Return rows of name, estimate and actual cost; empty without an estimate."""
    estimate, actual = about.estimate, about.actual_cost
    if estimate is None or actual is None:
        return []
    cache_note = f" ({actual.cached_tokens:,} from a cache)" if actual.cached_tokens else ""
    rows = [
        (
            "prompt tokens",
            _about(estimate.prompt_tokens, is_bound=not estimate.in_steps),
            _count(actual.prompt_tokens) + cache_note,
        ),
        ("decoded tokens", _most(estimate.decoded_tokens), _count(actual.decoded_tokens)),
    ]
    if estimate.judge_calls or actual.judge_tokens:
        rows.append(("judge tokens", _about(estimate.judge_tokens), _count(actual.judge_tokens)))
    if actual.n_cut_short:
        rows.append(("of it in traces that were cut short and made again", "none", _made_again(actual.retry_usage)))
    if estimate.usd is None:
        rows.append(
            ("USD", "none" if estimate.free and estimate.judge_free else "unknown", _usd(actual.usd, estimate.free))
        )
    else:
        rows.append(("USD", _usd(estimate.usd, estimate.free), _usd(actual.usd, estimate.free)))
    return rows


def cost_note(about: About) -> str:
    """Return a note on the basis of the cost table."""
    estimate, actual = about.estimate, about.actual_cost
    if estimate is None or actual is None:
        return ""
    most = "About" if estimate.in_steps else "At most"
    notes = [
        f"{most} {estimate.calls:,} calls were expected; prompts were estimated from their length.",
        f"{estimate.price}.",
    ]
    if actual.n_failed:
        which = "1 trace failed: what it" if actual.n_failed == 1 else f"{actual.n_failed:,} traces failed: what they"
        notes.append(f"{which} took is counted, but for the request that failed itself, which nobody knows.")
    if actual.n_unanswered:
        which = "1 request" if actual.n_unanswered == 1 else f"{actual.n_unanswered:,} requests"
        notes.append(f"Not counted: what {which} of traces that were cut short took without an answer.")
    return visible(" ".join(notes), PROSE_LIMIT)


def _made_again(usage: TokenUsage) -> str:
    text = f"{_count(usage.prompt_tokens)} prompt, {_count(usage.decoded_tokens)} decoded"
    return text if usage.judge_tokens == 0 else f"{text}, {_count(usage.judge_tokens)} judge"


def _most(tokens: AmountRange) -> str:
    return f"{tokens[0]:,.0f} or more" if tokens[1] is None else f"at most {tokens[1]:,.0f}"


def _about(tokens: AmountRange, *, is_bound: bool = True) -> str:
    """Return an estimated count: its upper bound, or its lower bound if unbounded above."""
    if tokens[1] is None:
        return f"about {tokens[0]:,.0f} or more"
    return f"{'up to ' if is_bound else ''}about {tokens[1]:,.0f}"


def _count(tokens: int | None) -> str:
    return "unknown" if tokens is None else f"{tokens:,}"


def _usd(bill: AmountRange | None, free: bool) -> str:
    if bill is None:
        return "none" if free else "unknown"
    low, high = bill
    if high is None:
        return f"{_money(low)} or more"
    return _money(low) if _money(low) == _money(high) else f"{_money(low)} to {_money(high)}"


def _money(usd: float) -> str:
    return f"{usd:,.2f}" if usd >= 0.1 or usd == 0 else f"{usd:.2g}"
