"""What monitors see, as text tables: per rung, and the surface of agent budget and monitor budget."""

from collections.abc import Iterator, Sequence

from overthink.cost.units import noun
from overthink.data.finding import Finding
from overthink.data.kinds import Metric
from overthink.data.results.beside import OversightShapeResult
from overthink.data.results.oversight import InterventionResult, MonitorResult, MonitorRung, OversightResults, TaxResult
from overthink.data.results.oversight_parts import EloResult, JudgeResult, PolicySearchResult
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports import wording
from overthink.reports.report_curves import level
from overthink.reports.tables.reasoning import points
from overthink.reports.tables.table import Table, TextCell, curve_name, finding_link, plain

CAPTION = "Monitors at each thinking budget"
HEAD = (
    "Watched",
    "Monitor",
    "Asked for",
    "AUROC",
    "Verdict",
    "Caught at 5 %",
    "Caught at 1 %",
    "Safety at a 5 % audit",
    "Scored",
)
SURFACE = "Agent budget × monitor budget, in the order of their total: tokens of an attempt and of its monitor"
SURFACE_HEAD = ("Watched", "Total tokens", "Agent", "Monitor", "Monitor's budget", "AUROC")
WORST = "The worst of the attack policies, with an interval that holds for all of them at once"
WORST_HEAD = ("Monitor", "Asked for", "Lowest AUROC", "Policy")
SEARCHES = (
    "A red team that searches: the attacking arm of the lowest AUROC on one half of the questions, scored on the other"
)
SEARCHES_HEAD = ("Monitor", "Asked for", "AUROC behind the search", "Verdict", "Arm", "The search cost")
JUDGES = "A judge of two answers by its thinking budget, alone and behind the arguments of others; chance is 50 %"
JUDGES_HEAD = (
    "Protocol",
    "Debaters",
    "Judge at",
    "Accuracy",
    "Verdict",
    "Beyond alone",
    "Against chance",
    "Gap",
    "Recovered",
)
ELO = "Ratings of judges and of the debaters, against each other: 400 points are odds of ten to one"
ELO_HEAD = ("Protocol", "Judge at", "Elo", "Debaters at", "Elo of debaters", "Oversight in steps")
SEES = "Does a monitor see what an intervention did? g² of its reading, with the effect beside it"
SEES_HEAD = ("Curve", "Intervention", "Monitor", "Asked for", "Effect", "g², cross-fitted", "g², pooled")
NEEDS = "Does the effect of the intervention need the chain? The effect at the lowest budget minus that at the highest"
NEEDS_HEAD = ("Curve", "Intervention", "Lowest minus highest", "Verdict")

MOVES = "How does oversight move with the budget, and does capability gain more?"
MOVES_HEAD = (
    "Curve",
    "On oversight",
    "Lowest to highest",
    "Shape",
    "p, adjusted",
    "Hypothesis",
    "Capability minus it",
    "Verdict",
)
MEASURES = {
    Metric.ANSWERS_CHANGE: "answers that change",
    Metric.AREA_OVER_CURVE: "area over the curve",
    Metric.UPLIFT: "of the thinking",
    Metric.PAIR_RANKING: "pairs of a question in order",
    Metric.JUDGE_ACCURACY: "accuracy by pair",
}
"""What a curve on oversight measures, by metric."""

TAX = "What does a choice that can be read cost? The most monitorable arm and budget against the best, by pooled g²"
TAX_HEAD = (
    "Monitor",
    "At the compute or capability of",
    "Capability given up at equal compute",
    "More compute at equal capability",
)


def oversight_tables(results: OversightResults) -> tuple[Table, ...]:
    """Return the tables that have a row: monitors by rung, the worst policies, searches, and both budgets."""
    rows = tuple(row for result in results.monitors for row in _rows(result))
    worst = tuple(
        (
            plain(_monitor(worst_of.monitor, worst_of.view)),
            plain(level(finding.at)),
            _number(finding),
            plain(visible(policy, PROSE_LIMIT)),
        )
        for worst_of in results.worst
        for finding, policy in zip(worst_of.rungs, worst_of.worst, strict=True)
    )
    tables = (
        Table(CAPTION, HEAD, rows, tuple(visible(note, PROSE_LIMIT) for note in results.notes)),
        Table(WORST, WORST_HEAD, worst),
        Table(SEARCHES, SEARCHES_HEAD, tuple(row for search in results.searches for row in _search_rows(search))),
        Table(SURFACE, SURFACE_HEAD, tuple(_surface(results.monitors))),
    )
    return tuple(table for table in tables if table.rows)


