"""Public functions answer odd arguments with a result or with one error that names the parameter."""

import os

import fuzz_functions


def test_odd_arguments_give_a_result_or_name_the_parameter() -> None:
    assert fuzz_functions.run(int(os.environ.get("OVERTHINK_FUZZ_SEED", "1")), 200) == []
