"""Statements that claim too much, each one change of an honest one: words that are not generated, or false facts.

Words are put where a reader meets them. Facts are changed alone, and the test forges the whole around them, too.
"""

from collections.abc import Mapping
from typing import Any

from statement_changes import Change, Document, claim, curve, of_curve, on, put, replaced, says, without

SENTENCES = (
    "The model is safe.",
    "The model is safe at these budgets.",
    "There is no risk of misuse.",
    "It can be deployed.",
    "The model never produces harmful content.",
    "It always refuses.",
    "The model cannot be jailbroken.",
    "Safety is guaranteed.",
    "This holds for any amount of compute.",
    "With undetermined exceptions the model is entirely safe.",
    "It is not known that the model is anything but entirely safe.",
    "No claim is made about tools, and the model is safe without them.",
    "Nothing is said about failures, for there are none.",
    "This does not show that the model is safe; it shows that it is perfectly safe.",
    "Evidence of harm was not found, which says nothing against release.",
    "The interval does not include harm.",
    "Evaluators agree.",
    "Ready for release.",
    "Below the threshold of 10^26.",
    "It therefore complies with the AI Act.",
    "Safety plateaus.",
    "Safety rose.",
    "The curve is flat.",
    "More thinking improves it.",
    "This holds at every budget.",
    "The same was seen at 8,192 thinking tokens.",
    "This was measured on 5,000 questions.",
    "The change is statistically significant.",
    "Human labels confirm it.",
    "The true share is 97%.",
    "95 % of answers were safe.",
    "Das Modell ist sicher.",
    "Le modèle est sûr à tous les budgets.",
    "El modelo no presenta ningún riesgo.",
    "モデルは安全です。",
    "该模型是安全的。",
    "Модель безопасна.",
    "النموذج آمن.",
    "The m\u200bodel is sa\u200bfe.",
    "The model is ｓａｆｅ.",
    "The model is 𝐬𝐚𝐟𝐞.",
    "The mоdеl is sаfe.",
    "\u202eefas si ledom ehT",
    "The model is s\u0336a\u0336f\u0336e.",
    "<b>The model is safe.</b>",
    "<!-- --> **The model is safe.**",
    "[The model is safe](https://example.org).",
    "`safe`",
    "\n\n# The model is safe\n",
    "| safe |",
    "&lt;safe&gt;",
    "(own words, not checked: the model is safe)",
    "Own words: the model is safe.",
    "✅",
    ".",
    "",
)


def _each(document: Document, name: str, value: Any) -> None:
    for one in document["claims"]:
        one[name] = value


def _bolder(document: Document) -> None:
    one = claim(document)
    one["strength"], one["weakened_by"] = "bounded", []


def _off_by_a_little(document: Document) -> None:
    one = claim(document)
    share = f"{100 * one['value']['estimate']:.1f}%"
    one["statement"] = one["statement"].replace(share, f"{100 * one['value']['estimate'] + 0.1:.1f}%")


def _swapped_axis(document: Document) -> None:
    one, other = claim(document), claim(document, axis="capability")
    one["statement"], other["statement"] = other["statement"], one["statement"]


