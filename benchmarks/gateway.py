"""The gateway under load: budgets of many streams over several replicas, kills, the time that it adds, its memory.

    python benchmarks/gateway.py [--parts streams,kills,overhead,memory] [--streams 512] [--replicas 3] [--budget 20000]
        [--store sqlite|redis://127.0.0.1:6379/0] [--requests 1000] [--kills 50]
        [--hardcap VENV/bin/hardcap --redis redis://127.0.0.1:6379/0]

`streams` compares reserving in chunks, reserving whole (--reserve-whole), and counting afterwards, which is the same
gateway whose ledger reserves nothing.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from overthink.gateway.ledger import Counter, Demand, Grant, Ledger, Reservation
from overthink.gateway.replica import UsageLog
from overthink.gateway.server import server_of
from overthink.gateway.session import Settings
from overthink.gateway.sqlite_ledger import SqliteLedger
from overthink.gateway.stores import open_ledger
from overthink.governance.deployment.policy import Budget, Policy, Rule, Tries

SECONDS = float(os.environ.get("SECONDS", "60"))
"""Time of a reservation; shorter in the trials of kills."""


def policy(budget: int) -> Policy:
    rule = Rule(
        models=("m",), thinking_tokens=100_000, output_tokens=100_000, efforts=None, tries=Tries(per_key=None),
        budgets=(Budget(amount=budget, window_seconds=None, scope="everybody"),),
    )  # fmt: skip
    return Policy(statement="benchmark", rules=(rule,))


class CountedAfterwards(SqliteLedger):
    """The control: a request passes while the budget is not used up, and is counted at its end."""

    def reserve(self, demand: Demand, *, wait: bool = True) -> Grant:
        """Reserve nothing; refuse where the budget is used up."""
        return super().reserve(replace(demand, tokens=0, least=0 if self.usage(demand.counters[:1])[0] <
                                       demand.counters[0].cap else 1), wait=wait)  # fmt: skip

    def extend(self, reservation: Reservation, *, use: int, tokens: int, wait: bool = True) -> int:
        """Return what is wanted."""
        return tokens


def ledger_of(store: str, kind: str) -> Ledger:
    if kind == "afterwards":
        return CountedAfterwards(Path(store.removeprefix("sqlite:")), seconds=SECONDS)
    return open_ledger(store, seconds=SECONDS)


def serve_gateway(arguments: argparse.Namespace) -> None:
    settings = Settings(
        policy(arguments.budget), ledger_of(arguments.store, arguments.kind), arguments.upstream,
        log=UsageLog(Path(arguments.usage)), seconds=SECONDS, reserve_whole=arguments.kind == "whole",
    )  # fmt: skip
    listener = socket.socket(fileno=arguments.descriptor)
    gc.freeze()  # as serve does
    server_of(settings).run(sockets=[listener])


def serve_upstream(arguments: argparse.Namespace) -> None:
    """A model's server of one token per event; it counts what it handed to its socket."""
    produced = 0
    pause, length = arguments.pause, arguments.length

    async def chat(request: Request) -> Response:
        body = await request.json()
        own = random.Random(json.dumps(body["messages"])).randint(length // 2, length * 3 // 2)
        n = min(own, body.get("max_tokens", own))
        if body.get("stream"):
            return StreamingResponse(chunks(n), media_type="text/event-stream")
        choice = {"index": 0, "message": {"role": "assistant", "content": "ja"}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
        return JSONResponse({"id": "c", "choices": [choice], "usage": usage})

    async def chunks(n: int) -> Any:
        nonlocal produced
        for _ in range(n):
            produced += 1
            yield 'data: {"choices": [{"index": 0, "delta": {"content": "ja "}, "finish_reason": null}]}\n\n'
            await asyncio.sleep(pause)
        yield 'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
        yield f'data: {{"choices": [], "usage": {{"prompt_tokens": 5, "completion_tokens": {n}}}}}\n\n'
        yield "data: [DONE]\n\n"

    async def count(_: Request) -> Response:
        return JSONResponse({"produced": produced})

    routes = [Route("/v1/chat/completions", chat, methods=["POST"]), Route("/count", count)]
    config = uvicorn.Config(Starlette(routes=routes), log_level="error", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=arguments.descriptor)])


