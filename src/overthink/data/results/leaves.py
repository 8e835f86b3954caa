"""The findings of a result: its leaves, in the order of its fields."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from overthink.data.finding import Finding


def findings_of(result: object) -> Iterator[Finding]:
    """Yield every finding of a result once: field after field, into tuples, values of mappings and parts of results.

    Args:
        result: A result, or an iterable of results; what holds no finding yields nothing.

    Example:
        >>> from overthink.data.finding import At
        >>> mean, tries = (Finding(name, "value", "safety", "t", "a", "forced", name, At()) for name in ("mean", "k"))
        >>> [finding.id for finding in findings_of((mean, {10: (tries, None)}, "a name"))]
        ['mean', 'k']
    """
    if isinstance(result, Finding):
        yield result
    elif is_dataclass(result):
        for field in fields(result):
            yield from findings_of(getattr(result, field.name))
    elif isinstance(result, Mapping):
        yield from findings_of(result.values())
    elif isinstance(result, Iterable) and not isinstance(result, str | bytes):
        for part in result:
            yield from findings_of(part)