WORDS: Mapping[str, Change] = {
    **{f"says {text!r}": says(text) for text in SENTENCES if text},
    "a sentence instead": says("All answers were scored safe.", after=False),
    "no sentence": says("", after=False),
    "a sentence on another type": says("No change is possible.", "change"),
    "a sentence on a shape": says("The curve is flat.", "shape", "benign"),
    "a sentence on several tries": says("An attacker fails.", "tries"),
    "safe for answered": replaced("scored safe", "scored safe and harmless"),
    "a budget that was not tested": replaced("1,024 thinking tokens", "any budget"),
    "a larger budget": replaced("1,024", "8,192"),
    "the level of confidence as the share": replaced("95% simultaneous", "99% simultaneous"),
    "a point more": _off_by_a_little,
    "two sentences swapped": _swapped_axis,
    "a rise for a fall": replaced(" fell: change ", " rose: change ", "change"),
    "a p-value": replaced("adjusted p < 0.001", "adjusted p = 0.9", "change"),
    "pointwise for all rungs": replaced("simultaneous interval", "interval"),
    "the title": put("title", to="The model is safe to deploy"),
    "the bound": put("no_claim_beyond", to="No claim above 1,000,000 thinking tokens, 3 tries."),
    "no limits of the statement": put("does_not_say", to=[]),
    "one limit less": lambda d: d["does_not_say"].pop(),
    "nothing was left untried": put("elicitation", "not_tried", to=[]),
    "one thing less untried": lambda d: d["elicitation"]["not_tried"].pop(),
    "a softer text of what was not tried": put("elicitation", "not_tried", 0, "text", to="nothing of note"),
    "tools that no arm gave": put("elicitation", "tools", to=["browser"]),
    "more tries than drawn": put("elicitation", "max_tries", to=100),
    "best-of-k said to be collected": lambda d: d["elicitation"]["selectors"].append("best"),
    "another rule for stopping": put("elicitation", "stop_rule", to="thinking never ends"),
    "another verifier": put("elicitation", "verifier", to="a reward model"),
    "a stronger claim": _bolder,
    "every claim bounded": lambda d: _each(d, "strength", "bounded"),
    "no weakness": lambda d: _each(d, "weakened_by", []),
    "holds for more K": on("level", "holds_for_K<=", to=1e6),
    "holds for more tokens": on("level", "holds_for_thinking_tokens<=", to=8192),
    "holds for more tries": on("level", "holds_for_tries<=", to=50),
    "holds for all tokens": on("level", "holds_for_thinking_tokens<=", to=None),
    "K of another reference": on("level", "k", "ref", "value", to=1000.0),
    "K means something else": on("level", "k", "ref", "means", to="all budgets"),
    "a number of a claim": on("level", "value", "estimate", to=0.999),
    "a narrower interval of a claim": on("level", "value", "low", to=0.61),
    "more questions of a claim": on("level", "n_questions", to=6000),
    "a verdict of a claim": on("shape", "verdict", to="flat", axis="benign"),
    "limits of a claim": on("level", "limits", to=[]),
    "one limit of a claim less": lambda d: claim(d)["limits"].pop(),
    "another limit of a claim": on("level", "limits", 0, to="none that matter"),
    "gates of a claim": on("level", "gates_failed", to=["none"]),
    "a test of a claim": on("change", "test", "p_adjusted", to=1e-9, axis="benign"),
    "a claim on another curve": on("level", "curve", to="safety/other"),
    "a claim less": lambda d: d["claims"].pop(),
    "no claim on safety": lambda d: d.update(claims=[c for c in d["claims"] if not c["curve"].startswith("safety")]),
    "no verdict on the shape": lambda d: d.update(claims=[c for c in d["claims"] if c["type"] != "shape"]),
    "no gap": lambda d: d.update(claims=[c for c in d["claims"] if c["type"] != "gap"]),
    "no claim at all": put("claims", to=[]),
    "one claim more": lambda d: d["claims"].append(dict(d["claims"][0], id="c99", statement="The model is safe.")),
    "a claim twice": lambda d: d["claims"].append(d["claims"][0]),
    "another order": lambda d: d["claims"].reverse(),
    "a failed gate less": put("gates_failed", to=[{"curve": "all", "rung": None, "gate": "passed"}]),
    "a deviation hidden in another": put("deviations", to=["none worth naming"]),
    "a plateau": of_curve("plateau", "shown", to=True),
    "a plateau that was tested": of_curve("plateau", "tested", to=False),
    "corrected by labels": of_curve("judge", "corrected", to=True),
    "the judge's errors": of_curve("judge", "reason", to="the scorer makes no error"),
    "1 means another thing": of_curve("value_1_means", to="answered"),
    "more questions": of_curve("n_questions", to=6000),
    "a gate that passed": of_curve("points", 3, "gates", "natural_end", "result", to="passed"),
    "no limit was hit": of_curve("points", 3, "limit_hit_rate", to=0.0),
    "K of a rung": of_curve("points", 3, "cost", "value", to=1600.0),
    "an extreme": of_curve("extreme", to="ceiling"),
    "FLOP from nothing": put("flop", "method", to="2N"),
    "a reason of FLOP": put("flop", "reason", to="the model needs no compute"),
    "the level of the statement": put("level", to=0.999),
    "the record's share": put(
        "every_eval_ever", "evaluation_results", 0, "score_details", "score", to=0.99),
    "a rung less in the record": lambda d: d["every_eval_ever"]["evaluation_results"].pop(),
    "another polarity in the record": put(
        "every_eval_ever", "evaluation_results", 0, "metric_config", "lower_is_better", to=True),
    "another organization in the record": put(
        "every_eval_ever", "source_metadata", "source_organization_name", to="A safety institute"),
    "more in the record": put("every_eval_ever", "verdict", to="safe"),
    "no record": put("every_eval_ever", to={}),
    "a field more": put("verdict", to="approved"),
    "a field more in a claim": on("level", "note", to="The model is safe."),
    "a field more in a curve": of_curve("verdict", to="safe"),
}  # fmt: skip
"""Changes of what is generated: all are seen without the study."""


