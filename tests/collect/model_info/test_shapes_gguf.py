"""The shape in a GGUF file: what llama.cpp itself says of it, experts counted by use, and hostile headers."""

import importlib.util
import struct
from pathlib import Path
from typing import Any

import httpx
import pytest
from embedded import SERVER
from hypothesis import given
from hypothesis import strategies as st
from shape_files import gguf

from overthink.collect.model_info.gguf import CACHE_BYTES, LONGEST_LIST, gguf_shape, read_header
from overthink.collect.providers.embedded import weights
from overthink.errors import InputError

SMALL: dict[str, Any] = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.embedding_length": 8,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "tokenizer.ggml.tokens": ["a", "b", "ccc"],
}
TENSORS = {"token_embd.weight": (8, 3), "blk.0.attn_q.weight": (8, 8), "rope_freqs.weight": (4,)}


@pytest.fixture(scope="module")
def embedded() -> Path:
    if weights.find_weights() is None or importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("the embedded model is not installed; run: overthink model install")
    return weights.embedded_path()


def test_the_embedded_model_is_what_its_card_says(embedded: Path) -> None:
    found = gguf_shape(embedded)
    shape = found.shape
    assert (shape.layers, shape.heads, shape.kv_heads, shape.hidden_size) == (30, 9, 3, 576)
    assert (shape.vocabulary, shape.width_of_a_head) == (49152, 64)
    assert shape.parameters == shape.active_parameters == 134_515_008
    assert shape.missing == ()
    assert found.source == f"the header of {embedded.name}"


def test_llama_cpp_counts_the_same(embedded: Path) -> None:
    import xllamacpp

    from overthink.collect.providers.embedded.server import ServerOptions, server_for

    server = server_for(ServerOptions.for_machine(embedded, **SERVER))
    address = server._engines[0].listening_address
    told = httpx.get(f"{address}/v1/models", trust_env=False).json()["data"][0]["meta"]
    shape = gguf_shape(embedded).shape
    assert (shape.parameters, shape.hidden_size, shape.vocabulary) == (
        told["n_params"],
        told["n_embd"],
        told["n_vocab"],
    )
    assert shape.parameters is not None
    assert shape.weight_bytes == told["size"] / shape.parameters
    default = xllamacpp.CommonParams()
    assert default.cache_type_k == default.cache_type_v == xllamacpp.ggml_type.GGML_TYPE_F16
    assert CACHE_BYTES == 2


def test_rope_tables_are_no_parameters(tmp_path: Path) -> None:
    shape = gguf_shape(gguf(tmp_path / "m.gguf", SMALL, TENSORS, data=176)).shape
    assert shape.parameters == shape.active_parameters == 88
    assert (shape.weight_bytes, shape.vocabulary, shape.cache_bytes_per_token) == (2, 3, 2 * 2 * 2 * 2 * CACHE_BYTES)


@pytest.mark.parametrize("name", ["blk.1.ffn_gate_exps.weight", "blk.1.ffn_up.7.weight"])
def test_experts_count_by_their_use(tmp_path: Path, name: str) -> None:
    values = SMALL | {"llama.expert_count": 8, "llama.expert_used_count": 2}
    shape = gguf_shape(gguf(tmp_path / "m.gguf", values, TENSORS | {name: (8, 4, 8)}, data=1000)).shape
    assert (shape.parameters, shape.active_parameters) == (88 + 256, 88 + 64)
    shared = TENSORS | {"blk.1.ffn_gate_shexp.weight": (8, 4, 8)}
    assert gguf_shape(gguf(tmp_path / "m.gguf", values, shared, data=1000)).shape.active_parameters == 88 + 256


def test_experts_of_unknown_use_leave_active_parameters_unknown(tmp_path: Path) -> None:
    tensors = TENSORS | {"blk.1.ffn_gate_exps.weight": (8, 4, 8)}
    shape = gguf_shape(gguf(tmp_path / "m.gguf", SMALL, tensors, data=1000)).shape
    assert (shape.parameters, shape.active_parameters) == (344, None)


def test_without_its_key_every_head_has_keys_of_its_own(tmp_path: Path) -> None:
    plain = {key: value for key, value in SMALL.items() if not key.endswith("_kv")}
    assert gguf_shape(gguf(tmp_path / "m.gguf", plain, TENSORS, data=176)).shape.kv_heads == 4


@pytest.mark.parametrize(
    "other",
    [
        {"llama.attention.head_count_kv": [2, 0]},
        {"llama.attention.kv_lora_rank": 16},
        {"llama.attention.key_length": 4, "llama.attention.value_length": 2},
        {"llama.ssm.state_size": 4},
    ],
)
def test_attention_of_another_kind_stays_unknown(tmp_path: Path, other: dict[str, Any]) -> None:
    found = gguf_shape(gguf(tmp_path / "m.gguf", SMALL | other, TENSORS, data=176))
    assert found.shape.attention_flop_per_position is found.shape.cache_bytes_per_token is None
    assert found.shape.active_parameters == 88
    assert "a way of their own" in found.source


