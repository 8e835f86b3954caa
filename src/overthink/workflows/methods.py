"""The paragraph on methods of a study, from what its folder records."""

from pathlib import Path
from typing import Literal

import polars as pl

from overthink.data.pool import read
from overthink.errors import InputError
from overthink.paths import is_there
from overthink.reports.paper.methods import StudyRecord
from overthink.reports.paper.methods import methods as methods_of
from overthink.reports.paper.methods_text import latex_methods, markdown_methods, plain_methods
from overthink.storage.json_documents import read_analysis, read_plan
from overthink.storage.pool import scan_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import arguments as arg
from overthink.workflows.table import stored_findings

Format = Literal["text", "md", "latex"]
_WRITERS = {"text": plain_methods, "md": markdown_methods, "latex": latex_methods}


@arg.checked(path=arg.a_path, format=arg.word_of("text", "md", "latex"))
def methods(path: str | Path, *, format: Format = "text") -> str:  # noqa: A002 - the word of the command line
    """Return what was done in a study, as sentences for a paper.

    Args:
        path: The folder of a study, or one that `analyse`, `compare` or `forecast_table` wrote with `out`.
        format: "text", "md", or "latex" with a paragraph per topic.

    Returns:
        One paragraph per topic. What the folder does not record is called unknown.

    Raises:
        InputError: The folder holds no findings, a file of it cannot be read, or they do not belong together.
    """
    return methods_text(Path(path), form=format)


def methods_text(path: Path, *, form: Format = "text") -> str:
    """Return what was done in a study, as sentences for a paper.

    Args:
        path: The folder of a study, or one that analyse, compare or forecast wrote.
        form: "text", "md" or "latex".

    Returns:
        One paragraph per topic. What the folder does not record is called unknown.

    Raises:
        InputError: The folder holds no findings, a file of it cannot be read, or they do not belong together.
    """
    return _WRITERS[form](methods_of(study_record(path)))


def study_record(path: Path) -> StudyRecord:
    """Return what a folder records of a study.

    Raises:
        InputError: As for :func:`methods_text`.
    """
    stored, folder = stored_findings(path), StudyFolder(path)
    plan = read_plan(folder.plan) if is_there(folder.plan) else None
    if plan is not None and stored.meta.plan_sha256 not in (None, plan.sha256()):
        raise InputError(
            f"{folder.findings} follows from another plan than {folder.plan}; run: overthink report {path}"
        )
    analysis, seed = read_analysis(folder.analysis) or (None, None)
    models, n_unnamed = _models(folder.pool) if is_there(folder.pool) else ((), None)
    return StudyRecord(
        findings=stored.findings,
        made_with=stored.meta.overthink,
        plan_sha256=stored.meta.plan_sha256,
        pool_sha256=stored.meta.pool_sha256,
        plan=plan,
        analysis=analysis,
        seed=seed,
        models=models,
        n_unnamed=n_unnamed,
    )


def _models(pool: Path) -> tuple[tuple[str, ...], int]:
    """Return the names of the models that the rows state, in order, and how many rows state none."""
    counts = read(scan_pool(pool).group_by("model").agg(pl.len().alias("rows")).sort("model"))
    by_name = dict(counts.iter_rows())
    return tuple(name for name in by_name if name is not None), by_name.get(None, 0)
