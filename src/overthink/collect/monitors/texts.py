"""Texts that monitors read: the thinking and the answer of a trace up to a rung, from the logs of its study."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from inspect_ai.log import EvalSample
from inspect_ai.model import ChatMessageAssistant, ChatMessageTool, ContentReasoning

from overthink.collect.inspect_logs.files import OpenLog, open_logs
from overthink.collect.inspect_logs.hidden_thinking import hidden_thinking
from overthink.collect.inspect_logs.sample_ends import Message
from overthink.collect.inspect_logs.texts import question_text
from overthink.collect.rescore.open import read_answer_texts
from overthink.data.oversight import HONEST
from overthink.data.oversight_pool import OverseenRung
from overthink.data.record import Estimand
from overthink.errors import InputError
from overthink.paths import is_there


@dataclass(frozen=True, slots=True)
class TraceText:
    """Texts of one trace up to a rung.

    Attributes:
        question: The question.
        thought: The thinking; None where it is hidden, or not in the log.
        answer: The answer; of an agent all that it wrote and called, with the replies of its tools.
        log: Name of the log.
        epoch: Epoch of the sample in it.
        attack: Attack policy that the sample of a ControlArena log follows, or "honest"; None for any other sample.
    """

    question: str
    thought: str | None
    answer: str
    log: str | None
    epoch: int | None
    attack: str | None = None


def read_texts(folder: Path, logs: Path, rungs: Sequence[OverseenRung]) -> dict[OverseenRung, TraceText]:
    """Return the texts of rungs, of those whose log is there.

    Args:
        folder: The study's folder, from which its rows may name their logs.
        logs: Folder of the logs that the study collected itself.
        rungs: The rungs.

    Raises:
        InputError: The study's own logs cannot be read.
    """
    ladder = [rung for rung in rungs if rung.estimand is Estimand.FORCED and rung.source is not None]
    texts = dict(_ladder_texts(logs, ladder)) if ladder and is_there(logs) else {}
    return texts | dict(_log_texts(folder, [rung for rung in rungs if rung.estimand is not Estimand.FORCED]))


def _ladder_texts(logs: Path, rungs: Iterable[OverseenRung]) -> Iterator[tuple[OverseenRung, TraceText]]:
    keys = {rung: (*rung.trace, rung.source or 0) for rung in rungs}
    answers = read_answer_texts(logs, set(keys.values()))
    for rung, key in keys.items():
        if key in answers:
            text = answers[key]
            yield rung, TraceText(text.question, text.thought, text.answer, text.log, text.epoch)


def _log_texts(folder: Path, rungs: Iterable[OverseenRung]) -> Iterator[tuple[OverseenRung, TraceText]]:
    """Yield the texts of rungs that each are the end of a sample, from the logs that they name."""
    by_log: dict[str, dict[tuple[str, int], list[OverseenRung]]] = defaultdict(lambda: defaultdict(list))
    for rung in rungs:
        if rung.log is not None and rung.epoch is not None:
            by_log[rung.log][rung.question, rung.epoch].append(rung)
    for name, places in by_log.items():
        with suppress(InputError):  # a log that is gone or damaged: its rungs have no text, and a reason
            (log,) = open_logs(folder / name if is_there(folder / name) else Path(name))[0]
            summaries = [summary for summary in log.summaries if (str(summary.id), summary.epoch) in places]
            for sample in log.samples(summaries):
                for rung in places[str(sample.id), sample.epoch]:
                    yield rung, _sample_text(log, sample, rung)


def _sample_text(log: OpenLog, sample: EvalSample, rung: OverseenRung) -> TraceText:
    written = [message for message in sample.messages if isinstance(message, ChatMessageAssistant)]
    parts = [part for message in written if isinstance(message.content, list) for part in message.content]
    reasoning = [part.reasoning for part in parts if isinstance(part, ContentReasoning) and not part.redacted]
    messages = [Message.model_validate({"content": message.model_dump()["content"]}) for message in written]
    is_hidden = hidden_thinking(messages, log.header.eval.model) is not None or (
        not reasoning and bool(rung.thinking_tokens or rung.requested_tokens)
    )
    thought = None if is_hidden else "\n".join(reasoning)
    policy = sample.metadata.get("side_task_name", "") or HONEST
    attack = str(policy) if "side_task_name" in sample.metadata else None
    return TraceText(question_text(sample), thought, _actions(sample), log.path.name, sample.epoch, attack)


def _actions(sample: EvalSample) -> str:
    """Return the answer of a sample; where tools were called, everything that was written, called and replied."""
    written = [message for message in sample.messages if isinstance(message, ChatMessageAssistant)]
    if not any(message.tool_calls for message in written):
        return sample.output.completion
    lines: list[str] = []
    for message in sample.messages:
        if isinstance(message, ChatMessageAssistant):
            lines += [message.text] if message.text else []
            lines += [f"{call.function}({call.arguments})" for call in message.tool_calls or ()]
        elif isinstance(message, ChatMessageTool):
            lines.append(f"→ {message.text}")
    return "\n".join(lines)
