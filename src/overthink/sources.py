"""What a path holds: a study, a pool, Inspect logs, or a plain table. Each is read as rows of the pool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from overthink.core.adaptive.tables import with_waves
from overthink.core.adaptive.waves import Waves
from overthink.core.cut_short import CutShort
from overthink.core.findings import Analysis
from overthink.core.outcomes import Outcomes, from_records
from overthink.core.reading import Reading
from overthink.core.record import RungRecord
from overthink.core.spending import Estimate
from overthink.core.verified import Verified, is_forced
from overthink.cut_short import cut_short
from overthink.errors import InputError
from overthink.parties import known_of_plan, known_of_rows
from overthink.plan import Plan
from overthink.resuming import is_outdated
from overthink.store.analysis import Assumed, read_analysis, read_assumed
from overthink.store.estimate import read_estimate
from overthink.store.folder import StudyFolder
from overthink.store.models import Known, read_models
from overthink.store.plan import read_plan
from overthink.store.pool import is_pool, read_pool
from overthink.store.table import read_table
from overthink.store.verified import read_verified
from overthink.store.waves import read_waves

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
        waves: By task: the waves in which it was drawn, where later ones followed what earlier ones showed.
        decided: What was decided, with the seed, when findings were made of them before; None where none were.
        verified: Who scored answers after they had been collected; each names its arms.
        assumed: What was assumed of the model when a report was made of them before.
        known: Who works for the arms, how big they are and what they charge.
        cut_short: What was paid for tries that no row tells of.
    """

    name: str
    records: Sequence[RungRecord]
    notes: tuple[str, ...] = ()
    plan: Plan | None = None
    estimate: Estimate | None = None
    waves: Mapping[str, Waves] = field(default_factory=dict)
    decided: tuple[Analysis, int] | None = None
    assumed: Assumed = field(default_factory=Assumed)
    verified: tuple[Verified, ...] = ()
    known: Known = field(default_factory=Known)
    cut_short: tuple[CutShort, ...] = ()

    def tables(self) -> list[Outcomes]:
        """The rows as one table per curve, each told of its waves.

        Raises:
            InputError: The rows do not fit together, or the waves are those of other questions.
        """
        return with_waves(from_records(self.records), self.waves)


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
        rows = read_pool(path)
        return Source(path.name, rows, known=known_of_rows(rows))
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
    records, verified = read_pool(folder.pool), read_verified(folder.verified)
    estimate, decided, known = (
        read_estimate(folder.estimate),
        read_analysis(folder.analysis),
        read_models(folder.models),
    )
    if known is None and plan is not None:
        known = known_of_plan(plan, verified, free=estimate is not None and estimate.free)
    elif known is None:
        known = Known(decided[0].parties) if decided is not None and decided[0].parties else known_of_rows(records)
    return Source(
        name,
        records,
        notes=() if verified is None else verifier_notes(verified, records, plan),
        plan=plan,
        estimate=estimate,
        waves=read_waves(folder.waves),
        decided=decided,
        assumed=read_assumed(folder.analysis),
        verified=() if verified is None else (verified,),
        known=known,
        cut_short=cut_short(folder, records),
    )


def verifier_notes(verified: Verified, records: Sequence[RungRecord], plan: Plan | None) -> tuple[str, ...]:
    """What a reader must know of who scored the answers: how many have no score, and who else the verifier is."""
    forced = [row for row in records if is_forced(row) and row.arm in verified.arms and row.error is None]
    without = sum(row.verifier_score is None for row in forced)
    notes = [f"Answers of {', '.join(verified.arms)}: {verified.text}."]
    if without:
        reasons = "; ".join(f"{count}: {reason}" for reason, count in verified.gaps.items())
        notes.append(
            f"{without} of {len(forced)} answers have no score and are left out where scores choose"
            f"{f' ({reasons})' if reasons else ''}. `overthink verify` repeated tries those that failed or are new."
        )
    if plan is not None and plan.grader in verified.models:
        notes.append(f"The verifier asks {plan.grader}, which grades the answers too: best-of-k then looks too good.")
    return tuple(notes)


def _logs(path: Path, how: HowToRead) -> Reading:
    from overthink.collect.from_log import read_logs

    return read_logs(path, axis=how.axis, high=how.high, scorer=how.scorer, checkpoints=how.checkpoints)


def _is_list(path: Path) -> bool:
    """Whether a file starts like a JSON list: a table of records, where a log is an object."""
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"[")


def _named(path: Path, reading: Reading) -> Source:
    return Source(path.resolve().name, reading.records, notes=reading.notes, known=known_of_rows(reading.records))
