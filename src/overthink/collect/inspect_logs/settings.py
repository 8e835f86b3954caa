"""Settings of a run from the header of its log: everything that could differ between runs, by name, without secrets.

Names are those of the log: generation settings and arguments by their own names, a request body as
``extra_body.NAME``, roles as ``role.NAME``, scorers as ``scorer.NAME``, data as ``dataset.NAME``.

Levels of other people's runs that are one amount of thinking under two names, or that were never sent.

What a log says of a run that another tool scanned: its settings, and the token usage of each sample.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit

from inspect_ai.log import EvalLog, EvalSpec
from inspect_ai.model import GenerateConfig, ModelConfig

from overthink.collect.inspect_logs.files import open_logs
from overthink.collect.providers.effort_families import RECORDED_WITH, find_family
from overthink.data.ladder import LEVELS
from overthink.data.secrets import is_secret_name, without_secrets

THINKING = ("effort", "reasoning_effort", "reasoning_tokens", "max_tokens")
"""Generation settings that state the amount of thinking or output."""

_IRRELEVANT = (
    *("max_retries", "timeout", "attempt_timeout", "stream_idle_timeout", "max_connections", "adaptive_connections"),
    *("seed", "logprobs", "top_logprobs", "prompt_logprobs", "cache", "cache_prompt", "batch", "reasoning_summary"),
)
"""Generation settings that do not change the measurement: retries, connections, seeds, caches and logging."""

_LIMITS = (
    *("token_limit", "token_limit_type", "message_limit", "turn_limit", "time_limit", "working_limit", "cost_limit"),
    *("approval", "review", "score_on_error"),
)
"""Settings of a run that change the measurement. Epochs, parallelism and logging do not."""

_SERVING = (
    *("port", "host", "device", "timeout", "max_connections", "max_retries", "stream"),
    *("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size", "gpu_memory_utilization"),
)
"""Arguments of a model that say where and how fast it is served."""

_BOOKKEEPING = (
    *("seed", "run_id", "run_name", "experiment", "experiment_name", "log_dir", "output_dir", "cache_dir"),
    *("verbose", "debug", "max_workers", "num_workers", "max_connections"),
)
"""Arguments of tasks and solvers that repeat a run, name it, or say where it keeps its files. A seed that asks other
questions is seen in their text."""

_AMOUNTS = ("effort", "reasoning", "think", "budget")
"""Parts of the names of request headers that state an amount of thinking, which is no secret."""

_HEADERS = ("beta", "version", "model", "feature", *_AMOUNTS)
"""Parts of the names of request headers that may change an answer; others identify the caller or the request."""

_MAX_CHARS = 60


def generation_settings(header: EvalLog) -> GenerateConfig:
    """Return the model's own settings, overridden by those of the task and of the run, as at run time."""
    return header.eval.model_generate_config.merge(header.plan.config)


def role_models(spec: EvalSpec) -> dict[str, list[ModelConfig]]:
    """Return the models that a run binds to each role."""
    roles = (spec.model_roles or {}).items()
    return {role: bound if isinstance(bound, list) else [bound] for role, bound in roles}


def run_settings(header: EvalLog) -> dict[str, Any]:
    """Return all settings of a run by name, but for the generation settings in :data:`THINKING`.

    Values are as in the log; nested ones are parted, with dots in their names. A setting that is not stated is left
    out. Metrics are, too: they say how scores are summed up, which is done anew here. The set of questions is one of a
    rung, which several runs may share out among themselves: see :func:`question_ids`.
    """
    spec, settings = header.eval, _Settings()
    for args in (spec.task_args, spec.solver_args or {}):
        settings.add_all({name: value for name, value in args.items() if name not in _BOOKKEEPING})
    settings.add_all({name: value for name, value in spec.model_args.items() if name not in _SERVING}, "model")
    settings.add_all(_config(generation_settings(header)))
    settings.add_all({name: getattr(spec.config, name, None) or None for name in _LIMITS})
    settings.add("solver", " > ".join(step.solver for step in header.plan.steps) or spec.solver)
    for step in header.plan.steps:
        params = {name: value for name, value in step.params.items() if name not in _BOOKKEEPING}
        own = {name: value for name, value in params.items() if settings.get(name) != value}
        settings.add_all(own, step.solver, is_part=True)
    settings.add("task_version", spec.task_version)
    settings.add("sandbox", None if spec.sandbox is None else _plain(spec.sandbox))
    settings.add("base_url", _address(spec.model_base_url))
    settings.add("dataset.name", spec.dataset.name)
    settings.add("dataset.location", _place(spec.dataset.location))
    for name, models in role_models(spec).items():
        _add_role(settings, f"role.{name}", models)
    for scorer in spec.scorers or []:
        settings.add_all(scorer.options or {}, f"scorer.{scorer.name.rpartition('/')[2]}", is_part=True)
    package = (spec.task_registry_name or "").partition("/")[0]
    settings.add("task_package", spec.packages.get(package) and f"{package} {spec.packages[package]}")
    return settings


