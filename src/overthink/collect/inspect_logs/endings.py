"""How the answer of a sample ended, from what its log says of it and never from the settings of its run.

==================  ===============================================================================================
ending              where
==================  ===============================================================================================
cut                 the final output stopped at its token cap or at the end of the context (`max_tokens`,
                    `model_length`); the sample met a limit
empty               the final output holds no text (blanks, signs of a tokenizer, or reasoning alone), and the model
                    did nothing else; there is none because of an error, or in spite of those of other samples; or its
                    text opens its thinking and never closes it
filtered            the final output stopped at a content filter (`content_filter`), or holds no text and the message
                    of a moderation
refused by error    no output, and the error is a refusal: Inspect's `ModelRefusalError` of the evaluated model, or a
                    provider's code of a policy (:mod:`overthink.data.safety_words`)
fallback            another model served a request of the evaluated model
==================  ===============================================================================================

A filter and a refusal error are refusals: safe, an over-refusal, or a wrong answer, by axis. Thinking in a text, up to
``</think>``, is not part of the answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from inspect_ai.log import EvalSpec
from inspect_ai.model import ModelUsage

from overthink.collect.inspect_logs.hidden_thinking import HiddenThinking, counts_summaries, hidden_thinking
from overthink.collect.inspect_logs.prompts import prompt_around
from overthink.collect.inspect_logs.sample_ends import ModelCall, SampleEnd
from overthink.collect.inspect_logs.settings import role_models
from overthink.data.safety_words import is_refusal_error as declines

CUT_REASONS = frozenset({"max_tokens", "model_length"})
"""Stop reasons of an output that was cut."""

ENDED_REASONS = frozenset({"stop", "tool_calls", "content_filter"})
"""Stop reasons of an output that was not cut; `unknown` and a missing one say nothing."""

_REFUSAL = re.compile(r"Model refusal \((?P<model>[^,):]+)(?P<role>, role )?")
_TAG = re.compile(
    r"(?<!`)(?:"
    r"<(?P<close>/)?(?:seed:|ant)?(?:think(?:ing)?|thoughts?|reasoning)\b[^<>]*>"
    r"|\[(?P<closing>/)?THINK\]"
    r"|◁(?P<shuts>/)?think▷"
    r"|<\|(?:(?P<ends>end_(?:of_)?|/)|begin_of_|start_)?(?:thought|thinking|think)\|>"
    r"|<\|channel\|>(?:(?P<final>final)|analysis|commentary)(?:[^<>]*<\|message\|>)?"
    r")(?!`)",
    re.IGNORECASE,
)
"""Marks around thinking in a text: tags, also with a model's prefix, and channels. One in backticks is spoken of."""

_NO_TEXT = re.compile(
    r"(?:[\s\u200b-\u200f\u2060\ufeff\u00ad\x00]|<\|[^<>|\s]{1,40}\|>|</?s>|<(?:eos|bos|pad|end_of_turn)>"
    r"|\(no content\))*"
)
"""What is no text of an answer: blanks, invisible signs, special tokens, and Inspect's own word for an empty one."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the answer of one sample ended.

    Attributes:
        stop_reason: Stop reason of the final output; None without an output.
        is_filtered: A content filter stopped the output.
        is_empty: The answer holds no text, and the model did nothing else.
        is_missing: The log holds no message of the model, although it holds others, and no scorer reports an answer.
        has_acted: The model called tools, or gave images or files.
        is_bare_call: The answer holds no text, but calls of tools, and no tool was run.
        has_text: The model wrote text outside its reasoning in at least one message.
        has_reasoning: The log holds reasoning of the model.
        hidden: What the log holds in the place of thinking that the provider hides; None where it hides none.
        counts_summary: The log's thinking tokens are those of a summary.
        is_unclosed: The text opens its thinking and never closes it.
        found_inside: Scorers whose answer stands in the thinking of the text, and not outside it.
        judged_inside: Scorers that read the text with its thinking, as far as their scores say.
        target_inside: The target stands in the thinking of the text, and not outside it.
        is_refusal_error: Its error is a refusal of the evaluated model.
        is_invalid: The evaluator marked it as invalid.
        fallback: The model that served a request of the evaluated model in its place; None if none did.
        judge_fallback: The same of a request of another model.
        served: Name of the model that answered, as its provider reports it, without the provider's own; None where it
            does not, or another stood in.
        prompt: What surrounded the question in the prompt, without amounts; None where the log does not say.
        cached_usage: Usage of the evaluated model's calls that came from a cache, as stored there; None for a call
            without one.
        cached_judges: Calls of other models that came from a cache.
        answer_id: Id of the message of the final output.
        is_cached: The final output came from a cache.
    """

    stop_reason: str | None = None
    is_filtered: bool = False
    is_empty: bool = False
    is_missing: bool = False
    has_acted: bool = False
    is_bare_call: bool = False
    has_text: bool = False
    has_reasoning: bool = False
    hidden: HiddenThinking | None = None
    counts_summary: bool = False
    is_unclosed: bool = False
    found_inside: frozenset[str] = frozenset()
    judged_inside: frozenset[str] = frozenset()
    target_inside: bool = False
    is_refusal_error: bool = False
    is_invalid: bool = False
    fallback: str | None = None
    judge_fallback: str | None = None
    served: str | None = None
    prompt: str | None = None
    cached_usage: tuple[ModelUsage | None, ...] = ()
    cached_judges: int = 0
    answer_id: str | None = None
    is_cached: bool = False

    @property
    def is_cut(self) -> bool | None:
        """Whether a cap or the context's end cut the output; None where the log does not say."""
        if self.stop_reason in CUT_REASONS:
            return True
        return False if self.stop_reason in ENDED_REASONS else None


