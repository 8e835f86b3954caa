"""Shards of a study together are the study: every trace once, to the last finding."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from simulated_study import one_task
from stopped_runs import stopping_after

import overthink
from overthink.data.pool import records_of
from overthink.data.shards import Shard, read_shard, shard_of
from overthink.errors import InputError, StoppedError
from overthink.plan.study import Plan
from overthink.storage.findings import read_findings
from overthink.storage.journal import read_journal, read_unfinished
from overthink.storage.json_documents import read_questions, write_plan, write_questions
from overthink.storage.pool import scan_pool
from overthink.storage.shards import begin_shard, is_stored, read_merged, read_shard_state
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import study_lock

QUESTIONS = 6
DRAWS = 2
ARMS = "base,wait:rounds=2,minimum=16"


def plan(**changes: Any) -> Plan:
    arms = overthink.arms(ARMS, model="overthink/simulated")
    return one_task(**({"arms": arms, "limit": QUESTIONS, "draws": DRAWS, "concurrency": 4} | changes))


def run_shard(folder: Path, shard: str, wanted: Plan | None = None, **options: Any) -> overthink.Study:
    return overthink.run(overthink.prepare(wanted or plan(), shard=shard), folder, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    return overthink.run(plan(), tmp_path_factory.mktemp("whole") / "study")


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both shards of two, and all of twelve of which some are empty."""
    top = tmp_path_factory.mktemp("shards")
    folders = {f"{number}/2": top / f"{number}-of-2" for number in (1, 2)}
    for shard, folder in folders.items():
        run_shard(folder, shard, command=f"overthink run --limit 6 --shard {shard} --out {folder} --save-config x.toml")
    return folders


def stored(folder: Path) -> Any:
    return read_findings(folder / "findings.json")[1]


def test_a_shard_follows_from_task_and_question_alone() -> None:
    numbers = [shard_of("task", f"question {i}", 4) for i in range(400)]
    assert min(map(numbers.count, (1, 2, 3, 4))) > 70
    assert all(Shard(number, 4).holds("task", f"question {i}") for i, number in enumerate(numbers))
    # the first sixteen digits of `printf 'sums\0q1' | sha256sum` as a number, modulo 10**6, and 1
    assert (shard_of("sums", "q1", 10**6), shard_of("sums", "q1", 1)) == (740_146, 1)


