"""Who grades the answers of a task: found before the start, as far as the scorer's own code and arguments tell."""

import inspect as python_inspect
import re
from collections.abc import Iterable
from typing import Any

from inspect_ai import Task
from inspect_ai._util.registry import is_registry_object, registry_info, registry_lookup, registry_params
from inspect_ai.model import Model
from inspect_ai.scorer import Scorer

from overthink.collect.polarity import known
from overthink.collect.polarity_table import ROLE, Known
from overthink.plan import Plan, TaskPlan

_GRADED = ("model_graded_qa", "model_graded_fact")
_ROLE = re.compile(rf"""get_model\([^)]*role\s*=\s*["']{ROLE}["']""")
_ROLE_OR_OTHER = re.compile(rf"""get_model\([^)]*role\s*=\s*["']{ROLE}["'][^)]*default\s*=\s*["']([^"']+)["']""")
_TOLD = re.compile("model|judge|grader")
_UNDER_TEST = re.compile(r"get_model\(\s*\)")


def graders(scorers: Iterable[Scorer], task: Task, *, plan: Plan, task_plan: TaskPlan) -> tuple[str, ...]:
    """The models that grade with these scorers; the role `grader` without a model falls to the model under test.

    Args:
        scorers: The scorers that will be run.
        task: Their task.
        plan: The study's plan.
        task_plan: The task's part of it.
    """
    found = [model for scorer in scorers for model in _models_of(scorer, task, plan, task_plan)]
    return tuple(dict.fromkeys(found))


def _models_of(scorer: Scorer, task: Task, plan: Plan, task_plan: TaskPlan) -> list[str]:
    params = registry_params(scorer) if is_registry_object(scorer) else {}
    if _name(scorer) in _GRADED:
        named = params.get("model")
        if named is not None:
            return [_text(model) for model in (named if isinstance(named, list) else [named])]
        role = params.get("model_role", ROLE)
        return [plan.model] if role is None else _of_role(task, plan, str(getattr(role, "name", role)))
    row = known(task_plan.task, task_plan.args)
    if isinstance(row, Known) and row.judge is not None and _name(scorer) == row.scorer:
        return _of_role(task, plan) if row.judge == ROLE else _argument(row.judge, task, plan, task_plan)
    inner = list(_within(scorer))
    found = [str(value) for value in inner if isinstance(value, Model)]
    for name in filter(_TOLD.search, params):
        told = params[name] if isinstance(params[name], list) else [params[name]]
        found += [model for model in told if isinstance(model, str) and "/" in model]
    for value in inner:
        if callable(value) and is_registry_object(value) and registry_info(value).type == "scorer":
            found += _models_of(value, task, plan, task_plan)
    return found or _from_source(scorer, task, plan)


def _from_source(scorer: Scorer, task: Task, plan: Plan) -> list[str]:
    """What the code of a custom scorer asks for by name."""
    factory = registry_lookup("scorer", registry_info(scorer).name) if is_registry_object(scorer) else None
    try:
        source = python_inspect.getsource(python_inspect.unwrap(factory if callable(factory) else scorer))
    except (OSError, TypeError):
        return []
    other = _ROLE_OR_OTHER.search(source)
    if other and ROLE not in _roles(task) and plan.grader is None:
        return [other.group(1)]
    if _ROLE.search(source):
        return _of_role(task, plan)
    return [plan.model] if _UNDER_TEST.search(source) else []


def _within(scorer: Scorer) -> Iterable[Any]:
    """What a scorer was made with: the values that its function closes over, lists unpacked."""
    for cell in getattr(scorer, "__closure__", None) or ():
        try:
            value = cell.cell_contents
        except ValueError:  # not filled
            continue
        yield from value if isinstance(value, list | tuple) else [value]


def _of_role(task: Task, plan: Plan, role: str = ROLE) -> list[str]:
    if role == ROLE and plan.grader is not None:
        return [plan.grader]
    own = _roles(task).get(role)
    if own is None:
        return [plan.model]
    return [_text(model) for model in (own if isinstance(own, list) else [own])]


def _roles(task: Task) -> dict[str, Any]:
    return dict(task.model_roles or {})


def _argument(name: str, task: Task, plan: Plan, task_plan: TaskPlan) -> list[str]:
    """The judge that a task takes as an argument: given, or its own choice, or else whoever has the role."""
    given: Any = task_plan.args.get(name)
    if given is None:
        function: Any = registry_lookup("task", task_plan.task)
        parameter = None if function is None else python_inspect.signature(function).parameters.get(name)
        given = None if parameter is None else parameter.default
    models = given if isinstance(given, list | tuple) else [given]
    return [name for model in models for name in (_of_role(task, plan) if model is None else [_text(model)])]


def _name(scorer: Scorer) -> str:
    return registry_info(scorer).name.split("/")[-1] if is_registry_object(scorer) else ""


def _text(model: Any) -> str:
    return str(model.get("model", model)) if isinstance(model, dict) else str(model)
