"""What was cut short is on the disk as it was told, and nothing else is read as it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overthink.data.tokens import NO_USAGE, UNDIVIDED, CutShort, TokenUsage
from overthink.errors import InputError
from overthink.storage import jsonl
from overthink.storage.journal import read_unfinished, unfinished_file

counts = st.none() | st.integers(0, 10**9)
usage = st.builds(TokenUsage, **dict.fromkeys(UNDIVIDED, counts))
traces = st.builds(CutShort, st.text(), st.text(), st.text(), st.integers(0, 99), usage, st.integers(0, 9))


@given(st.lists(traces, max_size=4))
def test_what_was_appended_comes_back_and_so_does_what_was_written_whole(
    tmp_path_factory: pytest.TempPathFactory, told: list[CutShort]
) -> None:
    folder = tmp_path_factory.mktemp("u")
    for trace in told:
        with unfinished_file(folder / "a") as file:  # a run each
            file.append(trace)
    unfinished_file(folder / "b").replace(told)
    assert read_unfinished(folder / "b") == told
    if told:
        assert (folder / "a").read_bytes() == (folder / "b").read_bytes()


def test_the_form_of_a_line_does_not_change(tmp_path: Path) -> None:
    unfinished_file(tmp_path / "u").replace([CutShort("t", "base", "q", 2, TokenUsage(5, None, decoded_tokens=7), 1)])
    assert (tmp_path / "u").read_text().splitlines()[1] == (
        '{"task":"t","arm":"base","question":"q","draw":2,"paid":{"prompt_tokens":5,"cached_tokens":null,'
        '"decoded_tokens":7,"judge_tokens":0,"guard_tokens":0,"step_verifier_tokens":0},"unanswered":1}'
    )


def test_a_torn_line_is_cut_off_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    assert read_unfinished(tmp_path / "none") == []
    one = CutShort("t", "base", "q", 0, NO_USAGE, 1)
    with unfinished_file(tmp_path / "u") as file:
        file.append(one)
    (tmp_path / "u").write_bytes((tmp_path / "u").read_bytes() + b'{"task":"t","ar')
    assert read_unfinished(tmp_path / "u") == [one]
    with unfinished_file(tmp_path / "u") as file:
        file.append(one)
    assert read_unfinished(tmp_path / "u") == [one, one]
    (tmp_path / "u").write_bytes((tmp_path / "u").read_bytes().replace(b'"draw":0', b'"draw":"no"'))
    with pytest.raises(InputError, match="line 2, is damaged"):
        read_unfinished(tmp_path / "u")


def test_a_line_of_any_length_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAX_LINE", 64)
    unfinished_file(tmp_path / "u").replace([])
    (tmp_path / "u").write_bytes((tmp_path / "u").read_bytes() + bytes(200))
    with pytest.raises(InputError, match="line 2, has 64 bytes or more"), unfinished_file(tmp_path / "u"):
        pass
