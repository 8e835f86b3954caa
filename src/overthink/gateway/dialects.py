"""Dialects: chat completions of OpenAI and Messages of Anthropic, with their requests, events, ends and errors."""

import json
from typing import Any

from overthink.gateway.meter import Meter
from overthink.gateway.request import (
    MOST_SAMPLES,
    Ask,
    Limits,
    Refusal,
    content_text,
    last_turn,
    prompt_tokens,
    require_known,
    whole,
)

_OPENAI_PLAIN = frozenset(
    (
        "model", "messages", "temperature", "top_p", "top_k", "min_p", "stop", "seed", "presence_penalty",
        "frequency_penalty", "repetition_penalty", "logit_bias", "logprobs", "top_logprobs", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "verbosity", "user", "safety_identifier", "metadata", "store",
        "service_tier", "prompt_cache_key",
    )
)  # fmt: skip
_NUMBERS = ("thinking_token_budget", "thinking_budget", "reasoning_budget", "max_thinking_tokens")
_TEMPLATE = frozenset(("enable_thinking", "thinking", "thinking_budget", "reasoning_effort", "add_generation_prompt"))
_OPENAI_OWN = frozenset(
    (
        "stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "best_of", "reasoning_effort",
        "reasoning", "thinking", "chat_template_kwargs", *_NUMBERS,
    )
)  # fmt: skip


