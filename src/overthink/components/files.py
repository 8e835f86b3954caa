"""Components from a file: `my_arms.py@name`, as Inspect names tasks."""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from overthink.components.base import Component, declared
from overthink.errors import InputError
from overthink.paths import path_kind, read_file

MARK = ".py@"
_MAX_BYTES = 10_000_000


class FileReference(NamedTuple):
    """A component in a file.

    Attributes:
        path: The file, as on the command line.
        key: Name of the component.
    """

    path: str
    key: str


class _ComponentFile(NamedTuple):
    components: tuple[type[Component], ...]
    sha256: str


_LOADED: dict[Path, _ComponentFile] = {}
"""Files by absolute path: each runs once in a process, so that a run never mixes two versions of a file."""


def file_reference(text: str) -> FileReference | None:
    """Return the file and the name of a reference such as ``my_arms.py@calm``; None for a plain name.

    Example:
        >>> file_reference("arms/mine.py@calm")
        FileReference(path='arms/mine.py', key='calm')
        >>> file_reference("primer") is None
        True
    """
    path, mark, key = text.rpartition(MARK)
    return FileReference(f"{path}.py", key) if mark else None


def split_settings(text: str) -> tuple[str, str]:
    """Return the name of a component and the text of its settings, without the colon between them.

    A file may have any name; one with both a colon and an equals sign is read as a plain name with settings.

    Example:
        >>> split_settings("study[1]/a,b.py@calm:rounds=2")
        ('study[1]/a,b.py@calm', 'rounds=2')
        >>> split_settings("rollouts:against=x")
        ('rollouts', 'against=x')
    """
    path, mark, rest = text.partition(MARK)
    if not mark or (":" in path and "=" in path):
        name, _, settings = text.partition(":")
        return name, settings
    key, _, settings = rest.partition(":")
    return f"{path}{mark}{key}", settings


def components_of_file(path: str) -> tuple[type[Component], ...]:
    """Return the components that a file declares.

    Raises:
        InputError: The file is not there, raises on import, or declares two components of one kind and name.
    """
    return _load(path).components


def component_sha256(path: str) -> str:
    """Return the SHA-256 of a component file as it was loaded. Raises the errors of :func:`components_of_file`."""
    return _load(path).sha256


def referenced_files(texts: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of every component file that the texts name, by path.

    Args:
        texts: Names of components, with or without settings behind a colon.

    Raises:
        InputError: A file cannot be loaded.
    """
    references = (file_reference(split_settings(text)[0]) for text in texts)
    paths = sorted({reference.path for reference in references if reference is not None})
    return {path: component_sha256(path) for path in paths}


def _load(path: str) -> _ComponentFile:
    file = Path(path).absolute()
    if file not in _LOADED:
        if (kind := path_kind(file)) != "a file":
            raise InputError(f"{path} is {kind}; needed: a Python file with components, as FILE.py@NAME")
        source = read_file(file, follow=True, most=_MAX_BYTES)
        sha256 = hashlib.sha256(source).hexdigest()
        count = len(declared)
        module = _run(path, file, source, f"overthink_components_{sha256[:16]}_{len(_LOADED)}")
        own = [part for part in declared[count:] if part.__module__ == module.__name__]
        _refuse_twins(path, own)
        _LOADED[file] = _ComponentFile(tuple(own), sha256)
    return _LOADED[file]


def _run(path: str, file: Path, source: bytes, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # annotations are looked up there
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102 - the user names the file to run
    except (Exception, SystemExit) as fault:
        del sys.modules[name]
        reason = str(fault) if isinstance(fault, InputError) else f"{type(fault).__name__}: {fault}"
        raise InputError(
            f"{path}, line {_line(fault, file)}: {reason}; needed: a file of components that Python can import"
        ) from fault
    return module


def _line(fault: BaseException, file: Path) -> int:
    """Return the line of the file in which it went wrong."""
    if isinstance(fault, SyntaxError) and fault.filename == str(file):
        return fault.lineno or 1
    frames = traceback.extract_tb(fault.__traceback__)
    return next((frame.lineno or 1 for frame in reversed(frames) if frame.filename == str(file)), 1)


def _refuse_twins(path: str, parts: list[type[Component]]) -> None:
    first: dict[tuple[str, str], type[Component]] = {}
    for part in parts:
        twin = first.setdefault((part.role, part.key), part)
        if twin is not part:
            raise InputError(
                f"{path} has two {part.role}s called {part.key!r}: the classes {twin.__qualname__} and "
                f"{part.__qualname__}; needed: one name each"
            )
