import json
import traceback
from typing import Any

import pytest

from overthink.collect.providers.attempts import CallError, Patience
from overthink.collect.session.failures import Boundary
from overthink.errors import StoppedError


def test_every_trace_after_the_stop_ends_with_its_error_and_nothing_of_other_traces() -> None:
    boundary = Boundary(patience=Patience(failures=1))
    with pytest.raises(StoppedError, match="the server is down") as first, boundary.trace():
        raise OSError("the server is down")
    frames = []
    for _ in range(3):
        with pytest.raises(StoppedError) as stopped, boundary.trace():
            pytest.fail("it was begun after the stop")
        assert stopped.value is first.value
        frames.append(len(traceback.extract_tb(stopped.value.__traceback__)))
    assert len(set(frames)) == 1


RUNNER = """
def run(boundary, score):
    with boundary.trace():
        score()
    boundary.require_any()
"""


def run(boundary: Boundary, code: str, **names: Any) -> StoppedError:
    """The stop of a run whose scorer has this code; the frames between are those of Overthink."""
    ours: dict[str, Any] = {"__name__": "overthink.run"}
    theirs: dict[str, Any] = {"__name__": "theirs", **names}
    exec(RUNNER, ours)
    exec(compile(f"def score():\n    {code}\n", "/tasks/theirs.py", "exec"), theirs)
    with pytest.raises(StoppedError) as stopped:
        ours["run"](boundary, theirs["score"])
    return stopped.value


@pytest.mark.parametrize("in_a_row", [1, 9])
def test_a_stop_names_the_code_of_the_task_and_not_the_model(in_a_row: int) -> None:
    """A scorer that raises is mended by its author; waiting for the model would help nobody."""
    text = str(run(Boundary(patience=Patience(failures=in_a_row)), "json.loads('no number')", json=json))
    assert "JSONDecodeError: Expecting value: line 1 column 1 (char 0), in theirs.py, line 2, function score." in text
    assert "When the model answers again" not in text


def test_a_failed_call_is_the_models_wherever_it_was_made() -> None:
    failure = CallError("the server is down", None)
    text = str(run(Boundary(patience=Patience(failures=1)), "raise failure", failure=failure))
    assert "the server is down. What" in text
    assert "When the model answers again, repeat the command with --resume" in text
