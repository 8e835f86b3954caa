"""`hf/NAME` where PyTorch is not needed: sampling, text of tokens, memory, and what is refused before loading."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overthink.collect.model_info.info import inspect_model
from overthink.collect.providers.huggingface.decoding import Detokenizer, Likely, Sampler
from overthink.collect.providers.huggingface.open import check_memory, weight_bytes
from overthink.collect.session.open import open_model
from overthink.errors import InputError

LOGITS = np.log(np.array([0.05, 0.5, 0.15, 0.3]))


def likely(head: int = 4) -> Likely:
    order = np.argsort(-LOGITS)
    return Likely(LOGITS[order[:head]], order[:head], lambda: LOGITS)


def draws(n: int, *, head: int = 4, **settings: Any) -> list[int]:
    sampler = Sampler(**{"temperature": 1.0, "top_p": 1.0, "seed": 3} | settings)
    mass = float(np.log(np.exp(LOGITS / sampler.temperature).sum())) if sampler.temperature else 0.0
    return [sampler.draw(likely(head), mass) for _ in range(n)]


@pytest.mark.parametrize(
    ("settings", "shares"),
    [
        ({}, [0.05, 0.5, 0.15, 0.3]),
        ({"top_p": 0.79}, [0, 0.625, 0, 0.375]),
        ({"top_p": 0.81}, [0, 0.5 / 0.95, 0.15 / 0.95, 0.3 / 0.95]),
        ({"top_k": 2}, [0, 0.625, 0, 0.375]),
        ({"temperature": 0.5}, np.array([0.05, 0.5, 0.15, 0.3]) ** 2 / (np.array([0.05, 0.5, 0.15, 0.3]) ** 2).sum()),
        ({"temperature": 0}, [0, 1, 0, 0]),
    ],
)
def test_tokens_are_drawn_by_their_probabilities(settings: dict[str, Any], shares: Any) -> None:
    n = 4000
    counts = np.bincount(draws(n, **settings), minlength=4) / n
    assert counts == pytest.approx(np.asarray(shares), abs=4 * 0.5 / n**0.5)
    assert (counts[np.asarray(shares) == 0] == 0).all()


def test_draws_are_functions_of_the_seed_alone_and_not_of_how_many_tokens_were_sorted() -> None:
    assert draws(40) == draws(40) != draws(40, seed=4)
    for settings in ({}, {"top_p": 0.9}, {"top_k": 3}, {"top_p": 0.6}):
        assert draws(40, head=1, **settings) == draws(40, head=2, **settings) == draws(40, **settings)


class Bytes:
    """A tokenizer of bytes; token 256 is a word with a leading space that is not written at the beginning."""

    def decode(self, ids: list[int], **_: object) -> str:
        parts = [b" word" if token == 256 else bytes([token]) for token in ids]
        text = b"".join(parts).decode(errors="replace")
        return text[1:] if ids[:1] == [256] else text


def test_texts_of_segments_join_to_the_text_of_the_whole() -> None:
    ids = [*"a é".encode(), 256, *"€".encode(), 256]
    detokenizer = Detokenizer(Bytes())
    whole = detokenizer.text(ids, after=[65])
    assert whole == "a é word€ word"
    for cut in range(len(ids) + 1):
        first, second = detokenizer.text(ids[:cut], after=[65]), detokenizer.text(ids[cut:], after=[65, *ids[:cut]])
        assert first + second == whole
        assert "\ufffd" not in first + second


def test_a_stop_text_and_the_token_that_holds_its_beginning_are_left_out() -> None:
    detokenizer = Detokenizer(Bytes())
    ids = [*b"so", 256, *b"!!"]
    assert not detokenizer.ends_with_stop(ids[:2], after=[65], stops=("or",))
    assert detokenizer.ends_with_stop(ids[:3], after=[65], stops=("or",))
    assert detokenizer.before_stop(ids[:3], after=[65], stops=("rd", "or")) == ([*b"so"], "so w", "or")
    assert detokenizer.before_stop(ids, after=[65], stops=("!!", "!")) == ([*b"so", 256], "so word", "!")


def test_without_pytorch_it_says_what_to_install(overthink: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    own = importlib.util.find_spec
    lacking = {"torch", "accelerate"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name in lacking else own(name, *more))
    task = ("--capability", "overthink/arithmetic", "--budgets", "0,8", "--draws", "1", "--limit", "1")
    code, _, message = overthink("run", "--model", "hf/any/name", *task, "--out", "study")
    assert code == 2
    assert "pip install 'overthink[hf]'" in message
    assert "torch" in message


def safetensors(folder: Path, *, values: int) -> Path:
    """A folder whose file states that many values of two bytes, and has as much room without filling it."""
    folder.mkdir()
    entry = {"dtype": "BF16", "shape": [values], "data_offsets": [0, 2 * values]}
    header = json.dumps({"weight": entry}).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 2 * values)
    return folder


def test_too_little_memory_says_how_much_is_needed_and_free(tmp_path: Path) -> None:
    folder = safetensors(tmp_path / "big", values=10**9)
    assert weight_bytes(folder, dtype=None) == 2 * 10**9
    assert weight_bytes(folder, dtype="float32") == 4 * 10**9
    needed = weight_bytes(folder, dtype="float32")
    with pytest.raises(InputError, match=r"needs 4\.4 GB for its weights, and 4\.3 GB are free on cpu"):
        check_memory("hf/big", needed=needed, free=4_300_000_000, place="on cpu")
    check_memory("hf/big", needed=needed, free=4_500_000_000, place="on cpu")
    check_memory("hf/big", needed=weight_bytes(tmp_path, dtype=None), free=1, place="")  # unknown


def test_weights_in_a_folder_tell_the_cost_and_a_grader_is_left_to_inspect(tmp_path: Path) -> None:
    folder = safetensors(tmp_path / "model", values=8)
    assert inspect_model(f"hf/{folder}").weights == folder
    assert inspect_model("hf/some/name", {"model_path": str(folder)}).weights == folder
    assert inspect_model("hf/some/name").weights is None
    if importlib.util.find_spec("torch") is None:
        with pytest.raises(InputError, match="grader 'hf/some/name' cannot be used"):
            open_model("hf/some/name", {}, role="grader")
