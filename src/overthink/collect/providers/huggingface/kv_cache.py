"""Keys and values of traces: buffers that a cut does not copy, and the traces whose prefix is held."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

from overthink.collect.providers.embedded.cache import WORTH, continues, shared_prefix

STEP = 256
"""Positions by which a buffer grows at least."""

GROWTH = 1.25
"""Factor by which a buffer grows, so that appending copies each position a bounded number of times."""

ROOM = 0.5
"""Share of the limit up to which a prefix is copied rather than cut, so that the tail behind it stays cached."""


class BufferedLayer(DynamicLayer):  # type: ignore[misc]  # where Transformers is missing
    """Keys and values of one layer, each a view of the beginning of a buffer.

    Transformers' own layer concatenates for every token, which copies the whole cache; here a token is written in
    place, and a cut is a shorter view.
    """

    def __init__(self) -> None:
        super().__init__()
        self._buffers: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append keys and values, (row, head, position, width); return all of them."""
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        buffers = self._buffers
        if buffers is None or end > buffers[0].shape[-2]:
            buffers = self._buffers = (self._grown(key_states, start, end, 0), self._grown(value_states, start, end, 1))
        for buffer, states in zip(buffers, (key_states, value_states), strict=True):
            buffer[..., start:end, :] = states
        self.dtype, self.device = key_states.dtype, key_states.device
        self.is_initialized = True
        self.cut(end)
        return self.keys, self.values

    def cut(self, length: int) -> None:
        """Keep the first positions."""
        assert self._buffers is not None
        self.keys, self.values = (buffer[..., :length, :] for buffer in self._buffers)

    @property
    def bytes(self) -> int:
        """Bytes of the buffers."""
        return sum(buffer.numel() * buffer.element_size() for buffer in self._buffers or ())

    def _grown(self, states: torch.Tensor, start: int, end: int, which: int) -> torch.Tensor:
        capacity = max(end + STEP, int(end * GROWTH)) if start else end + STEP
        grown = states.new_empty((*states.shape[:-2], capacity, states.shape[-1]))
        if self._buffers is not None:
            grown[..., :start, :] = self._buffers[which][..., :start, :]
        return grown


def new_cache() -> Cache:
    """Return an empty cache that holds every position of every layer, also where attention has a window.

    A cache that drops what is behind the window could not be cut back; the model's mask keeps the window.
    """
    return Cache(layer_class_to_replicate=BufferedLayer)