class _Settings(dict[str, Any]):
    """Settings by name; a name that is taken already stands behind its owner's."""

    def add(self, name: str, value: Any) -> None:
        if value is not None and not is_secret_name(name):
            self[name] = value

    def add_all(self, values: Mapping[str, Any], owner: str = "", *, is_part: bool = False) -> None:
        for name, value in _leaves(values):
            self.add(f"{owner}.{name}" if owner and (is_part or self.get(name, value) != value) else name, value)


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values within nested mappings, with dots between the names that lead to each."""
    for name, value in values.items():
        if is_secret_name(str(name)):
            continue
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _config(config: GenerateConfig) -> dict[str, Any]:
    stated: dict[str, Any] = config.model_dump(mode="json", exclude_none=True)
    headers = stated.pop("extra_headers", None) or {}
    stated |= {
        f"extra_headers.{name}": value if any(part in name.lower() for part in _AMOUNTS) else short_hash(str(value))
        for name, value in headers.items()
        if any(part in name.lower() for part in _HEADERS)
    }
    return {name: value for name, value in stated.items() if name not in (*_IRRELEVANT, *THINKING)}


def _add_role(settings: _Settings, name: str, models: list[ModelConfig]) -> None:
    settings.add(name, ", ".join(model.model for model in models))
    for model in models:
        stated = model.config.model_dump(mode="json", exclude_none=True)
        parts = {key: value for key, value in stated.items() if key not in (*_IRRELEVANT, "extra_headers")}
        parts |= {key: value for key, value in model.args.items() if key not in _SERVING}
        settings.add_all({**parts, "base_url": _address(model.base_url)}, name, is_part=True)


def question_ids(header: EvalLog) -> frozenset[str] | None:
    """Return the ids of the questions that a run was made on; None where its log does not list them."""
    ids = header.eval.dataset.sample_ids
    return frozenset(map(str, ids)) if ids else None


def selection_text(header: EvalLog) -> str | None:
    """Return how many questions a run had and how they were chosen, where ids do not say; None where nothing does."""
    dataset, config = header.eval.dataset, header.eval.config
    selection = [dataset.samples, config.limit, config.sample_id, config.sample_shuffle]
    return None if all(part is None for part in selection) else json.dumps(selection, default=str)


def _address(url: str | None) -> str | None:
    """Return a base URL; of this machine without the port, which a server that is started for a run chooses anew."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_local = parts.hostname in ("localhost", "127.0.0.1", "0.0.0.0", "::1")  # noqa: S104 an address in a log
    except ValueError:
        return url
    return f"localhost{parts.path}" if is_local else url


def _place(location: str | None) -> str | None:
    """Return where data came from; of a file on some machine its name alone."""
    is_path = location is not None and (location.startswith(("/", "~", "file:", ".")) or location[1:3] == ":\\")
    return PurePath(location.replace("\\", "/")).name if location is not None and is_path else location


def _plain(model: Any) -> Any:
    return model.model_dump(mode="json", exclude_none=True)


def short_hash(text: str) -> str:
    """Return a hash of a text in eight letters."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def value_hash(value: object) -> str:
    """Return a hash of any value, in eight letters."""
    return short_hash(json.dumps(value, default=str))


def setting_text(value: Any) -> str:
    """Return the value of a setting as a short text without secrets; a long one ends in a hash of all of it."""
    text = without_secrets(value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str))
    return text if len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 10]}…{short_hash(text)}"


def equal_level_notes(headers: Iterable[EvalLog]) -> list[str]:
    """Return a note for every level of a model in whose place Inspect sends another one, or nothing.

    Args:
        headers: Headers of the logs.
    """
    levels: dict[str, set[str]] = defaultdict(set)
    for header in headers:
        level = generation_settings(header).reasoning_effort
        if level is not None:
            levels[header.eval.model].add(level)
    return [
        f"{model}: Inspect (recorded with {RECORDED_WITH}) {effect}."
        for model, stated in levels.items()
        for effect in _effects(model, stated)
    ]


def _effects(model: str, stated: Collection[str]) -> Iterator[str]:
    """Yield what became of each stated level of a model that was not sent as it stands."""
    provider, _, name = model.partition("/")
    family = find_family(provider, name)
    if family is None:
        return
    for level in sorted(stated, key=LEVELS.index):
        other = family.sent_as.get(level)
        if level in family.dropped:
            yield f"sends nothing for {level}, so there it thought by its own default"
        elif other in stated:
            yield f"sends {other} for {level}, so these two rungs are one amount of thinking under two names"
        elif other is not None:
            yield f"sends {other} for {level}, so that is what the rung measured"


@dataclass(frozen=True, slots=True, eq=False)
class ScanRun:
    """The run of a log.

    Attributes:
        settings: Its settings by name, those of the amount of thinking included, without secrets.
        usage: Token usage of the model under test by sample id and epoch, with the names of Inspect.
    """

    settings: Mapping[str, Any]
    usage: Mapping[tuple[str, int], Mapping[str, Any]]


def scan_run(path: Path) -> ScanRun:
    """Return what a log says of its run.

    Args:
        path: The log.

    Raises:
        InputError: It cannot be read.
    """
    (log,) = open_logs(path)[0]
    model = log.header.eval.model
    usage = {
        (str(summary.id), summary.epoch): summary.model_usage[model].model_dump()
        for summary in log.summaries
        if model in summary.model_usage
    }
    generation = generation_settings(log.header)
    amounts = {name: getattr(generation, name, None) for name in THINKING}
    settings = run_settings(log.header) | {name: value for name, value in amounts.items() if value is not None}
    return ScanRun(settings, usage)
