"""Servers on loopback that answer in the form of each hosted API, and keep every request."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from json_server import JsonServer

REPLIED = {"thinking": 37, "output": 50, "input": 11}
"""Tokens that every reply reports, each count once, so that a count is known by its number."""


class Wire(JsonServer):
    """A server that answers in the form of each API, and keeps what it was sent.

    With ``shows`` a chat completion shows its thinking in a field of that name.
    """

    def __init__(self, shows: str | None = None) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.shows = shows
        super().__init__()

    def respond(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, object]:
        path = path.partition("?")[0]
        if not body:
            return 200, {"data": [{"id": "m", "max_model_len": 131072}], "models": []}
        self.sent.append((path, body))
        answer = next((answer for end, answer in _REPLIES.items() if path.endswith(end)), None)
        if answer is None:
            return 404, {"error": "not found"}
        if "choices" in answer and self.shows is not None:
            shown = {"role": "assistant", "content": "4", self.shows: "A thought."}
            return 200, answer | {"choices": [answer["choices"][0] | {"message": shown}]}
        return 200, _as_events(answer) if body.get("stream") else answer


def _as_events(message: dict[str, Any]) -> str:
    """Return a message of Anthropic's API as the events of its stream."""
    start = message | {"content": [], "stop_reason": None, "usage": message["usage"] | {"output_tokens": 1}}
    events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, block in enumerate(message["content"]):
        kind = block["type"]
        deltas = [{"type": f"{kind}_delta", kind: block[kind]}]
        if "signature" in block:
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        empty = dict.fromkeys(block, "") | {"type": kind}
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": end, "usage": message["usage"]}, {"type": "message_stop"}]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


class GrokWire:
    """The same for xAI, whose API is gRPC; the channel is open, as the SDK allows on loopback."""

    def __init__(self) -> None:
        import grpc
        from google.protobuf.json_format import MessageToDict, ParseDict
        from xai_sdk.proto import chat_pb2, chat_pb2_grpc

        self.sent: list[tuple[str, dict[str, Any]]] = []
        sent = self.sent

        class Chat(chat_pb2_grpc.ChatServicer):
            def GetCompletion(self, request: Any, context: Any) -> Any:  # noqa: N802
                sent.append(("xai_api.Chat/GetCompletion", MessageToDict(request, preserving_proto_field_name=True)))
                return ParseDict(_GROK, chat_pb2.GetChatCompletionResponse())

        self.server = grpc.server(ThreadPoolExecutor(1))
        chat_pb2_grpc.add_ChatServicer_to_server(Chat(), self.server)
        self.root = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def close(self) -> None:
        """Stop listening."""
        self.server.stop(None)


_THINKING, _OUTPUT, _INPUT = REPLIED["thinking"], REPLIED["output"], REPLIED["input"]
_REPLIES: dict[str, dict[str, Any]] = {
    "/chat/completions": {
        "id": "1", "object": "chat.completion", "created": 0, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "4"}}],
        "usage": {
            "prompt_tokens": _INPUT, "completion_tokens": _OUTPUT, "total_tokens": _INPUT + _OUTPUT,
            "completion_tokens_details": {"reasoning_tokens": _THINKING},
        },
    },
    "/responses": {
        "id": "1", "object": "response", "created_at": 0, "model": "m", "status": "completed", "tools": [],
        "tool_choice": "auto", "parallel_tool_calls": True, "error": None, "incomplete_details": None,
        "output": [
            {"id": "r", "type": "reasoning", "summary": [{"type": "summary_text", "text": "A summary."}],
             "encrypted_content": "c2VhbGVk"},
            {"id": "a", "type": "message", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": "4", "annotations": []}]},
        ],
        "usage": {
            "input_tokens": _INPUT, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": _OUTPUT, "output_tokens_details": {"reasoning_tokens": _THINKING},
            "total_tokens": _INPUT + _OUTPUT,
        },
    },
    "/messages": {
        "id": "1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "stop_sequence": None,
        "content": [
            {"type": "thinking", "thinking": "A summary.", "signature": "c2VhbGVk"}, {"type": "text", "text": "4"},
        ],
        "usage": {
            "input_tokens": _INPUT, "output_tokens": _OUTPUT, "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0, "output_tokens_details": {"thinking_tokens": _THINKING},
        },
    },
    "/messages/count_tokens": {"input_tokens": 3},
    ":generateContent": {
        "candidates": [{
            "index": 0, "finishReason": "STOP",
            "content": {"role": "model", "parts": [
                {"text": "A summary.", "thought": True}, {"text": "4", "thoughtSignature": "c2VhbGVk"},
            ]},
        }],
        "usageMetadata": {
            "promptTokenCount": _INPUT, "candidatesTokenCount": _OUTPUT - _THINKING, "thoughtsTokenCount": _THINKING,
            "totalTokenCount": _INPUT + _OUTPUT,
        },
    },
    "/conversations": {
        "object": "conversation.response", "conversation_id": "1",
        "outputs": [{"object": "entry", "type": "message.output", "role": "assistant", "content": "4"}],
        "usage": {"prompt_tokens": _INPUT, "completion_tokens": _OUTPUT, "total_tokens": _INPUT + _OUTPUT},
    },
    "/converse": {
        "output": {"message": {"role": "assistant", "content": [{"text": "4"}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": _INPUT, "outputTokens": _OUTPUT, "totalTokens": _INPUT + _OUTPUT},
        "metrics": {"latencyMs": 1},
    },
}  # fmt: skip

_GROK = {
    "id": "1", "model": "m",
    "outputs": [{
        "index": 0, "finish_reason": "REASON_STOP",
        "message": {"content": "4", "reasoning_content": "A summary.", "encrypted_content": "c2VhbGVk",
                    "role": "ROLE_ASSISTANT"},
    }],
    "usage": {
        "prompt_tokens": _INPUT, "prompt_text_tokens": _INPUT, "completion_tokens": _OUTPUT - _THINKING,
        "reasoning_tokens": _THINKING, "total_tokens": _INPUT + _OUTPUT,
    },
}  # fmt: skip
