"""Token ids of a reply in Inspect's output: Inspect reads OpenAI's fields, and the others are in the recorded call."""

from typing import Any

from inspect_ai.model import ModelOutput

from overthink.collect.providers.servers.dialect import DecodedIds
from overthink.collect.providers.servers.tokens import ServerTokens
from overthink.collect.providers.token_ids import DecodedTokens


def return_ids(api: Any, tokens: ServerTokens) -> None:
    """Add to every later output of a provider what the embedded models' outputs have: ids, stop, cached tokens.

    Args:
        api: The provider; after a repeated call the later tokens hold.
        tokens: Tokens of its server.
    """
    original = api.generate
    if hasattr(original, "server_tokens"):
        original.server_tokens = tokens
        return

    async def generate(*args: Any, **settings: Any) -> Any:
        result, tokens = await original(*args, **settings), generate.server_tokens  # type: ignore[attr-defined]
        if not isinstance(result, tuple):
            return result
        output, call = result
        if isinstance(output, ModelOutput) and output.choices and (decoded := _decoded(tokens, call)) is not None:
            ids = await tokens.without_stop(decoded, output.completion)
            output.metadata = (output.metadata or {}) | {
                "token_ids": DecodedTokens(ids),
                "stop": decoded.stop,
                "cached_tokens": decoded.cached_tokens,
            }
            output.choices[0].logprobs = output.choices[0].logprobs or decoded.logprobs
        return result

    generate.server_tokens = tokens  # type: ignore[attr-defined]
    api.generate = generate


def _decoded(tokens: ServerTokens, call: Any) -> DecodedIds | None:
    reply = getattr(call, "response", None)
    return tokens.dialect.read(reply) if isinstance(reply, dict) and reply.get("choices") else None
