"""Runs in workers: every shard once, whoever is lost, and the study of one process at the end."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from replica_servers import KEY, MODEL, ReplicaServer
from stopped_runs import stopping_after

import overthink
from overthink.data.shards import Shard, Workers, read_workers
from overthink.errors import InputError, StoppedError
from overthink.storage.journal import read_journal, read_waves
from overthink.storage.json_documents import read_plan
from overthink.storage.models import read_endpoint_runs
from overthink.workflows import driver
from overthink.workflows.workers import Ending, LocalWorkers, Outcome, ShardTask, collect_shard

STUDY: dict[str, Any] = {
    "model": "overthink/simulated", "safety": "overthink/secret", "budgets": "0,8", "limit": 5, "draws": 2, "seed": 5,
    "progress": False,
}  # fmt: skip


class HereWorkers:
    """Collects shards in this process, and loses or stops those that are named, each time with one of its reasons."""

    slots = 2

    def __init__(self, **reasons: Sequence[Ending | None]) -> None:
        self.reasons = {shard: list(own) for shard, own in reasons.items()}
        self.submitted: list[ShardTask] = []
        self._ended: list[Outcome] = []

    def submit(self, task: ShardTask) -> None:
        self.submitted.append(task)
        number = f"shard{task.shard.split('/')[0]}"
        reason = self.reasons[number].pop(0) if self.reasons.get(number) else None
        self._ended.append(collect_shard(task) if reason is None else Outcome(task.shard, reason, ("a reason",)))

    def outcomes(self, seconds: float) -> list[Outcome]:
        ended, self._ended = self._ended, []
        return ended


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Any:
    def use(**reasons: Sequence[Ending | None]) -> HereWorkers:
        workers = HereWorkers(**reasons)

        @contextmanager
        def opened(_: Workers) -> Any:
            yield workers

        monkeypatch.setattr("overthink.workflows.driver.open_executor", opened)
        return workers

    return use


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    return overthink.experiment(**STUDY, out=tmp_path_factory.mktemp("whole") / "s")


@pytest.mark.parametrize(
    ("text", "count", "address"),
    [
        ("processes", None, None), ("processes:3", 3, None), ("ray", None, None), ("ray:2", 2, None),
        ("ray:auto", None, "auto"), ("ray:head.local:6379", None, "head.local:6379"), ("ray:[::1]:1", None, "[::1]:1"),
    ],
)  # fmt: skip
def test_workers_are_read(text: str, count: int | None, address: str | None) -> None:
    workers = read_workers(text)
    assert (workers.count, workers.address, str(workers)) == (count, address, text)


@pytest.mark.parametrize(
    "text",
    ["", "dask", "ray:", "processes:0", "ray:9999", "processes:auto", "ray:ray://x:1", "ray:x:99999", "ray:x;y:1"],
)
def test_what_are_no_workers_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="needed: "):
        read_workers(text)


def test_lost_workers_are_replaced_and_the_study_is_that_of_one_process(
    here: Any, whole: overthink.Study, tmp_path: Path
) -> None:
    workers = here(shard2=[Ending.LOST, Ending.LOST])
    study = overthink.experiment(**STUDY, workers="processes:2", shards=3, out=tmp_path / "s")
    assert study.findings == whole.findings
    assert [task.shard for task in workers.submitted].count("2/3") == 3
    assert len(workers.submitted) == 5
    assert sorted(path.name for path in (tmp_path / "s.shards").iterdir() if path.is_dir()) == [
        "1-of-3", "2-of-3", "3-of-3",
    ]  # fmt: skip
    again = here()
    with pytest.raises(InputError, match="holds shards of this study already; go on with --resume"):
        overthink.experiment(**STUDY, workers="processes:2", out=tmp_path / "s")
    with pytest.raises(InputError, match="--shards 4: .* holds 3 shards"):
        overthink.experiment(**STUDY, workers="processes:2", shards=4, resume=True, out=tmp_path / "s")
    with pytest.raises(InputError, match="another plan .*seed: 5 there, 6 now"):
        overthink.experiment(**STUDY | {"seed": 6}, workers="processes:2", resume=True, out=tmp_path / "s")
    assert overthink.experiment(**STUDY, workers="processes:2", resume=True, out=tmp_path / "s").findings
    assert again.submitted == []
    more = overthink.experiment(**STUDY | {"draws": 3}, workers="processes:2", resume=True, out=tmp_path / "s")
    assert len(again.submitted) == 3
    assert len(more.frame()) == 5 * 3 * 2


def test_a_shard_that_is_lost_again_and_again_stops_the_run(here: Any, tmp_path: Path) -> None:
    workers = here(shard1=[Ending.LOST] * 9)
    with pytest.raises(StoppedError, match=r"shard 1/2: its worker was lost 3 times without a new trace \(a reason\)"):
        overthink.experiment(**STUDY, workers="processes", shards=2, out=tmp_path / "s")
    assert [task.shard for task in workers.submitted].count("1/2") == driver.MOST_LOSSES
    assert not (tmp_path / "s").exists()
    here()
    assert overthink.experiment(**STUDY, workers="processes", resume=True, out=tmp_path / "s").findings


def test_a_shard_that_stops_lets_no_other_begin(here: Any, tmp_path: Path) -> None:
    workers = here(shard1=[Ending.STOPPED])
    with pytest.raises(StoppedError, match=r"shard 1/5: a reason\nFinished traces are kept\. .*--resume"):
        overthink.experiment(**STUDY, workers="processes", shards=5, out=tmp_path / "s")
    assert len(workers.submitted) == workers.slots
    here(shard1=[Ending.REFUSED])
    with pytest.raises(InputError, match="a reason"):
        overthink.experiment(**STUDY, workers="processes", resume=True, out=tmp_path / "s")
    here(shard1=[Ending.FAULT])
    with pytest.raises(RuntimeError, match="shard 1/5 ended by a fault of its worker"):
        overthink.experiment(**STUDY, workers="processes", resume=True, out=tmp_path / "s")


@pytest.mark.long
def test_a_process_that_was_killed_is_replaced_and_its_shard_resumed(whole: overthink.Study, tmp_path: Path) -> None:
    """The first process is killed once; the one that takes its place goes on with both shards' folders."""
    top, workers = tmp_path / "s.shards", LocalWorkers(1)
    (top / "1-of-2").mkdir(parents=True)
    (top / "2-of-2").mkdir()
    assert whole.folder is not None
    stored = read_plan(whole.folder.plan)
    with pytest.raises(StoppedError):
        overthink.run(overthink.prepare(stored, shard="2/2"), top / "2-of-2", on_trace=stopping_after(1))
    words = {name: value for name, value in STUDY.items() if name != "progress"}
    task = ShardTask(words, "2/2", str(top / "2-of-2"), stored.sha256(), str(Path.cwd()))
    try:
        workers.submit(task)
        (worker,) = multiprocessing.active_children()
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        (outcome,) = until_ended(workers)
        assert outcome == Outcome("2/2", Ending.LOST, ("its process ended with -9",))
        workers.submit(task)
        assert until_ended(workers) == [Outcome("2/2", Ending.COMPLETE)]
    finally:
        workers.stop()
    assert multiprocessing.active_children() == []
    keys = [(trace[0].question, trace[0].draw) for trace in read_journal(top / "2-of-2" / "journal.jsonl")]
    own = [name for name in whole.frame()["question"].unique() if Shard(2, 2).holds("overthink/secret", name)]
    assert len(keys) == len(set(keys)) == 2 * len(own) > 2


