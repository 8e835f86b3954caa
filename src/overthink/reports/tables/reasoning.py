"""What the thinking holds, as text tables: is it needed, does it carry the answer, does a probe see more?"""

from collections.abc import Iterator, Sequence

from overthink.data.finding import Finding
from overthink.data.kinds import Metric
from overthink.data.oversight import LATENT, LatentChange
from overthink.data.results.oversight import (
    BitsResult,
    EncodedResult,
    LatentResult,
    NecessityResult,
    OversightResults,
    PerturbationResult,
)
from overthink.data.results.oversight_parts import LatentStepsResult, ProbeResult, ProbeTextResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.report_curves import level, level_text
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


CHANGES = tuple(sorted(change for change in LatentChange if change is not LatentChange.SHAM))
STEPS = "Which latent steps does the answer depend on? Answers that change behind a changed state, beyond the sham"
STEPS_HEAD = ("Curve", "Step", "Verdict", *(change.capitalize() for change in CHANGES), "Same state (sham)")
LOSSES = "Accuracy lost behind a changed state of a latent step"
LOSSES_HEAD = ("Curve", "Step", *(change.capitalize() for change in CHANGES))


def step_tables(results: OversightResults) -> tuple[Table, ...]:
    """Return the tables that have a row: answers that change behind each latent step, and the accuracy lost there."""
    tables = (
        Table(STEPS, STEPS_HEAD, tuple(row for result in results.latent_steps for row in _steps(result))),
        Table(LOSSES, LOSSES_HEAD, tuple(row for result in results.latent_steps for row in _losses(result))),
    )
    return tuple(table for table in tables if table.rows)


def _steps(result: LatentStepsResult) -> Iterator[tuple[TextCell, ...]]:
    for step in result.steps:
        verdict = step.verdict or "no test"
        if step.step is not None and result.reason is not None:
            verdict = f"{verdict} ({result.reason})"
        sham, name = _number(step.sham), plain(_step_name(step.step))
        yield plain(curve_name(result.key)), name, plain(verdict), *_by_change(result, step.changes), sham


def _losses(result: LatentStepsResult) -> Iterator[tuple[TextCell, ...]]:
    for step in result.steps:
        yield plain(curve_name(result.key)), plain(_step_name(step.step)), *_by_change(result, step.losses)


def _step_name(step: int | None) -> str:
    return "every step at once" if step is None else str(step)


def _by_change(result: LatentStepsResult, findings: Sequence[Finding]) -> Iterator[TextCell]:
    """Yield the findings in the order of the head."""
    cells = {kind: points(finding) for kind, finding in zip(result.kinds, findings, strict=True)}
    return (cells.get(f"{LATENT}{change}", plain("–")) for change in CHANGES)


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
        shares = (_interval_cell(finding) for finding in (rung.auroc, *rung.baselines))
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


def _interval_cell(finding: Finding) -> TextCell:
    """Return a share as text, with its interval, or why there is none."""
    if finding.estimate is None:
        return plain(visible(finding.reason or "–", PROSE_LIMIT))
    low, high = finding.low, finding.high
    ends = "" if low is None or high is None else f" ({wording.percent(low)} to {wording.percent(high)})"
    return (finding_link(finding, f"{wording.percent(finding.estimate)}{ends}"),)
