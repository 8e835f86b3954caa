"""No network but loopback, seeded properties, and where the data for checks is."""

import os

# Each worker has a core of its own; threads beside it would only wait for it. Read when NumPy and Polars are imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import gc
import ipaddress
import logging
import random
import socket
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from chart_bundle import stored_bundle
from equal_analyses import once
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from plain_copies import plain_copy

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=30)
settings.register_profile("nightly", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
# Hypothesis looks for constants in every module that is loaded, so that its examples hang on what other tests import.
providers._get_local_constants = lambda: providers._local_constants  # type: ignore[attr-defined]

# Inspect asks its home for updates and keys; a test needs neither.
os.environ["INSPECT_DISPLAY"] = "none"


def pytest_collection_finish() -> None:
    """What was imported and collected stays, and a test makes more objects than a collection is worth."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> None:
    if self.family == socket.AF_UNIX or _is_loopback(address[0]):
        return _connect(self, address)
    raise RuntimeError(f"a test tried to reach {address!r}; tests use loopback only")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    socket.socket.connect = _loopback_only  # type: ignore[method-assign]
    yield
    socket.socket.connect = _connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data for checks; it is not part of the repository."""
    return _folder("OVERTHINK_DATA", "data")


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of cases, each with what builds its inputs; it is not part of the repository."""
    return _folder("OVERTHINK_CASES", "cases")


def _folder(variable: str, content: str) -> Path:
    folder = os.environ.get(variable)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"no {content} for checks: {variable} is {folder or 'not set'}; set it to their folder")
    return Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _no_results_display() -> Iterator[None]:
    """Inspect lays out a table of results after every run, though nothing shows it: a sixth of a small study."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inspect_ai._display.rich.display.tasks_results", lambda tasks: "")
        yield


@pytest.fixture(scope="session", autouse=True)
def _installed_packages_are_listed_once() -> Iterator[None]:
    """Inspect reads the file list of every installed package before each run of a task: half of a small study."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inspect_ai._util.package.packages_distributions", cache(packages_distributions))
        yield


@pytest.fixture(scope="session", autouse=True)
def _logs_of_inspect_are_not_looked_over() -> Iterator[None]:
    """Of every error Inspect's log has a coloured page beside its text, and every sample is searched for what is too
    deep to store and for attachments of earlier logs: a tenth of a small study, of which no test reads anything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inspect_ai._util.rich.rich_traceback", lambda *error, **options: "")
        patch.setattr("inspect_ai.log._condense.exceeds_max_depth", lambda value, depth: False)
        patch.setattr("inspect_ai.log._condense.attachment_refs_from_value", lambda value: set())
        patch.setattr("inspect_ai.agent._acp.event_mapping._AcpEventRouter.attach", lambda router: None)
        patch.setattr("inspect_ai._util.zipfile._ZSTD_THREADS", 0)  # twelve threads for each small part of a log
        yield


@pytest.fixture(scope="session", autouse=True)
def _inspect_traces_nothing() -> Iterator[None]:
    """Of every call Inspect writes two lines to a trace of its own, outside the study: a twentieth of a small study."""
    from inspect_ai._util.constants import TRACE

    logging.disable(TRACE)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session", autouse=True)
def _what_holds_only_text_is_copied_at_once() -> Iterator[None]:
    """The same copies: test_plain_copies compares them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_chat_message.ChatMessageBase", "_generate_config.GenerateConfig"):
            patch.setattr(f"inspect_ai.model.{name}.__deepcopy__", plain_copy)
        yield


@pytest.fixture(scope="session", autouse=True)
def _the_script_of_charts_is_built_once() -> Iterator[None]:
    """Another way to the same text: test_forked compares them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vl_convert.javascript_bundle", stored_bundle)
        yield


@pytest.fixture(scope="session", autouse=True)
def _equal_rows_are_analysed_once() -> Iterator[None]:
    """More than half of all analyses are of rows that were analysed before. That equal rows give equal findings is
    tested on the function itself, which stays as it is (test_findings_from_outcomes)."""
    from overthink.workflows import results

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "analyse_outcomes", once(results.analyse_outcomes))
        yield


@pytest.fixture(scope="session", autouse=True)
def _ids_of_inspect_are_hexadecimal() -> Iterator[None]:
    """Inspect names every message and event by a random number to the base 57, each digit a division of 128 bits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shortuuid.ShortUUID.encode", lambda numbers, own, pad_length=None: own.hex[:22])
        patch.setattr("shortuuid.ShortUUID._length", 22)
        yield


@pytest.fixture(scope="session", autouse=True)
def _random_bytes_need_no_system_call() -> Iterator[None]:
    """Inspect names every call and event by random bytes of the system, which cost as much as all else of a call."""
    numbers = random.Random(os.urandom(32))
    os.register_at_fork(after_in_child=numbers.seed)  # or a child would go on with the names of its parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "urandom", numbers.randbytes)
        yield


@pytest.fixture(scope="session", autouse=True)
def _disks_are_not_waited_for() -> Iterator[None]:
    """No test pulls the plug: what was written survives the end of its process without being forced onto a disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


OnCall = Callable[[Callable[[Any, Any], None]], None]


@pytest.fixture
def on_call(monkeypatch: pytest.MonkeyPatch) -> OnCall:
    """What is given here is told of every call of the simulated model: what it was asked, and the tokens it counted."""
    from overthink.collect.providers.simulated.provider import SimulatedProvider

    def tell(see: Callable[[Any, Any], None]) -> None:
        own = SimulatedProvider.generate

        async def generate(self: SimulatedProvider, input: Any, *rest: Any, **more: Any) -> Any:  # noqa: A002
            output = await own(self, input, *rest, **more)
            see(input, output.usage)
            return output

        monkeypatch.setattr(SimulatedProvider, "generate", generate)

    return tell


@pytest.fixture
def counted(on_call: OnCall) -> list[int]:
    """Prompt and decoded tokens of every call of the simulated model."""
    seen: list[int] = []
    on_call(lambda asked, usage: seen.append(usage.total_tokens))
    return seen


@pytest.fixture
def overthink(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):  # type: ignore[no-untyped-def]
    """The command line, called in a folder of its own: exit code, standard output, standard error on one line."""
    from overthink.cli import main, terminal

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal.messages, "_force_terminal", False)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["overthink", *arguments])
        with pytest.raises(SystemExit) as stopped:
            sys.exit(main.main())
        code = stopped.value.code
        captured = capsys.readouterr()
        return (code if isinstance(code, int) else 0), captured.out, " ".join(captured.err.split())

    return call
