"""A model's shape as it is typed: numbers, files, and both."""

from pathlib import Path

import pytest
from shape_files import config, safetensors

from overthink.collect.model_info.info import read_shape, read_shapes
from overthink.cost.model_shape import ModelShape
from overthink.errors import InputError

MIXTURE = {"num_hidden_layers": 2, "num_local_experts": 8, "num_experts_per_tok": 2}


def test_every_number_is_read() -> None:
    text = (
        "parameters:47e9;active_parameters:13e9;layers:32;heads:32;kv_heads:8;hidden_size:4096;head_width:128;"
        "vocabulary:32000;weight_bytes:0.5; cache_bytes : 2"
    )
    wanted = ModelShape(47e9, 13e9, 32, 32, 8, 4096, 128, 32000, 0.5, 2)
    assert read_shape(text).shape == wanted
    assert read_shape(text).source.endswith("weight_bytes, cache_bytes as stated")


def test_all_parameters_of_a_dense_model_are_active() -> None:
    assert read_shape("parameters:8e9").shape.active_parameters == 8e9
    assert read_shape("parameters:8e9;active_parameters:1e9").shape.active_parameters == 1e9
    assert read_shape("active_parameters:1e9").shape.parameters is None


def test_numbers_go_before_what_a_file_says(tmp_path: Path) -> None:
    path = config(tmp_path / "tiny", num_hidden_layers=2, hidden_size=8, vocab_size=10)
    found = read_shape(f"config:{path};parameters:8e9;layers:3")
    assert (found.shape.active_parameters, found.shape.layers, found.shape.hidden_size) == (8e9, 3, 8)
    assert found.source.startswith("config.json of tiny")
    assert found.source.endswith("parameters, layers as stated")
    safetensors(path / "model.safetensors", {"a.weight": (4, 8)})
    assert read_shape(f"config:{path};parameters:64").shape.active_parameters == 64


def test_a_mixture_of_experts_is_never_taken_for_dense(tmp_path: Path) -> None:
    path = config(tmp_path / "moe", **MIXTURE)
    assert read_shape(f"config:{path};parameters:47e9").shape.active_parameters is None
    both = read_shape(f"config:{path};parameters:47e9;active_parameters:13e9").shape
    assert (both.parameters, both.active_parameters) == (47e9, 13e9)
    safetensors(path / "model.safetensors", {"a.weight": (4, 8), "l.experts.up": (8, 4, 8)})
    assert read_shape(f"config:{path};parameters:47e9").shape.active_parameters == 32 + 64


def test_a_model_ends_where_its_shape_begins() -> None:
    assert list(read_shapes(["openai/gpt, effort=low=parameters:1e9"])) == ["openai/gpt, effort=low"]
    assert list(read_shapes(["a/b=layers:2;heads:2", "c=layers:1"])) == ["a/b", "c"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a/b", "cannot be read; needed: --model-shape MODEL=config:PATH"),
        ("=parameters:8e9", "cannot be read"),
        ("a/b=size:8e9", "cannot be read"),
        ("a/b=parameters:8B", "a number above 0, such as 8e9"),
        ("a/b=parameters:0", "a number above 0"),
        ("a/b=parameters:-1", "a number above 0"),
        ("a/b=parameters:nan", "a number above 0"),
        ("a/b=parameters:1e999", "a number above 0"),
        ("a/b=layers:2.5", "a whole number"),
        ("a/b=layers:2;layers:3", "layers is given twice"),
        ("a/b=layers:2;depth:3", "'depth:3' cannot be read; needed: NAME:VALUE, of config, gguf, parameters"),
        ("a/b=layers:", "cannot be read"),
        ("a/b=config:x;gguf:y", "two files"),
        ("a/b=config:nowhere", "nowhere is not there; needed: a Hugging Face folder"),
        ("a/b=gguf:nowhere", "no weight file at nowhere"),
        ("a/b=parameters:1;active_parameters:2", "at most as many"),
    ],
)
def test_what_cannot_be_is_refused(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_shapes([text])


def test_a_model_has_one_shape() -> None:
    with pytest.raises(InputError, match="given twice for a/b"):
        read_shapes(["a/b=layers:2", "a/b=heads:2"])