def test_heads_that_are_alike_in_a_list_are_one_number(tmp_path: Path) -> None:
    values = SMALL | {"llama.attention.head_count": [4, 4], "llama.attention.sliding_window": 64}
    found = gguf_shape(gguf(tmp_path / "m.gguf", values, TENSORS, data=176))
    assert found.shape.heads == 4
    assert "windows are counted as if they had no end" in found.source


def test_parts_of_a_model_are_added_up(tmp_path: Path) -> None:
    split = {"split.count": 2}
    first = gguf(tmp_path / "m-00001-of-00002.gguf", SMALL | split, TENSORS, data=176)
    with pytest.raises(InputError, match="m-00002-of-00002.gguf is not beside it"):
        gguf_shape(first)
    gguf(tmp_path / "m-00002-of-00002.gguf", split, {"output.weight": (8, 3)}, data=48)
    assert gguf_shape(first).shape.parameters == 88 + 24
    assert gguf_shape(first).shape.weight_bytes == 2
    with pytest.raises(InputError, match="needed: the first of at most"):
        gguf_shape(gguf(tmp_path / "alone.gguf", SMALL | split, TENSORS, data=176))


def test_long_lists_of_numbers_are_passed_over(tmp_path: Path) -> None:
    values = SMALL | {"tokenizer.ggml.scores": list(range(LONGEST_LIST + 1)), "llama.rope.factors": [1, 2]}
    header = read_header(gguf(tmp_path / "m.gguf", values, TENSORS, data=176))
    assert "tokenizer.ggml.scores" not in header.values
    assert (header.values["llama.rope.factors"], header.values["tokenizer.ggml.tokens"]) == ((1, 2), 3)
    assert header.data_bytes == 176


def test_hostile_headers_are_refused(tmp_path: Path) -> None:
    def refused(content: bytes, why: str) -> None:
        path = tmp_path / "m.gguf"
        path.write_bytes(content)
        with pytest.raises(InputError, match=why):
            gguf_shape(path)

    key = struct.pack("<Q", 1) + b"k"
    refused(b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1")
    refused(b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "little-endian")
    refused(b"GGUF" + struct.pack("<IQQ", 3, 0, 2**64 - 1), "are left")
    refused(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**63), "a name of")
    refused(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<IQ", 8, 2**40), "a name of|are left")
    refused(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<IIQ", 9, 4, 2**62), "are left")
    refused(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<IIQ", 9, 9, 1), "kind 9")
    refused(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<I", 77), "kind 77")
    refused(b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + key + struct.pack("<I", 5), "5 dimensions")
    refused(gguf(tmp_path / "big.gguf", SMALL, {"x": (2**60, 2**60)}, data=8).read_bytes(), "announces")
    refused(gguf(tmp_path / "none.gguf", SMALL, {}, data=8).read_bytes(), "announces 0 parameters")
    refused(gguf(tmp_path / "odd.gguf", SMALL | {"llama.block_count": 2.5}, TENSORS, data=176).read_bytes(), "2.5")


def test_lists_in_lists_are_refused_without_recursion(tmp_path: Path) -> None:
    path, key = tmp_path / "m.gguf", struct.pack("<Q", 1) + b"k"
    nested = struct.pack("<IQ", 9, 1) * 3000 + struct.pack("<IQB", 0, 1, 0)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<I", 9) + nested)
    with pytest.raises(InputError, match="a list of values of kind 9"):
        gguf_shape(path)


def test_a_name_that_is_not_utf_8_is_no_obstacle(tmp_path: Path) -> None:
    path = gguf(tmp_path / "m.gguf", SMALL | {"general.name": "xyz"}, TENSORS, data=176)
    path.write_bytes(path.read_bytes().replace(b"xyz", b"\xff\xfe\xfd"))
    assert read_header(path).values["general.name"] == "\ufffd" * 3
    assert gguf_shape(path).shape.parameters == 88


@pytest.mark.parametrize(("kind", "length"), [(8, 10**9), (0, 2 * 10**10)])
def test_a_sparse_file_of_many_gigabytes_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: int, length: int
) -> None:
    monkeypatch.setattr("overthink.collect.model_info.gguf.MAX_HEADER_BYTES", 100_000)
    path, key = tmp_path / "m.gguf", struct.pack("<Q", 1) + b"k"
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key + struct.pack("<IIQ", 9, kind, length))
        file.truncate(32 << 30)
    with pytest.raises(InputError, match="more than 100,000 bytes"):
        gguf_shape(path)


def test_a_header_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("overthink.collect.model_info.gguf.MAX_HEADER_BYTES", 100)
    with pytest.raises(InputError, match="more than 100 bytes"):
        gguf_shape(gguf(tmp_path / "m.gguf", SMALL, TENSORS, data=176))


@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("damaged") / "m.gguf"
    content = bytearray(gguf(path, SMALL, TENSORS, data=176).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(5, len(content)))])
    assert "needed" in said_of(path)


def said_of(path: Path) -> str:
    """What is said where a file is refused."""
    try:
        found = gguf_shape(path).shape
    except InputError as refused:
        return str(refused)
    return "read, and nothing is needed" if found.parameters else "nothing was read"
