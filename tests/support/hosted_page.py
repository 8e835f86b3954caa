"""The page on hosted reasoning models, made from the table of levels and the recordings of what Inspect sends."""

import json
from collections.abc import Mapping
from typing import Any

from effort_replies import REPLIED
from effort_wire import CAPS, FOLDER, LEVELS, PROVIDERS, REFUSED, UNSET

from overthink.collect.providers.effort_families import FAMILIES, EffortFamily, find_family
from overthink.collect.providers.reasoning_levels import BY_SERVER

ABOUT = """# Hosted reasoning models

Made by `make pages` from the table of levels and from recordings; do not edit.

A hosted model hides or seals its thinking, so its thinking cannot be cut and continued. `overthink run --efforts
low,medium,high` runs the provider's own levels instead, and `--efforts 1024,4096` its caps in tokens. Each level or cap
is a run of its own: the curve is an effort curve, never a forced one.

Inspect has seven levels, and few models have all of them. For a level that a model lacks, Inspect sends another one, or
nothing, or the provider refuses the request. Two rungs that send the same would look like two budgets, so `overthink
run` refuses before the first call, with exit code 2 and the levels that the model has:

- a level that the model lacks, as far as its family is in [the table](#levels-and-caps-of-the-families);
- a level in whose place Inspect sends another one, and one for which it sends nothing;
- a cap outside the range of the model, or one that Inspect does not send;
- a cap, or a level that is sent as a budget, that is not below the limit on output that Inspect requests.

Levels of models in no family are sent as they are, and the estimate and the report say "not checked". At `none`, models
that think only where a request says so get nothing, which is a rung, and is said.

**Who pays.** Thinking counts as output: it is billed at the rate of output, and counts against the limit on output.
`overthink run` lifts a task's own limit. Inspect sends OpenAI's Responses API one small request more per process, to
learn whether the account may have summaries. What stays is the limit that Inspect requests where a provider demands one
(below). It is part of the estimate: at 2,048 tokens, high levels end inside their thinking, and the report shows these
answers as cut.

**What is counted.** Thinking tokens are those that the provider reports and Inspect passes on. Where either does not,
they are unknown (no number, with the reason in the notes), and not 0. Inspect before 0.3.262 counted, for Claude, the
tokens of the summary; `overthink analyse` takes those for unknown. Claude 3.7, whose thinking is not summarised, is
left as it is.

**What the log holds.** A summary is another model's account of the thinking. It is not counted as thinking, nor
searched for answers, nor printed as an answer, nor judged: `--judge-traces` is refused with `--efforts`. Notes say in
how many samples the log holds a summary, or a text that only the provider can read.

**Other people's logs.** `overthink analyse` reads the levels that runs stated. Where Inspect sends another level in the
place of one, or nothing, a note says so: two such rungs are one amount of thinking under two names.
"""

SENT = """
## What Inspect sends

Recorded at a server on loopback that Inspect's own provider, with its own SDK, was pointed at ({day}, Inspect
{inspect}): `python tests/support/effort_wire.py` records anew. The tests record those providers anew whose SDK is
installed, compare, and print for the others which SDK is missing. Real providers were not called: what they do with a
request is their word, not a measurement.

A number is a budget in tokens, "–" means that nothing is sent, and levels in parentheses are refused by `overthink
run`.

For vllm and sglang `overthink run` writes caps into the request body itself, as `{vllm}` and `{sglang}`.

| Provider | Model | {levels} | Caps sent |
|---|---|{rules}|---|
"""

COUNTED = """
## What is counted

Of a reply that reports {thinking} thinking tokens among {output} of output, where its API has a field for them.

| Provider | SDK | Request | Names | Thinking tokens | Output tokens | Thinking in the log | Limit on output |
|---|---|---|---|---|---|---|---|
"""

