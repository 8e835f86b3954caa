"""What Inspect refuses before it runs a task is one error of the study."""

from pathlib import Path

import pytest
import simulated_study
from inspect_ai import Task
from inspect_ai.log import EvalError, EvalLog, EvalSpec

import overthink
from overthink.collect.inspect_internals import PrerequisiteError
from overthink.collect.session import run
from overthink.errors import InputError, StoppedError


def test_a_folder_for_logs_that_cannot_be_written_to_is_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusal(task: Task, *others: object, **settings: object) -> object:
        raise PrerequisiteError(f"ERROR: You do not have write permission for the log_dir '{settings['log_dir']}'")

    monkeypatch.setattr(run, "run_inspect", refusal)
    session = overthink.prepare(simulated_study.one_task())
    with pytest.raises(InputError, match=r"^task .*secret cannot be run: You do not have write permission .*logs"):
        overthink.run(session, tmp_path / "study")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (
            "OSError(28, 'No space left on device')",
            r"the log cannot be written \(No space left on device\).*Free",
        ),
        ("a fault", "task secret stopped: a fault. To go on, repeat the command with --resume"),
    ],
)
def test_a_run_that_ended_by_itself_says_why(reason: str, words: str) -> None:
    log = EvalLog.model_construct(
        status="error",
        eval=EvalSpec.model_construct(task="secret"),
        error=EvalError(message=reason, traceback="", traceback_ansi=""),
    )
    with pytest.raises(StoppedError, match=words):
        run.check_logs([log], Path("logs"))
    run.check_logs([log.model_copy(update={"status": "success"})], Path("logs"))
