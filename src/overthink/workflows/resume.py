"""Resume a study with the same plan, or extend it with a larger one.

Draws, questions, arms, and rungs below the highest may be added. All stored rows stay valid: seeds depend on question
and draw, and a rung below the highest is a fork of a stored trace. Any other difference makes another study.

Token usage of traces that were cut short or failed and were collected again; the pool does not contain it.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from overthink.data.missing_rungs import SparseTrace, TraceKey
from overthink.data.pool import TRACE_KEY, failed_try, pool_of, records_of
from overthink.data.record import RungRecord
from overthink.data.shards import Shard
from overthink.data.tokens import CutShort
from overthink.errors import InputError
from overthink.paths import file_sha256, is_there, read_file
from overthink.plan.arms import BASE
from overthink.plan.study import Plan
from overthink.storage.journal import has_failures, read_decisions, read_journal, read_thoughts, read_unfinished
from overthink.storage.json_documents import read_plan, write_plan
from overthink.storage.json_text import json_value
from overthink.storage.shards import begin_shard, check_shard
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import refuse_if_held, study_lock


@dataclass(frozen=True, eq=False)
class StoredTraces:
    """Traces that a study has stored.

    Attributes:
        done: Traces with every rung of the plan; they are not collected again.
        sparse: Traces without rungs that were added to the plan.
    """

    done: Mapping[TraceKey, tuple[RungRecord, ...]]
    sparse: Mapping[TraceKey, SparseTrace]


def check_folder(out: str | Path, plan: Plan, *, resume: bool, shard: Shard | None = None) -> int:
    """Check that this plan may run in this folder. Nothing is written.

    Args:
        out: The study's folder.
        plan: The plan.
        resume: Resume or extend an existing study.
        shard: The shard that is run; None for all questions.

    Returns:
        Number of traces stored already.

    Raises:
        InputError: The folder holds another plan (the difference is shown), this plan without `resume`, no study to
            resume, files that are not a study, or a study that another process runs; or Inspect cannot write to it.
    """
    from overthink.collect.inspect_logs.files import inspect_path

    folder = StudyFolder(Path(out))
    inspect_path(folder.logs)
    folder.refuse_links()
    refuse_if_held(folder.path)
    check_shard(folder, shard)
    _check_waves(folder, plan, shard)
    check_plan(folder, plan, resume=resume)
    return len(stored_traces(folder, plan).done)


def _check_waves(folder: StudyFolder, plan: Plan, shard: Shard | None) -> None:
    """Check that a shard whose draws are adaptive has its waves: somebody who sees all shards decides on them."""
    if shard is not None and plan.until is not None and not is_there(folder.waves):
        raise InputError(
            "--until decides on draws by the answers to all questions, and a shard has those of its own alone; give "
            "--workers, which collect all shards wave by wave, or --draws"
        )


@contextmanager
def open_folder(
    folder: StudyFolder, plan: Plan, *, resume: bool, shard: Shard | None = None, command: str | None = None
) -> Iterator[StoredTraces]:
    """Context manager that locks the study's folder with the plan stored in it; yields the stored traces.

    Args:
        folder: The study's folder.
        plan: The plan.
        resume: Resume or extend an existing study.
        shard: The shard that is run; None for all questions.
        command: The command line, which a shard's folder keeps.

    Raises:
        InputError: As for :func:`check_folder`.
        StoppedError: The disk is full.
    """
    check_plan(folder, plan, resume=resume)
    _check_waves(folder, plan, shard)
    folder.create()
    with study_lock(folder.path):
        check_shard(folder, shard)
        earlier = check_plan(folder, plan, resume=resume)  # again under the lock
        existing = stored_traces(folder, plan)
        folder.clear_leftovers()
        if shard is not None:
            begin_shard(folder, shard, command)
        if earlier != plan:
            write_plan(folder.plan, plan)
        yield existing


def stored_traces(folder: StudyFolder, plan: Plan) -> StoredTraces:
    """Return the stored traces, with or without all rungs of the plan.

    Failed traces are omitted, so that they are tried again. Of repeated traces the last one counts.

    Raises:
        InputError: The journal is damaged, a trace lacks a rung and its thinking is not stored as token ids, or a
            placebo was added to an arm whose decisions are not stored.
    """
    if plan.efforts is not None or not is_there(folder.journal):
        return StoredTraces({}, {})
    traces = {
        (trace[0].task, trace[0].arm, trace[0].question, trace[0].draw): trace
        for trace in read_journal(folder.journal)
        if all(row.error is None for row in trace)
    }
    done = {name: trace for name, trace in traces.items() if _is_whole(trace, plan)}
    lacking = {name: trace for name, trace in traces.items() if name not in done}
    _check_decisions(folder, plan, done)
    return StoredTraces(done, _sparse(folder, plan.budgets or (), lacking) if lacking else {})


def _check_decisions(folder: StudyFolder, plan: Plan, done: Collection[TraceKey]) -> None:
    """Check that the decisions of every stored trace are stored, too, if its arm has a placebo."""
    of = {arm.placebo_of for arm in plan.arms} - {None}
    lost = {key for key in done if key[1] in of} if of else set()
    if lost and lost - read_decisions(folder.decisions).keys():
        arms = ", ".join(sorted({arm for _, arm, _, _ in lost}))
        raise InputError(
            f"{folder.path}: a placebo of {arms} cannot be added, because the decisions of its finished traces are not "
            "stored: an earlier version collected them. Run the arm and its placebo in another --out."
        )


def _is_whole(trace: tuple[RungRecord, ...], plan: Plan) -> bool:
    """Return whether a trace has every rung of the plan; only the plain ladder can gain rungs."""
    if trace[0].arm not in {arm.label for arm in plan.arms if arm.parts == BASE.parts}:
        return True
    return {row.requested_tokens for row in trace} >= {*(plan.budgets or ())}


def _sparse(
    folder: StudyFolder, budgets: tuple[int, ...], lacking: Mapping[TraceKey, tuple[RungRecord, ...]]
) -> dict[TraceKey, SparseTrace]:
    thoughts = read_thoughts(folder.thoughts)
    sparse = {name: SparseTrace(trace, thoughts.get(name, ())) for name, trace in lacking.items()}
    lost = sparse.keys() - thoughts.keys()
    if lost:
        raise InputError(
            f"{folder.path}: rungs cannot be added to {len(lost)} of {len(lacking)} finished traces, because their "
            "thinking is not stored as token ids, and text that is tokenized again need not split where it was cut. "
            "Token ids are given by the embedded models, overthink/gguf, hf/<model>, and completions endpoints of vLLM "
            "and llama.cpp. Keep the study's --budgets (more --draws and a higher --limit are possible), or run the "
            "new ladder in another --out."
        )
    return sparse


def is_outdated(folder: StudyFolder, plan: Plan) -> bool:
    """Return whether the pool is of an earlier plan: the study was extended and has not finished since."""
    try:
        plan_sha256 = json_value(read_file(folder.findings), str(folder.findings))["plan_sha256"]
    except (InputError, LookupError, TypeError):
        return False  # no findings to compare with; they are made anew
    # a newer Overthink may write the same plan with more fields, so the file's own hash counts too
    return plan_sha256 not in (None, plan.sha256(), file_sha256(folder.plan))


def check_plan(folder: StudyFolder, plan: Plan, *, resume: bool) -> Plan | None:
    """Return the stored plan, None if there is none, after checking that the new plan may extend it."""
    if not is_there(folder.plan):
        if resume:
            raise InputError(f"{folder.path} holds no study to resume; leave --resume out to start one.")
        if not folder.is_free():
            raise InputError(f"{folder.path} is not an empty folder; give another --out for the new study.")
        return None
    earlier = read_plan(folder.plan)
    if earlier != plan:
        changes = plan_changes(earlier, plan)
        text = "; ".join(f"{name}: {old} there, {new} now" for name, (old, new) in changes.items())
        conflicts = [name for name in changes if not _extends(name, earlier, plan)]
        if conflicts == ["overthink"]:
            raise InputError(
                f"{folder.path} holds a study of another version of Overthink ({text}), which may ask and count "
                "differently. Go on with the version that began it, or give another --out."
            )
        if conflicts == ["component_files"] and (changed := _changed_files(earlier, plan)):
            raise InputError(
                f"{folder.path}: {', '.join(changed)} has changed since the study began, and what is stored was made "
                "or scored as it was then. Bring back the file of that time to go on, or begin another study in --out."
            )
        if conflicts:
            raise InputError(
                f"{folder.path} holds a study with another plan ({text}). Give the same options to go on with it, or "
                "another --out. With --resume a study may gain draws, questions (a higher --limit), arms, and "
                "rungs below its highest budget; nothing else."
            )
        if not resume:
            raise InputError(f"{folder.path} holds this study with less ({text}); extend it with --resume.")
    elif not resume:
        raise InputError(f"{folder.path} holds this study already; go on with --resume, or give another --out.")
    return earlier


def plan_changes(earlier: Plan, plan: Plan) -> dict[str, tuple[object, object]]:
    """Return the fields in which two plans differ, with the value of each."""
    old, new = json.loads(earlier.to_json()), json.loads(plan.to_json())
    return {name: (old.get(name), new.get(name)) for name in old | new if old.get(name) != new.get(name)}


def _changed_files(earlier: Plan, plan: Plan) -> list[str]:
    """Return the paths of files that both plans name, with another content."""
    now = plan.component_files
    return [path for path, sha256 in earlier.component_files.items() if now.get(path, sha256) != sha256]


def _extends(name: str, earlier: Plan, plan: Plan) -> bool:
    """Return whether the change of this plan field leaves stored rows valid."""
    beside = plan.judge_traces or "truncated" in plan.controls or plan.resamples is not None
    if name == "budgets" and (beside or earlier.arms != (BASE,)):
        return False  # these need the text at every rung; only token ids of plain thinking are stored
    if name == "arms":
        return {arm.label for arm in earlier.arms} < {arm.label for arm in plan.arms} and all(
            arm in plan.arms for arm in earlier.arms
        )
    if name == "component_files":
        return earlier.component_files.items() <= plan.component_files.items()  # those of new arms come along
    if name in ("draws", "limit") and earlier.until is not None:
        return False  # stored waves depend on the rows of all questions
    if name == "draws":
        return plan.draws > earlier.draws
    if name == "limit":
        return earlier.limit is not None and (plan.limit is None or plan.limit > earlier.limit)
    if name != "budgets" or earlier.budgets is None or plan.budgets is None:
        return False
    return {*earlier.budgets} < {*plan.budgets} and earlier.budgets[-1] == plan.budgets[-1]


def cut_short(folder: StudyFolder, pool: pl.LazyFrame) -> tuple[CutShort, ...]:
    """Return token usage outside the pool, once per try.

    Args:
        folder: The study's folder.
        pool: Its pool. A failed try in the pool was not repeated.

    Raises:
        InputError: A file of the study is damaged.
    """
    return (*read_unfinished(folder.unfinished), *_failed_tries(folder, pool))


def _failed_tries(folder: StudyFolder, pool: pl.LazyFrame) -> Iterator[CutShort]:
    if not has_failures(folder.journal):
        return
    journal = read_journal(folder.journal)
    failed = pool_of(row for trace in journal for row in trace if row.error is not None).select(TRACE_KEY).unique()
    pool_marks: dict[TraceKey, set[object]] = {}
    for row in records_of(pool.join(failed, on=TRACE_KEY, how="semi")):
        pool_marks.setdefault(_name(row), set()).add(_mark(row))
    complete: dict[TraceKey, tuple[RungRecord, ...]] = {}
    for trace in journal:
        name = _name(trace[0])
        if all(row.error is None for row in trace):
            complete[name] = trace
        elif pool_marks.get(name) != {_mark(row) for row in trace}:
            yield failed_try(trace, before=complete.get(name, ()))


def _name(row: RungRecord) -> TraceKey:
    return row.task, row.arm, row.question, row.draw


def _mark(row: RungRecord) -> object:
    """Return a row's identity among the tries of a trace; independent of verifier scores, which may be added later."""
    return row.estimand, row.scorer, row.rung, row.generated_tokens, row.error