@pytest.mark.parametrize("text", ["0/4", "5/4", "x/y", "1", "1/0", "-1/4", "1/4/2", " 1/4", "1/9999999", "٣/٤"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="needed: i/n with i from 1 to n, as 3/16"):
        read_shard(text)


def test_two_shards_are_the_study(whole: overthink.Study, shards: dict[str, Path], tmp_path: Path) -> None:
    merged = overthink.merge(tmp_path / "out", *shards.values())
    assert merged.findings == whole.findings
    assert whole.folder is not None
    assert stored(tmp_path / "out") == stored(whole.folder.path)
    ids = [set(study.pool.collect()["trace"]) for study in (whole, merged)]
    assert ids[0] == ids[1]
    rows = merged.pool.collect()
    assert rows["study"].unique().to_list() == ["out"]
    assert all((tmp_path / "out" / log).is_file() for log in rows["log"].unique())
    assert read_merged(tmp_path / "out" / "merged.json").missing == 0  # type: ignore[union-attr]
    assert merged.about.actual_cost == whole.about.actual_cost
    assert merged.about.estimate == whole.about.estimate


@pytest.mark.long
def test_four_shards_of_which_some_are_empty_are_the_study(whole: overthink.Study, tmp_path: Path) -> None:
    counts = [sum(shard_of("overthink/secret", q, 16) == i for q in questions(whole)) for i in range(1, 17)]
    assert 0 in counts
    chosen = [f"{i}/16" for i, count in enumerate(counts, start=1) if count] + [f"{counts.index(0) + 1}/16"]
    for shard in chosen:
        study = run_shard(tmp_path / shard.replace("/", "-"), shard)
        assert len(records_of(study.pool)) == 3 * DRAWS * 2 * counts[read_shard(shard).number - 1]
    merged = overthink.merge(tmp_path / "out", *(tmp_path / shard.replace("/", "-") for shard in reversed(chosen)))
    assert merged.findings == whole.findings


def questions(study: overthink.Study) -> list[str]:
    return study.pool.collect()["question"].unique().to_list()


def test_a_merged_study_is_a_study_like_any_other(shards: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = overthink.merge(out, *shards.values())
    again = overthink.merge(out, *shards.values())
    assert again.findings == first.findings == overthink.analyse(out).findings
    assert overthink.report(out).findings == first.findings
    overthink.statement(out)
    assert overthink.check(out / "statement.json", study=out).faults == ()
    assert overthink.samples(out)["address"].null_count() == 0
    watched = overthink.monitor(out, monitor="lexical:words=marigold")
    assert watched.find(kind="monitor", metric="scored")
    with pytest.raises(InputError, match="holds scores of monitors"):
        overthink.merge(out, *shards.values())
    assert overthink.analyse(out).findings == watched.findings
    with pytest.raises(InputError, match="merged of shards; go on with its shards"):
        overthink.run(plan(), out, resume=True)


def test_nothing_but_merge_reads_a_shard(shards: dict[str, Path], tmp_path: Path) -> None:
    part = shards["1/2"]
    for call in (overthink.analyse, overthink.statement, overthink.samples, overthink.report, overthink.table):
        with pytest.raises(InputError, match=r"holds a shard.*overthink merge OUT SHARDS"):
            call(part)  # type: ignore[operator]
    page = (part / "report.html").read_text()
    assert "Shard 1/2: " in page
    assert not (part / "findings.json").exists()
    with pytest.raises(InputError, match="holds shard 1/2, and shard 2/2 was asked for"):
        run_shard(part, "2/2", resume=True)
    with pytest.raises(InputError, match="holds shard 1/2, and all questions were asked for"):
        overthink.run(plan(), part, resume=True)


def test_duplicates_are_paid_and_count_once(whole: overthink.Study, shards: dict[str, Path], tmp_path: Path) -> None:
    run_shard(tmp_path / "again", "1/2")
    shutil.copytree(shards["2/2"], tmp_path / "copy")
    merged = overthink.merge(tmp_path / "out", *shards.values(), tmp_path / "again", tmp_path / "copy")
    assert merged.findings == whole.findings
    unused = read_unfinished(tmp_path / "out" / "unfinished.jsonl")
    first = scan_pool(shards["1/2"] / "shard.parquet").collect()
    assert len(unused) == first["trace"].n_unique()
    assert sum(trace.paid.decoded_tokens or 0 for trace in unused) == first["generated_tokens"].sum()
    document = read_merged(tmp_path / "out" / "merged.json")
    assert document is not None
    assert [shard.duplicates for shard in document.shards] == [0, 0, len(unused), document.shards[1].traces]


def test_a_stopped_shard_gives_its_complete_traces_and_the_command_for_the_others(
    whole: overthink.Study, shards: dict[str, Path], tmp_path: Path
) -> None:
    part, command = tmp_path / "stopped", "overthink run --limit 6 --shard 2/2 --out 'a b' --save-config x.toml"
    with pytest.raises(StoppedError, match="the power went"):
        run_shard(part, "2/2", command=command, on_trace=stopping_after(3))
    done = len(read_journal(part / "journal.jsonl"))
    merged = overthink.merge(tmp_path / "out", shards["1/2"], part)
    missing = read_merged(tmp_path / "out" / "merged.json")
    assert missing is not None
    assert missing.missing + done + missing.shards[0].traces == QUESTIONS * DRAWS * 2
    (note,) = merged.about.notes
    command = "overthink run --limit 6 --shard 2/2 --out 'a b' --resume"
    assert note == f"{missing.missing} traces of shard 2/2 are missing; this collects them: {command}"
    assert whole.find(kind="shape")
    assert not merged.find(kind="shape")
    for call in (overthink.analyse, overthink.statement):
        with pytest.raises(InputError, match="merged of shards that lack traces"):
            call(tmp_path / "out")  # type: ignore[operator]
    run_shard(part, "2/2", resume=True)
    assert "--resume" not in read_shard_state(part / "shard.json").command  # type: ignore[union-attr]
    assert overthink.merge(tmp_path / "out", shards["1/2"], part).findings == whole.findings


def test_a_shard_that_nobody_ran_is_missing_as_a_whole(shards: dict[str, Path], tmp_path: Path) -> None:
    merged = overthink.merge(tmp_path / "out", shards["1/2"])
    (note,) = merged.about.notes
    assert "of shard 2/2 are missing; no folder of it was named; this begins it: overthink run --limit 6" in note
    assert note.endswith(f"--shard 2/2 --out {shards['1/2'].with_name('2-of-2')}")


def other_plan(folder: Path) -> None:
    write_plan(folder / "plan.json", plan(seed=9))


def other_version(folder: Path) -> None:
    write_plan(folder / "plan.json", plan(overthink="0.1"))


def other_questions(folder: Path) -> None:
    stored = read_questions(folder / "questions.json")
    write_questions(folder / "questions.json", {task: own[::-1] for task, own in stored.items()})


def no_shard(folder: Path) -> None:
    (folder / "shard.json").unlink()


def broken_rows(folder: Path) -> None:
    (folder / "shard.parquet").write_bytes(b"PAR1")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (other_plan, r"another plan than .*seed: 5 there, 9 here"),
        (other_version, r"another plan than .*overthink: 0 there, 0.1 here.*run its shard anew with the version"),
        (other_questions, "shards of different questions"),
        (no_shard, "holds no shard; needed"),
        (broken_rows, "is not a readable Parquet file"),
    ],
)
def test_shards_that_do_not_fit_are_refused_and_nothing_is_merged(
    damage: Callable[[Path], None], message: str, shards: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(shards["2/2"], tmp_path / "other")
    damage(tmp_path / "other")
    with pytest.raises(InputError, match=message):
        overthink.merge(tmp_path / "out", shards["1/2"], tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other"]


def test_a_folder_twice_or_in_use_or_in_the_way_is_refused(shards: dict[str, Path], tmp_path: Path) -> None:
    one = shards["1/2"]
    (tmp_path / "link").symlink_to(one)
    with pytest.raises(InputError, match="are one folder; name every shard once"):
        overthink.merge(tmp_path / "out", one, tmp_path / "link")
    with pytest.raises(InputError, match="is named twice; name every shard once"):
        overthink.merge(tmp_path / "out", one, one)
    with study_lock(one), pytest.raises(InputError, match="is in use"):
        overthink.merge(tmp_path / "out", *shards.values())
    with pytest.raises(InputError, match="neither empty nor a merged study"):
        overthink.merge(one, *shards.values())
    with pytest.raises(InputError, match="no shard was named"):
        overthink.merge(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


def test_a_full_disk_leaves_the_study_as_it_was(
    shards: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    overthink.merge(out, *shards.values())
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StoppedError, match="nothing was merged into .* Free some space, then repeat the command"):
            overthink.merge(out, *shards.values())
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}.keys() == before.keys()
    assert all(path.read_bytes() == content for path, content in before.items() if path.name != ".lock")
    assert [*tmp_path.iterdir()] == [out]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": overthink.arms("base,safethink,placebo:of=safethink", model="overthink/simulated")}, "placebo"),
        ({"budgets": None, "efforts": ("low", "high"), "arms": plan().arms[:1]}, "--efforts are read from the logs"),
    ],
)
def test_plans_whose_traces_need_other_questions_have_no_shards(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        overthink.prepare(plan(**changes), shard="1/2")


def test_a_shard_without_waves_decides_on_none(tmp_path: Path) -> None:
    wanted = plan(until={"half_width": 0.1}, max_draws=9, arms=plan().arms[:1])
    with pytest.raises(
        InputError, match="--until decides on draws .* --workers, which collect all shards wave by wave"
    ):
        run_shard(tmp_path / "1", "1/2", wanted)
    assert not (tmp_path / "1").exists()


def test_a_shard_of_several_models_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="with 2 models; needed: one model"):
        overthink.experiment(
            model=["overthink/simulated", "mockllm/model"], safety="overthink/secret", budgets=[0, 8], shard="1/2",
            out=tmp_path / "x", progress=False,
        )  # fmt: skip


