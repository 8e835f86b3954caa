"""The end of every sample of a log: its final output, its messages and the marks on it, without what led to it.

Inspect's summaries hold no stop reason, no message and no mark of invalidity, so the samples themselves are read: one
member of the archive at a time, of which only the fields named here become objects. Events, stores and attachments
are passed over; the events of a sample are looked into only where its bytes say that a call came from a cache.
"""

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from inspect_ai.log import EvalSampleSummary
from inspect_ai.model import ModelUsage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from overthink.collect.inspect_logs.files import OpenLog, member_fault, one_message
from overthink.errors import InputError
from overthink.paths import open_file

_CACHE_READ = re.compile(rb'"cache"\s*:\s*"read"')


class _Fields(BaseModel):
    """Some fields of an object of Inspect, from its JSON or from the object; all others are passed over."""

    model_config = ConfigDict(extra="ignore", from_attributes=True, protected_namespaces=())


_FieldsT = TypeVar("_FieldsT", bound=_Fields)


class Part(_Fields):
    """One part of a message's content: text, reasoning, an image, or a tool that the provider ran."""

    type: str = ""
    tool_type: str | None = None
    text: str | None = None
    reasoning: str | None = None
    summary: str | None = None
    signature: str | None = None
    redacted: bool = False


class Message(_Fields):
    """One message of the conversation."""

    id: str | None = None
    role: str = ""
    content: str | list[Part] | None = Field(default=None, union_mode="left_to_right")
    tool_calls: list[Any] | None = None

    @property
    def text(self) -> str:
        """The text of the message, without its reasoning."""
        if not isinstance(self.content, list):
            return self.content or ""
        return "\n".join(part.text for part in self.content if part.type == "text" and part.text)

    @property
    def has_reasoning(self) -> bool:
        """Whether the message holds reasoning: as text, in summary, or sealed by the provider."""
        return bool(self.reasoning_parts)

    @property
    def reasoning_parts(self) -> list[Part]:
        """The parts that hold reasoning: as text, in summary, or sealed by the provider."""
        parts = self.content if isinstance(self.content, list) else []
        return [
            part
            for part in parts
            if part.type == "reasoning" and any(map(_is_text, (part.reasoning, part.summary, part.signature)))
        ]

    @property
    def has_acted(self) -> bool:
        """Whether the message does something besides its text: a call of a tool, an image, a file.

        A search of the web that the provider ran leads to an answer, and is none.
        """
        parts = self.content if isinstance(self.content, list) else []
        acts = (part for part in parts if part.type not in ("text", "reasoning"))
        return bool(self.tool_calls) or any(part.tool_type != "web_search" for part in acts)


class Choice(_Fields):
    """One answer of the final output."""

    message: Message = Field(default_factory=Message)
    stop_reason: str = "unknown"


class Fallback(_Fields):
    """A request that another model served."""

    model: str = ""
    fallback_model: str = ""


class Output(_Fields):
    """The final output of a sample, and the model that its provider names as the one that answered."""

    model: str | None = None
    choices: list[Choice] = Field(default_factory=list)
    completion: str | None = None
    fallback: Fallback | None = None
    error: str | None = None


class SampleError(_Fields):
    """The error that ended a sample."""

    message: str = ""
    traceback: str = ""


class SampleScore(_Fields):
    """The answer that a scorer reports, in full; summaries cut it."""

    answer: str | None = None


class ModelCall(_Fields):
    """One event of a sample, of which only calls of models matter."""

    event: str = ""
    model: str = ""
    role: str | None = None
    cache: str | None = None
    output: "CallOutput" = Field(default_factory=lambda: CallOutput())


class CallOutput(_Fields):
    """The usage of one call, and the messages that it gave."""

    choices: list[Choice] = Field(default_factory=list)
    usage: ModelUsage | None = None

    def has_message(self, message_id: str) -> bool:
        """Return whether the call gave the message of an id."""
        return any(choice.message.id == message_id for choice in self.choices)


