"""What Inspect's own providers send for every reasoning level and cap, recorded at a server on loopback.

Runs with nothing but Inspect and the SDK of a provider, so it needs no development environment::

    python tests/support/effort_wire.py anthropic google   # writes tests/collect/providers/effort_wire/*.json
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from effort_replies import GrokWire, Wire

FOLDER = Path(__file__).parents[1] / "collect" / "providers" / "effort_wire"
LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
CAPS = (0, 512, 1024, 4096, 24576, 32000, 64000)
RUNGS = (*LEVELS, *map(str, CAPS))
REFUSED = "refused by Inspect"
"""Name, in a recording, of the message with which Inspect refuses a level or cap by itself."""

UNSET = "unset"
"""Name of the request that states no level."""

_NOT_SETTINGS = {
    *("model", "input", "inputs", "messages", "contents", "system", "systemInstruction", "instructions", "tools"),
    *("toolConfig", "user", "safetySettings", "include", "store", "stream", "background", "cache_control"),
    *("betas", "guardrails"),
}
"""Parts of a request that are the conversation, its transport or its address, and say nothing of thinking."""


class Recorded(NamedTuple):
    """One provider to record: its models, and how Inspect is pointed at the server."""

    sdk: str
    models: tuple[str, ...]
    args: Mapping[str, Any] = {}
    path: str = "/v1"
    shows: str | None = None
    environment: Mapping[str, str] = {}


PROVIDERS = {
    "openai": Recorded(
        "openai",
        ("o3", "gpt-5", "gpt-5-pro", "gpt-5.1", "gpt-5.2", "gpt-5.6", "gpt-6-astra", "gpt-4o"),
    ),
    "openai-chat": Recorded(
        "openai", ("o3", "gpt-5.1", "gpt-5.6", "gpt-4o"), args={"responses_api": False}
    ),
    "openai-api": Recorded("openai", ("local/any",), environment={"LOCAL_API_KEY": "none"}),
    "anthropic": Recorded(
        "anthropic",
        (
            *("claude-3-5-haiku-20241022", "claude-3-7-sonnet-20250219", "claude-opus-4-1", "claude-sonnet-4-5"),
            *("claude-opus-4-5", "claude-sonnet-4-6", "claude-opus-4-7", "claude-sonnet-5", "claude-opus-5"),
            *("claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-fable-5"),
        ),
        path="",
    ),
    "google": Recorded(
        "google-genai",
        (
            *("gemini-2.0-flash", "gemini-2.5-flash-lite", "gemini-2.5-flash", "gemini-2.5-pro"),
            *("gemini-3-flash-preview", "gemini-3.1-pro", "gemini-3.5-flash", "gemini-3.7-flash"),
        ),
        path="",
    ),
    "deepseek": Recorded("openai", ("deepseek-v4-pro", "deepseek-reasoner"), shows="reasoning_content"),
    "mistral": Recorded("mistralai", ("mistral-medium-3-5",), path=""),
    "groq": Recorded("groq", ("openai/gpt-oss-120b", "qwen/qwen3-32b"), path="", shows="reasoning"),
    "openrouter": Recorded(
        "openai", ("openai/gpt-5.2", "anthropic/claude-sonnet-4.5", "deepseek/deepseek-v4-pro"), shows="reasoning"
    ),
    "together": Recorded("openai", ("openai/gpt-oss-120b", "deepseek-ai/DeepSeek-V4-Pro"), shows="reasoning"),
    "fireworks": Recorded(
        "openai", ("accounts/fireworks/models/gpt-oss-120b", "accounts/fireworks/models/kimi-k2p6"),
        shows="reasoning_content",
    ),
    "perplexity": Recorded("openai", ("sonar", "openai/gpt-5.6-luna")),
    "sambanova": Recorded("openai", ("gpt-oss-120b",)),
    "moonshot": Recorded("openai", ("kimi-k2.6", "kimi-k3"), shows="reasoning_content"),
    "ollama": Recorded("openai", ("gpt-oss:20b",), shows="reasoning"),
    "vllm": Recorded("openai", ("openai/gpt-oss-20b",), shows="reasoning"),
    "sglang": Recorded("openai", ("openai/gpt-oss-20b",), shows="reasoning_content"),
    "grok": Recorded(
        "xai-sdk", ("grok-3-mini", "grok-4", "grok-4.3", "grok-4.6"), args={"use_insecure_channel": True}, path=""
    ),
    "bedrock": Recorded(
        "aioboto3",
        (
            *("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-6-v1:0"),
            *("us.anthropic.claude-opus-4-7-v1:0", "openai.gpt-oss-120b-1:0", "us.amazon.nova-2-lite-v1:0"),
        ),
        path="",
        environment={"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_DEFAULT_REGION": "us-east-1"},
    ),
}  # fmt: skip


def missing_sdk(provider: str) -> str | None:
    """Return why a provider cannot be recorded here; None if it can."""
    sdk = PROVIDERS[provider].sdk
    try:
        version(sdk)
    except PackageNotFoundError:
        return f"{provider}: its SDK {sdk} is not installed here"
    return None


def record(provider: str, models: Sequence[str] = (), rungs: Sequence[str] = RUNGS) -> dict[str, Any]:
    """Return what Inspect's provider sends for every level and cap, per model, and what it counts of one reply.

    Args:
        provider: Name in :data:`PROVIDERS`.
        models: Some of its models; all if empty.
        rungs: Some of the levels and caps.
    """
    recorded = PROVIDERS[provider]
    wire = GrokWire() if provider == "grok" else Wire(recorded.shows)
    saved = dict(os.environ)
    os.environ.update(recorded.environment)
    try:
        return asyncio.run(_record(provider, models or recorded.models, rungs, wire))
    finally:
        wire.close()
        os.environ.clear()
        os.environ.update(saved)


async def _record(provider: str, names: Sequence[str], rungs: Sequence[str], wire: Wire | GrokWire) -> dict[str, Any]:
    from inspect_ai.model import GenerateConfig, get_model

    recorded, name = PROVIDERS[provider], provider.removesuffix("-chat")
    models: dict[str, Any] = {}
    counts: dict[str, Any] = {}
    for model_name in names:
        model = get_model(
            f"{name}/{model_name}",
            base_url=wire.root + recorded.path,
            api_key="none",
            memoize=False,
            config=GenerateConfig(max_retries=0),
            **recorded.args,
        )
        bodies: dict[str, Any] = {}
        for rung in (UNSET, *rungs):
            setting: dict[str, Any] = (
                {"reasoning_tokens": int(rung)} if rung.isdecimal() else {"reasoning_effort": rung}
            )
            setting = {} if rung == UNSET else setting
            wire.sent.clear()
            try:
                output = await model.generate("2+2?", config=GenerateConfig(**setting))
            except Exception as fault:  # noqa: BLE001 (what refuses is the provider's own matter)
                bodies[rung] = {REFUSED: str(fault).split("\n")[0][:60]}
                continue
            bodies[rung] = _settings_of(next(body for path, body in reversed(wire.sent) if "count_tokens" not in path))
            counts = counts or _counts(output) | {"path": _path(wire.sent[-1][0], model_name)}
        models[model_name] = _as_changes(bodies)
    return {
        "provider": provider,
        "inspect_ai": version("inspect_ai"),
        "sdk": f"{recorded.sdk} {version(recorded.sdk)}",
        "recorded": datetime.now(tz=UTC).date().isoformat(),
        "counts": counts,
        "models": models,
    }


def _path(path: str, model_name: str) -> str:
    """Return the path of a request, with MODEL for the model."""
    return unquote(path).replace(model_name, "MODEL")


def _settings_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's settings as flat names, without the conversation."""
    flat: dict[str, Any] = {}
    for name, value in body.items():
        if name in _NOT_SETTINGS or value == []:
            continue
        if isinstance(value, Mapping):
            flat |= {f"{name}.{part}": leaf for part, leaf in _settings_of(value).items()}
        else:
            flat[name] = value
    return flat


