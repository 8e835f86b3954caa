"""A GGUF file as a folder of safetensors in bfloat16, which vLLM serves: the weights dequantized, and the tokenizer.

    python benchmarks/gguf_to_safetensors.py WEIGHTS.gguf FOLDER

Needs torch, transformers, gguf and accelerate: `benchmarks/serve_vllm.sh` runs it in the server's own environment.
"""

import sys
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer


def convert(gguf: Path, folder: Path) -> None:
    """Write model and tokenizer into the folder, which appears under its name when both are complete."""
    part = folder.with_name(f"{folder.name}.part")
    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    model = AutoModelForCausalLM.from_pretrained(**source, dtype="bfloat16")
    model.hf_quantizer, model.is_quantized = None, False  # it is no longer quantized, and says that it is
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(part)
    AutoTokenizer.from_pretrained(**source).save_pretrained(part)
    part.rename(folder)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