def test_the_option_is_that_of_one_process(tmp_path: Path) -> None:
    from overthink.workflows.run_options import read_options

    options = read_options(
        {"model": "overthink/simulated", "safety": "overthink/secret", "budgets": "0,8", "shard": "02/4"}
    )
    assert options.shard == "2/4"
    assert "shard" not in options.stated()
    assert "shard" not in json.loads(options.plans()[0].to_json())
    with pytest.raises(InputError, match=r"shard '5/4': there is no shard 5 of 4; needed: i/n"):
        read_options({"shard": "5/4"})


def test_a_resumed_shard_needs_no_name(shards: dict[str, Path], tmp_path: Path) -> None:
    words: dict[str, Any] = {"model": "overthink/simulated", "safety": "overthink/secret", "budgets": "0,8", "limit": 4}
    out = tmp_path / "part"
    first = overthink.experiment(**words, draws=1, shard="1/2", out=out, progress=False)
    again = overthink.experiment(**words, draws=1, resume=True, out=out, progress=False)
    assert again.frame().equals(first.frame())
    assert StudyFolder(out).shard.exists()


def test_a_shard_that_was_killed_before_its_plan_begins_again(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "part")
    folder.path.mkdir()
    begin_shard(folder, Shard(1, 1), "overthink run --shard 1/1")
    (folder.path / ".plan.json.99999999.part").touch()
    with pytest.raises(InputError, match="holds shard 1/1, and all questions were asked for"):
        overthink.run(one_task(), folder.path)
    assert len(records_of(run_shard(folder.path, "1/1", one_task()).pool)) == 3 * 2 * 3
    assert not (folder.path / ".plan.json.99999999.part").exists()
    state = read_shard_state(folder.shard)
    assert state is not None
    assert state.command == "overthink run --shard 1/1"
    assert is_stored(folder, state)
    with folder.journal.open("ab") as journal:
        journal.write(b"\n")
    assert not is_stored(folder, state)


def test_a_study_that_a_killed_merge_left_aside_is_not_lost(shards: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    overthink.merge(out, *shards.values())
    aside = out.rename(tmp_path / ".out.before.123.part")
    message = r"\.out\.before\.123\.part is an earlier study, left by a merge that was killed"
    with pytest.raises(InputError, match=message):
        overthink.merge(out, *shards.values())
    assert not out.exists()
    aside.rename(out)
    assert overthink.merge(out, *shards.values()).findings == tuple(stored(out))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_other_merges_have_begun_is_left_alone(shards: dict[str, Path], tmp_path: Path) -> None:
    other, own = tmp_path / ".out2.123.part", tmp_path / ".out.123.part"
    for folder in (other, own):
        folder.mkdir()
    overthink.merge(tmp_path / "out", *shards.values())
    assert (other.exists(), own.exists()) == (True, False)
