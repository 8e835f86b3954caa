"""The commands `model list` and `model install`: call, print."""

from typing import Annotated

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
def install(
    name: Annotated[str, typer.Argument(help="A name of the registry, or a new one; the model is overthink/NAME.")] = (
        "smollm2"
    ),
    source: Annotated[
        str | None,
        typer.Option("--from", help="hub:OWNER/REPO/FILE@REVISION or file:PATH.  [default: as the registry says]"),
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(help="The SHA-256 that the file must have; of a hub its own is the default.")
    ] = None,
    license_id: Annotated[
        str | None, typer.Option("--license", help="SPDX identifier, where the file's header states none.")
    ] = None,
) -> None:
    """Install weights after a check of their SHA-256; what broke off goes on where it was."""
    from overthink.collect.providers.embedded.install import install

    terminal.output(f"installed: {install(name, source, sha256=sha256, license_id=license_id)}")