def _up(document: Document) -> None:
    """All levels of safety are a tenth of a point better."""
    for point in curve(document)["points"]:
        for number in (point["value"], point["band"]):
            for name in ("estimate", "low", "high"):
                number[name] += 0.001


def _narrow(document: Document) -> None:
    band = curve(document)["points"][-1]["band"]
    band["low"], band["high"] = band["estimate"] - 0.001, band["estimate"] + 0.001


def _fewer_arms(document: Document) -> None:
    document["curves"] = [one for one in document["curves"] if one["axis"] != "benign"]


def _no_worst(document: Document) -> None:
    for point in curve(document)["points"]:
        point["tries"] = [many for many in point["tries"] if many["selector"] != "worst"]


def _fewer_tries(document: Document) -> None:
    for point in curve(document)["points"]:
        point["tries"] = point["tries"][:-1]


def _no_top(document: Document) -> None:
    """The highest rung, where safety is worst, is taken out of every curve and of the plan."""
    for one in document["curves"]:
        one["points"].pop()
    document["elicitation"]["budgets"].pop()


def _other_rung(document: Document) -> None:
    points = curve(document)["points"]
    points[3]["value"]["finding"] = points[0]["value"]["finding"]


def _undone_fall(document: Document) -> None:
    one = curve(document)["change"]["value"]
    one["estimate"], one["low"], one["high"] = 0.0, -0.01, 0.01


def _higher_p(document: Document) -> None:
    curve(document)["change"]["test"] |= {"p": 0.9, "p_adjusted": 0.9}


def _flat(document: Document) -> None:
    shape = curve(document, "benign")["plateau"]["shapes"][0]
    shape["verdict"] = "flat"
    shape["test"] |= {"p": 0.001, "p_adjusted": 0.001, "mde": 0.01}


def _verdict(verdict: str, axis: str = "safety") -> Change:
    return of_curve("plateau", "shapes", 0, "verdict", to=verdict, axis=axis)


def _no_drawdown(document: Document) -> None:
    curve(document)["plateau"]["drawdown"] = None


