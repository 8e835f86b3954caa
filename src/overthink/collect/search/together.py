"""Several requests of one trace at a time, no more than the plan allows, and the first failure as it was raised."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from anyio import CapacityLimiter, create_task_group

from overthink.collect.till import CalledOffError, Till

T = TypeVar("T")


async def together(
    till: Till, jobs: Sequence[Callable[[], Awaitable[T]]], limiter: CapacityLimiter | None = None
) -> list[T]:
    """Do jobs of one trace concurrently. Where one fails its error is raised, not a group of errors.

    The trace is lost then, so nothing is begun any more. What is under way is let finish: a server that is left in the
    middle has decoded tokens that nobody has counted.

    Args:
        till: Where the trace pays; it pays for no further request once a job has failed.
        jobs: What to do.
        limiter: How many at a time; None for all.

    Returns:
        What each gave, in the order of the jobs.

    Example:
        >>> import asyncio
        >>> async def double(number: int) -> int:
        ...     return 2 * number
        >>> asyncio.run(together(Till(), [lambda: double(1), lambda: double(2)]))
        [2, 4]
    """
    done: dict[int, T] = {}
    failures: list[Exception] = []

    async def run(place: int, job: Callable[[], Awaitable[T]]) -> None:
        try:
            till.check_open()
            done[place] = await job()
        except Exception as failure:  # noqa: BLE001 - it is raised again below, without the group around it
            failures.append(failure)
            till.call_off()

    async def run_in_turn(place: int, job: Callable[[], Awaitable[T]]) -> None:
        if limiter is None:
            await run(place, job)
        else:
            async with limiter:
                await run(place, job)

    async with create_task_group() as group:
        for place, job in enumerate(jobs):
            group.start_soon(run_in_turn, place, job)
    if failures:
        raise next((failure for failure in failures if not isinstance(failure, CalledOffError)), failures[0])
    return [done[place] for place in range(len(jobs))]
