"""The provider of ``hf/NAME`` for the model under test: chats, and continuation of a prompt given as token ids.

Inspect's own provider loads the model and the tokenizer, with all of its arguments, and stays what it is: a grader of
the same name gets Inspect's own. It takes chats only, batches what arrives within two seconds, and reads every prefix
again. So the model under test is this provider around it: the same weights, once in memory. A subclass would have to be
registered in Inspect's place, for every program in which Overthink is installed; a second loading would take the memory
twice.
"""

from concurrent.futures import Future
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import numpy as np
from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Logprob,
    Logprobs,
    ModelAPI,
    ModelOutput,
    TopLogprob,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from overthink.collect.providers.huggingface.decoding import Sampler
from overthink.collect.providers.huggingface.engine import Completion, Engine, Request
from overthink.collect.providers.token_ids import TokenOutput, no_room, raw_prompt
from overthink.plan.study import TEMPERATURE, TOP_P

ResultT = TypeVar("ResultT")


class HuggingFaceModel(ModelAPI):
    """A model of Transformers in this process. The contract is that of the embedded models.

    Requests with tools, and those of a model with ``hidden_states``, go to Inspect's own provider.

    Args:
        inner: Inspect's own provider, with the loaded model.
        engine: Decodes with that model.
        context: Context window, in tokens.
        config: Defaults for generation.
    """

    def __init__(self, inner: Any, engine: Engine, *, context: int, config: GenerateConfig) -> None:
        super().__init__(inner.model_name, inner.base_url, inner.api_key, [], config)
        self._inner = inner
        self._engine = engine
        self._context = context

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 (Inspect's name)
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answer a chat or continue a raw prompt."""
        prompt = raw_prompt(input)
        if prompt is None:
            if tools or self._inner.hidden_states:
                output: ModelOutput = await self._inner.generate(input, tools, tool_choice, config)
                return output
            prompt = await self.render(input)
        room = self._context - len(prompt)
        if room < 1:
            return no_room(self.model_name, prompt, self._context)
        max_tokens = room if config.max_tokens is None else config.max_tokens
        request = Request(
            prompt,
            min(max_tokens, room),
            self._sampler(config),
            tuple(config.stop_seqs or ()),
            n_top=(config.top_logprobs or 1) if config.logprobs else 0,
        )
        completion = await _result(self._engine.complete(request))
        return self._output(request, completion, cut_by_context=max_tokens > room)

    async def likelihood(
        self,
        prompt: list[int],
        ids: list[int],
        *,
        truth: dict[str, Any] | None,
    ) -> tuple[list[float], int]:
        """Return the log-probabilities of given tokens after a prompt, and the tokens of the request."""
        return await _result(self._engine.likelihood(prompt, ids)), len(prompt) + len(ids)

    async def activations(self, prompt: list[int]) -> tuple[np.ndarray[Any, np.dtype[np.float64]], int]:
        """Return the hidden states at the last token, (layer, feature), and the tokens whose keys were held."""
        return await _result(self._engine.activations(prompt))

    async def render(self, messages: list[ChatMessage]) -> list[int]:
        """Return the token ids of a chat in the model's own template, up to the assistant's first token."""
        text: str = self._inner.hf_chat(messages, [])
        has_template = self._inner.use_chat_template is not False  # a template writes its special tokens itself
        settings = {"add_special_tokens": not has_template} | self._inner.tokenizer_call_args
        ids: list[int] = self._inner.tokenizer(text, **settings)["input_ids"]
        return ids

    async def tokenize(self, text: str) -> list[int]:
        """Return the token ids of a text without special tokens; a tag that is one token of the model stays one."""
        ids: list[int] = self._inner.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    async def count_text_tokens(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return len(await self.tokenize(text))

    def context_tokens(self) -> int:
        """Return the context window of a trace, in tokens."""
        return self._context

    def max_connections(self) -> int:
        """Return the number of concurrent requests: those that are decoded together."""
        return self._engine.batch_size

    def max_tokens(self) -> int | None:
        """Return Inspect's default limit of an answer."""
        limit: int | None = self._inner.max_tokens()
        return limit

    def _sampler(self, config: GenerateConfig) -> Sampler:
        temperature = TEMPERATURE if config.temperature is None else config.temperature
        return Sampler(
            temperature=temperature if self._inner.do_sample else 0.0,
            top_p=TOP_P if config.top_p is None else config.top_p,
            top_k=config.top_k or 0,
            seed=None if config.seed is None else config.seed % 2**32,
        )

    def _output(self, request: Request, completion: Completion, *, cut_by_context: bool) -> ModelOutput:
        output = TokenOutput(
            text=completion.text,
            ids=completion.ids,
            stop=completion.stop,
            prompt_tokens=len(request.prompt),
            cached_tokens=completion.cached_tokens,
            decoded_tokens=completion.decoded_tokens,
            logprobs=self._logprobs(completion),
        )
        return output.model_output(self.model_name, cut_by_context=cut_by_context)

    def _logprobs(self, completion: Completion) -> Logprobs | None:
        if not completion.likelihoods:
            return None
        text = self._engine.detokenizer.token
        return Logprobs(
            content=[
                Logprob(
                    token=text(likelihood.token),
                    logprob=likelihood.logprob,
                    top_logprobs=[TopLogprob(token=text(token), logprob=logprob) for token, logprob in likelihood.top],
                )
                for likelihood in completion.likelihoods
            ]
        )


async def _result(future: "Future[ResultT]") -> ResultT:
    """Wait for a future without holding up the event loop; cancel it where the waiting is cancelled."""
    try:
        # a limiter of its own: the shared one admits 40 threads, and more requests may wait here
        return await anyio.to_thread.run_sync(future.result, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))
    except anyio.get_cancelled_exc_class():
        future.cancel()
        raise
