"""What the command line prints: one function for results, one for everything else, and the only file that prints.

Results go to standard output, as text or as JSON; progress, notes and errors to standard error. No markup is
interpreted, control characters are shown as escapes, and a stream that cannot encode a character gets a replacement.
"""

import codecs
import contextlib
import functools
import io
import os
import sys
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TextIO

import typer
from rich.console import Console
from rich.text import Text

from overthink.data.secrets import without_secrets
from overthink.data.visible import visible, visible_lines

_READABLE = {
    **dict.fromkeys("‐‑‒–—−─━═╌╴╶╸╺", "-"),
    **dict.fromkeys("│┃║╎", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┡┩╇", "+"),
    **dict.fromkeys("“”„″", '"'),
    **dict.fromkeys("‘’‚′", "'"),
    "×": "x",
    "·": "-",
    "•": "-",
    "…": "...",
    "→": "->",
    "←": "<-",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "±": "+/-",
    "α": "alpha",
    "δ": "delta",
    "Δ": "delta",
    "∞": "infinity",
    "✓": "ok",
    "✗": "no",
    "█": "#",
    "▏": "|",
}
"""Readable replacements of what our own texts hold; any other character becomes an escape, or its letter."""

_HANDLER = "overthink.replacement"


def replacement(fault: UnicodeError) -> tuple[str, int]:
    r"""Return what stands for characters that an encoding lacks, and where to go on: an error handler of codecs.

    >>> "≤ 3 × é 思".encode("ascii", "overthink.replacement")
    b'<= 3 x e \\u601d'
    """
    if not isinstance(fault, UnicodeEncodeError):
        raise fault
    return "".join(map(_replacement, fault.object[fault.start : fault.end])), fault.end


def _replacement(character: str) -> str:
    if character in _READABLE:
        return _READABLE[character]
    letter = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return letter or character.encode("ascii", "backslashreplace").decode()


codecs.register_error(_HANDLER, replacement)


def prepare_streams() -> None:
    """Let standard output and error replace what they cannot encode; both keep their encodings."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(OSError, ValueError):  # a closed stream; one that was seekable before it became a pipe
                stream.reconfigure(errors=_HANDLER)


messages = Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
"""Console of standard error, for :func:`note`, :func:`error` and the bar of a run."""


_quiet = False
"""Whether neither notes nor progress are printed."""


def set_quiet(quiet: bool) -> None:
    """Print notes and progress from now on, or neither; results, questions, errors and endings are always printed.

    Every command has the option ``--quiet``, which calls this before the command runs; none needs to know of it.
    """
    global _quiet
    _quiet = quiet


def set_quiet_if(quiet: bool) -> None:
    """Be quiet if an option says so: without it, what the options before it said stays."""
    if quiet:
        set_quiet(True)


def is_quiet() -> bool:
    """Return whether neither notes nor progress are printed."""
    return _quiet


def is_live() -> bool:
    """Return whether a line of standard error can be written again and again: a terminal that moves its cursor."""
    return messages.is_terminal and not messages.is_dumb_terminal


def as_printed(text: str) -> str:
    """Return a text in the characters that standard error has: as wide as it will be, so that a live line stays one."""
    encoding = messages.encoding
    return text.encode(encoding, _HANDLER).decode(encoding)


def note(*lines: str) -> None:
    """Print lines on standard error, unless the command is quiet.

    A newline inside a line is a character of a name, and shown as such.
    """
    if not _quiet:
        ending(*lines)


def note_failures(failures: Sequence[str], what: str) -> None:
    """Say how many measurements failed, which a repeated command makes again; nothing where none did.

    Args:
        failures: Message of each.
        what: What is measured.
    """
    if failures:
        note(
            f"Warning: {what} that failed and are missing: {len(failures):,}, the last with {failures[-1]:.200}. "
            "Repeat the command to make them again."
        )


def ending(*lines: str) -> None:
    """Print how a command ended, on standard error: a note that a quiet command prints, too."""
    for line in lines:
        messages.print(Text(shown(line)))


def error(*lines: str) -> None:
    """Print the message of an error, line by line."""
    first, *rest = lines or ("",)
    messages.print(Text.assemble(("error:", "bold red"), " ", shown(first)))
    ending(*rest)


class Result(Protocol):
    """A result of a command, as JSON and as text."""

    def json(self) -> str:
        """Return the JSON document."""

    def text(self) -> str:
        """Return the text."""


def show(result: Result, *, as_json: bool) -> None:
    """Print a result on standard output."""
    if as_json:
        output_json(result.json())
    else:
        output(result.text())


_results: list[TextIO] = []
"""Standard output of the command that runs, while all else is kept from it."""


def with_results_apart(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command during which standard output holds its result alone: what others print goes to standard error.

    Else a component that prints, or a library, would break the JSON of a result.
    """

    @functools.wraps(command)
    def run(*values: Any, **options: Any) -> None:
        _results.append(sys.stdout)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                command(*values, **options)
        finally:
            _results.pop()

    return run


def _result_stream() -> TextIO:
    return _results[-1] if _results else sys.stdout


def output(text: str) -> None:
    """Print a result on standard output, with one newline at its end; those inside it are its own."""
    _result_stream().write(visible_lines(text.removesuffix("\n")) + "\n")


def output_json(document: str) -> None:
    """Print a JSON document on standard output: whatever the terminal cannot show is escaped, as JSON has it."""
    encoding = getattr(_result_stream(), "encoding", None) or "utf-8"
    _result_stream().write(json_for(document.removesuffix("\n"), encoding) + "\n")


def json_for(document: str, encoding: str) -> str:
    r"""Return the same JSON document in characters that an encoding has and a terminal shows.

    >>> json_for('{"a": "×\u202e"}', "ascii")
    '{"a": "\\u00d7\\u202e"}'
    """
    characters = {character for character in set(document) - {"\n"} if _is_escaped(character, encoding)}
    return document.translate({ord(character): _json_escape(character) for character in characters})


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _is_escaped(character: str, encoding: str) -> bool:
    if visible(character) != character:
        return True
    try:
        return character.encode(encoding).decode(encoding) != character
    except UnicodeError:
        return True


def confirm_cost(is_due: bool, *estimate: str) -> None:
    """Print an estimate, and ask whether to spend money, if that is due and somebody is there to answer.

    Args:
        is_due: Whether a yes is needed.
        estimate: Lines on what is spent; a quiet command prints them where it asks.

    Raises:
        typer.Abort: The answer is no, or there is none.
    """
    asks = is_due and sys.stdin is not None and sys.stdin.isatty()
    (ending if asks else note)(*estimate)
    if asks:
        typer.confirm("This calls a paid model. Go on?", abort=True, err=True)


def shown(line: str) -> str:
    """Return a line as it is printed: without secrets, and with control characters as escapes."""
    return visible(without_secrets(line, os.environ), None)
