"""One call for a whole study: in a script, in a running event loop, for several models, and when it stops."""

import asyncio
import io
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from forked import Forked
from sweeps import few

import overthink
from overthink.collect.session.interrupts import Interrupts
from overthink.errors import InputError, StoppedError
from overthink.storage.journal import read_journal
from overthink.workflows import experiment as workflow

OPTIONS: dict[str, Any] = {
    "model": "overthink/simulated",
    "safety": "overthink/secret",
    "budgets": (0, 8),
    "draws": 2,
    "limit": 3,
    "seed": 5,
    "progress": False,
}


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder and the folder for temporary files are empty."""
    for name in ("here", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    own = SimpleNamespace(mkdtemp=partial(tempfile.mkdtemp, dir=tmp_path / "temporary"))
    monkeypatch.setattr(workflow, "tempfile", own)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_study_in_one_call_leaves_nothing_on_disk(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    study = overthink.experiment(**OPTIONS)
    assert files(tmp_path) == []
    assert study.folder is None
    assert study.pool.collect().height == 12
    assert [finding.at.requested_tokens for finding in study.find(metric="mean")] == [0, 8]
    assert "overthink/secret" in study.html()
    assert capfd.readouterr() == ("", "")


def test_with_a_folder_it_is_the_study_of_the_command_line(tmp_path: Path) -> None:
    study = overthink.experiment(**OPTIONS, out=tmp_path / "study")
    alone = overthink.experiment(**OPTIONS)
    assert study.folder is not None
    assert study.folder.report.exists()
    assert study.findings == alone.findings
    with pytest.raises(InputError, match="resume"):
        overthink.experiment(**OPTIONS, out=tmp_path / "study")
    more = overthink.experiment(**OPTIONS | {"draws": 3}, out=tmp_path / "study", resume=True)
    assert more.pool.collect().height == 18


def test_a_file_of_options_is_overridden_by_keywords(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        'model = "overthink/simulated"\nsafety = "overthink/secret"\nbudgets = [0, 8]\ndraws = 2\nlimit = 9\n'
    )
    study = overthink.experiment(path, limit=2, progress=False)
    assert study.about.plan is not None
    assert (study.about.plan["limit"], study.about.plan["draws"]) == (2, 2)


def test_it_works_in_a_running_event_loop() -> None:
    async def cell() -> overthink.Study:
        return overthink.experiment(**OPTIONS)

    async def steps() -> overthink.Study:  # the functions that it is made of, too
        options = workflow.experiment_options(None, {name: OPTIONS[name] for name in OPTIONS if name != "progress"})
        study = overthink.run(overthink.prepare(options.plans()[0]), "study")
        assert overthink.verify("study", verifier="simulated", by="answer", out="verified").find(kind="value")
        return study

    expected = overthink.experiment(**OPTIONS).findings
    assert asyncio.run(cell()).findings == expected
    assert asyncio.run(steps()).findings == expected


def test_an_error_in_a_running_event_loop_is_the_same() -> None:
    async def cell() -> overthink.Study:
        return overthink.experiment(**OPTIONS | {"safety": "no_such_task"})

    with pytest.raises(InputError) as here:
        overthink.experiment(**OPTIONS | {"safety": "no_such_task"})
    with pytest.raises(InputError) as there:
        asyncio.run(cell())
    assert str(here.value) == str(there.value)


IN_A_LOOP = """
import asyncio, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.ps1 = ">>> "  # an interactive session
import overthink
from overthink.collect.providers.simulated.provider import SimulatedProvider
own = SimulatedProvider.generate

async def generate(self, input, **more):
    await asyncio.sleep(0.03)
    return await own(self, input, **more)

SimulatedProvider.generate = generate

async def cell():
    try:
        overthink.experiment(
            model="overthink/simulated", safety="overthink/secret", budgets=[0, 8], draws=30, limit=6, out="study"
        )
    except KeyboardInterrupt:
        print("interrupted", flush=True)

