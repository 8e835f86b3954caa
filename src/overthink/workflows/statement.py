"""Statements of studies: build from plan and findings, check against the rules, recompute from the pool."""

import json
from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from overthink.analysis.k_scale import NO_SIZE, k_scale
from overthink.cost.units import Unit
from overthink.data.finding import Finding
from overthink.data.number_text import count
from overthink.data.results.study import flatten
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.errors import InputError
from overthink.governance.statement.build import Provenance, changed_decisions, make_statement
from overthink.governance.statement.check import (
    NOT_IN_STUDY,
    NOT_VERIFIED,
    RECOMPUTED,
    WITHOUT_STORE,
    Checked,
    changed_findings,
    changed_stated,
    check_statement,
    differences,
)
from overthink.governance.statement.compare import DUE, re_evaluation
from overthink.governance.statement.exports import cyclonedx_properties, model_card_paragraph, model_documentation_field
from overthink.governance.statement.read import (
    MAX_STATEMENT_LENGTH,
    Fault,
    ReadStatement,
    parse_stated,
    parse_statement,
)
from overthink.governance.statement.schema import Evidence, Stated, Statement
from overthink.governance.statement.text import statement_text
from overthink.paths import file_sha256, is_there, name_text, path_kind, read_file
from overthink.plan.study import Plan
from overthink.storage.files import storage_errors, write_text
from overthink.storage.findings import read_findings
from overthink.storage.journal import read_waves
from overthink.storage.json_documents import read_analysis
from overthink.storage.oversight import oversight_of, oversight_sha256, projections_of
from overthink.storage.pool import read_pool
from overthink.storage.study_folder import StudyFolder
from overthink.storage.verifier_scores import read_verified
from overthink.workflows import arguments as arg
from overthink.workflows.policy import usage_faults
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.results import SourceResults, plan_of, require_waves, results_of, setting_of, sources_text
from overthink.workflows.sources import Source


@dataclass(frozen=True, eq=False, repr=False)
class StatementFiles:
    """A statement and the path of its file; None if it was not written."""

    statement: Statement
    path: Path | None

    def __repr__(self) -> str:
        where = "not written" if self.path is None else f"in {visible(str(self.path), PROSE_LIMIT)}"
        title, claims = visible(self.statement.title, PROSE_LIMIT), count(len(self.statement.claims), "claim")
        return f"{title}: a statement with {claims}, {where}"

    def json(self) -> str:
        """Return the content of ``statement.json``."""
        return _json(self.statement.model_dump(mode="json", by_alias=True))

    def text(self) -> str:
        """Return the content of ``statement.md``."""
        return statement_text(self.statement)

    def exports(self) -> Mapping[str, str]:
        """Return the statement in other formats, by file name."""
        return {
            "every_eval_ever.json": _json(self.statement.every_eval_ever),
            "model_documentation_form.json": _json(model_documentation_field(self.statement)),
            "cyclonedx_properties.json": _json(cyclonedx_properties(self.statement)),
            "model_card.md": model_card_paragraph(self.statement) + "\n",
        }


