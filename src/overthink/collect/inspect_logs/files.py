"""Open foreign Inspect logs: untrusted, possibly damaged or still running."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ijson.common import JSONError
from inspect_ai.log import (
    EvalLog,
    EvalSample,
    EvalSampleSummary,
    read_eval_log,
    read_eval_log_sample_summaries,
    read_eval_log_samples_by_id,
)
from zstandard import ZstdError

from overthink.collect.inspect_logs.set_aside import refuse_repeated_ids
from overthink.errors import InputError
from overthink.paths import path_kind, path_status, require_file

MAX_LOG_BYTES = 8 * 1024**3
"""Largest log that is opened, in bytes on disk."""
MAX_MEMBER_BYTES = 2 * 1024**3
"""Largest sample of a log that is unpacked, in bytes."""
MAX_LIST_BYTES = 2**30
"""Largest header or list of summaries that is unpacked, in bytes."""
MAX_BATCH_BYTES = 8 * 1024**3
"""Largest samples that are unpacked at once, in bytes."""
MAX_MEMBERS = 1_000_000
"""Most members of an archive."""

_ENCRYPTED = 1
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, 93)
"""Those that Inspect writes or wrote; 93 is Zstandard."""

_NEWEST_VERSION = int(EvalLog.model_fields["version"].default)
_BATCH = 50
"""Number of samples read in full at a time, to bound memory."""

_BROKEN = (
    OSError,
    ValueError,
    LookupError,
    EOFError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    RuntimeError,
    MemoryError,
    zlib.error,
    zipfile.BadZipFile,
    struct.error,
    ZstdError,
    JSONError,  # of ijson, with which Inspect reads a sample without the excluded fields
)
"""Exceptions of Inspect's readers on a file that is truncated, damaged, or not a log."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenLog:
    """One log: its header, a summary of every finished sample, and access to the full samples.

    Attributes:
        path: The file.
        header: The log without its samples.
        summaries: One summary per finished sample.
    """

    path: Path
    header: EvalLog
    summaries: list[EvalSampleSummary]
    _samples_by_key: dict[tuple[str | int, int], EvalSample] | None

    def samples(
        self, summaries: list[EvalSampleSummary], *, exclude: AbstractSet[str] = frozenset()
    ) -> Iterator[EvalSample]:
        """Yield the full samples of the given summaries, in order, without the excluded fields.

        Excluding fields saves memory, not time: measured, it takes twice as long as reading them all.

        Raises:
            InputError: A sample cannot be read.
        """
        keys = [(summary.id, summary.epoch) for summary in summaries]
        with one_message(self.path):
            if self._samples_by_key is not None:
                yield from (self._samples_by_key[key] for key in keys)
                return
            for start in range(0, len(keys), _BATCH):
                yield from read_eval_log_samples_by_id(
                    inspect_path(self.path), keys[start : start + _BATCH], exclude_fields=set(exclude)
                )


def inspect_path(path: Path) -> str:
    """Return a path as Inspect takes it for a name: absolute, so that a leading ~ or a protocol means nothing.

    Raises:
        InputError: It holds ``::``, which Inspect takes for a chain of addresses anywhere in a path.
    """
    location = str(path.absolute())
    if "::" in location:
        raise InputError(
            f"{location} holds '::', which Inspect reads as a chain of addresses; needed: a path without it. Rename "
            "the file or folder"
        )
    return location


def open_logs(path: Path) -> tuple[list[OpenLog], list[str]]:
    """Open a log, or all logs in a folder, recursively, oldest first.

    In a folder, an unreadable file is left out if at least one other file is readable.

    Returns:
        The logs, and what is wrong with each file that was left out.

    Raises:
        InputError: There is no log, or none can be read.
    """
    kind = path_kind(path)
    if kind not in ("a file", "a folder"):
        raise InputError(f"{path} is {kind}; needed: an Inspect log (.eval or .json), or a folder of logs")
    files = [path] if kind == "a file" else _log_files(path)
    if not files:
        raise InputError(f"{path} holds no Inspect log; needed: files ending in .eval or .json")
    logs: list[OpenLog] = []
    failures: list[str] = []
    for file in files:
        try:
            logs.append(_open(file))
        except InputError as failure:
            failures.append(str(failure))
    if not logs:
        more = f" ({len(failures)} files were tried)" if len(failures) > 1 else ""
        raise InputError(f"{failures[0]}{more}")
    # Inspect records the start of a log in whole seconds; ties are ordered by the file's modification time.
    logs.sort(key=lambda log: (log.header.eval.created, log.path.stat().st_mtime_ns, str(log.path)))
    return logs, failures


