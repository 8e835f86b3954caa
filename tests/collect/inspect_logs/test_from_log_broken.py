"""A log that is cut off, damaged or something else is one clear message that names the file."""

import contextlib
import json
import random
import shutil
import zipfile
from pathlib import Path

import pytest
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_logs import question_task, run

from overthink.collect.inspect_logs import files
from overthink.collect.inspect_logs.read import read_logs
from overthink.errors import InputError

LEAKS = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"  # Inspect's reader leaves a damaged file to the garbage collector
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    run(folder, question_task(5))
    (log,) = folder.glob("*.eval")
    return log


@LEAKS
def test_a_cut_or_damaged_log_is_one_message(good: Path, tmp_path: Path) -> None:
    whole = good.read_bytes()
    path = tmp_path / "broken.eval"
    noise = random.Random(11)
    refused = 0
    for attempt in range(60):
        broken = bytearray(whole[: noise.randrange(len(whole))] if attempt % 2 else whole)
        for _ in range(0 if attempt % 4 == 1 else 30):
            if broken:
                broken[noise.randrange(len(broken))] = noise.randrange(256)
        path.write_bytes(bytes(broken))
        with contextlib.suppress(InputError):  # damage in a part that is not read goes unseen
            read_logs(path)
            continue
        refused += 1
    assert refused > 30
    path.write_bytes(whole)
    assert len(read_logs(path).records) == 5  # the undamaged one is read


@LEAKS
@pytest.mark.parametrize("content", [b"", b'{"id": "q1"', b'{"id": "q1", }', b"[]", b"\xff\xfe", b"null"])
def test_a_sample_that_is_no_whole_object_is_one_message(good: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.eval"
    with zipfile.ZipFile(good) as whole, zipfile.ZipFile(path, "w") as broken:
        for name in whole.namelist():
            broken.writestr(name, content if name == "samples/q1_epoch_1.json" else whole.read(name))
    with pytest.raises(InputError, match=r"broken\.eval"):
        read_logs(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b'{"results": [1, 2]}'),
        ("a.json", b"[1, 2]"),
        ("a.json", b"not json"),
        ("a.json", b""),
        ("a.eval", b""),
        ("a.eval", b"not a zip"),
        ("a.txt", b"words"),
    ],
)
def test_a_file_of_another_tool_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_logs(tmp_path / name)


