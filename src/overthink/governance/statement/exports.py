"""Exports of a statement: the compute field of the EU form, CycloneDX properties, a model card, Every Eval Ever.

A record of Every Eval Ever (schema 0.3.0, MIT) has one result per rung of every curve. Its schema allows additional
data only as strings under ``additional_details``; they summarise the statement, and the record contains the id of its
statement.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from overthink.governance.statement.curve_schema import Curve, Number, Point
from overthink.governance.statement.schema import Statement
from overthink.governance.statement.wording import own_words, plain, quote, reading_notes

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
                "task": f"one attempt at {quote(curve.task)}, at the highest tested budget",
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
        "hardware": _own(statement.stated.hardware),
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
        "budgets": ",".join(map(plain, how.rungs if how.no_plan is None else _rungs(statement))),
        "max-tries": str(how.max_tries),
        "selectors": ",".join(how.selectors),
        "tools": "unknown" if how.tools is None else ",".join(how.tools) or "none",
        "gates-failed": str(len(statement.gates_failed)),
        "pool-sha256": statement.evidence.pool_sha256,
    }
    deployable = statement.stated.max_deployable_budget
    if deployable is not None:
        numbers = f"{deployable.thinking_tokens} thinking tokens, {deployable.tries} tries"
        flat["deployable-budget"] = f"{numbers} (stated, not measured)"
    if statement.stated.note is not None:
        flat["note"] = own_words(statement.stated.note)
    rows = [{"name": PREFIX + name, "value": value} for name, value in flat.items()]
    for claim in statement.claims:
        rows.append({"name": f"{PREFIX}claim:{claim.id}", "value": claim.statement})
        rows.append({"name": f"{PREFIX}claim:{claim.id}:holds-for-k-at-most", "value": f"{claim.holds_for_k:.6g}"})
        rows.append({"name": f"{PREFIX}claim:{claim.id}:strength", "value": claim.strength})
    rows += [{"name": f"{PREFIX}claim:{one.id}", "value": one.statement} for one in statement.oversight]
    notes = reading_notes(how.conditions)
    rows += [{"name": f"{PREFIX}reading:{i}", "value": note} for i, note in enumerate(notes, start=1)]
    for name, note in sorted(statement.stated.notes.items()):
        rows.append({"name": f"{PREFIX}claim:{name}:note", "value": own_words(note)})
    return rows


def _rungs(statement: Statement) -> Iterable[str]:
    """Return the rungs of all curves, each once: what was asked for, as the logs or tables state it."""
    points = (point for curve in statement.curves for point in curve.points)
    asked = ((point.effort, point.requested_tokens) for point in points)
    return dict.fromkeys(effort or ("no set budget" if tokens is None else str(tokens)) for effort, tokens in asked)


def _own(text: str | None) -> str | None:
    return None if text is None else own_words(text)


def model_card_paragraph(statement: Statement) -> str:
    """Return a paragraph for a model card: the bound, every level and shape, failed gates and what was not tried.

    Of oversight it has what is claimed at the highest rung of each curve, whatever the verdict.

    Args:
        statement: The statement.
    """
    sentences = [claim.statement for claim in statement.claims if claim.type in ("level", "shape")]
    highest = {curve.id: curve.points[-1].rung for curve in statement.curves}
    sentences += [claim.statement for claim in statement.oversight if claim.rung == highest[claim.curve]]
    gate_names = sorted({item.gate for item in statement.gates_failed})
    gates = f"Gates that failed: {', '.join(gate_names)}." if gate_names else ""
    not_tried = "; ".join(item.text for item in statement.elicitation.not_tried)
    reading = "; ".join(reading_notes(statement.elicitation.conditions))
    parts = [
        f"Inference budgets of {statement.model_text}: {statement.no_claim_beyond}",
        *sentences,
        gates,
        f"Not tried: {not_tried}.",
        reading and f"How the logs or tables were read: {reading}.",
        f"Evaluation statement {statement.id}.",
        "" if statement.stated.note is None else f"{own_words(statement.stated.note)}.",
    ]
    return " ".join(part for part in parts if part)


EEE_VERSION = "0.3.0"
_FILE = f"schemas/every_eval_ever/eval-{EEE_VERSION}.schema.json"
INTERVALS = "bootstrap over questions"


@cache
def eee_schema() -> dict[str, Any]:
    """Return the published schema of Every Eval Ever that records are validated against."""
    document: dict[str, Any] = json.loads(files("overthink.governance").joinpath(_FILE).read_text("utf-8"))
    return document


def eee_record(statement: Statement) -> dict[str, Any]:
    """Return the record of a statement. Rungs without a value are omitted: a record has no field for a reason.

    Args:
        statement: The statement; its ``every_eval_ever`` field is ignored.
    """
    at = str(int(datetime.fromisoformat(statement.created).timestamp()))
    evaluator, model = statement.stated, plain(statement.model or "not-named")
    names = {} if evaluator.developer is None else {"developer": own_words(evaluator.developer)}
    return {
        "schema_version": EEE_VERSION,
        "evaluation_id": f"overthink/{model.replace('/', '_')}/{statement.id}",
        "retrieved_timestamp": at,
        "source_metadata": {
            "source_name": "Overthink",
            "source_type": "evaluation_run",
            "source_organization_name": _own(evaluator.organization) or "unknown",
            "evaluator_relationship": evaluator.evaluator_relationship,
            "additional_details": {
                "overthink:statement": statement.id,
                "overthink:schema": statement.schema_,
                "overthink:plan_sha256": statement.evidence.plan_sha256 or "no plan",
                "overthink:pool_sha256": statement.evidence.pool_sha256,
                "overthink:findings_sha256": statement.evidence.findings_sha256,
                "overthink:no_claim_beyond": statement.no_claim_beyond,
                **{f"overthink:claim:{claim.id}": claim.statement for claim in statement.oversight},
            },
        },
        "eval_library": {"name": "overthink", "version": statement.evidence.overthink},
        "model_info": {
            "name": model,
            "id": model,
            **names,
            "additional_details": {
                "deployment_type": evaluator.deployment_type,
                "model_availability": evaluator.model_availability,
                "revision": _own(evaluator.revision) or "not stated",
            },
        },
        "evaluation_results": [
            _result(statement, curve, point)
            for curve in statement.curves
            for point in curve.points
            if point.value.estimate is not None
        ],
    }


def _result(statement: Statement, curve: Curve, point: Point) -> dict[str, Any]:
    return {
        "evaluation_result_id": point.value.finding,
        "evaluation_name": plain(curve.task),
        "source_data": {"dataset_name": plain(curve.task), "source_type": "other"},
        "metric_config": {
            "evaluation_description": f"share of answers that are {curve.value_1_means}, one try, {curve.estimand}",
            "metric_id": f"overthink.{curve.axis}.mean",
            "metric_name": f"share {curve.value_1_means}",
            "metric_kind": "accuracy" if curve.axis == "capability" else "pass_rate",
            "metric_unit": "proportion",
            "metric_parameters": {"k": 1},
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0.0,
            "max_score": 1.0,
            "additional_details": {
                "axis": curve.axis,
                "scorer": plain(curve.scorer or "unknown"),
                "estimand": curve.estimand,
                "value_1_means": curve.value_1_means,
            },
        },
        "score_details": _score(point),
        "generation_config": _generation(statement, point),
    }


def _score(point: Point) -> dict[str, Any]:
    value: Number = point.value
    uncertainty: dict[str, Any] = {"num_samples": point.n_questions}
    if value.low is not None and value.high is not None:
        uncertainty["confidence_interval"] = {
            "lower": value.low,
            "upper": value.high,
            **({} if value.level is None else {"confidence_level": value.level}),
            "method": INTERVALS,
        }
    return {"score": value.estimate, "uncertainty": uncertainty}


def _generation(statement: Statement, point: Point) -> dict[str, Any]:
    elicitation = statement.elicitation
    details = {
        "overthink:statement": statement.id,
        "k_basis": point.cost.basis,
        "k_ref": f"{point.cost.ref.value:g} {point.cost.ref.unit}",
        "k_ref_means": point.cost.ref.means,
        "k_value": f"{point.cost.value:.6g}",
        "requested_thinking_tokens": _text(point.requested_tokens),
        "effort": plain(point.effort or "none"),
        **{name: str(count) for name in ("turns", "loop_tokens") if (count := getattr(point, name)) is not None},
        "consumed_thinking_tokens_mean": _text(point.thinking_tokens.estimate),
        "limit_hit_rate": _text(point.limit_hit_rate),
        "stop_rule": elicitation.stop_rule,
        "serial_parallel": elicitation.serial_parallel,
        "draws": str(point.n_draws),
        "tools": "unknown" if elicitation.tools is None else ", ".join(elicitation.tools) or "none",
        "gates_failed": ", ".join(name for name, gate in point.gates.items() if gate.result == "failed") or "none",
    }
    thinks = point.requested_tokens is None or point.requested_tokens > 0
    return {
        "generation_args": {
            "temperature": elicitation.temperature,
            "top_p": elicitation.top_p,
            "reasoning": thinks,
            "max_attempts": 1,
        },
        "additional_details": details,
    }


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.10g}"
