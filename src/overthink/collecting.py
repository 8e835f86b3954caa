"""Collect what a plan says: each trace is on the disk as soon as it is finished, and all rows come back as a source."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from overthink.adaptive import Announced, Draws, collect_in_waves
from overthink.core.adaptive.waves import Waves
from overthink.core.cut_short import NOTHING, CutShort
from overthink.core.record import RungRecord
from overthink.core.verified import with_scores
from overthink.cut_short import cut_short
from overthink.errors import StoppedError
from overthink.resuming import Collected
from overthink.sources import Source, verifier_notes
from overthink.store.folder import StudyFolder
from overthink.store.journal import Journal
from overthink.store.questions import read_questions, write_questions
from overthink.store.thoughts import Thoughts
from overthink.store.unfinished import Unfinished, write_unfinished
from overthink.store.verified import read_scores, read_verified

if TYPE_CHECKING:
    from overthink.collect.opened import Opened

Told = Callable[[Sequence[RungRecord]], None]
"""Told of every finished trace, with its rows."""


def laddered(opened: "Opened", folder: StudyFolder, has: Collected, told: Told, announced: Announced) -> Source:
    """Collect the traces that are missing, on the ladder or in loops of turns.

    Where draws follow what earlier ones showed, they come wave after wave.

    Args:
        opened: The plan, opened.
        folder: The study's folder, held by this process.
        has: What it has already.
        told: Called with the rows of every finished trace.
        announced: Called with every wave before its first draw.
    """
    from overthink.collect.agent import collect_agents
    from overthink.collect.collection import collect_ladder
    from overthink.collect.keeper import Keeper

    opened = _asking(opened, folder)
    traces = dict(has.done)
    with (
        Journal(folder.journal) as journal,
        Thoughts(folder.thoughts) as thoughts,
        Unfinished(folder.unfinished) as unfinished,
    ):

        def keep(trace: Sequence[RungRecord]) -> None:
            journal.append(trace)
            traces[trace[0].task, trace[0].arm, trace[0].question, trace[0].draw] = tuple(trace)
            told(trace)

        def lose(trace: CutShort) -> None:
            is_kept = (trace.task, trace.arm, trace.question, trace.draw) in traces
            if not is_kept and (trace.paid != NOTHING or trace.unanswered):
                with suppress(StoppedError):  # a full disk: the run ends with an error of its own
                    unfinished.append(trace)

        def collect(draws: Draws | None) -> None:
            keeper = Keeper(
                done=traces,
                sparse=has.sparse,
                on_thought=thoughts.append,
                on_trace=keep,
                draws=draws,
                on_cut_short=lose,
            )
            collect_missing = collect_ladder if opened.plan.checkpoints is None else collect_agents
            collect_missing(opened, study=folder.path.name, log_dir=folder.logs, keeper=keeper)

        def rows() -> list[RungRecord]:
            return [row for trace in traces.values() for row in trace]

        waves: Mapping[str, Waves] = {}
        if opened.plan.until is None:
            collect(None)
        else:
            waves = collect_in_waves(opened, folder, collect=collect, rows=rows, announced=announced)
    collected, verified = rows(), read_verified(folder.verified)
    notes: tuple[str, ...] = ()
    if verified is not None:  # scores of a verifier stay with their answers; what is new has none
        collected = with_scores(collected, read_scores(folder.scores), verified.arms)
        notes = verifier_notes(verified, collected, opened.plan)
    return Source(
        opened.plan.title,
        collected,
        notes=notes,
        plan=opened.plan,
        estimate=opened.spending,
        waves=waves,
        verified=() if verified is None else (verified,),
        cut_short=cut_short(folder, collected),
    )


def levelled(opened: "Opened", folder: StudyFolder, told: Told) -> Source:
    """Run what is missing at the provider's own levels.

    Args:
        opened: The plan, opened.
        folder: The study's folder, held by this process.
        told: Called, without rows, for every finished sample.
    """
    from overthink.collect.effort import collect_efforts

    opened = _asking(opened, folder)
    reading, again = collect_efforts(opened, study=folder.path.name, log_dir=folder.logs, on_sample=lambda: told(()))
    write_unfinished(folder.unfinished, again)  # the logs tell all of it every time
    return Source(
        opened.plan.title,
        reading.records,
        notes=reading.notes,
        plan=opened.plan,
        estimate=opened.spending,
        cut_short=again,
    )


def _asking(opened: "Opened", folder: StudyFolder) -> "Opened":
    """The plan with the questions that the study asks: those of before, and where it has grown more; they are kept."""
    from overthink.collect.questions import as_asked

    there = read_questions(folder.questions)
    asking, questions = as_asked(opened, there)
    if questions != there:
        write_questions(folder.questions, questions)
    return asking
