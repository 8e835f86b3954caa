"""Registry of one kind of component: those built in, those of entry points, and those of files."""

import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from overthink.components.base import Component
from overthink.components.files import components_of_file, file_reference
from overthink.errors import InputError

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
