"""Analysis of a merged study: findings where every trace is there, values alone where some are missing."""

from dataclasses import replace

import polars as pl

from overthink.analysis.withheld import values_alone
from overthink.data.pool import read
from overthink.data.waves import Waves
from overthink.plan.study import Plan
from overthink.storage.journal import read_waves
from overthink.storage.json_documents import read_assumptions
from overthink.storage.models import StudyModels, read_models
from overthink.storage.pool import scan_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.analyse import study_of, write_study
from overthink.workflows.endpoints import stored_endpoint_notes
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.results import about_source, results_of
from overthink.workflows.sources import ReadOptions, Source, read_source
from overthink.workflows.study import Study
from overthink.workflows.waves import waves_of_questions


def finished_study(folder: StudyFolder, pool_sha256: str, *, notes: tuple[str, ...], command: str | None) -> Study:
    """Analyse the complete pool of a merged study, and write its findings and its report.

    Args:
        folder: Its folder.
        pool_sha256: SHA-256 of its pool, which stays as it is.
        notes: What must be said of the merge.
        command: The command line.
    """
    source = read_source(folder.path, ReadOptions())
    source = replace(source, notes=(*source.notes, *notes))
    options = AnalysisOptions(assumptions=read_assumptions(folder.analysis))
    return write_study(study_of(source, options, command=command), folder, pool_sha256)


def _waves(folder: StudyFolder, pool: pl.LazyFrame) -> dict[str, Waves]:
    """Return the waves of the questions that have rows."""
    questions: dict[str, set[str]] = {}
    for task, question in read(pool.select("task", "question").unique()).rows():
        questions.setdefault(task, set()).add(question)
    return waves_of_questions(read_waves(folder.waves), questions)


def unfinished_study(folder: StudyFolder, plan: Plan, *, notes: tuple[str, ...], command: str | None) -> Study:
    """Write the page of a merged study that lacks traces: values, without a claim.

    Args:
        folder: Its folder, with the rows of a shard and no pool.
        plan: Its plan.
        notes: What is missing, and how it is collected.
        command: The command line.
    """
    pool, models = scan_pool(folder.shard_pool), read_models(folder.models) or StudyModels()
    source = Source(plan.title, pool, plan=plan, models=models, waves=_waves(folder, pool))
    request, results, scale = results_of(source, AnalysisOptions())
    values = values_alone(results)
    about = about_source(source, values, scale, command=command)
    about = replace(about, title=f"Unfinished: {about.title}", notes=(*stored_endpoint_notes(folder), *notes))
    study = Study(pool, values, about, request, source.assumptions, models, folder=folder)
    folder.write_report(study.html())
    return study
