"""Decoding through Transformers: one thread owns the model, and decodes the requests in flight together.

Each request takes a trace with its cached prefix, reads the rest of the prompt, and decodes token by token. A batch is
formed anew when a request joins or ends. A request alone is decoded without padding, in the same steps whether it was
forked, cut into segments or not: its greedy tokens do not depend on it. In a batch rounding depends on the others.

How many tokens are read at once decides how their keys are rounded, which in bfloat16 changes greedy tokens. So a
prompt is read in blocks of one length, whether a question ends in the last of them or an answer's cue comes behind it.
"""

import atexit
import inspect
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import torch

from overthink.collect.providers.huggingface.decoding import HEAD, Detokenizer, Likely, Sampler
from overthink.collect.providers.huggingface.kv_cache import HeldTraces, PaddedBatch, TraceCache

CPU_BLOCK, GPU_BLOCK = 64, 512
"""Prompt tokens that are read at once."""

STOP_SECONDS = 10.0
"""Longest wait for the thread at the end of the process: a step of a large batch may take seconds."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to decode.

    Attributes:
        prompt: Token ids, at least one.
        max_tokens: Maximum number of decoded tokens.
        sampler: Draws the tokens.
        stops: Stop texts.
        n_top: Number of most likely tokens to report for each decoded token.
    """

    prompt: list[int]
    max_tokens: int
    sampler: Sampler
    stops: tuple[str, ...] = ()
    n_top: int = 0


@dataclass(frozen=True, slots=True)
class TokenLikelihood:
    """Log-probability of a decoded token before the samplers, and the most likely tokens in its place."""

    token: int
    logprob: float
    top: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Completion:
    """What was decoded.

    Attributes:
        ids: Token ids, without the end of the turn and without a stop text.
        text: Their text.
        decoded_tokens: Number of decoded tokens, the end of the turn and a stop text included.
        cached_tokens: Prompt tokens whose keys and values were held.
        stop: Stop text; "" for the end of the turn; None at the limit.
        likelihoods: One per decoded token; empty if not requested.
    """

    ids: list[int]
    text: str
    decoded_tokens: int
    cached_tokens: int
    stop: str | None
    likelihoods: tuple[TokenLikelihood, ...]


