"""Safety check of a folder with a Hugging Face model: no pickle, no foreign code, no download."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from overthink.errors import InputError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""File extensions of weights that can run code when loaded."""

OWN_CODE = (None, "eager", "sdpa", "batched_mm", "grouped_mm")
"""PyTorch's own implementations of attention and experts. Other names make Transformers download a kernel (code)."""

MAX_JSON_BYTES = 64 * 2**20
"""Maximum bytes of a JSON file; the index of the largest models has about 10 MB."""


def checked_folder(model: str) -> Path:
    """Return the folder of a model, checked to hold only weights and plain settings.

    Args:
        model: Path of the folder.

    Returns:
        Its absolute path.

    Raises:
        InputError: It is no folder, has no safetensors weights, or its settings need code or weights from elsewhere.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        raise InputError(
            f"verifier classifier: model={model} is no folder. Needed: a folder with config.json, safetensors weights "
            f"and a tokenizer. Nothing is fetched from a hub; do that first: hf download ORG/NAME --local-dir FOLDER"
        )
    if (folder / "adapter_config.json").exists():
        raise _refusal(folder, "holds an adapter, which needs another model; merge the two and save them as one")
    _check_settings(folder)
    if (folder / INDEX).is_file() and not (folder / WEIGHTS).is_file():
        _check_index(folder)
    elif not (folder / WEIGHTS).is_file():
        pickles = sorted(file.name for file in folder.iterdir() if file.suffix in PICKLES)
        problem = f"its weights are pickled ({pickles[0]}), which can run code" if pickles else "it holds no weights"
        raise _refusal(folder, f"{problem}; needed: {WEIGHTS}, as save_pretrained of Transformers writes it")
    return folder.resolve()


def read_json(file: Path) -> dict[str, Any]:
    """Return a JSON object from a file of the folder.

    Raises:
        InputError: The file is missing, too large, or no JSON object.
    """
    try:
        if file.stat().st_size > MAX_JSON_BYTES:
            raise _refusal(file.parent, f"{file.name} has more than {MAX_JSON_BYTES:,} bytes")
        read = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as fault:
        raise _refusal(file.parent, f"{file.name} is missing or cannot be read ({type(fault).__name__})") from fault
    if not isinstance(read, dict):
        raise _refusal(file.parent, f"{file.name} is no JSON object")
    return read


def _check_settings(folder: Path) -> None:
    config = read_json(folder / "config.json")
    for key in ("quantization_config", "transformers_weights"):
        if config.get(key) is not None:
            raise _refusal(folder, f"config.json has {key}; needed: plain weights in {WEIGHTS}")
    for name, value in _settings_within(config):
        if name.endswith(("implementation", "implementation_internal")) and value not in OWN_CODE:
            raise _refusal(
                folder, f"config.json asks for {name}={str(value)[:80]!r}; needed: eager, sdpa or no such line"
            )


def _check_index(folder: Path) -> None:
    files = read_json(folder / INDEX).get("weight_map")
    if not isinstance(files, dict) or not files:
        raise _refusal(folder, f"{INDEX} has no weight_map")
    for name in {str(value) for value in files.values()}:
        if Path(name).name != name or not name.endswith(".safetensors") or not (folder / name).is_file():
            raise _refusal(folder, f"{INDEX} names {name[:80]!r}; needed: safetensors files beside it")


def _settings_within(config: Any) -> Iterator[tuple[str, Any]]:
    """Yield every setting, including those of nested configurations."""
    if isinstance(config, dict):
        yield from config.items()
    if isinstance(config, dict | list):
        for inner in config.values() if isinstance(config, dict) else config:
            yield from _settings_within(inner)


def _refusal(folder: Path, why: str) -> InputError:
    return InputError(f"verifier classifier: {folder} cannot be used: {why}.")
