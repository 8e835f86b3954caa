"""Run a task's own solver around an answer that we bring, so that its prompt and its parsing are exactly the task's.

Many tasks format the prompt and parse the answer inside the solver (`multiple_choice` does both). The solver is
therefore kept and run with a stub in place of `generate`: once to capture the prompt, then once per rung to put the
forced answer through the task's own post-processing.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn, cast
from weakref import WeakKeyDictionary

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ModelOutput
from inspect_ai.model._model import active_model, active_model_context_var, sample_model_usage
from inspect_ai.solver import Generate, Solver, TaskState

from overthink.errors import InputError


class _CapturedError(BaseException):
    """Stops the solver once its prompt is known; not an Exception, so that no solver swallows it."""


class _BypassedError(BaseException):
    """The solver called a model itself."""


class _Tripwire:
    """Stands where the evaluated model stands while a solver is replayed: whoever calls it bypassed `generate`."""

    def __getattr__(self, name: str) -> NoReturn:
        raise _BypassedError


@dataclass(frozen=True, eq=False)
class Call:
    """What a solver reached `generate` with.

    Attributes:
        state: The state: its messages, tools and choices.
        options: The settings that the solver passed.
    """

    state: TaskState
    options: Mapping[str, Any]


class Replay:
    """A task's solver, ready to be run around answers that we bring.

    Attributes:
        solver: The task's own solver.
        task: The task's name, for messages.
        bypassed: What cannot be done where the solver does not call `generate`.
        beside: What cannot be done where it calls a model more than once.
        offer: What the user can do instead.
    """

    bypassed = "its thinking cannot be cut at a budget"
    beside = "one trace cannot stand for its thinking"
    offer = "Run it with --efforts, which leaves the solver as it is, or give a task that calls generate exactly once."

    def __init__(self, solver: Solver, *, task: str) -> None:
        self.solver = solver
        self.task = task
        # What each sample's solver had made of it when it called `generate`, for as long as the sample is there.
        self._reached: WeakKeyDictionary[TaskState, TaskState] = WeakKeyDictionary()

    async def prompt(self, state: TaskState) -> list[ChatMessage]:
        """The messages that the solver would have sent to the model.

        Args:
            state: The sample's state as the task made it; it is left untouched.

        Raises:
            InputError: The solver never calls `generate`, calls a model itself, or asks for what a ladder cannot give.
        """
        return list((await self.call(state)).state.messages)

    async def call(self, state: TaskState) -> Call:
        """What the solver would have sent to the model, with all that goes with it.

        Args:
            state: The sample's state as the task made it; it is left untouched.

        Raises:
            InputError: As for :meth:`prompt`.
        """
        seen: list[Call] = []

        async def capture(reached: TaskState, tool_calls: str = "loop", *_: Any, **options: Any) -> TaskState:
            seen.append(Call(reached, {"tool_calls": tool_calls} | options))
            raise _CapturedError

        with self._tripwire():
            try:
                await self.solver(copy.deepcopy(state), cast(Generate, capture))
            except (_CapturedError, _BypassedError):
                pass
            except BaseExceptionGroup as group:  # raised inside a task group of the solver's own
                if group.split((_CapturedError, _BypassedError))[1] is not None:
                    raise
        if not seen:
            raise InputError(
                f"task {self.task}: its solver does not call generate (an agent, or a solver that calls the model "
                f"itself), so {self.bypassed}. {self.offer}"
            )
        self._reached[state] = seen[0].state
        self._check(seen[0])
        return seen[0]

    async def answered(self, state: TaskState, completion: str) -> TaskState:
        """The state after the solver has processed `completion` as the model's output.

        The caps that a task passes to `generate` (`max_tokens=16`, say) do not apply: the text is already there.

        Raises:
            InputError: The solver calls `generate` more than once, or calls a model itself.
        """

        def answer(reached: TaskState) -> None:
            reached.output = ModelOutput.from_content(str(reached.model), completion)
            reached.messages.append(ChatMessageAssistant(content=completion, model=str(reached.model)))

        return await self.processed(state, answer)

    async def processed(self, state: TaskState, put: Callable[[TaskState], None]) -> TaskState:
        """The state after the solver has processed whatever is put in the place of the model's work.

        Args:
            state: The sample's state as the task made it; it is left untouched.
            put: Changes the state that the solver calls `generate` with.

        Raises:
            InputError: The solver calls `generate` more than once, or calls a model itself.
        """
        calls = 0

        async def bring(reached: TaskState, *_: Any, **__: Any) -> TaskState:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise InputError(
                    f"task {self.task}: its solver calls generate more than once, so {self.beside}. {self.offer}"
                )
            self._as_prompted(state, reached)
            put(reached)
            return reached

        before = _tokens_paid()
        try:
            with self._tripwire():
                after = await self.solver(copy.deepcopy(state), cast(Generate, bring))
        except _BypassedError:
            raise self._beside() from None
        except BaseExceptionGroup as group:
            if group.split(_BypassedError)[0] is not None:
                raise self._beside() from None
            raise
        if _tokens_paid() != before:
            raise self._beside()
        return after

    def _as_prompted(self, state: TaskState, reached: TaskState) -> None:
        """Make the state what it was when the prompt was sent, where the solver shuffles anew each time it is run."""
        sent = self._reached.get(state)
        if sent is not None and [m.text for m in sent.messages] != [m.text for m in reached.messages]:
            vars(reached).update(vars(copy.deepcopy(sent)))

    def _check(self, call: Call) -> None:
        """Refuse what a raw continuation would leave out in silence.

        Raises:
            InputError: The model is given tools, or something beside text.
        """
        reached = call.state
        if reached.tools:
            raise InputError(
                f"task {self.task}: its solver gives the model tools, which a forced answer cannot call. Run it with "
                "--turns 1,2,4,8, a loop of tool calls, or with --efforts, which leaves the solver as it is."
            )
        kinds = {
            part.type
            for message in reached.messages
            if not isinstance(message.content, str)
            for part in message.content
        } - {"text", "reasoning"}
        if kinds:
            raise InputError(
                f"task {self.task}: its prompt holds {', '.join(sorted(kinds))}, and only text can be continued. "
                f"{self.offer}"
            )

    def _beside(self) -> InputError:
        return InputError(
            f"task {self.task}: its solver calls the model itself, or another one, beside generate (a critique, an "
            f"agent's loop), so {self.beside}. {self.offer}"
        )

    @contextmanager
    def _tripwire(self) -> Iterator[None]:
        # A private name of Inspect: the active model has no public setter, and only a tripwire in its place
        # stops a solver before it spends the user's money on calls that the ladder cannot see.
        token = active_model_context_var.set(_Tripwire())  # type: ignore[arg-type]
        try:
            yield
        finally:
            active_model_context_var.reset(token)


def _tokens_paid() -> int:
    """Tokens that this sample has used so far, of every model."""
    return sum(usage.total_tokens for usage in sample_model_usage().values())


def evaluated_model() -> Any:
    """The model under test, inside a running sample."""
    model = active_model()
    if model is None:
        raise RuntimeError("no model is being evaluated here")
    return model
