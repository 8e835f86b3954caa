"""Interpretation of a provider's token counts, whose output may include or exclude thinking."""

from collections.abc import Iterable

ResponseTokens = tuple[int | None, int | None]
"""Thinking tokens and output tokens of one response."""


def usage_excludes_reasoning(usage: Iterable[ResponseTokens]) -> bool:
    """Return whether a provider's output tokens exclude the thinking.

    Thinking that is part of the output cannot exceed it, so it is excluded where it exceeds the output in most
    responses. (Most, not any: retried calls make single counts contradict each other. On public logs of 30
    models the share of such responses was below 0.16 or above 0.99, and nothing between.)

    Args:
        usage: Counts of responses of one model; those with an unknown count are ignored.

    Example:
        >>> usage_excludes_reasoning([(900, 40), (700, 35)]), usage_excludes_reasoning([(900, 940), (700, 735)])
        (True, False)
    """
    above = [thinking > output for thinking, output in usage if thinking is not None and output is not None]
    return 2 * sum(above) > len(above)


def split_output(
    thinking: int | None, output: int | None, *, excludes_reasoning: bool
) -> tuple[int | None, int | None]:
    """Return the total of decoded tokens, and those outside the thinking; None where unknown.

    Args:
        thinking: Thinking tokens reported by the provider.
        output: Output tokens reported by the provider.
        excludes_reasoning: Whether the output excludes the thinking.

    Example:
        >>> split_output(900, 40, excludes_reasoning=True), split_output(900, 940, excludes_reasoning=False)
        ((940, 40), (940, 40))
    """
    if output is None or thinking is None:
        return (None if excludes_reasoning else output), None
    if excludes_reasoning:
        return output + thinking, output
    return output, (output - thinking if output >= thinking else None)
