"""SafeRemind: once, where the model has as good as decided, a reminder is written into its thinking.

arXiv 2601.03662. At the end of every line of the thinking the next token's entropy is looked at. Below 0.5 nats the
model is taken to be locking a decision, and the reminder is written, once per trace. Looking decodes a token, which is
thrown away and charged as a probe. The distribution is the model's own, before temperature and top-p. Servers tell
only the most likely tokens, so the entropy is known between two bounds; the reminder is written only where the upper
one is below the threshold.
"""

from dataclasses import dataclass

from overthink.collect.continuation import Sampling, TokenContinuation
from overthink.collect.part import Part, Setting, Settings
from overthink.collect.seeds import seed_for
from overthink.collect.steer.phrase import WAIT_SAFELY, on_its_own_line
from overthink.collect.steer.probabilities import NOT_TOLD, TOP_OF_SERVERS
from overthink.collect.thinking import LINE_END, Means, Path, Stepper
from overthink.core.category import Category
from overthink.core.entropy import EntropyBounds, entropy_bounds
from overthink.errors import InputError
from overthink.plan import Plan

TOP = 100
"""Most likely tokens whose probabilities our own models are asked for."""


@dataclass(frozen=True)
class SafeRemind:
    """The intervention.

    Attributes:
        reminder: What is written.
        threshold: Entropy in nats below which it is.
    """

    reminder: str
    threshold: float
    opening = ""
    looks_at_steps = True

    def around(self, stepper: Stepper, means: Means) -> Stepper:
        """The stepper that is looked ahead of."""

        async def reminded(path: Path, room: int, *, branch: str = "", cue: str = "") -> Path:
            line = on_its_own_line(path.text, self.reminder)
            if not cue and path.taken and path.text.endswith(LINE_END) and not any(line in s for s in path.steps):
                ahead = await next_token(means, path)
                if ahead.high < self.threshold:
                    return await stepper(path, room, branch=branch, cue=line)
            return await stepper(path, room, branch=branch, cue=cue)

        return reminded


async def next_token(means: Means, path: Path) -> EntropyBounds:
    """How uncertain the model is of its next token; looking is paid as a probe.

    Raises:
        InputError: The server does not tell its log-probabilities.
    """
    way, own = means.way, isinstance(means.continuation, TokenContinuation)
    seed = seed_for(way.seed, "look", len(path.steps), path.tokens)
    look = Sampling(1, seed, way.temperature, way.top_p, top=TOP if own else TOP_OF_SERVERS)
    segment = await means.till.paid(means.continuation.decode(path.prefix, look, truth=way.told("think", path.tokens)))
    means.till.charge(Category.PROBE, segment.tokens)
    if segment.top is None:
        raise InputError(NOT_TOLD)  # it told them when the plan was opened
    return entropy_bounds(segment.top)


def _make(settings: Settings, plan: Plan) -> SafeRemind:
    return SafeRemind(str(settings["reminder"]), float(settings["entropy"]))


PART = Part(
    "saferemind",
    "intervention",
    "a reminder, once, where the next token's entropy is low at the end of a line",
    _make,
    settings={
        "reminder": Setting(str, "what is written"),
        "entropy": Setting(float, "entropy of the next token, in nats, below which it is (SafeRemind's)", default=0.5),
    },
    simulated={"reminder": WAIT_SAFELY},
    reads_probabilities=True,
    times=lambda settings: 2.0,  # at worst every line is one token, and every one is looked ahead of
)
"""What `--arms` calls `saferemind`."""
