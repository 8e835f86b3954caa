"""Installation of weights: bytes are checked before they get their name, and the record is written last.

A process that is killed at any moment leaves no file that is taken for whole: without a record nothing is installed,
and the record is written after the SHA-256 of the bytes on the disk was compared.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from overthink.collect.model_info.gguf import check_one_file, read_header
from overthink.collect.providers.embedded import weights
from overthink.collect.providers.embedded.hub import hub_offer
from overthink.collect.providers.embedded.installed import (
    FOLDER_VARIABLE,
    NOT_STATED,
    InstalledWeights,
    check_installed,
    model_name,
    models_folder,
    part_path,
    read_installed,
    record_path,
    rename_durably,
    weights_path,
    write_record,
)
from overthink.collect.providers.embedded.registry import (
    REGISTRY,
    SOURCE_FORM,
    FileSource,
    HubSource,
    Offer,
    OnBytes,
    WheelSource,
    check_name,
    check_sha256,
    file_offer,
    parse_source,
    registered,
)
from overthink.errors import InputError, StoppedError
from overthink.paths import DISK_ERRORS, file_sha256, path_kind


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be installed.

    Attributes:
        name: The model will be ``overthink/NAME``.
        source: Where the bytes come from.
        sha256: The SHA-256 that they must have; None for that of the hub's own metadata.
        license_id: SPDX identifier; None for that of the file's header.
        size: Bytes of the file, if the registry has them.
    """

    name: str
    source: HubSource | FileSource
    sha256: str | None
    license_id: str | None = None
    size: int | None = None


def install(
    name: str = "smollm2",
    source: str | None = None,
    *,
    sha256: str | None = None,
    license_id: str | None = None,
    progress: OnBytes = lambda *_: None,
) -> Path:
    """Install weights, so that ``overthink/NAME`` is a model; do nothing if they are installed and unchanged.

    Args:
        name: A name of the registry, or a new one, with or without ``overthink/`` before it.
        source: ``hub:OWNER/REPO/FILE@REVISION`` or ``file:PATH``; None for that of the registry.
        sha256: The SHA-256 that the file must have. That of the registry, or of the hub, needs not be repeated.
        license_id: SPDX identifier, where neither the registry nor the file's header states one.
        progress: Called with the bytes that are there, and those of the whole file.

    Returns:
        Path of the weights.

    Raises:
        InputError: The name, the source or the file cannot be used, or its SHA-256 is another one.
        StoppedError: The disk is full, or the hub broke off; the same command goes on.
    """
    name = check_name(model_name(name))
    entry = registered(name)
    expected = None if sha256 is None else check_sha256(sha256)
    if entry is not None:
        if expected not in (None, entry.sha256):
            raise InputError(f"--sha256 {expected}: {name} of the registry has {entry.sha256}; choose another name")
        if isinstance(entry.source, WheelSource):
            if source is not None:
                raise InputError(f"{name} is inside {entry.source}; leave --from out, or choose another name")
            return weights.install()
        order = Order(name, _origin(name, source, entry.source), entry.sha256, entry.license, entry.size)
    else:
        order = Order(name, _origin(name, source, None), expected, license_id)
    folder = models_folder()
    if (kind := path_kind(folder)) not in ("a folder", "not there"):
        raise InputError(f"{folder} is {kind}; needed: a folder for models. Name one by {FOLDER_VARIABLE}")
    with _disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(name):
            return _install(order, progress)


def _origin(name: str, source: str | None, default: HubSource | None) -> HubSource | FileSource:
    """Return the source that is stated, or else that of the registry."""
    if source is not None:
        return parse_source(source)
    if default is None:
        names = ", ".join(known.name for known in REGISTRY)
        raise InputError(f"{name} is not in the registry ({names}); needed: one of these, or --from {SOURCE_FORM}")
    return default


