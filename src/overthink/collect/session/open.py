"""Open the tasks and the model of a plan. Everything that cannot be opened is refused here, before the first call."""

import glob
import inspect as python_inspect
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai import Task
from inspect_ai.model import Model, get_model
from inspect_ai.solver import Solver, chain

from overthink.collect.inspect_internals import PrerequisiteError, load_tasks, prerequisite_words, registry_lookup
from overthink.collect.session.run import SAMPLE_LIMITS
from overthink.errors import InputError, OverthinkError
from overthink.paths import path_kind
from overthink.plan.study import Plan, TaskPlan


def open_task(plan: TaskPlan) -> Task:
    """Return the original task of a plan.

    Raises:
        InputError: The task is unknown, does not take its arguments, or cannot be built.
    """
    try:
        tasks = load_tasks([_task_spec(plan.task)], _own_arguments(plan))
    except OverthinkError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{plan.task}: file not found ({error}).") from error
    except (Exception, SystemExit) as error:
        raise InputError(
            f"task {plan.task} cannot be built: {type(error).__name__}: {prerequisite_words(error)}"
        ) from error
    if not tasks:
        raise InputError(
            f"unknown task {plan.task!r}. Built-in: {', '.join(built_in_tasks())}. For your own: file.py@task, or the "
            "name under which an installed package registers it (inspect_evals/gsm8k)."
        )
    if len(tasks) > 1:
        names = ", ".join(task.name for task in tasks)
        raise InputError(f"{plan.task} holds {len(tasks)} tasks ({names}); name one: {plan.task}@{tasks[0].name}")
    return _check_task(tasks[0], plan)


def open_model(name: str, args: dict[str, str | int | float | bool], *, role: str = "model") -> Model:
    """Return the model under test, or another one.

    Args:
        name: Inspect model string.
        args: Arguments of its provider.
        role: Role of the model, for the message.

    Raises:
        InputError: Inspect does not know it, or its provider cannot start.
    """
    try:
        provider_args: dict[str, Any] = dict(args)
        if role == "model" and name.startswith("hf/"):
            from overthink.collect.providers.huggingface.open import open_hugging_face

            return open_hugging_face(name, provider_args)
        return get_model(name, **provider_args)
    except OverthinkError:
        raise
    except (PrerequisiteError, LookupError, TypeError, ValueError, OSError, ImportError) as error:
        raise InputError(
            f"{role} {name!r} cannot be used: {prerequisite_words(error)}. Without a model of your own use "
            "overthink/smollm2 (embedded), overthink/gguf with -M gguf=PATH, or overthink/simulated; any Inspect model "
            "string works."
        ) from error


def solver_of(task: Task) -> Solver:
    """Return the task's solver as one solver."""
    solver: Any = task.solver
    return chain(solver) if isinstance(solver, list) else solver


def task_notes(tasks: Sequence[Task], plan: Plan) -> tuple[str, ...]:
    """Return notes on what tasks say of a run and the plan says otherwise: their model, limits of an answer.

    Args:
        tasks: The tasks of the plan, opened.
        plan: The plan.
    """
    notes = []
    for task, stated in zip(tasks, plan.tasks, strict=True):
        if task.model is not None and str(task.model) != plan.model:
            notes.append(f"{stated.task} names the model {task.model}; the study runs it with its own, {plan.model}.")
        limits = [] if plan.budgets is None else [n for n in SAMPLE_LIMITS if getattr(task, n, None) is not None]
        if limits:
            notes.append(
                f"{stated.task} sets {', '.join(limits)}, which bounds one answer: lifted, because a trace answers at "
                "every rung, and ends at its highest budget."
            )
    return tuple(notes)


def name_in_pool(task: Task, plan: TaskPlan) -> str:
    """Return the task's name in the pool: as given, without the path of a file."""
    return task.name if ".py" in plan.task else plan.task


def built_in_tasks() -> Sequence[str]:
    """Return the names of the tasks included in Overthink."""
    from overthink.collect.tasks import POLARITY

    return sorted(POLARITY)


def _task_spec(task: str) -> str:
    """Return a task as Inspect finds it: a path relative to the working directory, in which nothing is a pattern.

    Raises:
        InputError: The path of its file is not that of a regular file.
    """
    file, at, name = task.rpartition("@")
    if not (at and file.endswith(".py")):
        file, at, name = task, "", ""
    if file.endswith(".py") and (kind := path_kind(Path(file))) != "a file":
        raise InputError(f"{file} is {kind}; needed: a Python file with a task, as FILE.py@TASK")
    relative = os.path.relpath(file) if Path(file).is_absolute() else file
    if at:
        return f"{relative}{at}{name}"
    return task if registry_lookup("task", task) is not None else glob.escape(relative)


def check_arguments(plans: Sequence[TaskPlan]) -> None:
    """Check that every task argument is accepted by some task; a study's arguments are shared by its tasks.

    Raises:
        InputError: No task accepts one of them.
    """
    accepted_names = {name for plan in plans for name in _own_arguments(plan)}
    for name in (name for plan in plans for name in plan.args if name not in accepted_names):
        raise InputError(f"no task takes the argument -T {name}; the tasks are: {', '.join(p.task for p in plans)}")


def _own_arguments(plan: TaskPlan) -> dict[str, Any]:
    """Return the arguments accepted by this task's function; those of a task in a file are checked by Inspect."""
    function = registry_lookup("task", plan.task)
    if function is None:
        return dict(plan.args)
    parameters = python_inspect.signature(function).parameters  # type: ignore[arg-type]
    return {name: value for name, value in plan.args.items() if name in parameters}


def _check_task(task: Task, plan: TaskPlan) -> Task:
    if len(task.dataset) == 0:
        raise InputError(f"task {plan.task}: its dataset is empty; at least one question is needed")
    if not task.scorer:
        raise InputError(f"task {plan.task} has no scorer, so nothing says what an answer is worth")
    ids = [sample.id for sample in task.dataset]
    known_ids = [str(sample_id) for sample_id in ids if sample_id is not None]
    if len(set(known_ids)) < len(known_ids):
        raise InputError(
            f"task {plan.task} gives the same id to several questions; draws of one could not be told apart"
        )
    return task
