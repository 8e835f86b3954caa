"""Check of a model's server and its context window when a plan is opened, before anything is paid."""

from collections.abc import Sequence

from inspect_ai.model import Model

from overthink.collect.inspect_internals import run_coroutine
from overthink.collect.providers.attempts import CallError
from overthink.collect.providers.chat_template import TemplateError
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.embedded.installed import is_embedded
from overthink.collect.providers.reasoning_levels import check_efforts, effort_settings
from overthink.collect.providers.servers.address import KEY_STATUSES
from overthink.collect.providers.servers.completions import (
    CompletionsContinuation,
    checked_endpoint,
    endpoint_way,
    forget_endpoint,
)
from overthink.collect.providers.servers.description import describe_running, running_description
from overthink.collect.session.estimate import TaskWorkload
from overthink.errors import InputError
from overthink.plan.study import Plan

OWN_SERVERS = frozenset({"vllm", "sglang", "openai-api", "llama-cpp-python", "ollama", "litellm-proxy"})
"""Inspect's chat providers of servers that users start, or name by an address."""


def check_server(model: Model) -> None:
    """Check the server behind a model that is continued: its address, key, model name, template, and token ids.

    A server that does not answer now is left to the run, which tries again and reports its errors.

    Raises:
        InputError: The server cannot be used; the message says what to change.
    """
    continuation = continuation_for(model)
    forget_endpoint(model)  # Inspect keeps models by name, and the server may have been started anew

    async def check() -> None:
        if await describe_running(model) is not None and isinstance(continuation, CompletionsContinuation):
            await checked_endpoint(model)

    try:
        run_coroutine(check())
    except CallError as error:
        if error.status in KEY_STATUSES:
            raise InputError(f"{error}. The key is refused: set it as the provider of {model} reads it.") from error
        if isinstance(error.__cause__, TemplateError):
            raise InputError(
                f"{model}: {error.__cause__}. Needed: a template that writes every message of a chat. Start "
                "the server with the model's own one (vLLM and llama.cpp: --chat-template)."
            ) from error


def check_levels(model: Model, efforts: Sequence[str]) -> None:
    """Check a model's own levels or caps, and the address, key and model name of the server that is asked for them.

    What a hosted provider lists is not taken for what it has, so nothing but :data:`OWN_SERVERS` is asked.

    Raises:
        InputError: The server or a level cannot be used; the message says what to change.
    """
    if efforts and str(model).split("/")[0] in OWN_SERVERS:
        run_coroutine(describe_running(model))
    for effort in efforts:
        effort_settings(model, effort)
    check_efforts(model, efforts)


def server_notes(models: Sequence[Model]) -> tuple[str, ...]:
    """Return a note on how the servers of a model are continued, alike ones together; none without a check of them."""
    urls: dict[str, list[str]] = {}
    for model in models:
        description, way = running_description(model), endpoint_way(model)
        if description is None or way is None:
            continue
        window = "" if description.context_tokens is None else f"; context window {description.context_tokens:,} tokens"
        urls.setdefault(f"{way}{window}", []).append(description.address.url)
    return tuple(
        f"{', '.join(alike)} {'is' if len(alike) == 1 else 'are'} {text}. One token was asked for to see it, and is "
        "counted nowhere."
        for text, alike in urls.items()
    )


def check_context(plan: Plan, model: Model, workloads: Sequence[TaskWorkload]) -> None:
    """Check that the longest prompt, the highest budget and its answer fit the context window, where it is known.

    Raises:
        InputError: They do not; the message has the numbers, and the largest budget that fits.
    """
    if not plan.budgets or (window := _context_tokens(model)) is None:
        return
    task = max(workloads, key=lambda task: task.longest_prompt_tokens + task.cue_tokens)
    rest = task.longest_prompt_tokens + task.cue_tokens + plan.answer_tokens
    if (needed := rest + plan.budgets[-1]) <= window:
        return
    room = window - rest
    fits = f"the largest budget that fits is {room:,}" if room > 0 else "no budget fits"
    if is_embedded(plan.model):
        more = "give the model more context (-M context=N)"
    elif hasattr(model.api, "context_tokens"):
        more = "use a model with a longer one"
    else:
        more = "start the server with a longer one (vLLM: --max-model-len; llama.cpp: --ctx-size, which its --parallel "
        more += "slots share)"
    raise InputError(
        f"a budget of {plan.budgets[-1]:,} thinking tokens does not fit the context window of {plan.model}: with a "
        f"prompt of {task.longest_prompt_tokens:,} tokens ({task.name}), {task.cue_tokens:,} of the answer cue and "
        f"{plan.answer_tokens:,} of the answer it is {needed:,} tokens, and the window has {window:,}; {fits}. Lower "
        f"--budgets or --answer-tokens, or {more}."
    )


def _context_tokens(model: Model) -> int | None:
    window = getattr(model.api, "context_tokens", None)
    if window is not None:
        tokens: int = window()
        return tokens
    description = running_description(model)
    return None if description is None else description.context_tokens
