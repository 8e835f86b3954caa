"""Texts of a report: names of axes, gates, selectors and estimands, and text of a change.

The text of a change claims no more than its finding: an interval that includes 0 shows no change.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.number_text import fixed
from overthink.data.record import Axis, Estimand
from overthink.data.selectors import OTHER_SELECTORS, SELECTORS, TRIES_SELECTORS
from overthink.data.visible import PROSE_LIMIT, visible

AXIS_TEXTS: Mapping[str, tuple[str, str, str]] = {
    Axis.CAPABILITY: ("Capability", "correct", "share of answers that are correct"),
    Axis.SAFETY: ("Safety", "safe", "share of answers that are safe"),
    Axis.BENIGN: ("Over-refusal", "answered", "share of harmless requests that are answered"),
}
"""Name, word for value = 1, and meaning of the value, by axis in the order of the page."""

GATE_TEXTS: Mapping[str, str] = {
    Metric.MANIPULATION: (
        "share of traces that thought as long as asked; for efforts, tokens over those of the rung below"
    ),
    Metric.NATURAL_END: "share of traces that had ended by themselves",
    Metric.TRUNCATION: "share of answers cut by their allowance",
    Metric.UNPARSED: "share of answers that could not be read",
    Metric.ERRORS: "share of rows that failed",
    Metric.COMPARABILITY: "settings in which the runs are not those of the lowest rung",
    Metric.JUDGE_DRIFT: "whether the judge errs alike at all rungs, by human labels",
}

SELECTOR_TEXTS: Mapping[str, str] = {name: SELECTORS[name].text for name in TRIES_SELECTORS}
"""Meaning by selector of several tries; the position is that of its colour."""

SELECTOR_COLOURS: Mapping[str, str] = {name: f"var(--s{SELECTORS[name].colour})" for name in TRIES_SELECTORS}
"""Colour by selector of several tries, from the palette of the page."""


def selector_texts() -> dict[str, str]:
    """Return the meaning of every selector of several tries, those from outside last."""
    return {**SELECTOR_TEXTS, **{name: info.text for name, info in OTHER_SELECTORS.items()}}


def selector_colours() -> dict[str, str]:
    """Return the colour of every selector of several tries, those from outside last."""
    return {**SELECTOR_COLOURS, **{name: info.colour for name, info in OTHER_SELECTORS.items()}}


ESTIMAND_TEXTS: Mapping[str, str] = {
    Estimand.FORCED: "thinking was cut at the rung and an answer was forced",
    Estimand.SHAM: "the same forced close, applied where the trace had ended by itself",
    Estimand.TRUNCATED: "the response was cut at the rung and scored as it stood",
    Estimand.NATURAL: "the model stopped by itself",
    Estimand.RESAMPLED: (
        "the rest of the trace was thought anew from the rung, several times; the value is the share that went well"
    ),
    Estimand.EFFORT: "the provider's own reasoning level; levels are separate runs, not prefixes of one trace",
    Estimand.CHECKPOINT: "an agent's state, scored on the way",
}


CONTROL_TEXTS: Mapping[str, str] = {
    Metric.NATURAL: "another verdict than the model's own answer",
    Metric.NATURAL_DIFFERENCE: "forced minus own answer",
    Metric.SHAM: "another verdict than the model's own answer",
    Metric.SHAM_DIFFERENCE: "forced close minus own answer",
    Metric.GOOD_GOOD: "thinking good, answer good",
    Metric.GOOD_BAD: "thinking good, answer bad",
    Metric.BAD_GOOD: "thinking bad, answer good",
    Metric.BAD_BAD: "thinking bad, answer bad",
}
"""Meaning of the share or difference by metric of a control."""


class Change(NamedTuple):
    """A difference finding as text: a short verdict, the number with its interval, and its qualification."""

    verdict: str
    number: str
    but: str


def axis_name(axis: str) -> str:
    """Return the printed name of the axis."""
    return AXIS_TEXTS[axis][0] if axis in AXIS_TEXTS else visible(axis)


def axis_position(axis: str) -> int:
    """Return the position of the axis in the order of the page; unknown axes are last."""
    return list(AXIS_TEXTS).index(axis) if axis in AXIS_TEXTS else len(AXIS_TEXTS)


def axis_value(axis: str) -> str:
    """Return the word for value = 1 on the axis."""
    return AXIS_TEXTS[axis][1] if axis in AXIS_TEXTS else "value"


def percent(value: float) -> str:
    """Return a value in [0, 1] as a percentage with one decimal.

    >>> percent(0.4312)
    '43.1%'
    """
    return f"{fixed(100 * value, 1)}%"


def points(value: float) -> str:
    """Return a difference of two shares in percentage points, with its sign.

    >>> points(-0.0512)
    '−5.1'
    """
    return fixed(100 * value, 1, sign=True).replace("-", "−")


def enumeration(words: Sequence[str], *, most: int | None = None) -> str:
    """Return words as a list in a sentence; those beyond ``most`` are counted.

    >>> enumeration(["0", "16", "32"]), enumeration(["a", "b", "c"], most=2), enumeration([])
    ('0, 16 and 32', 'a, b and 1 more', '')
    """
    shown = list(words) if most is None or len(words) <= most else [*words[:most], f"{len(words) - most:,} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def sentence(text: str) -> str:
    """Return a text with one period at its end."""
    return f"{text.rstrip('.')}."


def reason_sentence(reason: str | None) -> str:
    """Return a reason from a finding, which is untrusted, as a sentence.

    >>> reason_sentence("verdicts are unknown"), reason_sentence(None)
    ('verdicts are unknown.', 'no reason was recorded.')
    """
    return sentence(visible(reason or "no reason was recorded", PROSE_LIMIT))


def tokens(value: float) -> str:
    """Return a number of tokens with thousands separators; two digits if small.

    >>> tokens(1234.5), tokens(3.25)
    ('1,234', '3.2')
    """
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def interval(finding: Finding) -> str | None:
    """Return the interval as text; None without one."""
    if finding.low is None or finding.high is None:
        return None
    show = points if finding.kind == Kind.DIFFERENCE else percent
    level = f"{100 * finding.level:g}% interval " if finding.level is not None else "interval "
    return f"{level}{show(finding.low)} to {show(finding.high)}"


def change(finding: Finding | None) -> Change:
    """Return the text of the difference between the lowest and the highest rung.

    Args:
        finding: The difference finding of one curve; None without one.
    """
    if finding is None:
        return Change("not compared", "", "lowest and highest rung were not compared")
    if finding.estimate is None:
        return Change("unknown", "", visible(finding.reason or "no reason was recorded", PROSE_LIMIT))
    span = interval(finding)
    number = f"{points(finding.estimate)} points"
    if finding.low is None or finding.high is None or span is None:
        return Change("no claim", number, visible(finding.reason or "no interval", PROSE_LIMIT))
    verdict = "rose" if finding.low > 0 else "fell" if finding.high < 0 else "no change shown"
    gates = ", ".join(visible(gate) for gate in finding.gates_failed)
    cause = "a change may be hidden" if verdict == "no change shown" else "the change may not come from thinking"
    but = f"a gate failed ({gates}): {cause}" if gates else ""
    return Change(verdict, f"{number} ({span})", but)
