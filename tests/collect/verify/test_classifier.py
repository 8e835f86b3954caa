"""A sequence classifier: which label is read, how, and what is said where something is missing."""

import asyncio
import builtins
import math
import sys
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from inspect_ai.model import ChatMessageUser

from overthink.collect.continuation import Prefix
from overthink.collect.thinking import Means, Path
from overthink.collect.till import Till
from overthink.collect.verify.classifier import ClassifierVerifier, softmax
from overthink.errors import InputError

MEANS = Means(cast("Any", None), cast("Any", None), Till(), (ChatMessageUser(content="Why?"),))
PATH = Path(Prefix(""), steps=("a good step\n", "a bad one\n"))


class _Ids(list[int]):
    @property
    def shape(self) -> tuple[int, int]:
        return 1, len(self)


def stand_in(monkeypatch: pytest.MonkeyPatch, labels: dict[int, str]) -> list[str]:
    """Transformers and PyTorch as the verifier uses them: a classifier whose last logit counts "good"."""
    read: list[str] = []

    class Tokenizer:
        def __call__(self, text: str, **_: object) -> dict[str, Any]:
            read.append(text)
            return {"input_ids": _Ids(range(len(text.split())))}

    class Classifier:
        config = SimpleNamespace(id2label=labels)

        def eval(self) -> None:
            pass

        def __call__(self, **_: object) -> Any:
            logits = [0.0] * (len(labels) - 1) + [float(read[-1].count("good") - read[-1].count("bad"))]
            return SimpleNamespace(logits=[SimpleNamespace(tolist=lambda: logits)])

    def load(made: object) -> Any:
        def from_pretrained(name: str) -> object:
            if name == "nowhere":
                raise OSError("nowhere is not a local folder\nand more")
            return made

        return SimpleNamespace(from_pretrained=from_pretrained)

    transformers, torch = ModuleType("transformers"), ModuleType("torch")
    transformers.AutoTokenizer = load(Tokenizer())  # type: ignore[attr-defined]
    transformers.AutoModelForSequenceClassification = load(Classifier())  # type: ignore[attr-defined]
    torch.inference_mode = nullcontext  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers", transformers)
    monkeypatch.setitem(sys.modules, "torch", torch)
    return read


def test_the_label_that_is_named_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = stand_in(monkeypatch, {0: "unsound", 1: "sound"})
    made = ClassifierVerifier(model="m", label="sound", sigmoid=False)
    said = asyncio.run(made.steps(MEANS, PATH, last_only=False))
    assert said.scores == pytest.approx((1 / (1 + math.exp(-1)), 0.5))
    assert read == ["Why?\n\na good step\n", "Why?\n\na good step\na bad one\n"]
    assert said.tokens == sum(len(text.split()) for text in read)
    other = ClassifierVerifier(model="m", label="0", sigmoid=False)
    assert asyncio.run(other.steps(MEANS, PATH, last_only=True)).scores == pytest.approx((0.5,))
    assert asyncio.run(other.answer(MEANS, PATH, "good good")).scores == pytest.approx((1 / (1 + math.exp(2)),))
    with pytest.raises(InputError, match="no label 'right'; it has: unsound, sound"):
        ClassifierVerifier(model="m", label="right", sigmoid=False)
    with pytest.raises(InputError, match="nowhere cannot be loaded .nowhere is not a local folder."):
        ClassifierVerifier(model="nowhere", label="sound", sigmoid=False)


def test_one_number_is_a_logit_and_somebody_has_to_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch, {0: "reward"})
    path = Path(Prefix(""), steps=("good good",))
    with pytest.raises(InputError, match="gave 2; needed: probabilities.*sigmoid=true"):
        asyncio.run(ClassifierVerifier(model="m", label="reward", sigmoid=False).steps(MEANS, path, last_only=False))
    made = ClassifierVerifier(model="m", label="reward", sigmoid=True)
    assert asyncio.run(made.steps(MEANS, path, last_only=False)).scores == pytest.approx((0.8807970779,))


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name in ("torch", "transformers"):
            raise ImportError(name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"needs torch. Run: pip install 'overthink\[classifier\]'"):
        ClassifierVerifier(model="m", label="x", sigmoid=False)


def test_softmax_survives_large_logits() -> None:
    assert softmax([1e4, 0.0]) == [1.0, 0.0]
    assert sum(softmax([1.0, 2.0, 3.0])) == pytest.approx(1)