UNREAD = Ending()
"""The ending of a sample that cannot be read: nothing is known of it."""


def ending_of(end: SampleEnd | None, spec: EvalSpec) -> Ending:
    """Return how the answer of a sample ended.

    Args:
        end: The sample; None for one that cannot be read.
        spec: Spec of its evaluation.
    """
    if end is None:
        return UNREAD
    choice = end.output.choices[0] if end.output.choices else None
    completion = end.output.completion or ("" if choice is None else choice.message.text)
    thinking, answer = split_thinking(completion)
    own = [message for message in end.messages if message.role == "assistant"]
    own += [] if choice is None else [choice.message]
    texts = [split_thinking(text) for text in {message.text for message in own}]
    has_acted = any(message.has_acted for message in own)
    has_answer = has_words(answer)
    answer_id = None if choice is None else choice.message.id
    inside = _read_inside(end, thinking, answer) if thinking.strip() else _OUTSIDE
    stop_reason = None if choice is None else choice.stop_reason
    is_moderated = bool(end.output.error) and not has_answer and stop_reason not in CUT_REASONS
    fallback = _fallback(end, spec, own=True)
    hidden = hidden_thinking(own, spec.model)
    return Ending(
        stop_reason=stop_reason,
        is_filtered=stop_reason == "content_filter" or is_moderated,
        is_empty=not has_answer and not has_acted and (bool(own) or end.error is not None),
        is_missing=not own and end.error is None and bool(end.messages) and not _has_reported(end),
        has_acted=has_acted,
        is_bare_call=not has_answer and has_acted and not any(message.role == "tool" for message in end.messages),
        has_text=has_answer or any(has_words(text) for _, text in texts),
        has_reasoning=any(message.has_reasoning for message in own) or any(part.strip() for part, _ in texts),
        hidden=hidden,
        counts_summary=hidden is HiddenThinking.SUMMARY and counts_summaries(spec),
        is_unclosed=is_unclosed(completion),
        found_inside=inside.found,
        judged_inside=inside.judged,
        target_inside=inside.target,
        is_refusal_error=not has_answer and is_refusal_error(end, spec),
        is_invalid=end.invalidation is not None,
        fallback=fallback,
        judge_fallback=_fallback(end, spec, own=False),
        served=None if choice is None or fallback is not None else _bare(end.output.model or "") or None,
        prompt=prompt_around(end),
        cached_usage=tuple(call.output.usage for call in end.cached if _is_own(call, spec)),
        cached_judges=sum(not _is_own(call, spec) for call in end.cached),
        answer_id=answer_id,
        is_cached=answer_id is not None and any(call.output.has_message(answer_id) for call in end.cached),
    )


def without_missing(endings: Sequence[Ending]) -> list[Ending]:
    """Return the endings of the samples of one task, those without any message of the model as empty answers.

    Where no sample has such a message, the answers are elsewhere: the task keeps them in a store, or asks no model.
    """
    if all(ending.is_missing or ending is UNREAD for ending in endings):
        return list(endings)
    return [replace(ending, is_empty=True) if ending.is_missing else ending for ending in endings]


