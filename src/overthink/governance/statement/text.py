"""The statement as Markdown: the bound first, then the claims, then the evidence."""

from collections.abc import Iterable, Mapping

from overthink.analysis.k_scale import LOOP
from overthink.data.conditions import READING
from overthink.data.hypothesis import regimes_and_parts
from overthink.data.kinds import Metric
from overthink.data.number_text import fixed
from overthink.data.shape_text import (
    TURN_WORDS,
    PartResult,
    no_turn_text,
    part_texts,
    shown_turn_text,
    untested_text,
    whole_text,
)
from overthink.data.verdict_labels import HypothesisLabel
from overthink.governance.statement.curve_schema import Curve, Hypothesis, K, Number, Point
from overthink.governance.statement.schema import ArmTried, Budget, Claim, Elicitation, Statement
from overthink.governance.statement.wording import (
    curve_name,
    interval,
    limit,
    own_words,
    percent,
    quote,
    reading_notes,
    tested_rungs,
)

NOT_KNOWN = "not known"
GRADER = "role.grader"
"""Condition of a run that names its grading model."""

AXIS_TITLES = {"capability": "Capability", "safety": "Safety", "benign": "Over-refusal"}
STRENGTHS = {
    "bounded": "holds up to its budget, which covers the deployable one as it is stated",
    "lower_bound": "a lower bound on what more elicitation could show",
    "undetermined": "undetermined",
}

ARMS_NOTE = (
    "Against the reference: whether the arm gives back what thinking takes, at equal thinking. Against its placebo: "
    "whether what it reads does; a placebo acts as often over all tasks and at the same steps, and reads nothing of "
    "its own trace. An arm that decides nothing by what it reads has no placebo."
)

OVERSIGHT_NOTE = (
    "Each holds at the budget that it names, for the traces of this study, and for the monitor, change or red team "
    "that was run: another one may see, change or pass more."
)


def statement_text(statement: Statement) -> str:
    """Return the statement as a Markdown page. Names are quoted in backticks; own words say that they are.

    Args:
        statement: The statement.
    """
    no_grader = _no_grader(statement.elicitation)
    parts = [
        [f"# {statement.title}", "", f"**{statement.no_claim_beyond}**", ""],
        _claims(statement),
        _arms(statement),
        _oversight(statement),
        [*_references(statement), ""],
        _gates(statement),
        _setting(statement),
        _reading(statement.elicitation),
        *(_curve(curve, no_grader=no_grader) for curve in statement.curves),
        _list_section("Not tried", [item.text for item in statement.elicitation.not_tried]),
        _list_section("What this does not say", statement.does_not_say),
        _note(statement),
        _evidence(statement),
    ]
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def _no_grader(how: Elicitation) -> str:
    """Return what is said of a curve whose grading model no plan names."""
    if how.no_plan is None:
        return "no grading model"
    models = (how.conditions or {}).get(GRADER, ())
    if models:
        return f"the logs name the grader {', '.join(map(quote, models))}"
    return f"a grading model is {NOT_KNOWN}"


def _claims(statement: Statement) -> list[str]:
    lines = ["## What may be claimed", ""]
    for claim in statement.claims:
        lines += [f"- **{claim.id}** {claim.statement}", f"  {_bound(claim)}", *_note_on(claim.id, statement)]
    return [*lines, ""]


def _arms(statement: Statement) -> list[str]:
    """Return what is said of arms; empty where none was compared."""
    if not statement.arms_compared:
        return []
    lines = []
    for claim in statement.arms_compared:
        lines += [f"- **{claim.id}** {claim.statement}", *_note_on(claim.id, statement)]
    return ["## What may be claimed of arms", "", ARMS_NOTE, "", *lines, ""]


def _oversight(statement: Statement) -> list[str]:
    """Return what is said of oversight; empty where nothing was watched or changed."""
    if not statement.oversight:
        return []
    lines = []
    for claim in statement.oversight:
        limits = "; ".join(claim.limits) or "none"
        lines += [f"- **{claim.id}** {claim.statement}", f"  Limits: {limits}.", *_note_on(claim.id, statement)]
    return ["## What may be claimed of oversight", "", OVERSIGHT_NOTE, "", *lines, ""]