class OpenAIChat:
    """The dialect of `/v1/chat/completions`.

    Args:
        cap: Name of the parameter in which the model's server takes the cap on tokens, whatever the caller calls it;
            None for what the caller calls it, and `max_tokens` where no cap is asked for. OpenAI's own reasoning models
            refuse `max_tokens`, and other servers do not know `max_completion_tokens`.
    """

    path = "/v1/chat/completions"

    def __init__(self, cap: str | None = None) -> None:
        self._cap = cap

    def read(self, body: dict[str, Any], limits: Limits, model: str) -> Ask:
        """Return what a request asks for, with its parameters lowered to the rule.

        Raises:
            Refusal: A parameter is unknown, impossible, or beyond what was evaluated.
        """
        require_known(body, _OPENAI_PLAIN | _OPENAI_OWN, "")
        out = {name: value for name, value in body.items() if name in _OPENAI_PLAIN}
        system, turn = last_turn(body.get("messages"))
        ask = Ask(model, out, (model, system, turn), beyond=limits.beyond)
        ask.samples = max(whole(body.get(name, 1), name, least=1) for name in ("n", "best_of"))
        if ask.samples > MOST_SAMPLES:
            raise Refusal(400, "invalid_parameter", f"n is {ask.samples}; needed: at most {MOST_SAMPLES}")
        out |= {name: body[name] for name in ("n", "best_of") if name in body}
        self._reasoning(body, ask, limits)
        names = [name for name in ("max_tokens", "max_completion_tokens") if body.get(name) is not None]
        ask.tokens = min(limits.tokens(body.get(name), name) for name in names or ["max_tokens"])
        out[self._cap or (names[-1] if names else "max_tokens")] = ask.tokens
        ask.stream = body.get("stream") is True
        if ask.stream:
            options = body.get("stream_options") or {}
            ask.usage = isinstance(options, dict) and options.get("include_usage") is True
            out |= {"stream": True, "stream_options": {"include_usage": True}}
        ask.prompt = prompt_tokens(body)
        return ask

    def _reasoning(self, body: dict[str, Any], ask: Ask, limits: Limits) -> None:
        out = ask.body
        if body.get("reasoning_effort") is not None:
            out["reasoning_effort"] = ask.effort = limits.effort(body["reasoning_effort"], "reasoning_effort")
        for name in _NUMBERS:
            if body.get(name) is not None:
                out[name] = limits.thinking(body[name], name)
        if (reasoning := _part(body, "reasoning", ("effort", "max_tokens"))) is not None:
            out["reasoning"] = reasoning
            if "effort" in reasoning:
                reasoning["effort"] = ask.effort = limits.effort(reasoning["effort"], "reasoning.effort")
            if "max_tokens" in reasoning:
                reasoning["max_tokens"] = limits.thinking(reasoning["max_tokens"], "reasoning.max_tokens")
        if (thinking := _part(body, "thinking", ("type", "budget_tokens"))) is not None:
            out["thinking"] = thinking
            if "budget_tokens" in thinking:
                thinking["budget_tokens"] = limits.thinking(thinking["budget_tokens"], "thinking.budget_tokens")
        if (template := _part(body, "chat_template_kwargs", _TEMPLATE)) is not None:
            out["chat_template_kwargs"] = template
            if "thinking_budget" in template:
                name = "chat_template_kwargs.thinking_budget"
                template["thinking_budget"] = limits.thinking(template["thinking_budget"], name)
            if "reasoning_effort" in template:
                name = "chat_template_kwargs.reasoning_effort"
                template["reasoning_effort"] = ask.effort = limits.effort(template["reasoning_effort"], name)
        efforts = limits.rule.efforts
        if ask.effort is None and efforts is not None:  # else the provider's own, which may be any
            out["reasoning_effort"] = ask.effort = efforts[0]

    def with_tokens(self, ask: Ask, tokens: int) -> None:
        """Lower the cap on the tokens of a sample in a body."""
        name = "max_completion_tokens" if "max_completion_tokens" in ask.body else "max_tokens"
        ask.tokens = ask.body[name] = min(tokens, ask.tokens)

    def event(self, data: str, meter: Meter, state: dict[str, Any]) -> bool:
        """Count an event of a stream. Returns whether it is part of the answer; one of usage alone is not."""
        if data == "[DONE]":
            state["end"] = True
            return True
        event = json.loads(data)
        state.setdefault("head", {name: event.get(name) for name in ("id", "created", "model")})
        choices = event.get("choices") or []
        for choice in choices:
            index = choice.get("index", 0)
            state.setdefault("open", {})[index] = choice.get("finish_reason") is None
            meter.add(index, choice.get("delta") or {})
        if event.get("usage") is not None:
            meter.usage(event["usage"])
            state["usage"] = event["usage"]
        return bool(choices) or event.get("usage") is None  # an error of the server is for the caller

    def end(self, ask: Ask, meter: Meter, state: dict[str, Any]) -> bytes:
        """Return the events that end a stream which is cut: every open sample at its length, usage, and the end."""
        head = {"object": "chat.completion.chunk", **state.get("head", {})}
        is_open = state.get("open") or {0: True}
        events: list[dict[str, Any]] = [
            {**head, "choices": [{"index": index, "delta": {}, "finish_reason": "length"}]}
            for index, unfinished in sorted(is_open.items())
            if unfinished
        ]
        if ask.usage:
            prompt = ask.prompt if meter.prompt is None else meter.prompt
            usage = {"prompt_tokens": prompt, "completion_tokens": meter.tokens, "total_tokens": prompt + meter.tokens}
            events.append({**head, "choices": [], "usage": usage})
        return b"".join(_event(json.dumps(event)) for event in events) + _event("[DONE]")

    def answer(self, document: Any, meter: Meter) -> None:
        """Count an answer that was not streamed."""
        for choice in document.get("choices") or []:
            meter.add(choice.get("index", 0), choice.get("message") or {})
        meter.usage(document.get("usage"))

    def error(self, refusal: Refusal) -> dict[str, Any]:
        """Return the body of an error."""
        return {"error": {"message": refusal.message, "type": refusal.code, "code": refusal.code, "param": None}}

    def headers(self, key: str | None) -> dict[str, str]:
        """Return the headers that authorise the gateway upstream."""
        return {} if key is None else {"authorization": f"Bearer {key}"}


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


def _part(body: dict[str, Any], name: str, fields: Any) -> dict[str, Any] | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Refusal(400, "invalid_parameter", f"{name} is no object")
    require_known(value, fields, f"{name}.")
    return {field: own for field, own in value.items() if own is not None}


_ANTHROPIC_PLAIN = frozenset(
    (
        "model", "messages", "system", "temperature", "top_p", "top_k", "stop_sequences", "tools", "tool_choice",
        "metadata", "service_tier", "cache_control",
    )
)  # fmt: skip
_ANTHROPIC_OWN = frozenset(("max_tokens", "stream", "thinking", "output_config"))
_VERSION = "2023-06-01"