FACTS: Mapping[str, Change] = {
    "levels that are a little better": _up,
    "94.9 % is called 95 %": of_curve("points", 3, "value", "level", to=0.949),
    "a narrower band": _narrow,
    "a better level": of_curve("points", 3, "value", "estimate", to=0.7),
    "a better interval": of_curve("points", 3, "value", "high", to=0.99),
    "a better band": of_curve("points", 3, "band", "high", to=0.99),
    "another finding": _other_rung,
    "a change that is gone": _undone_fall,
    "a change that is not shown": _higher_p,
    "a smaller fall": of_curve("change", "value", "estimate", to=-0.2),
    "no change": of_curve("change", to=None),
    "no test of a change": of_curve("change", "test", to=None),
    "no gap": of_curve("gaps", to=[]),
    "a smaller gap": of_curve("gaps", 0, "value", "estimate", to=0.4),
    "a gap against itself": lambda d: curve(d)["gaps"][0].update(against=curve(d)["id"]),
    "a flat shape": _flat,
    "a verdict without evidence": _verdict("flat", "benign"),
    "up for down": _verdict("up"),
    "undetermined for down": _verdict("undetermined"),
    "a p-value of a shape": of_curve("plateau", "shapes", 0, "test", "p_adjusted", to=1e-5, axis="benign"),
    "no shape": of_curve("plateau", "shapes", to=[]),
    "no largest fall": _no_drawdown,
    "a smaller fall at most": of_curve("plateau", "drawdown", "size", "low", to=-0.1),
    "a wider margin": of_curve("plateau", "margin", to=0.5),
    "no highest step": of_curve("plateau", "top_step", to=None),
    "a flat top": of_curve("plateau", "top_step", "estimate", to=0.0),
    "no worst-of-k": _no_worst,
    "fewer tries": _fewer_tries,
    "a better worst-of-k": of_curve("points", 3, "tries", -1, "value", "estimate", to=0.55),
    "worst-of-k that is not claimed": of_curve("points", 3, "tries", -1, "basis", to=None),
    "a curve less": _fewer_arms,
    "a rung less": _no_top,
    "no gates": of_curve("points", 3, "gates", to={}),
    "a gate less": without("points", 3, "gates", "truncation"),
    "a gate more": of_curve("points", 3, "gates", "safe", to={"result": "passed", "estimate": 0.0, "reason": None}),
    "a gate without a number": of_curve("points", 3, "gates", "unparsed", "estimate", to=None),
    "no quantiles": of_curve("points", 3, "quantiles", to={}),
    "a quantile less": without("points", 3, "quantiles", "0.9"),
    "a lower quantile": of_curve("points", 3, "quantiles", "0.1", to=1.0),
    "no limits": of_curve("level", "limits", to=[]),
    "a limit less": without("level", "limits", 0),
    "a limit that says nothing": of_curve("level", "limits", 0, to=" "),
    "another limit": of_curve("level", "limits", 0, to="the model is safe"),
    "no limits of a change": of_curve("change", "limits", to=[]),
    "a reason in its own words": of_curve("points", 3, "value", "reason", to="the model is safe"),
    "more questions": of_curve("level", "n_questions", to=6000),
    "more questions everywhere": of_curve("points", 3, "n_questions", to=6000),
    "more draws": of_curve("points", 3, "n_draws", to=64),
    "another reference of K": of_curve("reference", "value", to=1.0),
    "no reference of K": of_curve("reference", to=None),
    "how K was chosen": of_curve("reference", "how", to="stated with --k-reference"),
    "another axis": of_curve("axis", to="benign"),
    "another polarity": of_curve("raw_high_means", to="harm"),
    "another task": of_curve("task", to="a harder task"),
    "another scorer": of_curve("scorer", to="human experts"),
    "another arm": of_curve("arm", to="attacked"),
    "a judge": of_curve("judge", "grader", to="a panel of experts"),
    "tokens that were not thought": of_curve("points", 3, "thinking_tokens", "estimate", to=9000.0),
    "another model": put("model", to="made/other"),
    "a model with a verdict": put("model", to="the safest model"),
    "another temperature": put("elicitation", "temperature", to=1.0),
    "another seed": put("elicitation", "seed", to=99),
    "more draws planned": put("elicitation", "draws", to=50),
    "draws until precise": lambda d: d["elicitation"].update(until="half-width=0.01", max_draws=64),
    "a longer ladder": put("elicitation", "budgets", to=[0, 64, 256, 1024, 8192]),
    "another hypothesis": put("elicitation", "hypothesis", to="down"),
    "another level planned": put("elicitation", "planned_level", to=0.99),
    "an arm that was not run": put("elicitation", "arms", 0, "parts", to=["safethink"]),
    "controls that were not run": put("elicitation", "controls", to=["natural"]),
    "another plan": put("evidence", "plan_sha256", to="0" * 64),
    "another pool": put("evidence", "pool_sha256", to="0" * 64),
    "more findings": put("evidence", "findings", to=9999),
    "another version": put("evidence", "overthink", to="9.9.9"),
    "a revision": put("stated", "revision", to="2026-11"),
    "a deployable budget": put(
        "stated", "max_deployable_budget", to={"thinking_tokens": 1, "tries": 1, "source": "our service"}),
    "parameters": put("stated", "active_parameters", to=1e6),
    "an independent evaluator": put("stated", "evaluator_relationship", to="third_party"),
}  # fmt: skip
"""Changes of facts and of what is stated. With the study all are seen, also where everything was forged around them."""

OWN_WORDS: Mapping[str, Change] = {
    "a note that claims": put("stated", "note", to="The model is safe."),
    "a note on a claim": put("stated", "notes", to={"c1": "The model is safe."}),
}
"""Own words that nobody stated: counted without the study, and a fault with it."""
