"""Read a path (study, pool, Inspect logs or plain table) as rows of the pool."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from overthink.cost.estimate import Estimate
from overthink.data.outcomes import Outcomes, from_frame, made_by_plan, with_waves
from overthink.data.pool import PoolReading, read, words_of
from overthink.data.pool_scores import is_forced
from overthink.data.projections import Projection
from overthink.data.record import ScorePolarity, unread_notes
from overthink.data.tokens import CutShort
from overthink.data.traces import ORIGIN, with_traces
from overthink.data.verifier_scores import VerifierRun
from overthink.data.waves import Waves
from overthink.errors import InputError
from overthink.paths import file_sha256, is_there, name_text, path_kind
from overthink.plan.analysis import Analysis
from overthink.plan.arms import BASE
from overthink.plan.stated_tasks import AXES, StatedTask, TaskNames, stated_tasks
from overthink.plan.study import Plan
from overthink.storage.files import path_sha256
from overthink.storage.journal import read_waves
from overthink.storage.json_documents import (
    Assumptions,
    analysis_in,
    read_analysis,
    read_assumptions,
    read_estimate,
    read_notes,
    read_plan,
    read_polarity,
)
from overthink.storage.models import StudyModels, read_models
from overthink.storage.oversight import oversight_of, projections_of
from overthink.storage.pool import is_pool, read_pool
from overthink.storage.study_folder import StudyFolder
from overthink.storage.verifier_scores import read_verified
from overthink.workflows import arguments as arg
from overthink.workflows.endpoints import stored_endpoint_notes
from overthink.workflows.models import models_of_plan, models_of_rows
from overthink.workflows.readers import LogReader, TableReader, read_claimed, read_with, reader_of
from overthink.workflows.resume import cut_short, is_outdated

Checkpoints = Literal["tokens", "turns", "cost"]
Errored = Literal["inspect", "set-aside", "wrong"]
Invalid = Literal["set-aside", "count"]
_CLOSED = {"checkpoints": get_args(Checkpoints), "errored": get_args(Errored), "invalid": get_args(Invalid)}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Properties that logs and tables do not state: of one task, or of each task that is named.

    Attributes:
        axis: Measured axis of the one task: "capability" (if None), "safety" or "benign".
        high: Meaning of a high score; required unless the axis is capability.
        scorer: The `scorer` or `scorer.key` of logs to read; None for all, one curve each.
        capability: Tasks that measure what the model can do, each `TASK`, `TASK@scorer.key` or with `:high=correct`.
        safety: Tasks that measure whether it stays safe, each `TASK@scorer.key:high=harm` or `:high=safe`.
        benign: Tasks that measure over-refusal, each `TASK@scorer.key:high=answered` or `:high=refused`.
        checkpoints: Unit of the checkpoints of agents: "tokens", "turns" or "cost".
        max_rows: Most rows of one file that are read; None for as many as memory allows.
        errored: What a sample of logs with an error counts as: "inspect" (what its score says, if it has one),
            "set-aside" (nothing), or "wrong" (on the capability axis, where it has no score).
        invalid: What a sample of logs that is marked as invalid counts as: "set-aside" (nothing), or "count".
        reader: The reader of logs and tables: a name, or ``FILE.py@NAME``; None to choose by the path.
        ladder: Name of the setting of logs that is the ladder; None to look for reasoning effort, budget and cap.

    Example:
        >>> options = ReadOptions(capability=["gsm8k"], safety=["probe@judge.score:high=harm"])
        >>> [(task.task, task.axis, task.scorer_name) for task in options.tasks]
        [('gsm8k', 'capability', None), ('probe', 'safety', 'judge.score')]
    """

    axis: str | None = None
    high: str | None = None
    scorer: str | None = None
    capability: Sequence[str] = ()
    safety: Sequence[str] = ()
    benign: Sequence[str] = ()
    checkpoints: Checkpoints = "tokens"
    max_rows: int | None = None
    reader: str | None = None
    ladder: str | None = None
    errored: Errored = "inspect"
    invalid: Invalid = "set-aside"

    def __post_init__(self) -> None:
        for name in ("axis", "high", "scorer", "checkpoints", "reader", "ladder", "errored", "invalid"):
            arg.a(str | None)(getattr(self, name), name)
        for name, words in _CLOSED.items():
            if getattr(self, name) not in words:
                raise InputError(f"{name} is {getattr(self, name)!r}; needed: one of {', '.join(words)}")
        if self.max_rows is not None:
            arg.whole(0)(self.max_rows, "max_rows")
        for axis in AXES:
            arg.texts(getattr(self, axis), axis)
            object.__setattr__(self, axis, tuple(getattr(self, axis)))
        whole = [f"--{name}" for name in ("axis", "high", "scorer") if getattr(self, name) is not None]
        if self.tasks and whole:
            raise InputError(
                f"{', '.join(whole)} and {self.tasks[0].option()}: the first is for an input of one task, the second "
                "names the task; needed: one of the two ways"
            )

    @property
    def tasks(self) -> tuple[StatedTask, ...]:
        """The tasks that are named, by axis."""
        return stated_tasks({axis: getattr(self, axis) for axis in AXES})


