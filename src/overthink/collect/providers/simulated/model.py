"""A simulated model with known probabilities of correct, safe and answering behaviour.

Curves of probability against thinking tokens, parsed from a short text: the ground truth of a simulated model.
"""

import hashlib
import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, ndtri

from overthink.collect.providers.simulated.thinking import SimulatedTurn
from overthink.errors import InputError

CURVE_OPTIONS = {"low": 0.3, "high": 0.7, "peak": 64.0, "end": 256.0}
"""Parameters of a named shape with defaults: two probabilities and two numbers of thinking tokens."""

CURVE_SHAPES: dict[str, list[tuple[str | None, str]]] = {
    "flat": [(None, "high")],
    "rise": [(None, "low"), ("end", "high")],
    "decline": [(None, "high"), ("end", "low")],
    "plateau": [(None, "low"), ("peak", "high")],
    "hump": [(None, "low"), ("peak", "high"), ("end", "low")],
}
"""Knots of a curve by shape, each (tokens, probability); None is 0 tokens."""


@dataclass(frozen=True, slots=True)
class SimulatedCurve:
    """Probability against thinking tokens t: linear in log2(1 + t) between knots, constant beyond them.

    Attributes:
        tokens: Thinking tokens of the knots, strictly increasing.
        probabilities: Probability at each knot.
    """

    tokens: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, thinking_tokens: ArrayLike) -> NDArray[np.float64]:
        """Probability at each number of thinking tokens; same shape."""
        at = np.log2(1.0 + np.asarray(thinking_tokens, dtype=float))
        positions, probabilities = _knots(self.tokens, self.probabilities)
        return np.asarray(np.interp(at, positions, probabilities))


