"""Draws that follow what earlier ones showed: wave after wave, until the interval is narrow enough, or cannot be.

A wave is written down before its first draw. Whoever goes on after a stop completes it as it was settled, and comes to
the same waves behind it: they follow from the rows of those before.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from overthink.analysing import aim_of
from overthink.core.adaptive.standing import Standing, standing
from overthink.core.adaptive.tables import with_waves
from overthink.core.adaptive.waves import Waves
from overthink.core.controls import ON_TRACE
from overthink.core.findings import seeds_of
from overthink.core.interval import question_weights
from overthink.core.outcomes import from_records
from overthink.core.record import Estimand, RungRecord
from overthink.plan import Plan
from overthink.store.folder import StudyFolder
from overthink.store.waves import WaveFile, read_waves

if TYPE_CHECKING:
    from overthink.collect.opened import Opened

Draws = Mapping[tuple[str, str], int]
"""By task and question: how many draws it is to have."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave that is about to be collected.

    Attributes:
        text: Which, why, and how far there may still be to go.
        traces: Traces of the study when it is collected.
    """

    text: str
    traces: int


Announced = Callable[[Wave], None]
"""Told of every wave before its first draw."""


def collect_in_waves(
    opened: "Opened",
    folder: StudyFolder,
    *,
    collect: Callable[[Draws], None],
    rows: Callable[[], Sequence[RungRecord]],
    announced: Announced,
) -> dict[str, Waves]:
    """Collect wave after wave until every task has reached the plan's aim, cannot reach it, or is at its cap.

    Args:
        opened: The plan, opened.
        folder: The study's folder; waves that are in it are completed first.
        collect: Collects what is missing of so many draws.
        rows: All rows collected so far.
        announced: Told of every wave before its first draw.

    Returns:
        By task: its waves.
    """
    from overthink.collect.collection import numbered

    plan, waves = opened.plan, read_waves(folder.waves)
    with WaveFile(folder.waves) as file:
        for task, name in zip(opened.tasks, opened.names, strict=True):
            if name not in waves:
                questions = tuple(sorted(str(sample.id) for sample in numbered(task, plan)))
                waves[name] = Waves(questions, np.full((1, len(questions)), plan.draws, dtype=np.int64))
                file.append(name, questions, waves[name].counts[0])
        seen: dict[str, Standing] = {}
        while True:
            announced(_wave(plan, waves, seen))
            collect(
                {(name, q): n for name, own in waves.items() for q, n in zip(own.questions, own.draws, strict=True)}
            )
            seen = {name: now for name, now in stand(plan, waves, rows()).items() if now.stop is None}
            if not seen:
                return waves
            for name, now in seen.items():
                counts = now.next_counts()
                file.append(name, now.waves.questions, counts)
                waves[name] = now.waves.with_wave(counts)


def stand(plan: Plan, waves: Mapping[str, Waves], rows: Sequence[RungRecord]) -> dict[str, Standing]:
    """Where each task stands, by the intervals that a report of these rows would print.

    Args:
        plan: The study's plan; it has an aim.
        waves: By task: its waves.
        rows: All rows of these waves.
    """
    aim = aim_of(plan)
    if aim is None:
        return {}
    tables = with_waves(from_records(rows), waves)
    seeds = seeds_of(tables, rng=np.random.default_rng(plan.seed))
    found = {}
    for table in tables:
        if table.estimand is Estimand.FORCED and not table.scorer.endswith(ON_TRACE):
            seed = seeds[table.questions]
            weights = question_weights(len(table.questions), rng=np.random.default_rng(seed))
            found[table.task] = standing(table, aim, weights, level=plan.level, seed=seed)
    return found


def _wave(plan: Plan, waves: Mapping[str, Waves], seen: Mapping[str, Standing]) -> Wave:
    traces = sum(int(own.counts.sum()) for own in waves.values())
    most = sum(len(own.questions) for own in waves.values()) * plan.most_draws
    number = max(len(own.counts) for own in waves.values())
    where = "; ".join(f"{name}: {_now(now)}" for name, now in seen.items())
    left = f"at most {most - traces:,} traces beyond it"
    return Wave(f"wave {number}{f' ({where})' if where else ''}, {left}", traces)


def _now(now: Standing) -> str:
    if now.seen is not None:
        return f"half-width {now.seen.half_width[now.seen.worst]:.3g}, {now.aim.half_width:g} wanted"
    if now.crossing is None or not np.isfinite(now.crossing.high):
        return f"{now.aim} not yet in sight"
    return f"K* from {now.crossing.low:,.0f} to {now.crossing.high:,.0f}, a factor of {now.aim.factor:g} wanted"
