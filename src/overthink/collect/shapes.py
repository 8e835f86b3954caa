"""The shape of a model as it is told: numbers, and files to read them from.

``config:Llama-3.1-8B;cache_bytes:2`` takes what the folder's configuration and weights say, and a number beside it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from overthink.collect.shapes_config import config_shape, is_mixture
from overthink.collect.shapes_gguf import gguf_shape
from overthink.core.model_shape import ModelShape
from overthink.core.sourced_shape import SourcedShape
from overthink.errors import InputError

OPTION = "--model-shape"

FILES = {"config": config_shape, "gguf": gguf_shape}
"""By what it is called: who reads the shape in a file."""

NUMBERS = tuple(field.name for field in fields(ModelShape))
_COUNTS = ("layers", "heads", "kv_heads", "hidden_size", "head_width", "vocabulary")
_OF_MODEL = re.compile(rf"(?P<model>.+?)=(?P<shape>(?:{'|'.join((*FILES, *NUMBERS))}):.*)", re.DOTALL)
_NEEDED = (
    f"{OPTION} MODEL=config:PATH (a Hugging Face folder or config.json), MODEL=gguf:PATH, or numbers such as "
    "MODEL=parameters:8e9;layers:32;heads:32;kv_heads:8;hidden_size:4096;weight_bytes:2;cache_bytes:2"
)


def read_shapes(texts: Sequence[str]) -> dict[str, SourcedShape]:
    """Shapes by model, as the command line gives them.

    Args:
        texts: Each MODEL=SHAPE.

    Raises:
        InputError: One cannot be read, or a model is given twice.
    """
    shapes: dict[str, SourcedShape] = {}
    for text in texts:
        found = _OF_MODEL.fullmatch(text)
        if found is None:
            raise InputError(f"{OPTION} {text[:200]} cannot be read; needed: {_NEEDED}")
        if found["model"] in shapes:
            raise InputError(f"{OPTION} is given twice for {found['model']}; needed: once, parts behind semicolons")
        shapes[found["model"]] = read_shape(found["shape"])
    return shapes


def read_shape(text: str) -> SourcedShape:
    """One shape.

    Where only the number of all parameters is stated, every token passes through all of them: the model is dense. For
    a mixture of experts state ``active_parameters`` too.

    Args:
        text: Pieces ``name:value`` behind semicolons: ``config`` or ``gguf`` with a path, and any number of a
            :class:`~overthink.core.model_shape.ModelShape`, which goes before what the file says.

    Raises:
        InputError: A piece cannot be read, or a file is cut off, damaged or made up.

    Example:
        >>> read_shape("parameters:8e9;layers:32").shape.active_parameters
        8000000000.0
    """
    pieces = _pieces(text)
    files = [name for name in pieces if name in FILES]
    if len(files) > 1:
        raise InputError(f"{OPTION} {text} names two files; needed: {' or '.join(FILES)}")
    stated = {name: _number(name, value) for name, value in pieces.items() if name in NUMBERS}
    found = FILES[files[0]](pieces[files[0]]) if files else SourcedShape(ModelShape(), "")
    if "parameters" in stated and "active_parameters" not in stated:
        mixture = found.shape.active_parameters != found.shape.parameters
        if not (mixture or (files == ["config"] and is_mixture(pieces["config"]))):
            stated["active_parameters"] = stated["parameters"]
    told = f"{', '.join(name for name in pieces if name in NUMBERS)} as stated" if stated else ""
    try:
        shape = replace(found.shape, **stated)  # type: ignore[arg-type]
    except ValueError as fault:
        raise InputError(f"{OPTION} {text}: {fault}") from fault
    return SourcedShape(shape, "; ".join(filter(None, (found.source, told))))


def _pieces(text: str) -> Mapping[str, str]:
    pieces: dict[str, str] = {}
    for piece in filter(None, map(str.strip, text.split(";"))):
        name, colon, value = (part.strip() for part in piece.partition(":"))
        if name not in (*FILES, *NUMBERS) or not colon or not value:
            known = ", ".join((*FILES, *NUMBERS))
            raise InputError(f"{OPTION}: {piece[:200]!r} cannot be read; needed: NAME:VALUE, of {known}")
        if name in pieces:
            raise InputError(f"{OPTION}: {name} is given twice; needed: once")
        pieces[name] = value
    if not pieces:
        raise InputError(f"{OPTION}: nothing is said of the model; needed: {_NEEDED}")
    return pieces


def _number(name: str, text: str) -> float | int:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf") or (name in _COUNTS and number != int(number)):
        kind = "a whole number above 0" if name in _COUNTS else "a number above 0, such as 8e9"
        raise InputError(f"{OPTION}: {name}:{text[:80]} cannot be; needed: {kind}")
    return int(number) if name in _COUNTS else number