@dataclass(frozen=True)
class CheckResult:
    """Result of a check.

    Attributes:
        statements: Names of the statements.
        faults: Violations of the rules; empty if there are none.
        due: Reasons for re-evaluation; None for a single statement.
        own_words: Places of texts that nothing checks.
        not_verified: What this check cannot know: with the study, only when the statement was made.
        without_study: Names of the statements whose study was not computed again.
    """

    statements: tuple[str, ...]
    faults: tuple[Fault, ...]
    due: tuple[Fault, ...] | None = None
    own_words: tuple[str, ...] = ()
    not_verified: tuple[str, ...] = ()
    without_study: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no fault, and no re-evaluation is due. Own words are neither."""
        return not self.faults and not self.due

    def json(self) -> str:
        """Return the result as JSON."""
        document: dict[str, Any] = {
            "ok": self.ok,
            "statements": list(self.statements),
            "faults": [asdict(fault) for fault in self.faults],
            "own_words": len(self.own_words),
            "own_words_at": list(self.own_words),
            "not_verified": list(self.not_verified),
        }
        if self.due is not None:
            document |= {"re_evaluation_due": bool(self.due), "because": [asdict(fault) for fault in self.due]}
        return _json(document)

    def text(self) -> str:
        """Return the result as lines for a terminal."""
        names = " and ".join(self.statements)
        kept = "every rule is kept, and every sentence is the one that its facts give"
        lines = [f"{names}: {kept if not self.faults else count(len(self.faults), 'fault')}"]
        lines += [f"  {fault}" for fault in self.faults]
        if self.own_words:
            texts = count(len(self.own_words), "text")
            lines.append(f"own words, not checked: {texts} ({', '.join(self.own_words)})")
        if self.not_verified:
            some = 0 < len(self.without_study) < len(self.statements)
            of = f" of {' and '.join(self.without_study)}" if some else ""
            why = f"{of}, for want of the study (--study)" if self.without_study else ""
            lines += [f"not verified{why}:", *(f"  {what}" for what in self.not_verified)]
        if self.due is not None:
            lines.append("re-evaluation is due" if self.due else "no re-evaluation is due")
            lines += [f"  {fault.where}: {fault.reason}" for fault in self.due]
        return "\n".join(lines)


@arg.checked(path=arg.a_path, out=arg.a_path_or_none, facts=arg.a_path_or_none, write=arg.a(bool))
def statement(
    path: str | Path, *, out: str | Path | None = None, facts: str | Path | None = None, write: bool = True
) -> StatementFiles:
    """Build the evaluation statement of a study from its plan and pool, or of analysed logs and tables from their pool.

    Args:
        path: A study's folder, with plan, pool and findings, or what `analyse` wrote: pool, findings and analysis.
        out: Folder for statement.json, statement.md and the exports; None for the study's own.
        facts: JSON file with what findings do not contain, such as the model's revision and the largest deployable
            budget; a copy becomes the study's facts.json. None for the facts.json that is there, if any.
        write: Write the files.

    Raises:
        InputError: The folder holds no pool or findings, they do not match, or nothing was measured; or there is no
            plan, and the rows are of several models.
    """
    folder = StudyFolder(Path(path))
    folder.require()
    stated = _stated(folder, facts)
    plan = plan_of(folder)
    stored, evidence = _findings(folder, plan)
    request, results, scale = _results(folder, plan)
    setting = setting_of(folder, plan, request.analysis)
    changes = changed_findings(stored, flatten(results))
    if changes:
        raise InputError(
            f"{folder.findings} is not what {sources_text(plan)} give ({changes[0]}); make it again with "
            f"`overthink report {folder.path}`"
        )
    created = datetime.now(UTC).isoformat(timespec="seconds")
    provenance = Provenance(created, evidence, stated, changed_decisions(plan, *request))
    document = make_statement(results, setting, provenance, scale)
    if not write:
        return StatementFiles(document, None)
    target = folder.path if out is None else Path(out)
    if (kind := path_kind(target)) not in ("not there", "a folder"):
        raise InputError(f"{target} is {kind}; needed: a folder for the statement")
    with storage_errors(target):
        target.mkdir(parents=True, exist_ok=True)
    if facts is not None:
        write_text(folder.facts, _json(stated.model_dump(mode="json", exclude_defaults=True)))
    files = StatementFiles(document, target / "statement.json")
    for name, text in {"statement.json": files.json(), "statement.md": files.text(), **files.exports()}.items():
        write_text(target / name, text)
    return files


def _stated(folder: StudyFolder, facts: str | Path | None) -> Stated:
    """Return what the evaluator states: by a file, else by the study's own, else nothing."""
    if facts is not None:
        return parse_stated(_read(Path(facts)), str(facts))
    if not is_there(folder.facts):
        return Stated()
    return parse_stated(_read(folder.facts, follow=False), str(folder.facts))