class SampleEnd(_Fields):
    """How a sample ended.

    Attributes:
        input: The question as the dataset has it.
        target: What the scorer compared with.
        messages: The conversation.
        output: The final output.
        scores: The answers that the scorers report.
        error: The error that ended the sample.
        invalidation: What marks the sample as invalid; None for a valid one.
        model_fallbacks: Requests that other models served.
        cached: Calls that were answered from Inspect's cache.
    """

    input: str | list[Message] = ""
    target: str | list[str] = ""
    messages: list[Message] = Field(default_factory=list)
    output: Output = Field(default_factory=Output)
    scores: dict[str, SampleScore] | None = None
    error: SampleError | None = None
    invalidation: Any = None
    model_fallbacks: list[Fallback] | None = None
    cached: list[ModelCall] = Field(default_factory=list)


class _Events(_Fields):
    events: list[ModelCall] = Field(default_factory=list)

    def cached(self) -> list[ModelCall]:
        return [event for event in self.events if event.event == "model" and event.cache == "read"]


def sample_ends(log: OpenLog, summaries: Sequence[EvalSampleSummary]) -> Iterator[SampleEnd | None]:
    """Yield the end of each sample, in order; None for one that cannot be read.

    Args:
        log: The log.
        summaries: Its samples.

    Raises:
        InputError: The log itself cannot be read any more.
    """
    if log.path.suffix != ".eval":
        for sample in log.samples(list(summaries)):
            end = SampleEnd.model_validate(sample)
            end.cached = _Events.model_validate(sample).cached()
            yield end
        return
    with one_message(log.path), open_file(log.path, follow=True) as file, zipfile.ZipFile(file) as archive:
        for summary in summaries:
            yield _read_member(archive, summary, log)


def may_hold(log: OpenLog, summaries: Sequence[EvalSampleSummary], pattern: re.Pattern[bytes]) -> bool:
    """Return whether the bytes of a sample hold a pattern; True where Inspect's reader must say it.

    That is where a log is no archive, or a sample is damaged. Inspect's reader goes through the list of an archive's
    members for every sample, which takes longer than the rest.

    Args:
        log: The log.
        summaries: Its samples to look into.
        pattern: The pattern.
    """
    if log.path.suffix != ".eval":
        return True
    try:
        with one_message(log.path), open_file(log.path, follow=True) as file, zipfile.ZipFile(file) as archive:
            contents = [_content(archive, summary) for summary in summaries]
            for content in contents:
                _parsed(SampleEnd, content)
            return any(map(pattern.search, contents))
    except InputError:
        return True


def _read_member(archive: zipfile.ZipFile, summary: EvalSampleSummary, log: OpenLog) -> SampleEnd | None:
    try:
        with one_message(log.path):
            content = _content(archive, summary)
            end = _parsed(SampleEnd, content)
            if b'"cache"' in content and _CACHE_READ.search(content):  # the plain search is ten times faster
                end.cached = _parsed(_Events, content).cached()
            return end
    except InputError:
        return None


def _content(archive: zipfile.ZipFile, summary: EvalSampleSummary) -> bytes:
    member = archive.getinfo(f"samples/{summary.id}_epoch_{summary.epoch}.json")
    fault = member_fault(member)
    if fault is not None:
        raise zipfile.BadZipFile(f"its member {member.filename[:80]!r} {fault}")
    return archive.read(member)


def _parsed(fields: type[_FieldsT], content: bytes) -> _FieldsT:
    """Return some fields of a JSON document; Python's own parser takes what the fast one refuses."""
    try:
        return fields.model_validate_json(content)
    except ValidationError as failure:
        if failure.errors(include_url=False, include_input=False)[0]["type"] != "json_invalid":
            raise
        return fields.model_validate(json.loads(content))


def _is_text(text: str | None) -> bool:
    return bool(text) and not str(text).isspace()
