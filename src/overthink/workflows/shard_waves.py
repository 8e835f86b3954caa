"""Waves over shards: decided where all shards are seen, and stored in the folder of each before its first draw.

The waves of all folders are one list, of which a shard that is behind has the beginning.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from overthink.data.outcomes import Outcomes, from_frame, made_by_plan
from overthink.data.pool import read
from overthink.data.shards import Shard
from overthink.data.waves import Waves
from overthink.errors import InputError
from overthink.paths import is_there, read_file
from overthink.plan.study import Plan
from overthink.storage.files import replacing
from overthink.storage.journal import read_waves
from overthink.storage.pool import scan_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.shard_rows import ShardRows
from overthink.workflows.waves import Draws, stopping_rules


def write_shard_waves(folders: Sequence[StudyFolder], waves: Path) -> None:
    """Store waves in the folders of shards.

    Args:
        folders: The shards, of which none runs.
        waves: File of the waves.
    """
    content = read_file(waves)
    for folder in folders:
        with replacing(folder.waves) as file:
            file.write(content)


def common_waves(folders: Sequence[StudyFolder]) -> Path:
    """Return the file of the waves of shards, that of the shard which has most of them.

    Raises:
        InputError: Two shards have different waves, or none has any.
    """
    contents = {folder.waves: read_file(folder.waves) for folder in folders if is_there(folder.waves)}
    if not contents:
        raise InputError(f"{folders[0].path}: the shards have no waves; needed: shards of a run with --workers")
    longest = max(contents, key=lambda path: len(contents[path]))
    for path, content in contents.items():
        if not contents[longest].startswith(content):
            raise InputError(f"{path} and {longest} are different waves; merge shards of one run")
    return longest


def running_tasks(plan: Plan, waves: Mapping[str, Waves], pools: Sequence[pl.LazyFrame]) -> list[str]:
    """Return the tasks that have not reached their aim, of a study whose waves are complete.

    Args:
        plan: Its plan.
        waves: Its waves by task.
        pools: Its rows, of each shard.
    """
    return [name for name, now in stopping_rules(plan, waves, tables_of(pools)).items() if now.stop is None]


def tables_of(pools: Sequence[pl.LazyFrame]) -> list[Outcomes]:
    """Return the curves of the rows of all shards of one plan."""
    tables = from_frame(pl.concat([pool.with_columns(study=pl.lit("")) for pool in pools]))
    return made_by_plan(tables, {table.arm for table in tables})


def has_draws(folder: StudyFolder, shard: Shard, plan: Plan, draws: Draws) -> bool:
    """Return whether the stored rows of a shard have all draws of its questions.

    Args:
        folder: Its folder, with rows.
        shard: The shard.
        plan: Its plan.
        draws: Draws by task and question, of all shards.
    """
    rows = scan_pool(folder.shard_pool).group_by("task", "question").agg(pl.struct("arm", "draw").n_unique())
    counts = {(task, question): count for task, question, count in read(rows).iter_rows()}
    return all(counts.get(key, 0) >= n * len(plan.arms) for key, n in draws.items() if shard.holds(*key))


def merged_waves(folders: Sequence[StudyFolder], plan: Plan) -> tuple[Path | None, Mapping[str, Waves]]:
    """Return the file of the waves of shards, and the waves by task; None and none for a plan without waves.

    Raises:
        InputError: The shards have none, or different ones.
    """
    if plan.until is None:
        return None, {}
    path = common_waves(folders)
    return path, read_waves(path)


def wave_notes(plan: Plan, waves: Mapping[str, Waves], shards: Sequence[ShardRows]) -> tuple[str, ...]:
    """Return what must be said of a study that would go on drawing: more shards were to come.

    Args:
        plan: Its plan.
        waves: Its waves by task; none for a plan without waves.
        shards: Its shards, complete.
    """
    running = running_tasks(plan, waves, [shard.rows for shard in shards]) if waves else []
    if not running:
        return ()
    what = "the aim of --until is not reached, and the next wave was not drawn"
    return (f"{', '.join(running)}: {what}; repeat the command that runs the workers, with --resume",)
