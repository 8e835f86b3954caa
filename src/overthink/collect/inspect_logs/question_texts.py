"""What the questions of a log ask, as hashes: whether one id stands for the same question in two logs."""

from pathlib import Path

from inspect_ai.log import EvalSampleSummary

from overthink.collect.inspect_logs.files import open_logs
from overthink.collect.inspect_logs.settings import value_hash
from overthink.errors import InputError


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
