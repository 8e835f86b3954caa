"""The way in which a model's reasoning is continued, by what its provider can do."""

from inspect_ai.model import Model

from overthink.collect.providers.chat_prefill import CHAT_SERVERS, ChatPrefill
from overthink.collect.providers.continuation import Continuation, TokenContinuation
from overthink.collect.providers.servers.completions import CompletionsContinuation
from overthink.errors import InputError


def continuation_for(model: Model) -> Continuation:
    """Return the continuation for a model.

    Raises:
        InputError: The provider cannot continue a prefix; the message lists those that can.
    """
    if hasattr(model.api, "render"):
        return TokenContinuation(model)
    provider = str(model).split("/")[0]
    if provider.endswith("-completions"):
        return CompletionsContinuation(model)
    if provider in CHAT_SERVERS:
        return ChatPrefill(model, CHAT_SERVERS[provider])
    raise InputError(
        f"{model} cannot continue a prefix token for token, so its thinking cannot be cut at a budget. "
        "Providers that can: overthink/smollm2, overthink/gguf, hf/<model>, openai-api-completions/<service>/<model>, "
        "vllm-completions/<model>, vllm/<model>, sglang/<model>. For any other model compare its own reasoning "
        "levels: --efforts low,medium,high."
    )
