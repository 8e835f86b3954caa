"""Ctrl-C twice, as an impatient user does: the run ends with its own code, and what was paid is kept."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from overthink.resuming import check_folder
from overthink.store.journal import read_journal
from overthink.store.plan import read_plan

START = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from overthink.cli import main; main()"
)


def test_ctrl_c_twice_keeps_what_was_paid(tmp_path: Path) -> None:
    options = ["--model", "overthink/simulated", "--safety", "overthink/secret", "--budgets", "0,8", "--draws", "200"]
    with subprocess.Popen(
        [sys.executable, "-c", START, "run", *options, "--limit", "8"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        journal = tmp_path / "study" / "journal.jsonl"
        while running.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") > 5):
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "Repeat the command with --resume" in " ".join(told.split())
    kept = read_journal(journal)
    assert 5 <= len(kept) < 8 * 200
    assert check_folder(tmp_path / "study", read_plan(tmp_path / "study" / "plan.json"), resume=True) == len(kept)