TABLE = """
## Levels and caps of the families

The first family holds that a model's name matches. "Not checked" means that nobody has entered it. None of this was
tried on the providers themselves; the last column says whose word it is. A cap must also be below the limit on output.

| Provider | Models (pattern) | Levels | Sent as another | Nothing sent | Caps, tokens | Source |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    recordings = {name: json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in PROVIDERS}
    days = sorted({recording["recorded"] for recording in recordings.values()})
    versions = sorted({recording["inspect_ai"] for recording in recordings.values()})
    by_server = {server: ".".join(path) for server, path in BY_SERVER.items()}
    head = SENT.format(
        **by_server,
        day=days[-1],
        inspect=", ".join(versions),
        levels=" | ".join(LEVELS),
        rules="|".join(["---"] * len(LEVELS)),
    )
    rows = [
        _sent_row(name, model, rungs)
        for name, recording in recordings.items()
        for model, rungs in recording["models"].items()
    ]
    counted = [_counted_row(name, recording) for name, recording in recordings.items()]
    families = [_family_row(family) for family in FAMILIES]
    return "".join(
        [ABOUT, head, *rows, COUNTED.format(**REPLIED), *counted, TABLE, *families],
    )


def _sent_row(name: str, model: str, rungs: Mapping[str, Any]) -> str:
    family = find_family(name.removesuffix("-chat"), model)
    cells = []
    for level in LEVELS:
        text = sent_text(rungs[level])
        cells.append(f"({text})" if family is not None and _is_refused(family, level) else text)
    caps = [rungs[str(cap)] for cap in CAPS]
    texts = {sent_text(body) for body in caps}
    sent = f"`{_names(caps[-1])}`"
    if len(texts) == 1:
        sent = next(iter(texts)).replace("high", "high for all")
    elif "–" in texts:
        sent += ", nothing for 0"
    return f"| {name} | `{model}` | {' | '.join(cells)} | {sent} |\n"


def _is_refused(family: EffortFamily, level: str) -> bool:
    has_not = family.levels is not None and level not in family.levels
    return has_not or level in family.dropped or level in family.sent_as


def sent_text(body: Mapping[str, Any]) -> str:
    """Return what a request says of thinking, in a word or a number.

    Example:
        >>> sent_text({"thinking.budget_tokens": 4096, "max_tokens": 36096}), sent_text({})
        ('4,096', '–')
    """
    if REFUSED in body:
        return REFUSED
    by_name = {name.split(".")[-1]: value for name, value in body.items() if _says_thinking(name) and value is not None}
    for name in ("effort", "reasoning_effort", "thinking_level", "maxReasoningEffort"):
        if name in by_name:
            return str(by_name[name]).removeprefix("EFFORT_").lower()
    for name in ("budget_tokens", "thinking_budget", "max_tokens"):
        if name in by_name:
            return f"{by_name[name]:,}"
    return str(by_name["type"]) if "type" in by_name else "–"


def _says_thinking(name: str) -> bool:
    return any(word in name.lower() for word in ("reason", "think", "effort"))


def _names(body: Mapping[str, Any]) -> str:
    names = [name for name in body if _says_thinking(name) and not name.endswith((".type", "include_thoughts"))]
    return ", ".join(name for name in names if "display" not in name and "binding" not in name)


def _counted_row(name: str, recording: Mapping[str, Any]) -> str:
    counts, models = recording["counts"], recording["models"]
    names = {_names(body) for rungs in models.values() for rung, body in rungs.items() if rung in LEVELS} - {""}
    thinking = "reported" if counts["reasoning_tokens"] == REPLIED["thinking"] else "unknown: Inspect reads no count"
    output = "with thinking" if counts["output_tokens"] == REPLIED["output"] else "without thinking"
    kinds = {
        "a summary" if part["has_summary"] else "sealed" if part["redacted"] else "text" for part in counts["thinking"]
    }
    held = ", ".join(sorted(kinds)) or "none in this reply"
    request = f"`{counts['path']}`"
    fields = ", ".join(f"`{name}`" for name in sorted(names)) or "–"
    limits = {
        _limit(rungs[UNSET] | body) for rungs in models.values() for rung, body in rungs.items() if rung in LEVELS
    }
    known = sorted(limit for limit in limits if limit is not None)
    limit = "none" if not known else f"{known[0]:,}" if len(known) == 1 else f"{known[0]:,} to {known[-1]:,}"
    return f"| {name} | {recording['sdk']} | {request} | {fields} | {thinking} | {output} | {held} | {limit} |\n"


def _limit(body: Mapping[str, Any]) -> int | None:
    return body.get("max_tokens", body.get("inferenceConfig.maxTokens"))


def _family_row(family: EffortFamily) -> str:
    levels = "not checked" if family.levels is None else ", ".join(family.levels) or "none of them"
    others = ", ".join(f"{level} as {other}" for level, other in family.sent_as.items()) or "–"
    dropped = "all" if len(family.dropped) == len(LEVELS) else ", ".join(family.dropped) or "–"
    if family.off is not None:
        dropped = f"none ({family.off})"
    caps = "–" if family.caps is None else str(family.caps)
    models = _code(family.models) if family.models else "any other"
    return f"| {family.provider} | {models} | {levels} | {others} | {dropped} | {caps} | {family.source} |\n"


def _code(text: str) -> str:
    """Return code for a cell: with signs spelt so that neither a table nor a link begins in it."""
    signs = str.maketrans({sign: f"&#{ord(sign)};" for sign in "|([<>&\\"})
    return f"<code>{text.translate(signs)}</code>"
