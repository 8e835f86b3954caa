"""The shape in a Hugging Face folder: counted in the headers of its weights, and unknown where nothing tells it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shape_files import config, raw_safetensors, safetensors

from overthink.collect.model_info import safetensors as shapes_safetensors
from overthink.collect.model_info.hf_config import config_shape
from overthink.errors import InputError

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "hidden_size": 8,
    "vocab_size": 10,
    "torch_dtype": "bfloat16",
}
DENSE = {"model.embed_tokens.weight": (10, 8), "model.layers.0.mlp.up_proj.weight": (16, 8), "model.norm.weight": (8,)}
MIXTURE = LLAMA | {"num_local_experts": 4, "num_experts_per_tok": 1}


def folder(path: Path, tensors: dict[str, Any], **fields: Any) -> Path:
    config(path, **fields)
    safetensors(path / "model.safetensors", tensors)
    return path


def test_a_dense_model_is_counted(tmp_path: Path) -> None:
    found = config_shape(folder(tmp_path / "tiny", DENSE, **LLAMA))
    shape = found.shape
    assert shape.parameters == shape.active_parameters == 80 + 128 + 8
    assert (shape.layers, shape.heads, shape.kv_heads, shape.hidden_size, shape.vocabulary) == (2, 4, 2, 8, 10)
    assert (shape.weight_bytes, shape.width_of_a_head) == (2, 2)
    assert shape.missing == ("bytes per cached value",)
    assert found.source == "config.json and weights of tiny"


def test_a_configuration_alone_does_not_tell_parameters(tmp_path: Path) -> None:
    path = folder(tmp_path / "tiny", DENSE, **LLAMA) / "config.json"
    found = config_shape(path)
    assert found.shape.parameters is found.shape.active_parameters is found.shape.weight_bytes is None
    assert found.shape.layers == 2
    assert "does not tell" in found.source


@pytest.mark.parametrize(
    "experts",
    [
        {f"model.layers.0.mlp.experts.{e}.{w}.weight": (4, 8) for e in range(4) for w in ("w1", "w2")},
        {"model.layers.0.mlp.experts.gate_up_proj": (4, 8, 8)},
    ],
)
def test_experts_count_by_their_use(tmp_path: Path, experts: dict[str, Any]) -> None:
    shared = {"model.layers.0.mlp.shared_experts.up_proj.weight": (3, 8)}
    shape = config_shape(folder(tmp_path / "moe", DENSE | shared | experts, **MIXTURE)).shape
    assert shape.parameters == 216 + 24 + 256
    assert shape.active_parameters == 216 + 24 + 64


def test_experts_go_by_other_names_and_use_may_be_told_by_layer(tmp_path: Path) -> None:
    granite = {f"model.layers.0.block_sparse_moe.{end}_linear.weight": (4, 8, 8) for end in ("input", "output")}
    router = {"model.layers.0.block_sparse_moe.router.layer.weight": (4, 8)}
    shape = config_shape(folder(tmp_path / "granite", DENSE | router | granite, **MIXTURE)).shape
    assert (shape.parameters, shape.active_parameters) == (216 + 32 + 512, 216 + 32 + 128)
    fused = DENSE | {"model.layers.0.mlp.experts.gate_up_proj": (6, 8, 24)}
    hunyuan = LLAMA | {"num_experts": 6, "moe_topk": [2, 2]}
    active = config_shape(folder(tmp_path / "hunyuan", fused, **hunyuan)).shape.active_parameters
    assert active == 600 != 216 + 1152 - 1152 * (1 - 2 / 6)  # no rounding, that is
    for name, unlike in (("unlike", {"moe_topk": [1, 2]}), ("idle", {"moe_topk": 2, "zero_expert_num": 3})):
        assert config_shape(folder(tmp_path / name, fused, **hunyuan | unlike)).shape.active_parameters is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("model.layers.2.mlp.up_proj.weight", {"num_nextn_predict_layers": 1}),
        ("model.layers.2.mlp.experts.0.up_proj.weight", {"num_nextn_predict_layers": 1, **MIXTURE}),
        ("mtp.layers.0.mlp.up_proj.weight", {}),
        ("model.language_model.embed_tokens_per_layer.weight", {}),
        ("model.connector.modality_projection.proj.weight", {}),
    ],
)
def test_what_a_token_is_not_multiplied_with_is_not_active(tmp_path: Path, name: str, told: dict[str, Any]) -> None:
    own = {"model.layers.1.mlp.experts.0.up_proj.weight": (4, 8)} if "num_local_experts" in told else {}
    shape = config_shape(folder(tmp_path / "a", DENSE | own | {name: (5, 8)}, **LLAMA | told)).shape
    assert (shape.parameters, shape.active_parameters) == (216 + 40 + 32 * len(own), 216 + 8 * len(own))
    if "num_nextn_predict_layers" in told:  # without drafts every layer that is there is the model's own
        told = told | {"num_nextn_predict_layers": 0}
        active = config_shape(
            folder(tmp_path / "b", DENSE | own | {name: (5, 8)}, **LLAMA | told)
        ).shape.active_parameters
        assert active == (216 + 40 if not own else 216 + (40 + 32) / 4)


def test_experts_of_unknown_use_or_name_leave_active_parameters_unknown(tmp_path: Path) -> None:
    fused = DENSE | {"model.layers.0.mlp.experts.gate_up_proj": (4, 8, 8)}
    assert config_shape(folder(tmp_path / "a", fused, **LLAMA)).shape.active_parameters is None
    assert config_shape(folder(tmp_path / "b", DENSE, **MIXTURE)).shape.active_parameters is None
    too_many = MIXTURE | {"num_experts_per_tok": 5}
    assert config_shape(folder(tmp_path / "c", fused, **too_many)).shape.active_parameters is None


def test_shards_are_added_up_as_the_index_names_them(tmp_path: Path) -> None:
    path = config(tmp_path / "sharded", **LLAMA)
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    index = {"weight_map": {"a.weight": names[0], "b.weight": names[1]}}
    (path / "model.safetensors.index.json").write_text(json.dumps(index))
    safetensors(path / names[0], {"a.weight": (4, 8)})
    lacking = config_shape(path)
    assert lacking.shape.parameters is None
    assert "1 of its 2 files with weights are not there" in lacking.source
    safetensors(path / names[1], {"b.weight": (2, 8)}, kind="F32")
    shape = config_shape(path).shape
    assert (shape.parameters, shape.weight_bytes) == (48, (32 * 2 + 16 * 4) / 48)
    safetensors(path / names[1], {"a.weight": (2, 8)})
    with pytest.raises(InputError, match="twice"):
        config_shape(path)


def test_the_language_model_of_several_parts_is_read(tmp_path: Path) -> None:
    tensors = DENSE | {"vision_tower.encoder.weight": (5, 8), "model.visual.blocks.0.weight": (2, 8)}
    path = folder(tmp_path / "sees", tensors, vision_config={"num_hidden_layers": 99}, text_config=LLAMA)
    shape = config_shape(path).shape
    assert (shape.layers, shape.parameters, shape.active_parameters) == (2, 216 + 56, 216)


def test_names_of_other_families_are_known(tmp_path: Path) -> None:
    path = folder(tmp_path / "gpt2", DENSE, n_layer=12, n_head=12, n_embd=768, vocab_size=50257, model_type="gpt2")
    shape = config_shape(path).shape
    assert (shape.layers, shape.heads, shape.hidden_size, shape.kv_heads) == (12, 12, 768, None)


def test_masks_of_old_checkpoints_are_no_parameters(tmp_path: Path) -> None:
    masks = {"h.0.attn.bias": (1, 1, 64, 64), "h.0.attn.masked_bias": (), "rotary_emb.inv_freq": (4,)}
    masks |= {"model.layers.0.mlp.gate.e_score_correction_bias": (4,), "model.layers.0.self_attn.key_decay": (4, 9, 1)}
    bias = {"h.0.attn.c_attn.bias": (8,), "h.1.attn.bias": (8,)}
    assert config_shape(folder(tmp_path / "old", DENSE | masks | bias, **LLAMA)).shape.parameters == 216 + 16


def test_packed_weights_are_not_counted(tmp_path: Path) -> None:
    path = config(tmp_path / "gptq", **LLAMA)
    packed = DENSE | {"model.layers.0.self_attn.q_proj.qweight": (8, 8)}
    safetensors(path / "model.safetensors", packed, kinds={"model.layers.0.self_attn.q_proj.qweight": "I32"})
    found = config_shape(path)
    assert found.shape.parameters is None
    assert "packed" in found.source
    safetensors(path / "model.safetensors", DENSE, kind="F8_E4M3")
    assert config_shape(path).shape.weight_bytes == 1


@pytest.mark.parametrize(
    "other",
    [
        {"layer_types": ["full_attention", "linear_attention"]},
        {"kv_lora_rank": 512},
        {"layer_types": [[]]},
        {"full_attention_interval": 4},
        {"global_head_dim": 512},
        {"num_kv_shared_layers": 2},
        {"attn_layer_indices": [1]},
    ],
)
def test_attention_of_another_kind_stays_unknown(tmp_path: Path, other: dict[str, Any]) -> None:
    shape = config_shape(folder(tmp_path / "other", DENSE, **LLAMA, **other)).shape
    assert shape.attention_flop_per_position is shape.cache_bytes_per_token is None
    assert shape.active_parameters == 216


def test_windows_are_told(tmp_path: Path) -> None:
    assert "windows" in config_shape(config(tmp_path / "a", **LLAMA, sliding_window=4096)).source
    assert "windows" not in config_shape(config(tmp_path / "b", **LLAMA, sliding_window=None)).source
    off = config(tmp_path / "c", **LLAMA, sliding_window=4096, use_sliding_window=False)
    assert "windows" not in config_shape(off).source


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", "[" * 100_000, '{"num_hidden_layers": "32"}', '{"hidden_size": -1}', '{"hidden_size": true}',
     '{"vocab_size": 1e99}', '{"num_attention_heads": NaN}'],
)  # fmt: skip
def test_broken_configurations_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match="needed"):
        config_shape(tmp_path)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not there; needed: a Hugging Face folder"):
        config_shape(tmp_path)


@pytest.mark.parametrize("name", ["../secret.safetensors", "/etc/passwd", "a\\b.safetensors", "weights.bin"])
def test_an_index_names_files_beside_it_only(tmp_path: Path, name: str) -> None:
    path = config(tmp_path / "odd", **LLAMA)
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(InputError, match=r"\.safetensors files beside it"):
        config_shape(path)


def tensor(**fields: Any) -> bytes:
    return json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | fields}).encode()


@pytest.mark.parametrize(
    "header",
    [
        tensor(shape=[3]), tensor(shape=[-2]), tensor(shape=[2.0]), tensor(shape=[True, 2]), tensor(shape="2"),
        tensor(shape=[1] * 9), tensor(shape=[2**70]), tensor(dtype="X"), tensor(dtype=[]), tensor(dtype=None),
        tensor(data_offsets=[8, 16]), tensor(data_offsets=[0]), tensor(data_offsets=[8, 0]), tensor(data_offsets={}),
        b'{"a": 3}', b"[]", b"{", b"\xff", b"[" * 100_000,
        tensor()[:-1] + b', "b": ' + tensor()[6:],  # two in one place
    ],
)  # fmt: skip
def test_hostile_headers_are_refused(tmp_path: Path, header: bytes) -> None:
    path = config(tmp_path / "odd", **LLAMA)
    raw_safetensors(path / "model.safetensors", tensor(), data=8)
    assert config_shape(path).shape.parameters == 2
    raw_safetensors(path / "model.safetensors", header, data=8)
    with pytest.raises(InputError, match="cut off, damaged or made up"):
        config_shape(path)


def test_lengths_are_held_against_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = config(tmp_path / "odd", **LLAMA)
    for length in (2**63, 10_000):
        raw_safetensors(path / "model.safetensors", tensor(), data=8, length=length)
        with pytest.raises(InputError, match="announces a header"):
            config_shape(path)
    (path / "model.safetensors").write_bytes(b"\0\0")
    with pytest.raises(InputError, match="2 bytes"):
        config_shape(path)
    monkeypatch.setattr(shapes_safetensors, "LARGEST_HEADER", 10)
    raw_safetensors(path / "model.safetensors", tensor(), data=8)
    with pytest.raises(InputError, match="announces a header"):
        config_shape(path)


@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = folder(tmp_path_factory.mktemp("damaged"), DENSE, **LLAMA) / "model.safetensors"
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 300))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    assert "needed" in said_of(path.parent)


def said_of(folder: Path) -> str:
    """What is said where a folder is refused."""
    try:
        config_shape(folder)
    except InputError as refused:
        return str(refused)
    return "read, and nothing is needed"
