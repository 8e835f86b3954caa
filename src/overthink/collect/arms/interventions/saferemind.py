"""SafeRemind: a reminder is inserted into the thinking once, where the model has nearly decided.

arXiv 2601.03662. At the end of every line of the thinking the next token's entropy is measured. Below 0.5 nats the
model is taken to be locking a decision, and the reminder is inserted, once per trace. The measurement decodes a token,
which is discarded and charged as a probe. The distribution is the model's own, before temperature and top-p. Servers
return only the most likely tokens, so the entropy is known within two bounds; the reminder is inserted only if the
upper one is below the threshold.

Check that a server returns next-token probabilities, before the run.

Embedded and simulated models return them. For servers it depends on their configuration, so one token is requested
when a plan is opened, and a server that answers without probabilities is refused.

Bounds of the entropy of the next token from the probabilities of the most likely tokens.
"""

import math
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

import anyio
from inspect_ai.model import ChatMessageUser, Model
from pydantic import Field

from overthink.collect.arms.component import Intervention
from overthink.collect.arms.interventions.insertions import WAIT_SAFELY, on_its_own_line
from overthink.collect.inspect_internals import run_coroutine
from overthink.collect.ladder.sampling import seed_for
from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, Stepper, TraceContext
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Sampling, TokenContinuation
from overthink.collect.providers.think_tags import think_format
from overthink.components.base import Simulated, component
from overthink.data.record import Category
from overthink.errors import InputError
from overthink.plan.study import Plan

TOP_OF_SERVERS = 20
"""Number of token probabilities requested from servers: their default maximum."""

PROBE_TIMEOUT = 20.0
"""Time limit of the check in seconds; a slower server is left to the run."""

NO_PROBABILITIES = (
    "saferemind needs the probabilities of the next token, and the server told none. Servers that do: "
    "overthink/smollm2, overthink/gguf, and vLLM or llama.cpp with their log-probabilities left on; or leave "
    "saferemind out of --arms"
)

PROBE_NOTE = (
    "opening the plan has asked the server for one token, to see that it tells probabilities; no count below or in the "
    "report has this request"
)
"""Note for the evaluator about a possibly billed request."""


def always_gives_probabilities(model: Model) -> bool:
    """Return whether a model returns probabilities with any settings, as embedded and simulated models do."""
    return isinstance(continuation_for(model), TokenContinuation)  # not of a server, which may be set otherwise


def refuse_without_probabilities(model: Model, plan: Plan) -> None:
    """Request one token, and refuse a server that answers without probabilities.

    A server that does not answer is left to the run, which retries and reports its errors.

    Args:
        model: The model under test.
        plan: The study's plan; it has budgets.

    Raises:
        InputError: The server does not return log-probabilities.
    """
    if not always_gives_probabilities(model) and run_coroutine(_gives_probabilities(model, plan)) is False:
        raise InputError(NO_PROBABILITIES)


async def _gives_probabilities(model: Model, plan: Plan) -> bool | None:
    """Return whether the server returns probabilities; None without an answer."""
    assert plan.temperature is not None
    assert plan.top_p is not None
    sampling = Sampling(1, plan.seed, plan.temperature, plan.top_p, top=TOP_OF_SERVERS)
    continuation = continuation_for(model)
    with anyio.move_on_after(PROBE_TIMEOUT):
        try:
            prefix = await continuation.start([ChatMessageUser(content="Hello")], think_format(plan.think_format).open)
            segment = await continuation.decode(prefix, sampling)
        except InputError:
            raise
        except Exception:  # noqa: BLE001 - errors of the provider are left to the run
            return None
        return segment.top is not None
    return None


VOCABULARY = 1 << 19
"""Upper bound of the vocabulary size of models in use; the largest have about 262,000 tokens."""

PROBABILITY_ROUNDING = 1e-3
"""Maximum excess over 1 of the sum of probabilities that a server rounds."""


class EntropyBounds(NamedTuple):
    """Bounds of an entropy, in nats."""

    low: float
    high: float