@arg.checked(
    path=arg.a_path,
    second=arg.a_path_or_none,
    study=arg.a_path_or_none,
    labels=arg.a_path_or_none,
    facts=arg.a_path_or_none,
    usage=arg.text_or_texts_or_none,
    heads=arg.a(Mapping | None),
)
def check(
    path: str | Path,
    second: str | Path | None = None,
    *,
    study: str | Path | None = None,
    labels: str | Path | None = None,
    facts: str | Path | None = None,
    usage: str | Sequence[str] | None = None,
    heads: Mapping[str, tuple[int, str]] | None = None,
) -> CheckResult:
    """Check a statement: its rules, that its facts give every sentence, and with a study every fact from the pool.

    Args:
        path: A statement.json.
        second: Another statement, to decide whether re-evaluation of the first is due.
        study: Folder of the study of the (first) statement.
        labels: Human labels used in its analysis, if any.
        facts: What the evaluator stated; None for the study's facts.json.
        usage: Usage ledgers of gateways, one of each replica, to hold against the (first) statement.
        heads: Where each of them ended by the gateway's store: by the hash of its first line the number of lines, and
            the hash of the last. None where the store is not at hand, which the result says.

    Raises:
        InputError: A file is missing, not a statement, or of another schema; the study cannot be read; or there are
            labels without the study that they belong to.
    """
    if labels is not None and study is None:
        raise InputError("--labels is read with --study alone; add the study that they belong to, or leave it out")
    paths = [Path(document) for document in (path, second) if document is not None]
    names = tuple(name_text(str(document)) for document in paths)
    read = [parse_statement(_read(document), name) for document, name in zip(paths, names, strict=True)]
    now = datetime.now(UTC)
    checked = [
        check_statement(one, now=now) if isinstance(one, ReadStatement) else Checked(one, None, ()) for one in read
    ]
    faults: list[Fault] = []
    words: list[str] = []
    for name, one in zip(names, checked, strict=True):
        start = "" if len(names) == 1 else f"{name}: "
        faults += [replace(fault, where=f"{start}{fault.where}") for fault in one.faults]
        words += [f"{start}{where}" for where, _ in one.own_words]
    first = read[0]
    if isinstance(first, ReadStatement):
        faults += _against_the_study(first.facts, study, labels=labels, facts=facts)
        faults += usage_faults(checked[0].statement, usage, heads)
    alone = names if study is None else names[1:]
    due = None if second is None else _due(checked[0].statement, checked[1].statement)
    unknown: tuple[str, ...] = NOT_VERIFIED if alone else NOT_IN_STUDY
    unknown += (WITHOUT_STORE,) if usage and heads is None else ()
    return CheckResult(names, tuple(faults), due, tuple(words), unknown, alone)


def _due(first: Statement | None, second: Statement | None) -> tuple[Fault, ...]:
    if first is None or second is None:
        return (Fault(DUE, "the whole", "a malformed statement cannot be compared"),)
    return re_evaluation(first, second)


def _against_the_study(
    read: Statement, study: str | Path | None, *, labels: str | Path | None, facts: str | Path | None
) -> list[Fault]:
    """Return differences from what study and facts file give."""
    if study is None:
        return [] if facts is None else list(changed_stated(read.stated, parse_stated(_read(Path(facts)), str(facts))))
    folder = StudyFolder(Path(study))
    recomputed = _recompute(read, folder, labels=None if labels is None else Path(labels))
    return [*recomputed, *changed_stated(read.stated, _stated(folder, facts))]


def _recompute(read: Statement, folder: StudyFolder, *, labels: Path | None) -> list[Fault]:
    """Return differences of hashes, stored findings and facts from those recomputed from plan and pool."""
    folder.require()
    plan = plan_of(folder)
    if not is_there(folder.findings):
        folder.refuse_unfinished()
        raise InputError(f"{folder.path} holds no findings.json; make it with `overthink report {folder.path}`")
    meta, stored_findings = read_findings(folder.findings)
    request, results, scale = _results(folder, plan, labels=labels)
    plan_sha256 = None if plan is None else plan.sha256()
    files = {
        "plan": plan_sha256,
        "pool": file_sha256(folder.pool),
        "findings": file_sha256(folder.findings),
        "oversight": oversight_sha256(folder),
    }
    faults = [
        Fault(RECOMPUTED, f"{name}_sha256", f"findings.json was made from {source_hash}; the file is {files[name]}")
        for name, source_hash in (("plan", meta.plan_sha256), ("pool", meta.pool_sha256))
        if source_hash != files[name]
    ]
    faults += changed_findings(stored_findings, flatten(results))
    hashes = {f"{name}_sha256": value for name, value in files.items()}
    evidence = Evidence.model_validate(hashes | {"findings": len(stored_findings), "overthink": meta.overthink})
    provenance = Provenance(read.created, evidence, read.stated, changed_decisions(plan, *request))
    now = make_statement(results, setting_of(folder, plan, request.analysis), provenance, scale)
    return faults + list(differences(read, now))


