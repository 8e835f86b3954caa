"""The simulated model reads and hashes each token a few times, however long its trace and however it is cut."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inspect_ai.model import ChatMessageUser, GenerateConfig

from overthink.collect.providers.simulated import provider, thinking
from overthink.collect.providers.simulated.provider import SimulatedProvider
from overthink.collect.providers.simulated.thinking import TurnReading, encode
from overthink.collect.providers.token_ids import TokenIds

TRUTH = {"question": "q", "draw": 0, "seed": 5, "good": "ANSWER: 42", "bad": "ANSWER: 7"}


class Counted(SimulatedProvider):
    """The provider without Inspect around it, as a ladder uses it."""

    def __init__(self) -> None:
        super().__init__("simulated", safety="0:0.5")

    def decode(self, ids: tuple[int, ...], limit: int, **truth: Any) -> tuple[tuple[int, ...], str | None]:
        """Tokens and stop word of one request."""
        stop = ["\n"] if truth.pop("is_step", False) else None
        told = TRUTH | {"axis": "safety"} | truth
        message = ChatMessageUser(content="", metadata={"prompt_token_ids": TokenIds(ids), "truth": told})
        config = GenerateConfig(max_tokens=limit, temperature=0.8, seed=limit, stop_seqs=stop)
        output = asyncio.run(self.generate([message], [], "none", config))
        return output.metadata["token_ids"].ids, output.metadata["stop"]


def count(counts: dict[str, int], name: str, function: Callable[[Any], bytes], ids: Any) -> bytes:
    counts[name] += len(ids)
    return function(ids)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Tokens that were read as text or made ready to be hashed, one by one."""
    counts = dict.fromkeys(("bytes_of", "packed"), 0)
    for name in counts:
        counting = partial(count, counts, name, getattr(thinking, name))
        monkeypatch.setattr(provider, name, counting)
        monkeypatch.setattr(thinking, name, counting)
    return counts


def trace(tokens: int, room: int, *, is_step: bool) -> int:
    """Think up to a number of tokens, and answer after every segment; the number of tokens of the prompt."""
    model, prompt = Counted(), tuple(encode("<|user|>May I?\n<|assistant|>"))
    ids = prompt
    while (n := len(ids) - len(prompt)) < tokens:
        new, stop = model.decode(ids, room, phase="think", thinking_tokens=n, is_step=is_step)
        ids += new + ((thinking.encode("\n")[0],) if stop == "\n" else ())
        model.decode(ids + tuple(encode("Answer:")), 8, phase="answer", thinking_tokens=n)
    return len(prompt)


@pytest.mark.parametrize(("room", "is_step"), [(256, False), (64, True)])
def test_twice_the_thinking_is_twice_the_work(work: dict[str, int], room: int, is_step: bool) -> None:
    spent = []
    for tokens in (512, 1024):
        work.update(bytes_of=0, packed=0)
        prompt = trace(tokens, room, is_step=is_step)
        spent.append(sum(work.values()) - 2 * prompt)
        assert spent[-1] < 7 * tokens
    assert spent[1] < 2.1 * spent[0]


def test_a_forgotten_prefix_is_read_again(work: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "MOST_PREFIXES", 0)
    trace(1024, 64, is_step=True)
    assert sum(work.values()) > 20 * 1024  # the control: reading every prefix from its beginning is noticed


LINES = st.lists(
    st.sampled_from(["<|assistant|>", "\n", " fix", " off", " bad", "safe", "safety", " é", "😀", " lun"]), max_size=20
)


@given(LINES, st.integers(0, 80), st.binary(max_size=6))
def test_a_text_read_in_two_parts_is_read_as_one(parts: list[str], at: int, broken: bytes) -> None:
    data = "".join(parts).encode()
    data = data[:at] + broken + data[at:]
    reading = TurnReading().read(data[:at]).read(data[at:])
    own = data.decode("utf-8", "replace").rpartition("<|assistant|>")[2]
    turn = reading.turn()
    assert turn.steps == tuple(line for line in own.split("\n") if line.startswith((" fix", " off")))
    assert (turn.sound, turn.shaky) == tuple(sum(s.startswith(mark) for s in turn.steps) for mark in (" fix", " off"))
    assert turn.care_calls == len(thinking._CARE.findall(own))
    assert reading.line_tokens == len(encode(own.rpartition("\n")[2]))
    assert thinking.last_step(own) == (turn.steps[-1] if turn.steps else "")