def _install(order: Order, progress: OnBytes) -> Path:
    """Install weights under their lock.

    Raises:
        OSError: The disk is full, or the folder cannot be written to.
    """
    record = read_installed(order.name)
    if record is not None and record.sha256 == order.sha256:  # its source may be gone, or out of reach
        check_installed(record)
        return record.path
    offer = _offer_of(order)
    if record is not None:
        return _installed_already(record, offer)
    target = weights_path(order.name)
    if not _is_whole(target, offer):
        part = part_path(order.name, offer.sha256)
        _require_room(part, offer)
        offer.fetch(part, progress)
        _check(part, offer)
        rename_durably(part, target)
    status = target.stat()
    header_license = read_header(target).values.get("general.license", NOT_STATED)
    write_record(
        InstalledWeights(
            name=order.name,
            license=order.license_id or str(header_license),
            size=status.st_size,
            sha256=offer.sha256,
            modified_ns=status.st_mtime_ns,
            source=offer.source,
            day=datetime.now(UTC).date().isoformat(),
        )
    )
    return target


def _offer_of(order: Order) -> Offer:
    """Return what the source of an order has, with the SHA-256 that is demanded of it."""
    if isinstance(order.source, HubSource):
        offer = hub_offer(order.source, order.sha256)
    else:
        offer = file_offer(order.source, order.sha256)
    if order.size is not None and offer.size != order.size:
        raise InputError(
            f"{offer.source} has {offer.size:,} bytes; needed: the file of {order.size:,} bytes that the registry "
            f"names {order.name}"
        )
    return offer


def _installed_already(record: InstalledWeights, offer: Offer) -> Path:
    """Return the path of installed weights, if they are those of the offer and unchanged."""
    if record.sha256 != offer.sha256:
        raise InputError(
            f"overthink/{record.name} is installed with SHA-256 {record.sha256}, and {offer.source} is to have "
            f"{offer.sha256}. Choose another name, or delete {record.path} and {record_path(record.name)} first"
        )
    check_installed(record)
    return record.path


def _is_whole(target: Path, offer: Offer) -> bool:
    """Return whether a process ended between giving the checked file its name and writing the record."""
    return path_kind(target, follow=False) == "a file" and file_sha256(target, follow=True) == offer.sha256


def _require_room(part: Path, offer: Offer) -> None:
    """Check that the disk has room for what is not downloaded yet."""
    needed = offer.size - (part.stat().st_size if part.exists() else 0)
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise StoppedError(
            f"{part.parent} has {free:,} bytes free, and {offer.source} needs {needed:,} more. Free some space, or "
            f"name another folder by {FOLDER_VARIABLE}, then run the same command again"
        )


def _check(part: Path, offer: Offer) -> None:
    """Check the bytes on the disk; delete them if they are not those that were to come."""
    digest = file_sha256(part, follow=True)
    if digest != offer.sha256:
        part.unlink()
        raise InputError(
            f"{offer.source} has SHA-256 {digest}, needed {offer.sha256}: these are other bytes, or damaged ones. "
            "Nothing was installed"
        )
    try:
        check_one_file(part)
    except InputError as failure:
        part.unlink()
        raise InputError(str(failure).replace(str(part), offer.source)) from failure


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    """Hold the lock of a model's files.

    Raises:
        InputError: Another process holds it.
        OSError: The folder takes no files.
    """
    path = models_folder() / f"{name}.lock"
    path.touch()  # FileLock waits for a folder that takes no files as it does for another process
    lock = FileLock(path, timeout=0)
    try:
        with lock:
            yield
    except Timeout as failure:
        raise InputError(f"another process installs {name} at this moment; wait for it, or end it") from failure


@contextlib.contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Turn system errors of writing into Overthink's errors."""
    try:
        yield
    except OSError as failure:
        if failure.errno in DISK_ERRORS:
            raise StoppedError(
                f"{folder}: {failure.strerror}. Free some space, or name another folder by {FOLDER_VARIABLE}, then run "
                "the same command again"
            ) from failure
        path = failure.filename2 or failure.filename or folder
        raise InputError(
            f"{path} cannot be written to: {failure.strerror or failure}; name another folder by {FOLDER_VARIABLE}"
        ) from failure
