"""What one replica writes down: numbers for Prometheus, and its usage ledger, a file of chained lines.

The numbers name no principal: who used what is for `overthink gateway usage`, which reads the store.
"""

import threading
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from overthink.errors import InputError
from overthink.gateway.ledger import Head
from overthink.governance.deployment.usage_chain import START, USAGE_SCHEMA, chain_ends, chain_line
from overthink.paths import is_there, read_file
from overthink.storage.files import open_append


class Metrics:
    """Metrics of one replica, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "overthink_gateway_requests", "Requests by how they ended.", ["end"], registry=self.registry
        )
        self.tokens = Counter("overthink_gateway_tokens", "Tokens by kind.", ["kind"], registry=self.registry)
        self.tries = Counter("overthink_gateway_tries", "Tries that were counted.", registry=self.registry)
        self.streams = Gauge("overthink_gateway_streams", "Requests that are under way.", registry=self.registry)
        self.store = Histogram(
            "overthink_gateway_store_seconds",
            "Seconds of a call of the store.",
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0),
            registry=self.registry,
        )
        self.lines = Gauge("overthink_gateway_usage_lines", "Lines of the usage ledger.", registry=self.registry)

    def serve(self, host: str, port: int) -> None:
        """Serve the metrics in a thread, on an address of their own."""
        start_http_server(port, host, registry=self.registry)


class UsageLog:
    """A usage ledger that is appended to.

    Args:
        path: The file; it is made if it is missing, and gone on with where it is whole.

    Raises:
        InputError: Another replica writes to it, its last line is cut short, or it cannot be written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(f"{path}.lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout as failure:
            raise InputError(f"{path} belongs to a replica that runs; needed: a --usage file for each") from failure
        except OSError as failure:
            raise InputError(f"{path} cannot be written to: {failure.strerror}") from failure
        self.head: Head | None = None
        """Where it ends; None without a line."""
        if is_there(path):
            content = read_file(path)
            if content and not content.endswith(b"\n"):
                raise InputError(f"{path} ends in the middle of a line: its writer died; needed: another --usage file")
            if content:
                self.head = Head(*chain_ends(content))
        self._file = open_append(path)
        self._turn = threading.Lock()

    @property
    def lines(self) -> int:
        """Number of its lines."""
        return 0 if self.head is None else self.head.lines

    def append(self, **fields: Any) -> None:
        """Append an entry: its fields but the number and the schema.

        Raises:
            OSError: The disk is full or broken.
        """
        with self._turn:
            before = START if self.head is None else self.head.last
            line, digest = chain_line({"schema": USAGE_SCHEMA, "seq": self.lines, **fields}, before)
            self._file.write(line.encode())
            self.head = Head(digest if self.head is None else self.head.start, self.lines + 1, digest)

    def close(self) -> None:
        """Close the file, and let another replica have it."""
        self._file.close()
        self._lock.release()
