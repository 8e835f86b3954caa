"""The examples in the docstrings are run."""

import doctest
import importlib
import pkgutil

import pytest

from overthink import governance

MODULES = [found.name for found in pkgutil.walk_packages(governance.__path__, "overthink.governance.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples_and_a_wrong_one_is_noticed() -> None:
    ran = sum(doctest.testmod(importlib.import_module(name)).attempted for name in MODULES)
    assert ran > 30
    wrong = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None)
    assert doctest.DocTestRunner(verbose=False).run(wrong, out=lambda text: None).failed == 1