def _note_on(claim: str, statement: Statement) -> list[str]:
    note = statement.stated.notes.get(claim)
    return [] if note is None else [f"  ({own_words(note)})"]


def _note(statement: Statement) -> list[str]:
    note = statement.stated.note
    return [] if note is None else _list_section("What the evaluator adds", [own_words(note)])


def _references(statement: Statement) -> list[str]:
    stated = {(_k_name(claim.k), claim.k.ref.means) for claim in statement.claims if claim.k.basis == "tokens"}
    return [f"{name} = 1 on every axis is {means}; a direct answer is K = 0." for name, means in sorted(stated)]


def _k_name(k: K) -> str:
    """Return the name of K, apart from k (tries)."""
    return "K (loop tokens)" if k.ref.unit == LOOP else "K (thinking)"


def _bound(claim: Claim) -> str:
    """Return the bound and the strength of a claim."""
    tries = f"k (tries) ≤ {claim.holds_for_tries:,}"
    if claim.k.basis == "tokens":
        reference = f"K = 1 is {claim.k.ref.value:.4g} {claim.k.ref.unit}"
        reaches = (
            f"Holds for {_k_name(claim.k)} ≤ {claim.holds_for_k:.4g} (basis {claim.k.basis}; {reference}) and {tries}"
        )
    else:
        reaches = f"Holds for {tries}"
    weak = f" ({'; '.join(claim.weakened_by)})" if claim.weakened_by else ""
    gates = f" Gates failed: {', '.join(claim.gates_failed)}." if claim.gates_failed else ""
    return f"{reaches}; {STRENGTHS[claim.strength]}{weak}.{gates}"


def _gates(statement: Statement) -> list[str]:
    if not statement.gates_failed:
        return [
            "Every gate that could be read passed." if _any_gate_passed(statement) else "No gate could be read.",
            "",
        ]
    lines = [
        f"{item.gate}, {quote(item.curve)}" + ("" if item.rung is None else f", rung {item.rung}")
        for item in statement.gates_failed
    ]
    return _list_section("Gates that failed", lines)


def _any_gate_passed(statement: Statement) -> bool:
    points = (point for curve in statement.curves for point in curve.points)
    return any(gate.result == "passed" for point in points for gate in point.gates.values())


def _setting(statement: Statement) -> list[str]:
    how, evaluator = statement.elicitation, statement.stated
    ladder = ", ".join(how.rungs if how.efforts is None else map(quote, how.efforts))
    if how.no_plan is not None:
        ladder = ", ".join(tested_rungs(statement.curves))
    tools = "unknown: " + (how.tools_reason or "") if how.tools is None else ", ".join(how.tools) or "none"
    rows = {
        "Model": statement.model_text,
        "Revision": _own(evaluator.revision),
        "Developer": _own(evaluator.developer),
        "Evaluator": _own(evaluator.organization),
        "Hardware": _own(evaluator.hardware),
        "Ladder": f"{how.ladder}: {ladder}",
        "Arms": ", ".join(_arm(arm) for arm in how.arms),
        "Draws per question": NOT_KNOWN if how.draws is None else str(how.draws),
        "Selectors": ", ".join(how.selectors),
        "Tries": f"up to {how.max_tries}",
        "Verifier": how.verifier or ("none" if how.no_plan is None else NOT_KNOWN),
        "Tools": tools,
        "Serial or parallel": how.serial_parallel,
        "Stop rule": how.stop_rule,
        "Sampling": _sampling(how),
        "Answer allowance": _answer_allowance(how),
        "Largest deployable budget": _budget(evaluator.max_deployable_budget),
        "Misuse actor's budget": _budget(evaluator.misuse_actor_budget),
        "Active parameters": _parameters(evaluator.active_parameters),
        "FLOP": statement.flop.method + (f": {statement.flop.reason}" if statement.flop.reason else ""),
    }
    if how.no_plan is not None:
        rows["Plan"] = how.no_plan
    rows |= {f"Stated by the logs: {quote(n)}": ", ".join(map(quote, v)) for n, v in _stated(how).items()}
    table = [f"| {name} | {_cell(text)} |" for name, text in rows.items()]
    title = "Deviations from the plan" if how.no_plan is None else "Decisions of the analysis that no plan holds"
    deviations = _list_section(title, statement.deviations) if statement.deviations else []
    return ["## How hard the model was made to try", "", "| | |", "|---|---|", *table, "", *deviations]


