"""Programs in processes of their own, forked from one that has imported the packages of others.

Imports are most of the time of a small program. The package that is tested is not among them: every program imports it
anew. The process to fork from has one thread and starts with the first program.
"""

import atexit
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, Any, Self

PACKAGES = (
    "inspect_ai", "inspect_ai.model", "altair", "scipy.stats", "jsonschema", "typer",
    "openai", "IPython", "acp", "fastapi", "uvicorn", "rich.markdown",  # Inspect imports these when it runs a task
)  # fmt: skip

_START = "import sys; sys.path.insert(0, sys.argv[1]); from forked import program; exec(program(int(sys.argv[2])))"


class Forked:
    """A running program, with what a test needs of :class:`subprocess.Popen`.

    Args:
        code: As behind ``python -c``.
        arguments: Its arguments.
        cwd: Where it runs.
        env: All of its environment.
    """

    def __init__(
        self, code: str, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        out, err = os.pipe(), os.pipe()
        request = {"code": code, "arguments": arguments, "cwd": str(cwd or Path.cwd()), "env": dict(env or os.environ)}
        self.pid = int(_asked(request, [out[1], err[1]]))
        os.close(out[1])
        os.close(err[1])
        self.stdout: IO[str] = os.fdopen(out[0])
        self.stderr: IO[str] = os.fdopen(err[0])
        self.returncode: int | None = None
        self._readers: list[Thread] = []
        self._said: dict[IO[str], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.poll() is None:
            self.send_signal(signal.SIGKILL)
        self.wait()
        self.stdout.close()
        self.stderr.close()

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = _asked({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float = 120) -> int:
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("the program", timeout)
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def communicate(self, timeout: float | None = 120) -> tuple[str, str]:
        """Waits for the end, and reads meanwhile: a pipe does not hold much."""
        if not self._readers:
            self._readers = [
                Thread(target=lambda file=file: self._said.update({file: file.read()}), daemon=True)
                for file in (self.stdout, self.stderr)
            ]
            for reader in self._readers:
                reader.start()
        self.wait(120 if timeout is None else timeout)
        for reader in self._readers:
            reader.join()
        return self._said[self.stdout], self._said[self.stderr]


def run(code: str, *arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    """The program at its end."""
    with Forked(code, *arguments, env=env) as running:
        out, err = running.communicate()
    assert running.returncode is not None
    return subprocess.CompletedProcess(arguments, running.returncode, out, err)


def _asked(request: Mapping[str, Any], files: Sequence[int] = ()) -> Any:
    connection = _origin()
    socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], files)
    with connection.makefile("rb") as answers:
        return json.loads(answers.readline())


@cache
def _origin() -> socket.socket:
    """The connection to the process to fork from, which ends when it is closed."""
    here, there = socket.socketpair()
    command = [sys.executable, "-c", _START, str(Path(__file__).parent), str(there.fileno())]
    origin = subprocess.Popen(command, pass_fds=[there.fileno()], start_new_session=True, stdin=subprocess.DEVNULL)
    there.close()

    def end() -> None:
        here.shutdown(socket.SHUT_RDWR)
        here.close()
        origin.wait()

    atexit.register(end)
    return here


def program(descriptor: int) -> str:
    """In the process to fork from: answers requests. Returns in each fork, with its code."""
    own = {"", str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    installed = [folder for folder in sys.path if folder not in own]
    for name in PACKAGES:
        importlib.import_module(name)
    packages = importlib.import_module("inspect_ai._util.package")
    packages.packages_distributions = cache(packages.packages_distributions)  # read before every run of a task
    packages.packages_distributions()
    importlib.import_module("chart_bundle").store_bundle()
    threads = len(list(Path("/proc/self/task").iterdir())) if sys.platform == "linux" else 1
    assert threads == 1, f"{threads} threads; a fork would have one of them"
    assert "overthink" not in sys.modules
    with socket.socket(fileno=descriptor) as connection:
        while True:
            text, files, _, _ = socket.recv_fds(connection, 1 << 20, 2)
            if not text:
                raise SystemExit
            while not text.endswith(b"\n"):
                text += connection.recv(1 << 20)
            request = json.loads(text)
            if "ended" in request:
                answer = _ended(request["ended"])
            else:
                answer = os.fork()
                if not answer:
                    break
                os.setpgid(answer, answer)  # here too: who gets the answer may send a signal to the group
                for file in files:
                    os.close(file)
            connection.sendall(json.dumps(answer).encode() + b"\n")
    return _begun(request, files, installed)


def _ended(pid: int) -> int | None:
    known, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if known else None


def _begun(request: Mapping[str, Any], files: Sequence[int], installed: Sequence[str]) -> str:
    """In a fork: everything as in a process of its own."""
    os.setpgid(0, 0)
    for file, standard in zip(files, (1, 2), strict=True):
        os.dup2(file, standard)
        os.close(file)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["-c", *request["arguments"]]
    paths = [folder for folder in request["env"].get("PYTHONPATH", "").split(os.pathsep) if folder]
    sys.path[:] = ["", *paths, *installed]
    for name in ("forked", "chart_bundle"):
        sys.modules.pop(name, None)
    return str(request["code"])
