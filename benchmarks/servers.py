"""Real servers: exactness, reuse of the cache, what was paid, speed beside plain Inspect, and messages. A table.

    export OVERTHINK_SERVERS=vllm=http://127.0.0.1:18100/v1#smollm2
    python benchmarks/servers.py [--what exact,paid,speed,wrong]
    python benchmarks/servers.py --servers llama=http://127.0.0.1:18200/v1#smollm2 --in-flight 1,8 --repeats 3

Every way of Overthink that a server offers runs in a process of its own. Nothing else may use the server meanwhile:
what was paid and what the cache held are read from its own metrics. `benchmarks/serve_vllm.sh` starts a real vLLM
without a GPU, `benchmarks/serve_llama.py` a llama.cpp server. Servers with a key: OVERTHINK_SERVERS_KEY.

exact   Greedy traces cut at rungs 0, 16, 32, 64, 128 (or --rungs), with a fork at each, against one uninterrupted
        generation; the server's own repeatability beside it (the same generation again, with as many in flight);
        prefixes of the forks that came from the cache.
paid    A small study: traces lost, and requests and tokens of its ledger against the server's metrics.
speed   Decoded tokens per second of a ladder, and of plain Inspect with the same calls, alternately in one process;
        the client's own CPU seconds beside them, which move less on a busy machine.
wrong   `overthink run` with a wrong port, name and key, https for http, a web page, and a ladder beyond the context.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from inspect_ai.model import get_model
from plain_inspect import rates
from real_servers import ADDRESSES, RUNGS, Server, balance, climbs, reachable, read_addresses, rereads, small_plan
from wrong_setups import endings

from overthink.errors import InputError

LEVELS = (1, 8)
"""Traces in flight where exactness is measured."""

SIZES = {1: (2, 1), 8: (4, 2), 64: (8, 8)}
"""Questions per task and draws of the studies whose speed is measured, by traces in flight."""

COUNTS = {
    "requests": "requests",
    "prompt": "prompt tokens",
    "cached": "prompt tokens from the cache",
    "decoded": "decoded tokens",
}

Row = tuple[str, str]


def exact(server: Server, way: str, options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    yield "tokens of one block of the prefix cache", str(server.block_tokens())
    yield (
        "equal to itself when it reads its own tokens again",
        f"{rereads(server, n=options.prompts)} of {options.prompts}",
    )
    for level in LEVELS:
        with reachable(server):
            climb = asyncio.run(climbs(server, get_model(way), n=options.prompts, in_flight=level, rungs=options.rungs))
        again = f"the server's own again: {climb.repeatable}; same up to {100 * climb.shared:.0f} %"
        yield f"equal to one generation, {level} in flight", f"{climb.equal} of {climb.n} ({again})"
        shares = (100 * climb.hits / whole if whole else 0.0 for whole in (climb.prefix, climb.storable))
        cell = "{:.1f} %, {:.1f} % of what it can hold".format(*shares)
        yield f"forks' prefixes from the cache, {level} in flight", cell


def paid(server: Server, way: str, options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    sums = balance(server, small_plan(way, questions=options.questions, draws=options.draws), folder)
    yield "traces lost", f"{sums.lost} of {sums.traces}"
    for name, label in COUNTS.items():
        own, other = getattr(sums.study, name), getattr(sums.server, name)
        sign = "?" if None in (own, other) else "=" if own == other else "≠"
        yield f"{label}, study and server", f" {sign} ".join("–" if n is None else f"{n:,}" for n in (own, other))
    check = sums.check
    yield "before the study, to check the server", f"{check.prompt} + {check.decoded} tokens"
    share = (sums.server.cached or 0) / (sums.server.prompt or 1)
    yield "share of prompt tokens from the cache", f"{100 * share:.1f} %"


def speed(server: Server, way: str, options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    for level in options.in_flight:
        questions, draws = SIZES.get(level, (max(level // 8, 2), 8))
        plan = small_plan(way, questions=questions, draws=draws, concurrency=level)
        pairs = rates(server, plan, folder / str(level), repeats=options.repeats)
        own, plain = (median(rate.per_second for rate in side) for side in zip(*pairs, strict=True))
        ratios = sorted(a.per_second / b.per_second for a, b in pairs)
        yield (
            f"tokens/s, ladder and plain Inspect, {level} in flight",
            f"{own:.1f} and {plain:.1f}: × {median(ratios):.2f} ({', '.join(f'{ratio:.2f}' for ratio in ratios)})",
        )
        own, plain = (median(rate.cpu for rate in side) for side in zip(*pairs, strict=True))
        yield f"CPU seconds of the client per 1,000 tokens, {level} in flight", f"{own:.2f} and {plain:.2f}"


def wrong(server: Server, way: str, options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    for name, ending in endings(server, way, folder).items():
        yield name, f"exit {ending.code}: {ending.message[:400]}"


PARTS: dict[str, Callable[[Server, str, argparse.Namespace, Path], Iterator[Row]]] = {
    function.__name__: function for function in (exact, paid, speed, wrong)
}


def measure(address: str, way: str, part: str, argv: Sequence[str]) -> list[Row]:
    """The rows of one part, from a process of its own: Inspect keeps what it learns of a server."""
    command = [sys.executable, __file__, *argv, "--child", json.dumps([address, way, part])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        return [(part, f"failed with exit code {done.returncode}: see above")]
    return [(name, value) for name, value in json.loads(done.stdout.splitlines()[-1])]


def table(address: str, argv: Sequence[str], options: argparse.Namespace) -> str:
    """The Markdown table of one server: a column per way."""
    (server,) = read_addresses(address)
    ways = [way for way in server.ways if not options.ways or way.partition("/")[0] in options.ways]
    columns: list[dict[str, str]] = []
    for way in ways:
        columns.append({})
        for part in options.what:
            print(f"{way}: {part} …", file=sys.stderr, flush=True)
            columns[-1] |= measure(address, way, part, argv)
    names = list(dict.fromkeys(name for column in columns for name in column))
    lines = [["", *ways], ["---"] * (1 + len(ways))]
    lines += [[name, *(_cell(column.get(name, "")) for column in columns)] for name in names]
    return f"{server.url}, {server.name}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def child(address: str, way: str, part: str, options: argparse.Namespace) -> None:
    (server,) = read_addresses(address)
    with tempfile.TemporaryDirectory() as folder:
        rows = list(PARTS[part](server, way, options, Path(folder)))
    print(json.dumps(rows))


def main(argv: Sequence[str]) -> None:
    def names(text: str) -> list[str]:
        return [name for name in text.split(",") if name]

    def numbers(text: str) -> list[int]:
        return [int(number) for number in names(text)]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", default=os.environ.get(ADDRESSES, ""), help=f"instead of {ADDRESSES}")
    parser.add_argument("--what", type=names, default=list(PARTS), help="parts, with commas")
    parser.add_argument("--ways", type=names, default=[], help="providers, with commas; all that the server offers")
    parser.add_argument("--prompts", type=int, default=16, help="of the exactness")
    parser.add_argument("--rungs", type=numbers, default=list(RUNGS), help="of the exactness, from 0")
    parser.add_argument("--questions", type=int, default=10, help="per task of the study that is paid")
    parser.add_argument("--draws", type=int, default=10, help="per question of the study that is paid")
    parser.add_argument("--in-flight", type=numbers, default=[1, 8, 64], help="traces at once, of the speed")
    parser.add_argument("--repeats", type=int, default=3, help="of the speed")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    options: Any = parser.parse_args(argv)
    if options.child:
        child(*options.child, options)
        return
    try:
        servers = read_addresses(options.servers)
        if not servers:
            raise InputError(f"no server is named; needed: --servers or {ADDRESSES}, KIND=ADDRESS#NAME")
        if unknown := set(options.what) - set(PARTS):
            raise InputError(f"--what {', '.join(sorted(unknown))}; needed: some of {', '.join(PARTS)}")
    except InputError as error:
        sys.exit(f"{error}")
    for address in options.servers.split(","):
        print(table(address, argv, options), end="\n\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
