"""What goes over the wire, recorded by a server on loopback."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, get_model
from json_server import JsonServer

from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.errors import InputError

MESSAGES = [ChatMessageSystem(content="Be brief."), ChatMessageUser(content="2+2?")]


class Wire(JsonServer):
    """A completions server. It renders a chat as llama.cpp does, as vLLM does, or not at all."""

    def __init__(self, renders: str, template_opens: bool = False) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.renders = renders
        self.tail = "<think>\n" if template_opens else ""
        self.finish = "length"
        self.told: dict[str, Any] | None = None
        super().__init__()

    def reply(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        self.asked.append((path, body))
        text = "|".join(m["content"] for m in body.get("messages", [])) + "|" + self.tail
        if path == "/apply-template" and self.renders == "llama.cpp":
            return {"prompt": text}
        if path == "/tokenize" and self.renders == "vllm":
            return {"tokens": [ord(c) for c in text]}
        if path == "/detokenize" and self.renders == "vllm":
            return {"prompt": "".join(map(chr, body["tokens"]))}
        if path == "/v1/completions":
            return {
                "id": "1", "object": "text_completion", "created": 0, "model": "m",
                "choices": [{"index": 0, "text": " four\n", "finish_reason": self.finish, "logprobs": self.told}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
            }  # fmt: skip
        return None


@pytest.fixture
def wire(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    made = Wire(**request.param)
    monkeypatch.setenv("WIRE_API_KEY", "sk-secret")
    monkeypatch.setenv("WIRE_BASE_URL", f"{made.root}/v1")
    yield made
    made.close()


def continuation() -> Any:
    return continuation_for(get_model("openai-api-completions/wire/m", memoize=False))


SAMPLING = Sampling(max_tokens=3, seed=7, temperature=0.5, top_p=0.9, stop=("</think>",))


@pytest.mark.parametrize("wire", [{"renders": "llama.cpp"}, {"renders": "vllm"}], indirect=True, ids=str)
def test_the_prefix_goes_out_byte_for_byte(wire: Wire) -> None:
    async def climb() -> tuple[Prefix, Segment]:
        way = continuation()
        prefix = await way.start(MESSAGES, "<think>\n")
        segment = await way.decode(prefix, SAMPLING)
        fork = await way.append_text(way.append(prefix, segment), "\n</think>\n\nANSWER:")
        await way.decode(fork, SAMPLING)
        return fork, segment

    fork, segment = asyncio.run(climb())
    assert fork.text == "Be brief.|2+2?|<think>\n four\n\n</think>\n\nANSWER:"
    first, second = (body for path, body in wire.asked if path == "/v1/completions" and isinstance(body["prompt"], str))
    assert second["prompt"] == fork.text
    assert first["prompt"] == "Be brief.|2+2?|<think>\n"
    for body in (first, second):
        assert (body["max_tokens"], body["seed"], body["temperature"], body["top_p"]) == (3, 7, 0.5, 0.9)
        assert body["stop"] == ["</think>"]
    assert segment == Segment(" four\n", None, 3, False, 9, None)


@pytest.mark.parametrize("wire", [{"renders": "llama.cpp", "template_opens": True}], indirect=True)
def test_a_template_that_opens_the_thinking_is_not_opened_twice(wire: Wire) -> None:
    prefix = asyncio.run(continuation().start(MESSAGES, "<think>\n"))
    assert prefix.text == "Be brief.|2+2?|<think>\n"


@pytest.mark.parametrize("wire", [{"renders": "llama.cpp"}], indirect=True)
def test_an_end_is_told_from_a_budget_and_from_a_filter(wire: Wire) -> None:
    decode = lambda: asyncio.run(continuation().decode(Prefix("x"), SAMPLING))  # noqa: E731
    assert decode().is_complete is False
    wire.finish = "stop"
    assert decode().is_complete is True
    wire.finish = "content_filter"
    with pytest.raises(RuntimeError, match="stopped because of content_filter"):
        decode()


@pytest.mark.parametrize("wire", [{"renders": "llama.cpp"}], indirect=True)
def test_the_likeliest_next_tokens_are_asked_for_and_told(wire: Wire) -> None:
    look = replace(SAMPLING, max_tokens=3, top=5)
    decode = lambda sampling: asyncio.run(continuation().decode(Prefix("x"), sampling))  # noqa: E731
    assert decode(look).top is None
    top = [{" five": -3.0, " four": -0.1}, {"\n": -0.2}, {"!": -0.3}]
    wire.told = {"tokens": [" four", "\n", "!"], "token_logprobs": [-0.1, -0.2, -0.3], "top_logprobs": top}
    assert decode(look).top == (-0.1, -3.0)
    assert wire.asked[-1][1]["logprobs"] == 5
    assert decode(SAMPLING).top is None
    assert "logprobs" not in wire.asked[-1][1]


@pytest.mark.parametrize("wire", [{"renders": "nothing"}], indirect=True)
def test_a_server_that_renders_no_template_is_refused(wire: Wire) -> None:
    with pytest.raises(InputError, match=r"renders no chat template.*--efforts") as refused:
        asyncio.run(continuation().start(MESSAGES, ""))
    assert "sk-secret" not in str(refused.value)


def test_a_chat_provider_is_refused_with_those_that_can() -> None:
    with pytest.raises(InputError, match=r"cannot continue a prefix.*vllm-completions.*--efforts low,medium,high"):
        continuation_for(get_model("mockllm/model"))
