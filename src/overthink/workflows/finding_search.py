"""Findings chosen by words of the closed lists and names of a study; an unknown one is an error, never nothing."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.parameters import instance
from overthink.data.record import Axis
from overthink.data.visible import name_list, nearest_first, visible
from overthink.errors import InputError
from overthink.reports.notebook.finding_list import Findings

_SHOWN = 40

_WORDS: dict[str, type[StrEnum]] = {"kind": Kind, "metric": Metric, "axis": Axis}
"""Closed list by parameter."""


def matching_findings(findings: Sequence[Finding], **words: str | None) -> Findings:
    """Return the findings that have all the words and names given, in their order.

    Args:
        findings: All findings of a study.
        words: By field of a finding, among ``kind``, ``metric``, ``axis``, ``task`` and ``arm``; None for any.

    Raises:
        TypeError: A value is no text.
        InputError: A kind, metric or axis is in no closed list, or the study has no such task or arm.
    """
    fields = {name: value for name, value in words.items() if value is not None}
    for name, value in fields.items():
        word = str(instance(value, name, str))
        known = list(_WORDS[name]) if name in _WORDS else sorted({getattr(finding, name) for finding in findings})
        if word not in known:
            raise InputError(_unknown(name, word, known))
    return Findings(finding for finding in findings if all(getattr(finding, n) == v for n, v in fields.items()))


def _unknown(name: str, word: str, known: Iterable[str]) -> str:
    choices = name_list([visible(each) for each in nearest_first(word, known)], _SHOWN) or "none, it has no finding"
    whose = "of findings" if name in _WORDS else "of this study"
    return f"{name} is {visible(word)!r}, which is no {name} {whose}; needed, the most similar first: {choices}"
