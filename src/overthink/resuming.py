"""Go on with a study that is there: the same plan after a stop, or one that asks for more of the same.

What may grow is the number of draws, of questions, of arms, and the rungs below the top. Everything that was
collected stays valid then: seeds hang on question and draw, and a rung below the top is a fork of a trace that is
there. Any other difference makes another study.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from overthink.arm_plan import BASE
from overthink.core.added_rungs import Row, SparseTrace
from overthink.core.record import RungRecord
from overthink.errors import InputError
from overthink.plan import Plan
from overthink.store.atomic import file_sha256
from overthink.store.folder import StudyFolder
from overthink.store.journal import read_journal
from overthink.store.lock import locked, refuse_if_held
from overthink.store.plan import read_plan, write_plan
from overthink.store.thoughts import read_thoughts


@dataclass(frozen=True, eq=False)
class Collected:
    """What a study has already.

    Attributes:
        done: Traces with every rung of the plan: they are not collected again.
        sparse: Traces that lack rungs which the plan has now.
    """

    done: Mapping[Row, tuple[RungRecord, ...]]
    sparse: Mapping[Row, SparseTrace]


def check_folder(out: str | Path, plan: Plan, *, resume: bool) -> int:
    """Check that this plan may run in this folder. Nothing is written.

    Args:
        out: The study's folder.
        plan: The plan.
        resume: Go on with, or extend, a study that is there.

    Returns:
        How many of its traces are there already.

    Raises:
        InputError: The folder holds another plan (the difference is shown), this one without `resume`, nothing to
            resume, something that is no study, or a study that another process runs.
    """
    folder = StudyFolder(Path(out))
    refuse_if_held(folder.path)
    _check(folder, plan, resume=resume)
    return len(collected(folder, plan).done)


@contextmanager
def at_work(folder: StudyFolder, plan: Plan, *, resume: bool) -> Iterator[Collected]:
    """Hold the study's folder while the block works in it, with the plan stored there.

    Raises:
        InputError: As for :func:`check_folder`.
        StoppedError: The disk is full.
    """
    _check(folder, plan, resume=resume)
    folder.create()
    with locked(folder.path):
        there = _check(folder, plan, resume=resume)  # another process may have been quicker
        has = collected(folder, plan)
        folder.clear_leftovers()
        if there != plan:
            write_plan(folder.plan, plan)
        yield has


def collected(folder: StudyFolder, plan: Plan) -> Collected:
    """What the study has already, as the plan now sees it.

    A trace that failed is not among it: going on tries it once more. Where one was tried twice the later counts.

    Raises:
        InputError: The journal is damaged, or a trace lacks a rung and its thinking was not stored as token ids.
    """
    if plan.efforts is not None or not folder.journal.exists():
        return Collected({}, {})
    traces = {
        (trace[0].task, trace[0].arm, trace[0].question, trace[0].draw): trace
        for trace in read_journal(folder.journal)
        if all(row.error is None for row in trace)
    }
    done = {name: trace for name, trace in traces.items() if _is_whole(trace, plan)}
    lacking = {name: trace for name, trace in traces.items() if name not in done}
    return Collected(done, _sparse(folder, plan.budgets or (), lacking) if lacking else {})


def _is_whole(trace: tuple[RungRecord, ...], plan: Plan) -> bool:
    """Whether a trace has every rung of the plan; only the plain ladder can gain rungs, others have all they had."""
    if trace[0].arm not in {arm.label for arm in plan.arms if arm.parts == BASE.parts}:
        return True
    return {row.requested_tokens for row in trace} >= {*(plan.budgets or ())}


def _sparse(
    folder: StudyFolder, budgets: tuple[int, ...], lacking: Mapping[Row, tuple[RungRecord, ...]]
) -> dict[Row, SparseTrace]:
    thoughts = read_thoughts(folder.thoughts)
    sparse = {name: SparseTrace(trace, thoughts.get(name, ())) for name, trace in lacking.items()}
    lost = sparse.keys() - thoughts.keys()
    if lost:
        raise InputError(
            f"{folder.path}: rungs cannot be added to {len(lost)} of {len(lacking)} finished traces, because their "
            "thinking is not stored as token ids, and text that is tokenized again need not split where it was cut. "
            "Only the embedded models and overthink/gguf give token ids. Keep the study's --budgets (more --draws and "
            "a higher --limit are possible), or run the new ladder in another --out."
        )
    return sparse


def is_outdated(folder: StudyFolder, plan: Plan) -> bool:
    """Whether the study was extended to this plan and not finished since: its pool is then of an earlier plan."""
    try:
        followed = json.loads(folder.findings.read_bytes())["plan_sha256"]
    except (OSError, ValueError, LookupError, TypeError):
        return False  # no findings to compare with
    # a newer Overthink may write the same plan with more fields, so the file's own hash counts too
    return followed not in (None, plan.sha256(), file_sha256(folder.plan))


def _check(folder: StudyFolder, plan: Plan, *, resume: bool) -> Plan | None:
    """The plan that is there, if any, once it is clear that this one may follow it."""
    if not folder.plan.exists():
        if resume:
            raise InputError(f"{folder.path} holds no study to resume; leave --resume out to start one.")
        if not folder.is_free():
            raise InputError(f"{folder.path} is not an empty folder; give another --out for the new study.")
        return None
    there = read_plan(folder.plan)
    if there != plan:
        changes = _changes(there, plan)
        shown = "; ".join(f"{name}: {old} there, {new} now" for name, (old, new) in changes.items())
        refused = [name for name in changes if not _extends(name, there, plan)]
        if refused:
            raise InputError(
                f"{folder.path} holds a study with another plan ({shown}). Give the same options to go on with it, or "
                "another --out. With --resume a study may gain draws, questions (a higher --limit), arms, and "
                "rungs below its highest budget; nothing else."
            )
        if not resume:
            raise InputError(f"{folder.path} holds this study with less ({shown}); extend it with --resume.")
    elif not resume:
        raise InputError(f"{folder.path} holds this study already; go on with --resume, or give another --out.")
    return there


def _changes(there: Plan, wanted: Plan) -> dict[str, tuple[object, object]]:
    old, new = json.loads(there.to_json()), json.loads(wanted.to_json())
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}


def _extends(name: str, there: Plan, wanted: Plan) -> bool:
    """Whether this field of the plan grew in a way that leaves valid what was collected."""
    beside = wanted.judge_traces or "truncated" in wanted.controls or wanted.resamples is not None
    if name == "budgets" and (beside or there.arms != (BASE,)):
        return False  # these need the text at every rung, and token ids of plain thinking are what is kept
    if name == "arms":
        return {arm.label for arm in there.arms} < {arm.label for arm in wanted.arms} and all(
            arm in wanted.arms for arm in there.arms
        )
    if name in ("draws", "limit") and there.until is not None:
        return False  # the waves that were drawn followed what all questions showed
    if name == "draws":
        return wanted.draws > there.draws
    if name == "limit":
        return there.limit is not None and (wanted.limit is None or wanted.limit > there.limit)
    if name != "budgets" or there.budgets is None or wanted.budgets is None:
        return False
    return {*there.budgets} < {*wanted.budgets} and there.budgets[-1] == wanted.budgets[-1]
