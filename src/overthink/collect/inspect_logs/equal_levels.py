"""Levels of other people's runs that are one amount of thinking under two names, or that were never sent."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from inspect_ai.log import EvalLog

from overthink.collect.inspect_logs.settings import generation_settings
from overthink.collect.providers.effort_families import RECORDED_WITH, find_family
from overthink.data.ladder import LEVELS


def equal_level_notes(headers: Iterable[EvalLog]) -> list[str]:
    """Return a note for every level of a model in whose place Inspect sends another one, or nothing.

    Args:
        headers: Headers of the logs.
    """
    levels: dict[str, set[str]] = defaultdict(set)
    for header in headers:
        level = generation_settings(header).reasoning_effort
        if level is not None:
            levels[header.eval.model].add(level)
    return [
        f"{model}: Inspect (recorded with {RECORDED_WITH}) {effect}."
        for model, stated in levels.items()
        for effect in _effects(model, stated)
    ]


def _effects(model: str, stated: Collection[str]) -> Iterator[str]:
    """Yield what became of each stated level of a model that was not sent as it stands."""
    provider, _, name = model.partition("/")
    family = find_family(provider, name)
    if family is None:
        return
    for level in sorted(stated, key=LEVELS.index):
        other = family.sent_as.get(level)
        if level in family.dropped:
            yield f"sends nothing for {level}, so there it thought by its own default"
        elif other in stated:
            yield f"sends {other} for {level}, so these two rungs are one amount of thinking under two names"
        elif other is not None:
            yield f"sends {other} for {level}, so that is what the rung measured"
