"""``findings.json``: the findings of a study, with the hashes of the plan and the pool they follow from."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from overthink.data.finding import EARLIER_FINDINGS_SCHEMA, FINDINGS_SCHEMA, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.selectors import Selector, is_other
from overthink.errors import InputError
from overthink.storage.files import write_text
from overthink.storage.json_documents import finite, read_document
from overthink.storage.json_text import listed_faults, typed_value


@dataclass(frozen=True, slots=True)
class FindingsMeta:
    """Provenance of the findings.

    Attributes:
        overthink: Version that computed them.
        plan_sha256: Hash of the plan; None where there was none (logs and tables from elsewhere).
        pool_sha256: Hash of the pool; None where none was stored.
        notes: How logs or tables were read, a sentence each; empty for rows of a plan.
    """

    overthink: str
    plan_sha256: str | None
    pool_sha256: str | None
    notes: tuple[str, ...] = ()


_FINDINGS = TypeAdapter(tuple[Finding, ...])


class _Head(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    schema_: str
    overthink: str
    plan_sha256: str | None
    pool_sha256: str | None
    notes: list[str] = []
    findings: list[dict[str, object]]


def findings_json(
    findings: Iterable[Finding],
    *,
    overthink: str,
    plan_sha256: str | None,
    pool_sha256: str | None,
    notes: Sequence[str] = (),
) -> str:
    """The findings document as text. A NaN or an infinity becomes null.

    Args:
        findings: Any number of findings.
        overthink: Version that computed them.
        plan_sha256: Hash of the plan they follow from, if any.
        pool_sha256: Hash of the pool they follow from, if one was stored.
        notes: How logs or tables were read, a sentence each; without any, the document has no place for them.
    """
    document = {
        "schema": FINDINGS_SCHEMA,
        "overthink": overthink,
        "plan_sha256": plan_sha256,
        "pool_sha256": pool_sha256,
        **({"notes": list(notes)} if notes else {}),
        "findings": [_stored(finding) for finding in findings],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _stored(finding: Finding) -> object:
    """The finding as JSON; few findings name questions, so that the others have no list of them."""
    stored = finite(finding)
    assert isinstance(stored, dict)
    return stored if finding.questions else {name: value for name, value in stored.items() if name != "questions"}


def write_findings(
    path: Path,
    findings: Iterable[Finding],
    *,
    overthink: str,
    plan_sha256: str | None,
    pool_sha256: str | None,
    notes: Sequence[str] = (),
) -> str:
    """Write findings.json atomically; arguments as for :func:`findings_json`.

    Returns:
        The SHA-256 of the file.

    Raises:
        StoppedError: The disk is full.
    """
    return write_text(
        path,
        findings_json(findings, overthink=overthink, plan_sha256=plan_sha256, pool_sha256=pool_sha256, notes=notes),
    )


def read_findings(path: Path) -> tuple[FindingsMeta, tuple[Finding, ...]]:
    """Read findings.json.

    Raises:
        InputError: The file is missing, of another, a much older or a newer schema, or a field is missing, unknown or
            of the wrong type.
    """
    document = read_document(path, FINDINGS_SCHEMA, EARLIER_FINDINGS_SCHEMA)
    head = {("schema_" if name == "schema" else name): value for name, value in document.items()}
    with listed_faults(f"{path} cannot be read"):
        head_model = _Head.model_validate(head)
    _refuse_unknown_claims(path, head_model.findings)
    findings = typed_value(_FINDINGS, json.dumps(head_model.findings), f"{path} cannot be read: findings")
    meta = FindingsMeta(head_model.overthink, head_model.plan_sha256, head_model.pool_sha256, tuple(head_model.notes))
    return meta, findings


def _refuse_unknown_claims(path: Path, findings: list[dict[str, object]]) -> None:
    """Raise an error for kinds and metrics that are not in the closed lists."""
    words: tuple[tuple[str, Sequence[str]], ...] = (("kind", tuple(Kind)), ("metric", tuple(Metric)))
    unknown = {
        f"{field} {finding[field]}"
        for finding in findings
        for field, members in words
        if isinstance(finding.get(field), str) and finding[field] not in members
    }
    places = (at for finding in findings if isinstance(at := finding.get("at"), dict))
    selectors = {name for at in places if isinstance(name := at.get("selector"), str)}
    unknown |= {f"selector {name}" for name in selectors if name not in tuple(Selector) and not is_other(name)}
    if unknown:
        raise InputError(f"{path}: unknown findings: {', '.join(sorted(unknown))[:200]}; install a newer Overthink")
