"""How vLLM and llama.cpp take token ids, return them, and say what ended a reply."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeGuard

from inspect_ai.model import Logprob, Logprobs, TopLogprob

from overthink.data.tokens import is_count


@dataclass(frozen=True, slots=True)
class DecodedIds:
    """What a reply says beyond OpenAI's fields.

    Attributes:
        ids: All decoded tokens, with those that ended the reply.
        stop: Stop text that ended it; "" for the end of the turn; None at the limit.
        cached_tokens: Prompt tokens read from the server's cache; None if not reported.
        logprobs: Log-probabilities that are not in OpenAI's form; None without them.
    """

    ids: tuple[int, ...]
    stop: str | None
    cached_tokens: int | None
    logprobs: Logprobs | None = None


class Dialect(Protocol):
    """One server software's requests and replies about tokens.

    Attributes:
        software: Its name.
        extra_body: Fields of a completion request that make the reply return its tokens.
    """

    software: str
    extra_body: dict[str, Any]

    def tokenize(self, text: str, *, begin: bool) -> dict[str, Any]:
        """Return the request of the tokens of a text; ``begin``: with those that begin every prompt."""
        ...

    def text(self, reply: Any) -> Any:
        """Return the text in the reply of /detokenize."""
        ...

    def read(self, reply: dict[str, Any]) -> DecodedIds | None:
        """Return what a completion says of its tokens; None if it returns none."""
        ...


class Vllm:
    """vLLM 0.10.2 or later."""

    software = "vLLM"
    extra_body: dict[str, Any] = {  # noqa: RUF012 - never modified: every request copies it
        "return_token_ids": True,
        "skip_special_tokens": False,  # the text says what the tokens say, and a special token can be a stop text
        "spaces_between_special_tokens": False,
    }

    def tokenize(self, text: str, *, begin: bool) -> dict[str, Any]:
        """Return the request of the tokens of a text."""
        return {"prompt": text, "add_special_tokens": begin}

    def text(self, reply: Any) -> Any:
        """Return the text in the reply of /detokenize."""
        return reply.get("prompt") if isinstance(reply, dict) else None

    def read(self, reply: dict[str, Any]) -> DecodedIds | None:
        """Return what a completion says of its tokens; ``stop_reason`` is a text, an end-of-turn token, or none."""
        choice = reply["choices"][0]
        ids = choice.get("token_ids")
        if not _are_ids(ids):
            return None
        stop = choice.get("stop_reason")
        if choice.get("finish_reason") != "stop":
            stop = None
        elif not isinstance(stop, str):
            stop = ""
        return DecodedIds(tuple(ids), stop, _cached(reply))


class LlamaCpp:
    """llama.cpp's server, whose ``verbose`` replies have its own fields beside OpenAI's."""

    software = "llama.cpp"
    extra_body: dict[str, Any] = {  # noqa: RUF012 - never modified: every request copies it
        "verbose": True,
        "return_tokens": True,
        "top_k": 0,  # its own defaults, 40 and 0.05, would sample from another distribution than the plan says
        "min_p": 0.0,
    }

    def tokenize(self, text: str, *, begin: bool) -> dict[str, Any]:
        """Return the request of the tokens of a text."""
        return {"content": text, "add_special": begin, "parse_special": True}

    def text(self, reply: Any) -> Any:
        """Return the text in the reply of /detokenize."""
        return reply.get("content") if isinstance(reply, dict) else None

    def read(self, reply: dict[str, Any]) -> DecodedIds | None:
        """Return what a completion says of its tokens. Its own fields repeat the prompt, and are removed."""
        own = reply.pop("__verbose", None)
        if not isinstance(own, dict) or not _are_ids(ids := own.get("tokens")):
            return None
        stop = {"word": own.get("stopping_word"), "eos": ""}.get(str(own.get("stop_type")))
        return DecodedIds(tuple(ids), stop, _cached(reply), llama_logprobs(own.get("completion_probabilities")))


def _are_ids(ids: Any) -> TypeGuard[list[int]]:
    return isinstance(ids, list) and bool(ids) and all(map(is_count, ids))


def _cached(reply: dict[str, Any]) -> int | None:
    details = (reply.get("usage") or {}).get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens")
    return cached if is_count(cached) else None


def llama_logprobs(entries: Sequence[dict[str, Any]] | None) -> Logprobs | None:
    """Return llama.cpp's log-probabilities of each token before the samplers; None if not requested."""
    if not entries:
        return None
    return Logprobs(
        content=[
            Logprob(
                token=entry["token"],
                logprob=entry["logprob"],
                top_logprobs=[TopLogprob(token=t["token"], logprob=t["logprob"]) for t in entry["top_logprobs"]],
            )
            for entry in entries
        ]
    )
