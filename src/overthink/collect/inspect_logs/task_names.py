"""Names of the task of a log: those under which a user may write it, and those that say what it measures."""

from overthink.collect.inspect_logs.files import OpenLog
from overthink.data.safety_words import speaks_of_harm
from overthink.plan.stated_tasks import TaskNames

_N_SUMMARIES = 20
"""Samples whose score values are searched for keys; the header names the scorers of all."""

_MAX_ARGUMENT_CHARS = 60
"""Longest task argument that counts as a name; longer ones are texts, such as prompts."""


def task_names(log: OpenLog) -> TaskNames:
    """Return the names under which a user may write the task of a log.

    A registered task is `package/task`; one in a file is also `file.py@task`, with the folders as far as written.
    """
    spec = log.header.eval
    name = spec.task_registry_name or spec.task
    others = {spec.task}
    if spec.task_display_name:
        others.add(spec.task_display_name)
    if spec.task_file:
        parts = spec.task_file.replace("\\", "/").split("/")
        bare = TaskNames(name).bare
        others |= {f"{'/'.join(parts[start:])}@{bare}" for start in range(len(parts))}
    return TaskNames(name, frozenset(others))


def harmful_scorers(log: OpenLog, only: str | None) -> list[str]:
    """Return the scorers, `scorer` or `scorer.key`, whose names or metrics speak of harm.

    Args:
        log: The log.
        only: The one `scorer` or `scorer.key` that is read; None for all.
    """
    harmful = [name for name, names in _scorers(log).items() if any(map(speaks_of_harm, names))]
    return [name for name in harmful if only is None or name in (only, only.partition(".")[0])]


def harmful_name(log: OpenLog) -> str | None:
    """Return the first name of task, data set and task arguments that speaks of harm, with what it is the name of."""
    spec = log.header.eval
    location = (spec.dataset.location or "").replace("\\", "/").rpartition("/")[2]
    names = [
        ("task", spec.task_registry_name),
        ("task", spec.task),
        ("task", spec.task_display_name),
        ("dataset", spec.dataset.name),
        ("dataset", location),
        *(
            (f"argument {name}", value)
            for name, value in spec.task_args.items()
            if isinstance(value, str) and len(value) <= _MAX_ARGUMENT_CHARS
        ),
    ]
    return next((f"{what} {name}" for what, name in names if name and speaks_of_harm(name)), None)


def _scorers(log: OpenLog) -> dict[str, list[str]]:
    """Return by `scorer` or `scorer.key` the names that say what it measures: its own and its metrics'."""
    keys = _keys_of_values(log)
    names: dict[str, list[str]] = {}
    for scorer, own in keys.items():
        names |= {f"{scorer}.{key}": [scorer, key] for key in own} or {scorer: [scorer]}
    for definition in log.header.eval.scorers or ():
        if definition.name not in keys:
            names.setdefault(definition.name, [definition.name])
    for score in log.header.results.scores if log.header.results is not None else ():
        name = f"{score.scorer}.{score.name}" if score.name in keys.get(score.scorer, ()) else score.scorer
        names.setdefault(name, [name]).extend(metric.name for metric in score.metrics.values())
    return names


def _keys_of_values(log: OpenLog) -> dict[str, list[str]]:
    """Return the keys of the values of every scorer, from the first samples; none for plain values."""
    keys: dict[str, dict[str, None]] = {}
    for summary in log.summaries[:_N_SUMMARIES]:
        for name, score in (summary.scores or {}).items():
            own = keys.setdefault(name, {})
            if isinstance(score.value, dict):
                own |= dict.fromkeys(map(str, score.value))
    return {name: list(own) for name, own in keys.items()}
