"""The embedded model, small: one server in each process for all tests, 0.3 GB where a server for each took 1.8 GB."""

import importlib.util

import pytest
from inspect_ai.model import Model, get_model

import overthink.collect.registered  # noqa: F401 (registers the provider)
from overthink.collect.providers.embedded import weights

NAME = "overthink/smollm2"
SERVER = {"slots": 4, "context": 512, "engines": 2}
"""Arguments of the model; tests with other ones start a server of their own, which stays until the process ends."""


def require_embedded() -> None:
    """Skip a test where the weights or llama.cpp are missing."""
    if weights.find_weights() is None or importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("the embedded model is not installed; run: overthink model install")


def embedded_model() -> Model:
    """The model, on the server that all tests share."""
    require_embedded()
    return get_model(NAME, memoize=False, **SERVER)
