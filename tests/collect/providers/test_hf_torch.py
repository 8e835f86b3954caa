"""`hf/NAME` with the real PyTorch and Transformers, on tiny models that are made here from random weights."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hf_weights import require_torch
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig, Model, ModelOutput

from overthink.collect.session.open import open_model
from overthink.errors import InputError

NEEDED = "needs the extra hf: pip install 'overthink[hf]'; run: make test-hf"
torch = pytest.importorskip("torch", reason=NEEDED)
pytest.importorskip("transformers", reason=NEEDED)
pytest.importorskip("accelerate", reason=NEEDED)

from tiny_language_models import language_model  # noqa: E402 - it needs both

from overthink.collect.providers.huggingface.decoding import Sampler  # noqa: E402
from overthink.collect.providers.huggingface.engine import Request  # noqa: E402
from overthink.collect.providers.huggingface.kv_cache import HeldTraces  # noqa: E402

PROMPT = [*range(3, 60)]
WINDOWED = {"use_sliding_window": True, "sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_torch()
    return language_model(tmp_path_factory.mktemp("llama") / "m")


def opened(folder: Path, **arguments: Any) -> Model:
    """A model with caches of its own; the weights are loaded once."""
    return open_model(f"hf/{folder}", arguments)


async def decode(model: Model, ids: list[int], limit: int, **config: Any) -> ModelOutput:
    message = ChatMessageUser(content="", metadata={"prompt_token_ids": ids})
    return await model.generate([message], config=GenerateConfig(max_tokens=limit, **({"temperature": 0} | config)))


async def ladder(model: Model, prompt: list[int], rungs: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Tokens up the rungs with a fork at each, and what each request read anew beyond the tokens that are new to it."""
    tokens: list[int] = []
    reread = []
    for rung in rungs:
        before = len(tokens)
        if rung > before:
            thought = await decode(model, prompt + tokens, rung - before)
            tokens += thought.metadata["token_ids"].ids
            reread.append(len(prompt) + before - 1 - thought.metadata["cached_tokens"])
        fork = await decode(model, [*prompt, *tokens, 9, 8, 7], 4)
        reread.append(len(prompt) + max(len(tokens) - 1, 0) - fork.metadata["cached_tokens"])
    return tokens, reread


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("Llama", {}), ("Mistral", {"sliding_window": 16}), ("GPTNeoX", {}), ("Qwen3", WINDOWED)],
    ids=["Llama", "Mistral", "GPTNeoX", "Qwen3"],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_ladder_is_one_uninterrupted_generation(
    kind: str, settings: dict[str, Any], dtype: str, tmp_path: Path
) -> None:
    """Forks, segments and a window that ended long ago change nothing, and no prefix is read twice."""
    folder = language_model(tmp_path / "m", kind, **settings)
    model = opened(folder, dtype=dtype)
    tokens, reread = asyncio.run(ladder(model, PROMPT, (0, 8, 16, 40)))
    whole = asyncio.run(decode(opened(folder, dtype=dtype), PROMPT, 40))
    assert whole.metadata["cached_tokens"] == 0
    assert tokens == list(whole.metadata["token_ids"].ids)
    assert len(set(tokens)) > 4  # no constant
    assert reread[0] == len(PROMPT)  # nothing was held before the first fork
    assert max(reread[1:]) <= 0
    if dtype == "float32":  # Transformers reads the prompt's last token with the others, which rounds otherwise
        inner: Any = model.api._inner
        with torch.inference_mode():
            own = inner.model.generate(torch.tensor([PROMPT]), max_new_tokens=40, do_sample=False)[0, len(PROMPT) :]
        assert tokens == own.tolist()[: len(tokens)]


def test_keys_of_a_prompt_do_not_depend_on_what_was_read_with_it_or_before_it(tmp_path: Path) -> None:
    """A cue behind it, or a question that begins like it, changes the shape of a sum, and with it the rounding."""
    engine = opened(language_model(tmp_path / "m", hidden_size=256, intermediate_size=512)).api._engine  # type: ignore[attr-defined]

    def keys(prompt: list[int], *before: list[int]) -> Any:
        engine.traces = HeldTraces(1 << 30, engine.block)
        for ids in (*before, prompt):
            engine.complete(Request(ids, 1, Sampler(temperature=0, top_p=1))).result()
        return engine.traces.take(prompt).cache.layers[-1].keys[..., : len(prompt) - 1, :]

    for prompt in ([*range(3, 3 + length)] for length in (67, 131)):
        alone = keys(prompt)
        for before in ([*prompt, 9, 8, 7, 6, 5], [*prompt[:50], 9, *range(40)], [*prompt[:-2], 9, *range(40)]):
            assert torch.equal(keys(prompt, before), alone)


