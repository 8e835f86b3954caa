"""The commands `model list`, `model install` and `model show`: call, print."""

from typing import Annotated

import typer

from overthink.cli import terminal, values
from overthink.cli.options import PANEL_READ, PrintJson
from overthink.errors import InputError


def register(app: typer.Typer) -> None:
    """Register the group of commands."""
    group = typer.Typer(
        help="Models that run in this process, and their weights.\n\n"
        "overthink/simulated is among them and needs no weights; `overthink model show simulated` lists its settings.",
        no_args_is_help=True,
    )
    group.command("list")(list_)
    group.command("install")(install)
    group.command("show")(show)
    app.add_typer(group, name="model")


def list_(
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="Measure the tokens per second of these weights first, some seconds each; may be repeated.",
            metavar="NAME",
            autocompletion=values.weights,
            rich_help_panel=PANEL_READ,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Read the bytes of all installed weights and compare their SHA-256.",
            rich_help_panel=PANEL_READ,
        ),
    ] = False,
    as_json: PrintJson = False,
) -> None:
    """Weights of the registry and others that are installed.

    With licence, size, source, path, and the speed as measured on this machine. overthink/simulated needs no weights.
    """
    from overthink.collect.providers.embedded.catalogue import catalogue

    models = catalogue(check=check, measure=tuple(measure or ()))
    terminal.show(models, as_json=as_json)
    if models.faults:
        raise InputError(*models.faults)


def install(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of the registry, or a new one with --from; the model is then overthink/NAME.",
            autocompletion=values.weights,
        ),
    ] = "smollm2",
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="hub:OWNER/REPO/FILE@REVISION or file:PATH; as the registry says if left out.",
            metavar="SOURCE",
            rich_help_panel=PANEL_READ,
        ),
    ] = None,
    sha256: Annotated[
        str | None,
        typer.Option(
            help="The SHA-256 that the file must have; the hub's own if left out.", rich_help_panel=PANEL_READ
        ),
    ] = None,
    license_id: Annotated[
        str | None,
        typer.Option(
            "--license",
            help="SPDX identifier of the licence, where the file's header states none.",
            rich_help_panel=PANEL_READ,
        ),
    ] = None,
) -> None:
    """Install weights after a check of their SHA-256; a download that broke off goes on."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    from overthink.collect.providers.embedded.install import install

    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn()
    is_shown = terminal.is_live() and not terminal.is_quiet()
    with Progress(*columns, console=terminal.messages, transient=True, disable=not is_shown) as bar:
        task = bar.add_task(name, total=None)

        def show_progress(done: int, size: int) -> None:
            bar.update(task, completed=done, total=size)

        path = install(name, source, sha256=sha256, license_id=license_id, progress=show_progress)
    terminal.output(f"installed: {path}")


def show(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of `model list`, or simulated, with or without overthink/ before it.",
            autocompletion=values.weights,
        ),
    ],
    as_json: PrintJson = False,
) -> None:
    """What a model is: parameters, context and memory, or the settings of the simulated model."""
    from overthink.collect.providers.embedded.catalogue import describe_weights
    from overthink.collect.providers.embedded.installed import model_name
    from overthink.collect.providers.simulated.parameters import describe_simulated

    name = model_name(name)
    description = describe_simulated() if name == "simulated" else describe_weights(name)
    terminal.show(description, as_json=as_json)
