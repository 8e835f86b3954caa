"""What Inspect refuses before it runs a task is one error of the study."""

from pathlib import Path

import pytest
import simulated_study
from inspect_ai import Task

import overthink
from overthink.collect.inspect_internals import PrerequisiteError
from overthink.collect.session import run
from overthink.errors import InputError


def test_a_folder_for_logs_that_cannot_be_written_to_is_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusal(task: Task, *others: object, **settings: object) -> object:
        raise PrerequisiteError(f"ERROR: You do not have write permission for the log_dir '{settings['log_dir']}'")

    monkeypatch.setattr(run, "run_inspect", refusal)
    session = overthink.prepare(simulated_study.one_task())
    with pytest.raises(InputError, match=r"^task .*secret cannot be run: You do not have write permission .*logs"):
        overthink.run(session, tmp_path / "study")
