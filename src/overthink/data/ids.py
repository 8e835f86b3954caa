"""Names of a curve, and ids of curves and of findings about them: readable, stable, unique. Only here are ids read.

The id of a curve is axis/task/arm/scorer/estimand, each reduced to letters, digits and ``. _ -``; that of a finding is
its curve's, then kind, metric, and where it stands. A statement names findings by their ids, so its rules read them.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from overthink.data.kinds import Kind, Metric
from overthink.data.record import ON_TRACE, Axis, Estimand

CONTROL_ESTIMANDS = (Estimand.SHAM, Estimand.TRUNCATED, Estimand.NATURAL, Estimand.RESAMPLED)
"""Estimands of controls: other readings of the traces of a task's own curve."""


class CurveKey(NamedTuple):
    """The names of one curve, in the order in which curves are sorted.

    Attributes:
        axis: Meaning of a value of 1.
        task: Task name.
        arm: Label of the arm.
        scorer: Scorer of the answers, or of the thinking.
        estimand: Effect of a budget on the trace.

    Example:
        >>> key = CurveKey("safety", "secrets", "base", "refusal", "forced")
        >>> key.is_control, key._replace(estimand="sham").is_control
        (False, True)
    """

    axis: str
    task: str
    arm: str
    scorer: str
    estimand: str

    @property
    def judges_thinking(self) -> bool:
        """Whether the scorer read the thinking instead of the answer."""
        return self.scorer.endswith(ON_TRACE)

    @property
    def is_control(self) -> bool:
        """Whether the curve is a control: another reading of the same traces."""
        return self.estimand in CONTROL_ESTIMANDS or self.judges_thinking


LONGEST_PART = 48
"""Maximum length of a part of an id; names from foreign logs may be a megabyte long."""


def curve_ids(keys: Sequence[CurveKey]) -> list[str]:
    """Return one id per curve. Curves whose names differ only in what was reduced carry a hash of their full names.

    Args:
        keys: The curves.

    Returns:
        One id per curve, all different.

    Raises:
        ValueError: Two curves have the same names.

    Example:
        >>> curve_ids([CurveKey("safety", "secrets", "base", "refusal", "forced")])
        ['safety/secrets/base/refusal/forced']
    """
    if len(set(keys)) < len(keys):
        duplicate = Counter(keys).most_common(1)[0][0]
        raise ValueError(
            f"two tables of outcomes are both {tuple(duplicate)}; needed: one per axis, task, arm, scorer and estimand"
        )
    slugs = ["/".join(_slug(part) for part in key if part) for key in keys]
    counts = Counter(slugs)
    return [f"{slug}~{_hash(key)}" if counts[slug] > 1 else slug for slug, key in zip(slugs, keys, strict=True)]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "-", name[: 2 * LONGEST_PART]).strip("-")[:LONGEST_PART] or "unnamed"


def _hash(key: CurveKey) -> str:
    names = (Axis(key.axis), key.task, key.arm, key.scorer, Estimand(key.estimand))
    return hashlib.sha256(repr(names).encode()).hexdigest()[:12]


def finding_id(curve: str, kind: Kind, metric: Metric, *where: str) -> str:
    """Return the id of a finding.

    Example:
        >>> finding_id("safety/secrets/base", Kind.VALUE, Metric.MEAN, "rung2", "k1")
        'safety/secrets/base/value/mean/rung2/k1'
    """
    return "/".join([curve, kind, metric, *where])


def id_part(name: str) -> str:
    """Return a name from outside as one part of an id, with a hash that tells it from every other one.

    Example:
        >>> id_part("lexical:words=a|b")
        'lexical-words-a-b~bf81ef92'
    """
    return f"{_slug(name)}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def other_curve(curve: str, *, joint: str = "~") -> str:
    """Return the id of another curve as one part of an id.

    Args:
        curve: The id.
        joint: What stands between its parts.

    Example:
        >>> other_curve("capability/sums/base"), other_curve("capability/sums/base", joint=".")
        ('capability~sums~base', 'capability.sums.base')
    """
    return curve.replace("/", joint)


class FindingClaim(NamedTuple):
    """What a finding is about, by its id."""

    kind: str
    metric: str


def claim_of(finding: str, curve: str) -> FindingClaim | None:
    """Return what a finding of a curve is about; None where the id is not of that curve.

    Example:
        >>> claim_of("safety/secrets/base/value/mean/rung2", "safety/secrets/base")
        FindingClaim(kind='value', metric='mean')
        >>> claim_of("safety/secrets/other/value/mean/rung2", "safety/secrets/base") is None
        True
    """
    kind, _, where = finding.removeprefix(f"{curve}/").partition("/")
    metric = where.partition("/")[0]
    is_known = kind in tuple(Kind) and metric in tuple(Metric)
    return FindingClaim(kind, metric) if finding.startswith(f"{curve}/") and is_known else None