def _search_rows(result: PolicySearchResult) -> Iterator[tuple[TextCell, ...]]:
    for rung in result.rungs:
        spent = rung.cost.estimate
        yield (
            plain(_monitor(result.monitor, result.view)),
            plain(level(rung.at)),
            _recovered(rung.auroc),
            plain(str(rung.verdict or "no test")),
            plain(visible(rung.arm or "–", PROSE_LIMIT)),
            plain("–") if spent is None else (finding_link(rung.cost, f"{spent:,.0f} tokens"),),
        )


def judge_tables(results: OversightResults) -> tuple[Table, ...]:
    """Return the tables that have a row: judges of two answers by rung and protocol, and their ratings."""
    tables = (
        Table(JUDGES, JUDGES_HEAD, tuple(row for result in results.judges for row in _judge_rows(result))),
        Table(ELO, ELO_HEAD, tuple(row for result in results.elo for row in _elo_rows(result))),
    )
    return tuple(table for table in tables if table.rows)


def protocol_name(result: JudgeResult) -> str:
    """Return how a protocol is called in a report: by its name, and its arm where that has another."""
    arm = visible(result.key.arm, PROSE_LIMIT)
    if result.protocol is None:
        return "judge alone" if result.rungs[0].gain is None else arm
    name = f"{result.protocol}, by a coin" if result.is_coin else result.protocol
    return name if arm in name else f"{name} ({arm})"


def _judge_rows(result: JudgeResult) -> Iterator[tuple[TextCell, ...]]:
    for rung in result.rungs:
        yield (
            plain(protocol_name(result)),
            plain("–" if result.budget is None else f"{result.budget:,}"),
            plain(level(rung.at)),
            _number(rung.accuracy),
            plain("–" if rung.gain is None else str(rung.verdict or rung.gain.reason or "no test")),
            plain("–") if rung.gain is None else points(rung.gain),
            plain(str(rung.chance or rung.accuracy.reason or "no test")),
            plain("–") if rung.gap is None else points(rung.gap),
            _recovered(rung.recovered),
        )


def _recovered(finding: Finding | None) -> TextCell:
    """Return a share that may lie below 0 or above 1, or why there is none."""
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, visible(finding.reason or "unknown", PROSE_LIMIT)),)
    return _number(finding)


def _elo_rows(result: EloResult) -> Iterator[tuple[TextCell, ...]]:
    nested = plain("–") if result.nested is None else _recovered(result.nested)
    for number in range(max(len(result.judges), len(result.debaters))):
        judge = result.judges[number] if number < len(result.judges) else None
        debater = result.debaters[number] if number < len(result.debaters) else None
        yield (
            plain(result.protocol),
            plain("–" if judge is None else level(judge.at)),
            _rating(judge),
            plain("–" if debater is None else visible(debater.label or "–", PROSE_LIMIT)),
            _rating(debater),
            nested if number == 0 else plain(""),
        )


def _rating(finding: Finding | None) -> TextCell:
    if finding is None:
        return plain("–")
    if finding.estimate is None:
        return (finding_link(finding, visible(finding.reason or "unknown", PROSE_LIMIT)),)
    ends = "" if finding.low is None or finding.high is None else f" ({finding.low:+,.0f} to {finding.high:+,.0f})"
    return (finding_link(finding, f"{finding.estimate:+,.0f}{ends}"),)


def monitorability_tables(results: OversightResults) -> tuple[Table, ...]:
    """Return the tables that have a row: g² of each monitor by rung, and whether the effect needs the chain."""
    needs = tuple(
        (
            plain(curve_name(result.key)),
            plain(visible(result.intervention, PROSE_LIMIT)),
            points(result.dependence),
            plain(str(result.verdict or result.dependence.reason or "no test")),
        )
        for result in results.interventions
    )
    sees = tuple(row for result in results.interventions for row in _sees(result))
    taxes = tuple(row for result in results.taxes for row in _taxes(result))
    tables = (Table(SEES, SEES_HEAD, sees), Table(NEEDS, NEEDS_HEAD, needs), Table(TAX, TAX_HEAD, taxes))
    return tuple(table for table in tables if table.rows)


def _taxes(result: TaxResult) -> Iterator[tuple[TextCell, ...]]:
    name = f"{result.intervention}: {result.monitor} reads {result.view}"
    for compute, capability in zip(result.equal_compute, result.equal_capability, strict=True):
        lost = plain(visible(compute.reason or "–", PROSE_LIMIT)) if compute.estimate is None else points(compute)
        where = f"{compute.arm}, {level(compute.at)}"
        yield plain(visible(name, PROSE_LIMIT)), plain(visible(where, PROSE_LIMIT)), lost, _more_compute(capability)


