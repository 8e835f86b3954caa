"""Appendix of a report: results of calculators with their inputs, as text rows. Nothing is computed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AppendixInput:
    """An input of a calculator with its origin: stated, measured by the study, or a default."""

    name: str
    value: str
    origin: str
    meaning: str


@dataclass(frozen=True, slots=True)
class AppendixTable:
    """A table beside the results."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class CalculatorAnswer:
    """A result of a calculator.

    Attributes:
        name: Name of the calculator.
        about: Question that it answers.
        label: Meaning of the result, and its restrictions.
        warnings: Warnings before the result.
        inputs: All inputs used.
        results: Name and value with its interval.
        tables: Tables beside the results.
        formula: Formula in words and symbols.
        source: Source of formula and defaults.
        interval_meaning: What the intervals span.
        leaves_out: Aspects not considered.
    """

    name: str
    about: str
    label: str
    warnings: tuple[str, ...]
    inputs: tuple[AppendixInput, ...]
    results: tuple[tuple[str, str], ...]
    tables: tuple[AppendixTable, ...]
    formula: str
    source: str
    interval_meaning: str
    leaves_out: str


@dataclass(frozen=True, slots=True)
class Appendix:
    """The calculators of a report.

    Attributes:
        answers: Results of calculators with sufficient inputs.
        open: Missing inputs of the other calculators, one sentence each.
    """

    answers: tuple[CalculatorAnswer, ...]
    open: tuple[str, ...]
