"""Several real servers for one study: does a trace keep to one, does its cache still hit, what if one dies? A table.

    python benchmarks/endpoints.py WEIGHTS.gguf [--questions 4] [--draws 3] [--budgets 0,16,48] [--threads 1]

Two llama.cpp servers (`benchmarks/serve_llama.py`) are started on loopback, and one small study runs four times on the
command line: at one of them, at both, at both while the second one is killed with -9 behind a third of the traces, and,
as a control, at a balancer that sends requests to both in turn, whose caches should miss, and the study should say so.
Before each run the servers start anew, so that no cache is warm. What the study says of its endpoints stands beside the
servers' own counters. Requests per trace come from `endpoints.json`; traces from the journal.
"""

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from overthink.data.endpoints import EndpointRun, endpoint_notes, prefix_hits
from overthink.storage.journal import read_journal
from overthink.storage.models import read_endpoint_runs
from overthink.storage.study_folder import StudyFolder

SERVE = Path(__file__).with_name("serve_llama.py")
COMMAND = "import sys; sys.argv[0] = 'overthink'; from overthink.cli.start import main; main()"
PORTS = (18_311, 18_312)
STUDY = (
    *("run", "--model", "openai-api-completions/local/smollm2", "--capability", "overthink/arithmetic"),
    *("--answer-tokens", "12", "--think", "plain", "--seed", "3", "--yes", "--quiet"),
)


@dataclass(frozen=True)
class Trial:
    """One run of the study.

    Attributes:
        name: What was tried.
        code: Exit code.
        traces: Finished traces, and how many of them failed or are there twice.
        facts: What the study says of its endpoints.
        cached: Prompt tokens from the cache by the counters of the servers that live, beside the study's own count.
        is_reported: Whether the notes say that the ladder paid twice.
    """

    name: str
    code: int
    traces: tuple[int, int, int]
    facts: EndpointRun
    cached: tuple[int, int]
    is_reported: bool

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield what a table says."""
        done, failed, twice = self.traces
        requests = [use.requests or 0 for use in self.facts.endpoints]
        hits = prefix_hits(self.facts.endpoints)
        yield "exit code", str(self.code)
        yield "traces finished / failed / twice", f"{done} / {failed} / {twice}"
        yield "requests at each endpoint", " + ".join(map(str, requests))
        yield "requests at their trace's endpoint", f"{1 - (self.facts.astray or 0) / max(sum(requests), 1):.1%}"
        yield "prefix hits", "unknown" if hits is None else f"{hits:.1%}"
        yield (
            "… of each endpoint",
            ", ".join(
                "unknown" if (own := prefix_hits([use])) is None else f"{own:.1%}" for use in self.facts.endpoints
            ),
        )
        yield (
            "calls failed / traces moved",
            (
                f"{sum(use.failures or 0 for use in self.facts.endpoints)} / "
                f"{sum(use.departures or 0 for use in self.facts.endpoints)}"
            ),
        )
        yield "note that the ladder paid twice", "yes" if self.is_reported else "no"
        yield "cached tokens, study / servers' metrics", "{} / {}".format(*self.cached)


@contextmanager
def served(weights: Path, port: int, *, slots: int, threads: int) -> Iterator[subprocess.Popen[bytes]]:
    """A llama.cpp server that has loaded its model; ended with the block."""
    words = [sys.executable, str(SERVE), str(weights), "--port", str(port), "--slots", str(slots)]
    with subprocess.Popen(
        [*words, "--threads", str(threads)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while not is_well(port):
                if process.poll() is not None:
                    raise RuntimeError(f"the server at port {port} ended with {process.returncode}")
                time.sleep(0.5)
            yield process
        finally:
            process.kill()


@contextmanager
def balanced(ports: Sequence[int]) -> Iterator[int]:
    """A balancer that sends one request after the other to the next server; yields its port."""
    turn = itertools.cycle(ports)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.forward()

        def do_POST(self) -> None:
            self.forward()

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = {"Content-Type": self.headers.get("Content-Type") or "application/json"}
            url = f"http://127.0.0.1:{next(turn)}{self.path}"
            reply = httpx.request(self.command, url, content=body, headers=kind, timeout=600)
            self.send_response(reply.status_code)
            self.send_header("Content-Type", reply.headers["content-type"])
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


def is_well(port: int) -> bool:
    """Whether a server answers."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


def cached_tokens(port: int) -> int:
    """Prompt tokens that a server took from its cache since its start; 0 if it is gone."""
    if not is_well(port):
        return 0
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    lines = [line.split() for line in text.splitlines() if line.startswith("llamacpp:prompt_tokens_cached_total")]
    return round(sum(float(value) for _, value in lines))