def _stated(how: Elicitation) -> dict[str, tuple[str, ...]]:
    """Return what logs or tables state of their runs."""
    return {name: values for name, values in (how.conditions or {}).items() if name != READING}


def _reading(how: Elicitation) -> list[str]:
    notes = reading_notes(how.conditions)
    return _list_section("How the logs or tables were read", notes) if notes else []


def _sampling(how: Elicitation) -> str:
    """Return the sampling parameters that were sent; those not stated are the task's or the provider's defaults."""
    if how.no_plan is not None:
        return f"as the logs state below; the rest is {NOT_KNOWN}" if _stated(how) else NOT_KNOWN
    parameters = (("temperature", how.temperature), ("top-p", how.top_p))
    parts = [f"{name} {value:g}" for name, value in parameters if value is not None]
    missing = [name for name, value in parameters if value is None]
    if missing:
        parts.append(f"{' and '.join(missing)} not stated: the task's or the provider's own")
    return ", ".join([*parts, f"seed {how.seed}" if how.efforts is None else "no seed sent"])


def _answer_allowance(how: Elicitation) -> str:
    if how.no_plan is not None:
        return NOT_KNOWN
    return f"{how.answer_tokens} tokens" if how.budgets is not None else "the task's cap on output is lifted"


def _arm(arm: ArmTried) -> str:
    """Return an arm and its settings."""
    if arm.parts is None or arm.settings is None:
        return f"{quote(arm.label)} (settings {NOT_KNOWN})"
    settings = ", ".join(quote(f"{name}={value}") for name, value in arm.settings.items())
    made_of = "+".join(arm.parts)
    details = ": ".join(text for text in (quote(made_of) if made_of != arm.label else "", settings) if text)
    return quote(arm.label) + (f" ({details})" if details else "")


def _budget(budget: Budget | None) -> str:
    if budget is None:
        return "not stated"
    numbers = f"{budget.thinking_tokens:,} thinking tokens, {budget.tries:,} {'try' if budget.tries == 1 else 'tries'}"
    return f"{numbers} (stated, not measured; {own_words(budget.source)})"


def _own(text: str | None) -> str:
    return "not stated" if text is None else own_words(text)


def _parameters(number: float | None) -> str:
    return "not stated" if number is None else f"{number:.4g} (stated, not measured)"


def _curve(curve: Curve, *, no_grader: str) -> list[str]:
    good = curve.value_1_means
    k = _k_name(curve.points[-1].cost)
    head = f"| budget | consumed | {k} | {good} | {_level(curve)} interval | band | limit hit | gates failed |"
    shapes = [f"{shape.metric}: {shape.verdict}" for shape in curve.plateau.shapes]
    judge = curve.judge
    grader_text = f"graded by {quote(judge.grader)}" if judge.grader else no_grader
    correction_text = "corrected by human labels" if judge.corrected else judge.reason
    lines = [
        f"## {AXIS_TITLES[curve.axis]}: {curve_name(curve)}",
        "",
        (
            f"{curve.n_questions} questions × {curve.n_draws} draws; {curve.estimand} budgets; {grader_text}; "
            f"{correction_text}."
        ),
        f"1 means {good}; {_raw_score(curve)}.",
        "",
        head,
        "|---|---|---|---|---|---|---|---|",
        *(_row(point) for point in curve.points),
        "",
        f"Shape: {', '.join(shapes) or 'not tested'}. A plateau is {'shown' if curve.plateau.shown else 'not shown'}.",
    ]
    lines += _turns(curve)
    if curve.hypothesis is not None:
        lines.append(_hypothesis(curve.hypothesis, {point.rung: _rung(point) for point in curve.points}))
    if curve.extreme is not None:
        lines.append(f"The task is at its {curve.extreme}: a change in one direction cannot be seen.")
    return [*lines, ""]


