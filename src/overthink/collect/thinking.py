"""How a trace thinks: a path of steps, who takes the next one, and who decides which path is answered from.

A :class:`Stepper` makes a path one step longer. Interventions wrap it: they look at the step, and may ask for another.
A :class:`Thinker` is a strategy: it takes steps until a budget is used up, along one path or several, and says which
path to answer from. Whatever they spend they pay at the trace's till.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from inspect_ai.model import ChatMessage

from overthink.collect.continuation import Continuation, Prefix
from overthink.collect.judging import Judgement
from overthink.collect.stopwatch import Stopwatch
from overthink.collect.till import Till
from overthink.collect.way import Way
from overthink.core.category import Category

LINE_END = "\n"
"""What ends a step."""

STEP_TOKENS = 64
"""The longest step, in tokens, where no line ends before."""


@dataclass(frozen=True, slots=True)
class Path:
    """A line of thought: everything up to here.

    Attributes:
        prefix: Everything the model has seen and thought, not yet closed.
        tokens: Tokens that it decoded on this path.
        steps: The steps, with what others wrote before them.
        ended: The model has ended its thinking.
        stop: What ended it: a stop text, "" for the end of the turn; None if nothing did or it is not known.
        score: What a verifier says of the path, higher is better; None where none was asked.
        answered: What its answer's draw is named after, so that an answer that was read on the way is drawn once more;
            empty for a draw of the rung's own.
        taken: Steps that the model has taken on this path; a rung ends one as a line end does.
        stopped: Somebody else has ended its thinking, and nobody is to take it up again.
    """

    prefix: Prefix
    tokens: int = 0
    steps: tuple[str, ...] = ()
    ended: bool = False
    stop: str | None = None
    score: float | None = None
    answered: tuple[str | int, ...] = ()
    taken: int = 0
    stopped: bool = False

    @property
    def text(self) -> str:
        """The thinking as one text."""
        return "".join(self.steps)


Grade = Callable[[str, bool], Awaitable[Judgement]]
"""Scores an answer with the task's own scorer; the flag says whether it was cut."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a trace's thinking works with.

    Attributes:
        continuation: How the model goes on.
        way: How the trace climbs.
        till: Where everything is paid.
        prompt: What the model was asked.
        grade: The task's own scorer, for an answer and whether it was cut. It knows the target: for oracles alone.
        watch: Takes the time of all that is not judging.
        scored_as: What a verifier that is asked with these means is charged to.
    """

    continuation: Continuation
    way: Way
    till: Till
    prompt: tuple[ChatMessage, ...]
    grade: Grade | None = None
    watch: Stopwatch = field(default_factory=lambda: Stopwatch(None))
    scored_as: Category = Category.VERIFIER

    @property
    def question(self) -> str:
        """What the model was asked, as one text."""
        return "\n".join(message.text for message in self.prompt)


class Stepper(Protocol):
    """Takes the next step of a path."""

    async def __call__(self, path: Path, room: int, *, branch: str = "", cue: str = "") -> Path:
        """The path, one step longer.

        Args:
            path: A path that has not ended.
            room: The most tokens to decode; at least 1.
            branch: Which of several steps from the same place this is; another branch is another draw.
            cue: Text of ours to write before the step.
        """
        ...


class Thinker(Protocol):
    """Thinks up the ladder, one trace at a time."""

    async def begin(self, opened: Prefix) -> None:
        """Start behind the opening of the assistant's turn."""
        ...

    async def to(self, rung: int, budget: int) -> Path:
        """Think on to a budget, and say which path to answer from. Budgets come in ascending order."""
        ...


