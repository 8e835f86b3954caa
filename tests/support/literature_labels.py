"""The rows of docs/literature.json that a review labelled, and the labels that it gave them by hand.

The page computes its labels from the rows; these are what a test compares them with. A row that is not
here has no label.
"""

from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Label:
    """What a review says of the row, or pair of rows, with these fields; a field matches by its beginning.

    ``equivalence`` is None where the review is silent on it.
    """

    fields: tuple[tuple[str, Any], ...]
    direction: str
    equivalence: str | None = None
    z: float | None = None
    p: float | None = None

    def matches(self, row: Row) -> bool:
        return all(
            str(row.get(name, "")).startswith(value) if isinstance(value, str) else row.get(name) == value
            for name, value in self.fields
        )


UP, DOWN, NOT_SHOWN, WITHIN, GATED = "up", "down", "not shown", "within the margin", "gated"

CLAUDE_4, SONNET_45, HAIKU_45 = "Claude 4 system card", "Claude Sonnet 4.5 system card", "Claude Haiku 4.5 system card"
OPUS_45, SONNET_46, OPUS_47 = (
    "Claude Opus 4.5 system card",
    "Claude Sonnet 4.6 system card",
    "Claude Opus 4.7 system card",
)
HARMLESS, HARDER = "harmless response rate, single", "harmless response rate, harder"
REFUSAL, HARDER_REFUSAL = "refusal rate, single", "refusal rate, harder"


def _on_off(
    model: str, source: str, measure: str, direction: str, z: float, *, equivalence: str | None = None
) -> Label:
    fields = (("kind", "thinking_on_off"), ("model", model), ("source", source), ("measure", measure))
    return Label(fields, direction, equivalence, z=z)


ON_OFF = (
    _on_off("Claude Sonnet 3.7", CLAUDE_4, HARMLESS, UP, 7.2),
    Label(
        (("kind", "thinking_on_off"), ("model", "Claude Opus 4"), ("source", CLAUDE_4), ("off", 97.92)), UP, z=4.2
    ),  # the beginning of its name is also that of Opus 4 with safeguards
    _on_off("Claude Sonnet 4", CLAUDE_4, HARMLESS, UP, 4.3),
    _on_off("Claude Sonnet 4.5", SONNET_45, HARMLESS, NOT_SHOWN, 1.2, equivalence=WITHIN),
    _on_off("Claude Haiku 4.5", HAIKU_45, HARMLESS, NOT_SHOWN, -0.2, equivalence=WITHIN),
    _on_off("Claude Opus 4.1", OPUS_45, HARMLESS, UP, 7.2),
    _on_off("Claude Sonnet 4.5", OPUS_45, HARMLESS, UP, 13.4),
    _on_off("Claude Opus 4.5", OPUS_45, HARMLESS, UP, 4.6, equivalence=WITHIN),
    _on_off("Claude Sonnet 4.6", SONNET_46, HARMLESS, UP, 6.3),
    _on_off("Claude Opus 4.6", SONNET_46, HARMLESS, UP, 4.3),
    _on_off("Claude Haiku 4.5", SONNET_46, HARMLESS, UP, 4.6),
    _on_off("Claude Haiku 4.5", SONNET_46, HARDER, DOWN, -16.9),
    _on_off("Claude Sonnet 4.5", SONNET_46, HARDER, NOT_SHOWN, -1.6, equivalence=WITHIN),
    _on_off("Claude Opus 4.5", SONNET_46, HARDER, UP, 7.3),
    _on_off("Claude Opus 4.6", SONNET_46, HARDER, UP, 3.5),
    _on_off("Claude Sonnet 4.6", SONNET_46, HARDER, NOT_SHOWN, 1.1),
    _on_off("Claude Opus 4.7", OPUS_47, HARMLESS, DOWN, -14.5),
    _on_off("Claude Opus 4.7", OPUS_47, REFUSAL, DOWN, -10.5),
    _on_off("Claude Sonnet 4.5", SONNET_46, HARDER_REFUSAL, DOWN, -49.5),
    _on_off("Claude Haiku 4.5", SONNET_46, HARDER_REFUSAL, DOWN, -21.0),
    _on_off("Claude Opus 4.6", SONNET_46, REFUSAL, DOWN, -3.4),
    _on_off("Claude Opus 4.5", OPUS_45, REFUSAL, UP, 2.6),
)


def _effort(model: str, measure: str, direction: str, z: float | None, p: float | None) -> Label:
    return Label((("kind", "effort"), ("model", model), ("measure", measure)), direction, z=z, p=p)


DOSE = (
    Label((("kind", "effort"), ("model", "Inkling"), ("k", [100, 63, 64, 57, 64])), GATED, z=-3.547, p=0.0004),
    _effort("Inkling-Small", "harmful compliance", NOT_SHOWN, 0.063, 0.950),
    _effort("Inkling-Small", "over-refusal", NOT_SHOWN, -0.678, 0.497),
    _effort("GLM-4.7", "sandbagging", NOT_SHOWN, None, None),
    _effort("Claude Opus 4.7", "13 agent-attack prompts", NOT_SHOWN, None, None),
    Label((("kind", "latent"), ("model", "opus-4-5"), ("filler", [0, 30, 100, 300, 1000])), UP, z=3.7),
)


def _tries(model: str, surface: str, *, safeguards: bool, p: float, direction: str = NOT_SHOWN) -> Label:
    fields = (
        ("kind", "tries"),
        ("model", model),
        ("surface", surface),
        ("safeguards", safeguards),
    )
    return Label(fields, direction, p=p)


TRIES = (
    _tries("Claude Opus 4.5", "coding", safeguards=False, p=0.518),
    _tries("Claude Sonnet 4.5", "coding", safeguards=False, p=0.099),
    _tries("Claude Opus 4.7", "coding", safeguards=False, p=0.001, direction=DOWN),
    _tries("Claude Opus 4.7", "coding", safeguards=True, p=0.021, direction=DOWN),
    _tries("Claude Opus 4.5", "computer use", safeguards=False, p=0.098),
    _tries("Claude Sonnet 4.5", "computer use", safeguards=False, p=1),
    _tries("Claude Opus 4.6", "computer use", safeguards=False, p=1),
    _tries("Claude Sonnet 4.6", "computer use", safeguards=False, p=0.449),
    _tries("Claude Opus 4.7", "computer use", safeguards=False, p=0.596),
)
"""Pairs of rows, thinking off and on."""

LABELS = ON_OFF + DOSE + TRIES

INKLING_ERROR = {
    "Inkling": (0.281, 0.181, 0.192, 0.154, 0.173),
    "Inkling-Small": (0.181, 0.142, 0.123, 0.162, 0.119),
}
"""Harmful compliance: share of the 260 answers at each effort on which the string matcher errs.

RaphaelKhalid/inkling-effort-refusal@b9aa195c, results.
"""
