"""The classifier part with the real Transformers and PyTorch, on tiny models that are made here.

They are no dependency of the tests: without them this file is skipped. To run it: pip install 'overthink[classifier]'.
"""

import asyncio
import shutil
import socket
from collections.abc import Callable
from pathlib import Path as File
from typing import Any, cast

import pytest
from inspect_ai.model import ChatMessageUser

from overthink.collect.arms.verifiers.base import UnreadableScoreError
from overthink.collect.arms.verifiers.classifier import ClassifierVerifier
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.thinking import ReasoningPath, TraceContext
from overthink.collect.providers.continuation import Prefix
from overthink.errors import InputError

NEEDED = "needs the extra classifier: pip install 'overthink[classifier]'"
torch = pytest.importorskip("torch", reason=NEEDED)
transformers = pytest.importorskip("transformers", reason=NEEDED)

import tiny_classifiers as tiny  # noqa: E402 - it needs both

MEANS = TraceContext(cast("Any", None), cast("Any", None), UsageMeter(), (ChatMessageUser(content="Why é?"),))
STEPS = ("Since 2 + 2 = 4,\n", "it is 5 – or not.\n", "[SEP] 4 [CLS]\n")
PATH = ReasoningPath(Prefix(""), steps=STEPS)


def opened(folder: File, label: str = "safe", *, sigmoid: bool = False, cut_front: bool = False) -> ClassifierVerifier:
    cut = "front" if cut_front else "none"
    return ClassifierVerifier(model=str(folder), label=label, sigmoid=sigmoid, cut=cut).open()


def prefixes(answer: str = "") -> list[str]:
    parts = [*STEPS, answer] if answer else [*STEPS]
    return ["Why é?\n\n" + "".join(parts[: end + 1]) for end in range(len(parts))]


KINDS: dict[str, tuple[Callable[[File], Any], str, bool, str]] = {
    "two labels": (lambda f: tiny.bert(f, ["unsafe", "safe"]), "safe", False, "softmax"),
    "by number": (lambda f: tiny.roberta(f, ["unsafe", "safe", "neither"]), "2", False, "softmax"),
    "one output": (lambda f: tiny.bert(f, ["reward"], problem_type="regression"), "reward", True, "sigmoid"),
    "multi-label": (
        lambda f: tiny.bert(f, ["lie", "harm", "safe"], problem_type="multi_label_classification"),
        "safe",
        False,
        "sigmoid",
    ),
    "a reward model": (lambda f: tiny.decoder(f, ["LABEL_0"], "Qwen2"), "0", True, "sigmoid"),
    "a decoder": (lambda f: tiny.decoder(f, ["unsafe", "safe"]), "safe", False, "softmax"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_transformers_own_pipeline(kind: str, tmp_path: File) -> None:
    make, label, sigmoid, function = KINDS[kind]
    make(tmp_path)
    said = asyncio.run(opened(tmp_path, label, sigmoid=sigmoid).solution(MEANS, PATH, "4"))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path, split_special_tokens=True)
    oracle = transformers.pipeline("text-classification", model=str(tmp_path), tokenizer=tokenizer)
    name = oracle.model.config.id2label[int(label)] if label.isdigit() else label
    for text, score in zip(prefixes("4"), said.scores, strict=True):
        expected = {one["label"]: one["score"] for one in oracle(text, top_k=None, function_to_apply=function)}
        assert score == pytest.approx(expected[name], abs=1e-5)
    assert len({round(score, 6) for score in said.scores}) == 4  # random weights tell texts apart
    specials = tokenizer.num_special_tokens_to_add()
    assert said.tokens == sum(len(text.encode()) + specials for text in prefixes("4"))


def test_special_tokens_that_a_model_writes_are_letters(tmp_path: File) -> None:
    tiny.bert(tmp_path, ["unsafe", "safe"])
    made = opened(tmp_path)
    _, tokens = asyncio.run(made.read("", "[SEP]"))
    assert tokens == len("\n\n[SEP]") + 2
    as_special = transformers.AutoTokenizer.from_pretrained(tmp_path)("\n\n[SEP]")["input_ids"]
    assert len(as_special) == 2 + 1 + 2  # what would have been read


def test_what_a_tokenizer_was_saved_with_changes_no_count(tmp_path: File) -> None:
    tiny.bert(tmp_path, ["unsafe", "safe"])
    before = asyncio.run(opened(tmp_path).steps(MEANS, PATH, last_only=False))
    fixed = {"strategy": {"Fixed": 150}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 2}
    padding = fixed | {"pad_type_id": 0, "pad_token": "[PAD]"}
    cut = {"max_length": 9, "stride": 0, "strategy": "LongestFirst", "direction": "Right"}
    tiny.changed(tmp_path / "tokenizer.json", padding=padding, truncation=cut)
    assert asyncio.run(opened(tmp_path).steps(MEANS, PATH, last_only=False)) == before
    from tokenizers import Tokenizer

    assert len(Tokenizer.from_file(str(tmp_path / "tokenizer.json")).encode(STEPS[0]).ids) == 150  # the settings bite


def test_a_score_hangs_on_no_neighbour(tmp_path: File) -> None:
    model = tiny.bert(tmp_path, ["unsafe", "safe"])
    made = opened(tmp_path)
    alone = asyncio.run(made.steps(MEANS, PATH, last_only=False))

    async def at_once() -> list[Any]:
        return await asyncio.gather(*[made.steps(MEANS, PATH, last_only=False) for _ in range(8)])

    assert asyncio.run(at_once()) == [alone] * 8
    last = asyncio.run(made.steps(MEANS, PATH, last_only=True))
    assert last.scores == alone.scores[-1:]
    assert asyncio.run(made.answer(MEANS, PATH, "4")).scores == asyncio.run(made.solution(MEANS, PATH, "4")).scores[-1:]
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    batch = tokenizer(prefixes(), return_tensors="pt", padding=True, split_special_tokens=True)
    together = model(**batch).logits.softmax(-1)[:, 1].tolist()
    assert alone.scores == pytest.approx(together, abs=1e-5)


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda f: tiny.bert(f, ["unsafe", "safe"]), 192),
        (lambda f: tiny.roberta(f, ["unsafe", "safe"]), 189),
        (lambda f: tiny.decoder(f, ["unsafe", "safe"]), 192),
    ],
)
def test_a_text_is_read_whole_up_to_the_last_position(make: Callable[[File], Any], most: int, tmp_path: File) -> None:
    model = make(tmp_path)
    ends = transformers.AutoTokenizer.from_pretrained(tmp_path).num_special_tokens_to_add()
    text = "ab" * most
    fits = text[: most - ends - 2]
    made = opened(tmp_path)
    assert asyncio.run(made.read("", fits))[1] == most
    with pytest.raises(UnreadableScoreError, match=f"has {most + 1} tokens and the classifier reads at most {most}"):
        asyncio.run(made.read("", fits + "c"))
    value, tokens = asyncio.run(opened(tmp_path, cut_front=True).read("", text + "END"))
    assert tokens == most
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    kept = tokenizer((text + "END")[-(most - ends) :], return_tensors="pt")
    kept.pop("token_type_ids", None)
    assert value == pytest.approx(model(**kept).logits.softmax(-1)[0, 1].item(), abs=1e-5)
    tiny.changed(tmp_path / "tokenizer_config.json", model_max_length=50)
    with pytest.raises(UnreadableScoreError, match="reads at most 50"):
        asyncio.run(opened(tmp_path).read("", fits))


