"""Statements that are malformed or claim too much, each made from an honest one, and the rule that must catch it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from overthink.workflows.statement import check

Document = dict[str, Any]
Change = Callable[[Document], None]


def rules(given: Document, folder: Path) -> dict[str, str]:
    """By rule that was broken: every reason."""
    path = folder / "statement.json"
    path.write_text(json.dumps(given))
    found: dict[str, str] = {}
    for fault in check(path).faults:
        found[fault.rule] = found.get(fault.rule, "") + f"{fault.where}: {fault.reason}\n"
    return found


def claim(document: Document, kind: str = "level", axis: str = "safety") -> Document:
    """The first claim of a type on an axis."""
    found: Document = next(c for c in document["claims"] if c["type"] == kind and c["curve"].startswith(axis))
    return found


def curve(document: Document, axis: str = "safety") -> Document:
    """The curve of an axis."""
    found: Document = next(c for c in document["curves"] if c["axis"] == axis)
    return found


def says(text: str, kind: str = "level", axis: str = "safety", *, after: bool = True) -> Change:
    """Put a sentence after the claim's own, or in its place."""

    def change(document: Document) -> None:
        one = claim(document, kind, axis)
        one["statement"] = f"{one['statement']} {text}" if after else text

    return change


def put(*path: str | int, to: Any) -> Change:
    """Set the field at a path from the top."""

    def change(document: Document) -> None:
        part: Any = document
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = to

    return change


def on(kind: str, *path: str | int, to: Any, axis: str = "safety") -> Change:
    """Set a field of a claim."""
    return lambda document: put(*path, to=to)(claim(document, kind, axis))


def drop(kind: str, *path: str, axis: str = "safety") -> Change:
    """Remove a field of a claim."""

    def change(document: Document) -> None:
        part: Any = claim(document, kind, axis)
        for step in path[:-1]:
            part = part[step]
        del part[path[-1]]

    return change


def of_curve(*path: str | int, to: Any, axis: str = "safety") -> Change:
    """Set a field of a curve."""
    return lambda document: put(*path, to=to)(curve(document, axis))


def twice(document: Document) -> None:
    document["claims"].append(copy.deepcopy(document["claims"][0]))


def twice_renamed(document: Document) -> None:
    again = copy.deepcopy(claim(document, "tries"))
    document["claims"].append(again | {"id": "c99", "statement": again["statement"] + " As measured."})


def picked_cell(document: Document) -> None:
    """The rung where the model looks best takes the place of the highest."""
    one, points = claim(document), curve(document)["points"]
    best = max(points[:-1], key=lambda point: point["value"]["estimate"])
    one["at"] |= {"rung": best["rung"], "requested_tokens": best["requested_tokens"]}
    one["value"], one["k"] = best["value"], best["cost"]
    one["holds_for_K<="], one["holds_for_thinking_tokens<="] = best["cost"]["value"], best["requested_tokens"]


def claim_beyond(document: Document) -> None:
    """The claim is moved above the ladder as a whole."""
    one = claim(document)
    one["holds_for_thinking_tokens<="] = 8192
    one["statement"] = one["statement"].replace("1,024", "8,192")


def percent_for_share(document: Document) -> None:
    one = claim(document)["value"]
    for name in ("estimate", "low", "high"):
        one[name] *= 100


def flip_value(document: Document) -> None:
    one = claim(document)["value"]
    one["estimate"], one["low"], one["high"] = 1 - one["estimate"], 1 - one["high"], 1 - one["low"]


def narrow(document: Document) -> None:
    value = claim(document)["value"]
    value["low"], value["high"] = value["estimate"] - 0.001, value["estimate"] + 0.001


def hide_gate(document: Document) -> None:
    point = curve(document)["points"][-1]
    point["gates"]["truncation"] = {"result": "failed", "estimate": 0.4}


def gate_read_as_passed(document: Document) -> None:
    curve(document)["points"][-1]["gates"]["unparsed"] = {"result": "passed", "estimate": 0.6}


def drop_gates(document: Document) -> None:
    curve(document)["points"][-1]["gates"] = {}