def _results(folder: StudyFolder, plan: Plan | None, *, labels: Path | None = None) -> SourceResults:
    """Return the results that the study's plan and pool give, by its own analysis."""
    if not is_there(folder.pool):
        raise InputError(f"{folder.path} holds no pool; needed: the study that the statement was made from")
    pool, waves = read_pool(folder.pool), read_waves(folder.waves)
    if plan is not None and plan.until is not None:
        require_waves(folder, pool, waves)
    verification = read_verified(folder.verified)
    source = Source(
        folder.path.name if plan is None else plan.title,
        pool,
        plan=plan,
        request=read_analysis(folder.analysis),
        waves=waves,
        verifications=() if verification is None else (verification,),
        oversight=oversight_of(folder),
        projections=projections_of(folder),
    )
    given = results_of(source, AnalysisOptions(labels=labels))
    if given.scale.reason != NO_SIZE:
        return given
    # K of a statement is in tokens where an analysis counts FLOP of models whose size it does not know
    in_tokens = replace(given.request.analysis, unit=Unit.TOKENS, k_reference=None)
    return given._replace(scale=k_scale(given.results.curves, in_tokens))


def _findings(folder: StudyFolder, plan: Plan | None) -> tuple[tuple[Finding, ...], Evidence]:
    if not is_there(folder.findings):
        folder.refuse_unfinished()
        raise InputError(f"{folder.path} holds no findings.json; make it with `overthink report {folder.path}`")
    meta, findings = read_findings(folder.findings)
    plan_sha256 = None if plan is None else plan.sha256()
    if meta.plan_sha256 != plan_sha256:
        of = f"was not made by {folder.plan}" if plan is not None else "belongs to a plan, which is gone"
        raise InputError(
            f"{folder.findings} {of}: it names plan {meta.plan_sha256}; make the findings again with "
            f"`overthink report {folder.path}`"
        )
    if meta.pool_sha256 is None:
        raise InputError(f"{folder.findings} names no pool; make it again with `overthink report {folder.path}`")
    if is_there(folder.pool) and meta.pool_sha256 != file_sha256(folder.pool):
        raise InputError(
            f"{folder.findings} was made from another {folder.pool.name}; make it again with "
            f"`overthink report {folder.path}`"
        )
    if not findings:
        raise InputError(f"{folder.findings} holds no finding, so nothing can be claimed")
    evidence = Evidence(
        plan_sha256=plan_sha256,
        pool_sha256=meta.pool_sha256,
        findings_sha256=file_sha256(folder.findings),
        oversight_sha256=oversight_sha256(folder),
        findings=len(findings),
        overthink=meta.overthink,
    )
    return findings, evidence


def _read(path: Path, *, follow: bool = True) -> str:
    if (kind := path_kind(path, follow=follow)) != "a file":
        hint = ""
        if kind == "a folder" and path_kind(path / "statement.json", follow=follow) == "a file":
            hint = ", such as the statement.json in it"
        elif kind == "a folder":
            hint = ". It has no statement.json: `overthink statement` makes that of a study that has finished"
        raise InputError(f"{path} is no file: it is {kind}; needed: a JSON document{hint}")
    content = read_file(path, follow=follow, most=MAX_STATEMENT_LENGTH)
    if content.startswith(BOM_UTF8):
        raise InputError(f"{path} starts with a byte order mark; needed: UTF-8 without it, as the file was written")
    if path.suffix.lower() == ".md":
        raise InputError(f"{path} is a page for readers; needed: the statement.json that it was made with")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as failure:
        raise InputError(f"{path} is not UTF-8 text ({failure}); needed: a JSON document") from failure


def _json(document: Any) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