_TABLE = (
    "; needed: an Inspect log, or a table: a list of objects, one for each question, draw and budget; for other shapes "
    "name a reader with --reader"
)


@contextmanager
def one_message(path: Path) -> Iterator[None]:
    """Convert any exception of a reader on a damaged log into one error with the file's path.

    Raises:
        InputError: The log is damaged.
    """
    try:
        yield
    except _BROKEN as failure:
        first = (str(failure).splitlines() or [""])[0][:200]
        raise InputError(
            f"{path} cannot be read as an Inspect log ({type(failure).__name__}: {first}); it may be "
            f"cut off, damaged, or made by another tool{_TABLE if path.suffix.lower() == '.json' else ''}"
        ) from failure


def _log_files(folder: Path) -> list[Path]:
    try:
        named = [file for file in folder.rglob("*") if file.suffix in (".eval", ".json")]
    except OSError as failure:
        raise InputError(f"{folder} changed while it was read: {failure}; read it again, or name its logs") from failure
    files = (file for file in named if not file.is_dir())  # a FIFO or a link to nowhere is refused as it is opened
    return sorted(file for file in files if file.name not in ("logs.json", "listing.json", "eval-set.json"))


def _open(path: Path) -> OpenLog:
    if path.suffix not in (".eval", ".json"):
        raise InputError(f"{path} is no Inspect log; needed: a file ending in .eval or .json")
    status, location = path_status(path), inspect_path(path)
    require_file(path, status)
    if (size := 0 if status is None else status.st_size) > MAX_LOG_BYTES:
        raise InputError(f"{path} has {size:,} bytes; at most {MAX_LOG_BYTES:,} are opened")
    with one_message(path):
        if path.suffix == ".eval":
            _check_members(path)
            header = read_eval_log(location, header_only=True)
            _check_version(path, header)
            return OpenLog(path, header, read_eval_log_sample_summaries(location), None)
        log = read_eval_log(location)
        _check_version(path, log)
        refuse_repeated_ids(str(path), log.samples or [])
        samples = {(sample.id, sample.epoch): sample for sample in log.samples or []}
        return OpenLog(path, log, [sample.summary() for sample in samples.values()], samples)


def _check_members(path: Path) -> None:
    """Check the list of an archive, which says what each member takes, before any member is unpacked.

    A member whose list is wrong is cut off at the size that the list states, and then has another checksum.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if not {"header.json", "_journal/start.json"} & {member.filename for member in members}:
        raise zipfile.BadZipFile("an archive without the header of a log")
    if len(members) > MAX_MEMBERS:
        raise zipfile.BadZipFile(f"{len(members):,} members; at most {MAX_MEMBERS:,} are read")
    for member in members:
        fault = member_fault(member)
        if fault is not None:
            raise zipfile.BadZipFile(f"its member {member.filename[:80]!r} {fault}")
    samples = sorted((member.file_size for member in members if _is_sample(member)), reverse=True)
    if (at_once := sum(samples[:_BATCH])) > MAX_BATCH_BYTES:
        raise zipfile.BadZipFile(f"{_BATCH} samples unpack to {at_once:,} bytes; at most {MAX_BATCH_BYTES:,} are read")


def member_fault(member: zipfile.ZipInfo) -> str | None:
    """Return what a member has that none of a log has; None for a plain one."""
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in _COMPRESSIONS:
        return f"is compressed by the unknown method {member.compress_type}"
    if member.filename.startswith("/") or ".." in PurePosixPath(member.filename).parts:
        return "is named as a file outside the archive"
    most = MAX_MEMBER_BYTES if _is_sample(member) else MAX_LIST_BYTES
    return f"unpacks to {member.file_size:,} bytes; at most {most:,} are read" if member.file_size > most else None


def _is_sample(member: zipfile.ZipInfo) -> bool:
    return member.filename.startswith("samples/")


def _check_version(path: Path, header: EvalLog) -> None:
    if header.version > _NEWEST_VERSION:
        raise InputError(
            f"{path} has log version {header.version}; the installed inspect_ai reads up to "
            f"{_NEWEST_VERSION}: update it with pip install -U inspect-ai"
        )