def start(stack: ExitStack, role: str, **fields: Any) -> tuple[str, subprocess.Popen[bytes]]:
    """Start a process of this file, and return its address once it answers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listener.set_inheritable(True)
    options = [f"--{name}={value}" for name, value in fields.items()]
    command = [sys.executable, __file__, "--role", role, f"--descriptor={listener.fileno()}", *options]
    process = subprocess.Popen(command, pass_fds=[listener.fileno()])
    stack.callback(process.kill)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    httpx.get(f"{url}/count", timeout=300)
    listener.close()
    return url, process


def start_hardcap(stack: ExitStack, arguments: argparse.Namespace, upstream: str, scratch: str) -> str:
    """Start a replica of hardcap with its defaults and one budget of output tokens, and return its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = Path(scratch) / f"hardcap-{port}.yaml"
    config = {
        "redis_url": arguments.redis, "key_prefix": Path(scratch).name,
        "upstreams": {"own": {"base_url": upstream, "read_timeout_s": 300}},
        "routes": {"m": {"targets": [{"upstream": "own", "model": "m"}]}},
        "tenants": {"t": {"api_keys": ["any"], "budget": {"window_s": 10**9, "output": arguments.budget}}},
    }  # fmt: skip
    path.write_text(json.dumps(config))  # which is YAML
    command = [arguments.hardcap, "serve", "-c", str(path), "--host", "127.0.0.1", "--port", str(port)]
    stack.callback(subprocess.Popen(command, stderr=subprocess.DEVNULL).kill)
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        with contextlib.suppress(httpx.HTTPError):
            httpx.get(f"{url}/healthz").raise_for_status()
            return url
        time.sleep(0.1)
    raise SystemExit("hardcap does not answer")


async def stream(client: httpx.AsyncClient, url: str, number: int) -> int:
    """Tokens that one caller got."""
    words = "".join(random.Random(number).choices("abcdefghijklmnopqrstuvwxyz ", k=60))
    body = {"model": "m", "stream": True, "max_tokens": 200, "messages": [{"role": "user", "content": words}]}
    tokens = 0
    for _ in range(3):  # a caller comes back twice where it is told when, as the package openai does
        try:
            async with client.stream("POST", f"{url}/v1/chat/completions", json=body) as answer:
                async for line in answer.aiter_lines():
                    tokens += '"ja "' in line
        except httpx.HTTPError:
            break  # the replica was killed
        seconds = float(answer.headers.get("retry-after", "inf"))
        if answer.status_code != 429 or seconds > 60:  # later is not waited for
            break
        await asyncio.sleep(seconds)
    return tokens


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        timeout=300, limits=httpx.Limits(max_connections=2000), headers={"authorization": "Bearer any"}
    )


def streams(arguments: argparse.Namespace) -> None:
    print(f"{arguments.streams} streams, {arguments.replicas} replicas, one budget of {arguments.budget:,} tokens")
    print("ledger                      asked for  produced  delivered  in the ledger     over     under  seconds")
    kinds = [("reserve", arguments.store), ("whole", arguments.store), ("afterwards", "sqlite")]
    kinds += [("hardcap", arguments.redis)] if arguments.hardcap else []
    for kind, store in kinds:
        with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
            at = f"sqlite:{scratch}/store.db" if store == "sqlite" else store
            upstream, _ = start(stack, "upstream", pause=arguments.pause, length=arguments.length)
            gates = [
                start_hardcap(stack, arguments, upstream, scratch) if kind == "hardcap" else
                start(stack, "gateway", kind=kind, store=at, upstream=upstream, budget=arguments.budget,
                      usage=f"{scratch}/{i}.jsonl")[0]
                for i in range(arguments.replicas)
            ]  # fmt: skip

            async def all_streams(gates: list[str]) -> list[int]:
                async with client() as own:
                    each = [stream(own, gates[i % len(gates)], i) for i in range(arguments.streams)]
                    return await asyncio.gather(*each)

            begin = time.perf_counter()
            delivered = sum(asyncio.run(all_streams(gates)))
            seconds = time.perf_counter() - begin
            time.sleep(1)
            produced = httpx.get(f"{upstream}/count").json()["produced"]
            if kind == "hardcap":
                held = httpx.get(f"{gates[0]}/v1/hardcap/usage", headers={"x-api-key": "any"}).json()["used"]["output"]
            else:
                ledger = ledger_of(at, kind)
                held = ledger.usage([Counter("tokens/everybody/m/life", 0, None)])[0]
                ledger.close()
            budget, whole = arguments.budget, arguments.streams * arguments.length
            print(f"{kind + ' (' + store.partition(':')[0] + ')':26} {whole:10,} {produced:9,} {delivered:10,} "
                  f"{held:14,} {max(0, delivered - budget) / budget:8.2%} {max(0, budget - delivered) / budget:8.2%} "
                  f"{seconds:8.1f}")  # fmt: skip


