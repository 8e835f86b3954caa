"""Messages of Anthropic: requests, events, ends, errors."""

import json
from typing import Any

from overthink.gateway.meter import Meter
from overthink.gateway.request import Ask, Limits, Refusal, content_text, last_turn, prompt_tokens, require_known

_PLAIN = frozenset(
    (
        "model", "messages", "system", "temperature", "top_p", "top_k", "stop_sequences", "tools", "tool_choice",
        "metadata",
    )
)  # fmt: skip
_OWN = frozenset(("max_tokens", "stream", "thinking", "output_config"))
_VERSION = "2023-06-01"


class AnthropicMessages:
    """The dialect of `/v1/messages`."""

    path = "/v1/messages"

    def read(self, body: dict[str, Any], limits: Limits, model: str) -> Ask:
        """Return what a request asks for, with its parameters lowered to the rule.

        Raises:
            Refusal: A parameter is unknown, impossible, or beyond what was evaluated.
        """
        require_known(body, _PLAIN | _OWN, "")
        out = {name: value for name, value in body.items() if name in _PLAIN}
        own, turn = last_turn(body.get("messages"))
        system = content_text(body.get("system")) + own
        ask = Ask(model, out, (model, system, turn), beyond=limits.beyond)
        self._hosted_tools(body)
        thinking = body.get("thinking")
        if thinking is not None:
            if not isinstance(thinking, dict):
                raise Refusal(400, "invalid_parameter", "thinking is no object")
            require_known(thinking, ("type", "budget_tokens", "display"), "thinking.")
            out["thinking"] = dict(thinking)
            if "budget_tokens" in thinking:
                out["thinking"]["budget_tokens"] = limits.thinking(thinking["budget_tokens"], "thinking.budget_tokens")
        config = body.get("output_config")
        if config is not None:
            if not isinstance(config, dict):
                raise Refusal(400, "invalid_parameter", "output_config is no object")
            require_known(config, ("effort",), "output_config.")
            ask.effort = limits.effort(config.get("effort"), "output_config.effort")
        elif limits.rule.efforts is not None:
            ask.effort = limits.rule.efforts[0]
        if ask.effort is not None:
            out["output_config"] = {"effort": ask.effort}
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
