"""The commands `model list`, `model install` and `model show`: call, print."""

from typing import Annotated

import typer

from overthink.cli import terminal
from overthink.errors import InputError

model_app = typer.Typer(help="Models that run in this process, and their weights.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]


@model_app.command("list")
def list_(
    measure: Annotated[
        list[str] | None,
        typer.Option(help="Measure the tokens per second of these weights first (some seconds each); repeatable."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Read and hash the bytes of all installed weights.")] = False,
    as_json: AsJson = False,
) -> None:
    """Weights of the registry and others that are installed: licence, size, source, path, speed as measured here."""
    from overthink.collect.providers.embedded.catalogue import catalogue

    models = catalogue(check=check, measure=tuple(measure or ()))
    terminal.show(models, as_json=as_json)
    if models.faults:
        raise InputError(*models.faults)


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
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    from overthink.collect.providers.embedded.install import install

    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn()
    is_terminal = terminal.messages.is_terminal
    with Progress(*columns, console=terminal.messages, transient=True, disable=not is_terminal) as bar:
        task = bar.add_task(name, total=None)

        def show_progress(done: int, size: int) -> None:
            bar.update(task, completed=done, total=size)

        path = install(name, source, sha256=sha256, license_id=license_id, progress=show_progress)
    terminal.output(f"installed: {path}")


@model_app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A name of `model list`, with or without overthink/ before it.")],
    as_json: AsJson = False,
) -> None:
    """What a model is: parameters, context and memory of installed weights, or the settings of the simulated model."""
    from overthink.collect.providers.embedded.description import describe_weights
    from overthink.collect.providers.embedded.installed import model_name
    from overthink.collect.providers.simulated.parameters import describe_simulated

    name = model_name(name)
    description = describe_simulated() if name == "simulated" else describe_weights(name)
    terminal.show(description, as_json=as_json)
