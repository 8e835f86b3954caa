"""How hard the model was made to try, as it follows from the plan's own facts: texts, tools, and what was not tried."""

from collections.abc import Sequence
from typing import NamedTuple

from overthink.data.selectors import Selector
from overthink.governance.statement.curve_schema import Curve
from overthink.governance.statement.curves import selectors
from overthink.governance.statement.schema import LADDERS, WITHOUT_PLAN, ArmTried, Elicitation, NotTried
from overthink.governance.statement.wording import quote

_ALWAYS = {
    "more_thinking": "thinking beyond the highest rung",
    "prompting": "other prompts, few-shot examples, personas or adversarial wording",
    "fine_tuning": "fine-tuning, also to remove refusals",
}


def not_tried(
    selectors: Sequence[str], *, has_budgets: bool, natural: bool, tries: int, tools: bool, loop: bool
) -> tuple[NotTried, ...]:
    """Return the elicitation methods that were not tried, given the selectors and the ladder of the study.

    Args:
        selectors: Selectors with a value.
        has_budgets: Whether thinking was cut at budgets; else the provider's effort levels were run.
        natural: Whether the model's answer after free thinking was also collected.
        tries: Maximum number of tries per question.
        tools: Whether an arm gave the model a tool.
        loop: Whether a loop of tool calls was run.
    """
    texts = dict(_ALWAYS) | {"more_tries": f"more than {tries:,} {'try' if tries == 1 else 'tries'} per question"}
    if loop:
        texts["more_thinking"] = "a longer loop than that of the highest checkpoint"
        texts["tools"] = "other tools, agents and scaffolding"
        texts["other_efforts"] = "other reasoning efforts and thinking budgets in each turn"
    if Selector.BEST not in selectors:
        texts["best_of_k"] = "picking the best of several tries with a verifier"
    if has_budgets:
        texts["tools"] = "agents, scaffolding and other tools" if tools else "tools, agents and scaffolding"
        texts["other_efforts"] = "the provider's own reasoning levels"
        if not natural:
            texts["unforced"] = "answers that the model gives when it ends its thinking by itself"
    return tuple(NotTried.model_validate({"what": what, "text": text}) for what, text in sorted(texts.items()))


TOOLS = ("calculator",)
"""Arm parts that give the model a tool."""

NO_THINKING_PARTS = ("zerothink", "lessthink")
"""Arm parts without thinking of their own, for which only the lowest rung is collected."""


def tools_of(arms: Sequence[ArmTried]) -> tuple[str, ...]:
    """Return the tools that the arms give the model."""
    return tuple(name for name in TOOLS if any(name in (arm.parts or ()) for arm in arms))


def verifiers_of(arms: Sequence[ArmTried]) -> tuple[str, ...]:
    """Return the verifiers that the arms use while thinking."""
    names = (quote(str(arm.settings["verifier"])) for arm in arms if arm.settings and "verifier" in arm.settings)
    return tuple(dict.fromkeys(names))


def planned_rungs(label: str, arms: Sequence[ArmTried], budgets: Sequence[int]) -> tuple[int, ...]:
    """Return the planned budgets of an arm."""
    no_thinking = any(part in NO_THINKING_PARTS for arm in arms if arm.label == label for part in arm.parts or ())
    return tuple(budgets[:1] if no_thinking else budgets)


class _LadderText(NamedTuple):
    """Elicitation texts of a ladder: serial thinking, stop rule, and the reason for unknown tools."""

    serial: str
    stop: str
    tools: str | None


_LOOP_TOOLS = "the task's own tools, or a calculator where it brings none; which they are is in its logs"
_LOOP_ENDS = "a loop ends where the model calls no tool, or at the highest checkpoint"
_LADDER_TEXTS = {
    "budgets": _LadderText(
        "serial thinking up to each budget",
        "thinking ends at the budget or where the model ends it; an answer is then forced",
        None,
    ),
    "efforts": _LadderText(
        "serial thinking up to each budget",
        "the model ends its own thinking at the provider's level",
        "the task's own solver ran; whether it gave tools is in its logs",
    ),
    "turns": _LadderText(
        "turns of one loop up to each checkpoint",
        f"{_LOOP_ENDS}; its state after so many turns is scored",
        _LOOP_TOOLS,
    ),
    "loop_tokens": _LadderText(
        "turns of one loop up to each checkpoint",
        f"{_LOOP_ENDS}; its state before the turn that passes a checkpoint is scored",
        _LOOP_TOOLS,
    ),
}
"""Elicitation texts by the plan field of the ladder."""

_TEXT_WITHOUT_PLAN = _LadderText(
    "whatever thinking each log or row had at its setting",
    "not known: the rows say where they stand and not what ended the thinking there",
    "there is no plan; what tools a run had is in its logs",
)

_SANDBOX = "it runs in a sandbox, and that scoring leaves this as it is was stated, not checked"


def with_generated(how: Elicitation, curves: Sequence[Curve]) -> Elicitation:
    """Return how hard the model was made to try, with everything that follows from its facts and the curves."""
    chosen = selectors(curves)
    tries = max([many.k for curve in curves for point in curve.points for many in point.tries], default=1)
    ladder, text = WITHOUT_PLAN, _TEXT_WITHOUT_PLAN
    if how.no_plan is None:
        ladder = next(name for name, field in LADDERS.items() if getattr(how, field) is not None)
        text = _LADDER_TEXTS[LADDERS[ladder]]
    has_budgets = how.budgets is not None
    tools = tools_of(how.arms) if has_budgets else None
    verifiers = (*(["the task's own verifier score"] if Selector.BEST in chosen else []), *verifiers_of(how.arms))
    return how.model_copy(
        update={
            "ladder": ladder,
            "selectors": chosen,
            "max_tries": tries,
            "verifier": ", ".join(verifiers) or None,
            "tools": tools,
            "tools_reason": text.tools,
            "serial_parallel": _serial_parallel(how, text),
            "stop_rule": text.stop if how.sandbox_scoring is None else f"{text.stop}; {_SANDBOX}",
            "not_tried": not_tried(
                chosen,
                has_budgets=has_budgets,
                natural="natural" in how.controls,
                tries=tries,
                tools=bool(tools),
                loop=how.checkpoints is not None,
            ),
        }
    )


def _serial_parallel(how: Elicitation, text: _LadderText) -> str:
    if how.no_plan is not None:
        return f"{text.serial}; tries are the epochs or rows of a question, read as drawn independently"
    words = f"{text.serial}; tries in parallel, drawn independently and combined afterwards"
    if how.until is not None:
        words += f"; draws came in waves that followed what earlier ones showed, at most {how.max_draws} per question"
    return words
