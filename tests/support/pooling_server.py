"""A vLLM-like server on loopback with a planted reward model: a step is sound as far as it says "good"."""

import re
from collections.abc import Mapping
from typing import Any

from json_server import JsonServer

MARK = "<extra_0>"


def worth(text: str) -> float:
    """What the planted model thinks of a text: the share of "good" among its verdicts; 0.5 without any."""
    said = re.findall(r"good|poor", text)
    return said.count("good") / len(said) if said else 0.5


class PoolingServer(JsonServer):
    """Answers /pooling, /classify and /score; ``change`` may alter a reply before it is sent."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.tokens = 0
        self.model = "prm"
        self.statuses: list[int] = []
        self.change: Any = lambda reply: reply
        super().__init__()
        self.url = self.root

    def respond(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, object]:
        status = self.statuses.pop(0) if self.statuses else 200
        self.bodies.append(body)
        self.keys.append(headers.get("Authorization"))
        return status, self.change(self.reply(path, body)) if status == 200 else {"error": "no"}

    def reply(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path == "/score":
            texts = body["text_2"]
            read = [body["text_1"] + text for text in texts]
            # out of order, as a server may answer
            data = [{"index": i, "object": "score", "score": worth(text)} for i, text in enumerate(texts)][::-1]
        else:
            solution = body["messages"][-1]["content"]
            read = [message["content"] for message in body["messages"]]
            if path == "/classify":
                data = [{"index": 0, "label": "x", "probs": [1 - worth(solution), worth(solution)], "num_classes": 2}]
            elif MARK in solution:
                rows = [[1 - worth(step), worth(step)] for step in solution.split(MARK)[:-1]]
                data = [{"index": 0, "object": "pooling", "data": rows}]
            else:  # one number per token, as a reward model without a pooler gives: the last counts
                rows = [[0.0]] * 3 + [[worth(solution)]]
                data = [{"index": 0, "object": "pooling", "data": rows}]
        tokens = sum(len(text.split()) for text in read)
        self.tokens += tokens
        usage = {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
        return {"id": "1", "object": "list", "created": 0, "model": self.model, "data": data, "usage": usage}
