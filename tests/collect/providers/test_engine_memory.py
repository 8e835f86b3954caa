"""An engine that does not fit into the memory is refused before it starts, with what it needs and what there is."""

from pathlib import Path

import pytest
from shape_files import gguf

from overthink.collect.providers.embedded import server
from overthink.errors import InputError

VALUES = {
    "general.architecture": "tiny",
    "tiny.block_count": 10,
    "tiny.attention.head_count": 10,
    "tiny.embedding_length": 1000,
}
"""A cache of 2 · 10 layers · 1,000 values · 2 bytes = 40,000 bytes per token."""


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(server, "available_memory", lambda: 1_024_000_000)
    return gguf(tmp_path / "tiny.gguf", VALUES, {"w": (100, 100)}, data=40_000)


def test_what_does_not_fit_is_refused_before_the_engine_starts(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LlamaServer", lambda _: pytest.fail("an engine was started"))
    options = server.ServerOptions(weights, slots=16, context=2048, engines=1, threads=1)  # 1.31 GB of caches
    with pytest.raises(InputError, match=r"needs 1\.3 GB of memory: 0\.0 GB of weights and 1\.3 GB of caches for 16"):
        server.server_for(options)


def test_what_fits_passes(weights: Path) -> None:
    server.require_memory(weights, slots=16, context=1599)  # 1.0234 GB
    with pytest.raises(InputError, match=r"1\.0 GB are available"):
        server.require_memory(weights, slots=16, context=1600)
