"""All private names of Inspect that Overthink uses; other files import them from here.

An upgrade of Inspect breaks here first: `tests/collect/test_inspect_internals.py` checks each name's shape.

* Tasks and scorers: ``load_tasks`` opens a task by name with its arguments; the registry gives a factory's source and
  arguments; ``unique_scorer_name`` gives two scorers of one name the keys that Inspect gives them in logs.
* Models: a provider around another one is registered under its name.
* Running: an eval in an event loop of its own, so that Ctrl-C ends in an orderly way, needs what ``inspect_ai.eval``
  prepares (backend, platform, display, file system); ``run_coroutine`` also works inside a running loop.
* Notebooks: Inspect refuses to run in one without a package for widgets, and its display begins with an empty one.
* Logs: everything that a recorder writes is made bytes by one function, which is the place to hide secrets.
* Samples: token usage so far, the log that the running sample goes to, and the active model. Neither the active model
  nor the sandboxes have a public setter, and only placeholders in their place stop a solver that calls a model or its
  sandbox itself.
"""

import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anyio.to_thread
import rich
from inspect_ai._display.core import active as active_display
from inspect_ai._display.core.display import TaskScreen
from inspect_ai._display.log.display import LogDisplay, LogProgress
from inspect_ai._eval.loader import load_tasks
from inspect_ai._util._async import configured_async_backend, run_coroutine
from inspect_ai._util.asyncfiles import with_async_fs
from inspect_ai._util.error import PrerequisiteError
from inspect_ai._util.platform import have_package, platform_init, running_in_notebook
from inspect_ai._util.registry import (
    is_registry_object,
    registry_info,
    registry_lookup,
    registry_params,
    set_registry_info,
    set_registry_params,
)
from inspect_ai.log._recorders import eval as eval_recorder
from inspect_ai.log._samples import sample_active
from inspect_ai.model._model import active_model, active_model_context_var, sample_model_usage
from inspect_ai.scorer._scorer import unique_scorer_name
from inspect_ai.util._display import init_display_type
from inspect_ai.util._sandbox.context import sandbox_environments_context_var

from overthink.errors import InputError

__all__ = [
    "SAMPLE_FIELDS",
    "PrerequisiteError",
    "active_model",
    "active_model_context_var",
    "check_notebook",
    "configured_async_backend",
    "copy_registration",
    "filtered_logs",
    "is_registry_object",
    "load_tasks",
    "no_display",
    "platform_init",
    "prerequisite_words",
    "registry_info",
    "registry_lookup",
    "registry_params",
    "run_coroutine",
    "sample_active",
    "sample_model_usage",
    "sandbox_environments_context_var",
    "start_server",
    "unique_scorer_name",
    "with_async_fs",
]

SAMPLE_FIELDS = ("_store", "_message_limit", "_token_limit", "_cost_limit")
"""Attributes of a ``TaskState`` that belong to the running sample: its store and its limits."""


_STYLE = re.compile(r"\[/?(?:bold|italic|blue|green|red|yellow)\]")
"""Marks of the styles in messages for Inspect's console."""

_starting = threading.Lock()


def prerequisite_words(error: BaseException) -> str:
    r"""Return the words of an error of Inspect on one line, without the styles of its console.

    Example:
        >>> prerequisite_words(PrerequisiteError("[bold]ERROR[/bold]: Install with:\n\n[bold]pip install x[/bold]"))
        'Install with: pip install x'
        >>> prerequisite_words(PrerequisiteError("No [bold][blue]X_KEY[/blue][/bold] defined in the environment."))
        'No X_KEY defined in the environment'
    """
    text = _STYLE.sub("", str(error)) if isinstance(error, PrerequisiteError) else str(error)
    return " ".join(text.split()).removeprefix("ERROR: ").rstrip(".")


async def start_server(api: Any) -> None:
    """Start the server of a vLLM provider, which only then has its address; others have theirs from the beginning.

    The provider's own call would also send a request on a connection that outlives the event loop.
    """

    def start() -> None:
        with _starting:  # one process for all traces that begin at once
            api._resolve_server()

    if hasattr(api, "_resolve_server"):
        await anyio.to_thread.run_sync(start)


def copy_registration(provider: object, wrapper: object) -> None:
    """Register a provider around another one under the other's name, as logs and model strings state it."""
    set_registry_info(wrapper, registry_info(provider))
    set_registry_params(wrapper, registry_params(provider))


@contextmanager
def filtered_logs(hide: Callable[[bytes], bytes]) -> Iterator[None]:
    """Context manager in which the JSON of every .eval log passes through a function before it is written."""
    own: Callable[..., bytes] = eval_recorder.to_json_safe  # type: ignore[attr-defined]
    eval_recorder.to_json_safe = lambda *data, **options: hide(own(*data, **options))  # type: ignore[attr-defined]
    try:
        yield
    finally:
        eval_recorder.to_json_safe = own  # type: ignore[attr-defined]


def check_notebook() -> None:
    """Check that Inspect can run where this is a notebook.

    Raises:
        InputError: The package is missing without which it refuses to.
    """
    if running_in_notebook() and not have_package("ipywidgets"):
        raise InputError(
            "Inspect, which calls the model, needs the package ipywidgets in a notebook; install it (pip install "
            "ipywidgets, or 'overthink[notebook]') and run the cell again"
        )


@contextmanager
def no_display() -> Iterator[None]:
    """Context manager in which an eval shows nothing, also no empty widget in a notebook."""
    init_display_type("none")
    before = active_display.display()  # making it makes the console anew
    console = rich.get_console()
    own, console.is_jupyter = console.is_jupyter, False
    active_display._active_display = _NoDisplay()
    try:
        yield
    finally:
        active_display._active_display = before
        console.is_jupyter = own


class _NoDisplay(LogDisplay):
    """A display that shows nothing: Inspect's own lays out tables for a quiet console, a fifth of a small eval."""

    @asynccontextmanager
    async def task_screen(self, tasks: Any, parallel: bool) -> AsyncIterator[TaskScreen]:
        yield TaskScreen()

    @contextmanager
    def task(self, profile: Any) -> Iterator[Any]:
        yield _NoTaskDisplay()

    def print(self, message: str) -> None:
        """Show nothing."""

    def display_counter(self, caption: str, value: str) -> None:
        """Show nothing."""


class _NoTaskDisplay:
    """What a task says of its progress is not shown."""

    @contextmanager
    def progress(self) -> Iterator[LogProgress]:
        yield LogProgress(0)

    def sample_complete(self, complete: int, total: int) -> None:
        """Show nothing."""

    def update_metrics(self, scores: Any) -> None:
        """Show nothing."""

    def complete(self, result: Any) -> None:
        """Show nothing."""
