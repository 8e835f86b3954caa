"""Rules for loops of tool calls: a checkpoint is one of those that were planned, and only loops have them."""

from collections.abc import Iterator

from overthink.govern.statement import Statement

Found = Iterator[tuple[str, str]]


def checkpoints(statement: Statement) -> Found:
    """Checkpoints of turns or tokens are those of the loop that was run, and no other curve has any."""
    for i, curve in enumerate(statement.curves):
        for name in ("turns", "loop_tokens"):
            ladder = getattr(statement.elicitation, name) if curve.estimand == "checkpoint" else None
            seen = [getattr(point, name) for point in curve.points]
            told = [count for count in seen if count is not None]
            off = set(told) - set(ladder or ()) or (ladder is not None and None in seen)
            if off or told != sorted(set(told)):
                yield f"curves.{i}.points", f"{name} {', '.join(map(str, seen))} are not on the ladder {ladder}"
