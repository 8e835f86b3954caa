"""The calculators as functions: `calc.overhang(k=100, …)` is `overthink calc overhang --k 100 …`."""

import inspect
from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

from overthink.data import parameters
from overthink.governance.calculators import CALCULATORS
from overthink.governance.calculators.base import Calculator
from overthink.governance.calculators.result import Calculation
from overthink.governance.inputs import Range
from overthink.governance.thresholds.registry import day_of

InputWord = str | float | Sequence[float] | Range | None
"""A number, a range as LOW..HIGH or (low, high), or a text; None leaves an input out."""


class Calculators:
    """The calculators as functions; each takes the inputs of its command, with underscores for hyphens.

    An input is a number, a range as ``"1e9..1e12"`` or ``(1e9, 1e12)``, or a text. Beside its inputs, a calculator
    takes `as_of`, the day for which thresholds are looked up (today), and `seed` of the draws over ranges (0). A
    function returns a calculation, which shows its text and has `as_dict()`, `json()` and `result(name)`. A calculator
    from outside is ``calc["FILE.py@NAME"]``.

    Example:
        >>> calc = Calculators()
        >>> calc.exfiltration(weights_bytes=1e12, upload_bytes_per_day=1e11).result("days_under_the_limit").estimate
        10.0
        >>> [name for name in dir(calc) if name.startswith("over")]
        ['overhang']
    """

    def __getattr__(self, name: str) -> Callable[..., Calculation]:
        if name not in dir(self):
            raise AttributeError(f"there is no calculator {name[:40]!r}; needed: one of {', '.join(dir(self))}")
        return self[name.replace("_", "-")]

    def __getitem__(self, name: str) -> Callable[..., Calculation]:
        return function_of(CALCULATORS.look_up(name))

    def __dir__(self) -> list[str]:
        return [part.key.replace("-", "_") for part in CALCULATORS.parts()]

    def __repr__(self) -> str:
        return f"calculators: {', '.join(dir(self))}"


calc = Calculators()
"""The calculators as functions."""


def function_of(calculator: type[Calculator]) -> Callable[..., Calculation]:
    """Return the function of a calculator, whose signature lists its inputs."""
    inputs = {each.name: each for each in calculator.inputs()}
    name = calculator.key.replace("-", "_")

    def calculate(*, as_of: str | date | None = None, seed: int = 0, **words: InputWord) -> Calculation:
        parameters.refuse_unknown(words, (*inputs, "as_of", "seed"), f"calc.{name}")
        with parameters.input_errors():
            values = {word: _value(value, word) for word, value in words.items()}
            rng = np.random.default_rng(parameters.whole(seed, "seed"))
        return calculator.calculate(day=date.today() if as_of is None else day_of(as_of), rng=rng, **values)

    own = inspect.signature(calculate).parameters
    words = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=InputWord)
        for each in inputs.values()
    ]
    calculate.__name__ = calculate.__qualname__ = name
    calculate.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*words, own["as_of"], own["seed"]], return_annotation=Calculation
    )
    calculate.__doc__ = _docstring(calculator)
    return calculate


def _docstring(calculator: type[Calculator]) -> str:
    lines = []
    for each in calculator.inputs():
        usual = "required" if each.required else f"default {each.default}" if each.default else ""
        lines.append(f"    {each.name}: {each.help}{f' ({usual})' if usual else ''}")
    return "\n".join([calculator.help(), "", "Args:", *lines])


def _value(value: InputWord, name: str) -> str | float | Range | None:
    """Return an input as calculators take it.

    Raises:
        TypeError: It is no number, range or text.
    """
    if isinstance(value, list | tuple) and len(value) == 2:
        low, high = (parameters.real(end, name) for end in value)
        return Range(low, high)
    if value is None or isinstance(value, str | Range):
        return value
    return parameters.real(value, name)