def _raw_score(curve: Curve) -> str:
    if curve.raw_high_means is None:
        return f"what a high raw score means is {NOT_KNOWN}: values were taken as they stood"
    return f"a high raw score means {curve.raw_high_means}"


def _turns(curve: Curve) -> list[str]:
    """Return the sentence on the largest rise and the largest fall; a size stands only where it is shown."""
    levels = {point.rung: limit(point) for point in curve.points}
    texts = []
    for metric, turn in ((Metric.RISE, curve.plateau.rise), (Metric.DRAWDOWN, curve.plateau.drawdown)):
        if turn is None or turn.size.low is None or turn.size.high is None:
            continue
        word, low, high = TURN_WORDS[metric], turn.size.low, turn.size.high
        start, end = levels[turn.from_rung], levels[turn.rung]
        shown = shown_turn_text(word, low, high, start=start, end=end)
        texts.append(shown if low > 0 else no_turn_text(word, high, in_list=True))
    return [f"Sizes, over all pairs of rungs: {'; '.join(texts)}."] if texts else []


def _hypothesis(hypothesis: Hypothesis, levels: Mapping[int, str]) -> str:
    """Return the sentences on a hypothesis with directions."""
    if not hypothesis.parts:
        return untested_text(hypothesis.claim, hypothesis.reason, is_registered=hypothesis.registered)
    _, parts = regimes_and_parts(hypothesis.claim)
    results = [
        PartResult(
            part=part,
            label=HypothesisLabel(verdict.verdict),
            estimate=verdict.change.estimate,
            low=verdict.change.low,
            high=verdict.change.high,
            level=verdict.change.level,
            n_questions=verdict.n_questions,
            questions_needed=verdict.questions_needed,
            rungs=(levels[verdict.from_rung], levels[verdict.rung]),
            reason=verdict.reason,
        )
        for verdict, part in zip(hypothesis.parts, parts or (), strict=True)
    ]
    whole = whole_text(HypothesisLabel(hypothesis.verdict), hypothesis.reason)
    texts = part_texts(results, is_registered=hypothesis.registered)
    return " ".join(texts if len(results) == 1 else [*texts, whole])


def _rung(point: Point) -> str:
    return limit(point) if point.requested_tokens is None else f"{point.requested_tokens:,}"


def _level(curve: Curve) -> str:
    levels = {point.value.level for point in curve.points if point.value.level is not None}
    return f"{100 * levels.pop():g}%" if len(levels) == 1 else ""


def _row(point: Point) -> str:
    attempt_tokens = point.attempt_tokens.estimate
    cells = [
        limit(point),
        "unknown" if attempt_tokens is None else f"{fixed(attempt_tokens, 1)} tokens",
        f"{point.cost.value:.3g}" if point.cost.basis == "tokens" else "none",
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


def _list_section(title: str, lines: Iterable[str]) -> list[str]:
    items = [f"- {line}" for line in lines]
    return [f"## {title}", "", *(items or ["- none"]), ""]


def _evidence(statement: Statement) -> list[str]:
    evidence = statement.evidence
    hashes = {name: getattr(evidence, f"{name}_sha256") for name in ("plan", "pool", "findings", "oversight")}
    return [
        "## Evidence",
        "",
        (
            f"Statement {statement.id}, made {statement.created} by overthink {evidence.overthink}, "
            f"{evidence.findings} findings."
        ),
        "",
        *(f"- {name}: `{sha256}`" for name, sha256 in hashes.items() if sha256 is not None),
        "",
        "The id is a hash of all facts of this statement. It is no signature: who changes a fact can compute another.",
        "`overthink check statement.json --study STUDY` computes every fact again from the pool.",
    ]


def _cell(text: str) -> str:
    """Return the text of a table cell, with escaped bars."""
    return text.replace("|", "\\|").replace("\n", " ")
