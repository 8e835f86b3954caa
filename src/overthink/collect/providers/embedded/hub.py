"""Weights on a hub, through huggingface-hub: what it states of a file, and a download that goes on where it was.

Its own ``hf_hub_download`` begins anew in every process and is not used; the parts that it is made of are.
"""

import importlib.util
import os
import re
import time
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

from overthink.collect.providers.embedded.registry import HubSource, Offer, OnBytes, is_sha256
from overthink.errors import InputError, StoppedError
from overthink.paths import DISK_ERRORS

MOST_FAILURES = 5
"""Requests in a row that may bring nothing, before a download stops."""

PAUSE_SECONDS = 1.0
"""Pause before a request after a broken one."""

_COMMIT = re.compile("[0-9a-f]{40}")


def hub_offer(source: HubSource, sha256: str | None) -> Offer:
    """Ask a hub for a file's commit, size and SHA-256, and return its bytes as an offer.

    Args:
        source: The file.
        sha256: The SHA-256 that it must have; None for the one that the hub states.

    Raises:
        InputError: huggingface-hub is not installed, the hub cannot be reached or refuses, or states another SHA-256.
    """
    _require_hub()
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    try:
        url = hf_hub_url(source.repo, source.file, revision=source.revision)
        metadata = get_hf_file_metadata(url)
    except _refusals() as failure:
        raise InputError(_reason(source, failure)) from failure
    commit, size, etag = metadata.commit_hash, metadata.size, metadata.etag or ""
    if commit is None or size is None:
        raise InputError(f"{url} answered, but not as a hub does (no commit or no size); check HF_ENDPOINT and proxies")
    if _COMMIT.fullmatch(source.revision) and commit != source.revision:
        raise InputError(f"{source} was answered from commit {commit}; needed: the commit that was named")
    if sha256 is None and not is_sha256(etag):
        raise InputError(f"the hub states no SHA-256 of {source}; needed: --sha256, as its maker states it")
    if sha256 is not None and is_sha256(etag) and etag != sha256:
        raise InputError(f"{source} has SHA-256 {etag} by the hub's own words, needed {sha256}; nothing was downloaded")
    pinned = replace(source, revision=commit)

    def fetch(target: Path, progress: OnBytes) -> None:
        _download(pinned, target, size, progress)

    return Offer(str(pinned), size, sha256 or etag, fetch)


def _download(source: HubSource, target: Path, size: int, progress: OnBytes) -> None:
    """Download a file, from where its first part ends; a broken connection is taken up again.

    Raises:
        StoppedError: The hub broke off, and again without sending anything more; what came is kept.
        OSError: The disk is full.
    """
    with target.open("ab") as file:
        if file.tell() > size:  # of no use, whatever it is
            _restart(file)
        failures = 0
        try:
            while (begin := file.tell()) < size:
                reason = "it sent nothing"
                try:
                    _receive(source, file, size, progress)
                except _refusals() as failure:
                    if isinstance(failure, OSError) and failure.errno in DISK_ERRORS:
                        raise
                    reason = _short(failure)
                failures = 0 if file.tell() > begin else failures + 1
                if failures > MOST_FAILURES:
                    raise StoppedError(
                        f"{source} broke off after {file.tell():,} of {size:,} bytes ({reason}). They are kept: run "
                        "the same command again to go on"
                    )
                if file.tell() < size:
                    time.sleep(PAUSE_SECONDS)
        finally:
            file.flush()
            os.fsync(file.fileno())


def _receive(source: HubSource, file: BinaryIO, size: int, progress: OnBytes) -> None:
    """Append to a file what it lacks, in one request.

    Raises:
        InputError: What the hub sends is not the rest of the file.
        OSError: The disk is full.
        HTTPError: The hub broke off.
    """
    from huggingface_hub import constants, hf_hub_url
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, http_stream_backoff

    begin = file.tell()
    url = hf_hub_url(source.repo, source.file, revision=source.revision)
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    if begin:
        headers["Range"] = f"bytes={begin}-"
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    # redirects lead to the store of files, which does not get the token: httpx2 drops it where the host changes
    with http_stream_backoff("GET", url, headers=headers, timeout=timeout, retry_on_exceptions=()) as response:
        hf_raise_for_status(response)
        if begin and response.status_code == HTTPStatus.OK:  # it sends all of it, whatever was asked for
            _restart(file)
        elif begin and not (sent := response.headers.get("Content-Range", "")).startswith(f"bytes {begin}-"):
            raise InputError(f"{url} was asked for the bytes from {begin:,}, and answered with {sent!r}; use file:PATH")
        for chunk in response.iter_bytes():  # as they come: a fixed length would lose what waits for the rest of it
            file.write(chunk)
            if file.tell() > size:
                _restart(file)
                raise InputError(f"{url} sends more than the {size:,} bytes that it announced; nothing was installed")
            progress(file.tell(), size)


def _restart(file: BinaryIO) -> None:
    """Empty a file."""
    file.seek(0)
    file.truncate()


def _require_hub() -> None:
    """Raise an error unless huggingface-hub is installed."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise InputError("a hub: source needs huggingface-hub. Run: pip install 'overthink[hub]'")


def _refusals() -> tuple[type[BaseException], ...]:
    """Return the errors of a request that no hub answers, or that it refuses: those of files are among them."""
    from httpx2 import HTTPError, InvalidURL
    from huggingface_hub.errors import HFValidationError

    return HTTPError, InvalidURL, HFValidationError, OSError


def _reason(source: HubSource, failure: BaseException) -> str:
    """Return what a hub refused, and what to do."""
    from huggingface_hub import constants
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    hub = constants.ENDPOINT
    if isinstance(failure, GatedRepoError):
        return f"{hub}/{source.repo} is gated; accept its terms there, log in with 'hf auth login', then run again"
    if isinstance(failure, RevisionNotFoundError):
        return f"{hub}/{source.repo} has no revision {source.revision}; needed: a commit, tag or branch that it has"
    if isinstance(failure, EntryNotFoundError):
        return f"{hub}/{source.repo} has no file {source.file} at {source.revision}; see its list of files"
    if isinstance(failure, RepositoryNotFoundError):
        return (
            f"{hub} has no repository {source.repo}, or it is private; check the name, or log in with 'hf auth login'"
        )
    if isinstance(failure, OfflineModeIsEnabled):
        return f"{source} needs the network, and HF_HUB_OFFLINE forbids it; unset it, or use --from file:PATH"
    if isinstance(failure, HfHubHTTPError):
        return f"{hub} refused {source}: {_short(failure)}"
    return f"{hub} cannot be reached for {source} ({_short(failure)}); check the network, or use --from file:PATH"


def _short(failure: BaseException) -> str:
    """Return an error's kind and the first line of its message."""
    lines = str(failure).strip().splitlines()
    return f"{type(failure).__name__}: {lines[0][:200]}" if lines else type(failure).__name__
