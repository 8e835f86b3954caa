"""Readable, stable, unique ids of findings."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from overthink.data.outcomes import Outcomes

LONGEST_PART = 48
"""Maximum length of a part of an id; names from foreign logs may be a megabyte long."""


def labels(outcomes: Outcomes) -> tuple[str, ...]:
    """Labels that identify a curve: axis, task, arm, scorer, estimand."""
    return (outcomes.axis, outcomes.task, outcomes.arm, outcomes.scorer, outcomes.estimand)


def prefixes(outcomes: Sequence[Outcomes]) -> list[str]:
    """One id prefix per curve: axis/task/arm/scorer/estimand, reduced to letters, digits and ``. _ -``.

    Curves whose names differ only in what was reduced carry a hash of their full names in addition.

    Args:
        outcomes: The curves.

    Returns:
        One prefix per curve, all different.

    Raises:
        ValueError: Two curves have the same labels.
    """
    names = [labels(o) for o in outcomes]
    if len(set(names)) < len(names):
        duplicate = Counter(names).most_common(1)[0][0]
        raise ValueError(
            f"two tables of outcomes are both {duplicate}; needed: one per axis, task, arm, scorer and estimand"
        )
    slugs = ["/".join(_slug(part) for part in parts if part) for parts in names]
    slug_counts = Counter(slugs)
    return [
        f"{slug}~{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}" if slug_counts[slug] > 1 else slug
        for slug, parts in zip(slugs, names, strict=True)
    ]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", name[: 2 * LONGEST_PART]).strip("-")[:LONGEST_PART] or "unnamed"
