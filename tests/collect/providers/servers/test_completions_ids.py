"""Continuation by token ids: what is sent, and what of a reply is continued, on the replies of real servers."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from inspect_ai.model import ChatMessageUser, get_model
from model_servers import EOS, ModelServer, ids_of, text_of

from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Prefix, Sampling, Segment
from overthink.collect.providers.replies import ReplyError
from overthink.collect.providers.servers.completions import endpoint_way, forget_endpoint
from overthink.errors import InputError

CHAT = [ChatMessageUser(content="2+2?")]
PROMPT = "|user|2+2?|assistant|"
SAMPLING = Sampling(max_tokens=2, seed=7, temperature=0.5, top_p=0.9, stop=("</think>",))


@pytest.fixture(params=["vllm", "llama.cpp"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    server = ModelServer(request.param)
    monkeypatch.setenv("S_API_KEY", "k")
    monkeypatch.setenv("S_BASE_URL", f"{server.root}/v1")
    yield server
    server.close()


def continuation() -> Any:
    return continuation_for(get_model("openai-api-completions/s/org/smollm2", memoize=False))


def completions(server: ModelServer) -> list[dict[str, Any]]:
    """Bodies of the completions behind the check's own of one token."""
    return [body for path, body in server.asked if path == "/v1/completions" and body["max_tokens"] > 1]


def decoded(server: ModelServer, text: str, ids: list[int], end: str) -> Segment:
    server.decoded = (text, ids, end)
    sampling = replace(SAMPLING, max_tokens=len(ids) if end == "length" else 20)

    async def decode() -> Segment:
        way = continuation()
        segment: Segment = await way.decode(await way.start(CHAT, "<think>\n"), sampling)
        return segment

    return asyncio.run(decode())


def test_exactly_the_decoded_tokens_are_continued(server: ModelServer) -> None:
    unusual = [999, *ids_of("b")]  # a text of two letters that its tokenizer would split otherwise
    server.decoded = ("ab", unusual, "length")

    async def climb() -> tuple[Prefix, Prefix]:
        way = continuation()
        prefix = await way.start(CHAT, "<think>\n")
        fork = await way.append_text(way.append(prefix, await way.decode(prefix, SAMPLING)), "\n</think>")
        await way.decode(fork, SAMPLING)
        return prefix, fork

    prefix, fork = asyncio.run(climb())
    first, second = completions(server)
    assert prefix.ids == tuple(first["prompt"]) == tuple(ids_of(PROMPT + "<think>\n"))
    assert second["prompt"] == [*first["prompt"], *unusual, *ids_of("\n</think>")]
    assert fork.text == PROMPT + "<think>\nab\n</think>"
    for body in (first, second):
        assert (body["max_tokens"], body["seed"], body["temperature"], body["top_p"]) == (2, 7, 0.5, 0.9)
        assert body["stop"] == ["</think>"]
    sampling = {"top_k": 0, "min_p": 0.0}  # llama.cpp's own defaults would change the distribution
    assert server.software == "vllm" or sampling.items() <= first.items()


def test_what_ended_a_reply_is_reported_and_not_continued(server: ModelServer) -> None:
    assert decoded(server, "ab", [*ids_of("ab"), EOS], "eos") == Segment(
        "ab", tuple(ids_of("ab")), 3, True, len(ids_of(PROMPT + "<think>\n")), 3 if server.software != "vllm" else None,
        stop="",
    )  # fmt: skip
    stopped = decoded(server, "ab", ids_of("ab</think>"), "</think>")
    assert (stopped.ids, stopped.stop) == (tuple(ids_of("ab")), "</think>")
    cut = decoded(server, "ab", ids_of("ab"), "length")
    assert (cut.ids, cut.stop, cut.is_complete) == (tuple(ids_of("ab")), None, False)