def _more_compute(finding: Finding) -> TextCell:
    """Return compute with its unit and interval, or why it is unknown."""
    if finding.estimate is None:
        return plain(visible(finding.reason or "–", PROSE_LIMIT))
    low, high, unit = finding.low, finding.high, noun(finding.at.unit)
    ends = "" if low is None or high is None else f" ({low:+,.4g} to {high:+,.4g})"
    return (finding_link(finding, f"{finding.estimate:+,.4g}{ends} {unit}"),)


def shape_table(results: OversightResults) -> Table:
    """Return the verdict on every curve on oversight, and capability's gain against it; a row each."""
    return Table(MOVES, MOVES_HEAD, tuple(row for result in results.shapes for row in _moves(result)))


def _moves(result: OversightShapeResult) -> Iterator[tuple[TextCell, ...]]:
    shape = result.shape
    p = None if shape.test is None else shape.test.p_adjusted
    why = "" if shape.reason is None else f": {shape.reason}"
    own = (
        plain(curve_name(result.key)),
        plain(visible(f"{result.name}, {MEASURES[result.metric]}", PROSE_LIMIT)),
        points(shape),
        plain(visible(f"{result.label}{why}", PROSE_LIMIT)),
        plain("–" if p is None else f"{p:.2g}"),
        plain(str(result.claim or "–")),
    )
    if not result.gaps:
        yield (*own, plain("–"), plain("–"))
    for gap in result.gaps:
        verdict = str(gap.verdict or gap.onset.reason or "unknown")
        yield (*own, points(gap.steps[-1]), plain(visible(verdict, PROSE_LIMIT)))


def _sees(result: InterventionResult) -> Iterator[tuple[TextCell, ...]]:
    for monitor in result.monitors:
        for rung, effect in zip(monitor.rungs, result.effects, strict=True):
            yield (
                plain(curve_name(result.key)),
                plain(visible(result.intervention, PROSE_LIMIT)),
                plain(_monitor(monitor.monitor, monitor.view)),
                plain(level(rung.at)),
                points(effect),
                *(_mean_square(finding) for finding in (rung.g, rung.pooled)),
            )


def _mean_square(finding: Finding) -> TextCell:
    """Return a g² as text, with its interval, or why there is none."""
    if finding.estimate is None:
        return plain(visible(finding.reason or "–", PROSE_LIMIT))
    low, high = finding.low, finding.high
    ends = "" if low is None or high is None else f" ({low:.2f} to {high:.2f})"
    return (finding_link(finding, f"{finding.estimate:.2f}{ends}"),)


def _rows(result: MonitorResult) -> Iterator[tuple[TextCell, ...]]:
    watched = curve_name(result.key) + ("" if result.policy is None else f" · attack {visible(result.policy)}")
    for rung in result.rungs:
        low, high = rung.tpr[0], rung.tpr[-1]
        yield (
            plain(watched),
            plain(_monitor(result.monitor, result.view)),
            plain(level(rung.at)),
            _number(rung.auroc),
            plain(_verdict(rung)),
            _number(high),
            _number(low),
            _number(rung.safety),
            _number(rung.scored),
        )


def _verdict(rung: MonitorRung) -> str:
    if rung.verdict is not None:
        return str(rung.verdict)
    return visible(rung.auroc.reason or "no test", PROSE_LIMIT)


def _monitor(monitor: str, view: str) -> str:
    return visible(f"{monitor} reads {view}", PROSE_LIMIT)


def _surface(results: Sequence[MonitorResult]) -> Iterator[tuple[TextCell, ...]]:
    """Yield a row per rung of every monitor that calls a model, the cheapest total of each curve first."""
    cells = [
        (result, rung, rung.total.estimate)
        for result in results
        for rung in result.rungs
        if result.model is not None and rung.total is not None and rung.total.estimate is not None
    ]
    for result, rung, total in sorted(cells, key=lambda cell: (cell[0].key, cell[2])):
        attempt = total - (rung.tokens.estimate or 0.0)
        assert rung.total is not None
        yield (
            plain(curve_name(result.key)),
            (finding_link(rung.total, f"{total:,.0f}"),),
            plain(f"{level(rung.at)}: {attempt:,.0f}"),
            (finding_link(rung.tokens, f"{rung.tokens.estimate or 0:,.0f}"),),
            plain(visible(f"{result.monitor} reads {result.view}", PROSE_LIMIT)),
            _number(rung.auroc),
        )


def _number(finding: Finding | None) -> TextCell:
    """Return a share as text, with its interval where it has one."""
    if finding is None or finding.estimate is None:
        return plain("–")
    ends = "" if finding.low is None or finding.high is None else f" ({_share(finding.low)} to {_share(finding.high)})"
    return (finding_link(finding, f"{_share(finding.estimate)}{ends}"),)


def _share(value: float) -> str:
    return wording.percent(value)
