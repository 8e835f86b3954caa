"""The calls of a ladder made again by plain Inspect, an `eval` whose solver makes them: what the ladder costs on top.

The messages and settings of every call are recorded from the ladder itself, so both send a server the same work.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from inspect_ai import Task, task_with
from inspect_ai import eval as inspect_eval
from inspect_ai.model import ChatMessage, GenerateConfig, Model, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import Generate, Solver, TaskState, solver
from real_servers import Server, reachable

import overthink
from overthink.collect.inspect_internals import sample_active
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.collect import collect_traces
from overthink.workflows.resume import open_folder

Call = tuple[list[ChatMessage], GenerateConfig]
Calls = dict[str, dict[tuple[str, int], list[Call]]]
"""Calls by task, and by question and epoch, in their order."""

OWN_BOUNDS = {"attempt_timeout": None, "max_retries": None}
"""Settings with which Overthink bounds every call; plain Inspect goes without."""


@contextmanager
def recorded_calls() -> Iterator[Calls]:
    """Every call of a model inside the block, by the sample that made it."""
    calls: Calls = defaultdict(lambda: defaultdict(list))
    original = Model.generate

    async def generate(self: Model, input: Any, *rest: Any, config: GenerateConfig, **more: Any) -> Any:  # noqa: A002
        active = sample_active()
        assert active is not None
        own = config.model_copy(update=OWN_BOUNDS)
        calls[active.task][str(active.sample.id), active.epoch].append((list(input), own))
        return await original(self, input, *rest, config=config, **more)

    Model.generate = generate  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        Model.generate = original  # type: ignore[method-assign]


def ladder(plan: overthink.Plan, folder: Path) -> tuple[float, Calls]:
    """Collect the traces of a plan as `overthink run` does; its seconds, logs and rows included, and the calls."""
    session, study = overthink.prepare(plan), StudyFolder(folder)
    with recorded_calls() as calls, open_folder(study, plan, resume=False) as existing:
        began = time.perf_counter()
        collect_traces(session, study, existing, lambda _: None, lambda _: None)
        return time.perf_counter() - began, calls


def plain(calls: Calls, plan: overthink.Plan, folder: Path) -> float:
    """Make the calls with plain Inspect, one eval of the plan's own tasks each; its seconds."""
    session = overthink.prepare(plan)
    tasks = [
        _task(task, calls[task.name if task.name in calls else name])
        for task, name in zip(session.tasks, session.names, strict=True)
    ]
    began = time.perf_counter()
    for task in tasks:
        (log,) = inspect_eval(
            task,
            model=plan.model,
            log_dir=str(folder),
            limit=plan.limit,
            max_samples=plan.concurrency,
            max_connections=plan.concurrency,
            log_realtime=False,
            display="none",
            log_level="error",
        )
        assert log.status == "success", log.error
    return time.perf_counter() - began


def _task(task: Task, calls: dict[tuple[str, int], list[Call]]) -> Task:
    epochs = max(epoch for _, epoch in calls)
    return task_with(copy(task), solver=same_calls(calls), scorer=match(), metrics=None, epochs=epochs)


@solver
def same_calls(calls: Any) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        model = get_model()
        for messages, config in calls[str(state.sample_id), state.epoch]:
            state.output = await model.generate(messages, config=config, cache=False)
        return state

    return solve


@dataclass(frozen=True)
class Rate:
    """Decoded tokens per second, by the server's metrics, and the client's CPU seconds per thousand of them."""

    per_second: float
    cpu: float


def rates(server: Server, plan: overthink.Plan, folder: Path, *, repeats: int) -> list[tuple[Rate, Rate]]:
    """Rates of the ladder and of plain Inspect, alternately.

    A first ladder, which is not counted, warms the server's cache; each plain eval makes the calls of the ladder
    before it, all of which the cache holds.
    """

    def rate(run: Callable[[], float]) -> Rate:
        before, cpu = server.counts(), time.process_time()
        seconds, cpu = run(), time.process_time() - cpu
        decoded = server.counts().since(before).decoded
        assert decoded
        return Rate(decoded / seconds, 1000 * cpu / decoded)

    pairs: list[tuple[Rate, Rate]] = []
    with reachable(server):
        for number in range(repeats + 1):
            recorded: list[Calls] = []

            def climb(number: int = number, recorded: list[Calls] = recorded) -> float:
                seconds, calls = ladder(plan, folder / f"ladder-{number}")
                recorded.append(calls)
                return seconds

            own = rate(climb)
            again = partial(plain, recorded[0], plan, folder / f"plain-{number}")
            if number:
                pairs.append((own, rate(again)))
    return pairs
