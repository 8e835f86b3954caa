"""The prefixes that the steps of a path were taken from, so that the model under test can be asked from there."""

from overthink.collect.continuation import Prefix
from overthink.collect.thinking import Means, Path


async def prefixes_of(means: Means, path: Path) -> list[Prefix]:
    """The prefix before the first step, and behind every step: one more than there are steps.

    All but the last are made from text, step by step; where tokens lie otherwise than they were decoded, a
    model reads the same letters. The last is the path's own.
    """
    prefixes = [await means.continuation.start(list(means.prompt), means.way.format.open)]
    for step in path.steps:
        prefixes.append(await means.continuation.append_text(prefixes[-1], step))
    return [*prefixes[:-1], path.prefix] if path.prefix.text or path.prefix.ids else prefixes


def tokens_of(prefixes: list[Prefix], at: int) -> int:
    """Thinking tokens behind a step, where the provider speaks tokens; else 0. Only a simulated model is told."""
    first, here = prefixes[0].ids, prefixes[at].ids
    return 0 if first is None or here is None else len(here) - len(first)
