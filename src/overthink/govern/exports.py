"""What a statement says in the forms that others ask for: the EU form's compute field, CycloneDX, a model card."""

from collections.abc import Mapping

from overthink.govern.prose import quoted
from overthink.govern.statement import Statement

PREFIX = "overthink:inference-compute:"


def model_documentation_field(statement: Statement) -> Mapping[str, object]:
    """The field "benchmarked amount of computation used for inference" of the EU Model Documentation Form.

    The form asks for FLOP with at least two significant figures, the task and the hardware. What is not known is
    null, with the reason.

    Args:
        statement: The statement.
    """
    known = {one.curve: one for one in statement.flop.per_attempt}
    rows = []
    for curve in statement.curves:
        top, flop = curve.points[-1], known.get(curve.id)
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
    """Name and value pairs for the ``properties`` of a model in a CycloneDX ML-BOM.

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
    """A paragraph for a model card: the bound, every level and every shape, what failed and what was not tried.

    Args:
        statement: The statement.
    """
    told = [claim.statement for claim in statement.claims if claim.type in ("level", "shape")]
    failed = sorted({one.gate for one in statement.gates_failed})
    gates = f"Gates that failed: {', '.join(failed)}." if failed else ""
    left = "; ".join(one.text for one in statement.elicitation.not_tried)
    parts = [
        f"Inference budgets of {quoted(statement.model)}: {statement.no_claim_beyond}",
        *told,
        gates,
        f"Not tried: {left}.",
        f"Evaluation statement {statement.id}.",
    ]
    return " ".join(part for part in parts if part)
