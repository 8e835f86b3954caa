"""Prefixes of the steps of a path, from which the model under test can continue."""

from overthink.collect.providers.continuation import Prefix
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext


async def prefixes_of(context: TraceContext, path: ReasoningPath) -> list[Prefix]:
    """Return the prefixes before the first step and after every step: one more than steps.

    All but the last are tokenized from text, step by step; token boundaries may differ from the decoded ones, but not
    the text. The last is the path's own.
    """
    prefixes = [await context.continuation.start(list(context.prompt), context.spec.format.open)]
    for step in path.steps:
        prefixes.append(await context.continuation.append_text(prefixes[-1], step))
    return [*prefixes[:-1], path.prefix] if path.prefix.text or path.prefix.ids else prefixes


def tokens_of(prefixes: list[Prefix], at: int) -> int:
    """Return the thinking tokens after a step if the provider uses token ids, else 0. Used by simulated models only."""
    first, here = prefixes[0].ids, prefixes[at].ids
    return 0 if first is None or here is None else len(here) - len(first)
