"""Thinking of a trace: paths of steps, steppers that extend them, and thinkers that choose the path to answer from.

A :class:`Stepper` makes a path one step longer. Interventions wrap it: they inspect the step, and may take another.
A :class:`Thinker` is a strategy: it takes steps until a budget is used up, along one path or several, and returns the
path to answer from. All token usage is recorded by the trace's usage meter.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from inspect_ai.model import ChatMessage

from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.clock import Stopwatch
from overthink.collect.ladder.decisions import Decisions
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.providers.continuation import Continuation, Prefix, Sampling, Segment
from overthink.collect.scoring.judging import Judgement
from overthink.data.record import Category

LINE_END = "\n"
"""End of a step."""

STEP_TOKENS = 64
"""Maximum tokens per step, if no line ends before."""

MAX_IDLE_STEPS = 64
"""Steps in a row that take no token, after which a path counts as one that never ends."""


@dataclass(frozen=True, slots=True)
class ReasoningPath:
    """A path of thinking so far.

    Attributes:
        prefix: Prompt and thinking, not yet closed.
        tokens: Number of tokens decoded on this path.
        steps: The steps, with texts inserted before them.
        ended: Whether the model has ended its thinking.
        stop: Cause of the end: a stop text, "" for the end of the turn; None if it has not ended or is unknown.
        score: Score of a verifier, higher is better; None without a verifier.
        answer_key: Seed name of its answer, so that an answer read during the thinking is decoded identically; empty
            for the rung's own.
        n_steps: Number of steps on this path; a rung ends a step as a line end does.
        is_final: Whether an intervention has ended the thinking for good.
    """

    prefix: Prefix
    tokens: int = 0
    steps: tuple[str, ...] = ()
    ended: bool = False
    stop: str | None = None
    score: float | None = None
    answer_key: tuple[str | int, ...] = ()
    n_steps: int = 0
    is_final: bool = False

    @property
    def text(self) -> str:
        """The thinking as one text."""
        return "".join(self.steps)


Grade = Callable[[Segment], Awaitable[Judgement]]
"""Function that scores an answer with the task's own scorer."""


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Resources of a trace's thinking.

    Attributes:
        continuation: Continuation of the model under test.
        spec: Ladder, format and sampling of the trace.
        meter: Meter of all token usage.
        prompt: Messages of the prompt.
        grade: The task's own scorer, which has the target: for oracles only.
        watch: Stopwatch of everything but judging.
        verifier_category: Token category charged for verifier calls.
        decisions: Decisions of the trace, recorded, or those of another one.
    """

    continuation: Continuation
    spec: SamplingSpec
    meter: UsageMeter
    prompt: tuple[ChatMessage, ...]
    grade: Grade | None = None
    watch: Stopwatch = field(default_factory=lambda: Stopwatch(None))
    verifier_category: Category = Category.VERIFIER
    decisions: Decisions = field(default_factory=Decisions)

    @property
    def question(self) -> str:
        """Text of the prompt."""
        return "\n".join(message.text for message in self.prompt)


class Stepper(Protocol):
    """Protocol: takes the next step of a path."""

    async def __call__(self, path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
        """Return the path, one step longer.

        Args:
            path: A path that has not ended.
            room: Maximum number of tokens to decode; at least 1.
            branch: Name of a branch of several steps from one prefix; each has its own seed.
            cue: Text to insert before the step.
        """
        ...


class Thinker(Protocol):
    """Protocol: thinks up the ladder in one trace."""

    async def begin(self, prefix: Prefix) -> None:
        """Start after the opening of the assistant's turn."""
        ...

    async def to(self, rung: int, budget: int) -> ReasoningPath:
        """Think up to a budget and return the path to answer from. Budgets come in ascending order."""
        ...


class OneStep:
    """Stepper of the model: decodes up to the end of a line, of its thinking, or of the room."""

    def __init__(self, context: TraceContext) -> None:
        self._context = context

    async def __call__(self, path: ReasoningPath, room: int, *, branch: str = "", cue: str = "") -> ReasoningPath:
        """Return the path, one step longer; empty lines are part of the next step."""
        spec, start = self._context.spec, path
        line_start = start.text.rpartition(LINE_END)[2]  # a cut line: its remainder may be the line end alone
        path = await insert_text(self._context.continuation, path, cue)
        text = ""
        while not (text and (line_start + text).strip()) and not path.ended and path.tokens - start.tokens < room:
            tokens_left = min(room - (path.tokens - start.tokens), STEP_TOKENS)
            purpose = ("step", len(start.steps), path.tokens, branch)
            request = self._context.continuation.decode(
                path.prefix,
                spec.thinking(tokens_left, *purpose, stop=(LINE_END,)),
                truth=spec.truth_for("think", path.tokens),
            )
            segment = await self._context.meter.send(request)
            prefix = self._context.continuation.append(path.prefix, segment)
            line = segment.is_complete and segment.stop == LINE_END
            if segment.is_complete and segment.stop is None and not self._context.continuation.reports_stop:
                # The server does not return the stop text: an empty line ends the thinking.
                line = bool((line_start + text + segment.text).strip())
            line = line and (
                segment.tokens > 0 or bool(segment.text)
            )  # without this, empty segments would loop for ever
            piece = segment.text + (LINE_END if line else "")
            if line:
                prefix = await self._context.continuation.append_text(prefix, LINE_END)
            text += piece
            path = replace(
                path,
                prefix=prefix,
                tokens=path.tokens + segment.tokens,
                ended=segment.is_complete and not line,
                stop=None if line else segment.stop,
            )
        steps = (*path.steps[:-1], path.steps[-1] + text) if cue else (*path.steps, text)
        return replace(path, steps=steps, n_steps=start.n_steps + 1)


