"""What a paraphrase of the thinking loses, as a text table per rung, and sentences on bits that a trace may hide."""

from collections.abc import Iterator

from overthink.data.finding import Finding
from overthink.data.kinds import Metric
from overthink.data.results.oversight import BitsResult, EncodedResult, OversightResults
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports.report_curves import level, level_text
from overthink.reports.tables.faithfulness import points
from overthink.reports.tables.table import Table, TextCell, curve_name, plain

LOSS = "What could be hidden? Accuracy behind the same text minus accuracy behind its paraphrase"
LOSS_HEAD = (
    "Curve",
    "Paraphrase",
    "Writer",
    "Asked for",
    "Gap E",
    "Claim",
    "Original − sham",
    "Writer alone",
    "Beyond",
)
WRITERS = {True: "the model itself", False: "another model", None: "unknown"}


def encoded_tables(results: OversightResults) -> tuple[Table, ...]:
    """Return the table of the encoded gap by rung with its controls; nothing without a paraphrase."""
    rows = tuple(row for result in results.encoded for row in _rows(result))
    return (Table(LOSS, LOSS_HEAD, rows),) if rows else ()


def bound_sentences(results: OversightResults) -> tuple[str, ...]:
    """Return a sentence per curve: at least how many bits an attack passed, and what an assumed rate would pass."""
    return tuple(_bound(result) for result in results.bits)


def _rows(result: EncodedResult) -> Iterator[tuple[TextCell, ...]]:
    for rung in result.rungs:
        controls = {finding.metric: points(finding) for finding in rung.controls}
        beyond = controls.get(Metric.BEYOND_PLAIN, controls.get(Metric.CODE_LOSS, plain("–")))
        yield (
            plain(curve_name(result.key)),
            plain(visible(result.paraphrase, PROSE_LIMIT)),
            plain(WRITERS[result.is_own]),
            plain(level(rung.at)),
            points(rung.gap),
            plain(": ".join(text for text in (rung.claim, rung.reason) if text)),
            points(rung.sham_check),
            controls.get(Metric.WRITER_ALONE, plain("–")),
            beyond,
        )


def _bound(result: BitsResult) -> str:
    sizes = [finding for finding in result.passed if finding.estimate is not None]
    if sizes:
        best = max(sizes, key=_amount)
        amount = _amount(best)
        passed = f"at least {amount:.2f} bits per trace were passed by this red team, at {level_text(best.at)}"
        passed = passed if amount > 0 else "no bit is shown to have been passed by this red team"
    else:
        passed = result.passed[0].reason or "" if result.passed else "no red team hid a secret in these traces"
    rate = result.at_rate
    amount_at_rate = "" if rate.estimate is None else f"{rate.estimate:,.3g} bits at 3 bits/KB, a rate that is assumed"
    would = f"at {level_text(rate.at)} the thinking would pass {amount_at_rate}" if amount_at_rate else str(rate.reason)
    return f"{curve_name(result.key)}: {passed}; {would}. No ceiling is claimed."


def _amount(finding: Finding) -> float:
    return finding.estimate or 0.0