def journal_lines(folder: Path) -> int:
    """Traces that a run has stored so far."""
    journal = StudyFolder(folder).journal
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def trial(
    name: str,
    folder: Path,
    servers: dict[int, subprocess.Popen[bytes]],
    addresses: Sequence[int],
    options: argparse.Namespace,
) -> Trial:
    """Run the study at ports of servers, or of a balancer; kill the last server in mid-run if the name says so."""
    endpoints = [word for port in addresses for word in ("--endpoint", f"http://127.0.0.1:{port}")]
    size = ["--limit", str(options.questions), "--draws", str(options.draws), "--budgets", options.budgets]
    size += ["--concurrency", str(options.concurrency)]
    words = [sys.executable, "-c", COMMAND, *STUDY, *size, *endpoints, "--out", str(folder)]
    with subprocess.Popen(words, env=os.environ | {"LOCAL_API_KEY": "none"}, stdout=subprocess.DEVNULL) as run:
        if name == KILLED:
            while run.poll() is None and journal_lines(folder) < max(1, options.questions * options.draws // 3):
                time.sleep(0.2)
            servers[addresses[-1]].send_signal(signal.SIGKILL)
        code = run.wait()
    traces = read_journal(StudyFolder(folder).journal)
    keys = [(trace[0].task, trace[0].arm, trace[0].question, trace[0].draw) for trace in traces]
    failed = sum(any(row.error is not None for row in trace) for trace in traces)
    (facts,) = read_endpoint_runs(StudyFolder(folder).endpoints)
    alive = [port for port in servers if is_well(port)]
    gone = {f"http://127.0.0.1:{port}" for port in servers if port not in alive}
    cached = (
        sum(use.cached_tokens or 0 for use in facts.endpoints if use.url not in gone),
        sum(map(cached_tokens, alive)),
    )
    is_reported = any("paid twice" in note for note in endpoint_notes([facts]))
    return Trial(name, code, (len(keys), failed, len(keys) - len(set(keys))), facts, cached, is_reported)


ONE, TWO, KILLED, BALANCED = "one endpoint", "two endpoints", "two, one killed", "a balancer before two"


def trials(options: argparse.Namespace, top: Path) -> Iterator[Trial]:
    """Yield the four runs, each at servers that have just started."""
    for number, name in enumerate((ONE, TWO, KILLED, BALANCED)):
        with ExitStack() as stack:
            servers = {
                port: stack.enter_context(
                    served(options.weights, port, slots=options.concurrency, threads=options.threads)
                )
                for port in (PORTS[:1] if name == ONE else PORTS)
            }
            addresses = [stack.enter_context(balanced(PORTS))] if name == BALANCED else list(servers)
            start = time.monotonic()
            result = trial(name, top / str(number), servers, addresses, options)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        yield result


def main() -> None:
    """Print a table of the four runs, and end with 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, help="GGUF file")
    parser.add_argument("--questions", type=int, default=4)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--budgets", default="0,16,48")
    parser.add_argument("--concurrency", type=int, default=4, help="traces in flight, and slots of each server")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, default=None, help="write what was measured to a file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = list(trials(options, Path(folder)))
    tables = [dict(each.rows()) for each in results]
    print(f"| | {' | '.join(each.name for each in results)} |\n|---|{'---|' * len(results)}")
    for row in tables[0]:
        print(f"| {row} | {' | '.join(table[row] for table in tables)} |")
    if options.json is not None:
        options.json.write_text(json.dumps(tables, indent=1) + "\n")
    one, two, killed, scattered = results
    requests = sum(use.requests or 0 for use in two.facts.endpoints)
    hits = [prefix_hits(each.facts.endpoints) or 0.0 for each in (one, two)]
    planned = options.questions * options.draws
    bars = {
        "95 % of a trace's requests at one endpoint": (two.facts.astray or 0) <= 0.05 * requests,
        "prefix hits within 3 points of one endpoint": abs(hits[0] - hits[1]) <= 0.03,
        "one killed: nothing lost, nothing twice": killed.code == 0 and killed.traces == (planned, 0, 0),
        "the note that the ladder paid twice: behind the balancer alone": [each.is_reported for each in results]
        == [False, False, False, True]
        and scattered.code == 0,
    }
    for bar, is_met in bars.items():
        print(f"{'met' if is_met else 'MISSED'}: {bar}")
    sys.exit(0 if all(bars.values()) else 1)


if __name__ == "__main__":
    main()
