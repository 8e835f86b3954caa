"""What is shown and stored of an exception that nobody foresaw: one message, and a file to send.

The file says where it went wrong, in which versions and with which command line. It holds no message of an exception,
no line of code and no value of a variable: any of them may be a question, an answer or a secret.
"""

import os
import platform
import shlex
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from overthink._version import __version__
from overthink.data.secrets import without_secrets

PACKAGES = ("inspect_ai", "numpy", "polars", "pydantic", "rich", "scipy", "typer")
"""Packages whose versions a fault may depend on."""

MAX_FRAMES = 40
"""Places that are listed of one exception, half of them from each end; a recursion has a thousand."""


def fault_message(fault: BaseException, arguments: Sequence[str]) -> str:
    """Return the message for the user, and store the file that it names.

    Args:
        fault: The exception.
        arguments: The command line, without the program.
    """
    path = None
    with suppress(Exception):  # a fault that cannot be stored is still reported
        path = store_fault(fault, arguments)
    where = "" if path is None else f"Please report it with {path}, which holds no texts and no secrets. "
    return (
        f"this is a fault of Overthink, not of your input: {_kind(fault)}{_place(fault)}. {where}"
        "What was collected before is kept; a run goes on with --resume."
    )


def store_fault(fault: BaseException, arguments: Sequence[str]) -> Path:
    """Write the file on a fault into the folder for temporary files, readable by its owner alone, and return its path.

    The name is one that nothing has, so that nothing is overwritten and no link is followed.

    Raises:
        OSError: It cannot be written.
    """
    text = fault_text(fault, arguments)
    descriptor, path = tempfile.mkstemp(prefix="overthink-fault-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return Path(path)


def fault_text(fault: BaseException, arguments: Sequence[str]) -> str:
    """Return the content of the file.

    Example:
        >>> try:
        ...     {}["a question"]
        ... except KeyError as fault:
        ...     text = fault_text(fault, ["analyse", "logs"])
        >>> "KeyError" in text, "overthink analyse logs" in text, "a question" in text
        (True, True, False)
    """
    lines = [
        f"overthink {__version__}",
        f"python {platform.python_version()} on {platform.platform()}",
        *(f"{name} {_version(name)}" for name in PACKAGES),
        "",
        f"command: {without_secrets(shlex.join(['overthink', *arguments]), os.environ)}",
    ]
    for exception in _chain(fault):
        lines += ["", _kind(exception), *(f"  {frame}" for frame in _frames(exception))]
    return "\n".join(lines) + "\n"


def _kind(fault: BaseException) -> str:
    """Return the type of an exception; of a system's error also its reason, which has no texts in it."""
    if isinstance(fault, OSError) and isinstance(fault.errno, int):
        return f"{type(fault).__name__} ({os.strerror(fault.errno)})"
    return type(fault).__name__


def _place(fault: BaseException) -> str:
    frames = list(traceback.walk_tb(fault.__traceback__))
    own = [frame for frame in frames if "overthink" in Path(frame[0].f_code.co_filename).parts] or frames
    if not own:
        return ""
    frame, line = own[-1]
    return f" in {_file(frame.f_code.co_filename)}, line {line}"


def _frames(fault: BaseException) -> list[str]:
    places = [
        f"{_file(frame.f_code.co_filename)}:{line} in {frame.f_code.co_name}"
        for frame, line in traceback.walk_tb(fault.__traceback__)
    ]
    half = MAX_FRAMES // 2
    left_out = len(places) - 2 * half
    return places if left_out <= 0 else [*places[:half], f"… {left_out} more …", *places[-half:]]


def _file(name: str) -> str:
    """Return a path without the folders above its package or its user's home."""
    for folder in sorted(filter(None, sys.path), key=len, reverse=True):
        with suppress(ValueError):
            return Path(name).relative_to(folder).as_posix()
    return Path(name).name


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """Yield the exception, what is in its groups, and their causes, each once."""
    pending, done = [fault], set[int]()
    while pending:
        exception = pending.pop(0)
        if id(exception) in done:
            continue
        done.add(id(exception))
        yield exception
        if isinstance(exception, BaseExceptionGroup):
            pending += exception.exceptions
        pending += [before for before in (exception.__cause__ or exception.__context__,) if before is not None]


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
