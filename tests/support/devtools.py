"""One Chromium for all tests of a process, each page in a context of its own: nothing is shared but the program.

It is spoken to over a pipe in its DevTools protocol, and ends when the pipe does.
"""

import atexit
import fcntl
import functools
import itertools
import json
import os
import select
import shutil
import tempfile
import time
from typing import Any

import pytest

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The shell comes first: the same pages for half of the processor time, as it draws no windows around them."""

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-software-rasterizer", "--in-process-gpu",
    "--remote-debugging-pipe",
)  # fmt: skip
_VIRTUAL_MS = 5_000
"""How long a page may run on its own clock, which stands still for nothing but a fetch."""
_SECONDS = 120.0

_DOM = "new XMLSerializer().serializeToString(document.doctype) + document.documentElement.outerHTML"


class Browser:
    """A running Chromium."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        (reads, self._write), (self._read, writes) = os.pipe(), os.pipe()
        above = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (reads, writes)]
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, end) for end in (0, 1, 2)]
        actions += [(os.POSIX_SPAWN_DUP2, end, place) for end, place in zip(above, (3, 4), strict=True)]
        command = [program, *_FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._pid = os.posix_spawn(program, command, os.environ, file_actions=actions)
        for end in (reads, writes, null, *above):
            os.close(end)
        self._numbers = itertools.count(1)
        self._unread = b""
        self._events: list[dict[str, Any]] = []

    def dom(self, address: str, width: int, height: int) -> str:
        """Return a page after its scripts ran, in a window of so many pixels."""
        return self.value(address, width, height, _DOM)

    def value(self, address: str, width: int, height: int, expression: str, **media: Any) -> str:
        """Return the text of an expression on a page after its scripts ran, shown in a medium where one is stated."""
        context = self._call("Target.createBrowserContext")["browserContextId"]
        target = self._call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        page = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        call = functools.partial(self._call, session=page)
        call("Page.enable")
        call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        call("Page.navigate", url=address)
        self._wait(page, "Page.loadEventFired")
        # Not before: the budget of an empty page is spent at once, and its end would count for the page that follows.
        waits = "pauseIfNetworkFetchesPending"
        call("Emulation.setVirtualTimePolicy", policy=waits, budget=_VIRTUAL_MS, maxVirtualTimeTaskStarvationCount=9999)
        self._wait(page, "Emulation.virtualTimeBudgetExpired")
        if media:
            call("Emulation.setEmulatedMedia", **media)
        text = call("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]
        self._call("Target.disposeBrowserContext", browserContextId=context)
        return str(text)

    def close(self) -> None:
        """End it, with its profile."""
        os.close(self._write)
        os.close(self._read)
        os.waitpid(self._pid, 0)
        self._profile.cleanup()

    def _wait(self, page: str, method: str) -> None:
        while not any((event.get("sessionId"), event["method"]) == (page, method) for event in self._events):
            self._events = [self._message()]
        self._events = []

    def _call(self, method: str, *, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        call = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        unsent = json.dumps(call).encode() + b"\0"
        while unsent:
            unsent = unsent[os.write(self._write, unsent) :]
        while (message := self._message()).get("id") != number:
            self._events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']}")
        result: dict[str, Any] = message["result"]
        return result

    def _message(self) -> dict[str, Any]:
        parts, end = [self._unread], time.monotonic() + _SECONDS
        while b"\0" not in parts[-1]:
            if not select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("Chromium does not answer")
            parts.append(os.read(self._read, 1 << 20))
            if not parts[-1]:
                raise RuntimeError("Chromium ended")
        whole, _, self._unread = b"".join(parts).partition(b"\0")
        message: dict[str, Any] = json.loads(whole)
        return message


@functools.cache
def browser() -> Browser:
    """Return the Chromium of this process; without one the test is skipped, or fails where it is required."""
    for name in _NAMES:
        program = shutil.which(name)
        if program is not None:
            running = Browser(program)
            atexit.register(running.close)
            return running
    reason = f"none of {', '.join(_NAMES)} is installed"
    if os.environ.get("OVERTHINK_REQUIRE_CHROMIUM") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