class TraceCache:
    """Keys and values of one sequence of tokens.

    Attributes:
        tokens: The tokens.
        cache: Their keys and values.
        root: Length of the trace's first prompt, which other traces of the question share.
        is_busy: A request appends to it.
        last_use: Number of the last request that used it.
    """

    def __init__(self, root: int) -> None:
        self.tokens: list[int] = []
        self.cache = new_cache()
        self.root = root
        self.is_busy = False
        self.last_use = 0

    def cut(self, length: int) -> None:
        """Keep the first tokens; nothing is copied."""
        if length < len(self.tokens):
            del self.tokens[length:]
            for layer in self.cache.layers:
                layer.cut(length)

    def copy(self, length: int, root: int) -> "TraceCache":
        """Return a trace with a copy of the first tokens."""
        twin = TraceCache(root)
        twin.append(
            self.tokens[:length],
            [(layer.keys[..., :length, :], layer.values[..., :length, :]) for layer in self.cache.layers],
        )
        return twin

    def append(self, tokens: Sequence[int], states: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Append tokens with their keys and values, one pair per layer."""
        for index, (keys, values) in enumerate(states):
            self.cache.update(keys, values, index)
        self.tokens.extend(tokens)

    @property
    def bytes(self) -> int:
        """Bytes of all buffers."""
        return sum(layer.bytes for layer in self.cache.layers)


class HeldTraces:
    """Traces whose prefix is held, at most a number of bytes; the least recently used are dropped first.

    For one thread.

    Args:
        limit: Bytes of all traces that no request uses.
        block: Prompt tokens that are read at once.
    """

    def __init__(self, limit: int, block: int) -> None:
        self.limit = limit
        self._block = block
        self._traces: list[TraceCache] = []
        self._clock = 0

    @property
    def bytes(self) -> int:
        """Bytes of all traces."""
        return sum(trace.bytes for trace in self._traces)

    def take(self, prompt: list[int]) -> TraceCache:
        """Return a trace that holds the beginning of a prompt and nothing else, for one request.

        The last token of the prompt is never in it: it is computed alone, as when a trace continues from a fork,
        because rounding differs when several tokens are computed at once, and a trace must not depend on whether it
        was forked. For the same reason another question takes no more than the whole blocks that it shares. A trace
        that ends where the prompt goes on is continued. Where a tail would be lost, the
        prefix is copied, since another branch may continue the tail; short of memory, the tail of the prompt's own
        trace is cut, and that of another one is never.
        """
        self._clock += 1
        taken = self._chosen(prompt)
        taken.is_busy, taken.last_use = True, self._clock
        return taken

    def _chosen(self, prompt: list[int]) -> TraceCache:
        shared = [shared_prefix(prompt, trace.tokens) for trace in self._traces]
        longest = max(shared, default=0)
        best = [trace for trace, n_shared in zip(self._traces, shared, strict=True) if n_shared == longest]
        length = min(longest, len(prompt) - 1)
        if length < len(prompt) - 1 and all(longest < trace.root for trace in best):
            length -= length % self._block
        if length < WORTH:
            return self._added(TraceCache(len(prompt)))
        best.sort(key=lambda trace: trace.last_use, reverse=True)
        for trace in best:
            if trace.is_busy:
                continue
            is_short = self.bytes + trace.bytes > ROOM * self.limit
            if len(trace.tokens) <= length + 1 or (is_short and continues(len(prompt), longest, root=trace.root)):
                trace.cut(length)
                trace.root = min(trace.root, len(prompt))
                return trace
        return self._added(best[0].copy(length, len(prompt)))

    def give_back(self, trace: TraceCache) -> None:
        """Release a trace, and drop the oldest ones beyond the limit."""
        trace.is_busy = False
        idle = sorted((trace for trace in self._traces if not trace.is_busy), key=lambda trace: trace.last_use)
        excess = self.bytes - self.limit
        for oldest in idle:
            if excess <= 0:
                return
            excess -= oldest.bytes
            self.drop(oldest)

    def drop(self, trace: TraceCache) -> None:
        """Forget a trace."""
        self._traces = [other for other in self._traces if other is not trace]

    def _added(self, trace: TraceCache) -> TraceCache:
        self._traces.append(trace)
        return trace


class PaddedBatch:
    """A copy of several traces, padded on the left to one length, which decodes a token of each at a time.

    Args:
        traces: The traces.
    """

    def __init__(self, traces: Sequence[TraceCache]) -> None:
        self._traces = traces
        self._lengths = [len(trace.tokens) for trace in traces]
        self._longest = max(self._lengths)
        self._decoded: list[list[int]] = []
        self.cache = new_cache()
        for index, layer in enumerate(traces[0].cache.layers):
            self.cache.update(*(self._padded(index, name, getattr(layer, name)) for name in ("keys", "values")), index)
        self.device = traces[0].cache.layers[0].keys.device

    def inputs(self, tokens: Sequence[int]) -> dict[str, torch.Tensor]:
        """Return the inputs of the next step, one token per trace: ids, positions and the mask, (trace, position).

        Traces of one length need no mask; with one, PyTorch copies the keys of grouped attention for every head.
        """
        n_before = len(self._decoded)
        self._decoded.append(list(tokens))
        end = self._longest + n_before + 1
        inputs = {
            "input_ids": torch.tensor([[token] for token in tokens], device=self.device),
            "position_ids": torch.tensor([[length + n_before] for length in self._lengths], device=self.device),
        }
        if min(self._lengths) < self._longest:
            starts = torch.tensor([self._longest - length for length in self._lengths], device=self.device)
            inputs["attention_mask"] = (torch.arange(end, device=self.device)[None] >= starts[:, None]).long()
        return inputs

    def write_back(self) -> None:
        """Append what was decoded to the traces."""
        for row, trace in enumerate(self._traces):
            states = [
                (layer.keys[row : row + 1, :, self._longest :], layer.values[row : row + 1, :, self._longest :])
                for layer in self.cache.layers
            ]
            trace.append([tokens[row] for tokens in self._decoded], states)

    def _padded(self, index: int, name: str, like: torch.Tensor) -> torch.Tensor:
        shape = (len(self._traces), like.shape[1], self._longest, like.shape[3])
        padded = like.new_zeros(shape)
        for row, (trace, length) in enumerate(zip(self._traces, self._lengths, strict=True)):
            padded[row, :, self._longest - length :] = getattr(trace.cache.layers[index], name)[0]
        return padded
