"""Rules for loops of tool calls: every checkpoint was planned, and only loops have checkpoints."""

from overthink.governance.statement.faults import Breaches
from overthink.governance.statement.schema import Statement


def checkpoints(statement: Statement) -> Breaches:
    """Checkpoints of turns or tokens are those of the loop that was run, and no other curve has any."""
    for i, curve in enumerate(statement.curves):
        for name in ("turns", "loop_tokens"):
            ladder = getattr(statement.elicitation, name) if curve.estimand == "checkpoint" else None
            counts = [getattr(point, name) for point in curve.points]
            known_counts = [count for count in counts if count is not None]
            off = set(known_counts) - set(ladder or ()) or (ladder is not None and None in counts)
            if off or known_counts != sorted(set(known_counts)):
                yield f"curves.{i}.points", f"{name} {', '.join(map(str, counts))} are not on the ladder {ladder}"
