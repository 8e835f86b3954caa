"""A process reward model or a reward model behind an endpoint with vLLM's pooling protocol.

Three endpoints, with request and response fields:

    /pooling   messages (question, solution)     data[0].data: a row of numbers per separator, or one row for it all
    /classify  messages (question, solution)     data[0].probs: one row
    /score     text_1: question, text_2: texts   data[i].score: one number per text
"""

import os
from collections.abc import Sequence
from typing import Any, Literal

import anyio
import httpx
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from overthink.collect.arms.verifiers.base import Scores, UnreadableScoreError, charged_if_lost, checked_scores
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers import timeouts
from overthink.collect.providers.chat_template import tls
from overthink.collect.providers.reply_checks import ReplyError
from overthink.errors import InputError

KEY = "OVERTHINK_VERIFIER_API_KEY"
"""Environment variable of the server's API key; plans and logs never hold it."""

EndpointKind = Literal["pooling", "classify", "score"]


class EndpointVerifier:
    """Verifier on a server.

    Args:
        url: Address of the server, with or without /v1.
        model: Name of the model on the server.
        kind: Its endpoint.
        separator: End-of-step marker of the model, which returns one row per marker; "" for models with one score per
            text: every step is then sent with all steps before it.
        column: Index of the good class in a row, from 0; -1 for the last.
        sigmoid: The numbers are logits.

    Raises:
        InputError: The kind does not support a separator.
    """

    def __init__(self, *, url: str, model: str, kind: EndpointKind, separator: str, column: int, sigmoid: bool) -> None:
        if separator and kind != "pooling":
            raise InputError(
                f"verifier endpoint: kind={kind} gives one score to a text, so it takes no separator; give "
                "separator=none, or kind=pooling for a model that scores every step"
            )
        self.name = f"endpoint {model}"
        self.models = (model,)
        self._root = url.rstrip("/").removesuffix("/v1")
        self._model = model
        self._kind = kind
        self._separator = separator
        self._column = column
        self._sigmoid = sigmoid
        self._answering: str | None = None

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
            async with self._client() as client:
                for body in self._bodies(context.question, steps, last_only=last_only):
                    replies += [await self._ask(client, body)]
            return self._read_all(replies, len(steps), last_only=last_only)

    def _bodies(self, question: str, steps: tuple[str, ...], *, last_only: bool) -> list[dict[str, Any]]:
        """Return the request bodies."""
        if self._separator:
            return [self._chat(question, self._join_steps(steps))]
        texts = ["".join(steps[:end]) for end in range(len(steps) if last_only else 1, len(steps) + 1)]
        if self._kind == "score":
            return [{"text_1": question, "text_2": texts}]
        return [self._chat(question, text) for text in texts]

    def _read_all(self, replies: Sequence[dict[str, Any]], steps: int, *, last_only: bool) -> Scores:
        tokens = _tokens(replies)
        try:
            numbers = [number for reply in replies for number in self._numbers(reply)]
        except (ValueError, LookupError, TypeError) as fault:
            raise UnreadableScoreError(f"/{self._kind} answered with another shape than vLLM's", tokens) from fault
        n_scores = steps if self._separator or not last_only else 1
        scores = checked_scores(numbers, n_scores, verifier=self.name, sigmoid=self._sigmoid, tokens=tokens)
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
        if self._kind == "score":
            items = sorted(data, key=lambda item: item["index"])
            return [_number(item["score"]) for item in items]
        if len(data) != 1:
            raise ValueError(data)
        rows = data[0]["probs" if self._kind == "classify" else "data"]
        if not rows or not isinstance(rows, list):
            raise ValueError(rows)
        if not isinstance(rows[0], list):
            return [_number(row) for row in rows] if self._separator else [_number(rows[self._column])]
        numbers = [_number(row[self._column]) for row in rows]
        return numbers if self._separator else numbers[-1:]  # one row per token: the last covers the whole text

    def _client(self) -> httpx.AsyncClient:
        key = os.environ.get(KEY)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(base_url=self._root, headers=headers, timeout=timeouts.SECONDS, verify=tls())

    async def _ask(self, client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
        trying = AsyncRetrying(
            stop=stop_after_attempt(timeouts.TRIES),
            wait=wait_exponential(multiplier=timeouts.PAUSE),
            retry=retry_if_exception_type((httpx.TransportError, TimeoutError, ConnectionError)),
            reraise=True,
        )
        async for attempt in trying:
            with attempt, anyio.fail_after(timeouts.SECONDS):
                reply = await client.post(f"/{self._kind}", json=body | {"model": self._model})
                if reply.status_code == httpx.codes.TOO_MANY_REQUESTS or reply.status_code >= 500:
                    raise ConnectionError(f"/{self._kind} answered with status {reply.status_code}")
        return self._read(reply)

    def _read(self, reply: httpx.Response) -> dict[str, Any]:
        where = f"verifier endpoint: {self._root}/{self._kind}"
        if reply.status_code in (401, 403):
            raise InputError(f"{where} wants another key (status {reply.status_code}); set {KEY}")
        if reply.status_code in (404, 405, 501):
            raise InputError(
                f"{where} is not there, or knows no model {self._model!r} (status {reply.status_code}). Serve the "
                "model with vLLM's --runner pooling, and give the kind that it offers: pooling, classify or score."
            )
        if not reply.is_success:  # such as a text that is too long: others may still be scored
            raise UnreadableScoreError(f"/{self._kind} answered with status {reply.status_code}", None)
        try:
            answer = reply.json()
        except ValueError as fault:
            raise UnreadableScoreError(f"/{self._kind} answered with no JSON", None) from fault
        if not isinstance(answer, dict):
            raise UnreadableScoreError(f"/{self._kind} answered with another shape than vLLM's", None)
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
        if not counts or not isinstance(counts[0], int) or not isinstance(counts[1], int | None):
            return None
        total += counts[0] + (counts[1] or 0)
    return total