class Engine:
    """Decodes requests of any thread, several at a time.

    Args:
        model: A causal language model of Transformers.
        detokenizer: Of its tokenizer.
        ends: Token ids that end the turn.
        batch_size: Maximum number of requests that are decoded together.
        limit: Bytes of held prefixes.
        context: Context window, in tokens.
    """

    def __init__(
        self, model: Any, detokenizer: Detokenizer, *, ends: frozenset[int], batch_size: int, limit: int, context: int
    ) -> None:
        self.batch_size = batch_size
        self.detokenizer = detokenizer
        self.ends = ends
        self.block = CPU_BLOCK if model.device.type == "cpu" else GPU_BLOCK
        self.traces = HeldTraces(limit, self.block)
        self._context = context
        self._model = model
        parameters = inspect.signature(model.forward).parameters
        self._takes_positions = "position_ids" in parameters
        self._cache_name = "cache" if "cache" in parameters else "past_key_values"  # older versions, and some models
        self._jobs: SimpleQueue[_Row | _Likelihood | _Activations | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._is_stopping = False

    def complete(self, request: Request) -> "Future[Completion]":
        """Return the future completion of a request; it may be cancelled."""
        return self._submit(_Row(self, request))

    def likelihood(self, prompt: list[int], ids: list[int]) -> "Future[list[float]]":
        """Return the future log-probabilities of tokens after a prompt."""
        return self._submit(_Likelihood(self, prompt, ids))

    def activations(self, prompt: list[int]) -> "Future[tuple[np.ndarray[Any, np.dtype[np.float64]], int]]":
        """Return the future hidden states at the last token, (layer, feature), and the tokens that were held.

        The first layer is the embedding. The prefix is read as any other one: a longer one of the same trace goes on.
        """
        return self._submit(_Activations(self, prompt))

    def read(self, trace: TraceCache, tokens: Sequence[int]) -> None:
        """Append tokens to a trace, without computing what follows them.

        From the beginning of a block on they are read in whole blocks; what fills the last one is cut off again.
        """
        for start in range(0, len(tokens), self.block):
            block, end = tokens[start : start + self.block], len(trace.tokens) + self.block
            is_whole = len(trace.tokens) % self.block == 0 and end <= self._context
            n_filled = self.block - len(block) if is_whole else 0
            self._forward(self._model.base_model, trace, [*block, *[block[-1]] * n_filled])
            trace.cut(len(trace.tokens) - n_filled)

    def logits(self, trace: TraceCache, tokens: Sequence[int]) -> torch.Tensor:
        """Append tokens to a trace; return the logits behind each of them, float32 (token, id)."""
        return self._forward(self._model, trace, tokens).logits[0].float()

    def states(self, trace: TraceCache, token: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Append a token to a trace; return its hidden states, (layer, feature)."""
        output = self._forward(self._model.base_model, trace, [token], output_hidden_states=True)
        return np.stack([_array(layer[0, -1].float()) for layer in output.hidden_states])

    def _forward(self, module: Any, trace: TraceCache, tokens: Sequence[int], **options: bool) -> Any:
        inputs = {"input_ids": torch.tensor([list(tokens)], device=self._model.device)}
        output = module(**inputs, **{self._cache_name: trace.cache}, use_cache=True, **options)
        trace.tokens.extend(tokens)
        return output

    def _submit(self, job: "_Row | _Likelihood | _Activations") -> "Future[Any]":
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="overthink-hf", daemon=True)
                self._thread.start()
                atexit.register(self._stop)  # a thread that the end of the process finds inside PyTorch aborts it
        self._jobs.put(job)
        return job.future

    def _stop(self) -> None:
        self._is_stopping = True
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _work(self) -> None:
        rows: list[_Row] = []
        with torch.inference_mode():
            while not self._is_stopping:
                self._admit(rows)
                if rows:
                    self._decode(rows)
                rows = [row for row in rows if not row.is_done]

    def _admit(self, rows: "list[_Row]") -> None:
        """Begin waiting requests while there is room; wait for one if there are none."""
        while len(rows) < self.batch_size:
            try:
                job = self._jobs.get(block=not rows)
            except Empty:
                return
            if job is None:
                return
            job.begin()
            if isinstance(job, _Row) and not job.is_done:
                rows.append(job)

    def _decode(self, rows: "list[_Row]") -> None:
        """Decode together, until a request is done or another one can join."""
        try:
            step, finish = self._stepper(rows)
            while True:
                logits = step([row.last for row in rows])
                values, ids = logits.topk(min(HEAD, logits.shape[-1]))
                for number, row in enumerate(rows):
                    row.take(logits[number], values[number], ids[number])
                if (
                    self._is_stopping
                    or any(row.is_done for row in rows)
                    or (len(rows) < self.batch_size and not self._jobs.empty())
                ):
                    break
            finish()
        except Exception as failure:  # noqa: BLE001 (whatever PyTorch raises is the failure of these requests)
            for row in rows:
                row.fail(failure)
        for row in rows:
            if row.is_done:
                row.release()

    def _stepper(self, rows: "list[_Row]") -> tuple[Callable[[list[int]], torch.Tensor], Callable[[], None]]:
        """Return what computes the logits behind one token per request, (request, id), and what stores the keys."""
        traces = [row.trace for row in rows if row.trace is not None]
        if len(traces) == 1:
            return lambda tokens: self.logits(traces[0], tokens), lambda: None
        batch = PaddedBatch(traces)

        def step(tokens: list[int]) -> torch.Tensor:
            inputs = batch.inputs(tokens)
            if not self._takes_positions:
                del inputs["position_ids"]
            output = self._model(**inputs, **{self._cache_name: batch.cache}, use_cache=True)
            logits: torch.Tensor = output.logits[:, -1].float()
            return logits

        return step, batch.write_back


class _Job:
    """A request with its future and its trace."""

    def __init__(self, engine: Engine, prompt: list[int]) -> None:
        self.engine = engine
        self.prompt = prompt
        self.future: Future[Any] = Future()
        self.is_done = False
        self.trace: TraceCache | None = None
        self._answer: Callable[[], object] = lambda: None

    def begin(self) -> None:
        """Take a trace and read the prompt but for its last token."""
        if self.future.cancelled():
            self.is_done = True
            return
        try:
            self.trace = trace = self.engine.traces.take(self.prompt)
            self.cached_tokens = len(trace.tokens)
            self.engine.read(trace, self.prompt[self.cached_tokens : -1])
        except Exception as failure:  # noqa: BLE001
            self.fail(failure)
            self.release()

    def finish(self, result: Any) -> None:
        """Note the result, for :meth:`release`."""
        self.is_done = True
        self._answer = partial(self.future.set_result, result)

    def fail(self, failure: Exception) -> None:
        """Note the failure, for :meth:`release`; what the trace holds is then unknown."""
        self.is_done = True
        self._answer = partial(self.future.set_exception, failure)
        if self.trace is not None:
            self.engine.traces.drop(self.trace)

    def release(self) -> None:
        """Give the trace back, then answer: the next request may continue the trace at once."""
        if self.trace is not None:
            self.engine.traces.give_back(self.trace)
        with suppress(InvalidStateError):  # cancelled meanwhile
            self._answer()


class _Row(_Job):
    """A request that is being decoded."""

    def __init__(self, engine: Engine, request: Request) -> None:
        super().__init__(engine, request.prompt)
        self.request = request
        self.ids: list[int] = []
        self.likelihoods: list[TokenLikelihood] = []

    @property
    def last(self) -> int:
        """The last token, whose keys are not yet in the trace."""
        return self.ids[-1] if self.ids else self.prompt[-1]

    def take(self, logits: torch.Tensor, values: torch.Tensor, ids: torch.Tensor) -> None:
        """Draw the next token from its logits, (id,), and the most likely ones, in descending order."""
        request, engine = self.request, self.engine
        if self.future.cancelled():
            self.is_done = True
            return
        likely = Likely(_array(values), ids.cpu().numpy(), lambda: _array(logits))
        temperature = request.sampler.temperature
        token = request.sampler.draw(likely, float(torch.logsumexp(logits / temperature, -1)) if temperature else 0.0)
        if request.n_top:
            mass = float(torch.logsumexp(logits, -1))
            most_likely = zip(likely.ids[: request.n_top], likely.logits[: request.n_top], strict=True)
            top = tuple((int(i), float(logit) - mass) for i, logit in most_likely)
            self.likelihoods.append(TokenLikelihood(token, float(logits[token]) - mass, top))
        self.ids.append(token)
        if token in engine.ends:
            self._finish(self.ids[:-1], engine.detokenizer.text(self.ids[:-1], after=self.prompt), "")
        elif engine.detokenizer.ends_with_stop(self.ids, after=self.prompt, stops=request.stops):
            self._finish(*engine.detokenizer.before_stop(self.ids, after=self.prompt, stops=request.stops))
        elif len(self.ids) == request.max_tokens:
            self._finish(self.ids, engine.detokenizer.text(self.ids, after=self.prompt), None)

    def _finish(self, ids: list[int], text: str, stop: str | None) -> None:
        likelihoods = tuple(self.likelihoods)
        self.finish(Completion(list(ids), text, len(self.ids), self.cached_tokens, stop, likelihoods))


class _Likelihood(_Job):
    """Log-probabilities of given tokens after a prompt, in one pass over them."""

    def __init__(self, engine: Engine, prompt: list[int], ids: list[int]) -> None:
        super().__init__(engine, prompt)
        self.ids = ids

    def begin(self) -> None:
        """Read the prompt and the tokens."""
        super().begin()
        if self.is_done or self.trace is None:
            return
        try:
            logits = self.engine.logits(self.trace, [self.prompt[-1], *self.ids[:-1]])
            chosen = logits.log_softmax(-1)[torch.arange(len(self.ids)), torch.tensor(self.ids)]
            self.finish([float(value) for value in chosen])
        except Exception as failure:  # noqa: BLE001
            self.fail(failure)
        self.release()


class _Activations(_Job):
    """Hidden states at the last token of a prompt."""

    def begin(self) -> None:
        """Read the prompt."""
        super().begin()
        if self.is_done or self.trace is None:
            return
        try:
            self.finish((self.engine.states(self.trace, self.prompt[-1]), self.cached_tokens))
        except Exception as failure:  # noqa: BLE001
            self.fail(failure)
        self.release()


def _array(values: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    array: np.ndarray[Any, np.dtype[np.float64]] = values.cpu().numpy().astype(np.float64)
    return array
