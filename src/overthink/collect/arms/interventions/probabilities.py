"""Check that a server returns next-token probabilities, before the run.

Embedded and simulated models return them. For servers it depends on their configuration, so one token is requested
when a plan is opened, and a server that answers without probabilities is refused.
"""

import anyio
from inspect_ai._util._async import run_coroutine
from inspect_ai.model import ChatMessageUser, Model

from overthink.collect.providers.continuation import Sampling, TokenContinuation, continuation_for
from overthink.collect.providers.think_tags import think_format
from overthink.errors import InputError
from overthink.plan.study import Plan

TOP_OF_SERVERS = 20
"""Number of token probabilities requested from servers: their default maximum."""

PROBE_TIMEOUT = 20.0
"""Time limit of the check in seconds; a slower server is left to the run."""

NO_PROBABILITIES = (
    "saferemind needs the probabilities of the next token, and the server told none. Servers that do: "
    "overthink/smollm2, overthink/gguf, and vLLM or llama.cpp with their log-probabilities left on; or leave "
    "saferemind out of --arms"
)

PROBE_NOTE = (
    "opening the plan has asked the server for one token, to see that it tells probabilities; no count below or in the "
    "report has this request"
)
"""Note for the evaluator about a possibly billed request."""


def always_gives_probabilities(model: Model) -> bool:
    """Return whether a model returns probabilities with any settings, as embedded and simulated models do."""
    return isinstance(continuation_for(model), TokenContinuation)


def refuse_without_probabilities(model: Model, plan: Plan) -> None:
    """Request one token, and refuse a server that answers without probabilities.

    A server that does not answer is left to the run, which retries and reports its errors.

    Args:
        model: The model under test.
        plan: The study's plan; it has budgets.

    Raises:
        InputError: The server does not return log-probabilities.
    """
    if not always_gives_probabilities(model) and run_coroutine(_gives_probabilities(model, plan)) is False:
        raise InputError(NO_PROBABILITIES)


async def _gives_probabilities(model: Model, plan: Plan) -> bool | None:
    """Return whether the server returns probabilities; None without an answer."""
    assert plan.temperature is not None
    assert plan.top_p is not None
    sampling = Sampling(1, plan.seed, plan.temperature, plan.top_p, top=TOP_OF_SERVERS)
    continuation = continuation_for(model)
    with anyio.move_on_after(PROBE_TIMEOUT):
        try:
            prefix = await continuation.start([ChatMessageUser(content="Hello")], think_format(plan.think_format).open)
            segment = await continuation.decode(prefix, sampling)
        except InputError:
            raise
        except Exception:  # noqa: BLE001 - errors of the provider are left to the run
            return None
        return segment.top is not None
    return None
