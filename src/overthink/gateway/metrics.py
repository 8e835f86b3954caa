"""Numbers of a replica for Prometheus: requests by their ends, tokens by kind, streams, seconds that it adds.

They name no principal: who used what is for `overthink gateway usage`, which reads the store.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server


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
