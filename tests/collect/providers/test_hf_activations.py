"""Activations of `hf/NAME`: those of Transformers itself, whatever was held, and a probe that reads a stored study."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hf_weights import require_torch, smollm2

from overthink.collect.monitors.base import Excerpt, Suspicion
from overthink.collect.monitors.registry import read_monitor
from overthink.collect.session.open import open_model
from overthink.data.oversight import View
from overthink.errors import InputError

NEEDED = "needs the extra hf: pip install 'overthink[hf]'; run: make test-hf"
torch = pytest.importorskip("torch", reason=NEEDED)
pytest.importorskip("transformers", reason=NEEDED)

from tiny_language_models import language_model  # noqa: E402 - it needs both

PROMPT = [*range(3, 43)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_torch()
    return language_model(tmp_path_factory.mktemp("llama") / "m")


def excerpt(thought: str) -> Excerpt:
    return Excerpt(View.COT, "How much is 3 + 4?", thought, None)


def test_activations_are_those_of_transformers_and_do_not_depend_on_what_is_held(folder: Path) -> None:
    model = open_model(f"hf/{folder}", {"dtype": "float32"})
    api = model.api
    first, held = asyncio.run(api.activations(PROMPT[:20]))  # type: ignore[attr-defined]
    longer, reused = asyncio.run(api.activations(PROMPT))  # type: ignore[attr-defined]
    assert (held, reused) == (0, 20)
    for states, length in ((first, 20), (longer, 40)):
        inner = api._inner.model  # type: ignore[attr-defined]
        with torch.inference_mode():
            output = inner(torch.tensor([PROMPT[:length]]), output_hidden_states=True)
        expected = np.stack([layer[0, -1].float().numpy() for layer in output.hidden_states])
        assert states == pytest.approx(expected, abs=1e-4)


def test_a_probe_reads_the_question_once_and_each_text_behind_it(folder: Path) -> None:
    probe = read_monitor(f"probe:model=hf/{folder},layers=2,dims=4,dtype=float32", model="hf/x").monitor.open()

    async def read(texts: tuple[str, ...]) -> list[tuple[Suspicion, Excerpt]]:
        own = [excerpt(text) for text in texts]
        return [(await probe.judge(each), each) for each in own]

    (none, _), (short, first), (long, second) = asyncio.run(read(("", "3 + 4", "3 + 4 is 7")))
    assert none.reading is not None
    assert short.reading is not None
    assert long.reading is not None
    assert none.reading.activations.shape == (2, 4)
    assert none.reading.length == 0
    assert (none.reading.activations == none.reading.prompt).all()
    assert (short.reading.prompt == long.reading.prompt).all()
    assert not np.allclose(short.reading.activations, long.reading.activations)
    assert (second.meter.usage.prompt_tokens or 0) > (first.meter.usage.prompt_tokens or 0)
    assert second.meter.usage.decoded_tokens == 0
    deep = read_monitor(f"probe:model=hf/{folder},layers=60,dims=4", model="hf/x").monitor.open()
    with pytest.raises(InputError, match="no more than it has"):
        asyncio.run(deep.judge(excerpt("3 + 4")))


def test_smollm2_holds_in_mind_which_of_two_texts_it_has_read() -> None:
    """A direction learned on sums of small numbers tells right from wrong results of others better than chance."""
    api = smollm2().api

    async def state(a: int, b: int, *, right: bool) -> np.ndarray:
        text = f"{a} + {b} = {a + b if right else a + b + 3}. This is {'right' if right else 'wrong'}"
        ids = await api.tokenize(text)  # type: ignore[attr-defined]
        states, _ = await api.activations(ids)  # type: ignore[attr-defined]
        return np.asarray(states[15])

    async def table(pairs: list[tuple[int, int]], *, right: bool) -> np.ndarray:
        return np.stack([await state(a, b, right=right) for a, b in pairs])

    first, second = [(2, 3), (4, 1), (5, 2), (3, 6)], [(1, 7), (6, 2), (4, 4)]
    direction = np.subtract(*(asyncio.run(table(first, right=right)).mean(axis=0) for right in (True, False)))
    new_right, new_wrong = (asyncio.run(table(second, right=right)) for right in (True, False))
    assert ((new_right @ direction)[:, None] > new_wrong @ direction).all()