class OneStep:
    """The model takes a step: it decodes to the end of a line, of its thinking, or of the room."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def __call__(self, path: Path, room: int, *, branch: str = "", cue: str = "") -> Path:
        """The path, one step longer; lines that hold nothing are part of the next step."""
        way, start = self._means.way, path
        begun = start.text.rpartition(LINE_END)[2]  # a line that was cut: what is left of it may be its end alone
        path = await written(self._means.continuation, path, cue)
        text = ""
        while not (text and (begun + text).strip()) and not path.ended and path.tokens - start.tokens < room:
            left = min(room - (path.tokens - start.tokens), STEP_TOKENS)
            named = ("step", len(start.steps), path.tokens, branch)
            asked = self._means.continuation.decode(
                path.prefix,
                way.thinking(left, *named, stop=(LINE_END,)),
                truth=way.told("think", path.tokens),
            )
            segment = await self._means.till.paid(asked)
            prefix = self._means.continuation.append(path.prefix, segment)
            line = segment.ended and segment.stop == LINE_END
            if segment.ended and segment.stop is None and not self._means.continuation.tells_stop:
                # The server does not say what ended it: an empty line ends it all.
                line = bool((begun + text + segment.text).strip())
            line = line and (segment.tokens > 0 or bool(segment.text))  # nothing at all, again and again, has no end
            piece = segment.text + (LINE_END if line else "")
            if line:
                prefix = await self._means.continuation.append_text(prefix, LINE_END)
            text += piece
            path = replace(
                path,
                prefix=prefix,
                tokens=path.tokens + segment.tokens,
                ended=segment.ended and not line,
                stop=None if line else segment.stop,
            )
        steps = (*path.steps[:-1], path.steps[-1] + text) if cue else (*path.steps, text)
        return replace(path, steps=steps, taken=start.taken + 1)


class InOnePiece:
    """Thinks from rung to rung without a break: the plain ladder."""

    def __init__(self, means: Means, *, opening: str = "") -> None:
        self._means = means
        self._opening = opening

    async def begin(self, opened: Prefix) -> None:
        """Start behind the opening of the assistant's turn, and what an intervention writes there."""
        self._path = await written(self._means.continuation, Path(opened), self._opening)

    async def to(self, rung: int, budget: int) -> Path:
        """Decode what the budget still allows."""
        if budget > self._path.tokens and not self._path.ended:
            self._path = await gone_on(self._means, self._path, budget - self._path.tokens, rung, "think")
        return self._path


class StepByStep:
    """Thinks along one path, step by step, so that every step can be looked at."""

    def __init__(self, means: Means, stepper: Stepper, *, opening: str = "") -> None:
        self._means = means
        self._stepper = stepper
        self._opening = opening

    async def begin(self, opened: Prefix) -> None:
        """Start behind the opening of the assistant's turn, and what an intervention writes there."""
        self._path = await written(self._means.continuation, Path(opened), self._opening)

    async def to(self, rung: int, budget: int) -> Path:
        """Take steps until the budget is used up or the thinking ends."""
        while self._path.tokens < budget and not self._path.ended:
            self._path = await self._stepper(self._path, budget - self._path.tokens)
        return self._path


async def gone_on(means: Means, path: Path, room: int, *named: str | int) -> Path:
    """The path with what the model thinks in one piece, as one step.

    Args:
        means: The trace's means; the piece is paid there.
        path: A path that has not ended.
        room: The most tokens to decode.
        named: What the request is for; its seed hangs on that.
    """
    sampling = means.way.thinking(room, *named)
    asked = means.continuation.decode(path.prefix, sampling, truth=means.way.told("think", path.tokens))
    segment = await means.till.paid(asked)
    return replace(
        path,
        prefix=means.continuation.append(path.prefix, segment),
        tokens=path.tokens + segment.tokens,
        steps=(*path.steps, segment.text),
        ended=segment.ended,
        stop=segment.stop,
        taken=path.taken + 1,
    )


async def written(continuation: Continuation, path: Path, text: str) -> Path:
    """The path with text of ours behind it, as a step of its own; the path itself where there is no text."""
    if not text:
        return path
    return replace(path, prefix=await continuation.append_text(path.prefix, text), steps=(*path.steps, text))
