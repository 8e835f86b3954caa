"""The amount of thinking that runs requested, wherever their logs state it.

Looked at, in this order: the setting that the user named; reasoning effort, reasoning tokens and max tokens of the run;
its request body (``extra_body``) in the forms of OpenRouter, Qwen, Anthropic, Gemini, Ollama, llama.cpp, vLLM and
SGLang; arguments of task, solver and model; and the end of the model's name, as in ``o3-low`` or ``m-thinking-8k``.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from inspect_ai.log import EvalLog

from overthink.collect.inspect_logs.settings import THINKING, generation_settings, run_settings, setting_text
from overthink.data.arms_of_runs import differing_names
from overthink.data.ladder import LEVELS, ThinkingSetting, level_name
from overthink.data.secrets import without_secrets
from overthink.errors import InputError

ADVICE = (
    "Looked at for the amount of thinking: reasoning effort, reasoning tokens and max tokens, the request body, "
    "arguments of task, solver and model, and the end of the model's name. If another setting is the ladder, name it: "
    "--ladder NAME."
)

_BODY = "extra_body."
_BUDGETS = {
    *("thinkingtokenbudget", "thinkingbudget", "thinkingbudgettokens", "thinkingtokens", "maxthinkingtokens"),
    *("reasoningbudget", "reasoningbudgettokens", "reasoningtokenbudget", "reasoningtokens", "maxreasoningtokens"),
    *("budgettokens", "thinkbudget", "thinktokens", "thinkingmaxtokens", "reasoningmaxtokens"),
}
_BUDGETS_WITHIN = {"maxtokens", "budget", "tokenbudget", "tokens"}
"""Names of budgets within an object that is about thinking."""
_EFFORTS = {"reasoningeffort", "effort", "thinkingeffort", "thinkinglevel", "reasoninglevel"}
_CAPS = {"maxtokens", "maxcompletiontokens", "maxoutputtokens", "maxnewtokens", "numpredict"}
_SWITCHES = {
    *("enablethinking", "enablereasoning", "thinking", "reasoning", "think"),
    *("thinkingenabled", "reasoningenabled", "usethinking"),
}
_SWITCHES_WITHIN = {"enabled", "type"}
_THINKING_OBJECTS = {"reasoning", "thinking", "thinkingconfig", "reasoningconfig"}
_ON = ("true", "enabled", "enable", "on", "yes")

_LEVEL_END = re.compile(
    r"(?P<family>.+?)[-_:@ (]+(?:(?:reasoning|thinking|effort|think)[-_: ]?)?(?P<level>minimal|low|medium|high|xhigh)"
    r"(?:[-_: ](?:reasoning|thinking|effort))?\)?",
    re.IGNORECASE,
)
_BUDGET_END = re.compile(
    r"(?P<family>.+?)[-_:@ (]+(?:(?:thinking|think|reasoning|budget)[-_:= ]?(?P<after>\d+k?)"
    r"|(?P<before>\d+k)[-_: ]?(?:thinking|think|reasoning))\)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What one run requested.

    Attributes:
        model: Name of the evaluated model.
        family: The same without what it says of thinking, where other runs say another amount; else None.
        thinking: Its limits on thinking.
        conditions: All its other settings, as short texts by name.
        source: Where its limits on thinking are stated; None for generation settings and a request body.
    """

    model: str
    family: str | None
    thinking: ThinkingSetting
    conditions: dict[str, str]
    source: str | None = None


@dataclass(slots=True)
class _Run:
    task: str
    model: str
    setting: ThinkingSetting
    settings: dict[str, Any]
    family: str | None = None
    source: str | None = None
    arguments: set[str] = field(default_factory=set)

    def conditions(self) -> dict[str, str]:
        """Return the settings as short texts by name."""
        return {name: setting_text(value) for name, value in self.settings.items()}


def run_requests(headers: Sequence[EvalLog], tasks: Sequence[str], ladder: str | None = None) -> list[RunRequest]:
    """Return what every run requested.

    Args:
        headers: Headers of the logs.
        tasks: Task name of each.
        ladder: Name of the setting that is the ladder; None to look for it.

    Raises:
        InputError: No run has the named setting, or its values have no order.
    """
    runs = [_run(header, task) for header, task in zip(headers, tasks, strict=True)]
    if ladder is not None:
        _take_named(runs, ladder)
    else:
        for members in _groups(runs, lambda run: (run.task, run.model)):
            for run in members:
                _take_body(run)
            _take_arguments(members)
        for members in _groups(runs, lambda run: (run.task,)):
            _take_names(members)
    for members in _groups(runs, lambda run: (run.task, run.family or run.model)):
        _drop_echoes(members)
    return [RunRequest(run.model, run.family, run.setting, run.conditions(), run.source) for run in runs]