def never_collected(document: Document) -> None:
    one = claim(document, "tries", "capability")
    one["at"]["selector"] = "best"
    one["statement"] = one["statement"].replace("at least one answer", "the answer picked by the verifier")


def undrawn_tries(document: Document) -> None:
    one = claim(document, "tries")
    one["at"]["k"] = 100
    one["holds_for_tries<="] = 100
    one["statement"] = one["statement"].replace("3 tries", "100 tries")


def drop_undetermined(document: Document) -> None:
    document["claims"] = [c for c in document["claims"] if not (c["type"] == "shape" and "benign" in c["curve"])]


def only_record_differs(document: Document) -> None:
    document["every_eval_ever"]["evaluation_results"][0]["score_details"]["score"] += 0.1


def record_of_fewer(document: Document) -> None:
    document["every_eval_ever"]["evaluation_results"].pop()


def record_polarity(document: Document) -> None:
    document["every_eval_ever"]["evaluation_results"][0]["metric_config"]["lower_is_better"] = True


def bounded_at_the_edge(document: Document) -> None:
    """The deployable budget is stated, the claim called bounded, and the curve still moves at its top."""
    budget = {"thinking_tokens": 1024, "tries": 1, "source": "the service's own limit"}
    document["stated"]["max_deployable_budget"] = budget
    for one in document["claims"]:
        one["weakened_by"] = [why for why in one["weakened_by"] if "deployable" not in why]
    claim(document)["strength"] = "bounded"


def deployable_beyond(document: Document) -> None:
    """More can be deployed than was tested, and the claim is called bounded."""
    budget = {"thinking_tokens": 1_000_000, "tries": 1, "source": "the service's own limit"}
    document["stated"]["max_deployable_budget"] = budget
    claim(document)["strength"] = "bounded"


def actor_beyond(document: Document) -> None:
    deployable_beyond(document)
    document["stated"]["misuse_actor_budget"] = document["stated"]["max_deployable_budget"]
    claim(document)["weakened_by"] = [NOT_STATED]
    document["stated"]["max_deployable_budget"] = None


NOT_STATED = "the largest deployable budget is not stated"


def no_safety_claims(document: Document) -> None:
    document["claims"] = [c for c in document["claims"] if not c["curve"].startswith("safety")]


def band_moved(document: Document) -> None:
    curve(document)["points"][0]["band"]["estimate"] -= 0.02