def test_positions_without_a_limit_that_anybody_told(tmp_path: File) -> None:
    """The control of the one above: a model beyond its positions fails, and that is a gap too."""
    tiny.bert(tmp_path, ["unsafe", "safe"])
    made = opened(tmp_path)
    made._model.limit = None
    with pytest.raises(UnreadableScoreError, match="the classifier failed: RuntimeError") as gap:
        asyncio.run(made.read("", "x" * 300))
    assert gap.value.tokens == 304


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_half_precision_is_kept_and_read(precision: str, tmp_path: File) -> None:
    tiny.bert(tmp_path / "full", ["unsafe", "safe"])
    tiny.bert(tmp_path / "half", ["unsafe", "safe"], dtype=getattr(torch, precision))
    full, half = opened(tmp_path / "full"), opened(tmp_path / "half")
    assert half._model._model.dtype == getattr(torch, precision)
    expected = asyncio.run(full.steps(MEANS, PATH, last_only=False))
    said = asyncio.run(half.steps(MEANS, PATH, last_only=False))
    assert said.scores == pytest.approx(expected.scores, abs=0.05)
    assert said.scores != expected.scores
    assert said.tokens == expected.tokens


# What is refused.


def without_head(folder: File) -> None:
    tokenizer = tiny.byte_tokenizer(ends=True)
    config = transformers.BertConfig(**tiny.labelled(["unsafe", "safe"], tokenizer, num_hidden_layers=1))
    tiny.saved(folder, transformers.BertModel(config), tokenizer, torch.float32)


def with_nan(folder: File) -> None:
    model = tiny.bert(folder, ["unsafe", "safe"])
    with torch.no_grad():
        model.classifier.weight.fill_(float("nan"))
    model.save_pretrained(folder)


