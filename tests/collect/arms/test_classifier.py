"""A sequence classifier: which label is read, how, and what is said where something is missing.

Transformers and PyTorch are stand-ins here; test_classifier_real.py runs the real ones where they are installed.
"""

import asyncio
import builtins
import math
from collections.abc import Callable
from pathlib import Path as File
from typing import Any, cast

import pytest
from inspect_ai.model import ChatMessageUser
from stand_in_classifier import stand_in

from overthink.collect.arms.verifiers.base import UnreadableScoreError
from overthink.collect.arms.verifiers.classifier import ClassifierVerifier, softmax
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Prefix
from overthink.errors import InputError

MEANS = TraceContext(cast("Any", None), cast("Any", None), UsageMeter(), (ChatMessageUser(content="Why?"),))
PATH = ReasoningPath(Prefix(""), steps=("a good step\n", "a bad one\n"))


def goodness(text: str) -> float:
    return float(text.count("good") - text.count("bad"))


def opened(folder: File, label: str, *, sigmoid: bool = False, cut_front: bool = False) -> ClassifierVerifier:
    cut = "front" if cut_front else "none"
    return ClassifierVerifier(model=str(folder), label=label, sigmoid=sigmoid, cut=cut).open()


def scores(made: ClassifierVerifier, path: ReasoningPath = PATH, *, last_only: bool = False) -> tuple[float, ...]:
    return asyncio.run(made.steps(MEANS, path, last_only=last_only)).scores


def logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def test_the_label_that_is_named_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    read = stand_in(monkeypatch, tmp_path, ["unsound", "sound"], lambda text: [0.0, goodness(text)])
    made = opened(tmp_path, "sound")
    said = asyncio.run(made.steps(MEANS, PATH, last_only=False))
    assert said.scores == pytest.approx((logistic(1), 0.5))
    assert sorted(read) == ["Why?\n\na good step\n", "Why?\n\na good step\na bad one\n"]
    assert said.tokens == sum(len(text.split()) for text in read)
    other = opened(tmp_path, "0")
    assert scores(other, last_only=True) == pytest.approx((0.5,))
    assert asyncio.run(other.answer(MEANS, PATH, "good good")).scores == pytest.approx((logistic(-2),))
    assert asyncio.run(other.solution(MEANS, PATH, "good")).scores == pytest.approx((logistic(-1), 0.5, logistic(-1)))


def test_a_label_is_a_name_before_it_is_a_number(monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    stand_in(monkeypatch, tmp_path, ["1", "0"], lambda text: [0.0, math.log(3)])
    assert scores(opened(tmp_path, "0"), last_only=True) == pytest.approx((0.75,))
    assert scores(opened(tmp_path, "1"), last_only=True) == pytest.approx((0.25,))
    stand_in(monkeypatch, tmp_path, ["safe", "safe", "unsafe"], lambda text: [0.0, 0.0, 0.0])
    with pytest.raises(InputError, match="has 2 labels 'safe'; name one by its number"):
        opened(tmp_path, "safe")
    with pytest.raises(InputError, match="no label 'right'; it has: safe, safe, unsafe"):
        opened(tmp_path, "right")
    assert scores(opened(tmp_path, "1"), last_only=True) == pytest.approx((1 / 3,))


def test_one_number_is_a_logit_and_somebody_has_to_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    stand_in(monkeypatch, tmp_path, ["reward"], lambda text: [goodness(text)])
    path = ReasoningPath(Prefix(""), steps=("good good",))
    with pytest.raises(InputError, match="gave 2; needed: probabilities.*sigmoid=true"):
        scores(opened(tmp_path, "reward"), path)
    assert scores(opened(tmp_path, "reward", sigmoid=True), path) == pytest.approx((logistic(2),))


def test_labels_that_do_not_exclude_each_other_are_read_one_by_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: File
) -> None:
    def logits(text: str) -> list[float]:
        return [2.0, 2.0, -1.0]

    stand_in(monkeypatch, tmp_path, ["a", "b", "c"], logits, problem="multi_label_classification")
    assert scores(opened(tmp_path, "b"), last_only=True) == pytest.approx((logistic(2),))
    stand_in(monkeypatch, tmp_path, ["a", "b", "c"], logits)
    assert scores(opened(tmp_path, "b"), last_only=True) == pytest.approx((softmax([2, 2, -1])[1],))
    assert scores(opened(tmp_path, "b", sigmoid=True), last_only=True) == pytest.approx((logistic(2),))


def test_a_text_that_is_too_long_has_no_score_or_loses_its_beginning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: File
) -> None:
    read = stand_in(monkeypatch, tmp_path, ["unsound", "sound"], lambda text: [0.0, goodness(text)], longest=5)
    with pytest.raises(UnreadableScoreError, match="has 7 tokens and the classifier reads at most 5.*cut=front") as gap:
        scores(opened(tmp_path, "sound"))
    assert gap.value.tokens == 0  # the longest comes first, so nothing was read in vain
    assert len(read) == 1
    said = asyncio.run(opened(tmp_path, "sound", cut_front=True).steps(MEANS, PATH, last_only=False))
    assert said.tokens == 4 + 5


