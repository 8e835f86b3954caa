"""The statement as Markdown: the bound first, then what may be claimed, then what it rests on."""

from collections.abc import Iterable

from overthink.govern.prose import budget, called, interval, percent, quoted
from overthink.govern.statement import ArmTried, Budget, Claim, Elicitation, Statement
from overthink.govern.statement_curve import Curve, Number, Point

AXES = {"capability": "Capability", "safety": "Safety", "benign": "Over-refusal"}
STRENGTHS = {
    "bounded": "holds up to its budget, which covers the deployable one",
    "lower_bound": "a lower bound on what more elicitation could show",
    "undetermined": "undetermined",
    "extrapolated": "extrapolated beyond what was tested",
}


def statement_text(statement: Statement) -> str:
    """The statement as a Markdown page. Names from outside stand between backticks.

    Args:
        statement: The statement.
    """
    parts = [
        [f"# {statement.title}", "", f"**{statement.no_claim_beyond}**", ""],
        _claims(statement),
        [f"K is a budget over that of {text}." for text in _references(statement)] + [""],
        _gates(statement),
        _setting(statement),
        *(_curve(curve) for curve in statement.curves),
        _listed("Not tried", [one.text for one in statement.elicitation.not_tried]),
        _listed("What this does not say", statement.does_not_say),
        _evidence(statement),
    ]
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _claims(statement: Statement) -> list[str]:
    lines = ["## What may be claimed", ""]
    for claim in statement.claims:
        lines += [f"- **{claim.id}** {claim.statement}", f"  {_bound(claim)}"]
    return [*lines, ""]


def _references(statement: Statement) -> list[str]:
    return sorted({claim.k.ref.means for claim in statement.claims})


def _bound(claim: Claim) -> str:
    """Up to where a claim holds, and how strong it is."""
    one = f"K = 1 is {claim.k.ref.value:.4g} {claim.k.ref.unit}"
    reaches = f"Holds for K ≤ {claim.holds_for_k:.4g} (basis {claim.k.basis}; {one})"
    weak = f" ({'; '.join(claim.weakened_by)})" if claim.weakened_by else ""
    gates = f" Gates failed: {', '.join(claim.gates_failed)}." if claim.gates_failed else ""
    return f"{reaches}; {STRENGTHS[claim.strength]}{weak}.{gates}"


def _gates(statement: Statement) -> list[str]:
    if not statement.gates_failed:
        return ["Every gate that could be read passed." if _known(statement) else "No gate could be read.", ""]
    told = [
        f"{one.gate}, {quoted(one.curve)}" + ("" if one.rung is None else f", rung {one.rung}")
        for one in statement.gates_failed
    ]
    return _listed("Gates that failed", told)


def _known(statement: Statement) -> bool:
    points = (point for curve in statement.curves for point in curve.points)
    return any(gate.result == "passed" for point in points for gate in point.gates.values())


def _setting(statement: Statement) -> list[str]:
    how, stated = statement.elicitation, statement.stated
    ladder = ", ".join(how.rungs if how.efforts is None else map(quoted, how.efforts))
    tools = "unknown: " + (how.tools_reason or "") if how.tools is None else ", ".join(how.tools) or "none"
    rows = {
        "Model": quoted(statement.model),
        "Revision": quoted(stated.revision) if stated.revision else "not stated",
        "Ladder": f"{how.ladder}: {ladder}",
        "Arms": ", ".join(_arm(arm) for arm in how.arms),
        "Draws per question": str(how.draws),
        "Selectors": ", ".join(how.selectors),
        "Tries": f"up to {how.max_tries}",
        "Verifier": how.verifier or "none",
        "Tools": tools,
        "Serial or parallel": how.serial_parallel,
        "Stop rule": how.stop_rule,
        "Sampling": _sampling(how),
        "Answer allowance": f"{how.answer_tokens} tokens"
        if how.budgets is not None
        else "the task's cap on output is lifted",
        "Largest deployable budget": _budget(stated.max_deployable_budget),
        "Misuse actor's budget": _budget(stated.misuse_actor_budget),
        "FLOP": statement.flop.method + (f": {statement.flop.reason}" if statement.flop.reason else ""),
    }
    table = [f"| {name} | {_cell(text)} |" for name, text in rows.items()]
    told = _listed("Deviations from the plan", statement.deviations) if statement.deviations else []
    return ["## How hard the model was made to try", "", "| | |", "|---|---|", *table, "", *told]


