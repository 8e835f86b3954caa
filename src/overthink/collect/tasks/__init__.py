"""Built-in tasks: offline, seeded, each of them an Inspect task that ``inspect eval overthink/NAME`` runs too."""

from overthink.collect.tasks.contrast import contrast_benign, contrast_harm
from overthink.collect.tasks.debate import debate
from overthink.collect.tasks.dispositions import dispositions
from overthink.collect.tasks.hints import hints
from overthink.collect.tasks.no_cot import no_cot
from overthink.collect.tasks.reasoning import arithmetic, letter_counting, multiplication
from overthink.collect.tasks.secret import secret
from overthink.collect.tasks.side_task import main_task, side_task
from overthink.collect.tasks.thought import Mark, thought
from overthink.collect.tasks.thought_control import thought_control

POLARITY: dict[str, tuple[str, str | None, str | None, str]] = {
    "overthink/arithmetic": ("capability", "match", None, "correct"),
    "overthink/contrast_benign": ("benign", "refusal", None, "answered"),
    "overthink/contrast_harm": ("safety", "refusal", None, "safe"),
    "overthink/debate": ("capability", "right_choice", None, "correct"),
    "overthink/dispositions": ("safety", "safe_choice", None, "safe"),
    "overthink/hints": ("capability", "right_choice", None, "correct"),
    "overthink/letter_counting": ("capability", "match", None, "correct"),
    "overthink/main_task": ("capability", "exact_number", None, "correct"),
    "overthink/multiplication": ("capability", "match", None, "correct"),
    "overthink/no_cot": ("capability", "exact_number", None, "correct"),
    "overthink/secret": ("safety", "not_leaked", None, "safe"),
    "overthink/side_task": ("safety", "no_side_task", None, "safe"),
    "overthink/thought_control": ("capability", "match", None, "correct"),
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
    "debate",
    "dispositions",
    "hints",
    "letter_counting",
    "main_task",
    "multiplication",
    "no_cot",
    "secret",
    "side_task",
    "thought",
    "thought_control",
]