def until_ended(workers: LocalWorkers) -> list[Outcome]:
    while not (ended := workers.outcomes(60)):
        pass
    return ended


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"shard": "1/2"}, "--workers processes with --shard 1/2; needed: one of them"),
        ({"model": ["overthink/simulated", "mockllm/model"]}, "--workers processes with 2 models; needed: one model"),
        ({"workers": None, "shards": 3}, "--shards 3 without --workers"),
        ({"arms": "base,safethink,placebo:of=safethink"}, "acts as its arm did on a question drawn from all"),
        ({"resume": True}, "holds no shards to resume"),
        ({"workers": "ray:127.0.0.1:1"}, "no Ray answers there .*|Ray is not installed"),
    ],
)
def test_what_workers_cannot_do_is_refused_before_anything_is_written(
    words: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        overthink.experiment(**STUDY | {"workers": "processes"} | words, out=tmp_path / "s")
    assert not (tmp_path / "s").exists()


ADAPTIVE: dict[str, Any] = STUDY | {
    "model_args": {"safety": "flat", "question_sd": 0.8}, "limit": 7, "seed": 7, "draws": 2, "max_draws": 16,
    "until": "half-width=0.24",
}  # fmt: skip


def test_waves_are_decided_over_all_shards_and_replayed(here: Any, tmp_path: Path) -> None:
    """The driver is stopped in the second wave: until then, the merged study claims nothing; then it is the whole."""
    whole = overthink.experiment(**ADAPTIVE, out=tmp_path / "whole")
    out, top = tmp_path / "s", tmp_path / "s.shards"
    here(shard2=[None, Ending.STOPPED])
    with pytest.raises(StoppedError, match="shard 2/3: a reason"):
        overthink.experiment(**ADAPTIVE, workers="processes", shards=3, out=out)
    folders = [top / f"{number}-of-3" for number in (1, 2, 3)]
    merged = overthink.merge(tmp_path / "early", *folders)
    assert not merged.find(kind="shape")
    workers = here()
    study = overthink.experiment(**ADAPTIVE, workers="processes", resume=True, out=out)
    assert study.findings == whole.findings
    first = read_waves(tmp_path / "whole" / "waves.jsonl")["overthink/secret"]
    for folder in (out, top, *folders):
        own = read_waves(folder / "waves.jsonl")["overthink/secret"]
        assert own.questions == first.questions
        assert own.counts.tolist() == first.counts.tolist()
    assert "2/3" in {task.shard for task in workers.submitted}
    behind = here()
    again = overthink.experiment(**ADAPTIVE, workers="processes", resume=True, out=out)
    assert again.findings == whole.findings
    assert behind.submitted == []


def test_waves_that_are_complete_and_not_enough_claim_nothing(here: Any, tmp_path: Path) -> None:
    top = tmp_path / "s.shards"
    here(shard1=[None, Ending.STOPPED], shard2=[None, Ending.STOPPED])
    with pytest.raises(StoppedError):
        overthink.experiment(**ADAPTIVE, workers="processes", shards=2, out=tmp_path / "s")
    folders = [top / f"{number}-of-2" for number in (1, 2)]
    for folder in folders:  # as if the driver had been killed between two waves
        lines = (folder / "waves.jsonl").read_bytes().splitlines(keepends=True)
        (folder / "waves.jsonl").write_bytes(b"".join(lines[:2]))
    merged = overthink.merge(tmp_path / "early", *folders)
    (note,) = merged.about.notes
    assert note.startswith("overthink/secret: the aim of --until is not reached, and the next wave was not drawn")
    assert not merged.find(kind="shape")
    assert merged.find(metric="mean")
    with pytest.raises(InputError, match="merged of shards that lack traces"):
        overthink.analyse(tmp_path / "early")
    (folders[1] / "waves.jsonl").write_bytes(lines[0] + lines[1].replace(b":2", b":1"))
    with pytest.raises(InputError, match="are different waves; merge shards of one run"):
        overthink.merge(tmp_path / "early", *folders)


@pytest.mark.long
def test_workers_share_endpoints_and_every_trace_keeps_to_one(
    here: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(KEY, "k")
    servers, out = [ReplicaServer(), ReplicaServer()], tmp_path / "s"
    words = STUDY | {"model": MODEL, "safety": (), "capability": "overthink/arithmetic", "answer_tokens": 4, "limit": 2}
    here()
    merged = overthink.experiment(
        **words, endpoint=[server.root for server in servers], workers="processes:2", shards=2, out=out
    )
    for server in servers:
        server.close()
    replies = [reply for server in servers for reply in server.replies]
    traces = merged.pool.select("question", "draw").unique().collect().height
    assert traces == 2 * STUDY["draws"]
    assert len({*replies}) == len(replies) == 3 * traces  # two answers and the thinking between them
    runs = read_endpoint_runs(out / "endpoints.json")
    assert [run.astray for run in runs] == [0] * len(runs)
    assert sum(use.requests or 0 for run in runs for use in run.endpoints) == len(replies)
