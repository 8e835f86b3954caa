"""Conditions of runs: everything that describes a run and could change what it measures, but the ladder's own setting.

A row of the pool holds them as the text of a JSON object, settings by name. Rows with equal texts were made alike.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from overthink.errors import InputError

_WORDS = {
    "task_version": "the task version",
    "base_url": "the base URL",
    "models_used": "the models asked beside the one under test",
    "prompt": "the prompt around the question",
    "served_model": "the model that answered",
    "dataset.name": "the dataset",
    "dataset.location": "the dataset",
    "dataset.questions": "the set of questions",
    "dataset.content": "the text behind one question id",
    "system_message": "the system message",
}
INCOMPLETE = "?"
"""Name of a setting that says that others are unknown, as of a table that states one setting of many."""
READING = "notes on reading"
"""Name by which a statement has, beside such settings, the notes on how logs or tables were read."""
_MAX_VALUES = 3
"""Values of a setting that are shown."""


def conditions_text(settings: Mapping[str, str]) -> str:
    """Return settings as the text of a row; equal settings have equal texts.

    Example:
        >>> conditions_text({"temperature": "0", "role.grader": "openai/gpt-5"})
        '{"role.grader": "openai/gpt-5", "temperature": "0"}'
    """
    return json.dumps(dict(settings), sort_keys=True, ensure_ascii=False)


def settings_in(text: str) -> dict[str, str]:
    """Return the settings in the text of a row.

    Raises:
        InputError: The text is no JSON object.

    Example:
        >>> settings_in('{"temperature": 0.5}')
        {'temperature': '0.5'}
    """
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict):
        raise InputError(f"conditions {text[:80]!r} cannot be read; needed: a JSON object of settings by name")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()}


class Difference(NamedTuple):
    """A setting that differs between rungs.

    Attributes:
        name: Its name.
        values: Its values at each of the rungs, sorted; None where a run does not state it.
    """

    name: str
    values: tuple[tuple[str | None, ...], ...]

    def text(self, levels: Sequence[str]) -> str:
        """Return the difference in words.

        Args:
            levels: Names of the rungs.

        Example:
            >>> Difference("role.grader", (("a",), ("b",))).text(["low", "high"])
            'the grader differs: a at low, b at high'
        """
        parts = (
            f"{' and '.join('unstated' if value is None else value for value in values)} at {level}"
            for values, level in zip(self.values, levels, strict=True)
        )
        return f"{setting_words(self.name)} differs: {', '.join(parts)}"


def differences(rungs: Sequence[Collection[str]]) -> list[Difference]:
    """Return the settings that are not the same in all runs of some rungs, sorted by name.

    Args:
        rungs: For each rung, the distinct conditions of its runs, as texts.

    Raises:
        InputError: A text is no JSON object.

    Example:
        >>> [d.name for d in differences([['{"a": "1", "b": "2"}'], ['{"a": "1", "b": "3"}', '{"a": "1"}']])]
        ['b']
    """
    runs = [[settings_in(text) for text in texts] for texts in rungs]
    results = []
    for name in sorted({name for rung in runs for run in rung for name in run}):
        values = [{run.get(name) for run in rung} for rung in runs]
        if len(set().union(*values)) > 1:
            in_order = tuple(tuple(sorted(of_rung, key=lambda value: (value is not None, value))) for of_rung in values)
            results.append(Difference(name, tuple(of_rung[:_MAX_VALUES] for of_rung in in_order)))
    return results


def setting_words(name: str) -> str:
    """Return what a setting is called in a sentence.

    Example:
        >>> [setting_words(name) for name in ("role.grader", "scorer.harm.threshold", "temperature")]
        ['the grader', 'threshold of the scorer harm', 'temperature']
    """
    kind, _, rest = name.partition(".")
    if kind in ("role", "scorer") and rest:
        owner, _, part = rest.partition(".")
        words = f"the {owner}" if kind == "role" else f"the scorer {owner}"
        return f"{part} of {words}" if part else words
    return _WORDS.get(name, name)
