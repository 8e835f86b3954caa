"""A chat server on loopback that records what it is asked: vLLM's and SGLang's endpoints."""

from typing import Any

from json_server import JsonServer

PIECES = [" so  \n", "\n\n  näïve 思考 <b>&amp;</b>", "\t½ \u2028 end "]
"""What the model thinks, segment by segment: everything that a careless hand would strip, escape or join."""


class Server(JsonServer):
    """A chat server with vLLM's or SGLang's endpoints. What it decodes, and how its template renders, is set here."""

    def __init__(self, template: str = "keeps") -> None:
        self.template = template
        self.chats: list[dict[str, Any]] = []
        self.renders = 0
        self.thoughts = [{"content": piece} for piece in PIECES]
        self.answer: dict[str, Any] = {"content": " 4\n"}
        self.ends_after: int | None = None
        super().__init__()
        self.url = f"{self.root}/v1"

    def reply(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        if path == "/tokenize" and self.template != "cannot say":
            self.renders += 1
            return {"tokens": [ord(c) for c in self.render(body)]}
        if path == "/detokenize":
            return {"prompt": "".join(map(chr, body["tokens"]))}
        if path == "/v1/chat/completions":
            self.chats.append(body)
            return self.completion(body)
        return None if body else {"data": [{"id": "m", "max_model_len": 4096}]}

    def render(self, body: dict[str, Any]) -> str:
        messages = [(m["role"], m["content"]) for m in body["messages"]]
        last = messages.pop()[1] if body["continue_final_message"] else None
        text = "".join(f"<|{role}|>{content}" for role, content in messages) + "<|assistant|>"
        opening = "<think>\n" if self.template in ("opens", "opens and keeps") else ""
        if last is None:
            return text + opening
        if self.template == "trims":
            return text + last.strip()
        if self.template == "rewrites":
            return text + "<think>\n\n</think>\n\n" + last
        if self.template == "forgets the thinking":
            return text + last.split("</think>")[-1]
        return text + last

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        thinking = body.get("max_tokens") != 9
        number = sum(1 for chat in self.chats if chat.get("max_tokens") != 9)
        message = self.thoughts[(number - 1) % len(self.thoughts)] if thinking else self.answer
        ended = not thinking or number == self.ends_after
        return {
            "id": "1", "object": "chat.completion", "created": 0, "model": "m",
            "choices": [{
                "index": 0, "finish_reason": "stop" if ended else "length",
                "message": {"role": "assistant", "content": None} | message,
            }],
            "usage": {"prompt_tokens": 7, "completion_tokens": 4, "total_tokens": 11},
        }  # fmt: skip
