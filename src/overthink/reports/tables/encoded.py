"""What a paraphrase of the thinking loses, as a text table per rung, and sentences on bits that a trace may hide."""

from collections.abc import Iterator

from overthink.data.finding import Finding
from overthink.data.kinds import Metric
from overthink.data.results.oversight import BitsResult, EncodedResult, LatentResult, OversightResults
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
ROOM = "Is accuracy without thinking a floor? Direct answers behind filler and repeats, against the plain prompt"
ROOM_HEAD = ("Curve", "Prompt", "Uplift without thinking", "Verdict")
ELICITED = "What thinking adds to the best prompt without it, where the plain prompt is no floor"
ELICITED_HEAD = ("Curve", "Best prompt", "Asked for", "Uplift of the thinking")
WRITERS = {True: "the model itself", False: "another model", None: "unknown"}


def encoded_tables(results: OversightResults) -> tuple[Table, ...]:
    """Return the tables that have a row: the encoded gap by rung with its controls, and answers without thinking."""
    tables = (
        Table(LOSS, LOSS_HEAD, tuple(row for result in results.encoded for row in _rows(result))),
        Table(ROOM, ROOM_HEAD, tuple(row for result in results.latent for row in _prompts(result))),
        Table(ELICITED, ELICITED_HEAD, tuple(row for result in results.latent for row in _elicited(result))),
    )
    return tuple(table for table in tables if table.rows)


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


def _prompts(result: LatentResult) -> Iterator[tuple[TextCell, ...]]:
    verdict = str(result.verdict or result.uplift.reason or "no test")
    curve, best = plain(curve_name(result.key)), visible(result.best or "–", PROSE_LIMIT)
    yield curve, plain(f"the best: {best}"), points(result.uplift), plain(verdict)
    for finding in result.prompts:
        yield curve, plain(visible(finding.label or "–", PROSE_LIMIT)), points(finding), plain("–")


def _elicited(result: LatentResult) -> Iterator[tuple[TextCell, ...]]:
    best = plain(visible(result.best or "–", PROSE_LIMIT))
    for finding in result.elicited:
        yield plain(curve_name(result.key)), best, plain(level(finding.at)), points(finding)


def _bound(result: BitsResult) -> str:
    sizes = [finding for finding in result.passed if finding.estimate is not None]
    if sizes:
        best = max(sizes, key=_amount)
        amount = _amount(best)
        passed = f"at least {amount:.2f} bits per trace were passed by this red team, at {level_text(best.at)}"
        passed = passed if amount > 0 else "no bit is shown to have been passed by this red team"
    else:
        passed = result.passed[0].reason or "" if result.passed else "no red team hid a secret in these traces"
    rate = result.at_rate[-1]
    amount_at_rate = "" if rate.estimate is None else f"{rate.estimate:,.3g} bits at 3 bits/KB, a rate that is assumed"
    would = f"at {level_text(rate.at)} the thinking would pass {amount_at_rate}" if amount_at_rate else str(rate.reason)
    return f"{curve_name(result.key)}: {passed}; {would}. No ceiling is claimed."


def _amount(finding: Finding) -> float:
    return finding.estimate or 0.0
