"""Models and tasks registered with Inspect under the name `overthink`.

Registration of the provider ``overthink/…`` with Inspect.
"""

from typing import Any, cast

from inspect_ai.model import ModelAPI, modelapi

from overthink.collect import tasks
from overthink.errors import InputError


@modelapi(name="overthink")
def overthink() -> type[ModelAPI]:
    """Return the provider of ``overthink/NAME`` (installed weights), ``overthink/gguf`` and ``overthink/simulated``."""
    return cast("type[ModelAPI]", _make)  # Inspect calls the returned object; the model's name decides on the class


def _make(model_name: str, **arguments: Any) -> ModelAPI:
    if model_name == "simulated":
        from overthink.collect.providers.simulated.provider import SimulatedProvider

        return SimulatedProvider(model_name, **arguments)
    from overthink.collect.providers.embedded.installed import known_names

    if model_name not in (names := ("gguf", "simulated", *known_names())):
        choices = ", ".join(f"overthink/{name}" for name in names)
        raise InputError(
            f"unknown model overthink/{model_name}; known: {choices}. 'overthink model install {model_name} --from …' "
            "adds weights under a name"
        )
    from overthink.collect.providers.embedded.provider import LocalModel

    return LocalModel(model_name, **arguments)


__all__ = ["overthink", "tasks"]