def pickled(folder: File) -> None:
    model = tiny.bert(folder, ["unsafe", "safe"])
    (folder / "model.safetensors").unlink()
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


def with_code(folder: File) -> None:
    tiny.bert(folder, ["unsafe", "safe"])
    mapped = {"AutoConfig": "own.Config", "AutoModelForSequenceClassification": "own.Model"}
    tiny.changed(folder / "config.json", model_type="own", auto_map=mapped)
    (folder / "own.py").write_text(
        f"open({str(folder / 'ran')!r}, 'w').close()\n"
        "from transformers import BertConfig as Config, BertForSequenceClassification as Model\n"
    )


def sharded_into_pickle(folder: File) -> None:
    pickled(folder)
    index = '{"metadata": {}, "weight_map": {"classifier.weight": "pytorch_model.bin"}}'
    (folder / "model.safetensors.index.json").write_text(index)


def changed(**settings: Any) -> Callable[[File], None]:
    def make(folder: File) -> None:
        tiny.bert(folder, ["unsafe", "safe"])
        tiny.changed(folder / "config.json", **settings)

    return make


def cut(folder: File) -> None:
    tiny.bert(folder, ["unsafe", "safe"])
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def without_tokenizer(folder: File) -> None:
    tiny.bert(folder, ["unsafe", "safe"])
    for file in folder.glob("token*"):
        file.unlink()


def with_broken_tokenizer(folder: File) -> None:
    tiny.bert(folder, ["unsafe", "safe"])
    (folder / "tokenizer.json").write_text("{}")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (without_head, r"has no weights for classifier\.\w+ .2 are missing., which would be drawn at random"),
        (with_nan, "gives nan, nan for a short text.*broken, or overflow in torch.float32"),
        (pickled, "weights are pickled .pytorch_model.bin., which can run code"),
        (sharded_into_pickle, "names 'pytorch_model.bin'; needed: safetensors files beside it"),
        (with_code, "needs code of its own, and code from a model's folder is never run"),
        (changed(_attn_implementation="somebody/kernel"), "asks for _attn_implementation='somebody/kernel'"),
        (changed(quantization_config={"quant_method": "mxfp4"}), "has quantization_config"),
        (changed(num_attention_heads=0), "cannot be loaded"),
        (changed(num_attention_heads="two"), "cannot be loaded"),
        (changed(hidden_size=32), "cannot be loaded .*do not belong together"),
        (changed(vocab_size=9), "cannot be loaded"),
        (changed(model_type="no such model"), "cannot be loaded"),
        (changed(id2label={"0": "a", "1": "b", "2": "c"}), "cannot be loaded"),
        (cut, "cannot be loaded .SafetensorError"),
        (without_tokenizer, "knows no word|cannot be loaded"),
        (with_broken_tokenizer, "cannot be loaded"),
    ],
)
def test_a_folder_that_cannot_be_trusted_is_refused_by_name(
    make: Callable[[File], None], told: str, tmp_path: File, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("it asks whether to run code, or for a hub")

    make(tmp_path)
    capfd.readouterr()
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, never)
    monkeypatch.setattr(socket.socket, "connect", never)
    monkeypatch.setattr("builtins.input", never)
    with pytest.raises(InputError, match=told) as refused:
        opened(tmp_path, "0")
    assert str(tmp_path) in str(refused.value)
    assert not (tmp_path / "ran").exists()
    assert capfd.readouterr() == ("", "")  # one clear error, and no tables or bars of anybody else's


def test_a_name_on_a_hub_is_refused_without_asking_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **_: asked.append(where))
    for name in ("somebody/guard", "bert-base-uncased", "/nowhere"):
        with pytest.raises(InputError, match=f"model={name} is no folder"):
            opened(File(name))
    assert asked == []


def test_a_folder_from_a_download_is_opened_without_a_network(tmp_path: File, monkeypatch: pytest.MonkeyPatch) -> None:
    """Links to blobs, several files of weights, and code that is not needed: what a snapshot of a hub looks like."""
    made = tmp_path / "made"
    model = tiny.bert(made, ["unsafe", "safe"])
    (made / "model.safetensors").unlink()
    model.save_pretrained(made, max_shard_size="5KB")
    assert len(list(made.glob("model-*.safetensors"))) > 1
    tiny.changed(made / "config.json", auto_map={"AutoModel": "own.Model"}, architectures=["Anything"])
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for file in made.iterdir():
        (snapshot / file.name).symlink_to(file)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("it asks for a hub"))
    said = asyncio.run(opened(snapshot).steps(MEANS, PATH, last_only=True))
    shutil.rmtree(made)
    tiny.bert(made, ["unsafe", "safe"])
    assert said == asyncio.run(opened(made).steps(MEANS, PATH, last_only=True))
