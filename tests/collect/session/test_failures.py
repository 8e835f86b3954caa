import traceback

import pytest

from overthink.collect.providers.attempts import Patience
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