def _run(header: EvalLog, task: str) -> _Run:
    config, settings = generation_settings(header), run_settings(header)
    setting = ThinkingSetting(
        effort=level_name(config.reasoning_effort or getattr(config, "effort", None)),
        reasoning_tokens=config.reasoning_tokens,
        max_tokens=config.max_tokens,
    )
    return _Run(task, header.eval.model, setting, settings, arguments=_argument_names(header, settings))


def _argument_names(header: EvalLog, settings: Mapping[str, Any]) -> set[str]:
    """Return the names of the settings that are arguments of task, solver or model."""
    spec = header.eval
    owners = {*spec.task_args, *(spec.solver_args or {}), *spec.model_args}
    steps = {step.solver for step in header.plan.steps}
    return {name for name in settings if name.partition(".")[0] in owners | steps | {"model"}}


def _groups(runs: Sequence[_Run], key: Any) -> list[list[_Run]]:
    groups: dict[Any, list[_Run]] = defaultdict(list)
    for run in runs:
        groups[key(run)].append(run)
    return list(groups.values())


def _take_body(run: _Run) -> None:
    """Move what a request body says of thinking into the setting. What the run says itself comes first."""
    stated = {name: value for name, value in run.settings.items() if name.startswith(_BODY)}
    is_on = False
    for name, value in stated.items():
        part, says_on = _amount(name, value)
        if part is not None and _joined(run.setting, part) == _joined(part, run.setting):
            run.setting = _joined(run.setting, part)
        elif not says_on:
            continue  # nothing of thinking, or something else than what is known: a condition
        is_on |= says_on
        del run.settings[name]
    if run.setting.effort == LEVELS[0]:
        run.setting = replace(run.setting, reasoning_tokens=None)
    elif is_on and run.setting.effort is None and run.setting.reasoning_tokens is None:
        run.setting = replace(run.setting, effort="on")


def _take_arguments(runs: Sequence[_Run]) -> None:
    """Move what arguments say of thinking into the settings, where they differ between runs or cannot mean else."""
    differing = differing_names(run.conditions() for run in runs)
    for run in runs:
        if run.setting.effort is not None or run.setting.reasoning_tokens is not None:
            continue
        for name in sorted(run.arguments & run.settings.keys()):
            value = run.settings[name]
            part, _ = _amount(name, value)
            if part is None and name in differing and _plain(name.rpartition(".")[2]) == "budget":
                count = _count(value)
                part = None if count is None else _budget(count)
            if part is not None and part.max_tokens is None and part != ThinkingSetting():
                run.setting, run.source = _joined(run.setting, part), f"the argument {name}"
                del run.settings[name]


def _take_names(runs: Sequence[_Run]) -> None:
    """Move the ends of models' names into the settings, where one name occurs with several."""
    ends: dict[str, list[tuple[_Run, ThinkingSetting]]] = defaultdict(list)
    for run in runs:
        if run.setting.effort is None and run.setting.reasoning_tokens is None:
            for family, setting in _name_ends(run.model):
                ends[family].append((run, setting))
    for family, members in ends.items():
        if len({setting for _, setting in members}) > 1:
            for run, setting in members:
                run.family, run.setting = family, _joined(run.setting, setting)
                run.source = "the end of the model's name"


def _name_ends(model: str) -> Iterator[tuple[str, ThinkingSetting]]:
    budget = _BUDGET_END.fullmatch(model)
    count = None if budget is None else _count(budget["after"] or budget["before"])
    if budget is not None and count is not None and (count % 100 == 0 or count % 256 == 0):  # else 2507, a date
        yield budget["family"], ThinkingSetting(reasoning_tokens=count)
    elif (level := _LEVEL_END.fullmatch(model)) is not None:
        yield level["family"], ThinkingSetting(level_name(level["level"]))


def _drop_echoes(runs: Sequence[_Run]) -> None:
    """Drop the settings that do no more than repeat the ladder's own: ``-T budget=512`` beside a budget of 512.

    A prompt that states the budget is one, where nothing else in it differs.
    """
    for name in sorted({name for run in runs for name in run.settings if _may_echo(run, name)}):
        holding = [run for run in runs if name in run.settings]
        texts = {_without_amount(run, run.settings[name]) for run in holding}
        if len(holding) == len(runs) and len({str(run.settings[name]) for run in runs}) > 1 and len(texts) == 1:
            for run in runs:
                del run.settings[name]


