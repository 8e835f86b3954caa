"""What a path holds: a study, a pool, Inspect logs, or a plain table. Each is read as rows of the pool."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from overthink.core.findings import Analysis
from overthink.core.reading import Reading
from overthink.core.record import RungRecord
from overthink.core.spending import Estimate
from overthink.errors import InputError
from overthink.plan import Plan
from overthink.resuming import is_outdated
from overthink.store.analysis import read_analysis
from overthink.store.estimate import read_estimate
from overthink.store.folder import StudyFolder
from overthink.store.plan import read_plan
from overthink.store.pool import is_pool, read_pool
from overthink.store.table import read_table

TABLES = (".parquet", ".csv", ".jsonl", ".json")
LOGS = (".eval", ".json")


@dataclass(frozen=True, slots=True)
class HowToRead:
    """What logs and tables from elsewhere do not say of themselves.

    Attributes:
        axis: What they measure: "capability" (if None), "safety" or "benign".
        high: What a high score means; needed off the capability axis.
        scorer: The one `scorer` or `scorer.key` of logs to read; None for all of them, each a curve of its own.
        checkpoints: What agents scored on their way are compared at: "tokens", "turns" or "cost".
    """

    axis: str | None = None
    high: str | None = None
    scorer: str | None = None
    checkpoints: Literal["tokens", "turns", "cost"] = "tokens"


@dataclass(frozen=True, eq=False)
class Source:
    """Rows of the pool, and where they came from.

    Attributes:
        name: What the report calls it.
        records: The rows.
        notes: What a reader must know of how they were read or collected.
        plan: The plan they were collected by; None for rows from elsewhere.
        estimate: What was expected of them before; None for rows from elsewhere.
        decided: What was decided, with the seed, when findings were made of them before; None where none were.
    """

    name: str
    records: Sequence[RungRecord]
    notes: tuple[str, ...] = ()
    plan: Plan | None = None
    estimate: Estimate | None = None
    decided: tuple[Analysis, int] | None = None


def read_source(path: Path, how: HowToRead) -> Source:
    """Read whatever the path holds.

    Args:
        path: A study's folder, a pool, an Inspect log or a folder of logs, or a table.
        how: What logs and tables from elsewhere do not say of themselves.

    Raises:
        InputError: There is nothing at the path, or nothing that can be read.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; needed: Inspect logs, a study's folder, or a table")
    if path.is_dir():
        folder = StudyFolder(path)
        if folder.is_study():
            return _study(folder)
        return _named(path, _logs(path, how))
    if path.suffix == ".parquet" and is_pool(path):
        return Source(path.name, read_pool(path))
    if path.suffix in LOGS and not _is_list(path):
        return _named(path, _logs(path, how))
    if path.suffix in TABLES:
        return _named(path, read_table(path, axis=how.axis, high=how.high))
    raise InputError(
        f"{path} is not something that can be analysed; needed: an Inspect log (.eval, .json) or a folder of logs, a "
        f"study's folder, or a table ({', '.join(TABLES)})"
    )


def _study(folder: StudyFolder) -> Source:
    plan = read_plan(folder.plan) if folder.plan.exists() else None
    if not folder.pool.exists() or (plan is not None and is_outdated(folder, plan)):
        raise InputError(f"{folder.path} holds a study that has not finished; repeat its `overthink run` with --resume")
    name = folder.path.resolve().name if plan is None else plan.title
    return Source(
        name,
        read_pool(folder.pool),
        plan=plan,
        estimate=read_estimate(folder.estimate),
        decided=read_analysis(folder.analysis),
    )


def _logs(path: Path, how: HowToRead) -> Reading:
    from overthink.collect.from_log import read_logs

    return read_logs(path, axis=how.axis, high=how.high, scorer=how.scorer, checkpoints=how.checkpoints)


def _is_list(path: Path) -> bool:
    """Whether a file starts like a JSON list: a table of records, where a log is an object."""
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"[")


def _named(path: Path, reading: Reading) -> Source:
    return Source(path.resolve().name, reading.records, notes=reading.notes)
