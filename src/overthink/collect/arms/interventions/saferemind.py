"""SafeRemind: a reminder is inserted into the thinking once, where the model has nearly decided.

arXiv 2601.03662. At the end of every line of the thinking the next token's entropy is measured. Below 0.5 nats the
model is taken to be locking a decision, and the reminder is inserted, once per trace. The measurement decodes a token,
which is discarded and charged as a probe. The distribution is the model's own, before temperature and top-p. Servers
return only the most likely tokens, so the entropy is known within two bounds; the reminder is inserted only if the
upper one is below the threshold.
"""

from dataclasses import dataclass

from overthink.collect.providers.continuation import Sampling, TokenContinuation
from overthink.collect.arms.component import Component, Option, Settings
from overthink.collect.ladder.seeds import seed_for
from overthink.collect.arms.interventions.phrase import WAIT_SAFELY, on_its_own_line
from overthink.collect.arms.interventions.probabilities import NO_PROBABILITIES, TOP_OF_SERVERS
from overthink.collect.ladder.thinking import LINE_END, ReasoningPath, Stepper, TraceContext
from overthink.data.category import Category
from overthink.collect.arms.interventions.entropy import EntropyBounds, entropy_bounds
from overthink.errors import InputError
from overthink.plan.study import Plan

TOP_OF_OWN_MODELS = 100
"""Number of token probabilities requested from embedded and simulated models."""


@dataclass(frozen=True)
class SafeRemind:
    """The intervention.

    Attributes:
        reminder: Text to insert.
        threshold: Entropy in nats below which it is inserted.
    """

    reminder: str
    threshold: float
    prefix_text = ""
    looks_at_steps = True

    def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
        """Return the stepper with an entropy probe before each step."""

        async def remind_step(path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
            line = on_its_own_line(path.text, self.reminder)
            if not cue and path.n_steps and path.text.endswith(LINE_END) and not any(line in s for s in path.steps):
                ahead = await next_token(context, path)
                if ahead.high < self.threshold:
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


def _make(settings: Settings, plan: Plan) -> SafeRemind:
    return SafeRemind(str(settings["reminder"]), float(settings["entropy"]))


SAFEREMIND = Component(
    "saferemind",
    "intervention",
    "a reminder, once, where the next token's entropy is low at the end of a line",
    _make,
    settings={
        "reminder": Option(str, "what is written"),
        "entropy": Option(float, "entropy of the next token, in nats, below which it is (SafeRemind's)", default=0.5),
    },
    simulated_defaults={"reminder": WAIT_SAFELY},
    reads_probabilities=True,
    max_decode_factor=lambda settings: 2.0,  # at worst every line is one token, each with a probe
)
"""The component `saferemind`."""
