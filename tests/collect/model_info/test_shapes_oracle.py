"""The shape that is read from a folder is the one that Transformers builds from it, for tiny models of many families.

Without Transformers and PyTorch this file is skipped. To run it: pip install 'overthink[classifier]'.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from overthink.collect.model_info.hf_config import config_shape

NEEDED = "needs the extra classifier: pip install 'overthink[classifier]'"
pytest.importorskip("torch", reason=NEEDED)
transformers = pytest.importorskip("transformers", reason=NEEDED)

TINY: dict[str, Any] = {
    "vocab_size": 101,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
EXPERTS = 6
USED = 2
MIXED = {"num_experts": EXPERTS, "num_local_experts": EXPERTS, "n_routed_experts": EXPERTS, "num_experts_per_tok": USED}
MIXED |= {"moe_intermediate_size": 16, "shared_expert_intermediate_size": 16, "n_shared_experts": 1}
GROUPS = {"n_group": 1, "topk_group": 1, "first_k_dense_replace": 1}
LATENT = {"q_lora_rank": 16, "kv_lora_rank": 8, "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8}
LATENT |= {"num_key_value_heads": 4}

DENSE = ["Llama", "Qwen2", "Qwen3", "Mistral", "Gemma2", "Gemma3", "Phi3", "Olmo2", "Granite", "Cohere2", "GPTNeoX"]
MIXTURES: dict[str, dict[str, Any]] = {
    "Mixtral": {},
    "Qwen2Moe": {},
    "Qwen3Moe": {},
    "Olmoe": {},
    "GptOss": {},
    "GraniteMoe": {},
    "Ernie4_5_Moe": {"moe_num_experts": EXPERTS, "moe_k": USED},
    "Glm4Moe": GROUPS,
    "DeepseekV2": GROUPS | LATENT,
    "DeepseekV3": GROUPS | LATENT,
}


def made(family: str, folder: Path, **settings: Any) -> Any:
    names = (f"{family}TextConfig", f"{family}Config")
    config = next(getattr(transformers, name) for name in names if hasattr(transformers, name))
    model = getattr(transformers, f"{family}ForCausalLM")(config(**TINY | settings))
    model.save_pretrained(folder)
    return model


def check_structure(found: Any, config: Any) -> None:
    assert found.layers == config.num_hidden_layers
    assert found.vocabulary == config.vocab_size
    assert found.weight_bytes == 4
    if found.heads is not None:
        assert found.heads == config.num_attention_heads
        assert found.kv_heads == getattr(config, "num_key_value_heads", None)
        assert found.hidden_size == config.hidden_size
        assert found.head_width == getattr(config, "head_dim", None)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("family", DENSE)
def test_a_dense_model_has_the_parameters_that_it_is_built_with(family: str, tied: bool, tmp_path: Path) -> None:
    model = made(family, tmp_path, tie_word_embeddings=tied)
    found = config_shape(tmp_path).shape
    assert found.parameters == found.active_parameters == model.num_parameters()
    assert found.heads is not None
    check_structure(found, model.config)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("family", MIXTURES)
def test_a_mixture_is_active_in_the_experts_that_a_token_uses(family: str, tied: bool, tmp_path: Path) -> None:
    model = made(family, tmp_path, tie_word_embeddings=tied, **MIXED, **MIXTURES[family])
    found = config_shape(tmp_path).shape
    whole = r"\.experts(\.|$)|block_sparse_moe\.(input|output)_linear"
    experts = sum(weight.numel() for name, weight in model.named_parameters() if re.search(whole, name))
    assert experts > 0
    assert found.parameters == model.num_parameters()
    assert found.active_parameters == model.num_parameters() - experts * (EXPERTS - USED) // EXPERTS
    assert (found.heads is None) == ("kv_lora_rank" in MIXTURES[family])  # what a latent costs is not told by heads
    check_structure(found, model.config)


def test_towers_are_parameters_that_no_text_passes_through(tmp_path: Path) -> None:
    tower = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    tower |= {"image_size": 28, "patch_size": 14}
    config = transformers.Gemma3Config(text_config=TINY, vision_config=tower)
    model = transformers.Gemma3ForConditionalGeneration(config)
    model.save_pretrained(tmp_path)
    found = config_shape(tmp_path).shape
    of_text = sum(weight.numel() for name, weight in model.named_parameters() if "language_model" in name)
    assert found.parameters == model.num_parameters()
    assert found.active_parameters == of_text < model.num_parameters()
    check_structure(found, model.config.get_text_config())
