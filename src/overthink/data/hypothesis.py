"""Hypotheses on a curve: parts of the ladder with a direction each, such as up@2k,flat@8k,down.

Boundaries without directions, such as 2k,8k, describe regimes and claim nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from overthink.data.phrases import Reason, checked, numbers
from overthink.data.verdict_labels import Direction

EXAMPLE = "up@2k,flat@8k,down"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a hypothesis.

    Attributes:
        direction: What is claimed of it.
        up_to: Its right edge in thinking tokens; None for the highest rung. Its left edge is that of the part before.
    """

    direction: Direction
    up_to: float | None = None

    def __str__(self) -> str:
        return str(self.direction) if self.up_to is None else f"{self.direction}@{self.up_to:.0f}"


def read_hypothesis(text: str) -> tuple[Part, ...] | tuple[int, ...]:
    """Return the parts of a hypothesis, or the boundaries of its regimes where no direction is named.

    Args:
        text: Parts with commas between them; 2k is 2,000.

    Raises:
        ValueError: A direction is unknown or missing, an edge is no number or missing, or edges do not increase.

    Example:
        >>> [str(part) for part in read_hypothesis("up@2k,flat@8k,down")], read_hypothesis("2k,8k")
        (['up@2000', 'flat@8000', 'down'], (2000, 8000))
    """
    words = [word.strip() for word in text.split(",")]
    is_boundary = [word[:1].isdigit() for word in words]
    if all(is_boundary):
        return tuple(_tokens(word, text) for word in words)
    if any(is_boundary):
        raise ValueError(
            f"hypothesis {text}: {words[is_boundary.index(True)]} has no direction; needed: one for each part, as "
            f"{EXAMPLE}, or boundaries alone, as 2k,8k"
        )
    parts = tuple(_part(word, text) for word in words)
    check_edges(parts)
    return parts


def regimes_and_parts(
    hypothesis: str | Sequence[float] | Sequence[Part] | None,
) -> tuple[tuple[float, ...] | None, tuple[Part, ...] | None]:
    """Return the boundaries of the regimes, and the parts with directions; at most one of them is not None.

    Args:
        hypothesis: Text, boundaries in tokens, or parts; None for none.

    Raises:
        ValueError: The text cannot be read.

    Example:
        >>> regimes_and_parts("2k,8k"), regimes_and_parts(None)
        (((2000, 8000), None), (None, None))
    """
    if hypothesis is None:
        return None, None
    if not isinstance(hypothesis, str | list | tuple):
        kind = type(hypothesis).__name__
        raise TypeError(f"hypothesis is {str(hypothesis)[:40]}, a {kind}; needed: a text or a list")
    items: Sequence[Part | float] = read_hypothesis(hypothesis) if isinstance(hypothesis, str) else tuple(hypothesis)
    parts = tuple(item for item in items if isinstance(item, Part))
    if parts:
        unknown = [part.direction for part in parts if part.direction not in tuple(Direction)]
        if unknown or len(parts) < len(items):
            raise ValueError(
                f"the hypothesis has {unknown or 'boundaries beside its parts'}; needed: parts alone, each "
                f"{', '.join(Direction)}, as {EXAMPLE}"
            )
        check_edges(parts)
        return None, parts
    return tuple(item for item in items if not isinstance(item, Part)), None


def hypothesis_text(parts: Sequence[Part]) -> str:
    """Return a hypothesis with directions as text that reads back to the same.

    >>> hypothesis_text(read_hypothesis("up@2k, down"))
    'up@2000,down'
    """
    return ",".join(map(str, parts))


def check_edges(parts: Sequence[Part]) -> None:
    """Check that every part but the last has a right edge, and that edges increase.

    Raises:
        ValueError: There is no part, an edge is missing, or an edge is not above the one before.
    """
    text = hypothesis_text(parts)
    if not parts:
        raise ValueError(f"the hypothesis has no part; needed: parts such as {EXAMPLE}")
    before = 0.0
    for number, part in enumerate(parts, start=1):
        if part.up_to is None:
            if number < len(parts):
                raise ValueError(f"hypothesis {text}: part {number} has no right edge; needed: tokens, as {EXAMPLE}")
            continue
        if not (part.up_to > before and float(part.up_to).is_integer()):
            raise ValueError(f"hypothesis {text} does not increase; needed: whole edges in tokens, as {EXAMPLE}")
        before = part.up_to


def part_rungs(parts: Sequence[Part], budgets: Sequence[float]) -> tuple[tuple[int, int], ...]:
    """Return the first and the last rung of each part, both inside it, as positions on the ladder.

    A part runs from the last rung at or below its left edge, which it shares with the part before so that no step falls
    between parts, to the last at or below its right edge.

    Args:
        parts: The parts, edges increasing.
        budgets: (rung,) tokens, increasing.

    Raises:
        ValueError: A part has fewer than two rungs.

    Example:
        >>> part_rungs(read_hypothesis("up@2k,down"), [0, 1000, 2000, 4000])
        ((0, 2), (2, 3))
    """
    spans, first = [], 0
    text = hypothesis_text(parts)
    for number, part in enumerate(parts, start=1):
        if number == len(parts) and part.up_to is not None and part.up_to > max(budgets):
            raise ValueError(ABOVE_LADDER.text(hypothesis=text, number=number, part=part, budgets=budgets))
        inside = [rung for rung, budget in enumerate(budgets) if part.up_to is None or budget <= part.up_to]
        last = inside[-1] if inside else -1
        if last <= first:
            raise ValueError(TOO_FEW_RUNGS.text(hypothesis=text, number=number, part=part, budgets=budgets))
        spans.append((first, last))
        first = last
    return tuple(spans)


def _is_written(text: str) -> bool:
    """Return whether a text is a hypothesis as :func:`hypothesis_text` writes it."""
    try:
        return hypothesis_text([_part(word, text) for word in text.split(",")]) == text
    except ValueError:
        return False


_HYPOTHESIS = checked("a-z0-9@,", _is_written)

ABOVE_LADDER = Reason(
    "hypothesis {hypothesis}: part {number:d}, {part}, ends above the ladder {budgets}; leave its edge out, or add a "
    "budget there",
    hypothesis=_HYPOTHESIS,
    part=_HYPOTHESIS,
    budgets=numbers("g"),
)
TOO_FEW_RUNGS = Reason(
    "hypothesis {hypothesis}: part {number:d}, {part}, has fewer than two rungs among {budgets} tokens, the edge that "
    "it shares included; add a budget there, or move an edge",
    hypothesis=_HYPOTHESIS,
    part=_HYPOTHESIS,
    budgets=numbers("g"),
)


def _part(word: str, text: str) -> Part:
    name, at, edge = word.partition("@")
    if name not in tuple(Direction):
        raise ValueError(
            f"hypothesis {text}: direction {name!r} is unknown; needed: {', '.join(Direction)}, as {EXAMPLE}"
        )
    return Part(Direction(name), float(_tokens(edge, text)) if at else None)


def _tokens(word: str, text: str) -> int:
    try:
        tokens = round(float(word[:-1]) * 1000) if word[-1:] in ("k", "K") else int(word)
        return round(float(tokens))  # a number that no float holds is none of tokens
    except (ValueError, OverflowError):
        raise ValueError(
            f"hypothesis {text}: {word!r} is no number of tokens; needed: whole numbers, as {EXAMPLE}"
        ) from None
