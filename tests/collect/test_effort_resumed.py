"""A study of levels that was stopped, or that grows, runs the samples it lacks and no other."""

from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import get_model
from test_effort import CALLS, FILE

import overthink
from overthink.errors import InputError, StoppedError
from overthink.plan import Plan, checked_plan


def plan(tmp_path: Path, **changes: object) -> Plan:
    (tmp_path / "theirs.py").write_text(FILE)
    fields: dict[str, object] = {
        "overthink": "0",
        "model": "hosted/m",
        "tasks": overthink.tasks(capability=[f"{tmp_path}/theirs.py@sums"], safety=[], benign=[], args={}),
        "efforts": ("low", "high"),
        "draws": 2,
        "limit": 2,
        "seed": 0,
        "concurrency": 1,
    }
    return checked_plan(**(fields | changes))


def run(tmp_path: Path, wanted: Plan, folder: str = "s", **options: Any) -> overthink.Study:
    CALLS.clear()
    return overthink.run(overthink.prepare(wanted), tmp_path / folder, **options)


def named(study: overthink.Study) -> list[tuple[str, int, int, float | None]]:
    return sorted((row.question, row.draw, row.rung, row.value) for row in study.records)


def test_a_stopped_level_goes_on_with_the_samples_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(tmp_path, plan(tmp_path), folder="whole")
    assert len(CALLS) == 2 * 2 * 2
    hosted = type(get_model("hosted/m").api)
    generate = hosted.generate

    async def dying(self: Any, *rest: Any, **more: Any) -> Any:
        if len(CALLS) == 3:
            raise KeyboardInterrupt
        return await generate(self, *rest, **more)

    with monkeypatch.context() as broken:
        broken.setattr(hosted, "generate", dying)
        with pytest.raises((KeyboardInterrupt, StoppedError)):
            run(tmp_path, plan(tmp_path))
    resumed = run(tmp_path, plan(tmp_path), resume=True)
    assert len(CALLS) == 2 * 2 * 2 - 3
    assert named(resumed) == named(whole)
    assert resumed.findings == whole.findings
    assert named(run(tmp_path, plan(tmp_path), resume=True)) == named(whole)
    assert not CALLS


def test_more_draws_and_questions_run_alone(tmp_path: Path) -> None:
    run(tmp_path, plan(tmp_path))
    grown = plan(tmp_path, draws=3, limit=3)
    extended = run(tmp_path, grown, resume=True)
    assert len(CALLS) == 2 * (3 * 3 - 2 * 2)
    assert named(extended) == named(run(tmp_path, grown, folder="afresh"))
    with pytest.raises(InputError, match="another plan .*efforts"):
        run(tmp_path, plan(tmp_path, draws=3, limit=3, efforts=("low", "medium", "high")), resume=True)


def test_a_log_that_was_cut_in_the_middle_is_run_again(tmp_path: Path) -> None:
    whole = run(tmp_path, plan(tmp_path))
    (log,) = (tmp_path / "s" / "logs").glob("00-01-high/*.eval")
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    resumed = run(tmp_path, plan(tmp_path), resume=True)
    assert len(CALLS) == 2 * 2
    assert named(resumed) == named(whole)
    assert any("Left out" in note for note in resumed.about.notes)
