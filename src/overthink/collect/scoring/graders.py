"""The grader models of a task, inferred before the run from the code and the arguments of its scorers."""

import inspect as python_inspect
import re
from collections.abc import Iterable
from typing import Any

from inspect_ai import Task
from inspect_ai.model import Model
from inspect_ai.scorer import Scorer

from overthink.collect.inspect_internals import is_registry_object, registry_info, registry_lookup, registry_params
from overthink.collect.scoring.known_tasks import ROLE, TaskPolarity
from overthink.collect.scoring.polarity import find_polarity
from overthink.plan.study import Plan, TaskPlan

_MODEL_GRADED = ("model_graded_qa", "model_graded_fact")
_ROLE = re.compile(rf"""get_model\([^)]*role\s*=\s*["']{ROLE}["']""")
_ROLE_OR_OTHER = re.compile(rf"""get_model\([^)]*role\s*=\s*["']{ROLE}["'][^)]*default\s*=\s*["']([^"']+)["']""")
_MODEL_PARAMETER = re.compile("model|judge|grader")
_UNDER_TEST = re.compile(r"get_model\(\s*\)")


def graders(scorers: Iterable[Scorer], task: Task, *, plan: Plan, task_plan: TaskPlan) -> tuple[str, ...]:
    """Return the models that grade with these scorers; the role `grader` without a model is the model under test.

    Args:
        scorers: The scorers to be run.
        task: Their task.
        plan: The study's plan.
        task_plan: The task's entry in the plan.
    """
    models = [model for scorer in scorers for model in _models_of(scorer, task, plan, task_plan)]
    return tuple(dict.fromkeys(models))


def _models_of(scorer: Scorer, task: Task, plan: Plan, task_plan: TaskPlan) -> list[str]:
    params = registry_params(scorer) if is_registry_object(scorer) else {}
    if _name(scorer) in _MODEL_GRADED:
        judge = params.get("model")
        if judge is not None:
            return [_text(model) for model in (judge if isinstance(judge, list) else [judge])]
        role = params.get("model_role", ROLE)
        return [plan.model] if role is None else _of_role(task, plan, str(getattr(role, "name", role)))
    row = find_polarity(task_plan.task, task_plan.args)
    if isinstance(row, TaskPolarity) and row.judge is not None and _name(scorer) == row.scorer:
        return _of_role(task, plan) if row.judge == ROLE else _argument(row.judge, task, plan, task_plan)
    inner = list(_closure_values(scorer))
    models = [str(value) for value in inner if isinstance(value, Model)]
    for name in filter(_MODEL_PARAMETER.search, params):
        candidates = params[name] if isinstance(params[name], list) else [params[name]]
        models += [model for model in candidates if isinstance(model, str) and "/" in model]
    for value in inner:
        if callable(value) and is_registry_object(value) and registry_info(value).type == "scorer":
            models += _models_of(value, task, plan, task_plan)
    return models or _from_source(scorer, task, plan)


def _from_source(scorer: Scorer, task: Task, plan: Plan) -> list[str]:
    """Return the models requested by name in the source code of a custom scorer."""
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


def _closure_values(scorer: Scorer) -> Iterable[Any]:
    """Yield the values of a scorer's closure, lists unpacked."""
    for cell in getattr(scorer, "__closure__", None) or ():
        try:
            value = cell.cell_contents
        except ValueError:  # empty cell
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
    """Return the judges that a task takes as an argument: given, its default, or the model of the role."""
    value: Any = task_plan.args.get(name)
    if value is None:
        function: Any = registry_lookup("task", task_plan.task)
        parameter = None if function is None else python_inspect.signature(function).parameters.get(name)
        value = None if parameter is None else parameter.default
    models = value if isinstance(value, list | tuple) else [value]
    return [name for model in models for name in (_of_role(task, plan) if model is None else [_text(model)])]


def _name(scorer: Scorer) -> str:
    return registry_info(scorer).name.split("/")[-1] if is_registry_object(scorer) else ""


def _text(model: Any) -> str:
    return str(model.get("model", model)) if isinstance(model, dict) else str(model)
