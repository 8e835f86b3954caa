"""One server of a model for all tests of the gateway."""

from collections.abc import Iterator

import pytest
from gateways import Upstream, running, upstream_server


@pytest.fixture(scope="session")
def _model_server() -> Iterator[Upstream]:
    upstream = Upstream()
    with running(upstream_server(upstream)) as url:
        upstream.url = url
        yield upstream


@pytest.fixture
def upstream(_model_server: Upstream) -> Upstream:
    """The server as it is at first."""
    url = _model_server.url
    _model_server.__init__()  # type: ignore[misc]
    _model_server.url = url
    return _model_server