@dataclass(frozen=True, eq=False)
class Source:
    """Rows of the pool with their origin.

    Attributes:
        name: Name for the report.
        pool: The rows, with the id of each row's trace.
        notes: Notes for the report on reading or collection.
        plan: Plan of the study; None without a study.
        estimate: Cost estimate before the run; None without a study.
        waves: Waves by task, if draws were adaptive.
        request: Request and seed of the earlier analysis; None if there was none.
        verifications: Verifier scores added after collection, with their arms.
        assumptions: Assumptions of the earlier report.
        models: Models of the arms with shapes and prices.
        cut_short: Token usage of tries outside the rows.
        passive: Arms known to decide nothing by what they read, where there is no plan that says so.
        planned: Arms made by one plan each, where several studies are compared or records of a study name its plan.
        stated: Options of the command line that named a task of the rows.
        polarity: What high raw scores mean, as far as it was stated when logs or a table were read.
        unread: What is wrong with each file that could not be read; the notes name them, too.
        oversight: The table beside the pool; None where there is none.
        projections: What probes have read of the traces.
        reading: Those of the notes that say how logs or tables were read; they stay with the results.
    """

    name: str
    pool: pl.LazyFrame
    notes: tuple[str, ...] = ()
    plan: Plan | None = None
    estimate: Estimate | None = None
    waves: Mapping[str, Waves] = field(default_factory=dict)
    request: tuple[Analysis, int] | None = None
    assumptions: Assumptions = field(default_factory=Assumptions)
    verifications: tuple[VerifierRun, ...] = ()
    models: StudyModels = field(default_factory=StudyModels)
    cut_short: tuple[CutShort, ...] = ()
    passive: frozenset[str] = frozenset({BASE.label})
    planned: frozenset[str] = frozenset()
    stated: frozenset[str] = frozenset()
    polarity: tuple[ScorePolarity, ...] = ()
    unread: tuple[str, ...] = ()
    oversight: pl.DataFrame | None = None
    projections: Sequence[Projection] = ()
    reading: tuple[str, ...] = ()

    @property
    def planned_arms(self) -> frozenset[str]:
        """Arms whose runs are alike by construction, as one plan made them."""
        return self.planned if self.plan is None else frozenset(words_of(self.pool, "arm")[0].to_list())

    @property
    def passive_arms(self) -> frozenset[str]:
        """Arms known to decide nothing by what they read, which therefore have no placebo."""
        if self.plan is None:
            return self.passive
        from overthink.collect.arms.registry import PARTS

        deciding = {name for name, part in PARTS.items() if part.decides}
        known = (arm for arm in self.plan.arms if PARTS.keys() >= set(arm.parts))
        return frozenset(arm.label for arm in known if deciding.isdisjoint(arm.parts))

    def tables(self) -> list[Outcomes]:
        """Return one outcome table per curve, with its waves.

        Raises:
            InputError: The rows are inconsistent, or the waves have other questions.
        """
        return with_waves(made_by_plan(from_frame(self.pool), self.planned_arms), self.waves)


