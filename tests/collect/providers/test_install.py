"""Weights under a name: what is installed is what was to come, whole, and checked."""

from pathlib import Path

import pytest
from loopback_hub import SHA256, WEIGHTS

from overthink.collect.model_info.info import inspect_model
from overthink.collect.providers.embedded import installed
from overthink.collect.providers.embedded.install import install
from overthink.errors import InputError


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


def test_another_sha256_is_refused_with_both(folder: Path, file: Path) -> None:
    with pytest.raises(InputError, match=f"has SHA-256 {SHA256}, needed {'0' * 64}"):
        install("mine", f"file:{file}", sha256="0" * 64)
    assert installed.installed_names() == ()
    assert [path.name for path in folder.iterdir()] == ["mine.lock"]