def test_a_stop_text_that_begins_inside_a_token_leaves_the_letters_before_it(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = 5000  # one token for "b</think>"
    import model_servers

    monkeypatch.setattr(
        model_servers, "text_of", lambda ids: "".join("b</think>" if i == wide else text_of([i]) for i in ids)
    )
    segment = decoded(server, "ab", [*ids_of("a"), wide], "</think>")
    assert (segment.text, segment.ids) == ("ab", tuple(ids_of("ab")))


def test_fewer_token_ids_than_were_decoded_are_not_continued(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = server._completion

    def without_last(body: dict[str, Any]) -> dict[str, Any]:
        reply = whole(body)
        if body["max_tokens"] > 1:
            for part, name in ((reply["choices"][0], "token_ids"), (reply.get("__verbose", {}), "tokens")):
                if name in part:
                    part[name] = part[name][:-1]
        return reply

    monkeypatch.setattr(server, "_completion", without_last)
    with pytest.raises(ReplyError, match="returned 2 token ids of 3 decoded tokens"):
        decoded(server, "abc", ids_of("abc"), "length")


def test_a_template_that_opens_the_thinking_is_not_opened_twice(server: ModelServer) -> None:
    server.template_opens = True
    prefix = asyncio.run(continuation().start(CHAT, "<think>\n"))
    assert prefix.ids == tuple(ids_of(PROMPT + "<think>"))


def test_a_server_without_token_ids_is_continued_by_text(server: ModelServer) -> None:
    server.returns_ids = False
    way = continuation()

    async def climb() -> Prefix:
        prefix = await way.start(CHAT, "<think>\n")
        return way.append(prefix, await way.decode(prefix, SAMPLING))

    assert asyncio.run(climb()) == Prefix(PROMPT + "<think>\nab")
    assert [body["prompt"] for body in completions(server)] == [PROMPT + "<think>\n"]
    assert "by text" in str(endpoint_way(way.model))
    stored = Segment("", (1, 2), 2, False, None, None)
    with pytest.raises(InputError, match="stored thinking is token ids"):
        way.append(Prefix(PROMPT), stored)


def test_the_server_is_checked_once(server: ModelServer) -> None:
    way = continuation()

    async def two() -> None:
        await way.start(CHAT, "")
        await continuation_for(way.model).start(CHAT, "")

    asyncio.run(two())
    assert sum(path == "/v1/completions" for path, _ in server.asked) == 1
    assert sum(path == "/v1/models" for path, _ in server.asked) == 1
    assert "by token ids" in str(endpoint_way(way.model))
    assert all(body.get("model", "org/smollm2") == "org/smollm2" for _, body in server.asked)


def test_an_inserted_text_is_made_tokens_once(server: ModelServer) -> None:
    way = continuation()

    async def forks() -> list[Prefix]:
        prompt = await way.start(CHAT, "<think>")
        return [await way.append_text(prompt, "\nAnswer:") for _ in range(3)]

    first, *others = asyncio.run(forks())
    assert others == [first, first]
    texts = [body.get("prompt", body.get("content")) for path, body in server.asked if path == "/tokenize"]
    assert texts.count("\nAnswer:") == 1


def test_a_chat_is_rendered_without_requests_that_the_server_does_not_have(server: ModelServer) -> None:
    way = continuation()

    async def traces() -> None:
        for _ in range(3):
            await way.start(CHAT, "")

    asyncio.run(traces())
    rendered = sum(path == "/apply-template" for path, _ in server.asked)
    assert rendered == (1 if server.software == "vllm" else 4)  # the check of the server included


def test_another_software_at_the_same_address_is_read_in_its_own_words(server: ModelServer) -> None:
    way = continuation()

    async def ids() -> Any:
        return (await way.decode(await way.start(CHAT, ""), SAMPLING)).ids

    first = asyncio.run(ids())
    server.software = "llama.cpp" if server.software == "vllm" else "vllm"
    forget_endpoint(way.model)
    assert asyncio.run(ids()) == first == tuple(ids_of("ab"))
