"""One run of Inspect that repeated Ctrl-C ends in an orderly way."""

import asyncio
from typing import Any

import anyio
from inspect_ai import Task, eval_async
from inspect_ai import eval as inspect_eval
from inspect_ai._util._async import configured_async_backend
from inspect_ai._util.asyncfiles import with_async_fs
from inspect_ai._util.platform import platform_init
from inspect_ai.log import EvalLog
from inspect_ai.util._display import init_display_type

from overthink.collect.session.interrupts import count_interrupts


def run_inspect(task: Task, **settings: Any) -> list[EvalLog]:
    """Evaluate a task with ``inspect_ai.eval``, without a display.

    In a notebook, another thread, a running event loop and on trio, Inspect handles Ctrl-C itself.

    Args:
        task: The task.
        **settings: Settings of ``inspect_ai.eval``.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed; running samples were cancelled, and the log was written.
    """
    with count_interrupts() as interrupts:
        if interrupts is None or _in_a_loop() or configured_async_backend() != "asyncio":
            return inspect_eval(task, display="none", **settings)

        async def run() -> list[EvalLog]:
            loop, running = asyncio.get_running_loop(), asyncio.current_task()
            assert running is not None

            def stop() -> None:
                running.cancel()
                loop.call_soon_threadsafe(lambda: None)  # wakes it

            with interrupts.stopping(stop):
                return await eval_async(task, **settings)

        platform_init()
        init_display_type("none")
        before = interrupts.count
        try:
            logs = anyio.run(with_async_fs(run))
        except asyncio.CancelledError:
            if interrupts.count == before:
                raise
        if interrupts.count > before:
            raise KeyboardInterrupt
        return logs


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
