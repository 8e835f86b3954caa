"""Memory that a model's weights need, from the headers of its files, compared with what is free. Nothing is loaded."""

from pathlib import Path

from overthink.collect.model_info.safetensors import count_parameters
from overthink.errors import InputError

WIDTHS = {"float64": 8, "float32": 4, "float": 4, "float16": 2, "half": 2, "bfloat16": 2}
"""Bytes of a parameter by the name of its type."""

SPARE = 1.1
"""Factor for buffers and activations beside the weights."""


def weight_bytes(folder: Path, *, dtype: str | None) -> int | None:
    """Return the bytes of a model's weights; None if its files do not tell.

    Args:
        folder: A folder in Hugging Face layout.
        dtype: Type in which they are loaded; None or "auto" for that of the files.

    Raises:
        InputError: A file is truncated, damaged or forged.
    """
    count = count_parameters(folder, layers=None)
    if isinstance(count, str):
        return None
    return loaded_bytes(count.parameters, count.bytes, dtype=dtype)


def loaded_bytes(parameters: int, stored_bytes: int, *, dtype: str | None) -> int:
    """Return the bytes of parameters once loaded.

    Example:
        >>> loaded_bytes(1000, 2000, dtype="float32"), loaded_bytes(1000, 2000, dtype=None)
        (4000, 2000)
    """
    width = WIDTHS.get(str(dtype).removeprefix("torch."))
    return stored_bytes if width is None else parameters * width


def check_memory(name: str, *, needed: int | None, free: int | None, place: str) -> None:
    """Check that a model's weights fit.

    Args:
        name: Inspect model string.
        needed: Bytes of its weights; None if unknown.
        free: Free bytes; None if unknown.
        place: Where, for the message.

    Raises:
        InputError: They do not.

    Example:
        >>> check_memory("hf/big", needed=16 << 30, free=8 << 30, place="on cpu")
        Traceback (most recent call last):
        overthink.errors.InputError: hf/big needs 18.9 GB for its weights, and 8.6 GB are free on cpu. ...
    """
    if needed is None or free is None or needed * SPARE <= free:
        return
    raise InputError(
        f"{name} needs {needed * SPARE / 1e9:.1f} GB for its weights, and {free / 1e9:.1f} GB are free {place}. Load "
        "it in a smaller type (-M dtype=bfloat16), choose a smaller model or another -M device=..., or serve it "
        "elsewhere: vllm-completions/NAME."
    )
