"""One server of a model for all tests of the gateway."""

from collections.abc import Iterator

import pytest
from gateways import Upstream, running, upstream_server


@pytest.fixture(scope="session")
def model_server() -> Iterator[Upstream]:
    """The server as a test left it."""
    upstream = Upstream()
    with running(upstream_server(upstream)) as url:
        upstream.url = url
        yield upstream


@pytest.fixture
def upstream(model_server: Upstream) -> Upstream:
    """The server as it is at first."""
    url = model_server.url
    model_server.__init__()  # type: ignore[misc]
    model_server.url = url
    return model_server
