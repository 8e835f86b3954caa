"""Prompts of samples: what surrounds the question, and its text as a hash, by which two logs have the same question."""

import re
from functools import lru_cache
from pathlib import Path

from inspect_ai.log import EvalSampleSummary

from overthink.collect.inspect_logs.files import open_logs
from overthink.collect.inspect_logs.sample_ends import Message, SampleEnd
from overthink.collect.inspect_logs.settings import short_hash, value_hash
from overthink.data.ladder import LEVELS
from overthink.errors import InputError

_AMOUNT = re.compile(rf"\d[\d.,:]*k?|\b(?:{'|'.join(LEVELS)})\b", re.IGNORECASE)
"""Numbers and levels, which may state the budget, or the date."""


_MAX_CHARS = 40
"""Letters of a long prompt that are shown before its hash."""


def prompt_around(end: SampleEnd) -> str | None:
    """Return the messages before the first answer, without the question itself and without amounts.

    Args:
        end: The sample.

    Returns:
        The prompt, where it is long with a hash of all of it; None where the log holds no such message, or the prompt
        does not hold the question.

    Example:
        >>> def around(text: str) -> str | None:
        ...     return prompt_around(SampleEnd(input="1 + 1?", messages=[Message(role="user", content=text)]))
        >>> around("Think for 64 tokens: 1 + 1?"), around("Something else")
        ('user: Think for # tokens: {question}', None)
    """
    before: list[Message] = []
    for message in end.messages:
        if message.role == "assistant":
            break
        before.append(message)
    questions = [end.input] if isinstance(end.input, str) else [message.text for message in end.input]
    texts = [f"{message.role}: {message.text}" for message in before]
    whole = " / ".join(texts)
    if not before or not all(question in whole for question in questions):
        return None
    for question in filter(None, questions):
        whole = whole.replace(question, "{question}")
    return _without_amounts(whole)


@lru_cache(maxsize=64)
def _without_amounts(prompt: str) -> str:
    """Return a prompt without amounts, in short. Most samples of a run have the same one."""
    text = _AMOUNT.sub("#", prompt)
    return text if len(text) <= _MAX_CHARS else f"{text[:_MAX_CHARS]}…{short_hash(text)}"


def question_digests(log: str) -> dict[str, frozenset[str]]:
    """Return hashes of what the samples of a log ask, by their id; empty for a log that is gone or damaged.

    Args:
        log: Path of the log, as a row of the pool names it.
    """
    try:
        logs = open_logs(Path(log))[0]
    except InputError:
        return {}
    digests: dict[str, set[str]] = {}
    for summary in logs[0].summaries:
        digests.setdefault(str(summary.id), set()).add(content_digest(summary))
    return {question: frozenset(own) for question, own in digests.items()}


def content_digest(summary: EvalSampleSummary) -> str:
    """Return a hash of what a sample asks. Choices may be in another order in each run, and then the target is, too."""
    text = summary.input
    question = text if isinstance(text, str) else [(message.role, message.text) for message in text]
    return value_hash([question, sorted(summary.choices) if summary.choices else summary.target])
