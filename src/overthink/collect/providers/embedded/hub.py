"""Weights on a hub, through huggingface-hub: what it states of a file, and a download that goes on where it was.

Its own ``hf_hub_download`` begins anew in every process and is not used; the parts that it is made of are.
"""

import importlib.util
import os
import re
from dataclasses import replace
from pathlib import Path

from overthink.collect.providers.embedded.offers import DISK_ERRORS, Offer
from overthink.collect.providers.embedded.registry import HubSource
from overthink.errors import InputError, StoppedError

_COMMIT = re.compile("[0-9a-f]{40}")
_SHA256 = re.compile("[0-9a-f]{64}")


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
        stated = get_hf_file_metadata(url)
    except _refusals() as failure:
        raise InputError(_reason(source, failure)) from failure
    commit, size, etag = stated.commit_hash, stated.size, stated.etag or ""
    if commit is None or size is None:
        raise InputError(f"{url} answered, but not as a hub does (no commit or no size); check HF_ENDPOINT and proxies")
    if _COMMIT.fullmatch(source.revision) and commit != source.revision:
        raise InputError(f"{source} was answered from commit {commit}; needed: the commit that was named")
    if sha256 is None and not _SHA256.fullmatch(etag):
        raise InputError(f"the hub states no SHA-256 of {source}; needed: --sha256, as its maker states it")
    if sha256 is not None and _SHA256.fullmatch(etag) and etag != sha256:
        raise InputError(f"{source} has SHA-256 {etag} by the hub's own words, needed {sha256}; nothing was downloaded")
    pinned = replace(source, revision=commit)

    def fetch(target: Path) -> None:
        _download(pinned, target, size)

    return Offer(str(pinned), size, sha256 or etag, fetch)


def _download(source: HubSource, target: Path, size: int) -> None:
    """Download a file, from where its first part ends.

    Raises:
        StoppedError: The hub broke off; what came is kept.
        OSError: The disk is full.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(source.repo, source.file, revision=source.revision)
    headers = build_hf_headers() | {"Accept-Encoding": "identity"}
    with target.open("ab") as file:
        if file.tell() > size:  # of no use, whatever it is
            file.truncate(0)
        try:
            http_get(url, file, resume_size=file.tell(), headers=headers, expected_size=size)
        except _refusals() as failure:
            if isinstance(failure, OSError) and failure.errno in DISK_ERRORS:
                raise
            raise StoppedError(
                f"{source} broke off after {file.tell():,} of {size:,} bytes ({_short(failure)}). They are kept: run "
                "the same command again to go on"
            ) from failure
        finally:
            file.flush()
            os.fsync(file.fileno())


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