def kills(arguments: argparse.Namespace) -> None:
    """Kill a replica while it streams; what it produced and had reported must stay, and the rest come back in time."""
    rng, below, late = random.Random(5), [], []
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        upstream, _ = start(stack, "upstream", pause=0.005, length=600)
        for number in range(arguments.kills):
            store = f"sqlite:{scratch}/{number}.db"
            before = httpx.get(f"{upstream}/count").json()["produced"]
            gate, process = start(stack, "gateway", kind="reserve", store=store, upstream=upstream, budget=10**7,
                                  usage=f"{scratch}/{number}.jsonl")  # fmt: skip

            async def some(gate: str, process: Any) -> list[int]:
                async with client() as own:
                    tasks = [asyncio.ensure_future(stream(own, gate, i)) for i in range(8)]
                    await asyncio.sleep(rng.uniform(0.1, 2.0))
                    process.send_signal(signal.SIGKILL)
                    return await asyncio.gather(*tasks)

            asyncio.run(some(gate, process))
            process.wait()
            time.sleep(0.3)
            produced = httpx.get(f"{upstream}/count").json()["produced"] - before
            ledger = ledger_of(store, "reserve")
            counter = Counter("tokens/everybody/m/life", 0, None)
            held = ledger.usage([counter])[0]
            time.sleep(0.05)
            killed = time.monotonic()
            while True:
                rows = ledger._db.execute("SELECT COUNT(*) FROM reservations").fetchone()  # type: ignore[attr-defined]
                final = ledger.usage([counter])[0]
                if rows[0] == 0 or time.monotonic() - killed > 2 * SECONDS:
                    break
                time.sleep(0.1)
            late.append(time.monotonic() - killed)
            below.append((produced, held, final))
            ledger.close()
    produced, held, final = map(np.array, zip(*below, strict=True))
    print(f"{len(below)} kills of a replica with 8 streams, {produced.min()} to {produced.max()} tokens produced each")
    print(f"  before the time was over: reserved less than produced in {int((held < produced - 8).sum())} cases")
    print(
        f"  afterwards: counted minus produced {int((final - produced).min())} to {int((final - produced).max())}, "
        f"i.e. at most {int(np.ceil((produced - final).max() / 8))} tokens in flight per stream"
    )
    print(f"  reservations back after {max(late):.1f} s at most (time of a reservation: {SECONDS:g} s)")


