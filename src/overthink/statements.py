"""Statements of studies: made from plan and findings, checked by their own words, and computed again from the pool."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from overthink.analysing import HowToAnalyse
from overthink.core.finding import Finding
from overthink.core.findings import findings as find
from overthink.errors import InputError
from overthink.govern.assembling import Made, make_statement
from overthink.govern.compare_statements import DUE, re_evaluation
from overthink.govern.exports import cyclonedx_properties, model_card_paragraph, model_documentation_field
from overthink.govern.faults import Fault
from overthink.govern.reading_statement import LARGEST, parse_stated, parse_statement
from overthink.govern.recomputed import RECOMPUTED, changed_findings, differences
from overthink.govern.rules import check_statement
from overthink.govern.statement import Evidence, Stated, Statement
from overthink.govern.statement_text import statement_text
from overthink.plan import Plan
from overthink.sources import Source
from overthink.store.analysis import read_analysis
from overthink.store.atomic import file_sha256, write_text
from overthink.store.findings import read_findings
from overthink.store.folder import StudyFolder
from overthink.store.plan import read_plan
from overthink.store.pool import read_pool
from overthink.store.waves import read_waves


@dataclass(frozen=True, eq=False)
class Written:
    """A statement, and where it was written; None where it was not."""

    statement: Statement
    path: Path | None

    def json(self) -> str:
        """The statement as ``statement.json`` holds it."""
        return _json(self.statement.model_dump(mode="json", by_alias=True))

    def text(self) -> str:
        """The statement as ``statement.md`` holds it."""
        return statement_text(self.statement)

    def exports(self) -> Mapping[str, str]:
        """By file name: the statement in the forms that others ask for."""
        return {
            "every_eval_ever.json": _json(self.statement.every_eval_ever),
            "model_documentation_form.json": _json(model_documentation_field(self.statement)),
            "cyclonedx_properties.json": _json(cyclonedx_properties(self.statement)),
            "model_card.md": model_card_paragraph(self.statement) + "\n",
        }


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        statements: Names of the statements that were checked.
        faults: What is wrong with them; empty if every rule is kept.
        due: Why re-evaluation is due; None where one statement was given.
    """

    statements: tuple[str, ...]
    faults: tuple[Fault, ...]
    due: tuple[Fault, ...] | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, and no re-evaluation is due."""
        return not self.faults and not self.due

    def json(self) -> str:
        """The result as JSON."""
        told: dict[str, Any] = {
            "ok": self.ok,
            "statements": list(self.statements),
            "faults": [asdict(fault) for fault in self.faults],
        }
        if self.due is not None:
            told |= {"re_evaluation_due": bool(self.due), "because": [asdict(fault) for fault in self.due]}
        return _json(told)

    def text(self) -> str:
        """The result as lines for a terminal."""
        names = " and ".join(self.statements)
        head = f"{names}: every rule is kept" if not self.faults else f"{names}: {_some(len(self.faults))}"
        lines = [head, *(f"  {fault}" for fault in self.faults)]
        if self.due is not None:
            lines.append("re-evaluation is due" if self.due else "no re-evaluation is due")
            lines += [f"  {fault.where}: {fault.reason}" for fault in self.due]
        return "\n".join(lines)


def statement(
    path: str | Path, *, out: str | Path | None = None, facts: str | Path | None = None, write: bool = True
) -> Written:
    """The evaluation statement of a study, from its plan and findings alone.

    Args:
        path: A study's folder, with plan and findings.
        out: Folder for statement.json, statement.md and the exports; None for the study's own.
        facts: JSON file with what the evaluator knows and findings do not say, such as the model's revision and the
            largest deployable budget; None states nothing.
        write: Write the files.

    Raises:
        InputError: The folder holds no plan or no findings, they do not belong together, or nothing was measured.
    """
    folder = StudyFolder(Path(path))
    folder.require()
    stated = Stated() if facts is None else parse_stated(_read(Path(facts)), str(facts))
    plan = _plan(folder)
    found, evidence = _findings(folder, plan)
    made = make_statement(found, plan, Made(datetime.now(UTC).isoformat(timespec="seconds"), evidence, stated))
    if not write:
        return Written(made, None)
    target = folder.path if out is None else Path(out)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; needed: a folder for the statement")
    target.mkdir(parents=True, exist_ok=True)
    written = Written(made, target / "statement.json")
    for name, text in {"statement.json": written.json(), "statement.md": written.text(), **written.exports()}.items():
        write_text(target / name, text)
    return written


def check(
    path: str | Path,
    second: str | Path | None = None,
    *,
    study: str | Path | None = None,
    labels: str | Path | None = None,
) -> Checked:
    """Check a statement: its form, every rule, and with a study every number again from the pool.

    Args:
        path: A statement.json.
        second: Another one; then it is also told whether re-evaluation of the first is due.
        study: The study's folder that the (first) statement was made from.
        labels: The human labels that its analysis was given, if any.

    Raises:
        InputError: A file is missing, no statement, or one of a newer schema; or the study cannot be read.
    """
    names = tuple(str(one) for one in (path, second) if one is not None)
    read = [parse_statement(_read(Path(name)), name) for name in names]
    faults: list[Fault] = []
    for name, one in zip(names, read, strict=True):
        found = one if isinstance(one, tuple) else check_statement(one, now=datetime.now(UTC))
        faults += [fault if len(names) == 1 else replace(fault, where=f"{name}: {fault.where}") for fault in found]
    first, other = read[0], read[-1]
    if study is not None and isinstance(first, Statement):
        faults += _again(first, StudyFolder(Path(study)), labels=None if labels is None else Path(labels))
    due = None
    if second is not None and isinstance(first, Statement) and isinstance(other, Statement):
        due = re_evaluation(first, other)
    elif second is not None:
        due = (Fault(DUE, "the whole", "a malformed statement cannot be compared"),)
    return Checked(names, tuple(faults), due)


def _again(given: Statement, folder: StudyFolder, *, labels: Path | None) -> list[Fault]:
    """Everything that plan and pool do not give today: in the hashes, in the stored findings, in the statement."""
    folder.require()
    plan = _plan(folder)
    meta, stored = read_findings(folder.findings)
    if not folder.pool.exists():
        raise InputError(f"{folder.path} holds no pool; needed: the study that the statement was made from")
    source = Source(plan.title, read_pool(folder.pool), plan=plan, decided=read_analysis(folder.analysis))
    source = replace(source, waves=read_waves(folder.waves))
    tables = source.tables()
    analysis, seed = HowToAnalyse(labels=labels).settled(source, tables)
    made = find(tables, analysis, rng=np.random.default_rng(seed))
    files = {"plan": plan.sha256(), "pool": file_sha256(folder.pool), "findings": file_sha256(folder.findings)}
    faults = [
        Fault(RECOMPUTED, f"{name}_sha256", f"findings.json was made from {told}; the file is {files[name]}")
        for name, told in (("plan", meta.plan_sha256), ("pool", meta.pool_sha256))
        if told != files[name]
    ]
    faults += changed_findings(stored, made)
    evidence = given.evidence.model_copy(update={f"{name}_sha256": value for name, value in files.items()})
    now = make_statement(made, plan, Made(given.created, evidence, given.stated))
    return faults + list(differences(given, now))


def _plan(folder: StudyFolder) -> Plan:
    if not folder.plan.exists():
        raise InputError(
            f"{folder.path} holds no plan.json, so model, elicitation and polarity are not known; a statement is made "
            "of a study by `overthink run`"
        )
    return read_plan(folder.plan)


def _findings(folder: StudyFolder, plan: Plan) -> tuple[tuple[Finding, ...], Evidence]:
    if not folder.findings.exists():
        raise InputError(f"{folder.path} holds no findings.json; make it with `overthink report {folder.path}`")
    meta, found = read_findings(folder.findings)
    if meta.plan_sha256 != plan.sha256():
        raise InputError(
            f"{folder.findings} was not made by {folder.plan}: it names plan {meta.plan_sha256}; make the findings "
            f"again with `overthink report {folder.path}`"
        )
    if meta.pool_sha256 is None:
        raise InputError(f"{folder.findings} names no pool; make it again with `overthink report {folder.path}`")
    if not found:
        raise InputError(f"{folder.findings} holds no finding, so nothing can be claimed")
    evidence = Evidence(
        plan_sha256=plan.sha256(),
        pool_sha256=meta.pool_sha256,
        findings_sha256=file_sha256(folder.findings),
        findings=len(found),
        overthink=meta.overthink,
    )
    return found, evidence


def _read(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path} is no file; needed: a JSON document")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path} has {path.stat().st_size:,} bytes; needed: at most {LARGEST:,}")
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as failure:
        raise InputError(f"{path} is not UTF-8 text ({failure}); needed: a JSON document") from failure


def _json(document: Any) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _some(count: int) -> str:
    return "1 fault" if count == 1 else f"{count} faults"
