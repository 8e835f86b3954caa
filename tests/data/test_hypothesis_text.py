"""Hypotheses as text: what is read, what is refused, and which rungs a part has."""

import pytest

from overthink.data.hypothesis import Part, check_edges, part_rungs, read_hypothesis, regimes_and_parts
from overthink.data.verdict_labels import Direction

LADDER = [0, 512, 1024, 2048, 4096, 8192, 16384, 32768]


def test_directions_make_parts_and_bare_numbers_boundaries() -> None:
    parts = read_hypothesis(" up@2k, flat@8000 ,down")
    assert parts == (Part(Direction.UP, 2000), Part(Direction.FLAT, 8000), Part(Direction.DOWN))
    assert ",".join(map(str, parts)) == "up@2000,flat@8000,down"
    assert read_hypothesis("2k,8k") == (2000, 8000)


def test_parts_share_their_edge_so_that_no_step_falls_between_them() -> None:
    spans = part_rungs(read_hypothesis("up@2k,flat@8k,down"), LADDER)
    assert spans == ((0, 2), (2, 4), (4, 7))  # 2,048 is above 2k, and 8,192 above 8k
    assert part_rungs(read_hypothesis("down"), LADDER) == ((0, 7),)
    assert part_rungs(read_hypothesis("up@5k"), LADDER) == ((0, 4),)  # nothing is claimed beyond
    with pytest.raises(ValueError, match="ends above the ladder"):
        part_rungs(read_hypothesis("up@1000k"), LADDER)


@pytest.mark.parametrize(
    "parts",
    [
        [Part(Direction.UP, 1000.0), 2000],
        [Part("sideways")],  # type: ignore[arg-type]
        [Part(Direction.UP), Part(Direction.DOWN)],
        [Part(Direction.UP, 1000.6)],
        [Part(Direction.UP, float("nan")), Part(Direction.DOWN)],
    ],
)
def test_parts_from_python_are_held_to_the_same(parts: list[Part | int]) -> None:
    with pytest.raises(ValueError, match="needed: "):
        regimes_and_parts(parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rises@2k,down", "direction 'rises' is unknown; needed: up, flat, down"),
        ("up@2k,8k", "8k has no direction"),
        ("up,down", "part 1 has no right edge"),
        ("up@8k,flat@2k,down", "does not increase"),
        ("up@2k,flat@2k", "does not increase"),
        ("up@0,down", "does not increase"),
        ("up@,down", "'' is no number of tokens"),
        ("up@many", "'many' is no number of tokens"),
        ("up@infk", "'infk' is no number of tokens"),
        (f"up@{10**400}", "is no number of tokens"),
        ("", "direction '' is unknown"),
        ("up@2k,", "direction '' is unknown"),
    ],
)
def test_what_cannot_be_read_is_one_clear_message(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_hypothesis(text)


def test_no_parts_are_no_hypothesis() -> None:
    with pytest.raises(ValueError, match="has no part"):
        check_edges(())


@pytest.mark.parametrize(
    ("text", "part"),
    [("up@400,down", 1), ("up@2k,flat@2047,down", 2), ("up@32768,down", 2), ("up@2k,flat@99k,down", 3)],
)
def test_a_part_without_two_rungs_is_named(text: str, part: int) -> None:
    with pytest.raises(ValueError, match=f"part {part}, .*fewer than two rungs"):
        part_rungs(read_hypothesis(text), LADDER)
