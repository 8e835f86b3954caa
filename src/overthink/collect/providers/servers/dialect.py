"""Dialects of servers: how vLLM and llama.cpp take token ids, return them, and say what ended a reply."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeGuard

from inspect_ai.model import ChatMessage, Logprob, Logprobs, ModelOutput, TopLogprob

from overthink.collect.providers.attempts import repeated
from overthink.collect.providers.chat_template import RenderedChat, TemplateError, render_chat
from overthink.collect.providers.requests import JsonClient
from overthink.collect.providers.servers.address import ServerAddress
from overthink.collect.providers.token_ids import DecodedTokens
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


MOST_TEXTS = 64
"""Texts whose ids are stored: a study inserts the same few, the answer cue above all, at every rung of every trace."""


@dataclass(frozen=True, slots=True)
class ServerTokens:
    """Tokenizer and chat template of a server.

    Attributes:
        address: Its address.
        dialect: Its software.
    """

    address: ServerAddress
    dialect: Dialect
    _text_ids: dict[str, tuple[int, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    async def render(self, messages: Sequence[ChatMessage]) -> tuple[str, tuple[int, ...]]:
        """Return text and token ids of a chat, up to the assistant's first token.

        Raises:
            InputError: The server renders no chat.
            CallError: It does not answer.
        """
        by_tokens = isinstance(self.dialect, Vllm)  # known: one request less for every trace
        rendered = await rendered_chat(self.address, messages, by_tokens=by_tokens)
        return rendered.text, rendered.ids or await self.of(rendered.text, begin=True)

    async def of(self, text: str, *, begin: bool = False) -> tuple[int, ...]:
        """Return the token ids of a text; ``begin``: with the tokens that begin every prompt.

        Raises:
            CallError: The server does not answer, or returns no ids.
        """
        if not text:
            return ()
        if not begin and text in self._text_ids:
            return self._text_ids[text]
        reply = await self._field("/tokenize", self.dialect.tokenize(text, begin=begin), lambda r: r.get("tokens"))
        ids = tuple(reply)
        if not begin and len(self._text_ids) < MOST_TEXTS:
            self._text_ids[text] = ids
        return ids

    async def text(self, ids: Sequence[int]) -> str:
        """Return the text of token ids, special tokens included.

        Raises:
            CallError: The server does not answer, or returns no text.
        """
        return str(await self._field("/detokenize", {"tokens": list(ids)}, self.dialect.text)) if ids else ""

    async def without_stop(self, decoded: DecodedIds, text: str) -> tuple[int, ...]:
        """Return the ids of a decoded text, without those that ended it.

        A stop text may begin inside a token. Then the tokens before that one are kept, and the letters of the text
        behind them are made tokens anew.

        Args:
            decoded: What was decoded.
            text: Its text, without the stop text.
        """
        if decoded.stop is None:
            return decoded.ids
        ids = decoded.ids if decoded.stop else decoded.ids[:-1]
        if not decoded.stop:
            return ids
        while ids and not text.startswith(begin := await self.text(ids)):
            ids = ids[:-1]
        return ids + await self.of(text[len(begin) :] if ids else text)

    async def _field(self, path: str, body: dict[str, Any], field: Any) -> Any:
        async def attempt() -> Any:
            _, reply = await JsonClient(self.address.root, self.address.key).post(
                path, {"model": self.address.name, **body}
            )
            if (value := field(reply) if isinstance(reply, dict) else None) is None:
                raise TemplateError(f"{path} answered {str(reply)[:60]!r}")
            return value

        return await repeated(attempt, server=self.address.root, max_tokens=0, is_passing=lambda _: False)


async def rendered_chat(
    address: ServerAddress, messages: Sequence[ChatMessage], *, by_tokens: bool = False
) -> RenderedChat:
    """Return a chat in its server's template; raises as :func:`render_chat`."""
    chat = [{"role": message.role, "content": message.text} for message in messages]
    return await render_chat(address.root, key=address.key, model=address.name, messages=chat, by_tokens=by_tokens)


def dialect_of(rendered: RenderedChat) -> Dialect:
    """Return the dialect of a server by how it renders a chat: vLLM as tokens, llama.cpp as a text."""
    return LlamaCpp() if rendered.ids is None else Vllm()


def return_ids(api: Any, tokens: ServerTokens) -> None:
    """Add to every later output of a provider what the embedded models' outputs have: ids, stop, cached tokens.

    Args:
        api: The provider; after a repeated call the later tokens hold.
        tokens: Tokens of its server.
    """
    original = api.generate
    if hasattr(original, "server_tokens"):
        original.server_tokens = tokens
        return

    async def generate(*args: Any, **settings: Any) -> Any:
        result, tokens = await original(*args, **settings), generate.server_tokens  # type: ignore[attr-defined]
        if not isinstance(result, tuple):
            return result
        output, call = result
        if isinstance(output, ModelOutput) and output.choices and (decoded := _decoded(tokens, call)) is not None:
            ids = await tokens.without_stop(decoded, output.completion)
            output.metadata = (output.metadata or {}) | {
                "token_ids": DecodedTokens(ids),
                "stop": decoded.stop,
                "cached_tokens": decoded.cached_tokens,
            }
            output.choices[0].logprobs = output.choices[0].logprobs or decoded.logprobs
        return result

    generate.server_tokens = tokens  # type: ignore[attr-defined]
    api.generate = generate


def _decoded(tokens: ServerTokens, call: Any) -> DecodedIds | None:
    reply = getattr(call, "response", None)
    return tokens.dialect.read(reply) if isinstance(reply, dict) and reply.get("choices") else None
