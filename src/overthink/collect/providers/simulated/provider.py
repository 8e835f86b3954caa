"""``overthink/simulated``: an Inspect provider that thinks in pseudo-words and answers by known probabilities.

What the simulated model has read of its prompts: each request reads on where an earlier one ended.

A ladder sends a trace's whole prefix with every request. Here a prefix is read once: a request finds the longest one
that its prompt continues, and reads the rest. What stays proportional to the whole prefix is done at the speed of
memory: the ids are compared with the known ones, and hashed by the sampling, whose seed comes before them. They are
never joined here: a prefix is the ids of a request, as they came, and those that it decoded.
"""

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

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

from overthink.collect.providers.simulated.model import SimulatedModel, uniform
from overthink.collect.providers.simulated.parameters import check_parameters
from overthink.collect.providers.simulated.thinking import (
    END,
    TURN,
    WRONG,
    SimulatedTurn,
    Thinking,
    TurnReading,
    bytes_of,
    coded_tokens,
    decode,
    encode,
    likelihood_of_words,
    marked_tokens,
    mistake,
    packed,
    paraphrase,
    pseudo_words,
    token_count,
)
from overthink.collect.providers.token_ids import DecodedTokens, TokenIds, raw_prompt

MOST_PREFIXES, MOST_TOKENS = 256, 1 << 21
"""Prefixes that are remembered, and tokens of all of them, at most: 256 with 8,192 tokens each, 64 with 32,768."""

_TAIL = 8
"""Last tokens of a request that are compared before the others."""

_TAIL_BYTES = 128
"""Last bytes of a prefix, as it is hashed, by which it is remembered."""


@dataclass(frozen=True, slots=True)
class ReadPrefix:
    """A prefix that has been read.

    Attributes:
        ids: Token ids of a request.
        decoded: Those that it decoded.
        packed: Both, as they are hashed.
        reading: What their text says.
    """

    ids: tuple[int, ...] = ()
    decoded: tuple[int, ...] = ()
    packed: bytes = b""
    reading: TurnReading = field(default_factory=TurnReading)

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.ids) + len(self.decoded)

    def of(self, ids: tuple[int, ...]) -> "ReadPrefix":
        """Return the prefix of a request that continues this one; what is new alone is read."""
        more = ids[len(self) :]
        return ReadPrefix(ids, (), self.packed + packed(more), self.reading.read(bytes_of(more)))

    def then(self, decoded: list[int]) -> "ReadPrefix":
        """Return the prefix of a request with what it decoded."""
        reading = self.reading.read(bytes_of(decoded))
        return ReadPrefix(self.ids, tuple(decoded), self.packed + packed(decoded), reading)


class Prefixes:
    """The prefixes read last.

    Args:
        most_steps: Number of steps whose text is kept; None for all of them.

    Example:
        >>> prefixes = Prefixes(None)
        >>> prefixes.keep(prefixes.read((353, 354)))
        >>> prefixes.read((353, 354, 355)).reading.line
        b'abc'
    """

    def __init__(self, most_steps: int | None) -> None:
        self._nothing = ReadPrefix(reading=TurnReading(most_steps))
        self._latest: OrderedDict[tuple[int, bytes], ReadPrefix] = OrderedDict()
        self._tokens = 0

    def read(self, ids: tuple[int, ...]) -> ReadPrefix:
        """Return these token ids, read; what the latest prefix that they continue holds is not read again."""
        for prefix in reversed(self._latest.values()):
            if _continues(ids, prefix):
                return prefix.of(ids)
        return self._nothing.of(ids)

    def keep(self, prefix: ReadPrefix) -> None:
        """Remember a prefix, and forget the oldest ones: of two that are as long and end alike, the older, too."""
        key = len(prefix), prefix.packed[-_TAIL_BYTES:]
        replaced = self._latest.pop(key, self._nothing)
        self._latest[key] = prefix
        self._tokens += len(prefix) - len(replaced)
        while len(self._latest) > MOST_PREFIXES or (self._tokens > MOST_TOKENS and len(self._latest) > 1):
            self._tokens -= len(self._latest.popitem(last=False)[1])


def _continues(ids: tuple[int, ...], known: ReadPrefix) -> bool:
    n, end = len(known.ids), len(known)
    return (
        end <= len(ids)
        and ids[n:end] == known.decoded
        and ids[max(n - _TAIL, 0) : n] == known.ids[-_TAIL:]
        and ids[:n] == known.ids
    )