def read_sources(paths: Sequence[Path], options: ReadOptions) -> list[Source]:
    """Read paths by the same options, each of which must say something of one of them.

    Args:
        paths: The paths, as for :func:`read_source`.
        options: Properties that logs and tables do not state.

    Raises:
        InputError: A path cannot be read, an option is ignored at each, or a task that is stated is none of theirs.
    """
    refuse_unused(paths, options)
    sources = [read_source(path, options) for path in paths]
    refuse_unmatched(options, sources)
    return sources


def read_source(path: Path, options: ReadOptions) -> Source:
    """Read a path.

    Args:
        path: A study's folder, a pool, an Inspect log or a folder of logs, or a table.
        options: Properties that logs and tables do not state.

    Raises:
        InputError: The path does not exist or cannot be read.
    """
    entry = path_kind(path)
    if entry not in ("a file", "a folder"):
        problem = "does not exist" if entry == "not there" else f"is {entry}"
        raise InputError(f"{path} {problem}; needed: Inspect logs, a study's folder, or a table")
    if options.reader is not None:
        return _from_reading(path, read_with(options.reader, path, options), options)
    own = _own_kind(path)
    if own == "a study":
        return _study(StudyFolder(path), options)
    if own == "a pool":
        pool = with_traces(read_pool(path, max_rows=options.max_rows, follow=True), file_sha256(path, follow=True))
        return Source(name_text(path.name), pool, models=models_of_rows(pool))
    return _from_reading(path, read_claimed(path, options), options)


def with_logs_from_here(source: Source, path: Path) -> Source:
    """Return the source of a collected study with its logs named from here; its rows name them from its own folder.

    Args:
        source: Rows of any path.
        path: The path.
    """
    if source.plan is None:  # logs of others are named as they were when they were read
        return source
    folder = StudyFolder(path)
    own = pl.col("log").str.starts_with(f"{folder.logs.name}/")
    log = pl.when(own).then(pl.lit(f"{name_text(str(path))}/") + pl.col("log")).otherwise(pl.col("log"))
    return replace(source, pool=source.pool.with_columns(log=log))


_USED = {
    "a study": {"max_rows"},
    "a pool": {"max_rows"},
    "a table": {"axis", "high", "scorer", *AXES, "max_rows"},
    "of another tool": {"axis", "high", "scorer", *AXES, "max_rows"},
    "a log": {"axis", "high", "scorer", *AXES, "checkpoints", "ladder", "errored", "invalid"},
}
"""Reading options that mean something, by what is read; a reader from outside may use any."""


def refuse_unused(paths: Sequence[Path], options: ReadOptions) -> None:
    """Raise an error for an option that reading would ignore at each of the paths.

    Raises:
        InputError: There is one.
    """
    stated = {name: value for name, value in asdict(options).items() if value != getattr(ReadOptions(), name)}
    if not stated or options.reader is not None or not all(path.exists() for path in paths):
        return
    kinds = [_kind(path) for path in paths]
    unused = [name for name in stated if not any(name in _USED[kind] for kind in kinds)]
    if unused:
        value = stated[unused[0]]
        text = " ".join(value) if isinstance(value, list | tuple) else value
        raise InputError(
            f"--{unused[0].replace('_', '-')} {text} says nothing of {paths[0]}, which is {kinds[0]}; leave it out"
        )


