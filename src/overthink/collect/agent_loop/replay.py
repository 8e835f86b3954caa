"""Replay of a task's own solver around an agent loop: its steps before `generate`, and its steps after."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from inspect_ai.solver import TaskState
from inspect_ai.util import SandboxEnvironment

from overthink.collect.inspect_internals import SAMPLE_FIELDS, sandbox_environments_context_var
from overthink.collect.scoring.replay import Call, Replay
from overthink.errors import InputError


class _SandboxUsedError(BaseException):
    """The solver used its sandbox; not an Exception, so that no solver catches it."""


class _LockedSandboxes(dict[str, SandboxEnvironment]):
    """Replacement for a sample's sandboxes: any access raises an error."""

    def __len__(self) -> NoReturn:
        raise _SandboxUsedError


class LoopReplay(Replay):
    """A task's solver, prepared to be run around an agent loop."""

    bypass_problem = "its turns cannot be scored from outside"
    second_call_problem = "its turns are not those of one loop"
    advice = (
        "Let its solver call score(state) on the way, run it with inspect eval, and read its logs: overthink analyse "
        "LOGS --checkpoints turns. Or run it with --efforts, which leaves the solver as it is."
    )

    async def process(self, state: TaskState, put: Callable[[TaskState], None]) -> TaskState:
        """Return the state after the solver, as in the base class, without access to the sandbox.

        The solver runs again at every checkpoint, so its use of the sandbox would affect the loop.

        Raises:
            InputError: As in the base class, or the solver uses the sandbox.
        """
        refusal = InputError(
            f"task {self.task}: its solver uses its sandbox around generate, and would do so again at every "
            f"checkpoint. Let the task's setup do what comes before, and its scorer what comes behind. {self.advice}"
        )
        try:
            with _lock_sandboxes():
                return await super().process(state, put)
        except _SandboxUsedError:
            raise refusal from None
        except BaseExceptionGroup as group:  # raised inside a task group of the solver's own
            if group.split(_SandboxUsedError)[0] is None:
                raise
            raise refusal from None

    def _check(self, call: Call) -> None:
        """Refuse a solver that handles tool calls itself.

        Raises:
            InputError: It does not leave tool calls to `generate`.
        """
        tool_calls = call.options["tool_calls"]
        if tool_calls != "loop":
            raise InputError(
                f"task {self.task}: its solver calls generate with tool_calls={tool_calls!r}, so it does something of "
                f"its own with tool calls, and {self.second_call_problem}. {self.advice}"
            )


@contextmanager
def _lock_sandboxes() -> Iterator[None]:
    """Block access to the sample's sandboxes, if it has any."""
    if not sandbox_environments_context_var.get(None):
        yield
        return
    token = sandbox_environments_context_var.set(_LockedSandboxes())
    try:
        yield
    finally:
        sandbox_environments_context_var.reset(token)


def take_over(state: TaskState, solver_state: TaskState) -> None:
    """Copy the solver's state into the sample's state. The sample keeps its store, to which tools write."""
    for name, value in solver_state.store.items():
        state.store.set(name, value)
    ours = {name: value for name, value in vars(copy.deepcopy(solver_state)).items() if name not in SAMPLE_FIELDS}
    vars(state).update(ours)


def snapshot(state: TaskState) -> TaskState:
    """Return a copy of the state before the model's reply; its store is shared, as no tool runs before the reply."""
    result = copy.copy(state)
    result.messages = list(state.messages)
    return result


def state_setter(state: TaskState) -> Callable[[TaskState], None]:
    """Return a function that copies the loop's state to the solver's state as the outcome of `generate`."""

    def put(target: TaskState) -> None:
        vars(target).update(vars(copy.deepcopy(state)))

    return put
