"""Reports of a run that goes on: marked, without claims, never in the way, and gone when the run has ended."""

import re
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from simulated_study import one_task, run

import overthink
from overthink.analysis.withheld import values_alone
from overthink.data.record import RungRecord
from overthink.data.results.study import flatten
from overthink.errors import InputError
from overthink.storage.json_documents import write_plan
from overthink.storage.models import StudyModels
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.paper import methods_text, table_text
from overthink.workflows.resume import stored_traces
from overthink.workflows.statement import statement
from overthink.workflows.unfinished import ReportsSoFar, Schedule, Traces, unfinished_page

AT_ONCE = Schedule(first_seconds=0.0, every_seconds=0.0, share=1.0)
PLAN = one_task(limit=6, draws=2)
HALF = 7


class Stopped(KeyboardInterrupt):
    """Ctrl-C after some traces."""


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that Ctrl-C ended after half of its traces, with a page of what was there."""
    folder = tmp_path_factory.mktemp("studies") / "stopped"
    count = iter(range(1, HALF + 1))

    def on_trace(rows: Sequence[RungRecord]) -> None:
        if next(count) == HALF:
            raise Stopped

    with pytest.raises(KeyboardInterrupt):
        run(folder, PLAN, on_trace=on_trace)
    StudyFolder(folder).write_report(page_of(folder))
    return folder


def traces_of(folder: Path) -> Traces:
    return stored_traces(StudyFolder(folder), PLAN).done


def page_of(folder: Path) -> str:
    session = overthink.prepare(PLAN)
    return unfinished_page(session, traces_of(folder), models=StudyModels(), command="overthink run --out X")


def test_the_page_is_marked_and_counts_what_is_there(stopped: Path) -> None:
    page = page_of(stopped)
    assert "<title>Unfinished: " in page
    done = len(traces_of(stopped))
    assert HALF <= done < 12
    assert f"This run has not ended: {done} of 12 traces are there." in page
    assert '<meta http-equiv="refresh" content="15">' in page
    assert "<code>overthink run --out X --resume</code>" in page


def test_the_page_claims_nothing(stopped: Path) -> None:
    page = page_of(stopped)
    unread = r"<script.*?</script>|<style.*?</style>|<section[^>]* hidden>.*?</section>"
    words = re.sub(unread, "", page, flags=re.DOTALL)
    assert set(re.findall(r'class="verdict[^>]*>([^<]*)<', words)) == {"no verdict yet"}
    assert not re.search(r"undetermined|no change shown|p [=<] 0", words)
    assert "stand in findings.json" not in words


def test_only_values_gates_and_tokens_are_kept(tmp_path: Path) -> None:
    study = run(tmp_path / "whole", PLAN)
    kinds = {finding.kind for finding in flatten(values_alone(study.results))}
    assert kinds == {"value", "band", "gate", "tokens", "ledger"}
    assert {"shape", "difference"} <= {finding.kind for finding in study.findings} - kinds


def test_nothing_else_is_read_from_an_unfinished_study(stopped: Path) -> None:
    assert not StudyFolder(stopped).findings.exists()
    assert not StudyFolder(stopped).pool.exists()
    for reader in (statement, table_text, methods_text, overthink.report):  # what helps, not a command that refuses
        with pytest.raises(InputError, match="not finished; repeat its `overthink run` with --resume"):
            reader(stopped)


def test_findings_of_a_study_before_it_was_extended_are_not_read_as_its_own(tmp_path: Path) -> None:
    run(tmp_path / "more", PLAN)
    assert table_text(tmp_path / "more")
    write_plan(StudyFolder(tmp_path / "more").plan, one_task(limit=6, draws=3))
    for reader in (statement, table_text, overthink.report):
        with pytest.raises(InputError, match="not finished|was not made by"):
            reader(tmp_path / "more")


def test_the_final_report_takes_its_place(stopped: Path) -> None:
    run(stopped, PLAN, resume=True)
    page = StudyFolder(stopped).report.read_text(encoding="utf-8")
    assert "Unfinished" not in page
    assert 'http-equiv="refresh"' not in page
    assert StudyFolder(stopped).findings.exists()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Sequence[RungRecord]]:
    """Rows of the traces of a study, trace by trace."""
    folder = tmp_path_factory.mktemp("rows") / "whole"
    run(folder, PLAN)
    return list(traces_of(folder).values())


def pages(made: threading.Event, traces: Traces) -> str:
    made.set()
    return f"{len(traces)} traces"


def test_a_report_is_made_while_the_run_goes_on_and_none_after_it(rows: Sequence[Sequence[RungRecord]]) -> None:
    made = threading.Event()
    written: list[str] = []
    with ReportsSoFar(partial(pages, made), written.append, {}, schedule=AT_ONCE) as reports:
        on_trace = reports.before(lambda _: None)
        for trace in rows[:3]:
            on_trace(trace)
        assert not made.wait(0.05)  # of three questions
        for trace in rows[3:]:
            on_trace(trace)
        assert made.wait(10)
    count = len(written)
    made.clear()
    on_trace(rows[0])
    assert not made.wait(0.05)
    assert len(written) == count


def test_a_page_that_cannot_be_made_does_not_end_the_run(rows: Sequence[Sequence[RungRecord]]) -> None:
    done = threading.Event()

    def fail(traces: Traces) -> str:
        done.set()
        raise ValueError("no such curve")

    def numbers() -> Iterator[int]:
        with ReportsSoFar(fail, lambda _: None, {}, fewest=1, schedule=AT_ONCE) as reports:
            on_trace = reports.before(lambda _: None)
            for number, trace in enumerate(rows):
                on_trace(trace)
                yield number
            assert done.wait(10)
        assert str(reports.failure) == "no such curve"

    assert list(numbers()) == list(range(len(rows)))


def test_a_run_whose_page_failed_says_so() -> None:
    reports = ReportsSoFar(lambda _: "", lambda _: None, {})
    assert reports.notes() == ()
    reports.failure = ValueError("no such curve")
    assert "ValueError: no such curve" in reports.notes()[0]


def test_reports_take_no_more_than_their_share() -> None:
    schedule = Schedule()
    assert schedule.pause(after=6.0) == pytest.approx(200.0)
    assert schedule.pause(after=0.0) == schedule.every_seconds
