"""A process reward model or a reward model behind an endpoint with vLLM's pooling protocol.

Three endpoints, with request and response fields:

    /pooling   messages (question, solution)     data[0].data: a row of numbers per separator, or one row for it all
    /classify  messages (question, solution)     data[0].probs: one row
    /score     text_1: question, text_2: texts   data[i].score: one number per text
"""

import os
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, model_validator

from overthink.collect.arms.verifiers.base import (
    Scores,
    ScoringWork,
    UnreadableScoreError,
    Verifier,
    charged_if_lost,
    checked_scores,
)
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.replies import ReplyError
from overthink.collect.providers.requests import JsonClient
from overthink.components.base import component
from overthink.data.tokens import is_count
from overthink.errors import InputError

KEY = "OVERTHINK_VERIFIER_API_KEY"
"""Environment variable of the server's API key; plans and logs never hold it."""

NOT_THERE = frozenset({405, 501})
"""Status codes of a server without this endpoint; 404 may also be an unknown model, in the server's own words."""

TEXT_REFUSED = frozenset({400, 413, 422})
"""Status codes that are about one text."""

SIGMOID = "the model gives logits: turn them into probabilities"
"""Description of the setting ``sigmoid``."""


@component("endpoint")
class EndpointVerifier(Verifier):
    """A process reward model or reward model behind vLLM's /pooling, /classify or /score.

    A model with a separator returns one row of numbers per separator. To others, every step is sent with all steps
    before it.
    """

    url: str = Field(description="address of the server")
    model: str = Field(description="name of the model there")
    kind: Literal["pooling", "classify", "score"] = Field(description="which endpoint")
    separator: str = Field(
        description="text behind each step for which the model gives a score, such as <extra_0>; or none"
    )
    column: int = Field(-1, ge=-1, description="which number of a row is that of the good class; -1 is the last")
    sigmoid: bool = Field(False, description=SIGMOID)
    _answering: str | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _separates(self) -> Self:
        if self._separator and self.kind != "pooling":
            raise InputError(
                f"verifier endpoint: kind={self.kind} gives one score to a text, so it takes no separator; give "
                "separator=none, or kind=pooling for a model that scores every step"
            )
        return self

    @property
    def name(self) -> str:
        """Name in reports."""
        return f"endpoint {self.model}"

    @property
    def models(self) -> tuple[str, ...]:
        """Name of the model."""
        return (self.model,)

    @property
    def address(self) -> str:
        """Address of the server."""
        return self.url

    @property
    def _root(self) -> str:
        return self.url.rstrip("/").removesuffix("/v1")

    @property
    def _separator(self) -> str:
        """The separator; "" for none."""
        return "" if self.separator == "none" else self.separator.replace("\\n", "\n")

    def work(self, steps: int, answer_tokens: int) -> ScoringWork:
        """Return the cost: one request where the server scores several steps at once, else one per step."""
        return ScoringWork(1 if self._separator or self.kind == "score" else steps, 0)

    async def steps(self, context: TraceContext, path: ReasoningPath, *, last_only: bool) -> Scores:
        """Score the steps of a path."""
        return await self._score(context, path.steps, last_only=last_only)

    async def answer(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score an answer, given all steps before it."""
        return await self._score(context, (*path.steps, answer), last_only=True)

    async def solution(self, context: TraceContext, path: ReasoningPath, answer: str) -> Scores:
        """Score the steps of a path, and the answer as the last step."""
        return await self._score(context, (*path.steps, answer), last_only=False)

    async def _score(self, context: TraceContext, steps: tuple[str, ...], *, last_only: bool) -> Scores:
        replies: list[dict[str, Any]] = []
        with charged_if_lost(context, lambda: _tokens(replies)):
            for body in self._bodies(context.question, steps, last_only=last_only):
                replies += [await self._ask(body)]
            return self._read_all(replies, len(steps), last_only=last_only)

    def _bodies(self, question: str, steps: tuple[str, ...], *, last_only: bool) -> list[dict[str, Any]]:
        """Return the request bodies."""
        if self._separator:
            return [self._chat(question, self._join_steps(steps))]
        texts = ["".join(steps[:end]) for end in range(len(steps) if last_only else 1, len(steps) + 1)]
        if self.kind == "score":
            return [{"text_1": question, "text_2": texts}]
        return [self._chat(question, text) for text in texts]

    def _read_all(self, replies: Sequence[dict[str, Any]], steps: int, *, last_only: bool) -> Scores:
        tokens = _tokens(replies)
        try:
            numbers = [number for reply in replies for number in self._numbers(reply)]
        except (ValueError, LookupError, TypeError) as fault:
            raise UnreadableScoreError(f"/{self.kind} answered with another shape than vLLM's", tokens) from fault
        n_scores = steps if self._separator or not last_only else 1
        scores = checked_scores(numbers, n_scores, verifier=self.name, sigmoid=self.sigmoid, tokens=tokens)
        return Scores(scores[-1:] if last_only else scores, tokens)

    def _join_steps(self, steps: Sequence[str]) -> str:
        """Join the steps with the model's marker after each; markers inside a step are removed."""
        return "".join(step.replace(self._separator, " ").strip() + self._separator for step in steps)

    @staticmethod
    def _chat(question: str, solution: str) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": solution}]}

    def _numbers(self, reply: dict[str, Any]) -> list[float | None]:
        """Return the numbers of one reply, in the order of the request."""
        data = reply["data"]
        if self.kind == "score":
            items = sorted(data, key=lambda item: item["index"])
            return [_number(item["score"]) for item in items]
        if len(data) != 1:
            raise ValueError(data)
        rows = data[0]["probs" if self.kind == "classify" else "data"]
        if not rows or not isinstance(rows, list):
            raise ValueError(rows)
        if not isinstance(rows[0], list):
            return [_number(row) for row in rows] if self._separator else [_number(rows[self.column])]
        numbers = [_number(row[self.column]) for row in rows]
        return numbers if self._separator else numbers[-1:]  # one row per token: the last covers the whole text

    async def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to a request.

        Raises:
            CallError: The server fails or refuses.
            InputError: It has no such endpoint.
            UnreadableScoreError: It refuses this text, such as one that is too long, or its reply is none of vLLM's:
                others may still be scored.
            ReplyError: Another model replied than before.
        """
        client = JsonClient(self._root, os.environ.get(KEY), accepted=NOT_THERE | TEXT_REFUSED)
        status, answer = await client.post(f"/{self.kind}", body | {"model": self.model})
        if status in NOT_THERE:
            raise InputError(
                f"verifier endpoint: {self._root}/{self.kind} is not there (status {status}). Serve the model with "
                "vLLM's --runner pooling, and give the kind that it offers: pooling, classify or score."
            )
        if status in TEXT_REFUSED:
            raise UnreadableScoreError(f"/{self.kind} answered with status {status}", None)
        if not isinstance(answer, dict):
            raise UnreadableScoreError(f"/{self.kind} answered with another shape than vLLM's", None)
        model = str(answer.get("model"))
        self._answering = self._answering or model
        if model != self._answering:
            raise ReplyError(f"another model answered: {model[:80]!r}, and {self._answering[:80]!r} before in this run")
        return answer


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise TypeError(value)
    return None if value is None else float(value)


def _tokens(replies: Sequence[dict[str, Any]]) -> int | None:
    """Return prompt and decoded tokens as reported by the server; None if a reply lacks them."""
    total = 0
    for reply in replies:
        usage = reply.get("usage")
        counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")] if isinstance(usage, dict) else []
        counts = [count for count in counts if count is not None]
        if not counts or not all(map(is_count, counts)):
            return None
        total += sum(count or 0 for count in counts)
    return total
