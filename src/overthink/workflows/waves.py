"""Adaptive sampling in waves: draw until each task's interval reaches the precision target or its cap.

Each wave is stored before its first draw. A resumed study completes the stored wave and reaches the same later waves,
because they are a function of the rows collected before. Over shards the driver decides by the rows of all of them,
and a shard has the waves in its folder.

Waves over shards: decided where all shards are seen, and stored in the folder of each before its first draw.

The waves of all folders are one list, of which a shard that is behind has the beginning.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from overthink.adaptive.stopping import StoppingState, stopping_rule
from overthink.analysis import seeds_of
from overthink.data.outcomes import Outcomes, from_frame, made_by_plan, with_waves
from overthink.data.pool import read
from overthink.data.record import ON_TRACE, Estimand
from overthink.data.shards import Shard
from overthink.data.waves import Waves
from overthink.errors import InputError
from overthink.paths import is_there, read_file
from overthink.plan.study import Plan
from overthink.stats.bootstrap import question_weights
from overthink.storage.files import replacing
from overthink.storage.journal import read_waves, wave_draws, wave_file
from overthink.storage.pool import scan_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.request import precision_target
from overthink.workflows.shard_rows import ShardRows

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session


Draws = Mapping[tuple[str, str], int]
"""By task and question: the number of draws required."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave about to be collected.

    Attributes:
        text: Wave number, stopping status of each task, and the largest number of traces left.
        traces: Traces of the study once the wave is collected.
    """

    text: str
    traces: int


OnWave = Callable[[Wave], None]
"""Callback that receives every wave before its first draw."""


def collect_in_waves(
    session: "Session",
    folder: StudyFolder,
    *,
    collect: Callable[[Draws], None],
    tables: Callable[[], Sequence[Outcomes]],
    on_wave: OnWave,
) -> dict[str, Waves]:
    """Collect waves until every task has reached the precision target, cannot reach it, or is at its cap.

    Args:
        session: The plan with its models and tasks.
        folder: The study's folder, or that of its shards; stored waves are completed first.
        collect: Collects the missing traces of the given draws.
        tables: Returns the curves of all rows collected so far.
        on_wave: Called with every wave before its first draw.

    Returns:
        Waves by task.
    """
    from overthink.collect.session.run import number_samples

    plan, waves = session.plan, read_waves(folder.waves)
    with wave_file(folder.waves) as file:
        for task, name in zip(session.tasks, session.names, strict=True):
            if name not in waves:
                questions = tuple(sorted(str(sample.id) for sample in number_samples(task, plan)))
                waves[name] = Waves(questions, np.full((1, len(questions)), plan.draws, dtype=np.int64))
                file.append(wave_draws(name, questions, waves[name].counts[0]))
        running: dict[str, StoppingState] = {}
        while True:
            on_wave(_wave(plan, waves, running))
            collect(draws_of(waves))
            running = {name: now for name, now in stopping_rules(plan, waves, tables()).items() if now.stop is None}
            if not running:
                return waves
            for name, now in running.items():
                counts = now.next_counts()
                file.append(wave_draws(name, now.waves.questions, counts))
                waves[name] = now.waves.with_wave(counts)


def draws_of(waves: Mapping[str, Waves]) -> dict[tuple[str, str], int]:
    """Return the number of draws of each question in all waves, by task and question."""
    return {(name, q): int(n) for name, own in waves.items() for q, n in zip(own.questions, own.draws, strict=True)}


def waves_of_questions(waves: Mapping[str, Waves], questions: Mapping[str, Collection[str]]) -> dict[str, Waves]:
    """Return the waves of some questions alone, by task; a task without one is left out.

    Args:
        waves: Waves by task.
        questions: Questions by task.
    """
    result = {}
    for name, own in waves.items():
        places = [i for i, question in enumerate(own.questions) if question in questions.get(name, ())]
        if places:
            result[name] = Waves(tuple(own.questions[i] for i in places), own.counts[:, places])
    return result


def stopping_rules(plan: Plan, waves: Mapping[str, Waves], tables: Sequence[Outcomes]) -> dict[str, StoppingState]:
    """Return the stopping status of each task, from the intervals that a report of these curves would print.

    Args:
        plan: The study's plan; empty result without a precision target.
        waves: Waves by task.
        tables: The curves of all rows of these waves.
    """
    target = precision_target(plan)
    if target is None:
        return {}
    tables = with_waves(tables, waves)
    seeds = seeds_of(tables, rng=np.random.default_rng(plan.seed))
    rules = {}
    for table in tables:
        if table.estimand is Estimand.FORCED and not table.scorer.endswith(ON_TRACE):
            seed = seeds[table.questions]
            weights = question_weights(len(table.questions), rng=np.random.default_rng(seed))
            rules[table.task] = stopping_rule(table, target, weights, level=plan.level, seed=seed)
    return rules


def _wave(plan: Plan, waves: Mapping[str, Waves], running: Mapping[str, StoppingState]) -> Wave:
    traces = sum(int(own.counts.sum()) for own in waves.values())
    most = sum(len(own.questions) for own in waves.values()) * plan.most_draws
    number = max(len(own.counts) for own in waves.values())
    where = "; ".join(f"{name}: {_now(now)}" for name, now in running.items())
    remaining = f"at most {most - traces:,} traces beyond it"
    return Wave(f"wave {number}{f' ({where})' if where else ''}, {remaining}", traces)


def _now(now: StoppingState) -> str:
    if now.look is not None:
        return f"half-width {now.look.half_width[now.look.worst]:.3g}, {now.target.half_width:g} wanted"
    if now.crossing is None or not np.isfinite(now.crossing.high):
        return f"{now.target} not yet in sight"
    return (
        f"K* (tries) from {now.crossing.low:,.0f} to {now.crossing.high:,.0f}, a factor of {now.target.factor:g} wanted"
    )


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
