"""A shard in its folder: which one it is, and what is stored when it is complete.

Its rows are ``shard.parquet`` and no pool, and it has no findings: what may be claimed of a study follows from all its
questions. So nothing but its page and `merge` reads it, as with a study that has not finished.
"""

from dataclasses import replace

from overthink.analysis.withheld import values_alone
from overthink.data.shards import Shard
from overthink.storage.pool import scan_pool, write_pool
from overthink.storage.shards import ShardState, journal_bytes, read_shard_state, write_shard
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.results import about_source, results_of
from overthink.workflows.sources import Source
from overthink.workflows.study import Study


def store_shard(source: Source, shard: Shard, folder: StudyFolder, *, command: str | None) -> Study:
    """Store the rows of a complete shard and its page: values, without a claim.

    Args:
        source: The rows, with the models.
        shard: The shard.
        folder: Its folder, locked by this process.
        command: The command line.

    Returns:
        The shard's part of the study, without verdicts.
    """
    write_pool(folder.shard_pool, source.pool)
    state = read_shard_state(folder.shard)
    write_shard(folder.shard, ShardState(str(shard), None if state is None else state.command, journal_bytes(folder)))
    source = replace(source, pool=scan_pool(folder.shard_pool))
    request, results, scale = results_of(source, AnalysisOptions())
    values = values_alone(results)
    about = about_source(source, values, scale, command=command)
    about = replace(about, title=f"Shard {shard}: {about.title}", notes=(*source.notes, shard_note(shard)))
    study = Study(source.pool, values, about, request, source.assumptions, source.models, folder=folder)
    folder.write_report(study.html())
    return study


def shard_note(shard: Shard) -> str:
    """Return what readers of a shard's page must know."""
    return (
        f"These are the answers to the questions of shard {shard} alone, so there are values and no verdicts: what may "
        "be claimed follows from all questions, once `overthink merge` has put the shards together."
    )
