"""Language models of Transformers with random weights, made in a folder: what they say is noise, and the same noise.

Needs PyTorch and Transformers; a test imports it behind ``pytest.importorskip``.
"""

from pathlib import Path
from typing import Any

import tiny_classifiers as tiny
import torch
import transformers
from tokenizers import decoders

TEMPLATE = (
    "{% for message in messages %}<{{ message.role }}>{{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
"""A chat template: a line for each message."""


def language_model(folder: Path, kind: str = "Llama", *, template: str | None = TEMPLATE, **settings: Any) -> Path:
    """Save a model of two layers over bytes; return its folder."""
    tokenizer = tiny.byte_tokenizer(ends=False)
    tokenizer.backend_tokenizer.decoder = decoders.ByteLevel()
    tokenizer.chat_template = template
    tokenizer.eos_token = "[SEP]"
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"num_key_value_heads": 2, "max_position_embeddings": 512, "vocab_size": len(tokenizer)}
    config = getattr(transformers, f"{kind}Config")(**sizes | settings, eos_token_id=tokenizer.eos_token_id)
    torch.manual_seed(3)
    model = getattr(transformers, f"{kind}ForCausalLM")(config)
    with torch.no_grad():  # wide enough that the next byte depends on all before it
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.mul_(8)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
