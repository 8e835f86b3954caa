"""Two kills of the hundred that benchmarks/kills.py makes."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from forked import Forked

AS_A_FILE = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"

KILLS = Path(__file__).parents[2] / "benchmarks" / "kills.py"


@pytest.fixture(scope="module")
def kills() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kills", KILLS)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["kills"] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


def test_what_was_kept_survives_every_kill_and_is_not_paid_again(
    kills: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kills, "LIMIT", 4)  # half of the questions of the benchmark
    monkeypatch.setattr(kills, "TRACES", kills.TRACES // 2)
    tally = kills.kill_and_resume(2, seed=4, where=tmp_path, begin=lambda command: Forked(AS_A_FILE, *command[1:]))
    assert tally.kills == 2
    assert (tally.lost, tally.paid_twice, tally.doubled, tally.different) == (0, 0, 0, 0)
    assert tally.most_in_flight <= kills.CONCURRENCY