loop = asyncio.new_event_loop()
"""


@pytest.mark.parametrize("way", few(["asyncio.run(cell())", "loop.run_until_complete(cell())"], 1))
def test_ctrl_c_in_a_cell_keeps_what_is_finished(tmp_path: Path, way: str) -> None:
    journal = tmp_path / "study" / "journal.jsonl"
    with Forked(f"{IN_A_LOOP}\n{way}", cwd=tmp_path) as process:
        while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") > 5):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert (output, process.returncode) == ("interrupted\n", 0), errors
    assert 5 <= len(list(read_journal(journal))) < 180


@pytest.mark.long
def test_several_threads_wait_for_one_another() -> None:
    with ThreadPoolExecutor(3) as pool:
        studies = [*pool.map(lambda _: overthink.experiment(**OPTIONS), range(3))]
    assert studies[0].findings == studies[1].findings == studies[2].findings


def test_a_press_before_the_run_begins_ends_it() -> None:
    from overthink.collect.session.interrupts import count_interrupts, handled_by

    handler = Interrupts()
    with handled_by(handler), count_interrupts() as own:
        assert own is handler
    handler.press()
    with handled_by(handler), pytest.raises(KeyboardInterrupt), count_interrupts():
        pass
    assert threading.current_thread() is threading.main_thread()


def test_a_stopped_run_without_a_folder_says_where_its_traces_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = workflow.run

    def stop(session: Any, out: Path, **options: Any) -> overthink.Study:
        def power_cut(_: object) -> None:
            raise StoppedError("the power went")

        return own(session, out, **options | {"on_trace": power_cut})

    monkeypatch.setattr(workflow, "run", stop)
    with pytest.raises(StoppedError) as caught:
        overthink.experiment(**OPTIONS)
    first, last = caught.value.lines
    assert first == "the power went"
    folder = Path(last.split(" are in ")[1].split(": give out=")[0])
    assert 1 <= len(list(read_journal(folder / "journal.jsonl"))) <= 6
    monkeypatch.setattr(workflow, "run", own)
    study = overthink.experiment(**OPTIONS, out=folder, resume=True)
    assert study.findings == overthink.experiment(**OPTIONS).findings


def test_several_models_are_compared_at_the_end(tmp_path: Path) -> None:
    models = ["overthink/simulated", "overthink/smollm2"]
    study = overthink.experiment(**OPTIONS | {"model": models, "limit": 2, "draws": 1}, out=tmp_path / "both")
    assert list(study.parts) == models
    arms = {f"base ({model.replace('/', '-')})" for model in models}
    assert set(study.pool.collect()["arm"]) == arms
    assert study.find(kind="arm_difference", metric="mean")
    assert {path.name for path in (tmp_path / "both").iterdir()} == {
        "overthink-simulated", "overthink-smollm2", "comparison",
    }  # fmt: skip
    again = overthink.experiment(
        **OPTIONS | {"model": models, "limit": 2, "draws": 1}, out=tmp_path / "both", resume=True
    )
    assert again.findings == study.findings


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"draw": 3}, TypeError, "experiment() takes no 'draw'; nearest: draws, max_draws"),
        ({"model": ["a/b", "a/b"]}, InputError, "model a/b is named twice"),
        ({"model": ["a/b", "a-b"]}, InputError, "a/b and a-b would have one folder"),
        ({"model": ["comparison", "b"]}, InputError, "the comparison and comparison would have one folder"),
        ({"resume": 1}, TypeError, "resume is 1"),
        ({"config": "none.toml"}, InputError, "none.toml is not there; needed: a TOML file"),
        ({"draws": 0}, InputError, "draws: Input should be greater than or equal to 1"),
        ({"resume": True}, InputError, "resume needs the folder of the stopped study; give it as out"),
    ],
)
def test_bad_calls_are_one_error_and_leave_nothing(
    change: dict[str, Any], kind: type[Exception], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow, "prepare", lambda plan: pytest.fail("paid"))
    with pytest.raises(kind) as caught:
        overthink.experiment(**OPTIONS | change)
    assert str(caught.value).startswith(message)
    assert files(tmp_path) == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_progress_is_shown_as_plain_lines(capfd: pytest.CaptureFixture[str]) -> None:
    overthink.experiment(**OPTIONS | {"progress": True})
    output, errors = capfd.readouterr()
    assert output == ""
    assert errors.startswith("3 questions × 2 draws = 6 traces; ")
    assert "6 of 6 traces" in errors
    assert "\x1b" not in errors


class Full(io.StringIO):
    """A stream that takes nothing."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("stream", [None, Full()], ids=["closed", "full"])
def test_standard_error_that_is_gone_ends_nothing(
    stream: Full | None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    assert overthink.experiment(**OPTIONS | {"progress": True}).find(metric="mean")
    assert capfd.readouterr().out == ""