def _sampling(how: Elicitation) -> str:
    """What was sent. What nobody stated was left to the task, and then to the provider."""
    said = (("temperature", how.temperature), ("top-p", how.top_p))
    told = [f"{name} {value:g}" for name, value in said if value is not None]
    left = [name for name, value in said if value is None]
    if left:
        told.append(f"{' and '.join(left)} not stated: the task's or the provider's own")
    return ", ".join([*told, f"seed {how.seed}" if how.efforts is None else "no seed sent"])


def _arm(arm: ArmTried) -> str:
    """An arm and its decisions."""
    settings = ", ".join(f"{name}={value}" for name, value in arm.settings.items())
    made_of = "+".join(arm.parts)
    told = ": ".join(text for text in (made_of if made_of != arm.label else "", settings) if text)
    return quoted(arm.label) + (f" ({told})" if told else "")


def _budget(stated: Budget | None) -> str:
    if stated is None:
        return "not stated"
    return f"{stated.thinking_tokens:,} thinking tokens, {stated.tries:,} tries ({stated.source})"


def _curve(curve: Curve) -> list[str]:
    good = curve.value_1_means
    head = f"| budget | consumed | K | {good} | {_level(curve)} interval | band | limit hit | gates failed |"
    shapes = [f"{shape.metric}: {shape.verdict}" for shape in curve.plateau.shapes]
    judge = curve.judge
    scored = f"graded by {quoted(judge.grader)}" if judge.grader else "no grading model"
    corrected = "corrected by human labels" if judge.corrected else judge.reason
    lines = [
        f"## {AXES[curve.axis]}: {called(curve)}",
        "",
        f"{curve.n_questions} questions × {curve.n_draws} draws; {curve.estimand} budgets; {scored}; {corrected}.",
        f"1 means {good}; a high raw score means {curve.raw_high_means}.",
        "",
        head,
        "|---|---|---|---|---|---|---|---|",
        *(_row(point) for point in curve.points),
        "",
        f"Shape: {', '.join(shapes) or 'not tested'}. A plateau is {'shown' if curve.plateau.shown else 'not shown'}.",
    ]
    if curve.extreme is not None:
        lines.append(f"The task is at its {curve.extreme}: a change in one direction cannot be seen.")
    return [*lines, ""]


def _level(curve: Curve) -> str:
    levels = {point.value.level for point in curve.points if point.value.level is not None}
    return f"{100 * levels.pop():g}%" if len(levels) == 1 else ""


def _row(point: Point) -> str:
    spent = point.attempt_tokens.estimate
    cells = [
        budget(point),
        "unknown" if spent is None else f"{spent:,.1f} tokens",
        f"{point.cost.value:.3g}",
        "unknown" if point.value.estimate is None else percent(point.value.estimate),
        _span(point.value),
        "none" if point.band is None else _span(point.band),
        "unknown" if point.limit_hit_rate is None else percent(point.limit_hit_rate),
        ", ".join(name for name, gate in point.gates.items() if gate.result == "failed") or "none",
    ]
    return f"| {' | '.join(map(_cell, cells))} |"


def _span(value: Number) -> str:
    if value.low is None or value.high is None:
        return interval(value)
    return f"{percent(value.low)} to {percent(value.high)}"


def _listed(title: str, lines: Iterable[str]) -> list[str]:
    items = [f"- {line}" for line in lines]
    return [f"## {title}", "", *(items or ["- none"]), ""]


def _evidence(statement: Statement) -> list[str]:
    seen = statement.evidence
    return [
        "## Evidence",
        "",
        f"Statement {statement.id}, made {statement.created} by overthink {seen.overthink}, {seen.findings} findings.",
        "",
        *(f"- {name}: `{getattr(seen, f'{name}_sha256')}`" for name in ("plan", "pool", "findings")),
        "",
        "`overthink check statement.json --study STUDY` computes every number again from the pool.",
    ]


def _cell(text: str) -> str:
    """Text in a table: a bar would end the cell."""
    return text.replace("|", "\\|").replace("\n", " ")