def test_traces_in_a_batch_are_the_traces_alone(folder: Path) -> None:
    async def run(model: Model) -> list[list[int]]:
        prompts = [PROMPT[: 20 + 7 * number] for number in range(6)]
        return [tokens for tokens, _ in await asyncio.gather(*(ladder(model, p, (0, 6, 30)) for p in prompts))]

    together, alone = [
        asyncio.run(run(opened(folder, dtype="float32", batch_size=size, revision=None))) for size in (6, 1)
    ]
    assert together == alone
    assert len({tuple(tokens) for tokens in alone}) == 6


def test_draws_of_one_question_keep_each_their_prefix(folder: Path) -> None:
    async def climb(model: Model, seed: int) -> tuple[list[int], int]:
        tokens: list[int] = []
        lost = 0
        for limit in (10, 10):
            output = await decode(model, PROMPT + tokens, limit, temperature=1.0, seed=seed)
            if tokens:
                lost += len(PROMPT) + len(tokens) - 1 - output.metadata["cached_tokens"]
            tokens += output.metadata["token_ids"].ids
        return tokens, lost

    async def run() -> None:
        model = opened(folder)
        traces = await asyncio.gather(*(climb(model, seed) for seed in (1, 2, 1)))
        assert traces[0][0] == traces[2][0] != traces[1][0]
        assert [lost for _, lost in traces] == [0, 0, 0]

    asyncio.run(run())


def test_what_was_dropped_for_memory_is_read_again_and_counted_so(folder: Path) -> None:
    async def run() -> None:
        model = opened(folder, cache_gb=1e-9)
        first = await decode(model, PROMPT, 12)
        again = await decode(model, PROMPT + list(first.metadata["token_ids"].ids), 4)
        assert again.metadata["cached_tokens"] == 0
        assert again.usage.input_tokens == len(PROMPT) + 12
        assert model.api._engine.traces.bytes == 0
        held = opened(folder)
        assert list((await decode(held, PROMPT, 12)).metadata["token_ids"].ids) == list(first.metadata["token_ids"].ids)
        assert held.api._engine.traces.bytes > 0

    asyncio.run(run())


def test_a_branch_is_copied_while_there_is_room_and_another_trace_is_never_cut(folder: Path) -> None:
    async def run(gb: float) -> list[int]:
        model = opened(folder, cache_gb=gb)
        stem = list((await decode(model, PROMPT, 12)).metadata["token_ids"].ids)
        branches = [[*PROMPT, *stem, token, token + 1] for token in (5, 9)]
        for branch in branches:
            await decode(model, branch, 12)
        return [(await decode(model, branch, 2)).metadata["cached_tokens"] for branch in branches]

    assert asyncio.run(run(1)) == [len(PROMPT) + 13] * 2
    one = 1.5 * 80 * 2 * 2 * 2 * 8 * 4 / 1e9  # no room for a copy: the later branch takes the place of the first
    assert min(asyncio.run(run(one))) < len(PROMPT) + 13


def test_likelihoods_are_those_of_the_tokens_sampled(folder: Path) -> None:
    async def run() -> None:
        model = opened(folder, dtype="float32")
        free = await decode(model, PROMPT, 6, logprobs=True, top_logprobs=5)
        entries = free.choices[0].logprobs.content
        stated = [entry.logprob for entry in entries]
        assert stated == [max(other.logprob for other in entry.top_logprobs) for entry in entries]  # greedy
        assert all(len(entry.top_logprobs) == 5 for entry in entries)
        told, tokens = await model.api.likelihood(PROMPT, list(free.metadata["token_ids"].ids), truth=None)
        assert told == pytest.approx(stated[: len(told)], abs=1e-4)
        assert tokens == len(PROMPT) + len(told)

    asyncio.run(run())


