"""Settings of a run from the header of its log: the thinking allowance, and all other settings."""

import hashlib
import json
import re
from typing import Any

from inspect_ai.log import EvalLog
from inspect_ai.model import GenerateConfig

from overthink.collect.providers.reasoning_levels import cap_in
from overthink.data.ladder import ThinkingSetting

_SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "system_message",
    "frequency_penalty",
    "presence_penalty",
    "stop_seqs",
    "best_of",
    "num_choices",
    "reasoning_mode",
    "reasoning_history",
    "verbosity",
    "extra_body",
)
"""Generation settings that change the measurement. Retries, connections, seeds and logging do not."""

_LIMITS = ("token_limit", "message_limit", "turn_limit", "time_limit", "working_limit", "cost_limit")
_SECRET = re.compile(r"key|token$|secret|password|credential|authorization", re.IGNORECASE)
_MAX_CHARS = 60


def thinking_setting(header: EvalLog) -> ThinkingSetting:
    """Return the thinking allowance of the run: effort level, reasoning tokens, maximum tokens."""
    config = _config(header)
    return ThinkingSetting(
        effort=config.reasoning_effort or getattr(config, "effort", None),
        reasoning_tokens=cap_in(config.extra_body)[0] if config.reasoning_tokens is None else config.reasoning_tokens,
        max_tokens=config.max_tokens,
    )


def other_settings(header: EvalLog) -> dict[str, str]:
    """Return all other settings that distinguish runs of a model, as short texts by name, without secrets."""
    spec = header.eval
    config = _config(header)
    settings: dict[str, Any] = {name: getattr(config, name, None) for name in _SAMPLING}
    settings["extra_body"] = cap_in(config.extra_body)[1]  # a cap on thinking is the rung, not another model
    settings |= {name: getattr(spec.config, name, None) for name in _LIMITS}
    settings["solver"] = spec.solver
    for args in (spec.task_args, spec.solver_args or {}, spec.model_args):
        settings |= args
    return {name: _short(value) for name, value in settings.items() if value is not None and not _SECRET.search(name)}


def _config(header: EvalLog) -> GenerateConfig:
    """Return the model's own settings, overridden by those of the task and of the run, as at run time."""
    return header.eval.model_generate_config.merge(header.plan.config)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    if len(text) <= _MAX_CHARS:
        return text
    return f"{text[: _MAX_CHARS - 10]}…{hashlib.sha256(text.encode()).hexdigest()[:8]}"
