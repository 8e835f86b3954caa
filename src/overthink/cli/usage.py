"""Errors of parsing a command line: a wrong value, an unknown option or command may hold any character."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperGroup

from overthink.cli.terminal import shown


class Commands(TyperGroup):
    """The commands of the program; what was typed is shown in their messages as everything from outside is."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse the options before the command; errors become visible text."""
        with _visible_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Parse the command's own options, and run it; errors become visible text."""
        with _visible_errors():
            return super().invoke(ctx)


@contextmanager
def _visible_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Typer comes with a Click of its own, or uses the installed one, so its errors are known by their method.
        if hasattr(error, "format_message") and type(error).__name__ != "NoArgsIsHelpError":
            text = shown(error.format_message())
            error.format_message = lambda: text
        raise