def test_a_cancelled_request_leaves_the_others_alone(folder: Path) -> None:
    async def run() -> None:
        model = opened(folder, batch_size=2)
        expected = list((await decode(model, PROMPT[:30], 20)).metadata["token_ids"].ids)
        endless = asyncio.create_task(decode(model, PROMPT, 440))
        await asyncio.sleep(0.05)
        beside = asyncio.create_task(decode(model, PROMPT[:30], 20))
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await endless
        assert list((await beside).metadata["token_ids"].ids) == expected

    asyncio.run(run())


def test_a_failure_in_the_model_is_that_of_its_requests_alone(folder: Path) -> None:
    async def run() -> None:
        model = opened(folder)
        with pytest.raises(IndexError):
            await decode(model, [*PROMPT, 10**6], 4)
        assert (await decode(model, PROMPT, 4)).metadata["cached_tokens"] == 0

    asyncio.run(run())


def test_chats_use_the_template_and_graders_inspects_own_provider(folder: Path) -> None:
    model = opened(folder)
    chat = [ChatMessageSystem(content="Be brief."), ChatMessageUser(content="Why?")]
    ids = asyncio.run(model.api.render(chat))
    assert model.api._inner.tokenizer.decode(ids) == "<system>Be brief.\n<user>Why?\n<assistant>"
    answer = asyncio.run(model.generate(chat, config=GenerateConfig(max_tokens=5, temperature=0)))
    assert list(answer.metadata["token_ids"].ids) == list(asyncio.run(decode(model, ids, 5)).metadata["token_ids"].ids)
    grader = open_model(f"hf/{folder}", {}, role="grader")
    assert type(grader.api).__module__.startswith("inspect_ai.")
    assert str(grader) == str(model) == f"hf/{folder}"
    assert grader.api is model.api._inner  # the weights are in memory once


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no template": ({"template": None}, {}, "has no chat template"),
    "an unknown device": ({}, {"device": "cuda:7"}, r"there is no device 'cuda:7' here. Devices: cpu"),
    "no device at all": ({}, {"device": "gpu"}, r"there is no device 'gpu' here"),
    "memory in words": ({}, {"cache_gb": "much"}, "cache_gb=much: needed: a number of GB"),
    "a batch of none": ({}, {"batch_size": 0.5}, "batch_size=0.5: needed: a whole number"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_one_message(case: str, tmp_path: Path) -> None:
    settings, arguments, message = REFUSED[case]
    folder = language_model(tmp_path / "m", **settings)
    with pytest.raises(InputError, match=message):
        opened(folder, **arguments)
    if case == "no template":
        assert opened(folder, use_chat_template=False).api.context_tokens() == 512


def test_folders_and_hubs_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is not there; needed: a folder with config.json"):
        opened(tmp_path / "absent")
    with pytest.raises(InputError, match="has no config.json"):
        opened(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(InputError, match="no configuration for 'nobody/nothing'") as refused:
        open_model("hf/nobody/nothing", {})
    assert len(refused.value.lines) == 1
    assert "overthink/smollm2" not in str(refused.value)


def test_weights_that_do_not_fit_are_not_loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overthink.collect.providers.huggingface.open.available_memory", lambda: 1000)
    monkeypatch.setattr(
        "overthink.collect.providers.huggingface.open.get_model", lambda *_, **__: pytest.fail("loaded")
    )
    with pytest.raises(InputError, match=r"GB for its weights, and 0\.0 GB are free on cpu"):
        opened(folder)


def test_a_state_that_cannot_be_cut_back_is_refused(tmp_path: Path) -> None:
    folder = language_model(tmp_path / "m", "Qwen3")
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace("full_attention", "linear_attention"))
    with pytest.raises(InputError, match="linear_attention"):
        opened(folder)


def test_a_study_runs_on_it(overthink: Any, tmp_path: Path) -> None:
    folder = language_model(tmp_path / "m", max_position_embeddings=4096)  # of bytes: a prompt has a thousand
    task = ("--capability", "overthink/arithmetic", "--draws", "2", "--limit", "2", "--answer-tokens", "4")
    study = str(tmp_path / "study")
    code, _, message = overthink("run", "--model", f"hf/{folder}", *task, "--budgets", "0,8,16", "--out", study)
    assert code == 0, message
    assert Path(study, "pool.parquet").is_file()
    code, _, message = overthink("run", "--model", f"hf/{folder}", *task, "--budgets", "0,9999", "--out", f"{study}2")
    assert code == 2
    assert "does not fit the context window" in message
