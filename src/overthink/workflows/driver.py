"""A run in many workers: its shards are collected at the same time, each in a folder beside the study, then merged.

Nothing is kept but the shards' own folders. A worker that is lost, a driver that was killed and a study that is
extended are one case: what is complete stays, and what is not goes on from its journal.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from overthink.data.shards import Shard, read_workers
from overthink.errors import InputError
from overthink.paths import is_there
from overthink.plan.distribution import refuse_shards
from overthink.plan.study import Plan
from overthink.storage.files import storage_errors
from overthink.storage.journal import has_failures
from overthink.storage.json_documents import read_plan
from overthink.storage.pool import scan_pool
from overthink.storage.shards import is_stored, read_shard_state, shard_folders, shards_folder
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import refuse_if_held, study_lock
from overthink.workflows.collect import OnTrace, with_questions
from overthink.workflows.merge import check_target, merge
from overthink.workflows.resume import check_plan
from overthink.workflows.shard_queue import collect_shards, journal_traces, open_executor
from overthink.workflows.shard_task import ShardTask
from overthink.workflows.shard_waves import has_draws, tables_of, write_shard_waves
from overthink.workflows.study import Study
from overthink.workflows.waves import Draws, OnWave, collect_in_waves

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session
    from overthink.workflows.run_options import RunOptions

SHARDS_PER_WORKER = 4
"""By default: enough that workers end at about the same time."""


def check_shards(out: Path, plan: Plan, *, resume: bool, count: int | None) -> int:
    """Check that this plan may run in workers, and that its study may be written. Nothing is written.

    Args:
        out: The study's folder.
        plan: The plan.
        resume: Go on with the shards that are there.
        count: Number of shards; None for any.

    Returns:
        Number of traces that are stored already.

    Raises:
        InputError: The plan has no shards, the folder holds something else, or shards are there and are not resumed, or
            are of another number or another plan.
    """
    refuse_shards(plan)
    check_target(StudyFolder(out))
    top = shards_folder(out)
    refuse_if_held(top)
    folders = shard_folders(top)
    if folders and not resume:
        raise InputError(f"{top} holds shards of this study already; go on with --resume, or give another --out.")
    if resume and not folders:
        raise InputError(f"{top} holds no shards to resume; leave --resume out to start.")
    if folders and count not in (None, (stored := next(iter(folders)).of)):
        raise InputError(f"--shards {count}: {top} holds {stored} shards; leave --shards out, or give another --out.")
    for folder in folders.values():
        check_plan(folder, plan, resume=is_there(folder.plan))
    return sum(journal_traces(folder.journal)[1] for folder in folders.values())


def run_in_workers(
    session: "Session",
    out: Path,
    options: "RunOptions",
    on_trace: OnTrace,
    on_wave: OnWave,
    *,
    command: str | None = None,
) -> Study:
    """Collect the shards of a study in workers, and merge them into its folder.

    Args:
        session: The plan with its models and tasks; of the whole study.
        out: The study's folder; its shards are beside it.
        options: Options of the run, with its workers.
        on_trace: Called, without rows, for every finished trace.
        on_wave: Called with every wave before its first draw.
        command: The command line, for the report.

    Raises:
        InputError: A shard refuses the plan, or the workers cannot be reached.
        StoppedError: A shard stopped, or its workers are lost again and again; repeat it with `resume`.
        KeyboardInterrupt: The user stopped it; repeat it with `resume`.
    """
    workers, top = read_workers(options.workers or ""), shards_folder(out)
    with open_executor(workers) as executor:
        with storage_errors(top):
            top.mkdir(parents=True, exist_ok=True)
        with study_lock(top):
            folders = shard_folders(top) or _new_folders(top, session, options.shards, executor.slots)
            stated = {k: v for k, v in options.stated().items() if k not in ("out", "workers", "shards")}
            plan_sha256 = session.plan.sha256()
            tasks = {
                shard: ShardTask(stated, str(shard), str(folder.path), plan_sha256, str(Path.cwd()))
                for shard, folder in folders.items()
            }

            def collect(draws: Draws | None) -> None:
                missing = [shard for shard, own in folders.items() if not _is_complete(own, shard, session.plan, draws)]
                if draws is not None:
                    write_shard_waves([folders[shard] for shard in missing], StudyFolder(top).waves)
                collect_shards(executor, [tasks[shard] for shard in missing], on_trace)

            if session.plan.until is None:
                collect(None)
            else:
                collect_in_waves(
                    with_questions(session, StudyFolder(top)),
                    StudyFolder(top),
                    collect=collect,
                    tables=lambda: tables_of([scan_pool(folder.shard_pool) for folder in folders.values()]),
                    on_wave=on_wave,
                )
        return merge(out, *(folder.path for folder in folders.values()), command=command)


def _new_folders(top: Path, session: "Session", count: int | None, slots: int) -> dict[Shard, StudyFolder]:
    of = count or max(1, min(SHARDS_PER_WORKER * slots, sum(session.questions)))
    shards = [Shard(number, of) for number in range(1, of + 1)]
    folders = {shard: StudyFolder(top / shard.name) for shard in shards}
    with storage_errors(top):
        for folder in folders.values():
            folder.path.mkdir()
    return folders


def _is_complete(folder: StudyFolder, shard: Shard, plan: Plan, draws: Draws | None) -> bool:
    """Return whether a shard has every trace of a plan, or of the waves so far, none of them failed."""
    state = read_shard_state(folder.shard)
    if state is None or not is_stored(folder, state) or read_plan(folder.plan) != plan:
        return False
    return not has_failures(folder.journal) and (draws is None or has_draws(folder, shard, plan, draws))
