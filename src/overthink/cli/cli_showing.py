"""Output shared by the commands: message console, command line, and results."""

import shlex
import sys
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from overthink.workflows.analyse import Study

messages = Console(stderr=True)
"""Progress, notes and errors go to standard error; results to standard output."""


def command_line() -> str:
    """Return the command line, for the report."""
    return shlex.join(["overthink", *sys.argv[1:]])


def show(result: "Study", *, as_json: bool) -> None:
    """Print a study's summary or findings, and the path of its report."""
    print(result.json() if as_json else result.text())  # noqa: T201
    if result.folder is not None:
        messages.print(f"report: {result.folder.report}", highlight=False, soft_wrap=True)