def split_thinking(text: str) -> tuple[str, str]:
    """Return the thinking in a text, and the answer outside it; an unclosed thought has no answer behind it.

    Some servers leave out the first opening tag, which is in the prompt.

    Example:
        >>> split_thinking("<think>Sure?</think>No."), split_thinking("Hm.</think>No."), split_thinking("<think>Sure")
        (('Sure?', 'No.'), ('Hm.', 'No.'), ('Sure', ''))
        >>> split_thinking("Yes.")
        ('', 'Yes.')
    """
    tags = _tags(text)
    if not tags:
        return "", text
    is_inside = _closes(tags[0])
    thinking: list[str] = []
    answer: list[str] = []
    start = 0
    for tag in tags:
        (thinking if is_inside else answer).append(text[start : tag.start()])
        is_inside, start = not _closes(tag), tag.end()
    (thinking if is_inside else answer).append(text[start:])
    return "\n".join(thinking), "\n".join(answer).strip("\n")


def has_words(text: str) -> bool:
    """Return whether a text holds more than blanks and signs that no reader sees.

    Example:
        >>> [has_words(text) for text in ("No.", chr(0x200B), "<|im_end|>", "(no content)", "<|im_end|>?")]
        [True, False, False, False, True]
    """
    return _NO_TEXT.fullmatch(text) is None


def is_unclosed(text: str) -> bool:
    """Return whether the last thought in a text is never closed."""
    tags = _tags(text)
    return bool(tags) and not _closes(tags[-1])


def is_refusal_error(end: SampleEnd, spec: EvalSpec) -> bool:
    """Return whether the error of a sample is a refusal of the evaluated model, and not of a grader."""
    if end.error is None:
        return False
    refusal = _REFUSAL.search(end.error.message)
    if refusal is not None:
        return refusal["role"] is None and refusal["model"].strip() == spec.model
    kind = end.error.traceback.strip().rpartition("\n")[2]
    return declines(end.error.message, kind)


def _has_reported(end: SampleEnd) -> bool:
    return any(score.answer and has_words(score.answer) for score in (end.scores or {}).values())


class _Inside(NamedTuple):
    found: frozenset[str]
    judged: frozenset[str]
    target: bool


_OUTSIDE = _Inside(frozenset(), frozenset(), False)


def _read_inside(end: SampleEnd, thinking: str, answer: str) -> _Inside:
    """Return which scorers read the thinking. One that reports no answer, or the whole text, was given all of it."""
    found, judged = set(), set()
    for name, score in (end.scores or {}).items():
        if score.answer is None or split_thinking(score.answer)[0].strip():
            judged.add(name)
        elif _is_only_inside(score.answer, thinking, answer):
            found.add(name)
    targets = [end.target] if isinstance(end.target, str) else end.target
    return _Inside(
        frozenset(found),
        frozenset(judged),
        any(_is_only_inside(target, thinking, answer) for target in targets),
    )


def _is_only_inside(words: str, thinking: str, answer: str) -> bool:
    if not words.strip():
        return False
    phrase = r"\s+".join(map(re.escape, words.split()))
    pattern = re.compile(rf"(?<!\w){phrase}(?!\w)", re.IGNORECASE)
    return bool(pattern.search(thinking)) and not pattern.search(answer)


def _tags(text: str) -> list[re.Match[str]]:
    return list(_TAG.finditer(text)) if "<" in text or "[" in text or "◁" in text else []


def _closes(tag: re.Match[str]) -> bool:
    return any(tag[name] for name in ("close", "closing", "shuts", "ends", "final"))


def _is_own(call: ModelCall, spec: EvalSpec) -> bool:
    return call.role is None and call.model == spec.model


def _fallback(end: SampleEnd, spec: EvalSpec, *, own: bool) -> str | None:
    """Return the model that served a request of the evaluated model, or of another one, in its place."""
    judges = {_bare(config.model) for models in role_models(spec).values() for config in models}
    judges -= {_bare(spec.model)}
    fallbacks = [*(end.model_fallbacks or []), *([] if end.output.fallback is None else [end.output.fallback])]
    names = [entry.fallback_model for entry in fallbacks if (_bare(entry.model) not in judges) is own]
    return names[-1] if names else None


def _bare(model: str) -> str:
    """Return the name of a model without its provider, which a record of a fallback leaves out."""
    return model.rpartition("/")[2]