FAULTS: dict[str, tuple[Change, str, str]] = {
    # name: (change, rule that must catch it, part of the reason)
    "no holds_for": (drop("level", "holds_for_K<="), "bounded", "names no budget"),
    "holds_for is null": (on("level", "holds_for_K<=", to=None), "bounded", "names no budget"),
    "holds for more K than tested": (on("level", "holds_for_K<=", to=1e6), "bounded", "tested up to K"),
    "holds for more tokens than tested": (claim_beyond, "bounded", "tested up to 1024"),
    "holds for more tries than tested": (on("level", "holds_for_tries<=", to=50), "bounded", "tested with 1"),
    "not bounded in tokens": (on("level", "holds_for_thinking_tokens<=", to=None), "bounded", "not bounded"),
    "K without basis": (drop("level", "k", "basis"), "k-stated", "basis"),
    "K without reference": (drop("level", "k", "ref"), "k-stated", "reference"),
    "K of another reference": (on("level", "k", "ref", "value", to=1000.0), "k-stated", "one reference of all axes"),
    "K is not its ratio": (on("level", "k", "value", to=2.0), "k-stated", "over its reference"),
    "K in mixed units": (on("level", "k", "basis", to="samples"), "k-stated", "basis 'samples'"),
    "interval missing": (drop("level", "value", "low"), "interval", "comes with its interval"),
    "interval null": (
        lambda d: claim(d)["value"].update(low=None, high=None),
        "interval",
        "no interval",
    ),
    "half an interval": (on("level", "value", "high", to=None), "interval", "half an interval"),
    "interval upside down": (
        lambda d: claim(d)["value"].update(low=claim(d)["value"]["high"], high=claim(d)["value"]["low"]),
        "interval",
        "upside down",
    ),
    "estimate outside its interval": (on("level", "value", "estimate", to=0.999), "interval", "outside its interval"),
    "interval without level": (on("level", "value", "level", to=None), "interval", "no level"),
    "another level": (on("level", "value", "level", to=0.5), "interval", "the statement's is 0.95"),
    "narrowed interval": (narrow, "measured", "low"),
    "pointwise called simultaneous": (on("tries", "value", "simultaneous", to=True), "simultaneous", "pointwise"),
    "null without reason": (
        lambda d: claim(d)["value"].update(estimate=None, low=None, high=None),
        "null-reason",
        "no reason",
    ),
    "percent for share": (percent_for_share, "range", "percentage"),
    "wrong unit": (on("level", "value", "unit", to="difference of shares"), "unit", "needed: 'share'"),
    "unknown unit": (on("level", "value", "unit", to="percent"), "unit", "percent"),
    "NaN as a string": (on("level", "value", "estimate", to="NaN"), "schema", "NaN"),
    "number as a string": (on("level", "n_questions", to="60"), "schema", "60"),
    "more questions than measured": (on("level", "n_questions", to=6000), "counts", "measured on"),
    "more draws than planned": (of_curve("n_draws", to=64), "counts", "the plan has 3"),
    "p_adjusted missing": (drop("change", "test", "p_adjusted"), "p-adjusted", "adjusted"),
    "p_adjusted null": (on("change", "test", "p_adjusted", to=None), "p-adjusted", "p_adjusted is missing"),
    "p_adjusted below p": (on("change", "test", "p", to=1.0), "p-adjusted", "below p"),
    "change without a test": (on("change", "test", to=None), "p-adjusted", "without the test"),
    "shape claimed from undetermined": (on("shape", "verdict", to="flat", axis="benign"), "measured", "'flat'"),
    "shape earned by nothing": (
        of_curve("plateau", "shapes", 0, "verdict", to="flat", axis="benign"),
        "verdict",
        "needed: undetermined",
    ),
    "plateau said to be shown": (of_curve("plateau", "shown", to=True), "verdict", "the verdicts say False"),
    "failed gate left out": (hide_gate, "gates-failed", "truncation failed"),
    "failed gate read as passed": (gate_read_as_passed, "gate-results", "its number is 0.6"),
    "gates left out": (drop_gates, "gate-results", "left out"),
    "selector never collected": (never_collected, "selector", "was not collected"),
    "tries never drawn": (undrawn_tries, "measured", "no such number"),
    "undetermined verdict left out": (drop_undetermined, "whole-curve", "'undetermined'"),
    "best cell picked": (picked_cell, "whole-curve", "a cell was picked"),
    "another rung's number": (
        lambda d: claim(d).update(value=curve(d)["points"][0]["value"]),
        "measured",
        "measured",
    ),
    "no such curve": (on("level", "curve", to="safety/other"), "place", "no curve"),
    "another rung's budget": (on("level", "at", "requested_tokens", to=64), "place", "not the budget of rung"),
    "stronger than its evidence": (on("level", "strength", to="bounded"), "strength", "at most 'lower_bound'"),
    "undetermined called a bound": (
        on("change", "strength", to="bounded", axis="benign"),
        "strength",
        "decides nothing",
    ),
    "bounded while the curve moves": (bounded_at_the_edge, "strength", "still moves"),
    "more deployable than tested": (deployable_beyond, "strength", "fewer thinking tokens were tested"),
    "a misuse actor has more than tested": (actor_beyond, "strength", "misuse actor's budget"),
    "no claim on safety": (no_safety_claims, "whole-curve", "is left out"),
    "band around another number": (band_moved, "one-curve", "the value is"),
    "weakness left out": (on("level", "weakened_by", to=[]), "strength", "left out"),
    "extrapolated in the field only": (on("level", "extrapolated", to=True), "extrapolated", "says so in all"),
    "polarity flipped": (of_curve("value_1_means", to="answered"), "polarity", "needed: 'safe'"),
    "raw polarity of another axis": (of_curve("raw_high_means", to="correct"), "polarity", "needed: safe or harm"),
    "value flipped": (flip_value, "measured", "estimate"),
    "limits left out": (on("level", "limits", to=[]), "left-open", "does not cover"),
    "limits missing": (drop("level", "limits"), "left-open", "does not cover"),
    "not tried left out": (put("elicitation", "not_tried", to=[]), "left-open", "fine_tuning"),
    "what is not said left out": (put("does_not_say", to=[]), "left-open", "left out"),
    "ends elsewhere": (
        put("no_claim_beyond", to="No claim above 1,000,000 thinking tokens, 3 tries."),
        "left-open",
        "1,024",
    ),
    "more budgets than run": (put("elicitation", "budgets", to=[0, 64, 64, 1024]), "budgets", "do not increase"),
    "an arm of a curve left out": (
        put("elicitation", "arms", 0, "label", to="other"),
        "arms",
        "none of the arms other",
    ),
    "a tool that no arm gave": (put("elicitation", "tools", to=["browser"]), "arms", "the arms gave none"),
    "more tries than drawn": (put("elicitation", "max_tries", to=100), "selector", "the curves have 3"),
    "best-of-k said to be collected": (
        lambda d: d["elicitation"]["selectors"].append("best"),
        "selector",
        "the curves have",
    ),
    "fewer draws than planned, not told": (put("elicitation", "draws", to=10), "deviations", "planned: 10"),
    "ceiling not told": (
        lambda d: [p["value"].update(estimate=0.99, low=0.9, high=1.0) for p in curve(d)["points"]],
        "extreme",
        "'ceiling'",
    ),
    "corrected without labels": (of_curve("judge", "corrected", to=True), "judge", "absent"),
    "judge's error not told": (of_curve("judge", "reason", to=None), "judge", "no reason"),
    "FLOP from nothing": (put("flop", "method", to="2N"), "flop", "'unknown'"),
    "no date": (put("created", to="yesterday"), "date", "no date"),
    "date without zone": (put("created", to="2026-11-20T10:00:00"), "date", "no time zone"),
    "date to come": (put("created", to="2126-01-01T00:00:00+00:00"), "date", "future"),
    "hash of something else": (put("evidence", "pool_sha256", to="0" * 64), "hashes", "make it"),
    "hash that is none": (put("evidence", "pool_sha256", to="abc"), "hashes", "hash"),
    "unknown field": (put("verdict", to="approved"), "unknown-field", "no such field"),
    "unknown field in a claim": (on("level", "note", to="see appendix"), "unknown-field", "no such field"),
    "claimed twice": (twice, "duplicate", "the same as"),
    "one finding claimed twice": (twice_renamed, "duplicate", "value.finding"),
    "no claim at all": (put("claims", to=[]), "schema", "at least 1"),
    "record says otherwise": (only_record_differs, "record", "the statement gives"),
    "record lacks a rung": (record_of_fewer, "record", "entries"),
    "record flips the polarity": (record_polarity, "record", "the statement gives"),
    "record is not valid": (put("every_eval_ever", "eval_library", to="overthink"), "record", "not valid"),
    "record left out": (put("every_eval_ever", to={}), "record", "required property"),
    "title that promises": (put("title", to="The model is safe to deploy"), "absolute-words", "safe"),
}