def test_what_fails_on_the_way_is_a_gap_that_has_been_paid_for(monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    def logits(text: str) -> list[float]:
        if "bad" not in text:
            raise RuntimeError("not enough memory: 1 TB\nmore")
        return [0.0, 0.0]

    stand_in(monkeypatch, tmp_path, ["unsound", "sound"], logits)
    with pytest.raises(
        UnreadableScoreError, match="^the classifier failed: RuntimeError: not enough memory: 1 TB$"
    ) as gap:
        scores(opened(tmp_path, "sound"))
    assert gap.value.tokens == 7 + 4


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("labels", [["reward"], ["unsound", "sound"]])
def test_what_is_not_finite_is_unknown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: File, broken: float, labels: list[str]
) -> None:
    stand_in(monkeypatch, tmp_path, labels, lambda text: [*[0.0] * (len(labels) - 1), broken])
    for label in ("0", labels[-1]):
        with pytest.raises(UnreadableScoreError, match="NaN, infinite or missing"):
            scores(opened(tmp_path, label, sigmoid=len(labels) == 1), last_only=True)


def _without_weights(folder: File) -> None:
    (folder / "model.safetensors").unlink()


def _only_pickled(folder: File) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _with(name: str, text: str, *, weights: bool = True) -> Callable[[File], None]:
    def change(folder: File) -> None:
        (folder / name).write_text(text)
        if not weights:
            (folder / "model.safetensors").unlink()

    return change


INDEX = "model.safetensors.index.json"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_without_weights, "it holds no weights; needed: model.safetensors"),
        (_only_pickled, r"its weights are pickled .pytorch_model.bin., which can run code"),
        (_with("adapter_config.json", "{}"), "holds an adapter"),
        (_with("config.json", "{"), "config.json is missing or cannot be read .JSONDecodeError"),
        (_with("config.json", "[" * 100_000), "config.json is missing or cannot be read .RecursionError"),
        (_with("config.json", "[]"), "config.json is no JSON object"),
        (_with("config.json", '{"quantization_config": {"quant_method": "mxfp4"}}'), "has quantization_config"),
        (_with("config.json", '{"transformers_weights": "adapter_model.bin"}'), "has transformers_weights"),
        (_with("config.json", '{"text": [{"_attn_implementation": "a/kernel"}]}'), "_attn_implementation='a/kernel'"),
        (_with("config.json", '{"attn_implementation": {"x": "a/kernel"}}'), "asks for attn_implementation="),
        (_with(INDEX, '{"weight_map": {"w": "pytorch_model.bin"}}', weights=False), "names 'pytorch_model.bin'"),
        (_with(INDEX, '{"weight_map": {"w": "../a.safetensors"}}', weights=False), "names '../a.safetensors'"),
        (_with(INDEX, '{"weight_map": {"w": "gone.safetensors"}}', weights=False), "safetensors files beside it"),
        (_with(INDEX, '{"weight_map": []}', weights=False), "has no weight_map"),
        (_with("broken", ""), "cannot be loaded .OSError: nothing here.; its files"),
    ],
)
def test_a_folder_that_is_not_safe_or_not_whole_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: File, change: Callable[[File], None], told: str
) -> None:
    stand_in(monkeypatch, tmp_path, ["reward"], lambda text: [0.0])
    harmless = '{"text_config": {"_attn_implementation": "sdpa", "_attn_implementation_autoset": true}}'
    (tmp_path / "config.json").write_text(harmless)
    opened(tmp_path, "reward")
    change(tmp_path)
    with pytest.raises(InputError, match=told):
        opened(tmp_path, "reward")


def test_what_is_no_folder_or_no_classifier_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: File) -> None:
    stand_in(monkeypatch, tmp_path, ["a", "b"], lambda text: [0.0, 0.0], missing=("score.weight",))
    with pytest.raises(InputError, match=r"has no weights for score.weight \(1 are missing\).*drawn at random"):
        opened(tmp_path, "a")
    with pytest.raises(InputError, match="model=org/name is no folder.*Nothing is fetched from a hub.*hf download"):
        opened(File("org/name"), "a")


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name in ("torch", "transformers"):
            raise ImportError(name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"needs torch. Run: pip install 'overthink\[classifier\]'"):
        opened(File("m"), "x")


def test_softmax_survives_large_logits() -> None:
    assert softmax([1e4, 0.0]) == [1.0, 0.0]
    assert sum(softmax([1.0, 2.0, 3.0])) == pytest.approx(1)
    assert all(math.isnan(one) for one in softmax([0.0, -math.inf]))
