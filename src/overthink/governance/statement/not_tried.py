"""Elicitation methods that a study did not try: limitations of every claim."""

from collections.abc import Sequence

from overthink.governance.statement.schema import NotTried

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
    if "best" not in selectors:
        texts["best_of_k"] = "picking the best of several tries with a verifier"
    if has_budgets:
        texts["tools"] = "agents, scaffolding and other tools" if tools else "tools, agents and scaffolding"
        texts["other_efforts"] = "the provider's own reasoning levels"
        if not natural:
            texts["unforced"] = "answers that the model gives when it ends its thinking by itself"
    return tuple(NotTried.model_validate({"what": what, "text": text}) for what, text in sorted(texts.items()))
