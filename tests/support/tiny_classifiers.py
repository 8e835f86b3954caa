"""Tiny sequence classifiers of the real Transformers, made here from random weights; nothing is downloaded."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

torch.set_num_threads(1)  # models this small are slower on several

WIDTH = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
POSITIONS = 192


def byte_tokenizer(*, ends: bool, pads: bool = True, longest: int | None = None) -> Any:
    """A token is a byte; `ends` puts a special token before and behind a text."""
    special = ["[CLS]", "[SEP]", *(["[PAD]"] if pads else [])]
    words = special + sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={word: number for number, word in enumerate(words)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if ends:
        made.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
        )
    given: dict[str, Any] = {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    given |= {"pad_token": "[PAD]"} if pads else {}
    given |= {} if longest is None else {"model_max_length": longest}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **given)


def word_tokenizer(words: Sequence[str]) -> Any:
    """A token is one of these words, or unknown."""
    vocabulary = {word: number for number, word in enumerate(["[UNK]", "[CLS]", *words])}
    made = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 1)])
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]", cls_token="[CLS]")


def labelled(labels: Sequence[str], tokenizer: Any, **more: Any) -> dict[str, Any]:
    """Settings that every kind of model takes."""
    return {
        "vocab_size": len(tokenizer),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
        "pad_token_id": tokenizer.pad_token_id,
        "max_position_embeddings": POSITIONS,
        **WIDTH,
        **more,
    }


def bert(folder: Path, labels: Sequence[str], *, dtype: Any = torch.float32, **more: Any) -> Any:
    """An encoder with 192 learned positions."""
    tokenizer = byte_tokenizer(ends=True)
    config = transformers.BertConfig(**labelled(labels, tokenizer, num_hidden_layers=1, **more))
    return saved(folder, transformers.BertForSequenceClassification(config), tokenizer, dtype)


def roberta(folder: Path, labels: Sequence[str]) -> Any:
    """An encoder that counts its 192 positions behind that of padding, token 2: it reads 189 tokens."""
    tokenizer = byte_tokenizer(ends=True)
    config = transformers.RobertaConfig(**labelled(labels, tokenizer, num_hidden_layers=1))
    return saved(folder, transformers.RobertaForSequenceClassification(config), tokenizer, torch.float32)


def decoder(folder: Path, labels: Sequence[str], kind: str = "Llama", **more: Any) -> Any:
    """A decoder without a pad token, and with one key and value head for two heads."""
    tokenizer = byte_tokenizer(ends=False, pads=False)
    heads = {"num_key_value_heads": 1, "num_hidden_layers": 2, "bos_token_id": None, "eos_token_id": None}
    config = getattr(transformers, f"{kind}Config")(**labelled(labels, tokenizer, **heads, **more))
    return saved(folder, getattr(transformers, f"{kind}ForSequenceClassification")(config), tokenizer, torch.float32)


def saved(folder: Path, model: Any, tokenizer: Any, dtype: Any) -> Any:
    """The model with weights that make its logits differ, saved with its tokenizer."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(0, 0.5, generator=generator)
    model = model.to(dtype).eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return model


def guard_that_reads_a_word(folder: Path, word: str, others: Sequence[str]) -> None:
    """A decoder whose weights are set so that it finds a text unsafe if, and only if, a word is in it.

    Its one attention looks at every token alike and writes the share of the word's tokens, many times enlarged, into
    a direction of its own. The head compares that direction with the one that all other tokens have.
    """
    tokenizer = word_tokenizer([word, *others])
    config = transformers.LlamaConfig(
        **labelled(["unsafe", "safe"], tokenizer, num_hidden_layers=1, bos_token_id=None, eos_token_id=None)
        | {"max_position_embeddings": 4096, "num_attention_heads": 1}
    )
    model = transformers.LlamaForSequenceClassification(config)
    other, marked, found = 0, 1, 2
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
        model.model.embed_tokens.weight[:, other] = 1.0
        model.model.embed_tokens.weight[tokenizer.convert_tokens_to_ids(word)] = torch.eye(WIDTH["hidden_size"])[marked]
        attention = model.model.layers[0].self_attn
        attention.v_proj.weight[found, marked] = 1.0
        attention.o_proj.weight[found, found] = 1e5
        model.score.weight[0, found] = model.score.weight[1, other] = 1.0
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def changed(file: Path, **settings: Any) -> None:
    """Other settings in a JSON file of a folder; None takes one out."""
    read = json.loads(file.read_text()) | settings
    file.write_text(json.dumps({name: value for name, value in read.items() if value is not None}))