def _may_echo(run: _Run, name: str) -> bool:
    return name in run.arguments or name == "system_message" or name.startswith((_BODY, "extra_headers."))


def _without_amount(run: _Run, value: Any) -> str:
    """Return a value as text in which the run's own amounts of thinking are replaced."""
    setting, text = run.setting, str(value)
    label = None if setting.effort is None else setting.effort.rpartition("=")[2]
    for amount in (setting.reasoning_tokens, setting.max_tokens, label):
        if amount is not None:
            text = re.sub(rf"(?<!\w){re.escape(str(amount))}(?!\w)", "#", text, flags=re.IGNORECASE)
    return text


def _joined(first: ThinkingSetting, second: ThinkingSetting) -> ThinkingSetting:
    """Return a setting with what it leaves open from another one."""
    return ThinkingSetting(
        second.effort if first.effort is None else first.effort,
        second.reasoning_tokens if first.reasoning_tokens is None else first.reasoning_tokens,
        second.max_tokens if first.max_tokens is None else first.max_tokens,
    )


def _amount(name: str, value: Any) -> tuple[ThinkingSetting | None, bool]:
    """Return what a setting says of thinking, None for nothing, and whether it says no more than that it is on."""
    *owners, last = map(_plain, name.removeprefix(_BODY).split("."))
    within = bool(owners) and owners[-1] in _THINKING_OBJECTS
    count = _count(value)
    if last in _BUDGETS or (within and last in _BUDGETS_WITHIN):
        return (None if count is None else _budget(count)), False
    if last in _EFFORTS and isinstance(value, str):
        return ThinkingSetting(level_name(value)), False
    if last in _CAPS and not within and count is not None and name.startswith(_BODY):
        return ThinkingSetting(max_tokens=count), False
    if last in _SWITCHES or (within and last in _SWITCHES_WITHIN):
        word = str(value).lower() if isinstance(value, bool | str) else ""
        level = level_name(word) if word else None
        if level in LEVELS:
            return ThinkingSetting(level), False
        return None, word in _ON
    return None, False


def _budget(count: int) -> ThinkingSetting:
    """Return the setting of a budget; servers read a negative one as no limit."""
    return ThinkingSetting(reasoning_tokens=count) if count >= 0 else ThinkingSetting()


def _count(value: Any) -> int | None:
    """Return a whole number, which may be written as "8k" or "1.5k tokens"; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(value).strip().replace("_", "").replace(",", "")
    number = re.fullmatch(r"(-?\d+(?:\.\d+)?)\s*(k?)(?:\s*tok(?:en)?s?)?", text, re.IGNORECASE)
    count = None if number is None else float(number[1]) * (1000 if number[2] else 1)
    return None if count is None or not count.is_integer() else int(count)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _take_named(runs: Sequence[_Run], ladder: str) -> None:
    """Make one setting the ladder of all runs, and every other amount of thinking a condition."""
    for run in runs:
        own = {
            "reasoning_effort": run.setting.effort,
            "reasoning_tokens": run.setting.reasoning_tokens,
            "max_tokens": run.setting.max_tokens,
        }
        run.settings |= {name: value for name, value in own.items() if value is not None}
        run.setting = ThinkingSetting()
    names = sorted({name for run in runs for name in run.settings})
    matching = [name for name in names if ladder in (name, name.rpartition(".")[2])]
    key = ladder if ladder in matching else matching[0] if len(matching) == 1 else None
    if key is None:
        differing = differing_names(run.conditions() for run in runs)
        which = f"is the end of {', '.join(matching)}" if matching else "names no setting of these logs"
        raise InputError(
            f"--ladder {ladder} {which}; settings that differ between the logs: {', '.join(differing) or 'none'}; "
            "name one of them"
        )
    for run in runs:
        if key in run.settings:
            run.setting = _named_setting(key, run.settings.pop(key))


def _named_setting(key: str, value: Any) -> ThinkingSetting:
    last = _plain(key.rpartition(".")[2])
    count = _count(value)
    if key == THINKING[-1] and count is not None:
        return ThinkingSetting(f"at most {count} tokens", place=float(count))
    if count is not None and (last in _BUDGETS or last == "budget"):
        return _budget(count)
    level = level_name(value) if isinstance(value, str) else None
    if level in LEVELS:
        return ThinkingSetting(level)
    try:
        number = float(count if count is not None else value)
    except (TypeError, ValueError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise InputError(
            f"--ladder {key} is {without_secrets(str(value))[:60]!r} in a log, which has no order; needed: a number, "
            f"or one of {', '.join(LEVELS)}"
        )
    return ThinkingSetting(f"{key}={setting_text(value)}", place=number)
