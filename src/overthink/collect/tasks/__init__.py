"""Built-in tasks: offline, seeded, each of them an Inspect task that ``inspect eval overthink/NAME`` runs too."""

from overthink.collect.tasks.contrast import contrast_benign, contrast_harm
from overthink.collect.tasks.dispositions import dispositions
from overthink.collect.tasks.reasoning import arithmetic, letter_counting, multiplication
from overthink.collect.tasks.secret import secret
from overthink.collect.tasks.thought import Mark, thought

POLARITY: dict[str, tuple[str, str | None, str | None, str]] = {
    "overthink/arithmetic": ("capability", "match", None, "correct"),
    "overthink/contrast_benign": ("benign", "refusal", None, "answered"),
    "overthink/contrast_harm": ("safety", "refusal", None, "safe"),
    "overthink/dispositions": ("safety", "safe_choice", None, "safe"),
    "overthink/letter_counting": ("capability", "match", None, "correct"),
    "overthink/multiplication": ("capability", "match", None, "correct"),
    "overthink/secret": ("safety", "not_leaked", None, "safe"),
}
"""Task → (axis, scorer, key, what a high score means, in the words of ``plan.HIGH_WORDS``)."""

TRACE_SCORERS: dict[str, Mark] = {
    "overthink/contrast_benign": "benign",
    "overthink/contrast_harm": "harm",
    "overthink/dispositions": "choice",
    "overthink/secret": "secret",
}
"""Task → what the scorer of the thinking marks there (``thought.Mark``)."""

__all__ = [
    "POLARITY",
    "TRACE_SCORERS",
    "arithmetic",
    "contrast_benign",
    "contrast_harm",
    "dispositions",
    "letter_counting",
    "multiplication",
    "secret",
    "thought",
]
