"""A task's own solver around a loop of turns: what it reaches `generate` with, and what it does behind it."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from inspect_ai.solver import TaskState
from inspect_ai.util import SandboxEnvironment
from inspect_ai.util._sandbox.context import sandbox_environments_context_var

from overthink.collect.replay import Call, Replay
from overthink.errors import InputError

_RUNNING = ("_store", "_message_limit", "_token_limit", "_cost_limit")
"""What belongs to the sample that is running, and not to what a solver made of it."""


class _UsedError(BaseException):
    """The solver used its sandbox; not an Exception, so that no solver swallows it."""


class _Locked(dict[str, SandboxEnvironment]):
    """Stands where a sample's sandboxes stand: whoever looks for one meets an error."""

    def __len__(self) -> NoReturn:
        raise _UsedError


class LoopReplay(Replay):
    """A task's solver, ready to be run around a loop of turns."""

    bypassed = "its turns cannot be scored from outside"
    beside = "its turns are not those of one loop"
    offer = (
        "Let its solver call score(state) on the way, run it with inspect eval, and read its logs: overthink analyse "
        "LOGS --checkpoints turns. Or run it with --efforts, which leaves the solver as it is."
    )

    async def processed(self, state: TaskState, put: Callable[[TaskState], None]) -> TaskState:
        """As of every replay. The sandbox is the loop's alone: a solver is run again at every checkpoint.

        Raises:
            InputError: Also where the solver uses the sandbox itself.
        """
        refusal = InputError(
            f"task {self.task}: its solver uses its sandbox around generate, and would do so again at every "
            f"checkpoint. Let the task's setup do what comes before, and its scorer what comes behind. {self.offer}"
        )
        try:
            with _locked():
                return await super().processed(state, put)
        except _UsedError:
            raise refusal from None
        except BaseExceptionGroup as group:  # raised inside a task group of the solver's own
            if group.split(_UsedError)[0] is None:
                raise
            raise refusal from None

    def _check(self, call: Call) -> None:
        """Refuse a solver that does something of its own with tool calls.

        Raises:
            InputError: It does not leave the calling of tools to `generate`.
        """
        asked = call.options["tool_calls"]
        if asked != "loop":
            raise InputError(
                f"task {self.task}: its solver calls generate with tool_calls={asked!r}, so it does something of its "
                f"own with tool calls, and {self.beside}. {self.offer}"
            )


@contextmanager
def _locked() -> Iterator[None]:
    """Keep whoever runs inside from the sample's sandboxes, if it has any."""
    if not sandbox_environments_context_var.get(None):
        yield
        return
    # A private name of Inspect: there is no public way to run a solver without its sandbox.
    token = sandbox_environments_context_var.set(_Locked())
    try:
        yield
    finally:
        sandbox_environments_context_var.reset(token)


def take_over(state: TaskState, reached: TaskState) -> None:
    """Make the sample's state what the solver had made of it. Its store stays the one that tools write to."""
    for name, value in reached.store.items():
        state.store.set(name, value)
    ours = {name: value for name, value in vars(copy.deepcopy(reached)).items() if name not in _RUNNING}
    vars(state).update(ours)


def untouched(state: TaskState) -> TaskState:
    """The state as it is now, for when the model has spoken. Its tools, and so its store, have done nothing since."""
    kept = copy.copy(state)
    kept.messages = list(state.messages)
    return kept


def putting(state: TaskState) -> Callable[[TaskState], None]:
    """Put a copy of the loop's state where the solver expects the outcome of `generate`."""

    def put(reached: TaskState) -> None:
        vars(reached).update(vars(copy.deepcopy(state)))

    return put
