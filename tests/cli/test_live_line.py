"""On a terminal of any width and encoding progress is one line; where a cursor cannot move, it is plain lines."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

WORK = """
import time
from overthink.cli import progress, terminal
from overthink.cli.progress import Meter, doing
terminal.prepare_streams()
progress.SECONDS_BETWEEN_LINES = 0.02
with doing("loading a model whose name is longer than a terminal that is forty columns wide, \\u601d\\u8003"):
    time.sleep(0.1)
with Meter(total=30, done=0) as meter:
    for number in range(30):
        meter.add("a task whose name is longer than a terminal, in two alphabets: \\u601d\\u8003 \\u00e9", 12_345)
        meter._live and meter._live.refresh()
        time.sleep(0.01 if meter._live is None else 0)
"""


def screen(columns: int, **environment: str) -> str:
    """What a terminal of a width gets while work goes on."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    base = {name: text for name, text in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", WORK],
        stdout=subprocess.DEVNULL,
        stderr=follower,
        env=base | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | environment,
    )
    os.close(follower)
    pieces = []
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(leader)
    assert process.wait() == 0
    return b"".join(pieces).decode()


ASCII = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def width(line: str) -> int:
    """Columns that a line takes."""
    from rich.cells import cell_len

    return cell_len(re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line))


@pytest.mark.parametrize("columns", [40, 200])
@pytest.mark.parametrize("environment", [{}, ASCII, {"NO_COLOR": "1"}], ids=["utf-8", "ascii", "no colour"])
def test_one_line_lives(columns: int, environment: dict[str, str]) -> None:
    text = screen(columns, **environment)
    lines = [line for line in re.split(r"[\r\n]+", text) if line]
    assert max(map(width, lines)) <= columns
    assert text.count("\n") <= 2  # the end of each of the two
    assert "30/30" in lines[-2] or "30/30" in lines[-1]
    assert ("━" in text) == (columns == 200 and environment is not ASCII)
    assert ("\x1b[3" in text) == ("NO_COLOR" not in environment)
    if environment is ASCII:
        assert text.isascii()


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines() -> None:
    text = screen(80, TERM="dumb")
    assert "\x1b[" not in text
    assert text.count("of 30 traces") >= 2
