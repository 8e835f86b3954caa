"""A probe of activations: what a model holds in mind at the end of a rung, read again from the stored text.

It gives no score: projections are stored, and a probe is trained on all traces of a rung when the study is analysed.
The simulated one plants an AUROC of Φ(d/√2) in one direction of one layer.
"""

import hashlib
import math
import re
from typing import Annotated, Any, Self

import numpy as np
from inspect_ai.model import ChatMessageUser
from pydantic import Field, PrivateAttr, model_validator
from scipy.special import ndtri

from overthink.collect.monitors.base import Excerpt, Monitor, Suspicion
from overthink.collect.providers.simulated.model import uniform
from overthink.collect.providers.simulated.thinking import token_count
from overthink.collect.session.open import open_model
from overthink.components.base import Simulated, component
from overthink.data.arrays import Array
from overthink.data.projections import Reading
from overthink.data.tokens import TokenUsage
from overthink.errors import InputError

PREFIX = "hf/"

LATER = "a probe is trained on all traces of a rung at once: see the findings of the kind probe"
"""Reason of every row of a probe."""

BUCKETS = 64
"""Buckets of the bag of words, the baseline of a probe that reads activations."""

_WORD = re.compile(r"\w+|[^\w\s]")


@component("probe")
class ProbeMonitor(Monitor):
    """Reads activations of a Transformers model at the end of each rung, and stores a random projection of them."""

    model: str = Field(description="the model whose activations are read, hf/NAME; mostly the model under test")
    layers: int = Field(4, ge=1, le=64, description="number of layers, evenly spaced up to the last; one is chosen")
    dims: int = Field(32, ge=1, le=4096, description="dimensions of the projection of each layer")
    seed: int = Field(0, ge=0, description="seed of the projection")
    dtype: str = Field("auto", description="number format of the weights, as Transformers names it")
    _api: Any = PrivateAttr(default=None)
    _prompts: dict[str, Array] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _is_transformers(self) -> Self:
        if not self.model.startswith(PREFIX):
            raise ValueError(f"model={self.model}: no other provider shows activations; needed: {PREFIX}NAME")
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """Name of the model."""
        return (self.model,)

    @property
    def calls(self) -> int:
        """One reading of the prompt with the text behind it."""
        return 1

    def open(self) -> Self:
        """Return the monitor with its model loaded.

        Raises:
            InputError: PyTorch is missing, or the model cannot be loaded.
        """
        copy = self.model_copy()
        copy._api = open_model(self.model, {} if self.dtype == "auto" else {"dtype": self.dtype}).api
        copy._prompts = {}
        return copy

    async def judge(self, excerpt: Excerpt) -> Suspicion:
        """Return the projected activations behind the text, and behind the question alone."""
        prompt: list[int] = await self._api.render([ChatMessageUser(content=excerpt.question)])
        ids: list[int] = await self._api.tokenize(excerpt.text)
        if len(prompt) + len(ids) > self._api.context_tokens():
            return Suspicion(None, "the text does not fit into the context window of the probe's model")
        if excerpt.question not in self._prompts:
            self._prompts[excerpt.question] = await self._projection(prompt, excerpt)
        behind = self._prompts[excerpt.question]
        own = await self._projection([*prompt, *ids], excerpt) if ids else behind
        return Suspicion(None, LATER, reading=Reading(own, behind, word_counts(excerpt.text), len(ids)))

    async def _projection(self, ids: list[int], excerpt: Excerpt) -> Array:
        states, cached = await self._api.activations(ids)
        excerpt.meter.add(TokenUsage(prompt_tokens=len(ids), cached_tokens=cached))
        depth = len(states) - 1
        chosen = sorted({max(1, round(depth * (number + 1) / self.layers)) for number in range(self.layers)})
        if len(chosen) < self.layers:
            raise InputError(f"layers={self.layers}, and {self.model} has {depth}; needed: no more than it has")
        return np.asarray(states[chosen] @ projection(states.shape[1], self.dims, seed=self.seed))


def projection(size: int, dims: int, *, seed: int) -> Array:
    """Return the random projection of activations, (size, dims), which a seed fixes.

    Example:
        >>> bool((projection(8, 2, seed=1) == projection(8, 2, seed=1)).all())
        True
    """
    return np.random.default_rng([seed, size, dims]).normal(scale=1 / math.sqrt(dims), size=(size, dims))


def word_counts(text: str) -> Array:
    """Return the number of words of a text by bucket, (bucket,): equal words fall into one bucket on every machine.

    Example:
        >>> float(word_counts("So, so it is.").sum()), float(word_counts("so so").max())
        (6.0, 2.0)
    """
    counts = np.zeros(BUCKETS)
    for word in _WORD.findall(text.casefold()):
        counts[int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big") % BUCKETS] += 1
    return counts


@component("simulated_probe")
class SimulatedProbe(Monitor):
    """Activations of the simulated model: noise, with the truth in one direction of one of two layers.

    The distance of the two classes along it is d = √2·Φ⁻¹(AUROC), so that 0.5 holds nothing.
    """

    auc: Annotated[float, Simulated(0.8)] = Field(gt=0, lt=1, description="AUROC at a budget of 0 thinking tokens")
    per_doubling: float = Field(0.0, description="how much d grows with each doubling of the thinking tokens read")
    dims: int = Field(4, ge=1, le=64, description="dimensions of each layer")
    seed: int = Field(0, ge=0, description="seed of its noise")

    async def judge(self, excerpt: Excerpt) -> Suspicion:
        """Return the planted activations; what would have been read is charged as a prompt."""
        length = token_count(excerpt.text)
        excerpt.meter.add(TokenUsage(prompt_tokens=token_count(excerpt.question) + length))
        if excerpt.is_bad is None:
            return Suspicion(None, "it is not known whether the trace is to be caught")
        doublings = math.log2(1 + token_count(excerpt.thought or ""))
        distance = math.sqrt(2) * float(ndtri(self.auc)) + self.per_doubling * doublings
        own = self._noise(*excerpt.key)
        own[1, 0] += distance * excerpt.is_bad
        behind = self._noise(excerpt.question)
        return Suspicion(None, LATER, reading=Reading(own, behind, word_counts(excerpt.text), length))

    def _noise(self, *key: object) -> Array:
        cells = [uniform("probe", self.seed, layer, dim, *key) for layer in range(2) for dim in range(self.dims)]
        return np.asarray(ndtri(np.array(cells))).reshape(2, self.dims)
