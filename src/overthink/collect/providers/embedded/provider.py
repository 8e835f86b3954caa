"""Open-weight models in this process: ``overthink/NAME`` (installed weights) and ``overthink/gguf`` (any GGUF file)."""

import importlib.util
from typing import Any

import anyio.to_thread
from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput
from inspect_ai.tool import ToolChoice, ToolInfo

from overthink.collect.providers.embedded.installed import usable_path
from overthink.collect.providers.embedded.server import LlamaServer, ServerOptions, server_for
from overthink.collect.providers.embedded.weights import check_gguf
from overthink.collect.providers.servers.dialect import LlamaCpp, llama_logprobs
from overthink.collect.providers.token_ids import TokenOutput, no_room, raw_prompt
from overthink.errors import InputError
from overthink.plan.study import TEMPERATURE, TOP_P


class LocalModel(ModelAPI):
    """A model that runs in this process, for chat and for continuing a prompt given as token ids.

    A single user message with ``metadata["prompt_token_ids"]`` (a list, or
    :class:`~overthink.collect.providers.token_ids.TokenIds`) is a raw prompt; anything else is a chat, rendered with
    the model's own template. ``output.metadata`` holds ``token_ids`` (decoded tokens without the end-of-sequence token
    and a stop word), ``cached_tokens`` (prompt tokens read from the cache) and ``stop`` (the stop word that ended it,
    "" for the end of the turn, None at the limit). Only temperature, top-p, top-k and the seed affect the sampling:
    other samplers are switched off.

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
            return no_room(self.model_name, prompt, server.context_tokens)
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
        ids: list[int] = (await server.post("/tokenize", LlamaCpp().tokenize(text, begin=begin)))["tokens"]
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
        output = TokenOutput(
            text=answer["content"],
            ids=ids,
            stop=None if answer["stop_type"] == "limit" else answer["stopping_word"],
            prompt_tokens=answer["tokens_evaluated"],
            cached_tokens=answer["timings"]["cache_n"],
            decoded_tokens=len(answer["tokens"]),
            logprobs=llama_logprobs(answer.get("completion_probabilities")),
        )
        return output.model_output(self.model_name, cut_by_context=cut_by_context)


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
