"""Weight files without weights worth the name: what their headers say is what a test wrote."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Tensors = Mapping[str, Sequence[int]]

_BYTES = {"F32": 4, "BF16": 2, "F16": 2, "I32": 4, "U8": 1, "F8_E4M3": 1}


def gguf(path: Path, values: Mapping[str, Any], tensors: Tensors, *, data: int, version: int = 3) -> Path:
    """A GGUF file with these values and tensors and so many bytes behind its header."""
    parts = [b"GGUF", struct.pack("<IQQ", version, len(tensors), len(values))]
    for key, value in values.items():
        parts += [_text(key), _value(value)]
    for name, shape in tensors.items():
        parts += [_text(name), struct.pack("<I", len(shape)), struct.pack(f"<{len(shape)}Q", *shape)]
        parts += [struct.pack("<IQ", 0, 0)]
    path.write_bytes(b"".join(parts) + b"\0" * data)
    return path


def safetensors(path: Path, tensors: Tensors, *, kind: str = "BF16", kinds: Mapping[str, str] | None = None) -> Path:
    """A safetensors file with these tensors."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, shape in tensors.items():
        own = (kinds or {}).get(name, kind)
        size = _BYTES[own]
        for count in shape:
            size *= count
        header[name] = {"dtype": own, "shape": list(shape), "data_offsets": [place, place + size]}
        place += size
    return raw_safetensors(path, json.dumps(header).encode(), data=place)


def raw_safetensors(path: Path, header: bytes, *, data: int, length: int | None = None) -> Path:
    """A safetensors file with this header, whatever it is."""
    announced = len(header) if length is None else length
    path.write_bytes(announced.to_bytes(8, "little") + header + b"\0" * data)
    return path


def config(folder: Path, **fields: Any) -> Path:
    """A folder with a configuration."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(fields))
    return folder


def _text(text: str) -> bytes:
    content = text.encode()
    return struct.pack("<Q", len(content)) + content


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if value and isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_text, value))
    return struct.pack("<IIQ", 9, 4, len(value)) + struct.pack(f"<{len(value)}I", *value)
