"""The options of a run as a TOML file that a person writes: read with the line of every key, and written."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from overthink.errors import InputError
from overthink.paths import is_there, path_kind, read_file
from overthink.storage.files import write_text

MAX_LENGTH = 10**6
"""Bytes of the longest file that is read."""

_TAIL = re.compile(r"\((at line \d+, column \d+|at end of document)\)$")


@dataclass(frozen=True)
class RunConfig:
    """What a TOML file states.

    Attributes:
        path: The file.
        values: Values by key; hyphens of keys are underscores.
        text: The text, for the lines of its keys.
    """

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    def place(self, key: str) -> str:
        """Return file, line and name of a key, for messages."""
        return f"{self._line(key)}: {key}"

    def located(self, message: str, overridden: Collection[str] = ()) -> str:
        """Return a message about a plan behind the file and line of the key that it names.

        Args:
            message: What is wrong with the plan; options may be named as keys or as on the command line.
            overridden: Keys whose values are not those of the file.
        """
        own = {key for key in self.values if key not in overridden}
        words = (word.removeprefix("__") for word in re.findall(r"\w+", message.replace("-", "_")))
        key = next((word for word in words if word in own), None)
        return f"{self._line(key) if key else self.path}: {message}" if own else message

    def _line(self, key: str) -> str:
        line = _line_of(self.text, key)
        return f"{self.path}, line {line}" if line else str(self.path)


def read_config(path: Path) -> RunConfig:
    """Read a file; what its keys mean is checked by :mod:`overthink.workflows.run_options`.

    Raises:
        InputError: It is no file, no TOML, or states a key twice.
    """
    if (kind := path_kind(path)) != "a file":
        raise InputError(f"{path} is {kind}; needed: a TOML file with the options of a run, as --save-config writes it")
    try:
        text = read_file(path, follow=True, most=MAX_LENGTH).decode("utf-8-sig")
        keys = tomllib.loads(text)
    except UnicodeDecodeError as failure:
        raise InputError(f"{path} is not in UTF-8, as TOML is; save it as UTF-8") from failure
    except tomllib.TOMLDecodeError as failure:
        raise InputError(f"{path} is no TOML: {_tail_first(str(failure))}; needed: lines as draws = 4") from failure
    except (RecursionError, ValueError) as failure:  # the number of digits of Python
        what = "it is nested too deeply" if isinstance(failure, RecursionError) else "a number has too many digits"
        raise InputError(f"{path} is no TOML that can be read: {what}") from failure
    values: dict[str, Any] = {}
    for key, value in keys.items():
        name = key.replace("-", "_")
        if name in values:
            raise InputError(f"{path} states {name} twice, once with hyphens; needed: once")
        values[name] = value
    return RunConfig(path, values, text)


def write_config(path: Path, values: Mapping[str, Any]) -> None:
    """Write options as TOML; a file that is there is not replaced.

    Raises:
        InputError: Something is there already.
        StoppedError: The disk is full.
    """
    import tomli_w

    if is_there(path):
        raise InputError(f"{path} is there already; give another file, or remove it")
    write_text(path, _HEAD + tomli_w.dumps(values))


_HEAD = """\
# Options of a run: overthink run --config FILE. Options of the command line override it.
# An editor completes it with the schema that `overthink schema run` prints.
"""


def _tail_first(message: str) -> str:
    place = _TAIL.search(message)
    return message if place is None else f"{place[1].removeprefix('at ')}: {message[: place.start()].strip()}"


def _line_of(text: str, name: str) -> int | None:
    """Return the line on which a key stands; None if that cannot be told.

    It is the first line that names the key, and before which the file is complete and does not hold it.
    """
    key = re.compile(rf"""\s*\[{{0,2}}\s*["']?{"[-_]".join(map(re.escape, re.split("[-_]", name)))}["']?\s*(=|\.|\])""")
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if key.match(line):
            try:
                before = tomllib.loads("".join(lines[:number]))
            except tomllib.TOMLDecodeError:
                continue  # inside a text or list of several lines
            if name not in {each.replace("-", "_") for each in before}:
                return number + 1
    return None