def refuse_unmatched(options: ReadOptions, sources: Sequence[Source]) -> None:
    """Raise an error for a statement of a task that none of the sources holds.

    Raises:
        InputError: There is one.
    """
    missing = [task for task in options.tasks if not any(task.option() in source.stated for source in sources)]
    if missing:
        names = dict.fromkeys(name for source in sources for name in words_of(source.pool, "task")[0].to_list())
        names_text = ", ".join(list(names)[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
        held = " and ".join(source.name for source in sources)
        raise InputError(f"{missing[0].option()} names no task of {held}; needed: one of {names_text}")


_MOST_NAMES = 20
"""Tasks that an error names."""


def _kind(path: Path) -> str:
    """Return what a file or folder is read as."""
    own = _own_kind(path)
    if own is not None:
        return own
    reader = reader_of(path)
    if reader is None or isinstance(reader, LogReader):
        return "a log"
    return "a table" if isinstance(reader, TableReader) else "of another tool"


def _own_kind(path: Path) -> str | None:
    """Return which of Overthink's own files a path is, which no reader is asked for; None for anything else."""
    if path_kind(path) == "a folder" and StudyFolder(path).is_study():
        return "a study"
    return "a pool" if path_kind(path) == "a file" and is_pool(path, follow=True) else None


def _study(folder: StudyFolder, options: ReadOptions) -> Source:
    folder.refuse_links()
    plan = read_plan(folder.plan) if is_there(folder.plan) else None
    if not is_there(folder.pool) or (plan is not None and is_outdated(folder, plan)):
        raise folder.unfinished_error()
    name = name_text(folder.path.resolve().name) if plan is None else plan.title
    verification = read_verified(folder.verified)
    pool = read_pool(folder.pool, max_rows=options.max_rows)
    pool = with_traces(pool, file_sha256(folder.pool) if plan is None else plan.sha256())
    estimate, models = read_estimate(folder.estimate), read_models(folder.models)
    request, reading = read_analysis(folder.analysis), read_notes(folder.analysis)
    if models is None and plan is not None:
        models = models_of_plan(plan, verification, free=estimate is not None and estimate.free)
    elif models is None:
        models = StudyModels(request[0].parties) if request is not None and request[0].parties else models_of_rows(pool)
    return Source(
        name,
        pool,
        notes=(
            *reading,
            *stored_endpoint_notes(folder),
            *(() if verification is None else verifier_notes(verification, pool, plan)),
        ),
        plan=plan,
        estimate=estimate,
        waves=read_waves(folder.waves),
        request=request,
        assumptions=read_assumptions(folder.analysis),
        verifications=() if verification is None else (verification,),
        models=models,
        cut_short=cut_short(folder, pool),
        polarity=read_polarity(folder.analysis),
        oversight=oversight_of(folder),
        projections=projections_of(folder),
        reading=reading,
    )


def verifier_notes(verification: VerifierRun, pool: pl.LazyFrame, plan: Plan | None) -> tuple[str, ...]:
    """Return notes on verifier scores: number of missing scores, and whether verifier and grader are the same model."""
    answers = pool.filter(is_forced() & pl.col("arm").is_in(list(verification.arms)) & pl.col("error").is_null())
    n_answers, without = read(answers.select(pl.len(), pl.col("verifier_score").null_count())).row(0)
    notes = [f"Answers of {', '.join(verification.arms)}: {verification.text}."]
    if without:
        reasons = "; ".join(f"{count}: {reason}" for reason, count in verification.gaps.items())
        notes.append(
            f"{without} of {n_answers} answers have no score and are left out where scores choose"
            f"{f' ({reasons})' if reasons else ''}. `overthink verify` repeated tries those that failed or are new."
        )
    if plan is not None and plan.grader in verification.models:
        notes.append(f"The verifier asks {plan.grader}, which grades the answers too: best-of-k then looks too good.")
    return tuple(notes)


def _from_reading(path: Path, reading: PoolReading, options: ReadOptions) -> Source:
    pool = with_traces(reading.pool, None if ORIGIN in reading.pool.collect_schema() else path_sha256(path))
    stated = reading.stated | _stated_by_rows(pool, options.tasks)
    name = name_text(path.resolve().name)
    study, notes = reading.study, (*unread_notes(reading.unread), *reading.notes)
    request = None if study.analysis is None else analysis_in(study.analysis)
    models = StudyModels(request[0].parties) if request is not None and request[0].parties else models_of_rows(pool)
    return Source(
        name,
        pool,
        notes=notes,
        models=models,
        planned=study.planned,
        waves=study.waves,
        request=request,
        verifications=() if request is None else request[0].verified,
        stated=stated,
        polarity=reading.polarity,
        unread=reading.unread,
        oversight=reading.oversight,
        reading=notes,
    )


def _stated_by_rows(pool: pl.LazyFrame, tasks: Sequence[StatedTask]) -> frozenset[str]:
    """Return the options that say of a task what its rows say already, as those of Overthink's own logs do."""
    if not tasks:
        return frozenset()
    rows = list(read(pool.select("task", "axis", "scorer").unique()).iter_rows())
    return frozenset(
        task.option()
        for task in tasks
        if any(
            TaskNames(name).fits(task.task) and axis == task.axis and task.scorer_name in (None, scorer)
            for name, axis, scorer in rows
        )
    )
