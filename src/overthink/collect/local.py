"""Open weights in this process: ``overthink/smollm2`` (embedded) and ``overthink/gguf`` (any GGUF file)."""

import importlib.util
from typing import Any

import anyio.to_thread
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    TopLogprob,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from overthink.collect.server import LlamaServer, ServerOptions, server_for
from overthink.collect.weights import check_gguf, embedded
from overthink.errors import InputError
from overthink.plan import TEMPERATURE, TOP_P


class LocalModel(ModelAPI):
    """A model that runs in this process, for chat and for continuing a prompt given as token ids.

    A single user message with ``metadata["prompt_token_ids"]`` is a raw prompt; anything else is a chat,
    rendered with the model's own template. ``output.metadata`` holds ``token_ids`` (what was decoded, the
    end-of-sequence token and a stop word left out), ``cached_tokens`` (how many prompt tokens came from the
    cache) and ``stop`` (the stop word that ended it, "" for the end of the turn, None at the limit). Only
    temperature, top-p, top-k and the seed shape the sampling: what a server adds is switched off.

    Args:
        model_name: "smollm2" or "gguf".
        base_url: Not used; the server is in this process.
        api_key: Not used.
        config: Defaults for generation.
        gguf: The weight file, for "gguf".
        slots: Traces whose prefix stays cached; twice the traces in flight, so that none loses its own.
        context: Context window of a trace, in tokens.
        engines: Independent copies of the engine; None for one per core where the weights are small.
        threads: Threads of each engine; None for what suits the machine.

    Raises:
        InputError: The weights or xllamacpp are missing, or the file is not a GGUF file.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 (the signature Inspect calls)
        *,
        gguf: str | None = None,
        slots: int = 16,
        context: int = 2048,
        engines: int | None = None,
        threads: int | None = None,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        if model_name == "gguf":
            if gguf is None:
                raise InputError("overthink/gguf needs the weight file; give the model argument gguf=PATH")
            path = check_gguf(gguf)
        else:
            path = embedded()
        if importlib.util.find_spec("xllamacpp") is None:
            raise InputError(f"overthink/{model_name} needs xllamacpp. Run: pip install 'overthink[demo]'")
        self._options = ServerOptions.for_machine(path, slots=slots, context=context, engines=engines, threads=threads)

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 (Inspect's name)
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answer a chat or continue a raw prompt."""
        if tools:
            raise InputError(f"overthink/{self.model_name} cannot call tools; use a task without tools")
        server = await self._server()
        prompt = raw_prompt(input)
        if prompt is None:
            prompt = await self.render(input)
        room = server.context_tokens - len(prompt)
        if room < 1:
            said = f"a prompt of {len(prompt)} tokens in a context of {server.context_tokens}"
            return ModelOutput.from_content(self.model_name, "", stop_reason="model_length", error=said)
        wanted = room if config.max_tokens is None else config.max_tokens
        request = _sampling(config) | {
            "n_predict": min(wanted, room),
            "return_tokens": True,
            "cache_prompt": True,
            "n_probs": (config.top_logprobs or 1) if config.logprobs else 0,
        }
        answer = await server.complete(prompt, request | (config.extra_body or {}))
        ids = answer["tokens"][:-1] if answer["stop_type"] == "eos" else answer["tokens"]
        if answer["stop_type"] == "word":
            ids = await self._without_stop(server, ids, answer["content"])
        return self._output(answer, ids, cut_by_context=wanted > room)

    async def likelihood(
        self, prompt: list[int], ids: list[int], *, truth: dict[str, Any] | None
    ) -> tuple[list[float], int]:
        """Log-probabilities of given tokens behind a prompt, and the tokens that the requests took.

        llama.cpp tells the probability of what it samples, before the samplers. So each token is made the only one
        that can be sampled, and is asked for with all before it in the prompt.
        """
        server = await self._server()
        found, tokens = [], 0
        for place, token in enumerate(ids):
            request = {"n_predict": 1, "n_probs": 1, "logit_bias": [[token, 1e6]], "temperature": 0.0}
            body = request | {"return_tokens": True, "cache_prompt": True}
            answer = await server.complete([*prompt, *ids[:place]], body)
            told = answer["completion_probabilities"][0]
            if told["id"] != token:
                raise ConnectionError(f"llama.cpp sampled token {told['id']} where only {token} was possible")
            found.append(float(told["logprob"]))
            tokens += answer["tokens_evaluated"] + len(answer["tokens"])
        return found, tokens

    async def render(self, messages: list[ChatMessage]) -> list[int]:
        """Token ids of a chat in the model's own template, ready for the assistant's first token."""
        server = await self._server()
        chat = [{"role": message.role, "content": message.text} for message in messages]
        text = (await server.post("/apply-template", {"messages": chat}))["prompt"]
        return await self._ids(server, text, begin=True)

    async def tokenize(self, text: str) -> list[int]:
        """Token ids of a text, nothing added; a tag that is one token of the model stays one."""
        return await self._ids(await self._server(), text, begin=False)

    async def count_text_tokens(self, text: str) -> int:
        """Number of tokens of a text."""
        return len(await self.tokenize(text))

    def context_tokens(self) -> int:
        """Context window of a trace, in tokens. Starts the server."""
        return server_for(self._options).context_tokens

    def max_connections(self) -> int:
        """Requests in flight at once: half of the slots, so that forks keep their prefix."""
        return max(1, self._options.slots // 2)

    async def _server(self) -> LlamaServer:
        return await anyio.to_thread.run_sync(server_for, self._options)

    @staticmethod
    async def _ids(server: LlamaServer, text: str, *, begin: bool) -> list[int]:
        body = {"content": text, "add_special": begin, "parse_special": True}
        ids: list[int] = (await server.post("/tokenize", body))["tokens"]
        return ids

    @staticmethod
    async def _without_stop(server: LlamaServer, ids: list[int], content: str) -> list[int]:
        """The tokens before a stop word: the longest start of the ids whose text is part of the content."""
        while ids:
            text = (await server.post("/detokenize", {"tokens": ids}))["content"]
            if content.startswith(text):
                break
            ids = ids[:-1]
        return ids

    def _output(self, answer: dict[str, Any], ids: list[int], *, cut_by_context: bool) -> ModelOutput:
        reason: StopReason = "stop"
        if answer["stop_type"] == "limit":
            reason = "model_length" if cut_by_context else "max_tokens"
        cached, prompt_tokens, decoded = (
            answer["timings"]["cache_n"],
            answer["tokens_evaluated"],
            len(answer["tokens"]),
        )
        message = ChatMessageAssistant(content=answer["content"], model=self.model_name, source="generate")
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message, stop_reason=reason, logprobs=_logprobs(answer))],
            usage=ModelUsage(
                input_tokens=prompt_tokens - cached,
                input_tokens_cache_read=cached,
                output_tokens=decoded,
                total_tokens=prompt_tokens + decoded,
            ),
            metadata={
                "token_ids": ids,
                "cached_tokens": cached,
                "stop": None if answer["stop_type"] == "limit" else answer["stopping_word"],
            },
        )


