"""Concurrent requests of one trace, up to the plan's limit; the first failure is raised unwrapped."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from anyio import CapacityLimiter, create_task_group

from overthink.collect.ladder.accounting import CalledOffError, UsageMeter

ResultT = TypeVar("ResultT")


async def gather_limited(
    meter: UsageMeter, jobs: Sequence[Callable[[], Awaitable[ResultT]]], limiter: CapacityLimiter | None = None
) -> list[ResultT]:
    """Run jobs of one trace concurrently. If one fails, its error is raised, not an exception group.

    The trace is lost then, so no further job is started. Running jobs finish: cancelling a request would leave its
    decoded tokens uncounted.

    Args:
        meter: The trace's usage meter; it refuses further requests once a job has failed.
        jobs: The jobs.
        limiter: Limit of concurrent jobs; None for no limit.

    Returns:
        The results, in the order of the jobs.

    Example:
        >>> import asyncio
        >>> async def double(number: int) -> int:
        ...     return 2 * number
        >>> asyncio.run(gather_limited(UsageMeter(), [lambda: double(1), lambda: double(2)]))
        [2, 4]
    """
    done: dict[int, ResultT] = {}
    failures: list[Exception | SystemExit] = []

    async def run(index: int, job: Callable[[], Awaitable[ResultT]]) -> None:
        try:
            meter.check_open()
            done[index] = await job()
        except (Exception, SystemExit) as failure:  # noqa: BLE001 - raised below, without a group
            failures.append(failure)
            meter.call_off()

    async def run_in_turn(index: int, job: Callable[[], Awaitable[ResultT]]) -> None:
        if limiter is None:
            await run(index, job)
        else:
            async with limiter:
                await run(index, job)

    async with create_task_group() as group:
        for index, job in enumerate(jobs):
            group.start_soon(run_in_turn, index, job)
    if failures:
        raise next((failure for failure in failures if not isinstance(failure, CalledOffError)), failures[0])
    return [done[index] for index in range(len(jobs))]
