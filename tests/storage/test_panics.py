"""A broken Parquet file gives one error and no noise on standard error; what is written otherwise appears."""

import os

import pytest

from overthink.storage.panics import silent_panics


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
