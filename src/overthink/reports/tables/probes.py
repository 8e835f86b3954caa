"""What probes of activations see, as text tables per rung: with their baselines, and against monitors of the words."""

from collections.abc import Iterator

from overthink.data.finding import Finding
from overthink.data.results.oversight import OversightResults
from overthink.data.results.oversight_parts import ProbeResult, ProbeTextResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.report_curves import level
from overthink.reports.tables.faithfulness import points
from overthink.reports.tables.table import Table, TextCell, curve_name, finding_link, plain

SEES = "AUROC of the probe at each thinking budget, with its baselines"
SEES_HEAD = (
    "Curve",
    "Probe",
    "Asked for",
    "AUROC",
    "Prompt only",
    "Length",
    "Words",
    "Random direction",
    "Shuffled labels",
    "Beyond the prompt",
)
MORE = "Does a probe see more than a monitor of the words? On the same traces"
MORE_HEAD = (
    "Curve",
    "Probe",
    "Monitor",
    "Asked for",
    "Probe minus monitor",
    "Verdict",
    "Cascade: AUROC where 0, 10, 20, 50, 100 % go on to the monitor",
)


def probe_tables(results: OversightResults) -> tuple[Table, ...]:
    """Return the tables that have a row: probes by rung with their baselines, and against each monitor."""
    tables = (
        Table(SEES, SEES_HEAD, tuple(row for result in results.probes for row in _sees(result))),
        Table(
            MORE,
            MORE_HEAD,
            tuple(row for result in results.probes for other in result.against for row in _more(result, other)),
        ),
    )
    return tuple(table for table in tables if table.rows)


def _name(result: ProbeResult) -> tuple[TextCell, TextCell]:
    attack = "" if result.policy is None else f" · attack {visible(result.policy)}"
    probe = visible(f"{result.monitor} reads {result.view}", PROSE_LIMIT)
    return plain(curve_name(result.key) + attack), plain(probe)


def _sees(result: ProbeResult) -> Iterator[tuple[TextCell, ...]]:
    for rung in result.rungs:
        shares = (_share(finding) for finding in (rung.auroc, *rung.baselines))
        yield *_name(result), plain(level(rung.at)), *shares, points(rung.beyond_prompt)


def _more(result: ProbeResult, other: ProbeTextResult) -> Iterator[tuple[TextCell, ...]]:
    for rung in other.rungs:
        verdict = str(rung.verdict or rung.difference.reason or "no test")
        yield (
            *_name(result),
            plain(visible(f"{other.monitor} reads {other.view}", PROSE_LIMIT)),
            plain(level(rung.at)),
            points(rung.difference),
            plain(visible(verdict, PROSE_LIMIT)),
            plain("; ".join(_point(finding) for finding in rung.cascade) or "–"),
        )


def _point(finding: Finding) -> str:
    """Return a point of a cascade: AUROC at the monitor's tokens per trace."""
    return f"{wording.percent(finding.estimate or 0.0)} at {finding.at.total or 0.0:,.0f} tokens"


def _share(finding: Finding) -> TextCell:
    """Return a share as text, with its interval, or why there is none."""
    if finding.estimate is None:
        return plain(visible(finding.reason or "–", PROSE_LIMIT))
    low, high = finding.low, finding.high
    ends = "" if low is None or high is None else f" ({wording.percent(low)} to {wording.percent(high)})"
    return (finding_link(finding, f"{wording.percent(finding.estimate)}{ends}"),)
