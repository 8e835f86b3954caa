"""A study of levels that was stopped, or that grows, runs the samples it lacks and no other."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.model import get_model
from test_efforts import CALLS, FILE

import overthink
from overthink.data.pool import records_of
from overthink.errors import InputError, StoppedError
from overthink.plan.study import Plan, checked_plan
from overthink.storage.models import StudyModels
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.unfinished import traces_of_levels, unfinished_page


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
    return sorted((row.question, row.draw, row.rung, row.value) for row in records_of(study.pool))


def without_time(study: overthink.Study) -> list[object]:
    """The findings that two runs of one study share: all but those of the clock on the wall."""
    return [finding for finding in study.findings if "seconds" not in (finding.metric.split("_")[-1], finding.at.unit)]


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
    assert without_time(resumed) == without_time(whole)
    assert named(run(tmp_path, plan(tmp_path), resume=True)) == named(whole)
    assert not CALLS


def test_while_it_runs_the_samples_in_the_logs_are_a_marked_page(tmp_path: Path) -> None:
    wanted, pages, n_traces = plan(tmp_path), [], []

    def look() -> None:
        session, folder = overthink.prepare(wanted), StudyFolder(tmp_path / "s")
        n_traces.append(len(traces := traces_of_levels(session, folder)))
        if len(n_traces) == 7:  # of eight: the first level has ended
            pages.append(unfinished_page(session, traces, models=StudyModels(), command="overthink run"))

    def on_trace(_: object) -> None:
        with ThreadPoolExecutor(1) as threads:  # as in a run: in a loop, Inspect would read logs by changing every loop
            threads.submit(look).result()

    run(tmp_path, wanted, on_trace=on_trace)
    assert n_traces == sorted(n_traces)
    assert n_traces[0] == 0  # a sample is written once it is finished
    assert 4 <= n_traces[6] < 8
    assert "<title>Unfinished: " in pages[0]
    assert f"{n_traces[6]} of 8 traces are there" in pages[0]
    assert ">low<" in pages[0]
    assert "Unfinished" not in (tmp_path / "s" / "report.html").read_text(encoding="utf-8")


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


def decoded(study: overthink.Study) -> tuple[int | None, int | None, int]:
    """Tokens decoded in all, those of samples that were run again, and how many of these there were."""
    took = study.about.actual_cost
    assert took is not None
    return took.decoded_tokens, took.retry_usage.decoded_tokens, took.n_cut_short


def test_samples_that_failed_or_were_cut_short_are_told_once_they_are_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task asks twice, and fails between; the provider counts."""
    file = FILE.replace("solver=generate()", "solver=[generate(), generate()]")
    (tmp_path / "theirs.py").write_text(file)
    wanted = plan(tmp_path, efforts=("low",), draws=1, limit=3)
    (tmp_path / "theirs.py").write_text(file)
    hosted = type(get_model("hosted/m").api)
    generate, counted = hosted.generate, list[int]()

    def falling(at: int, error: BaseException) -> Any:
        async def ask(self: Any, *rest: Any, **more: Any) -> Any:
            if len(CALLS) == at:
                CALLS.append((None, None))
                raise error
            output = await generate(self, *rest, **more)
            counted.append(output.usage.output_tokens)
            return output

        return ask

    monkeypatch.setattr(hosted, "generate", falling(1, ConnectionError("reset")))
    failed = run(tmp_path, wanted)
    assert [row.error is not None for row in records_of(failed.pool)].count(True) == 1
    assert decoded(failed) == (sum(counted), 0, 0)  # it stands in the pool, with what it paid
    monkeypatch.setattr(hosted, "generate", falling(-1, ConnectionError()))
    mended = run(tmp_path, wanted, resume=True)
    assert decoded(mended) == (sum(counted), 105, 1)
    assert decoded(run(tmp_path, wanted, resume=True)) == (sum(counted), 105, 1)
    assert overthink.workflows.analyse.report(tmp_path / "s").about.actual_cost == mended.about.actual_cost


def test_a_sample_that_ctrl_c_cut_short_tells_what_its_calls_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = FILE.replace("solver=generate()", "solver=[generate(), generate()]")
    wanted = plan(tmp_path, efforts=("low",), draws=1, limit=3)
    (tmp_path / "theirs.py").write_text(file)
    hosted = type(get_model("hosted/m").api)
    generate, counted = hosted.generate, list[int]()

    async def ask(self: Any, *rest: Any, **more: Any) -> Any:
        if len(CALLS) == 3:  # the second call of the second question: it is under way, and nobody hears its answer
            signal.raise_signal(signal.SIGINT)
            await asyncio.sleep(60)
        output = await generate(self, *rest, **more)
        counted.append(output.usage.output_tokens)
        return output

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as broken:
            broken.setattr(hosted, "generate", ask)
            with pytest.raises(KeyboardInterrupt):
                run(tmp_path, wanted)
    finally:
        signal.signal(signal.SIGINT, before)
    resumed = run(tmp_path, wanted, resume=True)
    assert len(counted) == 3
    assert decoded(resumed) == (105 * (3 + 4), 105, 1)
    assert resumed.about.actual_cost is not None
    assert resumed.about.actual_cost.n_unanswered == 1