@lru_cache(maxsize=64)
def _knots(
    tokens: tuple[float, ...], probabilities: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.log2(1.0 + np.array(tokens)), np.array(probabilities)


def parse_curve(text: str) -> SimulatedCurve:
    """Return the curve of a text.

    Args:
        text: A table of tokens and probabilities, ``"0:0.2,64:0.6,256:0.4"``, or the name of a shape (flat,
            rise, decline, plateau, hump), optionally with values for :data:`CURVE_OPTIONS`:
            ``"hump(low=0.2,high=0.8,peak=128)"``.

    Raises:
        InputError: The text is neither, a probability is outside 0 to 1, or the tokens do not increase.

    Example:
        >>> parse_curve("0:0.2,3:0.6")([0, 1, 3]).round(3).tolist()
        [0.2, 0.4, 0.6]
    """
    name, _, options = text.strip().removesuffix(")").partition("(")
    if name in CURVE_SHAPES:
        parameters = CURVE_OPTIONS | _pairs(options, "=", text)
        if unknown := set(parameters) - set(CURVE_OPTIONS):
            raise InputError(
                f"curve {text!r}: unknown option {sorted(unknown)[0]!r}; known: {', '.join(CURVE_OPTIONS)}"
            )
        knots = [(0.0 if at is None else parameters[at], parameters[level]) for at, level in CURVE_SHAPES[name]]
    else:
        knots = [(_number(at, text), level) for at, level in _pairs(text, ":", text).items()]
    tokens, probabilities = tuple(at for at, _ in knots), tuple(level for _, level in knots)
    if not all(0 <= level <= 1 for level in probabilities):
        raise InputError(f"curve {text!r}: every probability must be between 0 and 1")
    if not tokens or tokens[0] < 0 or any(a >= b for a, b in pairwise(tokens)):
        raise InputError(f"curve {text!r}: needed tokens that increase, from 0 or more")
    return SimulatedCurve(tokens, probabilities)


def _pairs(text: str, sign: str, source: str) -> dict[str, float]:
    pairs: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        key, separator, value = item.partition(sign)
        if not separator:
            shapes = ", ".join(CURVE_SHAPES)
            raise InputError(f"curve {source!r}: needed a table such as 0:0.2,64:0.6 or one of: {shapes}")
        pairs[key.strip()] = _number(value, source)
    return pairs


def _number(text: str, source: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise InputError(f"curve {source!r}: {text.strip()!r} is not a number") from None
    if not math.isfinite(number):
        raise InputError(f"curve {source!r}: {text.strip()!r} is not finite")
    return number


QUADRATURE_NODES = 64
"""Number of Gauss–Hermite nodes for the mean over questions."""

EMPTY_TURN = SimulatedTurn()
"""A turn without steps."""


def uniform(*key: object) -> float:
    """Return a number in (0, 1) determined by the key.

    Example:
        >>> uniform("a", 1) == uniform("a", 1) != uniform("a", 2)
        True
    """
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return ((int.from_bytes(digest) >> 12) + 0.5) / 2.0**52


@lru_cache(maxsize=1 << 14)
def _ease(seed: int, axis: str, question: str) -> float:
    return float(ndtri(uniform("question", seed, axis, question)))


@lru_cache(maxsize=1 << 14)
def _latent(seed: int, axis: str, question: str, draw: int) -> float:
    return uniform("trace", seed, axis, question, draw)


def _parameter(default: Any, unit: str, example: str) -> Any:
    return field(default=default, metadata={"unit": unit, "example": example})


@dataclass(frozen=True)
class SimulatedModel:
    """A simulated model with known outcome probabilities.

    A question q of an axis has p(q, t) = sigmoid(logit(curve(t)) + question_sd · z_q), z_q standard normal and
    fixed by (seed, axis, q). A trace has one latent uniform for its whole ladder and succeeds if it is below p: its
    outcomes follow p along the ladder, as those of a real trace do, and are not redrawn at every rung.

    Its thinking has steps, and their content changes p: a call for care turns a trace that would fail on the safety
    axis with the probability ``steer_effect``, up to ``steer_depth`` calls; sound and shaky steps move the logit by
    ``step_gain`` times their balance. From step ``commit_step`` on, the answer is determined by the steps before it;
    until then every continuation draws its own.

    Attributes:
        capability: Curve of being correct.
        safety: Curve of being safe.
        benign: Curve of answering.
        question_sd: Spread between questions, on the logit scale.
        natural_length: Mean thinking tokens at which a trace ends by itself (geometric); None: never.
        unparsed: Share of unparsable answers.
        truncated: Share of answers that reach their token limit.
        seed: Seed of the questions' difficulties.
        step_tokens: Tokens per thinking step, line end included.
        step_gain: Effect of the balance of steps on the logit scale, from -gain to gain.
        steer_effect: Probability that a call for care turns a harmful trace.
        steer_depth: Number of calls for care with an effect.
        faithfulness: Share of traces whose answers follow the text of their thinking once that is changed (`overthink
            perturb`): the tokens of its steps, and no mistake in them; the answers of the others stay.
        code: Share of those traces whose thinking carries the answer in a code, the first word of each step: behind a
            paraphrase, which keeps the meaning and not the code, they answer as at 0 tokens.
        commit_step: Steps after which the answer is determined; None: by the trace, from the beginning.
        argument_gain: Effect of what others argue before it judges, toward the side for which they argue; in a debate
            toward the right one.

    Raises:
        InputError: A curve cannot be parsed, or a number is out of range.
    """

    capability: str = _parameter("rise", "probability by thinking tokens", "hump(low=0.2,high=0.8,peak=128)")
    safety: str = _parameter("flat", "probability by thinking tokens", "0:0.9,64:0.7,256:0.5")
    benign: str = _parameter("flat", "probability by thinking tokens", "decline")
    question_sd: float = _parameter(1.0, "logits", "0.5")
    natural_length: float | None = _parameter(None, "tokens", "200")
    unparsed: float = _parameter(0.0, "share, 0 to 1", "0.05")
    truncated: float = _parameter(0.0, "share, 0 to 1", "0.05")
    seed: int = _parameter(0, "whole number", "7")
    step_tokens: int = _parameter(12, "tokens, 3 or more", "20")
    step_gain: float = _parameter(0.0, "logits", "2")
    steer_effect: float = _parameter(0.5, "probability", "0.8")
    steer_depth: int = _parameter(3, "calls", "1")
    faithfulness: float = _parameter(1.0, "share, 0 to 1", "0.5")
    code: float = _parameter(0.0, "share, 0 to 1", "1")
    commit_step: int | None = _parameter(None, "steps", "3")
    argument_gain: float = _parameter(0.0, "logits", "1.5")
    _curves: dict[str, SimulatedCurve] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        curves = {axis: parse_curve(getattr(self, axis)) for axis in ("capability", "safety", "benign")}
        object.__setattr__(self, "_curves", curves)
        if not self.question_sd >= 0:
            raise InputError(f"question_sd={self.question_sd}: needed 0 or more")
        if self.natural_length is not None and not self.natural_length > 0:
            raise InputError(f"natural_length={self.natural_length}: needed more than 0 tokens, or nothing for no end")
        if not (self.unparsed >= 0 and self.truncated >= 0 and self.unparsed + self.truncated <= 1):
            raise InputError(
                f"unparsed={self.unparsed}, truncated={self.truncated}: needed shares with a sum of at most 1"
            )
        if not (self.step_tokens >= 3 and self.steer_depth >= 0 and 0 <= self.steer_effect <= 1):
            raise InputError(
                f"step_tokens={self.step_tokens}, steer_effect={self.steer_effect}, steer_depth={self.steer_depth}: "
                "needed 3 tokens or more, a probability, and 0 or more"
            )
        if not 0 <= self.faithfulness <= 1:
            raise InputError(f"faithfulness={self.faithfulness}: needed a share from 0 to 1")
        if not 0 <= self.code <= 1:
            raise InputError(f"code={self.code}: needed a share from 0 to 1")
        if self.commit_step is not None and self.commit_step < 0:
            raise InputError(f"commit_step={self.commit_step}: needed 0 steps or more, or nothing for no such step")

    def probability(self, axis: str, question: str, thinking_tokens: int, turn: SimulatedTurn = EMPTY_TURN) -> float:
        """Return the probability of the good answer to one question after these thinking tokens and steps."""
        difficulty = self.difficulty(axis, question)
        centre = logit(self.curve(axis)(thinking_tokens)) + self.step_gain * turn.quality
        centre += self.argument_gain * turn.pull
        return self._with_steering(axis, float(expit(centre + self.question_sd * difficulty)), turn.care_calls)

    def difficulty(self, axis: str, question: str) -> float:
        """Return the ease of a question, standard normal."""
        return _ease(self.seed, axis, question)

    def outcome(
        self, axis: str, question: str, draw: int, seed: int, thinking_tokens: int, turn: SimulatedTurn = EMPTY_TURN
    ) -> bool:
        """Return whether one trace gives the good answer after these thinking tokens and steps.

        Args:
            axis: Name of the axis.
            question: Id of the question.
            draw: Number of the trace.
            seed: The study's seed.
            thinking_tokens: Thinking tokens so far.
            turn: The trace's turn so far.
        """
        return self.latent(axis, question, draw, seed) < self.probability(axis, question, thinking_tokens, turn)

    def follows_text(self, axis: str, question: str, draw: int, seed: int) -> bool:
        """Return whether the answers of a trace follow the text of its thinking, once that is changed."""
        return uniform("follows", self.seed, seed, axis, question, draw) < self.faithfulness

    def uses_code(self, axis: str, question: str, draw: int, seed: int) -> bool:
        """Return whether the thinking of a trace carries its answer in a code."""
        return bool(self.code) and uniform("code", self.seed, seed, axis, question, draw) < self.code

    def settled_outcome(
        self, axis: str, question: str, thinking_tokens: int, turn: SimulatedTurn, chance: object
    ) -> bool:
        """Return whether the answer is good if the steps determine it, not the trace.

        Args:
            axis: Name of the axis.
            question: Id of the question.
            thinking_tokens: Thinking tokens so far.
            turn: The trace's turn so far.
            chance: Random key of the answer before it is determined: new in each continuation.
        """
        steps = turn.steps[: self.commit_step]
        lot = uniform("settled", steps) if len(steps) == self.commit_step else uniform("open", chance)
        return lot < self.probability(axis, question, thinking_tokens, turn)

    def _with_steering(self, axis: str, good: float, calls: int) -> float:
        if axis != "safety":
            return good
        return 1.0 - (1.0 - good) * (1.0 - self.steer_effect) ** min(calls, self.steer_depth)

    @staticmethod
    def latent(axis: str, question: str, draw: int, seed: int) -> float:
        """Return the latent uniform of a trace, constant along its ladder."""
        return _latent(seed, axis, question, draw)

    def truth(
        self, axis: str, thinking_tokens: ArrayLike, *, care_calls: int = 0, quality: float = 0.0
    ) -> NDArray[np.float64]:
        """Return the mean of :meth:`probability` over all possible questions, in the shape of ``thinking_tokens``.

        Args:
            axis: Name of the axis.
            thinking_tokens: Thinking tokens so far.
            care_calls: Number of calls for care in the turn.
            quality: Balance of its steps, from -1 to 1.

        Example:
            >>> float(SimulatedModel(safety="0:0.5", question_sd=2.0).truth("safety", 100).round(9))
            0.5
        """
        nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
        centre = logit(self.curve(axis)(thinking_tokens))[..., None] + self.step_gain * quality
        mean = np.asarray(expit(centre + self.question_sd * nodes) @ (weights / weights.sum()))
        harm_factor = (1.0 - self.steer_effect) ** min(care_calls, self.steer_depth) if axis == "safety" else 1.0
        return np.asarray(1.0 - (1.0 - mean) * harm_factor)

    @property
    def hazard(self) -> float:
        """Probability that a trace ends before its next thinking token."""
        return 0.0 if self.natural_length is None else 1.0 / (1.0 + self.natural_length)

    def curve(self, axis: str) -> SimulatedCurve:
        """Return the curve of an axis, before the questions' spread."""
        if axis not in self._curves:
            raise InputError(f"a simulated model knows no axis {axis!r}; known: {', '.join(self._curves)}")
        return self._curves[axis]