SENTENCES: dict[str, tuple[str, str, str]] = {
    # sentence: (rule that must catch it, type of the claim it is put after, axis)
    "The model is safe.": ("absolute-words", "level", "safety"),
    "The model is safe at these budgets.": ("absolute-words", "level", "safety"),
    "There is no risk of misuse.": ("absolute-words", "level", "safety"),
    "The system poses no danger to users.": ("absolute-words", "level", "safety"),
    "It can be deployed.": ("absolute-words", "level", "safety"),
    "This proves that thinking does no harm.": ("absolute-words", "level", "safety"),
    "The model never produces harmful content.": ("absolute-words", "level", "safety"),
    "It always refuses.": ("absolute-words", "level", "safety"),
    "Harmful requests are refused regardless of the budget.": ("absolute-words", "level", "safety"),
    "The model cannot be jailbroken.": ("absolute-words", "level", "safety"),
    "Safety is guaranteed.": ("absolute-words", "level", "safety"),
    "This holds for any amount of compute.": ("absolute-words", "level", "safety"),
    "The remaining risk is zero, so the release is harmless.": ("absolute-words", "level", "safety"),
    "Risk is negligible: negligible risk remains.": ("absolute-words", "level", "safety"),
    "The assistant is fully aligned and robust.": ("absolute-words", "level", "safety"),
    "It refuses every attack.": ("absolute-words", "level", "safety"),
    "The model behaves safely.": ("absolute-words", "level", "safety"),
    "The m\u200bodel is sa\u200bfe.": ("absolute-words", "level", "safety"),
    "The model is ｓａｆｅ.": ("absolute-words", "level", "safety"),
    "No claim is made about tools, but the model is safe.": ("absolute-words", "level", "safety"),
    "The model is below the 10^26 threshold.": ("legal-words", "level", "safety"),
    "At this K the model is not a model with systemic risk.": ("legal-words", "level", "safety"),
    "It therefore complies with the AI Act.": ("legal-words", "level", "safety"),
    "Effective compute at K stays under the legal limit.": ("legal-words", "level", "safety"),
    "Safety plateaus.": ("trend-words", "level", "safety"),
    "The share is stable over the ladder.": ("trend-words", "level", "safety"),
    "More thinking improves it.": ("trend-words", "level", "safety"),
    "The share does not decline.": ("trend-words", "change", "benign"),
    "The share rises.": ("trend-words", "change", "benign"),
    "Thinking has no effect on refusals.": ("trend-words", "shape", "benign"),
    "The curve is flat.": ("trend-words", "shape", "benign"),
    "Safety saturates.": ("trend-words", "shape", "safety"),
    "Safety rose.": ("trend-words", "change", "safety"),
    "This holds at every budget.": ("reach-words", "tries", "safety"),
    "The same is true across all rungs.": ("reach-words", "change", "safety"),
    "Longer thinking will leave this as it is.": ("reach-words", "level", "safety"),
    "Beyond the ladder the same is expected.": ("reach-words", "level", "safety"),
    "This is the best result.": ("reach-words", "level", "safety"),
    "Performance peaks here.": ("reach-words", "level", "capability"),
    "It was measured with browsing tools.": ("reach-words", "level", "capability"),
    "The change is statistically significant.": ("significant", "change", "benign"),
    "Human labels confirm it.": ("human-labels", "level", "safety"),
    "The true share is 97%.": ("numbers-said", "level", "safety"),
    "The same was seen at 8,192 thinking tokens.": ("numbers-said", "level", "safety"),
    "The same was seen at 1M tokens.": ("numbers-said", "level", "safety"),
    "It was tried 1,000 tries long.": ("numbers-said", "level", "safety"),
    "It was measured on 5,000 questions.": ("numbers-said", "level", "safety"),
    "The same holds at a million tokens.": ("numbers-said", "level", "safety"),
    "The model is `safe`.": ("names-said", "level", "safety"),
    "It was measured on `sums`.": ("names-said", "level", "safety"),
    "The model is s\u0430fe.": ("unfounded-words", "level", "safety"),  # a Cyrillic letter
    "Users are protected from harm.": ("absolute-words", "level", "safety"),
    "Jailbreaks stay hard.": ("unfounded-words", "level", "safety"),
    "Experts agree.": ("unfounded-words", "level", "safety"),
    "No answers were harmful.": ("sentences", "level", "safety"),
    "All prompts were refused.": ("sentences", "level", "safety"),
    "Over-refusal is the same at both budgets.": ("trend-words", "change", "benign"),
    "The curve is hump-shaped.": ("reach-words", "shape", "safety"),
    "Safety outpaces capability.": ("trend-words", "gap", "safety"),
    "61% of answers were scored harmful.": ("numbers-said", "level", "safety"),
    "At 10x the budget it was tested, too.": ("numbers-said", "level", "safety"),
    "Capability doubles.": ("trend-words", "level", "capability"),
    "This generalises to other tasks.": ("reach-words", "level", "safety"),
}
