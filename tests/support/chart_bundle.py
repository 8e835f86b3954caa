"""The script of the page's charts, built once on a machine instead of once in every process: it takes 1.5 s of each."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import vl_convert

_built = vl_convert.javascript_bundle


def stored_bundle(snippet: str | None = None, vl_version: Any = None) -> str:
    """What ``vl_convert.javascript_bundle`` returns in this version, from a file from the second time on."""
    key = repr((vl_convert.__version__, snippet, vl_version))
    file = Path(tempfile.gettempdir(), f"chart-bundle-{hashlib.sha256(key.encode()).hexdigest()[:16]}.js")
    if not file.exists():
        scratch = file.with_suffix(f".{os.getpid()}")
        scratch.write_text(_built(snippet, vl_version), encoding="utf-8")
        scratch.replace(file)
    return file.read_text(encoding="utf-8")


def store_bundle() -> None:
    """From here on every page of this process, and of those forked from it, has the stored script."""
    vl_convert.javascript_bundle = stored_bundle
