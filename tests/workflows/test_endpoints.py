"""Studies at several endpoints: what a run stores of them, and what happens to it when one dies."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from replica_servers import KEY, MODEL, ReplicaServer, replica_plan, servers_with_traces
from stopped_runs import stopping_after
from typer.testing import CliRunner

import overthink
from overthink.cli.main import app
from overthink.collect.providers.attempts import Patience
from overthink.errors import InputError, StoppedError
from overthink.plan.study import Plan
from overthink.storage.journal import read_journal
from overthink.storage.models import read_endpoint_runs

QUICK = Patience(tries=2, seconds=60.0, pause=0.01, longest_pause=0.02, failures=3)

Start = Callable[..., list[ReplicaServer]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setenv(KEY, "k")
    started: list[ReplicaServer] = []

    def servers(n: int, traces: Iterable[bytes] | None = None) -> list[ReplicaServer]:
        new = [ReplicaServer() for _ in range(n)] if traces is None else servers_with_traces(n, traces)
        started.extend(new)
        return new

    yield servers
    for server in started:
        server.close()


def run(folder: Path, servers: list[ReplicaServer], plan: Plan | None = None, **options: Any) -> overthink.Study:
    shard = options.pop("shard", None)
    session = overthink.prepare(plan or replica_plan(), shard=shard, endpoints=[server.root for server in servers])
    return overthink.run(replace(session, patience=QUICK), folder, **options)


def rows(study: overthink.Study) -> pl.DataFrame:
    """What the model did: without times and logs, and without what came from a cache."""
    columns = ["task", "question", "draw", "rung", "answer", "generated_tokens", "prompt_tokens", "error", "seed"]
    return study.pool.select(columns).collect().sort("question", "draw", "rung")


def replies(*servers: ReplicaServer) -> Counter[object]:
    return Counter(reply for server in servers for reply in server.replies)


def test_one_of_two_dies_in_mid_run_and_nothing_is_lost_or_paid_twice(tmp_path: Path, start: Start) -> None:
    (alone,) = start(1)
    expected = run(tmp_path / "alone", [alone])
    first, second = start(2, expected.pool.select("trace").unique().collect()["trace"])
    second.dies_after = 7
    study = run(tmp_path / "two", [first, second])
    assert rows(study).equals(rows(expected))
    assert study.find(metric="mean")
    assert len(second.replies) == 7
    assert replies(first, second) == replies(alone)  # every reply once
    assert set(replies(alone).values()) == {1}
    (facts,) = read_endpoint_runs(tmp_path / "two" / "endpoints.json")
    by_url = {use.url: use for use in facts.endpoints}
    assert (by_url[second.root].requests, by_url[first.root].failures) == (7, 0)
    assert by_url[second.root].departures
    (note,) = [note for note in study.about.notes if note.startswith("Endpoints")]
    assert f"{second.root}: 7 requests, " in note
    assert "traces moved on" in note
    again = overthink.report(tmp_path / "two")
    assert note in again.about.notes


@pytest.mark.long
def test_all_die_and_another_set_of_endpoints_goes_on(tmp_path: Path, start: Start) -> None:
    old, new = start(2), start(1)
    for server in old:
        server.dies_after = 10
    plan = replica_plan(concurrency=1)
    with pytest.raises(StoppedError, match="repeat the command with --resume"):
        run(tmp_path / "study", old, plan)
    done = sum(all(row.error is None for row in trace) for trace in read_journal(tmp_path / "study" / "journal.jsonl"))
    study = run(tmp_path / "study", new, plan, resume=True)
    assert 0 < done < 8
    assert len(new[0].replies) == 5 * (8 - done)  # three answers and two pieces of thinking for each trace
    assert study.pool.filter(pl.col("error").is_not_null()).collect().is_empty()
    assert study.pool.collect().height == 24
    runs = read_endpoint_runs(tmp_path / "study" / "endpoints.json")
    assert [[use.url for use in each.endpoints] for each in runs] == [
        [server.root for server in old],
        [server.root for server in new],
    ]
    other = start(1)
    other[0].models["data"][0]["meta"]["n_params"] = 7
    with pytest.raises(InputError, match=r"serves another model than .*n_params 7.*give another --out"):
        run(tmp_path / "study", other, plan, resume=True)


@pytest.mark.long
def test_shards_at_endpoints_merge_and_other_models_do_not(tmp_path: Path, start: Start) -> None:
    first, second, third = start(3)
    first.block = second.block = 0  # their caches forget
    plan = replica_plan(draws=1)
    run(tmp_path / "1", [first, second], plan, shard="1/2")
    with pytest.raises(StoppedError):
        run(tmp_path / "2", [third], replica_plan(draws=1), shard="2/2", on_trace=stopping_after(1))
    third.dies_after = None
    run(tmp_path / "2", [third], plan, shard="2/2", resume=True)
    study = overthink.merge(tmp_path / "study", tmp_path / "1", tmp_path / "2")
    assert len(read_endpoint_runs(tmp_path / "study" / "endpoints.json")) == 3
    assert any(note.startswith("Endpoints") and third.root in note for note in study.about.notes)
    twice = [note for note in study.about.notes if note.startswith("The ladder paid twice")]
    used = [server.root for server in (first, second) if server.replies]
    assert [[root in note for root in used] for note in twice] == [[a == b for b in used] for a in used]
    path = tmp_path / "2" / "endpoints.json"
    path.write_text(path.read_text().replace("n_vocab 49152", "n_vocab 7"))
    with pytest.raises(InputError, match="is no shard of the same study.*n_vocab 7"):
        overthink.merge(tmp_path / "study", tmp_path / "1", tmp_path / "2")


def test_the_command_line_refuses_what_cannot_be_meant_and_stores_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "k")
    monkeypatch.chdir(tmp_path)
    words = ["run", "--model", MODEL, "--capability", "overthink/arithmetic", "--budgets", "0,4", "--yes"]
    cases = {
        "http://me:hunter2@gpu-1:8000": "holds a user name or a password",
        "http://gpu-1:8000/v1?token=hunter2": "has something behind",
        "gpu-1:8000": "is no address of a server",
        "http://gpu-1:port": "cannot be read",
    }
    for url, message in cases.items():
        result = CliRunner().invoke(app, [*words, "--endpoint", url, "--save-config", "study.toml"])
        said = result.output + str(result.exception)
        assert message in said
        assert "hunter2" not in said
    result = CliRunner().invoke(app, [*words, "--endpoint", "http://h:8000", "--endpoint", "http://H:8000/v1/"])
    assert "are one server" in str(result.exception)
    result = CliRunner().invoke(app, [*words, "--model", "vllm/x", "--endpoint", "http://h:8000"])
    assert "--endpoint with 2 models" in str(result.exception)
    assert not [*tmp_path.iterdir()]


def test_a_file_of_options_has_endpoints_and_the_plan_has_none(tmp_path: Path, start: Start) -> None:
    server = start(1)[0]
    (tmp_path / "study.toml").write_text(
        f'model = "{MODEL}"\ncapability = "overthink/arithmetic"\nbudgets = [0, 4]\nlimit = 1\ndraws = 1\n'
        f'answer_tokens = 4\nendpoint = ["{server.root}/v1/"]\n'
    )
    overthink.experiment(tmp_path / "study.toml", out=tmp_path / "study", progress=False)
    assert server.root not in (tmp_path / "study" / "plan.json").read_text()
    assert [use.url for use in read_endpoint_runs(tmp_path / "study" / "endpoints.json")[0].endpoints] == [server.root]
