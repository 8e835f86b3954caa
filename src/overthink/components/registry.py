"""Registry of one kind of component: those built in, those of entry points, and those of files, `my_arms.py@name`."""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Generic, NamedTuple, TypeVar

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


GROUP = "overthink.components"
"""Entry-point group: the name of an entry point is that of its component."""

C = TypeVar("C", bound=Component)


class Registry(dict[str, type[C]], Generic[C]):
    """Built-in components by name; others are found by :meth:`look_up`.

    Args:
        base: Class of all components of this kind.
        built_in: The built-in ones.
        option: Command-line option that names them, for messages.
        role: What they are called in messages; by default as the base says.
    """

    def __init__(self, base: type[C], built_in: Iterable[type[C]], *, option: str, role: str = "") -> None:
        super().__init__({part.key: part for part in built_in})
        self._base = base
        self._option = option
        self.role = role or base.role

    def look_up(self, text: str) -> type[C]:
        """Return the component of a name, or of a file as ``FILE.py@NAME``.

        Raises:
            InputError: There is none, it is of another kind, its file or package cannot be loaded, or two packages
                have one of this name.
        """
        if text in self:
            return self[text]
        part = self.from_outside(text)
        if part is None:
            raise InputError(f"{self._option} knows no {text!r}; known: {'; '.join(self.descriptions())}")
        return part

    def knows(self, text: str) -> bool:
        """Return whether a name is built in, that of a file, or that of an entry point; nothing is loaded."""
        return text in self or file_reference(text) is not None or bool(_entries(text, tuple(sys.path)))

    def from_outside(self, text: str) -> type[C] | None:
        """Return the component of a file or an entry point; None if no entry point has this name."""
        reference = file_reference(text)
        if reference is not None:
            return self._of_file(text, reference.path, reference.key)
        parts = [(entry, load_entry(entry)) for entry in _entries(text, tuple(sys.path))]
        fitting = [(entry, part) for entry, part in parts if issubclass(part, self._base)]
        if len(fitting) > 1:
            raise InputError(
                f"{self._option} {text} is a {self.role} of two packages: "
                f"{' and '.join(_home(entry) for entry, _ in fitting)}; needed: one of them, so uninstall the other"
            )
        if parts and not fitting:
            entry, part = parts[0]
            raise self._wrong_kind(f"{text} of {_home(entry)}", part)
        return fitting[0][1] if fitting else None

    def _of_file(self, text: str, path: str, key: str) -> type[C]:
        parts = components_of_file(path)
        of_name = [part for part in parts if part.key == key]
        for part in of_name:
            if issubclass(part, self._base):
                return part
        if of_name:
            raise self._wrong_kind(text, of_name[0])
        names = ", ".join(f"{part.key} ({part.role})" for part in parts) or "none"
        raise InputError(f"{self._option} {text}: {path} has no component {key!r}; it has: {names}")

    def _wrong_kind(self, text: str, part: type[Component]) -> InputError:
        return InputError(f"{self._option} {text} is of another kind: {part.role}; needed: {self.role}")

    def descriptions(self) -> list[str]:
        """Return all names with what each does; an entry point that cannot be used is listed with the reason."""
        texts = [f"{key} ({part.summary})" for key, part in self.items()]
        for entry in entry_points(group=GROUP):
            try:
                part = load_entry(entry)
            except InputError as fault:
                texts.append(f"{entry.name} ({fault})")
                continue
            if not issubclass(part, self._base):
                continue
            if entry.name in self:
                texts.append(
                    f"{entry.name} of {_home(entry)} (its name is built in, {self[entry.name].__qualname__}; needed: "
                    "another name there)"
                )
                continue
            texts.append(f"{entry.name} ({part.summary})")
        return texts

    def parts(self) -> tuple[type[C], ...]:
        """Return the built-in components and those of entry points that can be loaded."""
        loaded: list[type[C]] = list(self.values())
        for entry in entry_points(group=GROUP):
            try:
                part = load_entry(entry)
            except InputError:  # named where it is needed
                continue
            if issubclass(part, self._base) and part.key not in self:
                loaded.append(part)
        return tuple(loaded)


@cache
def _entries(name: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of a name; looking through all packages takes longer than a trace should wait."""
    return tuple(entry_points(group=GROUP, name=name))


def load_entry(entry: EntryPoint) -> type[Component]:
    """Return the component of an entry point.

    Raises:
        InputError: It cannot be imported, is no declared component, or is declared under another name.
    """
    home = _home(entry)
    try:
        part = entry.load()
    except (Exception, SystemExit) as fault:
        reason = str(fault) if isinstance(fault, InputError) else f"{type(fault).__name__}: {fault}"
        raise InputError(f"the component {entry.name!r} of {home} cannot be loaded: {reason}") from fault
    if not (isinstance(part, type) and issubclass(part, Component) and part.key):
        raise InputError(f"the entry point {entry.name!r} of {home} is no component; needed: a class with @component")
    if part.key != entry.name:
        raise InputError(f"the entry point {entry.name!r} of {home} declares {part.key!r}; needed: one name for both")
    return part


def _home(entry: EntryPoint) -> str:
    """Return the package and the place of an entry point."""
    package = entry.dist.name if entry.dist is not None else "a package"
    return f"{package} ({entry.value})"
