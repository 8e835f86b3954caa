"""Servers on loopback whose replies are copies of what vLLM 0.32.0 and llama.cpp (b11549) answered on 2026-11-29.

A tokenizer of one token per letter stands in for theirs; token 2 ends a turn, as in SmolLM2.
"""

import copy
from collections.abc import Mapping
from typing import Any

from json_server import JsonServer

EOS, BASE = 2, 100
"""The token that ends a turn, and the number that is added to a letter to make its token."""

VLLM_MODELS = {
    "object": "list",
    "data": [{
        "id": "org/smollm2", "object": "model", "created": 1795991078, "owned_by": "vllm", "root": "./smollm2",
        "parent": None, "max_model_len": 2048, "permission": [{"id": "modelperm-b97f8d46e75f1b64"}],
    }],
}  # fmt: skip
LLAMA_MODELS = {
    "models": [{"name": "org/smollm2", "type": "model", "capabilities": ["completion"]}],
    "object": "list",
    "data": [{
        "id": "org/smollm2", "aliases": ["org/smollm2"], "tags": [], "object": "model", "created": 1795990298,
        "owned_by": "llamacpp", "meta": {"n_vocab": 49152, "n_ctx": 2048, "n_ctx_train": 8192},
    }],
}  # fmt: skip
LLAMA_PROPS = {"default_generation_settings": {"params": {"top_k": 40}, "n_ctx": 2048}, "total_slots": 8}
LLAMA_KEY = {"error": {"message": "Invalid API Key", "type": "authentication_error", "code": 401}}
VLLM_KEY = {"error": "Unauthorized"}
VLLM_NO_MODEL = {
    "error": {
        "message": "The model `nope` does not exist. Valid aliases: org/smollm2.",
        "type": "NotFoundError", "param": "model", "code": 404,
    }
}  # fmt: skip
VLLM_NO_TEMPLATE = {
    "error": {
        "message": "As of transformers v4.44, default chat template is no longer allowed, so you must provide a chat "
        "template if the tokenizer does not define one.",
        "type": "BadRequestError", "param": None, "code": 400,
    }
}  # fmt: skip
NOT_FOUND = {"detail": "Not Found"}


def ids_of(text: str) -> list[int]:
    """Tokens of a text."""
    return [BASE + ord(letter) for letter in text]


def text_of(ids: list[int]) -> str:
    """Text of tokens, special tokens included."""
    return "".join("<|im_end|>" if token == EOS else chr(token - BASE) for token in ids)


class ModelServer(JsonServer):
    """vLLM or llama.cpp.

    Attributes:
        software: "vllm" or "llama.cpp".
        key: Key that it asks for; "" for none.
        template_opens: Its chat template writes `<think>` itself.
        has_template: It has a chat template.
        template_roles: Roles whose messages that template writes.
        returns_ids: It returns token ids; older versions do not.
        decoded: What it decodes next: text, ids, and what ended it ("length", "eos", or a stop text).
        properties: What llama.cpp says of itself.
        asked: Paths and bodies of all requests.
    """

    def __init__(self, software: str) -> None:
        self.software, self.key = software, ""
        self.models: Any = copy.deepcopy(VLLM_MODELS if software == "vllm" else LLAMA_MODELS)
        self.properties: Any = copy.deepcopy(LLAMA_PROPS)
        self.template_opens, self.has_template, self.returns_ids = False, True, True
        self.template_roles = {"system", "user", "assistant"}
        self.decoded: tuple[str, list[int], str] = ("ab", ids_of("ab"), "length")
        self.asked: list[tuple[str, dict[str, Any]]] = []
        super().__init__()

    def respond(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, object]:
        """Status and reply."""
        self.asked.append((path, body))
        vllm = self.software == "vllm"
        is_guarded = path.startswith("/v1") or not vllm  # vLLM asks for the key on /v1 alone
        if self.key and is_guarded and headers.get("Authorization") != f"Bearer {self.key}":
            return 401, VLLM_KEY if vllm else LLAMA_KEY
        if vllm and body.get("model", "org/smollm2") != "org/smollm2":
            return 404, VLLM_NO_MODEL
        reply = self._reply(path, body, vllm=vllm)
        return reply if isinstance(reply, tuple) else (404, NOT_FOUND) if reply is None else (200, reply)

    def _reply(self, path: str, body: dict[str, Any], *, vllm: bool) -> Any:
        chat = "".join(
            f"|{m['role']}|{m['content']}" for m in body.get("messages", []) if m["role"] in self.template_roles
        )
        chat += "|assistant|" + ("<think>" if self.template_opens else "")
        if path == "/v1/models":
            return self.models
        if path == "/v1/completions":
            return self._completion(body)
        if path == "/props" and not vllm:
            return self.properties
        if path == "/apply-template" and not vllm:
            return {"prompt": chat}
        if path == "/tokenize":
            if "messages" in body and not self.has_template:
                return 400, VLLM_NO_TEMPLATE
            text = chat if "messages" in body else body["prompt" if vllm else "content"]
            return {"count": len(text), "max_model_len": 2048, "tokens": ids_of(text), "token_strs": None}
        if path == "/detokenize":
            return {"prompt" if vllm else "content": text_of(body["tokens"])}
        return None

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        text, ids, end = self.decoded if body["max_tokens"] > 1 else ("a", ids_of("a"), "length")
        choice: dict[str, Any] = {
            "index": 0, "text": text, "logprobs": None, "finish_reason": "length" if end == "length" else "stop",
        }  # fmt: skip
        reply: dict[str, Any] = {
            "id": "cmpl-1", "object": "text_completion", "created": 0, "model": "org/smollm2", "choices": [choice],
            "usage": {
                "prompt_tokens": len(body["prompt"]), "completion_tokens": len(ids),
                "total_tokens": len(body["prompt"]) + len(ids), "prompt_tokens_details": None,
            },
        }  # fmt: skip
        if self.software == "vllm":
            asked = self.returns_ids and body.get("return_token_ids")
            choice |= {"stop_reason": None if end in ("length", "eos") else end, "token_ids": ids if asked else None}
        else:
            reply["usage"]["prompt_tokens_details"] = {"cached_tokens": 3}
            if self.returns_ids and body.get("verbose"):
                word = "" if end in ("length", "eos") else end
                reply["__verbose"] = {
                    "content": text, "tokens": ids if body.get("return_tokens") else [], "prompt": "repeated",
                    "stop_type": {"length": "limit", "eos": "eos"}.get(end, "word"), "stopping_word": word,
                }  # fmt: skip
        return reply
