"""A task's own solver around a loop of turns: what it reaches `generate` with, and what it does behind it."""

import copy
from collections.abc import Callable

from inspect_ai.solver import TaskState

from overthink.collect.replay import Call, Replay
from overthink.errors import InputError

_RUNNING = ("_store", "_message_limit", "_token_limit", "_cost_limit")
"""What belongs to the sample that is running, and not to what a solver made of it."""


class LoopReplay(Replay):
    """A task's solver, ready to be run around a loop of turns."""

    bypassed = "its turns cannot be scored from outside"
    beside = "its turns are not those of one loop"
    offer = (
        "Let its solver call score(state) on the way, run it with inspect eval, and read its logs: overthink analyse "
        "LOGS --checkpoints turns. Or run it with --efforts, which leaves the solver as it is."
    )

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


def take_over(state: TaskState, reached: TaskState) -> None:
    """Make the sample's state what the solver had made of it. Its store stays the one that tools write to."""
    for name, value in reached.store.items():
        state.store.set(name, value)
    ours = {name: value for name, value in vars(copy.deepcopy(reached)).items() if name not in _RUNNING}
    vars(state).update(ours)


def putting(state: TaskState) -> Callable[[TaskState], None]:
    """Put a copy of the loop's state where the solver expects the outcome of `generate`."""

    def put(reached: TaskState) -> None:
        vars(reached).update(vars(copy.deepcopy(state)))

    return put
