"""The study folder: names and paths of its files.

One process per study: a lock that the operating system releases when its process ends, in any way.
"""

import errno
import json
import os
import re
import socket
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from overthink.errors import InputError
from overthink.paths import is_there, kind_of, path_kind, path_status, read_file
from overthink.storage.files import replacing, require_own_folder, storage_errors, write_text

_SCRATCH = re.compile(r"\..*\.\d+\.part", re.DOTALL)
"""Names of partial files (:func:`overthink.storage.files.scratch_path`)."""
LOCK_FILE = ".lock"
"""Name of the lock file in a study's folder. It stays there; the lock on it counts, not that it exists."""

_MAX_HOLDER_BYTES = 4096
_NO_LOCK_ERRORS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def study_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the study's folder while the block runs. The lock of a killed process is free again.

    Raises:
        InputError: Another process holds it, it is not a plain file of one name, or the folder's file system cannot
            lock.
        StoppedError: The disk is full.
    """

    def write_holder(descriptor: int) -> None:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())

    with _exclusive(folder / LOCK_FILE, write_holder):
        yield


@contextmanager
def reading_lock(folder: Path) -> Iterator[None]:
    """Keep every run from a study's folder while the block runs, without writing to it; one without a lock is free.

    Raises:
        InputError: Another process holds it, or the lock is not a plain file of one name.
    """
    path = folder / LOCK_FILE
    if not is_there(path):
        yield
        return
    with _exclusive(path, lambda descriptor: None):
        yield


def is_held(folder: Path) -> bool:
    """Whether a process runs the study of a folder now; where that cannot be told, none does."""
    from filelock import Timeout

    try:
        with reading_lock(folder):
            return False
    except InputError as failure:
        return isinstance(failure.__cause__, Timeout)


def refuse_if_held(folder: Path) -> None:
    """Raise an error if another process holds the folder. Nothing is written.

    Raises:
        InputError: Another process holds it, or the lock is not a plain file of one name.
    """
    with reading_lock(folder):
        pass


@contextmanager
def _exclusive(path: Path, on_acquired: Callable[[int], None]) -> Iterator[None]:
    from filelock import FileLock, Timeout

    def check_and_go_on(descriptor: int) -> None:
        _require_own_lock(path, os.fstat(descriptor))  # what was opened, whatever had the name before
        on_acquired(descriptor)

    lock = FileLock(  # it follows no link and truncates nothing, but opens whatever else has the name
        path,
        blocking=False,
        thread_local=False,
        preserve_lock_file=True,
        fallback_to_soft=False,
        on_acquired=check_and_go_on,
    )
    with storage_errors(path):
        try:
            if (status := path_status(path, follow=False)) is not None:
                _require_own_lock(path, status)
            lock.acquire()
        except Timeout as failure:
            raise InputError(
                f"{path.parent} is in use: {_holder(path)} runs this study. Wait until it has finished, or stop it and "
                "go on with --resume; for a study of its own give another --out."
            ) from failure
        except OSError as failure:
            if failure.errno == errno.ELOOP:  # it has become a link since
                _require_own_lock(path, os.lstat(path))
            if failure.errno in _NO_LOCK_ERRORS:
                raise InputError(
                    f"{path.parent} cannot be locked ({failure.strerror}); choose a folder on a file system that can"
                ) from failure
            raise
    try:
        yield
    finally:
        lock.release()


def _require_own_lock(path: Path, status: os.stat_result) -> None:
    kind = (
        f"a file with {status.st_nlink} names"
        if status.st_nlink > 1 and stat.S_ISREG(status.st_mode)
        else kind_of(status)
    )
    if kind != "a file":
        raise InputError(
            f"{path} is {kind}; needed: a plain file of one name, as locking writes to it. Delete it and start again: "
            "the lock file is made anew."
        )


def _holder(path: Path) -> str:
    try:
        content = json.loads(read_file(path, most=_MAX_HOLDER_BYTES))
        return f"process {int(content['pid'])} on {str(content['host'])[:80]}"
    except (ValueError, LookupError, TypeError, InputError):
        return "another process"  # it has only just taken the lock


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """The folder of one study.

    Attributes:
        path: Path of the folder.

    Example:
        >>> StudyFolder(Path("study")).pool.name
        'pool.parquet'
    """

    path: Path

    @property
    def plan(self) -> Path:
        """Every decision of the study."""
        return self.path / "plan.json"

    @property
    def shard(self) -> Path:
        """Which shard of its study the folder holds; there is none in the folder of a whole study."""
        return self.path / "shard.json"

    @property
    def shard_pool(self) -> Path:
        """The rows of a complete shard; no pool, because nothing but `merge` reads them."""
        return self.path / "shard.parquet"

    @property
    def merged(self) -> Path:
        """The shards that a merged study was made of."""
        return self.path / "merged.json"

    @property
    def logs(self) -> Path:
        """Folder of the Inspect logs; the only place that holds the model's text."""
        return self.path / "logs"

    @property
    def pool(self) -> Path:
        """The table: one row per question, draw and rung."""
        return self.path / "pool.parquet"

    @property
    def journal(self) -> Path:
        """Finished traces, appended one by one; what ``--resume`` starts from."""
        return self.path / "journal.jsonl"

    @property
    def unfinished(self) -> Path:
        """Token usage of traces that were interrupted when a run was stopped."""
        return self.path / "unfinished.jsonl"

    @property
    def decisions(self) -> Path:
        """Decisions of arms that decide, trace by trace, for placebos to take theirs from; no text."""
        return self.path / "decisions.jsonl"

    @property
    def waves(self) -> Path:
        """Number of draws of each question, wave by wave, with adaptive sampling."""
        return self.path / "waves.jsonl"

    @property
    def questions(self) -> Path:
        """Questions of the study."""
        return self.path / "questions.json"

    @property
    def thoughts(self) -> Path:
        """Thinking as token ids; in the folder of the logs, as it can be decoded to text."""
        return self.logs / "thoughts.jsonl"

    @property
    def scores(self) -> Path:
        """Scores of a verifier for existing answers, appended one by one."""
        return self.path / "verified.jsonl"

    @property
    def verified(self) -> Path:
        """The verifier of the answers, once all are scored."""
        return self.path / "verified.json"

    @property
    def verifier_logs(self) -> Path:
        """Folder of the Inspect logs of a verifier; they hold its inputs."""
        return self.path / "verifier-logs"

    @property
    def estimate(self) -> Path:
        """Cost estimate before the start."""
        return self.path / "estimate.json"

    @property
    def models(self) -> Path:
        """Models of its arms by role, with sizes and prices."""
        return self.path / "models.json"

    @property
    def analysis(self) -> Path:
        """Analysis options of the findings, human labels included."""
        return self.path / "analysis.json"

    @property
    def facts(self) -> Path:
        """What the evaluator states, and no finding says."""
        return self.path / "facts.json"

    @property
    def findings(self) -> Path:
        """Findings from the pool."""
        return self.path / "findings.json"

    @property
    def report(self) -> Path:
        """The report page."""
        return self.path / "report.html"

    @property
    def figures(self) -> Path:
        """Folder of the charts as files."""
        return self.path / "figures"

    def is_study(self) -> bool:
        """Whether the folder holds a study: a plan, a pool or findings, be they damaged or no plain files.

        Raises:
            InputError: The folder cannot be reached.
        """
        return any(is_there(file) for file in (self.plan, self.pool, self.findings))

    def is_finished(self) -> bool:
        """Whether the folder holds findings and the pool that they were made from.

        Raises:
            InputError: The folder cannot be reached.
        """
        return is_there(self.pool) and is_there(self.findings)

    def is_free(self) -> bool:
        """Whether the folder is missing or empty; what a start leaves that was killed before its plan does not count.

        Nor do the waves that are stored for a shard before it begins.

        Raises:
            InputError: The folder cannot be read.
        """
        kind = path_kind(self.path)
        if kind != "a folder":
            return kind == "not there"
        with storage_errors(self.path):
            return all(
                entry.name in (LOCK_FILE, self.shard.name, self.waves.name) or _SCRATCH.fullmatch(entry.name)
                for entry in self.path.iterdir()
            )

    def create(self) -> None:
        """Create the folder for a new study, or for new files in an existing study.

        Raises:
            InputError: The path is no folder, a folder with something else in it, or a study with links for folders.
            StoppedError: The disk is full.
        """
        if (kind := path_kind(self.path)) not in ("not there", "a folder"):
            raise InputError(f"{self.path} is {kind}; needed: a new folder for the study")
        if not (self.is_free() or self.is_study()):
            raise InputError(f"{self.path} is not empty and holds no study; choose a new folder with --out")
        self.refuse_links()
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)

    def refuse_links(self) -> None:
        """Raise an error if a folder inside the study, or a log in it, is a link or no plain file.

        Inspect reads and writes logs by itself, and would follow links.

        Raises:
            InputError: One is.
        """
        for folder in (self.logs, self.verifier_logs, self.figures):
            require_own_folder(folder)
        for folder in (self.logs, self.verifier_logs):
            for path in folder.rglob("*"):
                if (kind := path_kind(path, follow=False)) not in ("a file", "a folder"):
                    raise InputError(f"{path} is {kind}; needed: a plain file. Replace it by a copy of its content.")

    def clear_leftovers(self) -> None:
        """Delete partial files of a killed run. Call only while holding the folder's lock."""
        with storage_errors(self.path):
            for scratch in self.path.iterdir():
                if _SCRATCH.fullmatch(scratch.name) and path_kind(scratch, follow=False) == "a file":
                    scratch.unlink(missing_ok=True)

    def require(self) -> None:
        """Raise an error unless the folder holds a study.

        Raises:
            InputError: There is none, or a folder inside it is a link.
        """
        if not self.is_study():
            raise InputError(
                f"{self.path} holds no study; needed: a folder made by `overthink run` or `overthink analyse --out`"
            )
        self.refuse_links()

    def unfinished_error(self) -> InputError:
        """Return the error on a study that has not finished, by which nothing but its page can be read."""
        if is_there(self.shard):
            return InputError(
                f"{self.path} holds a shard: part of the questions of a study, of which nothing is claimed. Put all "
                "shards together with `overthink merge OUT SHARDS…`, and read OUT."
            )
        if is_there(self.merged):
            return InputError(
                f"{self.path} was merged of shards that lack traces. `overthink merge` names the commands that collect "
                "them; merge again behind these."
            )
        return InputError(f"{self.path} holds a study that has not finished; repeat its `overthink run` with --resume")

    def refuse_unfinished(self) -> None:
        """Check that a study has its pool, which its run writes last.

        Raises:
            InputError: It has a plan and no pool.
        """
        if is_there(self.plan) and not is_there(self.pool):
            raise self.unfinished_error()

    def write_report(self, page: str) -> None:
        """Write report.html atomically.

        Raises:
            StoppedError: The disk is full.
        """
        write_text(self.report, page)

    def write_figures(self, figures: Iterable[tuple[str, bytes]]) -> None:
        """Write figures, each atomically; one of the same name is replaced.

        Args:
            figures: File name and content, one by one.

        Raises:
            StoppedError: The disk is full.
            InputError: The folder cannot be written to.
        """
        require_own_folder(self.figures)
        with storage_errors(self.figures):
            self.figures.mkdir(exist_ok=True)
        for name, content in figures:
            with replacing(self.figures / name) as file:
                file.write(content)
