"""The list of weights, and what one of them is: as text and as JSON, and no stale speed among them."""

import json
import os
from pathlib import Path

import pytest
from embedded import require_embedded
from loopback_hub import SHA256, WEIGHTS
from shape_files import gguf

from overthink.collect.providers.embedded import installed, speed, weights
from overthink.collect.providers.embedded.catalogue import catalogue, describe_weights
from overthink.collect.providers.embedded.install import install
from overthink.errors import InputError


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(installed.FOLDER_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr(weights, "PACKAGE", "a-package-that-is-not-installed")
    file = tmp_path / "weights.gguf"
    file.write_bytes(WEIGHTS)
    return install("mine", f"file:{file}", sha256=SHA256, license_id="MIT")


def test_the_list_has_the_registry_and_what_is_installed(mine: Path) -> None:
    listed = catalogue()
    text = listed.text()
    assert "overthink/smollm2: not installed; run: overthink model install smollm2\n" in text
    assert "Qwen2.5-Coder-0.5B-Instruct, Q4_K_M, 491 MB, licence Apache-2.0, from hub:Qwen/" in text
    assert f"overthink/mine: installed\n  1 MB, licence MIT, from file:{mine.parent.parent / 'weights.gguf'}\n" in text
    document = {entry["model"]: entry for entry in json.loads(listed.json())}
    assert document["overthink/qwen2.5-coder-0.5b"]["path"] is None
    entry = document["overthink/mine"]
    assert (entry["path"], entry["sha256"], entry["fault"], entry["speed"]) == (str(mine), SHA256, None, None)


def test_the_check_reads_the_bytes(mine: Path) -> None:
    status = mine.stat()
    mine.write_bytes(WEIGHTS[:-1] + b"x")
    os.utime(mine, ns=(status.st_atime_ns, status.st_mtime_ns))  # the same size and time: only the bytes can tell
    assert catalogue().faults == ()
    (fault,) = catalogue(check=True).faults
    assert "was installed with" in fault
    assert "overthink/mine: DAMAGED: " in catalogue(check=True).text()


def test_a_damaged_record_does_not_hide_the_others(mine: Path) -> None:
    installed.record_path("mine").write_text("{")
    listed = catalogue()
    assert len(listed.faults) == 1
    assert "overthink/qwen2.5-coder-0.5b" in listed.text()


def test_a_stored_speed_is_shown_only_where_it_holds(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = speed.Speed(
        sha256=SHA256,
        engine=speed.engine(),
        machine=speed.machine(),
        load=0.25,
        day="2026-01-31",
        single=12.34,
        together=40.0,
        in_flight=8,
    )
    file = mine.with_suffix(".speed")
    file.write_text(stored.model_dump_json())
    assert (
        f"12.3 tokens/s alone, 40.0 with 8 at once (2026-01-31, {speed.machine()} under a load of 0.2"
        in catalogue().text()
    )
    for change, reason in (
        ({"sha256": "0" * 64}, "other weights"),
        ({"engine": "xllamacpp 1"}, "engine xllamacpp 1"),
        ({"machine": "an abacus, 1 core"}, "machine an abacus, 1 core"),
    ):
        file.write_text(stored.model_copy(update=change).model_dump_json())
        text = catalogue().text()
        assert f"speed measured on 2026-01-31 with {reason}; measure here" in text
        assert "12.3" not in text
        assert json.loads(catalogue().json())[-1]["speed"] is None
    file.write_text("{")
    assert "speed not measured" in catalogue().text()


def test_what_cannot_be_measured_is_one_message(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="overthink/nix is not installed. Run: overthink model install nix --from"):
        catalogue(measure=("nix",))
    monkeypatch.setattr(speed, "engine", lambda: "not installed")
    with pytest.raises(InputError, match="needs xllamacpp"):
        catalogue(measure=("mine",))


def test_a_measurement_is_stored_and_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_embedded()
    monkeypatch.setenv(installed.FOLDER_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setattr(speed, "TOKENS", 2)
    monkeypatch.setattr(speed, "IN_FLIGHT", 1)
    (entry, *_) = catalogue(measure=("smollm2",)).weights
    assert entry.name == "smollm2"
    assert entry.speed == speed.read_speed("smollm2")
    assert entry.speed is not None
    assert entry.speed.single > entry.speed.together > 0  # the second one is with the reading of the prompt


def test_a_model_is_described_from_its_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(installed.FOLDER_VARIABLE, str(tmp_path / "models"))
    values = {
        "general.architecture": "tiny",
        "general.name": "Tiny",
        "general.license": "mit",
        "tiny.context_length": 4096,
        "tiny.block_count": 2,
        "tiny.attention.head_count": 4,
        "tiny.attention.head_count_kv": 2,
        "tiny.embedding_length": 32,
        "tokenizer.chat_template": "{{ messages }}",
    }
    file = gguf(tmp_path / "tiny.gguf", values, {"w": (8, 4)}, data=128)
    install("tiny", f"file:{file}", sha256=installed.file_sha256(file))
    assert next(entry.license for entry in catalogue().weights if entry.name == "tiny") == "mit"
    description = describe_weights("tiny")
    text = description.text()
    for line in ("overthink/tiny: Tiny", "trained for 4,096 tokens", "128 bytes per token", "template  in the file"):
        assert line in text
    document = json.loads(description.json())
    assert (document["context"], document["has_template"], document["shape"]["layers"]) == (4096, True, 2)
    with pytest.raises(InputError, match="overthink/other is not installed"):
        describe_weights("other")