class AnthropicMessages:
    """The dialect of `/v1/messages`."""

    path = "/v1/messages"

    def read(self, body: dict[str, Any], limits: Limits, model: str) -> Ask:
        """Return what a request asks for, with its parameters lowered to the rule.

        Raises:
            Refusal: A parameter is unknown, impossible, or beyond what was evaluated.
        """
        require_known(body, _ANTHROPIC_PLAIN | _ANTHROPIC_OWN, "")
        out = {name: value for name, value in body.items() if name in _ANTHROPIC_PLAIN}
        own, turn = last_turn(body.get("messages"))
        system = content_text(body.get("system")) + own
        ask = Ask(model, out, (model, system, turn), beyond=limits.beyond)
        self._hosted_tools(body)
        if (thinking := _part(body, "thinking", ("type", "budget_tokens", "display"))) is not None:
            out["thinking"] = thinking
            if "budget_tokens" in thinking:
                thinking["budget_tokens"] = limits.thinking(thinking["budget_tokens"], "thinking.budget_tokens")
        config = _part(body, "output_config", ("effort", "format")) or {}
        if "effort" in config:
            config["effort"] = ask.effort = limits.effort(config["effort"], "output_config.effort")
        elif limits.rule.efforts is not None:
            config["effort"] = ask.effort = limits.rule.efforts[0]
        if config:
            out["output_config"] = config
        ask.tokens = out["max_tokens"] = limits.tokens(body.get("max_tokens"), "max_tokens")
        ask.stream = body.get("stream") is True
        if ask.stream:
            out["stream"] = True
        ask.prompt = prompt_tokens(body)
        return ask

    @staticmethod
    def _hosted_tools(body: dict[str, Any]) -> None:
        """Refuse tools that the provider runs itself: their loops think beyond what a request shows."""
        for tool in body.get("tools") or ():
            kind = tool.get("type", "custom") if isinstance(tool, dict) else None
            if kind != "custom":
                raise Refusal(400, "unknown_parameter", f"a tool of type {str(kind)[:40]!r} is not let through")

    def with_tokens(self, ask: Ask, tokens: int) -> None:
        """Lower the cap on the tokens of a sample in a body."""
        ask.tokens = ask.body["max_tokens"] = min(tokens, ask.tokens)

    def event(self, data: str, meter: Meter, state: dict[str, Any]) -> bool:
        """Count an event of a stream. Returns True: each is part of the answer."""
        event = json.loads(data)
        kind = event.get("type")
        if kind == "message_start":
            meter.usage({"input_tokens": 0} | dict((event.get("message") or {}).get("usage") or {}))
            meter.generated = None  # a beginning, not what was generated
        elif kind == "content_block_start":
            state["block"] = event.get("index", 0)
            meter.add(0, event.get("content_block") or {})
        elif kind == "content_block_delta":
            meter.add(0, event.get("delta") or {})
        elif kind == "content_block_stop":
            state["block"] = None
        elif kind == "message_delta":
            usage = event.get("usage") or {}
            meter.usage({"output_tokens": usage.get("output_tokens")})
            state["stop"] = True
        elif kind == "message_stop":
            state["end"] = True
        return True

    def end(self, ask: Ask, meter: Meter, state: dict[str, Any]) -> bytes:
        """Return the events that end a stream which is cut: the open block, the reason, and the end."""
        del ask
        events: list[dict[str, Any]] = []
        if state.get("block") is not None:
            events.append({"type": "content_block_stop", "index": state["block"]})
        if not state.get("stop"):
            delta = {"stop_reason": "max_tokens", "stop_sequence": None}
            events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": meter.tokens}})
        events.append({"type": "message_stop"})
        return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)

    def answer(self, document: Any, meter: Meter) -> None:
        """Count an answer that was not streamed."""
        meter.add(0, document.get("content") or [])
        meter.usage(document.get("usage"))

    def error(self, refusal: Refusal) -> dict[str, Any]:
        """Return the body of an error."""
        return {"type": "error", "error": {"type": refusal.code, "message": refusal.message}}

    def headers(self, key: str | None) -> dict[str, str]:
        """Return the headers that authorise the gateway upstream."""
        return {"anthropic-version": _VERSION} | ({} if key is None else {"x-api-key": key})
