"""Several requests of one trace at a time, no more than the plan allows, and the first failure as it was raised."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from anyio import CapacityLimiter, create_task_group

T = TypeVar("T")


async def together(jobs: Sequence[Callable[[], Awaitable[T]]], limiter: CapacityLimiter | None = None) -> list[T]:
    """Do jobs concurrently. Where one fails the others are called off, and its error is raised, not a group of errors.

    Args:
        jobs: What to do.
        limiter: How many at a time; None for all.

    Returns:
        What each gave, in the order of the jobs.

    Example:
        >>> import asyncio
        >>> async def double(number: int) -> int:
        ...     return 2 * number
        >>> asyncio.run(together([lambda: double(1), lambda: double(2)]))
        [2, 4]
    """
    done: dict[int, T] = {}
    failures: list[Exception] = []

    async with create_task_group() as group:

        async def run(place: int, job: Callable[[], Awaitable[T]]) -> None:
            try:
                if limiter is None:
                    done[place] = await job()
                else:
                    async with limiter:
                        done[place] = await job()
            except Exception as failure:  # noqa: BLE001 - it is raised again below, without the group around it
                failures.append(failure)
                group.cancel_scope.cancel()

        for place, job in enumerate(jobs):
            group.start_soon(run, place, job)
    if failures:
        raise failures[0]
    return [done[place] for place in range(len(jobs))]
