"""Parameters of the simulated model, as ``overthink model show simulated`` prints them, and its planted truth.

Names, defaults, units and examples are those of the fields of
:class:`~overthink.collect.providers.simulated.model.SimulatedModel`; the meaning is the text of its docstring.

A forced answer at a budget b is that of min(N, b) thinking tokens, where the trace ends by itself after N, a geometric
number; it is carried up the ladder from there. So the value of a rung is the mean over questions q and over N of p(q,
min(N, b)), a finite sum.
"""

import dataclasses
import difflib
import inspect
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from overthink.collect.providers.simulated.model import CURVE_OPTIONS, CURVE_SHAPES, SimulatedModel
from overthink.errors import InputError

CURVES = (
    "A curve is a table of thinking tokens and probabilities, 0:0.2,64:0.6,256:0.4 (linear in log2(1 + tokens) between "
    f"them), or the name of a shape: {', '.join(CURVE_SHAPES)}; with any of "
    f"{', '.join(f'{name}={value:g}' for name, value in CURVE_OPTIONS.items())}: hump(low=0.2,peak=128)."
)
"""How a curve is written."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the simulated model.

    Attributes:
        name: Its name, as after ``-M``.
        meaning: What it sets.
        unit: Unit of its value.
        default: Its default; None where nothing is the default.
        example: A value, as after ``-M name=``.
    """

    name: str
    meaning: str
    unit: str
    default: str | int | float | None
    example: str


@dataclass(frozen=True, slots=True)
class SimulatedDescription:
    """What the simulated model is.

    Attributes:
        parameters: All its parameters.
    """

    parameters: tuple[Parameter, ...]

    def text(self) -> str:
        """Return the parameters as text, a paragraph each."""
        lines = ["overthink/simulated: a model with a known truth. Its parameters, each as -M NAME=VALUE:\n"]
        for parameter in self.parameters:
            default = "nothing" if parameter.default is None else parameter.default
            example = f"-M {parameter.name}={parameter.example}"
            lines += [f"{parameter.name}\n    {parameter.meaning}"]
            lines += [f"    {parameter.unit}; default: {default}; example: {example}"]
        return "\n".join((*lines, f"\n{CURVES}"))

    def json(self) -> str:
        """Return the parameters as JSON."""
        return json.dumps([dataclasses.asdict(parameter) for parameter in self.parameters], indent=2)


def describe_simulated() -> SimulatedDescription:
    """Return what the simulated model is.

    Example:
        >>> [parameter.name for parameter in describe_simulated().parameters][:4]
        ['capability', 'safety', 'benign', 'question_sd']
        >>> describe_simulated().parameters[3].default, describe_simulated().parameters[3].unit
        (1.0, 'logits')
    """
    meanings = _meanings()
    parameters = (
        Parameter(
            field.name,
            meanings[field.name],
            field.metadata["unit"],
            cast("str | float | None", field.default),
            field.metadata["example"],
        )
        for field in dataclasses.fields(SimulatedModel)
        if field.init
    )
    return SimulatedDescription(tuple(parameters))


def check_parameters(parameters: Mapping[str, Any]) -> None:
    """Check names and types of the parameters of a simulated model.

    Raises:
        InputError: A name is unknown, or a value has another type than the parameter; the message names the nearest
            names, or what is needed.
    """
    fields = {field.name: field for field in dataclasses.fields(SimulatedModel) if field.init}
    for name, value in parameters.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(fields)}"
            raise InputError(
                f"overthink/simulated has no parameter {name!r}; {hint} All of them: overthink model show simulated"
            )
        unit, example = fields[name].metadata["unit"], fields[name].metadata["example"]
        kind = inspect.formatannotation(fields[name].type)
        if not _fits(value, kind):
            raise InputError(
                f"overthink/simulated: {name}={value!r} is not possible; needed: {_KINDS[kind]} ({unit}), for "
                f"instance -M {name}={example}"
            )


_KINDS = {
    "str": "a curve",
    "int": "a whole number",
    "float": "a number",
    "int | None": "a whole number",
    "float | None": "a number",
}
"""What a value is called, by the type of its parameter."""


def _fits(value: object, kind: str) -> bool:
    """Return whether a value has a type, written as an annotation; a whole number is a number, and none is finite."""
    if value is None:
        return "None" in kind
    if isinstance(value, bool):
        return False
    if kind.startswith("str"):
        return isinstance(value, str)
    number = isinstance(value, int | float) and math.isfinite(value)
    return number and (kind.startswith("float") or isinstance(value, int))


def _meanings() -> dict[str, str]:
    """Return the text of every attribute in the docstring."""
    listed = inspect.cleandoc(SimulatedModel.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", listed, re.MULTILINE)
    return {name: re.sub(r":\w+:`~?[\w.]*?(\w+)`", r"\1", " ".join(text.split())) for name, text in entries}


_BLOCK = 1 << 20
"""Probabilities that are computed at once, at most."""


def planted_obstacle(model: SimulatedModel) -> str:
    """Return why the value of a forced rung on the plain ladder is not a function of its budget; empty where it is."""
    if model.step_gain:
        return "with step_gain, the steps of a trace move its answers"
    if model.commit_step is not None:
        return "with commit_step, the steps of a trace settle its answers"
    if model.unparsed or model.truncated:
        return "with unparsed or truncated answers, the task's scorer decides what an answer without content is worth"
    return ""


def planted_values(
    model: SimulatedModel, axis: str, questions: Sequence[str], budgets: Sequence[int]
) -> NDArray[np.float64]:
    """Return the expected value of a forced answer at each budget, shape (budget,); exact for these questions.

    Args:
        model: A model without :func:`planted_obstacle`.
        axis: Name of the axis.
        questions: Ids of the questions, at least one.
        budgets: Thinking tokens, ascending.

    Example:
        >>> model = SimulatedModel(capability="0:0.2,64:0.6", question_sd=0.0)
        >>> planted_values(model, "capability", ["q1", "q2"], [0, 64]).round(6).tolist()
        [0.2, 0.6]
    """
    difficulties = np.array([model.difficulty(axis, question) for question in questions])

    def mean(tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        centre = logit(model.curve(axis)(tokens))
        return np.asarray(expit(centre[:, None] + model.question_sd * difficulties).mean(axis=1))

    at_budget = mean(np.array(budgets, dtype=np.int64))
    if not model.hazard:
        return at_budget
    every, size = np.arange(max(budgets)), max(1, _BLOCK // len(questions))
    ended = [mean(every[start : start + size]) for start in range(0, len(every), size)]
    weights = model.hazard * (1.0 - model.hazard) ** every
    before = np.concatenate([[0.0], np.cumsum(weights * np.concatenate([[], *ended]))])
    return np.asarray(before[list(budgets)] + (1.0 - model.hazard) ** np.array(budgets) * at_budget)
