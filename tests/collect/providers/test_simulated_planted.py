"""The planted truth of a simulated model is what its traces answer on average; its parameters are documented."""

from typing import Any

import numpy as np
import pytest

from overthink.collect.providers.simulated.model import SimulatedModel
from overthink.collect.providers.simulated.parameters import (
    check_parameters,
    describe_simulated,
    planted_obstacle,
    planted_values,
)
from overthink.errors import InputError

BUDGETS = (0, 16, 64, 256)


@pytest.mark.parametrize("natural_length", [None, 40.0])
def test_planted_values_are_the_means_of_many_traces(natural_length: float | None) -> None:
    model = SimulatedModel(capability="hump", natural_length=natural_length, question_sd=1.5)
    questions = [f"q{number}" for number in range(5)]
    planted = planted_values(model, "capability", questions, BUDGETS)
    ends = np.random.default_rng(1).geometric(max(model.hazard, 1e-12), size=(5, 400)) - 1
    for rung, budget in enumerate(BUDGETS):
        answers = [
            model.outcome("capability", question, draw, 9, int(min(ends[number, draw], budget)))
            for number, question in enumerate(questions)
            for draw in range(400)
        ]
        assert abs(np.mean(answers) - planted[rung]) < 4 * 0.5 / np.sqrt(2000)
    if natural_length is not None:  # the control: the curve at the budget alone, without natural ends, is another
        without = planted_values(SimulatedModel(capability="hump", question_sd=1.5), "capability", questions, BUDGETS)
        assert abs(without - planted).max() > 4 * 0.5 / np.sqrt(2000)


@pytest.mark.parametrize("parameters", [{"step_gain": 1.0}, {"commit_step": 2}, {"unparsed": 0.1}, {"truncated": 0.1}])
def test_a_truth_that_is_no_function_of_the_budget_is_not_stated(parameters: dict[str, Any]) -> None:
    assert planted_obstacle(SimulatedModel(**parameters))
    assert not planted_obstacle(SimulatedModel())


def test_every_parameter_has_a_meaning_and_an_example_that_is_accepted() -> None:
    for parameter in describe_simulated().parameters:
        assert parameter.meaning.endswith(".")
        value: Any = parameter.example
        if parameter.name not in ("capability", "safety", "benign"):
            value = float(value) if "." in value else int(value)
        check_parameters({parameter.name: value})
        assert getattr(SimulatedModel(**{parameter.name: value}), parameter.name) == value
        assert getattr(SimulatedModel(), parameter.name) == parameter.default


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"question_sdd": 1.0}, "no parameter 'question_sdd'; did you mean question_sd?"),
        ({"xyz": 1}, "no parameter 'xyz'; known: capability, safety"),
        ({"seed": 1.5}, r"seed=1.5 is not possible; needed: a whole number"),
        ({"step_tokens": "many"}, "needed: a whole number"),
        ({"capability": 0.5}, "needed: a curve"),
        ({"question_sd": float("nan")}, "needed: a number"),
        ({"unparsed": True}, "needed: a number"),
    ],
)
def test_wrong_parameters_are_refused_in_one_sentence(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_parameters(parameters)
