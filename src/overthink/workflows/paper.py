"""For a paper: tables of a study's findings, and the paragraph on its methods, from what its folder records."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from overthink.data.finding import Finding
from overthink.data.pool import read
from overthink.errors import InputError
from overthink.paths import file_sha256, is_there, name_text
from overthink.reports.paper.contents import Content, data_table, printed_table
from overthink.reports.paper.markup import latex_methods, latex_text, markdown_methods, markdown_text, plain_methods
from overthink.reports.paper.methods import StudyRecord
from overthink.reports.paper.methods import methods as methods_of
from overthink.storage.files import write_text
from overthink.storage.findings import FindingsMeta, read_findings
from overthink.storage.json_documents import read_analysis, read_notes, read_plan
from overthink.storage.pool import scan_pool
from overthink.storage.study_folder import StudyFolder
from overthink.storage.tables.cells import csv_text
from overthink.workflows import arguments as arg
from overthink.workflows.resume import is_outdated

Format = Literal["csv", "md", "latex"]
_BY_SUFFIX: dict[str, Format] = {".csv": "csv", ".md": "md", ".tex": "latex"}


@dataclass(frozen=True, slots=True)
class StoredFindings:
    """Findings of a folder.

    Attributes:
        name: Name of the folder.
        meta: Versions and hashes that they follow from.
        findings: The findings, in order.
    """

    name: str
    meta: FindingsMeta
    findings: tuple[Finding, ...]


def stored_findings(path: Path) -> StoredFindings:
    """Return the findings of a folder that `run`, `analyse`, `compare` or `forecast` wrote.

    Raises:
        InputError: The folder holds no findings, they cannot be read, or they are of another pool than the folder's.
    """
    folder = StudyFolder(path)
    if not is_there(folder.findings):
        folder.refuse_unfinished()
        made = "overthink report" if is_there(folder.pool) else "overthink analyse LOGS --out"
        raise InputError(
            f"{path} holds no findings.json; needed: the folder of a study, or one that analyse, compare or forecast "
            f"wrote with --out. Make one with `{made} {path}`."
        )
    if is_there(folder.plan) and is_outdated(folder, read_plan(folder.plan)):
        raise InputError(
            f"{path} holds a study that was extended and has not finished: {folder.findings.name} is of what it was "
            "before; repeat its `overthink run` with --resume"
        )
    meta, findings = read_findings(folder.findings)
    if meta.pool_sha256 is not None and is_there(folder.pool) and file_sha256(folder.pool) != meta.pool_sha256:
        raise InputError(
            f"{folder.findings} follows from another pool than {folder.pool}; run `overthink report {path}`, which "
            "makes the findings of this one"
        )
    return StoredFindings(name_text(path.resolve().name), meta, findings)


def table_text(path: Path, *, content: str = "curves", form: Format = "md") -> str:
    """Return a table of a study's findings.

    Args:
        path: The folder of a study, or one that analyse, compare or forecast wrote.
        content: What the table holds, a value of :class:`~overthink.reports.paper.contents.Content`.
        form: "csv" has numbers at full precision; "md" and "latex" have them rounded.

    Returns:
        The table as text, which ends in a newline.

    Raises:
        InputError: The folder holds no findings, or none of this kind.
    """
    stored, chosen = stored_findings(path), Content(content)
    data = data_table(stored.findings, chosen)
    if not data.rows:
        raise InputError(
            f"{path} holds no finding for --what {content}; it holds {_kinds(stored.findings)}. "
            "Needed: another --what, or a study with such findings"
        )
    if form == "csv":
        return csv_text((data.columns, *data.rows))
    printed = printed_table(stored.findings, chosen, source=stored.name)
    return markdown_text(printed) if form == "md" else latex_text(printed, label=f"tab:overthink-{content}")


@arg.checked(
    path=arg.a_path,
    what=arg.word_of(*Content),
    format=arg.word_of("csv", "md", "latex"),
    out=arg.a_path_or_none,
)
def table(
    path: str | Path,
    *,
    what: str | None = None,
    format: Format | None = None,  # noqa: A002 - the word of the command line
    out: str | Path | None = None,
) -> str:
    """Return findings as a table for a paper. Nothing is computed anew.

    Args:
        path: The folder of a study, or one that `analyse`, `compare` or `forecast_table` wrote with `out`.
        what: "curves" (if None), a row per task, arm and rung; "verdicts"; "gates"; "differences" between rungs;
            "compare", arms against their reference; "forecast"; or "findings", all of them.
        format: "csv", at full precision; "md"; "latex", with booktabs; None for what the ending of `out` asks for, else
            Markdown.
        out: File for the table, too; None writes nothing.

    Returns:
        The table as text, which ends in a newline.

    Raises:
        InputError: The folder holds no findings, or none of this kind, or a word is none of these.
    """
    file = None if out is None else Path(out)
    text = table_text(Path(path), content=what or "curves", form=format or format_of(file))
    if file is not None:
        write_text(file, text)
    return text


def format_of(out: Path | None) -> Format:
    """Return the format that a file's name asks for; Markdown where there is none.

    Raises:
        InputError: The ending is of another format.

    Example:
        >>> format_of(Path("paper/curves.tex")), format_of(None)
        ('latex', 'md')
    """
    if out is None:
        return "md"
    if out.suffix.lower() not in _BY_SUFFIX:
        raise InputError(f"{out} ends in no format of a table; needed: --format csv, md or latex, or .csv, .md, .tex")
    return _BY_SUFFIX[out.suffix.lower()]


def _kinds(findings: tuple[Finding, ...]) -> str:
    counts = Counter(finding.kind.value for finding in findings)
    return ", ".join(f"{number:,} of kind {kind}" for kind, number in counts.most_common(8)) or "no finding at all"


Markup = Literal["text", "md", "latex"]
_WRITERS = {"text": plain_methods, "md": markdown_methods, "latex": latex_methods}


@arg.checked(path=arg.a_path, format=arg.word_of("text", "md", "latex"))
def methods(path: str | Path, *, format: Markup = "text") -> str:  # noqa: A002 - the word of the command line
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


def methods_text(path: Path, *, form: Markup = "text") -> str:
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
        notes=read_notes(folder.analysis),
    )


def _models(pool: Path) -> tuple[tuple[str, ...], int]:
    """Return the names of the models that the rows state, in order, and how many rows state none."""
    counts = read(scan_pool(pool).group_by("model").agg(pl.len().alias("rows")).sort("model"))
    by_name = dict(counts.iter_rows())
    return tuple(name for name in by_name if name is not None), by_name.get(None, 0)