class InOnePiece:
    """Thinks from rung to rung in one segment each: the plain ladder."""

    def __init__(self, context: TraceContext, *, prefix_text: str = "") -> None:
        self._context = context
        self._prefix_text = prefix_text

    async def begin(self, prefix: Prefix) -> None:
        """Start after the opening of the assistant's turn and the prefix text of interventions."""
        self._path = await insert_text(self._context.continuation, ReasoningPath(prefix), self._prefix_text)

    async def to(self, rung: int, budget: int) -> ReasoningPath:
        """Decode up to the budget."""
        if budget > self._path.tokens and not self._path.ended:
            self._path = await think_on(self._context, self._path, budget - self._path.tokens, rung, "think")
        return self._path


class StepByStep:
    """Thinks along one path, step by step, so that every step can be inspected."""

    def __init__(self, context: TraceContext, stepper: Stepper, *, prefix_text: str = "") -> None:
        self._context = context
        self._stepper = stepper
        self._prefix_text = prefix_text

    async def begin(self, prefix: Prefix) -> None:
        """Start after the opening of the assistant's turn and the prefix text of interventions."""
        self._path = await insert_text(self._context.continuation, ReasoningPath(prefix), self._prefix_text)

    async def to(self, rung: int, budget: int) -> ReasoningPath:
        """Take steps until the budget is used up or the thinking ends."""
        idle = 0
        while self._path.tokens < budget and not self._path.ended:
            path = await self._stepper(self._path, budget - self._path.tokens)
            idle = idle + 1 if path.tokens <= self._path.tokens else 0
            if idle == MAX_IDLE_STEPS:
                raise RuntimeError(f"{idle} steps in a row took no token, so the budget of {budget} is never reached")
            self._path = path
        return self._path


async def think_on(context: TraceContext, path: ReasoningPath, room: int, *purpose: str | int) -> ReasoningPath:
    """Return the path extended by one segment of thinking, as one step.

    Args:
        context: The trace's context.
        path: A path that has not ended.
        room: Maximum number of tokens to decode.
        purpose: Name of the request, from which its seed derives.
    """
    sampling = context.spec.thinking(room, *purpose)
    request = context.continuation.decode(path.prefix, sampling, truth=context.spec.truth_for("think", path.tokens))
    segment = await context.meter.send(request)
    return replace(
        path,
        prefix=context.continuation.append(path.prefix, segment),
        tokens=path.tokens + segment.tokens,
        steps=(*path.steps, segment.text),
        ended=segment.is_complete,
        stop=segment.stop,
        n_steps=path.n_steps + 1,
    )


async def insert_text(continuation: Continuation, path: ReasoningPath, text: str) -> ReasoningPath:
    """Return the path with an inserted text appended as a step; the path itself if the text is empty."""
    if not text:
        return path
    return replace(path, prefix=await continuation.append_text(path.prefix, text), steps=(*path.steps, text))


async def reply_beside(
    context: TraceContext,
    messages: list[ChatMessage],
    spec: SamplingSpec,
    *,
    budget: int,
    names: tuple[str | int, ...],
    cue: str,
    sampling: Sampling,
) -> Segment:
    """Return what the model under test says beside its trace, as a debater or as its own reviewer.

    All of it is metered, and charged as a probe.

    Args:
        context: The trace's context.
        messages: Prompt of the speaker.
        spec: Gives the sampling of its thinking, and the truth of a simulated speaker.
        budget: Its thinking budget, in tokens.
        names: Names of the request, from which the seed of its thinking derives.
        cue: Text behind the thinking that asks for what it says.
        sampling: Sampling of what it says.
    """
    continuation, meter, thought = context.continuation, context.meter, 0
    prefix = await continuation.start(messages, spec.format.open)
    if budget:
        thinking = spec.thinking(budget, *names, "think")
        segment = await meter.send(continuation.decode(prefix, thinking, truth=spec.truth_for("think", 0)))
        meter.charge(Category.PROBE, segment.tokens)
        prefix, thought = continuation.append(prefix, segment), segment.tokens
    prefix = await continuation.append_text(prefix, spec.format.close + cue)
    segment = await meter.send(continuation.decode(prefix, sampling, truth=spec.truth_for("answer", thought)))
    meter.charge(Category.PROBE, segment.tokens)
    return segment
