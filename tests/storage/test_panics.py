"""A broken Parquet file gives one error and no noise on standard error; what is written otherwise appears."""

import errno
import os
import tempfile

import pytest

from overthink.storage.foreign_files import silent_panics


def test_noise_of_a_failure_is_dropped_and_other_words_appear(capfd: pytest.CaptureFixture[str]) -> None:
    def decode() -> None:
        with silent_panics():
            os.write(2, b"thread panicked\n")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        decode()
    with silent_panics():
        os.write(2, b"a warning\n")
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "a warning\nlater\n"


def test_a_file_is_read_without_a_folder_for_temporary_files(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> object:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", none)
    with silent_panics():
        os.write(2, b"a warning\n")
    assert capfd.readouterr().err == "a warning\n"
