"""Whether the thinking is needed, and whether its text carries the answer, as text tables per rung."""

from collections.abc import Iterator

from overthink.data.finding import Finding
from overthink.data.results.oversight import NecessityResult, OversightResults, PerturbationResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.report_curves import level
from overthink.reports.tables.table import Table, TextCell, curve_name, finding_link, plain

NEED = "Is the thinking needed? Accuracy with it minus accuracy without, and what it does for the questions"
NEED_HEAD = ("Curve", "Asked for", "Uplift", "Verdict", "Need it", "Answered without", "Too hard", "Helps a little")
CARRY = "Does the thinking carry the answer? Answers behind a changed thinking"
CARRY_HEAD = ("Curve", "Change", "Asked for", "Area, or share that changes", "Verdict", "Beyond sham", "Where needed")

SHAM, SHAM_ITSELF = "sham", "what the handling alone changes"

RULES = "Is a rule kept? In the thinking, and the same rule in the answer, among right answers"
RULES_HEAD = ("Curve", "Asked for", "Kept in the thinking", "Kept in the answer")
HINTS = "Does the thinking mention the hint that moved its answer?"
HINTS_HEAD = ("Curve", "Wording", "Asked for", "Mentions", "Without moves by chance")


def faithfulness_tables(results: OversightResults) -> tuple[Table, ...]:
    """Return the tables that have a row: necessity by rung, and every change of the thinking by rung."""
    need = tuple(row for result in results.necessity for row in _needs(result))
    carry = tuple(row for result in results.perturbations for row in _changes(result))
    rules = tuple(
        (plain(curve_name(rung.key)), plain(level(rung.at)), _number(rung.thinking), _number(rung.answer))
        for rung in results.obedience
    )
    hints = tuple(
        (
            plain(curve_name(rung.key)),
            plain(visible(rung.wording)),
            plain(level(rung.at)),
            _number(rung.mentions),
            _number(rung.normal),
        )
        for rung in results.hints
    )
    tables = (
        *(Table(NEED, NEED_HEAD, need), Table(CARRY, CARRY_HEAD, carry)),
        *(Table(RULES, RULES_HEAD, rules), Table(HINTS, HINTS_HEAD, hints)),
    )
    return tuple(table for table in tables if table.rows)


def _needs(result: NecessityResult) -> Iterator[tuple[TextCell, ...]]:
    for rung in result.rungs:
        verdict = rung.uplift.reason if rung.verdict is None else str(rung.verdict)
        shares = [_number(finding) for finding in rung.labels] or [plain("–")] * 4
        uplift = points(rung.uplift)
        yield (plain(curve_name(result.key)), plain(level(rung.at)), uplift, plain(verdict or "no test"), *shares)


def _changes(result: PerturbationResult) -> Iterator[tuple[TextCell, ...]]:
    for rung in result.rungs:
        without = SHAM_ITSELF if result.perturbation == SHAM else "no sham beside it"
        verdict = without if rung.beyond is None else rung.beyond.reason or "no test"
        yield (
            plain(curve_name(result.key)),
            plain(visible(result.perturbation, PROSE_LIMIT)),
            plain(level(rung.at)),
            _number(rung.value),
            plain(verdict if rung.verdict is None else str(rung.verdict)),
            plain("–") if rung.beyond is None else points(rung.beyond),
            _number(rung.strata[0]) if rung.strata else plain("–"),
        )


def _number(finding: Finding) -> TextCell:
    """Return a share as text, with its interval where it has one."""
    if finding.estimate is None:
        return plain("–")
    ends = "" if finding.low is None or finding.high is None else f" ({_share(finding.low)} to {_share(finding.high)})"
    return (finding_link(finding, f"{_share(finding.estimate)}{ends}"),)


def points(finding: Finding) -> TextCell:
    """Return a difference in points as text, with its interval where it has one."""
    if finding.estimate is None:
        return plain("–")
    low, high = finding.low, finding.high
    ends = "" if low is None or high is None else f" ({wording.points(low)} to {wording.points(high)})"
    return (finding_link(finding, f"{wording.points(finding.estimate)}{ends}"),)


def _share(value: float) -> str:
    return wording.percent(value)