def _as_changes(bodies: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the request that states nothing as it is, and of each other one what differs from it; null is left out."""
    base = bodies[UNSET]
    return {
        rung: body
        if rung == UNSET or REFUSED in body
        else {name: body.get(name) for name in sorted({*base, *body}) if base.get(name) != body.get(name)}
        for rung, body in bodies.items()
    }


def _counts(output: Any) -> dict[str, Any]:
    usage = output.usage
    content = output.message.content
    parts = [part for part in content if part.type == "reasoning"] if isinstance(content, list) else []
    return {
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "thinking": [
            {"redacted": part.redacted, "has_summary": bool(part.summary), "has_signature": bool(part.signature)}
            for part in parts
        ],
    }


def text_of(recording: dict[str, Any]) -> str:
    """Return a recording as JSON with a line for every request."""
    lines = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in recording.items() if name != "models"]
    models = []
    for name, rungs in recording["models"].items():
        requests = ",\n".join(f"   {json.dumps(rung)}: {json.dumps(body)}" for rung, body in rungs.items())
        models.append(f"  {json.dumps(name)}: {{\n{requests}\n  }}")
    return "\n".join(["{", *lines, ' "models": {', ",\n".join(models), " }", "}", ""])


def main(names: list[str]) -> None:
    """Record the named providers, or all."""
    for provider in names or PROVIDERS:
        reason = missing_sdk(provider)
        if reason is not None:
            sys.stdout.write(f"left out: {reason}\n")
            continue
        FOLDER.mkdir(exist_ok=True)
        recording = record(provider)
        (FOLDER / f"{provider}.json").write_text(text_of(recording), encoding="utf-8")
        sys.stdout.write(f"recorded: {provider}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
