"""The scripts of the page on fleets do what it says, without Slurm."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import overthink
from overthink.cli.main import app
from overthink.errors import ExitCode

PAGE = Path(__file__).parents[2] / "docs" / "fleet.md"
SHARDS = 2

CONFIG = """
model = "overthink/simulated"
safety = "overthink/secret"
budgets = "0,8"
limit = 4
draws = 1
seed = 3
"""


def scripts() -> tuple[str, str]:
    """The task of an array, and the last step."""
    task, last = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    return task, last


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a script as Slurm does, and the command that it ends in within this process, where it starts at once."""
    monkeypatch.chdir(tmp_path)
    task, last = scripts()
    (tmp_path / "shard.sh").write_text(task)
    (tmp_path / "merge.sh").write_text(last)
    stand_in = tmp_path / "bin" / "overthink"
    stand_in.parent.mkdir()
    stand_in.write_text('#!/bin/bash\nprintf "%s\\0" "$@"\n')
    stand_in.chmod(0o755)
    paths = {"PATH": f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}", "SHARDS": str(SHARDS)}

    def run(script: str, number: int | None = None) -> Any:
        own = paths | ({} if number is None else {"SLURM_ARRAY_TASK_ID": str(number)})
        command = subprocess.run(
            ["/bin/bash", script], cwd=tmp_path, env=os.environ | own, capture_output=True, text=True, check=True
        )
        words = command.stdout.split("\0")[:-1]
        monkeypatch.setattr("sys.argv", ["overthink", *words])
        return CliRunner().invoke(app, words)

    return run


def test_the_array_and_its_last_step(step: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(CONFIG)
    assert step("shard.sh", 1).exit_code == 0
    half = step("merge.sh")
    assert half.exit_code == ExitCode.STOPPED
    assert "--config study.toml --quiet --shard 2/2 --out shards/2-of-2" in half.stdout
    assert [step("shard.sh", number).exit_code for number in (1, 2)] == [0, 0]  # the first has nothing to do
    assert step("merge.sh").exit_code == 0
    whole = overthink.experiment(tmp_path / "study.toml", out=tmp_path / "whole", progress=False)
    assert overthink.analyse(tmp_path / "study").findings == whole.findings


def test_what_slurm_reads_comes_first() -> None:
    for script in scripts():
        lines = script.splitlines()
        assert lines[0] == "#!/bin/bash"
        options = [line for line in lines if line.startswith("#SBATCH ")]
        assert lines[1 : 1 + len(options)] == options  # Slurm reads none behind the first command