@pytest.mark.parametrize(
    ("bound", "value", "says"),
    [
        ("MAX_MEMBERS", 3, r"members; at most 3 are read"),
        ("MAX_MEMBER_BYTES", 100, r"'samples/q._epoch_1.json' unpacks to [\d,]+ bytes; at most 100 are read"),
        ("MAX_LIST_BYTES", 100, r"unpacks to [\d,]+ bytes; at most 100 are read"),
        ("MAX_BATCH_BYTES", 1000, r"50 samples unpack to [\d,]+ bytes; at most 1,000 are read"),
    ],
)
def test_an_archive_is_measured_before_it_is_unpacked(
    good: Path, monkeypatch: pytest.MonkeyPatch, bound: str, value: int, says: str
) -> None:
    monkeypatch.setattr(files, bound, value)
    with pytest.raises(InputError, match=says):
        read_logs(good)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"filename": "../../etc/passwd"}, r"'\.\./\.\./etc/passwd' is named as a file outside"),
        ({"filename": "/etc/passwd"}, "is named as a file outside"),
        ({"flag_bits": 1}, "is encrypted"),
        ({"compress_type": zipfile.ZIP_LZMA}, "unknown method 14"),
        ({"file_size": 2**40}, "unpacks to 1,099,511,627,776 bytes"),
    ],
)
def test_a_member_that_no_log_has_is_refused(good: Path, tmp_path: Path, change: dict[str, object], says: str) -> None:
    path = tmp_path / "forged.eval"
    shutil.copy(good, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("more.json", "{}")
        for name, value in change.items():  # the list at the end of the archive is written from these
            setattr(archive.infolist()[-1], name, value)
    with pytest.raises(InputError, match=rf"forged\.eval.*{says}"):
        read_logs(path)


def test_an_archive_of_another_tool_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.eval", "w") as archive:
        archive.writestr("data.json", "{}")
    with pytest.raises(InputError, match="without the header of a log"):
        read_logs(tmp_path / "a.eval")
    with zipfile.ZipFile(tmp_path / "b.eval", "w") as archive:
        archive.writestr("header.json", "{}")
    with pytest.raises(InputError, match=r"b\.eval"):
        read_logs(tmp_path / "b.eval")


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no Inspect log"):
        read_logs(tmp_path)
    with pytest.raises(InputError, match="is not there"):
        read_logs(tmp_path / "none")


def test_in_a_folder_the_readable_logs_count_and_the_others_are_noted(good: Path, tmp_path: Path) -> None:
    shutil.copy(good, tmp_path / "good.eval")
    (tmp_path / "cut.eval").write_bytes(good.read_bytes()[:1000])
    reading = read_logs(tmp_path)
    assert len(reading.records) == 5
    assert len(reading.unread) == 1
    assert "cut.eval cannot be read" in reading.unread[0]
    (tmp_path / "good.eval").unlink()
    with pytest.raises(InputError, match=r"cut\.eval"):
        read_logs(tmp_path)


def test_a_newer_log_is_refused(good: Path, tmp_path: Path) -> None:
    write_eval_log(read_eval_log(str(good)), str(tmp_path / "log.json"))
    document = json.loads((tmp_path / "log.json").read_text())
    (tmp_path / "log.json").write_text(json.dumps(document | {"version": 99}))
    with pytest.raises(InputError, match=r"log\.json"):
        read_logs(tmp_path / "log.json")
    with zipfile.ZipFile(good) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["header.json"] = json.dumps(json.loads(members["header.json"]) | {"version": 99}).encode()
    with zipfile.ZipFile(tmp_path / "new.eval", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match=r"new\.eval has log version 99.*update"):
        read_logs(tmp_path / "new.eval")


@pytest.mark.parametrize("status", ["started", "cancelled", "error"])
def test_the_finished_samples_of_an_unfinished_run_are_read_and_it_is_said(
    good: Path, tmp_path: Path, status: str
) -> None:
    log = read_eval_log(str(good))
    assert log.samples is not None
    unfinished = log.model_copy(update={"status": status, "samples": log.samples[:3]})
    write_eval_log(unfinished, str(tmp_path / "log.eval"))
    reading = read_logs(tmp_path / "log.eval")
    assert len(reading.records) == 3
    assert any("log.eval" in note and "3 finished samples" in note for note in reading.notes)


def test_a_log_without_scores_is_said(good: Path, tmp_path: Path) -> None:
    log = read_eval_log(str(good))
    for sample in log.samples or []:
        sample.scores = None
    write_eval_log(log, str(tmp_path / "log.eval"))
    with pytest.raises(InputError, match="no scored sample"):
        read_logs(tmp_path / "log.eval")


def test_a_folder_that_is_deleted_while_it_is_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(folder: Path, pattern: str) -> list[Path]:
        raise FileNotFoundError(2, "No such file or directory", str(folder / "deleted"))

    monkeypatch.setattr(Path, "rglob", gone)
    with pytest.raises(InputError, match="changed while it was read: .*deleted"):
        read_logs(tmp_path)


def test_json_of_another_tool_says_what_a_table_is(tmp_path: Path) -> None:
    other = tmp_path / "promptfoo.json"
    other.write_text('{"results": {"results": [{"success": true}]}}')
    with pytest.raises(InputError, match="needed: an Inspect log, or a table: a list of objects.*--reader"):
        read_logs(other)
    broken = tmp_path / "log.eval"
    broken.write_text("{}")
    with pytest.raises(InputError, match="made by another tool$"):
        read_logs(broken)
