"""The command `gateway` and its commands `serve`, `policy` and `usage`: parse, call, print.

`overthink gateway STATEMENT` is `overthink gateway serve STATEMENT`.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from overthink.cli import terminal
from overthink.cli.options import PANEL_BUDGETS, PANEL_OUTPUT, PANEL_READ, PANEL_RUN, PrintJson
from overthink.errors import InputError

StatementPath = Annotated[Path, typer.Argument(help="A statement.json that passes `check`.", metavar="STATEMENT")]
Models = Annotated[
    list[str] | None,
    typer.Option(
        help="A name by which callers name the model; the statement's own, with and without its provider, if left out.",
        metavar="NAME",
        rich_help_panel=PANEL_READ,
    ),
]
Budgets = Annotated[
    list[str] | None,
    typer.Option(
        help="An amount per window or for life, which no statement has: 100000/1d, 1e18flop/7d, 2000000/life, and "
        "@organisation or @everybody after it; may be repeated.",
        metavar="AMOUNT/WINDOW",
        rich_help_panel=PANEL_BUDGETS,
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        help="A policy that was written by hand, checked against the statement; compiled from it if left out.",
        rich_help_panel=PANEL_READ,
    ),
]

StatementStudy = Annotated[
    Path | None,
    typer.Option(
        "--study",
        help="The study of the statement: forecast the risk at so many tries, with its band.",
        rich_help_panel=PANEL_READ,
    ),
]

UpstreamUrl = Annotated[
    str,
    typer.Option(help="Address of the model's server, with or without /v1.", metavar="URL", rich_help_panel=PANEL_RUN),
]
Store = Annotated[
    str,
    typer.Option(
        help="Where budgets are counted: sqlite:PATH for the replicas of one host, redis://HOST:PORT/N for several.",
        metavar="STORE",
        rich_help_panel=PANEL_RUN,
    ),
]
UsageLedger = Annotated[
    Path,
    typer.Option(
        "--usage",
        help="Usage ledger of this replica, hash-chained; each replica has its own.",
        rich_help_panel=PANEL_OUTPUT,
    ),
]
Keys = Annotated[
    Path | None,
    typer.Option(
        help="Keys file (JSON): SHA-256 of each key, its principal and organisation; others may not read it. All "
        "callers are one if left out.",
        rich_help_panel=PANEL_READ,
    ),
]
UpstreamKey = Annotated[
    str | None,
    typer.Option(
        "--upstream-key-env",
        help="Variable of the environment that holds the key of the model's server.",
        metavar="NAME",
        rich_help_panel=PANEL_RUN,
    ),
]
Host = Annotated[str, typer.Option(help="Address to listen at.", rich_help_panel=PANEL_RUN)]
Port = Annotated[int, typer.Option(help="Port; 0 for any.", min=0, max=65535, rich_help_panel=PANEL_RUN)]
LogOnly = Annotated[
    bool,
    typer.Option("--log-only", help="Refuse, lower and cut nothing; write what would be.", rich_help_panel=PANEL_RUN),
]
Continuous = Annotated[
    bool,
    typer.Option(
        "--continuous-usage",
        help="Ask the model's server to count in every chunk of a stream (vLLM, SGLang); else tokens are estimated "
        "until its end.",
        rich_help_panel=PANEL_RUN,
    ),
]
ReserveWhole = Annotated[
    bool,
    typer.Option(
        "--reserve-whole",
        help="Reserve all that a stream may generate before it begins, so that the model's server generates nothing "
        "beyond a budget; fewer streams run at once near one.",
        rich_help_panel=PANEL_RUN,
    ),
]
OpenStore = Annotated[
    bool,
    typer.Option(
        "--open-when-store-down",
        help="Let through what cannot be counted; else a store that is down lets nothing through.",
        rich_help_panel=PANEL_RUN,
    ),
]
Seconds = Annotated[
    float,
    typer.Option(
        "--reservation-seconds",
        help="Time after which the reservations of a replica that died come back.",
        min=3,
        max=3600,
        rich_help_panel=PANEL_RUN,
    ),
]
MetricsAddress = Annotated[
    str | None,
    typer.Option(help="Serve metrics for Prometheus there.", metavar="HOST:PORT", rich_help_panel=PANEL_OUTPUT),
]


class GatewayGroup(TyperGroup):
    """A group whose first argument may be a statement: it is then served."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Return the arguments that are left, after the name of a command was put before a statement."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["serve", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Register the group of commands."""
    group = typer.Typer(
        cls=GatewayGroup,
        help="Hold a deployment to the budget that a statement evaluated.\n\n"
        "`overthink gateway STATEMENT --upstream URL` is the proxy: `overthink gateway serve --help` has its options.",
        no_args_is_help=True,
    )
    group.command("serve")(serve)
    group.command("policy")(policy)
    group.command("usage")(usage)
    app.add_typer(group, name="gateway")


def serve(
    path: StatementPath,
    upstream: UpstreamUrl,
    model: Models = None,
    budget: Budgets = None,
    file: PolicyFile = None,
    store: Store = "sqlite:gateway.db",
    usage: UsageLedger = Path("gateway-usage.jsonl"),
    keys: Keys = None,
    upstream_key_env: UpstreamKey = None,
    host: Host = "127.0.0.1",
    port: Port = 8088,
    log_only: LogOnly = False,
    continuous: Continuous = False,
    reserve_whole: ReserveWhole = False,
    open_store: OpenStore = False,
    seconds: Seconds = 60.0,
    metrics: MetricsAddress = None,
) -> None:
    """A proxy before a model's server that holds every caller to the policy.

    It serves chat completions of OpenAI and messages of Anthropic, streams too, and refuses every other endpoint.
    """
    from overthink.workflows import policy as policies

    try:
        from overthink.gateway.server import ServeOptions
        from overthink.gateway.server import serve as run
    except ModuleNotFoundError as failure:
        raise InputError(f"the gateway needs {failure.name}; install overthink[gateway]") from failure
    rules = policies.policy(path, model=model, budget=budget, file=file)
    options = ServeOptions(
        upstream=upstream,
        store=store,
        usage=usage,
        keys=keys,
        upstream_key_env=upstream_key_env,
        host=host,
        port=port,
        log_only=log_only,
        continuous=continuous,
        reserve_whole=reserve_whole,
        open_store=open_store,
        seconds=seconds,
        metrics=metrics,
    )
    terminal.note(*rules.text().splitlines())
    run(rules, options, on_ready=lambda url: terminal.ending(f"gateway: {url}/v1"))


def policy(
    path: StatementPath,
    model: Models = None,
    budget: Budgets = None,
    file: PolicyFile = None,
    as_json: PrintJson = False,
) -> None:
    """The policy that a statement gives: budgets, efforts and tries.

    With --file the policy in it, which is refused where it is looser than the statement without a deviation.
    """
    from overthink.workflows import policy as policies

    terminal.show(policies.policy(path, model=model, budget=budget, file=file), as_json=as_json)


def usage(
    path: StatementPath,
    model: Models = None,
    budget: Budgets = None,
    file: PolicyFile = None,
    store: Store = "sqlite:gateway.db",
    keys: Keys = None,
    study: StatementStudy = None,
    as_json: PrintJson = False,
) -> None:
    """What every caller used: tokens, tries, K, and the risk at so many tries by the statement.

    Options are those that the gateway was started with, and --study for a forecast of the risk at so many tries.
    """
    from overthink.workflows import policy as policies

    try:
        from overthink.gateway.identity import read_keys
        from overthink.gateway.stores import existing_ledger
        from overthink.gateway.usage import usage_report
    except ModuleNotFoundError as failure:
        raise InputError(f"the gateway needs {failure.name}; install overthink[gateway]") from failure
    rules = policies.policy(path, model=model, budget=budget, file=file)
    statement = policies.checked_statement(path)
    forecasts = None if study is None else policies.forecasts_at(study, statement)
    callers = () if keys is None else read_keys(keys).values()
    ledger = existing_ledger(store)
    try:
        terminal.show(usage_report(ledger, rules, statement, callers, forecasts), as_json=as_json)
    finally:
        ledger.close()