def entropy_bounds(log_probabilities: Sequence[float], *, vocabulary: int = VOCABULARY) -> EntropyBounds:
    """The entropy of the next token from the probabilities of the most likely ones.

    The remaining probability belongs to tokens that are each no more likely than the last one given. The
    entropy is minimal where as few of them as possible share it, and maximal where all of the vocabulary shares it
    evenly.

    Args:
        log_probabilities: Of the most likely tokens, natural logarithms, the most likely first; at least one.
        vocabulary: Tokens that the model knows, or more.

    Returns:
        The bounds, in nats.

    Raises:
        ValueError: These are no log-probabilities of different tokens.

    Example:
        >>> half = math.log(0.5)
        >>> [round(bound, 4) for bound in entropy_bounds([half, half])]
        [0.6931, 0.6931]
        >>> [round(bound, 2) for bound in entropy_bounds([math.log(0.9)], vocabulary=1001)]
        [0.33, 1.02]
    """
    probabilities = [math.exp(logarithm) for logarithm in log_probabilities]
    if not probabilities or any(math.isnan(p) for p in probabilities) or sum(probabilities) > 1 + PROBABILITY_ROUNDING:
        raise ValueError(
            f"{len(probabilities)} log-probabilities with probabilities that add up to {sum(probabilities):g}; "
            "needed: 1"
        )
    known_entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
    remainder, least_probable = max(0.0, 1.0 - math.fsum(probabilities)), min(probabilities)
    if remainder == 0 or least_probable == 0:
        return EntropyBounds(known_entropy, known_entropy)
    n_full = math.floor(remainder / least_probable)
    low = -n_full * least_probable * math.log(least_probable) + _entropy_term(remainder - n_full * least_probable)
    return EntropyBounds(
        known_entropy + low, known_entropy + remainder * math.log(max(vocabulary - len(probabilities), 1) / remainder)
    )


def _entropy_term(probability: float) -> float:
    return -probability * math.log(probability) if probability > 0 else 0.0


TOP_OF_OWN_MODELS = 100
"""Number of token probabilities requested from embedded and simulated models."""


@component("saferemind")
class SafeRemind(Intervention):
    """A reminder, once, where the next token's entropy is low at the end of a line."""

    reads_probabilities: ClassVar[bool] = True
    decides: ClassVar[Literal["", "steps", "candidates"]] = "steps"
    reminder: Annotated[str, Simulated(WAIT_SAFELY)] = Field(description="what is written")
    entropy: float = Field(0.5, description="entropy of the next token, in nats, below which it is (SafeRemind's)")

    @property
    def max_decode_factor(self) -> float:
        """At worst every line is one token, each with a probe."""
        return 2.0

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the stepper with an entropy probe before each step."""

        async def remind_step(path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
            line = on_its_own_line(path.text, self.reminder)
            if not cue and path.n_steps and path.text.endswith(LINE_END) and not any(line in s for s in path.steps):
                ahead = await next_token(context, path)
                is_decided = ahead.high < self.entropy
                if context.decisions.act("saferemind", path.n_steps, branch, is_decided, once=True):
                    return await stepper(path, room, branch=branch, cue=line)
            return await stepper(path, room, branch=branch, cue=cue)

        return remind_step


async def next_token(context: TraceContext, path: ReasoningPath) -> EntropyBounds:
    """Return bounds of the next token's entropy; the decoded token is charged as a probe.

    Raises:
        InputError: The server does not return log-probabilities.
    """
    spec, own = context.spec, isinstance(context.continuation, TokenContinuation)
    seed = seed_for(spec.seed, "look", len(path.steps), path.tokens)
    sampling = Sampling(1, seed, spec.temperature, spec.top_p, top=TOP_OF_OWN_MODELS if own else TOP_OF_SERVERS)
    segment = await context.meter.send(
        context.continuation.decode(path.prefix, sampling, truth=spec.truth_for("think", path.tokens))
    )
    context.meter.charge(Category.PROBE, segment.tokens)
    if segment.top is None:
        raise InputError(NO_PROBABILITIES)  # they were returned when the plan was opened
    return entropy_bounds(segment.top)
