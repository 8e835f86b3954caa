"""Whether a server tells the probabilities of the next token: asked before anything is paid.

Our own models tell them. Of servers nobody knows beforehand: the same program tells them or not by its settings. So
one request for one token is made when a plan is opened, and a server that answers it without them is refused there.
"""

import anyio
from inspect_ai._util._async import run_coroutine
from inspect_ai.model import ChatMessageUser, Model

from overthink.collect.continuation import Sampling, TokenContinuation, continuation_for
from overthink.collect.think import think_format
from overthink.errors import InputError
from overthink.plan import Plan

TOP_OF_SERVERS = 20
"""Most likely tokens whose probabilities servers are asked for: they tell no more by default."""

PATIENCE = 20.0
"""Seconds that a server is waited for; one that takes longer is left to the run."""

NOT_TOLD = (
    "saferemind needs the probabilities of the next token, and the server told none. Servers that do: "
    "overthink/smollm2, overthink/gguf, and vLLM or llama.cpp with their log-probabilities left on; or leave "
    "saferemind out of --arms"
)

ASKED = (
    "opening the plan has asked the server for one token, to see that it tells probabilities; no count below or in the "
    "report has this request"
)
"""What the evaluator must know of a request that somebody may bill."""


def is_known_to_tell(model: Model) -> bool:
    """Whether a model tells probabilities whatever its settings are: our own do."""
    return isinstance(continuation_for(model), TokenContinuation)


def refuse_without_probabilities(model: Model, plan: Plan) -> None:
    """Ask a server for one token, and refuse it if it answers without probabilities.

    A server that does not answer is left to the run, which waits for it and says what it said.

    Args:
        model: The model under test.
        plan: The study's plan; it has budgets.

    Raises:
        InputError: The server does not tell its log-probabilities.
    """
    if not is_known_to_tell(model) and run_coroutine(_tells(model, plan)) is False:
        raise InputError(NOT_TOLD)


async def _tells(model: Model, plan: Plan) -> bool | None:
    """Whether it does; None where it gave no answer."""
    assert plan.temperature is not None
    assert plan.top_p is not None
    look = Sampling(1, plan.seed, plan.temperature, plan.top_p, top=TOP_OF_SERVERS)
    way = continuation_for(model)
    with anyio.move_on_after(PATIENCE):
        try:
            prefix = await way.start([ChatMessageUser(content="Hello")], think_format(plan.think_format).open)
            segment = await way.decode(prefix, look)
        except InputError:
            raise
        except Exception:  # noqa: BLE001 - whatever a provider raises is for the run to tell
            return None
        return segment.top is not None
    return None
