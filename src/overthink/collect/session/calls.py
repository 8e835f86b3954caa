"""Every call of every model of a run, also by a task's own solver, scorers and tools, in one place.

Each call is bounded in time and size, tried again as often as the run's patience says, and counted: a model that
refuses, or fails too often, stops the run. What a reply says of its tokens is checked before Inspect records it.
"""

import inspect as python_inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any

from inspect_ai.model import GenerateConfig, Model, ModelOutput, ModelRefusalError
from inspect_ai.util import LimitExceededError
from tenacity import RetryError

from overthink.collect.providers import replies
from overthink.collect.providers.attempts import chain, patience, repeated, with_patience
from overthink.collect.providers.replies import check_text, known_usage
from overthink.collect.providers.servers.replicas import route_of
from overthink.collect.session.failures import Boundary
from overthink.errors import OverthinkError

Generate = partial[Awaitable[ModelOutput]]
"""The ``generate`` of a model: the function, and the model as its argument."""

NOT_PROVIDERS = (LimitExceededError, ModelRefusalError, OverthinkError)
"""Errors that are no failure of a call: they pass unchanged."""


@contextmanager
def bounded_calls(boundary: Boundary) -> Iterator[None]:
    """Context manager in which every model call is bounded, and counted by the boundary."""
    watched: dict[int, Any] = {}
    with ExitStack() as stack:

        async def call(model: Model, original: Generate, *args: Any, **settings: Any) -> ModelOutput:
            if (route := route_of(model)) is not None:  # the model under test, asked by a scorer or a tool
                return await route.at_endpoint(lambda replica: replica.model.generate(*args, **settings))
            if id(model.api) not in watched:
                watched[id(model.api)] = model.api  # kept, so that its id is its own
                stack.enter_context(_checked_replies(model.api))
            with boundary.call(str(model), counts=not patience().has_substitute):
                return await _repeated(model, original, *args, **settings)

        stack.enter_context(with_patience(boundary.patience))
        stack.enter_context(_every_generate(call))
        yield


@contextmanager
def _every_generate(call: Callable[..., Awaitable[ModelOutput]]) -> Iterator[None]:
    """Context manager in which every call of every model goes through a function.

    A task's scorers and tools open models of their own, so ``Model.generate`` is the only place that all calls pass;
    Inspect's hooks see them, but cannot fail them.

    Args:
        call: Receives the model, its own bound ``generate``, and the arguments of the call.
    """
    original = Model.generate

    async def generate(self: Model, *args: Any, **settings: Any) -> ModelOutput:
        return await call(self, partial(original, self), *args, **settings)

    setattr(Model, "generate", generate)  # noqa: B010 - mypy refuses to assign to a method
    try:
        yield
    finally:
        setattr(Model, "generate", original)  # noqa: B010


async def _repeated(model: Model, original: Generate, *args: Any, **settings: Any) -> ModelOutput:
    arguments = _signature(original.func).bind(*original.args, *args, **settings)
    config: GenerateConfig = arguments.arguments.get("config") or GenerateConfig()
    limit = patience().attempt(config.max_tokens)
    if config.attempt_timeout is not None:
        limit = min(limit, config.attempt_timeout)
    arguments.arguments["config"] = config.model_copy(update={"attempt_timeout": limit, "max_retries": 0})

    async def attempt() -> ModelOutput | Exception:
        try:
            output = await original.func(*arguments.args, **arguments.kwargs)
        except NOT_PROVIDERS as passed:
            return passed
        if output.error or not output.choices:
            raise RuntimeError(output.error or "answered with no choice")
        return output

    result = await repeated(attempt, server=str(model), max_tokens=config.max_tokens, is_passing=_is_passing)
    if isinstance(result, Exception):
        raise result
    return result


_signature = cache(python_inspect.signature)
"""Signature of a function, which every call needs."""


def _is_passing(error: Exception) -> bool:
    """Return whether Inspect would have retried the call."""
    is_size = any(isinstance(cause, replies.ReplySizeError) for cause in chain(error))
    return isinstance(error, RetryError) and not is_size


@contextmanager
def _checked_replies(api: Any) -> Iterator[None]:
    """Bound the size of a provider's replies, check them before Inspect records them, and leave retries to us."""
    client: Any = getattr(api, "client", None)  # of OpenAI or Anthropic
    wire = getattr(client, "_client", None)
    own_retries = getattr(client, "max_retries", None)
    original = api.generate

    async def generate(*args: Any, **settings: Any) -> Any:
        with replies.noting_reply():
            reply = await original(*args, **settings)
        output = reply[0] if isinstance(reply, tuple) else reply
        if isinstance(output, ModelOutput):
            check_text(output)
            output.usage = known_usage(output.usage)
        return reply

    if hasattr(wire, "event_hooks"):
        replies.add_hooks(wire)
    if own_retries is not None:
        client.max_retries = 0
    api.generate = generate
    try:
        yield
    finally:
        del api.generate
        if own_retries is not None:
            client.max_retries = own_retries
        if hasattr(wire, "event_hooks"):
            replies.remove_hooks(wire)
