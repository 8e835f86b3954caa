"""Ways to get more out of a model that a study did not try: what every claim leaves open."""

from collections.abc import Sequence

from overthink.govern.statement import NotTried

_ALWAYS = {
    "more_thinking": "thinking beyond the highest rung",
    "prompting": "other prompts, few-shot examples, personas or adversarial wording",
    "fine_tuning": "fine-tuning, also to remove refusals",
}


def not_tried(
    selectors: Sequence[str], *, forced: bool, natural: bool, tries: int, tools: bool, loop: bool
) -> tuple[NotTried, ...]:
    """What was left out, by the selectors and the ladder that were used.

    Args:
        selectors: Selectors with a value.
        forced: Thinking was cut at a budget; else the provider's own levels were run.
        natural: The model's own answer after free thinking was collected, too.
        tries: Most tries per question.
        tools: Some arm gave the model a tool.
        loop: A loop of tool calls was run.
    """
    left = dict(_ALWAYS) | {"more_tries": f"more than {tries:,} {'try' if tries == 1 else 'tries'} per question"}
    if loop:
        left["more_thinking"] = "a longer loop than that of the highest checkpoint"
        left["tools"] = "other tools, agents and scaffolding"
        left["other_efforts"] = "other reasoning efforts and thinking budgets in each turn"
    if "best" not in selectors:
        left["best_of_k"] = "picking the best of several tries with a verifier"
    if forced:
        left["tools"] = "agents, scaffolding and other tools" if tools else "tools, agents and scaffolding"
        left["other_efforts"] = "the provider's own reasoning levels"
        if not natural:
            left["unforced"] = "answers that the model gives when it ends its thinking by itself"
    return tuple(NotTried.model_validate({"what": what, "text": text}) for what, text in sorted(left.items()))
