"""The appendix: answers of calculators with their inputs, as text in rows. Nothing here calculates."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a calculator, with where it came from: stated, measured by the study, or a default."""

    name: str
    value: str
    origin: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A table beside the results."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Calculated:
    """An answer of a calculator.

    Attributes:
        name: Of the calculator.
        about: What it answers.
        label: What the answer is, and is not.
        warnings: What a reader has to know first.
        inputs: Every input that was used.
        results: Name and value with its interval.
        tables: Rows beside the results.
        formula: In words and symbols.
        source: Where formula and defaults are from.
        spread: What the intervals span.
        leaves_out: What is not considered.
    """

    name: str
    about: str
    label: str
    warnings: tuple[str, ...]
    inputs: tuple[Input, ...]
    results: tuple[tuple[str, str], ...]
    tables: tuple[Rows, ...]
    formula: str
    source: str
    spread: str
    leaves_out: str


@dataclass(frozen=True, slots=True)
class Appendix:
    """The calculators of a report.

    Attributes:
        answers: Those that could be filled.
        open: Sentences on those that could not: what has to be given.
    """

    answers: tuple[Calculated, ...]
    open: tuple[str, ...]
