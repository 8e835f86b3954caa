"""Arithmetic by seed, without a package: Greenblatt's expressions, sums with their steps, and the number of an answer.

The expressions are those of the published generator: with its seed 42 the first problems are its own, character by
character. Source: `generate_arithmetic_problems.py` of rgreenblatt/no_cot_math_public (MIT, Ryan Greenblatt 2025).
"""

import operator
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from overthink.errors import InputError

_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}
_WEIGHTS = np.array([0.3, 0.3, 0.15, 0.1, 0.05])
_LABEL = re.compile(r"(?i)\banswer\s*:")
_MOST_REPEATS = 200
"""Problems in a row that came before, after which a family counts as used up."""


@dataclass(frozen=True, slots=True)
class Problem:
    """An arithmetic problem.

    Attributes:
        text: The expression.
        value: Its value, by the rules of Python's whole numbers.
        steps: Lines that lead to the value; empty where there are none.
    """

    text: str
    value: int
    steps: tuple[str, ...] = ()


def expressions(seed: int, *, least: int, most: int) -> Iterator[Problem]:
    """Yield expressions in brackets, without end.

    Args:
        seed: Seed of both random streams.
        least: Fewest operators of an expression; at least 1.
        most: Most operators of an expression.

    Example:
        >>> next(expressions(42, least=5, most=7)).text
        '-93 + (((-42 % (89 - -73)) + (52 - (-91 * -92))) + -76)'
    """
    numbers, operators = random.Random(seed), np.random.RandomState(seed)  # noqa: S311 (the published streams)
    weights = _WEIGHTS / _WEIGHTS.sum()

    def expression(size: int, *, is_outer: bool = False) -> tuple[str, int]:
        if size == 0:
            number = numbers.randint(-99, 99)
            return str(number), number
        on_left = numbers.randint(0, size - 1)
        first, second = expression(on_left), expression(size - 1 - on_left)
        sign = str(operators.choice(list(_OPERATIONS), p=weights))
        while sign in ("//", "%") and second[1] == 0:
            second = expression(size - 1 - on_left)
        text = f"{first[0]} {sign} {second[0]}"
        return text if is_outer else f"({text})", _OPERATIONS[sign](first[1], second[1])

    while True:
        yield Problem(*expression(numbers.randint(least, most), is_outer=True))


def chain_sums(seed: int, *, terms: int = 3) -> Iterator[Problem]:
    """Yield sums and differences of one-digit numbers with the steps to their values, without end.

    Args:
        seed: Seed of the numbers.
        terms: Numbers of a sum; at least 2.

    Example:
        >>> problem = next(chain_sums(1))
        >>> problem.text, problem.steps, problem.value
        ('5 - 7 - 1', ('5 - 7 = -2', '-2 - 1 = -3'), -3)
    """
    chance = np.random.default_rng(seed)
    while True:
        value = int(chance.integers(1, 10))
        text, steps = str(value), []
        for _ in range(terms - 1):
            sign, number = "+-"[chance.integers(2)], int(chance.integers(1, 10))
            after = _OPERATIONS[sign](value, number)
            steps.append(f"{value} {sign} {number} = {after}")
            text, value = f"{text} {sign} {number}", after
        yield Problem(text, value, tuple(steps))


def distinct(problems: Iterator[Problem], size: int, *, without: tuple[Problem, ...] = ()) -> list[Problem]:
    """Return the first different problems.

    Args:
        problems: Problems without end.
        size: Number of problems.
        without: Problems that are left out, because a prompt shows them.

    Raises:
        InputError: No problem is wanted, or the family has no more different ones.
    """
    if size < 1:
        raise InputError(f"size={size}; needed: at least one question")
    results: dict[str, Problem] = {}
    repeats, hidden = 0, {problem.text for problem in without}
    while len(results) < size and repeats < _MOST_REPEATS:
        problem = next(problems)
        is_new = problem.text not in results and problem.text not in hidden
        repeats = 0 if is_new else repeats + 1
        if is_new:
            results[problem.text] = problem
    if len(results) < size:
        raise InputError(f"size={size}; needed: at most about {len(results)}, for there are no more different problems")
    return list(results.values())


def stated_number(answer: str) -> int | None:
    """Return the first whole number behind the last ``ANSWER:`` of an answer, or in all of it; None without one.

    Every digit counts: Inspect's `match(numeric=True)` compares five of them, and -162464 would match -162463.

    Example:
        >>> stated_number("3 steps. ANSWER: it is -1,024."), stated_number("ANSWER: none")
        (-1024, None)
    """
    number = re.search(r"-?\d+", re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", _LABEL.split(answer)[-1]))
    return None if number is None else int(number.group())
