"""Run a task's own solver around a given answer, so that prompt and parsing are exactly the task's.

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

from inspect_ai.model import ChatMessage, ModelOutput, ModelUsage, StopReason
from inspect_ai.solver import Generate, Solver, TaskState

from overthink.collect.inspect_internals import active_model, active_model_context_var
from overthink.collect.scoring.judging import AnswerJudge, Judgement, tokens_used
from overthink.errors import InputError


class _CapturedError(BaseException):
    """Stops the solver once its prompt is captured; not an Exception, so that no solver catches it."""


class _BypassedError(BaseException):
    """The solver called a model itself."""


class _Tripwire:
    """Placeholder of the evaluated model during replay: any use of it bypasses `generate`."""

    def __getattr__(self, name: str) -> NoReturn:
        raise _BypassedError


@dataclass(frozen=True, eq=False)
class Call:
    """Arguments of a solver's call of `generate`.

    Attributes:
        state: The state: its messages, tools and choices.
        options: The generation settings.
    """

    state: TaskState
    options: Mapping[str, Any]


class Replay:
    """A task's solver, to be run around given answers.

    Attributes:
        solver: The task's own solver.
        task: The task's name, for messages.
        bypass_problem: Message part: consequence of a solver that does not call `generate`.
        second_call_problem: Message part: consequence of more than one model call.
        advice: Message part: alternatives for the user.
    """

    bypass_problem = "its thinking cannot be cut at a budget"
    second_call_problem = "one trace cannot stand for its thinking"
    advice = "Run it with --efforts, which leaves the solver as it is, or give a task that calls generate exactly once."

    def __init__(self, solver: Solver, *, task: str) -> None:
        self.solver = solver
        self.task = task
        # The state with which each sample's solver called `generate`, kept as long as the sample exists.
        self._prompt_states: WeakKeyDictionary[TaskState, TaskState] = WeakKeyDictionary()

    async def prompt(self, state: TaskState) -> list[ChatMessage]:
        """Return the messages that the solver sends to the model.

        Args:
            state: The sample's initial state; it is not modified.

        Raises:
            InputError: The solver never calls `generate`, calls a model itself, or needs tools or non-text content.
        """
        return list((await self.call(state)).state.messages)

    async def call(self, state: TaskState) -> Call:
        """Return the solver's call of `generate`: state and settings.

        Args:
            state: The sample's initial state; it is not modified.

        Raises:
            InputError: As for :meth:`prompt`.
        """
        calls: list[Call] = []

        async def capture(solver_state: TaskState, tool_calls: str = "loop", *_: Any, **options: Any) -> TaskState:
            calls.append(Call(solver_state, {"tool_calls": tool_calls} | options))
            raise _CapturedError

        with self._tripwire():
            try:
                await self.solver(copy.deepcopy(state), cast(Generate, capture))
            except (_CapturedError, _BypassedError):
                pass
            except SystemExit as leaving:
                raise InputError(
                    f"task {self.task}: its solver ends the process (SystemExit: {leaving}); needed: one that returns"
                ) from leaving
            except BaseExceptionGroup as group:  # raised inside a task group of the solver
                if group.split((_CapturedError, _BypassedError))[1] is not None:
                    raise
        if not calls:
            raise InputError(
                f"task {self.task}: its solver does not call generate (an agent, or a solver that calls the model "
                f"itself), so {self.bypass_problem}. {self.advice}"
            )
        self._prompt_states[state] = calls[0].state
        self._check(calls[0])
        return calls[0]

    async def process_completion(
        self, state: TaskState, completion: str, *, is_truncated: bool = False, usage: ModelUsage | None = None
    ) -> TaskState:
        """Return the state after the solver has processed `completion` as the model's output.

        The caps that a task passes to `generate` (`max_tokens=16`, say) do not apply: the text is already there.

        Args:
            state: The sample's initial state; it is not modified.
            completion: The text.
            is_truncated: It reached its token limit, which scorers see as the stop reason.
            usage: Its tokens, for scorers that read them.

        Raises:
            InputError: The solver calls `generate` more than once, or calls a model itself.
        """

        def answer(solver_state: TaskState) -> None:
            reason: StopReason = "max_tokens" if is_truncated else "stop"
            solver_state.output = ModelOutput.from_content(str(solver_state.model), completion, stop_reason=reason)
            solver_state.output.usage = usage
            solver_state.messages.append(solver_state.output.message)  # one object, as from Inspect's own generate

        return await self.process(state, answer)

    async def process(self, state: TaskState, put: Callable[[TaskState], None]) -> TaskState:
        """Return the state after the solver has run with `put` in place of the model.

        Args:
            state: The sample's initial state; it is not modified.
            put: Modifies the state with which the solver calls `generate`.

        Raises:
            InputError: The solver calls `generate` more than once, or calls a model itself.
        """
        calls = 0

        async def bring(solver_state: TaskState, *_: Any, **__: Any) -> TaskState:
            nonlocal calls
            calls += 1
            if calls > 1:
                raise InputError(
                    f"task {self.task}: its solver calls generate more than once, so {self.second_call_problem}. "
                    f"{self.advice}"
                )
            self._restore_prompt_state(state, solver_state)
            put(solver_state)
            return solver_state

        before = tokens_used()
        try:
            with self._tripwire():
                after = await self.solver(copy.deepcopy(state), cast(Generate, bring))
        except _BypassedError:
            raise self._second_call_error() from None
        except BaseExceptionGroup as group:
            if group.split(_BypassedError)[0] is not None:
                raise self._second_call_error() from None
            raise
        if tokens_used() != before:
            raise self._second_call_error()
        return after

    def _restore_prompt_state(self, state: TaskState, solver_state: TaskState) -> None:
        """Restore the state of the sent prompt, if the solver shuffles differently on each run."""
        sent = self._prompt_states.get(state)
        if sent is not None and [m.text for m in sent.messages] != [m.text for m in solver_state.messages]:
            vars(solver_state).update(vars(copy.deepcopy(sent)))

    def _check(self, call: Call) -> None:
        """Refuse content that a raw continuation would silently drop.

        Raises:
            InputError: The model has tools, or the prompt has non-text content.
        """
        solver_state = call.state
        if solver_state.tools:
            raise InputError(
                f"task {self.task}: its solver gives the model tools, which a forced answer cannot call. Run it with "
                "--turns 1,2,4,8, a loop of tool calls, or with --efforts, which leaves the solver as it is."
            )
        kinds = {
            part.type
            for message in solver_state.messages
            if not isinstance(message.content, str)
            for part in message.content
        } - {"text", "reasoning"}
        if kinds:
            raise InputError(
                f"task {self.task}: its prompt holds {', '.join(sorted(kinds))}, and only text can be continued. "
                f"{self.advice}"
            )

    def _second_call_error(self) -> InputError:
        return InputError(
            f"task {self.task}: its solver calls the model itself, or another one, beside generate (a critique, an "
            f"agent's loop), so {self.second_call_problem}. {self.advice}"
        )

    @contextmanager
    def _tripwire(self) -> Iterator[None]:
        # Only a tripwire in the model's place stops a solver before it spends the user's money on calls that the
        # ladder cannot see.
        token = active_model_context_var.set(_Tripwire())  # type: ignore[arg-type]
        try:
            yield
        finally:
            active_model_context_var.reset(token)


def evaluated_model() -> Any:
    """Return the model under test, inside a running sample."""
    model = active_model()
    if model is None:
        raise RuntimeError("no model is being evaluated here")
    return model


async def judge_completion(
    replay: Replay, judge: AnswerJudge, state: TaskState, completion: str, *, is_truncated: bool, usage: ModelUsage
) -> Judgement:
    """Return what the task's scorer says of a completion, after the task's own solver has processed it.

    Args:
        replay: The task's solver.
        judge: The task's scorer.
        state: The sample's initial state; it is not modified.
        completion: The text.
        is_truncated: It reached its token limit.
        usage: Its tokens, for scorers that read them.

    Raises:
        InputError: As for :meth:`Replay.process_completion`, or the scorer gives what cannot be read.
    """
    after = await replay.process_completion(state, completion, is_truncated=is_truncated, usage=usage)
    return await judge(after, state.target, is_truncated=is_truncated)
