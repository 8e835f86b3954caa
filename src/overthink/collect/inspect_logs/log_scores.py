"""Values in [0, 1] from the scores of a log, by scorer. Nothing is clipped; unknown is not 0."""

import math
from collections.abc import Sequence
from typing import Any

from inspect_ai.scorer import Score

from overthink.collect.scoring.score_values import DERIVED, UnreadableValueError, grader_failed, stated_answer, to_value


def flat_scores(scores: dict[str, Score] | None, derived_key: str | None = None) -> dict[str, Any]:
    """Return the values of one sample by `scorer`, or by `scorer.key` for a scorer with several.

    A score whose grader gave no grade is NaN: the scorer ran, and the value of the answer is unknown.

    Args:
        scores: Scores in the log.
        derived_key: Name of a derived value to add for every scorer, as `scorer.name`.
    """
    flat: dict[str, Any] = {}
    for name, score in (scores or {}).items():
        has_no_grade = grader_failed(score)
        if isinstance(score.value, dict):
            flat |= {f"{name}.{key}": math.nan if has_no_grade else value for key, value in score.value.items()}
        else:
            flat[name] = math.nan if has_no_grade else score.value
        if derived_key in DERIVED:
            value = None if has_no_grade else DERIVED[derived_key](score)
            flat.setdefault(f"{name}.{derived_key}", math.nan if value is None else value)
    return flat


def usable_scorers(samples: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the scorers whose values are all in [0, 1], and one sentence for each other scorer.

    Args:
        samples: Values of every sample, from :func:`flat_scores`.
    """
    usable, notes = [], []
    for name in sorted({name for sample in samples for name in sample}):
        try:
            values = [to_value(sample[name]) for sample in samples if name in sample]
        except UnreadableValueError as failure:
            notes.append(f"Scorer {name} was left out: it holds {failure}, which is no number.")
            continue
        outside = [value for value in values if value is not None and not 0 <= value <= 1]
        if outside:
            notes.append(
                f"Scorer {name} was left out: {len(outside)} of its {len(values)} values are outside [0, 1], "
                f"such as {outside[0]:g}."
            )
        elif all(value is None for value in values):
            notes.append(f"Scorer {name} was left out: it holds no value.")
        else:
            usable.append(name)
    return usable, notes


def answer_of(scores: dict[str, Score] | None, name: str) -> str | None:
    """Return the answer read by a scorer, or by the scorer of `scorer.key`."""
    score = score_of(scores, name)
    return None if score is None else stated_answer(score)


def score_of(scores: dict[str, Score] | None, name: str) -> Score | None:
    """Return the score of a scorer, or of the scorer of `scorer.key`."""
    for scorer, score in (scores or {}).items():
        if name == scorer or name.startswith(f"{scorer}."):
            return score
    return None
