"""Model shape from a Hugging Face ``config.json`` and the weights in its folder."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from overthink.collect.model_info.safetensors import ParameterCount, count_parameters
from overthink.cost.model_shape import ModelShape, SourcedShape
from overthink.errors import InputError
from overthink.paths import name_text, path_kind, read_file

CONFIG = "config.json"
MAX_CONFIG_BYTES = 16 << 20
"""Maximum bytes of a configuration."""

_NESTED = ("text_config", "llm_config", "language_config")
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_HEADS = ("num_attention_heads", "n_head", "n_heads")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "multi_query_group_num")
_WIDTH = ("hidden_size", "n_embd", "d_model")
_VOCABULARY = ("vocab_size", "padded_vocab_size")
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_ACTIVE_EXPERTS = (
    "num_experts_per_tok",
    "num_experts_per_token",
    "experts_per_token",
    "moe_top_k",
    "moe_k",
    "top_k_experts",
    "moe_topk",
)
_ALIKE = {"full_attention", "sliding_attention", "chunked_attention", "attention"}
_OTHER_ATTENTION = (
    "kv_lora_rank",
    "layers_block_type",
    "attn_layer_period",
    "hybrid_override_pattern",
    "attn_layer_indices",
    "attn_type_list",
    "block_types",
    "block_configs",
    "per_layer_config",
    "full_attention_interval",
    "global_head_dim",
    "num_kv_shared_layers",
    "ssm_cfg",
    "is_encoder_decoder",
)
_DRAFTS = "num_nextn_predict_layers"
"""Key of the number of draft (multi-token prediction) layers after the model's own."""
_WINDOWS = ("sliding_window", "attention_chunk_size")


def config_shape(path: str | Path) -> SourcedShape:
    """Read a model's shape.

    Parameters are counted in the safetensors files of a folder; a configuration alone does not state them. Values that
    the file leaves to the model's code stay unknown, and so does the attention cost if layers differ.

    Args:
        path: A folder in Hugging Face layout, or a ``config.json`` alone.

    Raises:
        InputError: There is no configuration, or a file is truncated, damaged or forged.
    """
    root = Path(path)
    file = _config_file(root)
    config = _language(_read(file))

    def number(names: tuple[str, ...]) -> int | None:
        return next((value for name in names if (value := _number(config, name, file)) is not None), None)

    layers = number(_LAYERS)
    own = layers if config.get(_DRAFTS) else None
    count = count_parameters(root, layers=own) if file != root else f"{CONFIG} alone does not tell them"
    experts = number(_EXPERTS)
    active_experts = (
        None if config.get("zero_expert_num") else number(_ACTIVE_EXPERTS)
    )  # zero experts may be among the active ones
    shape = ModelShape(
        layers=layers,
        heads=number(_HEADS),
        kv_heads=number(_KV_HEADS),
        hidden_size=number(_WIDTH),
        head_width=number(("head_dim",)),
        vocabulary=number(_VOCABULARY),
        **_weights(count, experts, active_experts),
    )
    name = name_text(file.resolve().parent.name or file.name)
    source = f"{CONFIG} of {name}" if isinstance(count, str) else f"{CONFIG} and weights of {name}"
    if isinstance(count, str):
        source += f"; parameters unknown: {count}"
    sourced_shape = SourcedShape(shape, source)
    if _has_uneven_attention(config):
        return sourced_shape.without_attention("its layers are not alike, or attend in a way of their own")
    if config.get("use_sliding_window") is not False and any(config.get(name) for name in _WINDOWS):
        return replace(sourced_shape, source=f"{source}; its attention windows are counted as if they had no end")
    return sourced_shape


def is_mixture(path: str | Path) -> bool:
    """Return whether the configuration is that of a mixture of experts with partial activation."""
    root = Path(path)
    file = _config_file(root)
    config = _language(_read(file))
    return any((_number(config, name, file) or 0) > 1 for name in _EXPERTS)


def _config_file(path: Path) -> Path:
    return path / CONFIG if path_kind(path) == "a folder" else path


def _read(file: Path) -> dict[str, Any]:
    if (kind := path_kind(file)) != "a file":
        raise InputError(f"{file} is {kind}; needed: a Hugging Face folder with its {CONFIG}, or that file")
    try:
        config = json.loads(read_file(file, follow=True, most=MAX_CONFIG_BYTES))
    except (ValueError, RecursionError) as failure:
        raise InputError(f"{file} is not JSON ({str(failure)[:120]}); needed: a model's configuration") from failure
    if not isinstance(config, dict):
        raise InputError(f"{file} is no JSON object; needed: a model's configuration")
    return config


def _language(config: dict[str, Any]) -> Mapping[str, Any]:
    """Return the configuration of the language model, if it is nested in a multimodal one."""
    for name in _NESTED:
        if isinstance(config.get(name), dict):
            inner: Mapping[str, Any] = config[name]
            return inner
    return config


def _number(config: Mapping[str, Any], name: str, file: Path) -> int | None:
    value = config.get(name)
    if isinstance(value, list) and all(type(item) is int for item in value):  # one value per layer
        value = value[0] if len(set(value)) == 1 else None
    if value is None or value == 0:
        return None
    if type(value) is not int or not 0 < value < 1 << 40:
        raise InputError(f"{file}: {name} is {str(value)[:80]!r}; needed: a whole number")
    return value


def _has_uneven_attention(config: Mapping[str, Any]) -> bool:
    kinds = config.get("layer_types")
    unlike = isinstance(kinds, list) and not all(isinstance(kind, str) and kind in _ALIKE for kind in kinds)
    return unlike or any(config.get(name) for name in _OTHER_ATTENTION)


def _weights(count: ParameterCount | str, experts: int | None, active_experts: int | None) -> dict[str, float]:
    if isinstance(count, str) or not count.parameters:
        return {}
    sizes = {"parameters": float(count.parameters), "weight_bytes": count.bytes / count.parameters}
    active = float(count.parameters - count.inactive)
    if count.experts:
        if experts is None or active_experts is None or active_experts > experts:
            return sizes
        active -= count.experts * (experts - active_experts) / experts
    elif experts is not None and experts > 1:
        return sizes  # a mixture with unrecognised expert names
    return sizes | {"active_parameters": active}
