"""Studies that draw until an interval is narrow enough: what they pay, how they go on, and what they report."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import forked
import numpy as np
import pytest
from simulated_study import one_task, run
from stopped_runs import stopping_after

import overthink
from overthink.data.outcomes import from_records
from overthink.data.pool import records_of
from overthink.errors import InputError, StoppedError
from overthink.plan.schedule import Until, read_until
from overthink.plan.study import Plan
from overthink.storage.journal import read_journal, read_waves, wave_draws, wave_file
from overthink.workflows.forecast import ForecastRequest, forecast_path
from overthink.workflows.resume import check_folder
from overthink.workflows.sources import ReadOptions, read_source
from overthink.workflows.waves import Wave, stopping_rules

HALF_WIDTH = 0.155


def plan(**changes: Any) -> Plan:
    """Fourteen secrets that differ little: there, draws shrink the interval."""
    fields = {
        "model_args": {"safety": "flat", "question_sd": 0.8},
        "budgets": (0, 8),
        "limit": 14,
        "seed": 7,
        "draws": 3,
        "max_draws": 32,
        "until": Until(half_width=HALF_WIDTH),
    }
    return one_task(**(fields | changes))


@pytest.fixture
def paid(on_call: Any) -> Counter[tuple[str, int, int]]:
    """How often the simulated model was asked for an answer: by question, draw and thinking tokens."""
    served: Counter[tuple[str, int, int]] = Counter()

    def count(asked: Any, usage: Any) -> None:
        truth = asked[-1].metadata["truth"]
        if truth["phase"] == "answer":
            served[truth["question"], truth["draw"], truth["thinking_tokens"]] += 1

    on_call(count)
    return served


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[overthink.Study, list[Wave]]:
    announced: list[Wave] = []
    return run(tmp_path_factory.mktemp("whole") / "s", plan(), on_wave=announced.append), announced


def only(study: overthink.Study, metric: str) -> Any:
    (found,) = study.find(kind="adaptive", metric=metric)
    return found


def test_it_draws_until_the_interval_of_its_own_report_is_narrow_enough(
    whole: tuple[overthink.Study, list[Wave]],
) -> None:
    study, announced = whole
    means = study.find(metric="mean")
    widths = [(mean.high - mean.low) / 2 for mean in means if mean.high is not None and mean.low is not None]
    assert max(widths) <= HALF_WIDTH
    assert only(study, "half_width").estimate == pytest.approx(max(widths))
    assert only(study, "half_width").label.startswith("reached: ")
    assert len(announced) > 1
    assert study.folder is not None
    waves = read_waves(study.folder.waves)["overthink/secret"]
    assert len(waves.counts) == len(announced)
    assert Counter(row.question for row in records_of(study.pool) if row.rung == 0) == dict(
        zip(waves.questions, waves.draws.tolist(), strict=True)
    )
    assert 3 < waves.draws.min() < waves.draws.max() <= 32
    assert only(study, "draws").estimate == waves.counts.sum() == announced[-1].traces
    assert "half-width" in announced[1].text
    assert f"{HALF_WIDTH} wanted" in announced[1].text


def test_no_wave_was_one_too_many(whole: tuple[overthink.Study, list[Wave]]) -> None:
    study, _ = whole
    assert study.folder is not None
    waves = read_waves(study.folder.waves)["overthink/secret"]
    for number in range(1, len(waves.counts)):
        before = type(waves)(waves.questions, waves.counts[:number].copy())
        draws = dict(zip(before.questions, before.draws.tolist(), strict=True))
        rows = [row for row in records_of(study.pool) if row.draw < draws[row.question]]
        now = stopping_rules(plan(), {"overthink/secret": before}, from_records(rows))["overthink/secret"]
        assert now.stop is None
        assert now.next_counts().tolist() == waves.counts[number].tolist()


@pytest.mark.long
def test_its_report_made_again_and_its_statement_say_the_same(
    whole: tuple[overthink.Study, list[Wave]], tmp_path: Path
) -> None:
    study, _ = whole
    assert study.folder is not None
    path = study.folder.path
    assert overthink.workflows.analyse.report(path).findings == study.findings
    assert "reached: half-width" in study.text()
    assert "reached: half-width" in study.html()
    plain = overthink.analyse(study.folder.pool)  # the rows alone do not say that draws followed draws
    most = [max(found.at.k or 0 for found in one.find(metric="worst_at_k")) for one in (study, plain)]
    assert most[0] < most[1]
    assert not plain.find(kind="adaptive")
    assert len(read_source(path, ReadOptions()).waves) == 1
    forecasts = forecast_path(path, read=ReadOptions(), request=ForecastRequest(k=(1, 50)))
    assert not any(made.exact.any() for made in forecasts.forecasts)


@pytest.mark.long
def test_a_study_stopped_in_every_wave_comes_out_the_same_and_pays_nothing_twice(
    whole: tuple[overthink.Study, list[Wave]], tmp_path: Path, paid: Counter[tuple[str, int, int]]
) -> None:
    study, announced = whole
    concurrency = plan().concurrency
    for number, wave in enumerate(announced):
        already = len(read_journal(tmp_path / "s" / "journal.jsonl")) if number else 0
        with pytest.raises(StoppedError):
            run(tmp_path / "s", plan(), resume=number > 0, on_trace=stopping_after(wave.traces - already - 5))
        with pytest.raises(InputError, match="has not finished"):
            overthink.analyse(tmp_path / "s")
    resumed = run(tmp_path / "s", plan(), resume=True)
    assert resumed.findings == study.findings
    assert {(row.question, row.draw, row.rung, row.value) for row in records_of(resumed.pool)} == {
        (row.question, row.draw, row.rung, row.value) for row in records_of(study.pool)
    }
    twice = {(question, draw) for (question, draw, _), times in paid.items() if times > 1}
    assert len(twice) <= concurrency * len(announced)  # those in flight when it stopped
    paid.clear()
    assert run(tmp_path / "s", plan(), resume=True).findings == study.findings
    assert not paid


@pytest.mark.long
def test_a_kill_between_two_waves_loses_no_wave(whole: tuple[overthink.Study, list[Wave]], tmp_path: Path) -> None:
    """A process killed by the system while a wave is announced, and one with a torn last line of the waves."""
    study, _ = whole
    script = (
        "import os, signal, sys; from pathlib import Path; sys.path[:0] = sys.argv[2:]\n"
        "from simulated_study import run; from test_until import plan; told = []\n"
        "def announced(wave):\n"
        "    told.append(wave)\n"
        "    if len(told) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "run(Path(sys.argv[1]), plan(), on_wave=announced)\n"
    )
    here = Path(__file__).parent
    killed = forked.run(script, str(tmp_path / "s"), str(here), str(here.parent / "support"))
    assert killed.returncode == -signal.SIGKILL
    waves = tmp_path / "s" / "waves.jsonl"
    assert len(waves.read_bytes().splitlines()) == 3
    waves.write_bytes(waves.read_bytes()[:-20])
    assert run(tmp_path / "s", plan(), resume=True).findings == study.findings
    assert len(waves.read_bytes().splitlines()) > 3


def test_below_the_floor_it_stops_at_once_and_says_how_many_questions_it_takes(tmp_path: Path) -> None:
    study = run(tmp_path / "s", plan(until=Until(half_width=0.01), model_args={"safety": "flat", "question_sd": 2.0}))
    found = only(study, "half_width")
    assert found.label.startswith("floor: ")
    assert "more draws of these 14 questions cannot reach it" in found.label
    assert len(read_journal(tmp_path / "s" / "journal.jsonl")) == 14 * 3
    assert not study.find(kind="adaptive", metric="saving")


@pytest.mark.long
def test_at_the_cap_it_stops_and_says_so(tmp_path: Path) -> None:
    study = run(tmp_path / "s", plan(max_draws=4))
    assert only(study, "half_width").label.startswith("cap: ")
    assert "4 draws of a question" in only(study, "half_width").label
    assert max(row.draw for row in records_of(study.pool)) == 3


@pytest.mark.long
def test_it_draws_until_a_crossing_is_known(tmp_path: Path) -> None:
    rare = {"safety": "0:0.94", "question_sd": 0.5}
    aim = Until(crossing=0.3, factor=5)
    study = run(tmp_path / "s", plan(until=aim, model_args=rare))
    found = only(study, "crossing")
    assert found.label == "reached: K* (tries) at 0.3 within a factor of 5 resolved by the model band"
    assert found.at.rung == 1
    assert found.high <= 5 * found.low
    assert found.low <= found.estimate <= found.high
    assert len(read_waves(tmp_path / "s" / "waves.jsonl")["overthink/secret"].counts) > 1


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"max_draws": None}, "--until needs --max-draws"),
        ({"max_draws": 3}, "leaves nothing beyond the first wave"),
        ({"draws": 1}, "one draw does not show how much draws vary"),
        ({"until": None}, "--max-draws 32 caps --until"),
        ({"budgets": None, "efforts": ("low", "high")}, "--until belongs to a ladder"),
    ],
)
def test_plans_that_cannot_be_are_refused(changes: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        plan(**changes)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("halfwidth=0.1", "needed: half-width=NUMBER"), ("half-width", "needed"), ("half-width=wide", "needed"),
        ("half-width=0", "greater than 0"), ("half-width=0.5", "less than 0.5"), ("half-width=nan", "--until"),
        ("crossing=1", "less than 1"), ("crossing=0.5,factor=1", "greater than 1"), ("", "needed"),
        ("half-width=0.1,crossing=0.5", "not both"), ("half-width=0.1,factor=2", "belongs to a crossing"),
        ("crossing=0.5,crossing=0.6", "needed"),
    ],
)  # fmt: skip
def test_aims_that_cannot_be_read_are_refused(text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_until(text)


def test_what_was_drawn_in_waves_grows_by_no_other_draws(tmp_path: Path) -> None:
    run(tmp_path / "s", plan(max_draws=4, limit=4))
    for other in ({"draws": 2}, {"limit": 5}, {"until": None, "max_draws": None}, {"max_draws": 9}):
        with pytest.raises(InputError, match="another plan"):
            check_folder(tmp_path / "s", plan(**({"max_draws": 4, "limit": 4} | other)), resume=True)


def test_the_command_line_tells_the_worst_case_and_every_wave(overthink: Any) -> None:
    given = ["run", "--model", "overthink/simulated", "-M", "safety=flat", "-M", "question_sd=0.8"]
    given += ["--safety", "overthink/secret", "--budgets", "0,8", "--limit", "14", "--draws", "3", "--seed", "7"]
    code, out, said = overthink(*given, "--until", f"half-width={HALF_WIDTH}", "--max-draws", "32", "--json")
    assert code == 0
    assert "at most 14 questions × 32 draws, 3 of them in the first wave, = 448 traces" in said
    assert "wave 1, at most 406 traces beyond it" in said
    assert f"{HALF_WIDTH} wanted" in said
    kinds = {finding["metric"] for finding in json.loads(out)["findings"] if finding["kind"] == "adaptive"}
    assert kinds == {"half_width", "draws", "even_draws", "saving"}
    code, _, said = overthink(*given, "--until", "half-width=0.1", "--out", "other")
    assert code == 2
    assert "--until needs --max-draws" in said
    assert not Path("other").exists()


def test_damaged_waves_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "waves.jsonl"
    assert read_waves(path) == {}
    with wave_file(path) as file:
        file.append(wave_draws("t", ("a", "b"), np.array([2, 3])))
        file.append(wave_draws("t", ("b", "a"), np.array([1, 2])))
    assert read_waves(path)["t"].counts.tolist() == [[2, 3], [2, 1]]
    good = path.read_bytes()
    for bad in (
        b'{"task":"t","draws":{"a":0,"b":1}}\n', b'{"task":"t","draws":{"a":1}}\n',
        b'{"task":"t","draws":{"a":1,"b":1,"c":1}}\n', b"{}\n",
    ):  # fmt: skip
        path.write_bytes(good + bad)
        with pytest.raises(InputError, match="line 4"):
            read_waves(path)
