"""Prompts and outputs as token ids: what our own providers take and return beside text.

A prompt is one value of a message's metadata. Inspect copies every message that it sends, walks through its metadata
several times, and writes it into the log, number by number. With a list of ids, a trace of n steps costs n² numbers.
This value is one to Inspect, however long: the log has its text, the number of tokens; the ids themselves are those
that the outputs before it decoded. An output's ids are one value for the same reason, and its text has them all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    Logprobs,
    ModelOutput,
    ModelUsage,
    StopReason,
)

from overthink.errors import InputError


class TokenIds(str):
    """A text that says how many tokens there are, and carries them.

    Attributes:
        ids: The token ids; at least one.

    Example:
        >>> TokenIds([5, 7]), TokenIds([5, 7]).ids
        ('2 tokens', (5, 7))
    """

    __slots__ = ("ids",)

    ids: tuple[int, ...]

    def __new__(cls, ids: Iterable[int]) -> "TokenIds":
        """Return the value of these ids."""
        own = tuple(ids)
        value = super().__new__(cls, f"{len(own)} tokens")
        value.ids = own
        return value

    def __copy__(self) -> "TokenIds":
        """Return itself: nothing in it can be changed."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "TokenIds":
        """Return itself: nothing in it can be changed."""
        return self


class DecodedTokens(TokenIds):
    """Token ids of an output; its text, which the log keeps, has them all.

    Attributes:
        ids: The token ids; none for an empty output.

    Example:
        >>> DecodedTokens([5, 7]), DecodedTokens.of("5 7").ids
        ('5 7', (5, 7))
    """

    __slots__ = ()

    def __new__(cls, ids: Iterable[int]) -> "DecodedTokens":
        """Return the value of these ids."""
        own = tuple(ids)
        value = str.__new__(cls, " ".join(map(str, own)))
        value.ids = own
        return value

    @classmethod
    def of(cls, logged: str) -> "DecodedTokens":
        """Return an output's ``metadata["token_ids"]``, also as a log or a cache has it: a text without the value.

        Raises:
            ValueError: It is not a text of numbers.
        """
        return logged if isinstance(logged, DecodedTokens) else cls(map(int, logged.split()))


def raw_prompt(messages: list[ChatMessage]) -> list[int] | None:
    """Return the prompt given as token ids; None for a chat.

    Raises:
        InputError: ``prompt_token_ids`` are not at least one integer, or are not in a single user message.
    """
    carrying = [m for m in messages if m.metadata and "prompt_token_ids" in m.metadata]
    if not carrying:
        return None
    ids = (carrying[0].metadata or {})["prompt_token_ids"]
    if len(messages) != 1 or messages[0].role != "user":
        raise InputError(f"prompt_token_ids came with {len(messages)} messages; needed: one user message")
    if isinstance(ids, TokenIds) and ids.ids:
        return list(ids.ids)
    if not isinstance(ids, list) or not ids or not all(isinstance(token, int) for token in ids):
        raise InputError("metadata['prompt_token_ids'] must be a list of integers, at least one")
    return ids


@dataclass(frozen=True, slots=True)
class TokenOutput:
    """What a model decoded.

    Attributes:
        text: The text, without a stop text.
        ids: Its token ids, without the end of the turn and without a stop text.
        stop: Stop text that ended it; "" for the end of the turn; None at the limit.
        prompt_tokens: Number of prompt tokens, cached ones included.
        cached_tokens: Number of prompt tokens read from the cache.
        decoded_tokens: Number of decoded tokens, the end of the turn and a stop text included.
        logprobs: Log-probabilities of the tokens; None if not requested.
    """

    text: str
    ids: list[int]
    stop: str | None
    prompt_tokens: int
    cached_tokens: int
    decoded_tokens: int
    logprobs: Logprobs | None = None

    def model_output(self, model: str, *, cut_by_context: bool) -> ModelOutput:
        """Return Inspect's output, whose metadata hold ``token_ids`` (:class:`DecodedTokens`) and two of its values.

        These are ``cached_tokens`` and ``stop``.

        Args:
            model: Name of the model.
            cut_by_context: Whether the limit was that of the context window, not that of the request.
        """
        reason: StopReason = "stop"
        if self.stop is None:
            reason = "model_length" if cut_by_context else "max_tokens"
        message = ChatMessageAssistant(content=self.text, model=model, source="generate")
        return ModelOutput(
            model=model,
            choices=[ChatCompletionChoice(message=message, stop_reason=reason, logprobs=self.logprobs)],
            usage=ModelUsage(
                input_tokens=self.prompt_tokens - self.cached_tokens,
                input_tokens_cache_read=self.cached_tokens,
                output_tokens=self.decoded_tokens,
                total_tokens=self.prompt_tokens + self.decoded_tokens,
            ),
            metadata={"token_ids": DecodedTokens(self.ids), "cached_tokens": self.cached_tokens, "stop": self.stop},
        )


def no_room(model: str, prompt: list[int], context: int) -> ModelOutput:
    """Return the output for a prompt that leaves no room in the context window, in tokens."""
    message = f"a prompt of {len(prompt)} tokens in a context of {context}"
    return ModelOutput.from_content(model, "", stop_reason="model_length", error=message)
