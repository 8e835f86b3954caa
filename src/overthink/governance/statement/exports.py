"""Exports of a statement: the compute field of the EU form, CycloneDX properties, a model card paragraph."""

from collections.abc import Mapping

from overthink.governance.statement.rules.prose import quote
from overthink.governance.statement.schema import Statement

PREFIX = "overthink:inference-compute:"


def model_documentation_field(statement: Statement) -> Mapping[str, object]:
    """Return the field "benchmarked amount of computation used for inference" of the EU Model Documentation Form.

    The form requires FLOP with at least two significant figures, the task and the hardware. Unknown values are null,
    with the reason.

    Args:
        statement: The statement.
    """
    flop_by_curve = {item.curve: item for item in statement.flop.per_attempt}
    rows = []
    for curve in statement.curves:
        top, flop = curve.points[-1], flop_by_curve.get(curve.id)
        rows.append(
            {
                "task": f"one attempt at {curve.task}, at the highest tested budget",
                "tokens_decoded": top.attempt_tokens.estimate,
                "flop": None if flop is None else f"{flop.estimate:.2g}",
                "flop_low": None if flop is None else f"{flop.low:.2g}",
                "flop_high": None if flop is None else f"{flop.high:.2g}",
            }
        )
    return {
        "field": "Benchmarked amount of computation used for inference",
        "unit": "FLOP",
        "method": statement.flop.method,
        "reason": statement.flop.reason,
        "hardware": statement.stated.hardware,
        "benchmarks": rows,
    }


def cyclonedx_properties(statement: Statement) -> list[dict[str, str]]:
    """Return name and value pairs for the ``properties`` of a model in a CycloneDX ML-BOM.

    Args:
        statement: The statement.
    """
    how = statement.elicitation
    flat = {
        "statement": statement.id,
        "schema": statement.schema_,
        "no-claim-beyond": statement.no_claim_beyond,
        "ladder": how.ladder,
        "budgets": ",".join(how.rungs),
        "max-tries": str(how.max_tries),
        "selectors": ",".join(how.selectors),
        "tools": "unknown" if how.tools is None else ",".join(how.tools) or "none",
        "gates-failed": str(len(statement.gates_failed)),
        "pool-sha256": statement.evidence.pool_sha256,
    }
    rows = [{"name": PREFIX + name, "value": value} for name, value in flat.items()]
    for claim in statement.claims:
        rows.append({"name": f"{PREFIX}claim:{claim.id}", "value": claim.statement})
        rows.append({"name": f"{PREFIX}claim:{claim.id}:holds-for-k-at-most", "value": f"{claim.holds_for_k:.6g}"})
        rows.append({"name": f"{PREFIX}claim:{claim.id}:strength", "value": claim.strength})
    return rows


def model_card_paragraph(statement: Statement) -> str:
    """Return a paragraph for a model card: the bound, every level and shape, failed gates and what was not tried.

    Args:
        statement: The statement.
    """
    sentences = [claim.statement for claim in statement.claims if claim.type in ("level", "shape")]
    gate_names = sorted({item.gate for item in statement.gates_failed})
    gates = f"Gates that failed: {', '.join(gate_names)}." if gate_names else ""
    not_tried = "; ".join(item.text for item in statement.elicitation.not_tried)
    parts = [
        f"Inference budgets of {quote(statement.model)}: {statement.no_claim_beyond}",
        *sentences,
        gates,
        f"Not tried: {not_tried}.",
        f"Evaluation statement {statement.id}.",
    ]
    return " ".join(part for part in parts if part)
