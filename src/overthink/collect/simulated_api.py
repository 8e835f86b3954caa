"""``overthink/simulated``: an Inspect provider that thinks in pseudo-words and answers by a known truth."""

import hashlib
from array import array
from collections.abc import Sequence
from itertools import product
from typing import Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from overthink.collect.local import raw_prompt
from overthink.collect.pieces import decode, encode
from overthink.collect.simulated import SimulatedModel, uniform

CONTEXT = 1 << 17
"""Context window, in tokens."""

CHAT_ANSWER = "This is a simulated model; it has nothing to say."
"""What it answers where no truth is given."""

WORDS = tuple(encode(" " + "".join(word))[0] for word in product("bdfgklmnprst", "aeiou", "klmnrst"))
"""The thinking vocabulary: pseudo-words of three letters, one token each."""


class SimulatedProvider(ModelAPI):
    """The provider. A request's user message carries ``prompt_token_ids`` and ``truth`` in its metadata.

    ``truth`` holds axis, question, draw, seed, good, bad, thinking_tokens and phase. In the phase "think" it
    decodes pseudo-words until it ends by itself or at the limit: a function of the prompt alone at
    temperature 0, of prompt and seed otherwise. In the phase "answer" it decodes the good or the bad text, in the
    phase "natural" the same on a line of its own.
    Stop words are not looked at. How much of a prompt was cached is unknown, as with many real servers.

    Args:
        model_name: "simulated".
        base_url: Not used.
        api_key: Not used.
        config: Defaults for generation.
        **parameters: Fields of :class:`~overthink.collect.simulated.SimulatedModel`.
    """

    wants_truth = True

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 (the signature Inspect calls)
        **parameters: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        self.model = SimulatedModel(**parameters)

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 (Inspect's name)
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Think, answer, or say one harmless sentence."""
        prompt = raw_prompt(input) or await self.render(input)
        room = CONTEXT - len(prompt)
        limit = room if config.max_tokens is None else min(config.max_tokens, room)
        truth = (input[-1].metadata or {}).get("truth")
        if truth is None:
            ids, ended = _cut(encode(CHAT_ANSWER), limit)
        elif truth["phase"] == "think":
            ids, ended = think(prompt, limit, hazard=self.model.hazard, seed=_seed(self.model, config))
        else:
            ids, ended = _cut(self._answer(truth, limit), limit)
        return self._output(prompt, ids, "stop" if ended else "max_tokens")

    async def render(self, messages: list[ChatMessage]) -> list[int]:
        """Token ids of a chat, ready for the assistant's first token."""
        return encode("".join(f"<|{m.role}|>{m.text}\n" for m in messages) + "<|assistant|>")

    async def tokenize(self, text: str) -> list[int]:
        """Token ids of a text."""
        return encode(text)

    async def count_text_tokens(self, text: str) -> int:
        """Number of tokens of a text."""
        return len(encode(text))

    def context_tokens(self) -> int:
        """Context window, in tokens."""
        return CONTEXT

    def _answer(self, truth: dict[str, Any], limit: int) -> list[int]:
        axis, question, draw, seed, tokens = (truth[k] for k in ("axis", "question", "draw", "seed", "thinking_tokens"))
        fate = uniform("fate", seed, axis, question, draw, tokens)
        if fate < self.model.truncated:
            return think([tokens], limit + 1, hazard=0.0, seed=seed)[0]
        if fate < self.model.truncated + self.model.unparsed:
            return think([tokens], 3, hazard=0.0, seed=seed)[0]
        answer = truth["good" if self.model.outcome(axis, question, draw, seed, tokens) else "bad"]
        return encode(f"\n\n{answer}" if truth["phase"] == "natural" else answer)

    def _output(self, prompt: list[int], ids: list[int], reason: StopReason) -> ModelOutput:
        message = ChatMessageAssistant(content=decode(ids), model=self.model_name, source="generate")
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message, stop_reason=reason)],
            usage=ModelUsage(input_tokens=len(prompt), output_tokens=len(ids), total_tokens=len(prompt) + len(ids)),
            metadata={"token_ids": ids, "cached_tokens": None},
        )


def think(prompt: Sequence[int], limit: int, *, hazard: float, seed: int | None) -> tuple[list[int], bool]:
    """Decode pseudo-words.

    Every token is a function of the seed and of all tokens before it, so with one seed the pieces of a trace
    equal the whole trace.

    Args:
        prompt: Token ids so far.
        limit: Most tokens to decode.
        hazard: Probability of ending before each token.
        seed: Seed of the sampling.

    Returns:
        The token ids, and whether the thinking ended by itself.
    """
    state = hashlib.blake2b(repr(seed).encode() + array("Q", prompt).tobytes(), digest_size=16)
    ids: list[int] = []
    for _ in range(limit):
        number = int.from_bytes(state.digest())
        if (number >> 64) / 2.0**64 < hazard:
            return ids, True
        ids.append(WORDS[number % len(WORDS)])
        state.update(array("Q", ids[-1:]).tobytes())
    return ids, False


def _cut(ids: list[int], limit: int) -> tuple[list[int], bool]:
    return ids[:limit], len(ids) <= limit


def _seed(model: SimulatedModel, config: GenerateConfig) -> int | None:
    """What sampling depends on beside the prompt: the model at temperature 0, else the request's seed."""
    return model.seed if config.temperature == 0 else config.seed
