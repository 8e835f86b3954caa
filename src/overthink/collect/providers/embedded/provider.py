"""Open-weight models in this process: ``overthink/NAME`` (installed weights) and ``overthink/gguf`` (any GGUF file)."""

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

from overthink.collect.providers.embedded.installed import usable_path
from overthink.collect.providers.embedded.server import LlamaServer, ServerOptions, server_for
from overthink.collect.providers.embedded.weights import check_gguf
from overthink.errors import InputError
from overthink.plan.study import TEMPERATURE, TOP_P


class LocalModel(ModelAPI):
    """A model that runs in this process, for chat and for continuing a prompt given as token ids.

    A single user message with ``metadata["prompt_token_ids"]`` is a raw prompt; anything else is a chat,
    rendered with the model's own template. ``output.metadata`` holds ``token_ids`` (decoded tokens without
    the end-of-sequence token and a stop word), ``cached_tokens`` (prompt tokens read from the cache) and
    ``stop`` (the stop word that ended it, "" for the end of the turn, None at the limit). Only
    temperature, top-p, top-k and the seed affect the sampling: other samplers are switched off.

    Args:
        model_name: A name of installed weights, as "smollm2"; or "gguf".
        base_url: Not used; the server is in this process.
        api_key: Not used.
        config: Defaults for generation.
        gguf: The weight file, for "gguf".
        slots: Traces whose prefix stays cached; twice the concurrent traces, so that none is evicted.
        context: Context window of a trace, in tokens.
        engines: Independent copies of the engine; None for one per core if the weights are small.
        threads: Threads of each engine; None for the default of the machine.

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
            path = usable_path(model_name)
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
            message = f"a prompt of {len(prompt)} tokens in a context of {server.context_tokens}"
            return ModelOutput.from_content(self.model_name, "", stop_reason="model_length", error=message)
        max_tokens = room if config.max_tokens is None else config.max_tokens
        request = _sampling(config) | {
            "n_predict": min(max_tokens, room),
            "return_tokens": True,
            "cache_prompt": True,
            "n_probs": (config.top_logprobs or 1) if config.logprobs else 0,
        }
        answer = await server.complete(prompt, request | (config.extra_body or {}))
        ids = answer["tokens"][:-1] if answer["stop_type"] == "eos" else answer["tokens"]
        if answer["stop_type"] == "word":
            ids = await self._without_stop(server, ids, answer["content"])
        return self._output(answer, ids, cut_by_context=max_tokens > room)

    async def likelihood(
        self, prompt: list[int], ids: list[int], *, truth: dict[str, Any] | None
    ) -> tuple[list[float], int]:
        """Return the log-probabilities of given tokens after a prompt, and the tokens used by the requests.

        llama.cpp reports the probability of the sampled token, before the samplers. So each token is made the only
        possible one by a logit bias, in a request whose prompt ends with all tokens before it.
        """
        server = await self._server()
        logprobs, tokens = [], 0
        for position, token in enumerate(ids):
            request = {"n_predict": 1, "n_probs": 1, "logit_bias": [[token, 1e6]], "temperature": 0.0}
            body = request | {"return_tokens": True, "cache_prompt": True}
            answer = await server.complete([*prompt, *ids[:position]], body)
            entry = answer["completion_probabilities"][0]
            if entry["id"] != token:
                raise ConnectionError(f"llama.cpp sampled token {entry['id']} where only {token} was possible")
            logprobs.append(float(entry["logprob"]))
            tokens += answer["tokens_evaluated"] + len(answer["tokens"])
        return logprobs, tokens

    async def render(self, messages: list[ChatMessage]) -> list[int]:
        """Return the token ids of a chat in the model's own template, up to the assistant's first token."""
        server = await self._server()
        chat = [{"role": message.role, "content": message.text} for message in messages]
        text = (await server.post("/apply-template", {"messages": chat}))["prompt"]
        return await self._ids(server, text, begin=True)

    async def tokenize(self, text: str) -> list[int]:
        """Return the token ids of a text without special tokens; a tag that is one token of the model stays one."""
        return await self._ids(await self._server(), text, begin=False)

    async def count_text_tokens(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return len(await self.tokenize(text))

    def context_tokens(self) -> int:
        """Return the context window of a trace, in tokens. Starts the server."""
        return server_for(self._options).context_tokens

    def max_connections(self) -> int:
        """Return the number of concurrent requests: half of the slots, so that forks keep their prefix."""
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
        """Return the tokens before a stop word: the longest prefix of the ids whose text is a prefix of the content."""
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
        cached_tokens, prompt_tokens, decoded_tokens = (
            answer["timings"]["cache_n"],
            answer["tokens_evaluated"],
            len(answer["tokens"]),
        )
        message = ChatMessageAssistant(content=answer["content"], model=self.model_name, source="generate")
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message, stop_reason=reason, logprobs=_logprobs(answer))],
            usage=ModelUsage(
                input_tokens=prompt_tokens - cached_tokens,
                input_tokens_cache_read=cached_tokens,
                output_tokens=decoded_tokens,
                total_tokens=prompt_tokens + decoded_tokens,
            ),
            metadata={
                "token_ids": ids,
                "cached_tokens": cached_tokens,
                "stop": None if answer["stop_type"] == "limit" else answer["stopping_word"],
            },
        )


def raw_prompt(messages: list[ChatMessage]) -> list[int] | None:
    """Return the prompt given as token ids; None for a chat.

    Raises:
        InputError: ``prompt_token_ids`` is not a non-empty list of integers, or is not in a single user message.
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
    """Return the log-probabilities of each token before the samplers; None if not requested."""
    entries = answer.get("completion_probabilities")
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