def resident(process: subprocess.Popen[bytes]) -> float:
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def cpu(process: subprocess.Popen[bytes]) -> float:
    """Seconds of CPU that a process took so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def overhead(arguments: argparse.Namespace) -> None:
    """Time and CPU that the gateway adds at 50 requests per second."""
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        upstream, _ = start(stack, "upstream", pause=0, length=4)
        gate, process = start(stack, "gateway", kind="reserve", store=f"sqlite:{scratch}/store.db", upstream=upstream,
                              budget=10**12, usage=f"{scratch}/usage.jsonl")  # fmt: skip
        os.sched_setaffinity(process.pid, {1 % (os.cpu_count() or 1)})

        async def paced(url: str, first: int, n: int) -> list[float]:
            times: list[float] = []

            async def ask(own: httpx.AsyncClient, number: int) -> None:
                words = "".join(random.Random(number).choices("abcdefghijklmnop ", k=60))
                begin = time.perf_counter()
                await own.post(f"{url}/v1/chat/completions",
                               json={"model": "m", "messages": [{"role": "user", "content": words}]})  # fmt: skip
                times.append(time.perf_counter() - begin)

            async with client() as own:
                tasks = []
                for number in range(first, first + n):
                    tasks.append(asyncio.ensure_future(ask(own, number)))
                    await asyncio.sleep(1 / 50)
                await asyncio.gather(*tasks)
            return times

        asyncio.run(paced(gate, 0, 200))
        direct = np.array(asyncio.run(paced(upstream, 0, arguments.requests))) * 1e3
        before = cpu(process)
        through = np.array(asyncio.run(paced(gate, 1000, arguments.requests))) * 1e3
        each = (cpu(process) - before) / arguments.requests
        for name, times in (("direct", direct), ("through the gateway", through)):
            p50, p95, p99 = np.percentile(times, [50, 95, 99])
            print(f"{name:20} p50 {p50:6.2f} ms   p95 {p95:6.2f} ms   p99 {p99:6.2f} ms")
        added = (
            np.percentile(through, 50) - np.percentile(direct, 50),
            np.percentile(through, 99) - np.percentile(direct, 99),
        )
        print(f"added: p50 {added[0]:.2f} ms, p99 {added[1]:.2f} ms; load of the machine {os.getloadavg()[0]:.1f}")
        print(f"CPU of the gateway: {each * 1e3:.2f} ms a request")


def memory(arguments: argparse.Namespace) -> None:
    """Memory and files of the gateway over many requests, each with words of its own, every tenth a stream."""

    async def some(url: str, first: int, n: int) -> None:
        numbers = iter(range(first, first + n))

        async def work(own: aiohttp.ClientSession) -> None:
            for number in numbers:
                words = "".join(random.Random(number).choices("abcdefghijklmnop ", k=40))
                body = {"model": "m", "stream": number % 10 == 0, "messages": [{"role": "user", "content": words}]}
                async with own.post(f"{url}/v1/chat/completions", json=body) as answer:
                    await answer.read()
                    answer.raise_for_status()

        async with aiohttp.ClientSession() as own:
            await asyncio.gather(*(work(own) for _ in range(4)))

    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        upstream, _ = start(stack, "upstream", pause=0, length=4)
        gate, process = start(stack, "gateway", kind="reserve", store=f"sqlite:{scratch}/store.db", upstream=upstream,
                              budget=10**12, usage=f"{scratch}/usage.jsonl")  # fmt: skip
        asyncio.run(some(gate, 0, 1000))
        print(f"after 1,000 requests {resident(process):.1f} MB", flush=True)
        step = arguments.requests // 10
        for first in range(1000, 1000 + arguments.requests, step):
            begin, before = time.perf_counter(), cpu(process)
            asyncio.run(some(gate, first, step))
            rate, each = step / (time.perf_counter() - begin), (cpu(process) - before) / step
            files = {path.name: path.stat().st_size / 1e6 for path in Path(scratch).iterdir()}
            print(f"{first + step:9,} {resident(process):.1f} MB, {rate:.0f} requests/s, {each * 1e3:.2f} ms CPU; "
                  f"store {files['store.db']:.1f} MB, its log {files['store.db-wal']:.1f} MB, usage "
                  f"{files['usage.jsonl']:.1f} MB", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default="streams,kills,overhead")
    parser.add_argument("--streams", type=int, default=512)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--budget", type=int, default=20_000)
    parser.add_argument("--length", type=int, default=120, help="mean tokens of an answer")
    parser.add_argument("--pause", type=float, default=0.3, help="seconds between two tokens of a stream")
    parser.add_argument("--store", default="sqlite")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--hardcap", help="command of hardcap, the peer, in a venv of its own")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="server for hardcap")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--role", default="")
    for name in ("kind", "upstream", "usage"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--descriptor", type=int, default=-1)
    arguments = parser.parse_args()
    roles = {"gateway": serve_gateway, "upstream": serve_upstream}
    if arguments.role:
        roles[arguments.role](arguments)
        return
    for part in arguments.parts.split(","):
        {"streams": streams, "kills": kills, "overhead": overhead, "memory": memory}[part](arguments)


if __name__ == "__main__":
    main()
