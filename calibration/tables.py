"""Markdown tables of the calibration page."""

from collections import Counter
from collections.abc import Sequence

Row = Sequence[str]


def table(title: str, note: str, header: Row, rows: Sequence[Row]) -> str:
    """A section with a Markdown table."""
    lines = [" | ".join(["", *row, ""]).strip() for row in (header, ["---"] * len(header), *rows)]
    return "\n".join([f"## {title}\n", f"{note}\n", *lines, ""])


def shares_of(labels: Counter[str]) -> str:
    """The shares of labels, the largest first."""
    total = labels.total()
    return ", ".join(f"{label} {count / total:.3f}" for label, count in labels.most_common())