def raw_prompt(messages: list[ChatMessage]) -> list[int] | None:
    """The prompt given as token ids, or None for a chat.

    Raises:
        InputError: ``prompt_token_ids`` is not a non-empty list of integers, or does not stand alone.
    """
    carrying = [m for m in messages if m.metadata and "prompt_token_ids" in m.metadata]
    if not carrying:
        return None
    ids = (carrying[0].metadata or {})["prompt_token_ids"]
    if len(messages) != 1 or messages[0].role != "user":
        raise InputError(f"prompt_token_ids came with {len(messages)} messages; needed: one user message")
    if not isinstance(ids, list) or not ids or not all(isinstance(token, int) for token in ids):
        raise InputError("metadata['prompt_token_ids'] must be a list of integers, at least one")
    return ids


def _logprobs(answer: dict[str, Any]) -> Logprobs | None:
    """What the model thought of each token before the samplers did; None where it was not asked."""
    told = answer.get("completion_probabilities")
    if not told:
        return None
    return Logprobs(
        content=[
            Logprob(
                token=one["token"],
                logprob=one["logprob"],
                top_logprobs=[TopLogprob(token=t["token"], logprob=t["logprob"]) for t in one["top_logprobs"]],
            )
            for one in told
        ]
    )


def _sampling(config: GenerateConfig) -> dict[str, Any]:
    request: dict[str, Any] = {
        "temperature": TEMPERATURE if config.temperature is None else config.temperature,
        "top_p": TOP_P if config.top_p is None else config.top_p,
        "top_k": config.top_k or 0,
        "min_p": 0.0,
    }
    if config.seed is not None:
        request["seed"] = config.seed % 2**32
    if config.stop_seqs:
        request["stop"] = config.stop_seqs
    return request
