"""A forked program is as one of its own: folder, environment, arguments, pipes, signals and exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import chart_bundle
import forked
import pytest
from forked import Forked

SHOW = """
import json, os, sys
loaded = [name for name in ("overthink", "forked", "polars", "pytest") if name in sys.modules]
print(json.dumps([os.getcwd(), sys.argv, os.environ.get("FRUIT"), os.environ.get("HOME"), __name__, loaded]))
print("to the other", file=sys.stderr)
import threading
print(threading.active_count())
"""


def test_it_has_its_own_folder_environment_arguments_and_pipes(tmp_path: Path) -> None:
    environment = {"FRUIT": "pear", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    with Forked(SHOW, "one", "two words", cwd=tmp_path, env=environment) as running:
        out, err = running.communicate()
        assert running.pid != os.getpid()
    shown, threads = out.splitlines()
    assert json.loads(shown) == [str(tmp_path), ["-c", "one", "two words"], "pear", None, "__main__", []]
    assert (threads, err, running.returncode) == ("1", "to the other\n", 0)
    assert os.environ.get("FRUIT") is None


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit(7)",
        "import sys; sys.exit('words')",
        "1 / 0",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import atexit; atexit.register(print, 'at the end')",
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); signal.raise_signal(signal.SIGINT)",
    ],
)
def test_it_ends_as_a_process_of_its_own_does(code: str) -> None:
    own = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    fork = forked.run(code)
    assert (fork.returncode, fork.stdout) == (own.returncode, own.stdout)
    assert fork.stderr.splitlines()[-1:] == own.stderr.splitlines()[-1:]


def test_signals_reach_it_and_its_group() -> None:
    sleep = "import time; print('begun', flush=True); time.sleep(60)"
    for send in (lambda pid: os.kill(pid, signal.SIGTERM), lambda pid: os.killpg(pid, signal.SIGTERM)):
        with Forked(sleep) as running:
            assert running.stdout.readline() == "begun\n"
            assert running.poll() is None
            send(running.pid)
            assert running.wait() == -signal.SIGTERM


def test_what_it_says_is_read_while_it_runs() -> None:
    assert len(forked.run("print('x' * 1_000_000)").stdout) == 1_000_001


def test_the_package_is_imported_anew(tmp_path: Path) -> None:
    (tmp_path / "overthink.py").write_text("WHERE = 'elsewhere'\n")
    code = "import overthink; print(overthink.WHERE)"
    assert forked.run(code, env=os.environ | {"PYTHONPATH": str(tmp_path)}).stdout == "elsewhere\n"
    assert forked.run(code).returncode == 1  # the control: without that path it is the package that is tested


def test_the_stored_script_of_charts_is_the_one_that_is_built() -> None:
    snippet = "window.vegaEmbed = vegaEmbed;"
    assert chart_bundle.stored_bundle(snippet) == chart_bundle._built(snippet)