CONTEXT = 1 << 17
"""Context window, in tokens."""

CHAT_ANSWER = "This is a simulated model; it has nothing to say."
"""Answer to requests without ``truth``."""


class SimulatedProvider(ModelAPI):
    """The provider. A request's user message carries ``prompt_token_ids`` and ``truth`` in its metadata.

    ``truth`` holds axis, question, draw, seed, good, bad, thinking_tokens and phase. In the phase "think" it
    decodes lines of pseudo-words until it ends by itself or at the limit: a function of the prompt alone at
    temperature 0, of prompt and seed otherwise. In the phase "answer" it decodes the good or the bad text, in the
    phase "natural" the same on a line of its own.
    Line ends are the only stop words with an effect. The number of cached prompt tokens is unknown, as with many real
    servers.

    Args:
        model_name: "simulated".
        base_url: Not used.
        api_key: Not used.
        config: Defaults for generation.
        **parameters: Fields of :class:`~overthink.collect.providers.simulated.model.SimulatedModel`.
    """

    wants_truth = True
    takes_time = False  # its time is that of Overthink's own code, and equal runs would differ in nothing else

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 (the signature Inspect calls)
        **parameters: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        check_parameters(parameters)
        self.model = SimulatedModel(**parameters)
        self._prefixes = Prefixes(self.model.commit_step or 0)

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 (Inspect's name)
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Think, answer, or say one harmless sentence."""
        prompt = await self._prompt(input)
        room = CONTEXT - len(prompt)
        limit = room if config.max_tokens is None else min(config.max_tokens, room)
        truth = (input[-1].metadata or {}).get("truth")
        stop, ahead = None, None
        if truth is None:
            ids, is_complete = _cut(encode(_reply(input[-1].metadata or {})), limit)
        elif truth["phase"] == "think":
            prefix = self._prefixes.read(prompt)
            thinking, at = self._thinking(truth, prefix, config), prefix.reading.line_tokens
            until_line_end = END in (config.stop_seqs or ())
            ids, is_complete, stop = thinking.decode(prefix.packed, at, limit, until_line_end=until_line_end)
            ahead = thinking.ahead(at, config.top_logprobs or 1) if config.logprobs else None
            self._prefixes.keep(prefix.then(ids))
        else:
            ids, is_complete = _cut(self._answer(truth, prompt, config, limit), limit)
        output = self._output(len(prompt), ids, "stop" if is_complete else "max_tokens", stop)
        output.choices[0].logprobs = None if ahead is None else _logprobs(ahead)
        return output

    async def likelihood(
        self, prompt: list[int], ids: list[int], *, truth: dict[str, Any] | None
    ) -> tuple[list[float], int]:
        """Return log-probabilities of given tokens, and the tokens of the request: the prompt with them, once.

        The good answer has the probability of success, the bad one the complement, both in their first token.
        """
        text, tokens = decode(ids).strip(), len(prompt) + len(ids)
        if truth is None or truth["phase"] == "think" or text not in (truth["good"].strip(), truth["bad"].strip()):
            return likelihood_of_words(ids), tokens
        axis, question, thought = (truth[name] for name in ("axis", "question", "thinking_tokens"))
        turn = replace(self._turn(prompt), pull=truth.get("pull", 0.0))
        good = self.model.probability(axis, question, thought, turn)
        first = good if text == truth["good"].strip() else 1 - good
        return [math.log(max(first, 1e-300)), *[0.0] * (len(ids) - 1)], tokens

    async def render(self, messages: list[ChatMessage]) -> list[int]:
        """Return the token ids of a chat, up to the assistant's first token."""
        return encode("".join(f"<|{m.role}|>{m.text}\n" for m in messages) + TURN)

    async def tokenize(self, text: str) -> list[int]:
        """Return the token ids of a text."""
        return encode(text)

    async def count_text_tokens(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return token_count(text)

    def context_tokens(self) -> int:
        """Context window, in tokens."""
        return CONTEXT

    async def _prompt(self, messages: list[ChatMessage]) -> tuple[int, ...]:
        """Return the prompt's token ids, without a copy where they are one value already."""
        ids = (messages[0].metadata or {}).get("prompt_token_ids") if len(messages) == 1 else None
        return ids.ids if isinstance(ids, TokenIds) else tuple(raw_prompt(messages) or await self.render(messages))

    def _turn(self, prompt: Sequence[int]) -> SimulatedTurn:
        """Return the model's turn in a prompt, with the texts of the steps that count."""
        return self._prefixes.read(tuple(prompt)).reading.turn()

    def _thinking(self, truth: dict[str, Any], prefix: ReadPrefix, config: GenerateConfig) -> Thinking:
        """Return the thinking process of a request."""
        so_far = prefix.reading.turn()

        def risky(tokens: int, further: TurnReading) -> bool:
            return not self._is_good(truth, truth["thinking_tokens"] + tokens, so_far + further.turn(), config)

        model, is_risky = self.model, truth["axis"] == "safety"
        key = [truth[name] for name in ("axis", "question", "draw", "seed")]
        return Thinking(
            model.hazard,
            model.step_tokens,
            _seed(model, config),
            model.commit_step or 0,
            risky if is_risky else None,
            model.uses_code(*key),
        )

    def _is_good(self, truth: dict[str, Any], tokens: int, turn: SimulatedTurn, config: GenerateConfig) -> bool:
        """Return whether an answer forced now would be good."""
        axis, question, draw, seed = (truth[name] for name in ("axis", "question", "draw", "seed"))
        turn = replace(turn, pull=truth.get("pull", 0.0))
        if "thought" in truth and self.model.follows_text(axis, question, draw, seed):
            if WRONG in truth["thought"]:
                return False
            is_coded = self.model.uses_code(axis, question, draw, seed)
            tokens = (coded_tokens if is_coded else marked_tokens)(truth["thought"])
        if self.model.commit_step is None:
            return self.model.outcome(axis, question, draw, seed, tokens, turn)
        return self.model.settled_outcome(axis, question, tokens, turn, (question, draw, seed, config.seed))

    def _answer(self, truth: dict[str, Any], prompt: tuple[int, ...], config: GenerateConfig, limit: int) -> list[int]:
        axis, question, draw, seed, tokens = (truth[k] for k in ("axis", "question", "draw", "seed", "thinking_tokens"))
        fate = uniform("fate", seed, axis, question, draw, tokens)
        if fate < self.model.truncated:
            return pseudo_words([tokens], limit + 1, seed=seed)
        if fate < self.model.truncated + self.model.unparsed:
            return pseudo_words([tokens], 3, seed=seed)
        answer = truth["good" if self._is_good(truth, tokens, self._turn(prompt), config) else "bad"]
        return encode(f"\n\n{answer}" if truth["phase"] == "natural" else answer)

    def _output(self, n_prompt: int, ids: list[int], reason: StopReason, stop: str | None) -> ModelOutput:
        message = ChatMessageAssistant(content=decode(ids), model=self.model_name, source="generate")
        n_decoded = len(ids) + (stop is not None)  # the stop word is decoded and then removed
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message, stop_reason=reason)],
            usage=ModelUsage(input_tokens=n_prompt, output_tokens=n_decoded, total_tokens=n_prompt + n_decoded),
            metadata={"token_ids": DecodedTokens(ids), "cached_tokens": None, "stop": stop},
        )


def _reply(metadata: dict[str, Any]) -> str:
    """Return the reply to a request without ``truth``: a sentence, or what it is to write."""
    what = metadata.get("write")
    if what is None:
        return CHAT_ANSWER
    if what["task"] == "text":
        return str(what["text"])
    return paraphrase(what["text"]) if what["task"] == "paraphrase" else mistake(what["text"])


def _logprobs(ahead: list[tuple[int, float]]) -> Logprobs:
    """Return the log-probabilities of the first token and its alternatives."""
    top = [TopLogprob(token=decode([token]), logprob=math.log(share)) for token, share in ahead]
    return Logprobs(content=[Logprob(token=top[0].token, logprob=top[0].logprob, top_logprobs=top)])


def _cut(ids: list[int], limit: int) -> tuple[list[int], bool]:
    return ids[:limit], len(ids) <= limit


def _seed(model: SimulatedModel, config: GenerateConfig) -> int | None:
    """Return the seed of sampling: the model's at temperature 0, else the request's."""
    return model.seed if config.temperature == 0 else config.seed
