"""Calculator: FLOP of training and of inference, memory and speed of decoding, and one run under each law's count."""

from collections.abc import Mapping
from datetime import date

import numpy as np
from pydantic import Field

from overthink.components.base import component
from overthink.errors import InputError
from overthink.governance.calculators import result
from overthink.governance.calculators.base import K_BASIS, K_REFERENCE, Calculator, K, above_zero, interval_meaning
from overthink.governance.calculators.chips import chip
from overthink.governance.calculators.result import Calculation, TableValue
from overthink.governance.calculators.transformer_flop import (
    Transformer,
    decode_tokens_per_second,
    flop_per_token,
    kv_bytes_per_token,
    response_flop,
    weight_bytes_touched,
)
from overthink.governance.inputs import Multiple, Range, point
from overthink.governance.thresholds.counting import (
    InstrumentCount,
    side_by_side,
    training_flop_by_hardware,
    training_flop_by_parameters,
)
from overthink.governance.thresholds.registry import STAGES, stale, training_thresholds

_FORMULA_INPUTS = (
    "active_parameters",
    "training_tokens",
    "layers",
    "attention_width",
    "kv_heads",
    "head_width",
    "bytes_per_value",
    "prompt_tokens",
    "generated_tokens",
    "total_parameters",
    "active_expert_share",
    "bytes_per_parameter",
    "batch",
    "decode_utilisation",
)
"""Inputs of the formulas; chip-hours are added together with their utilisation."""

_LIMITS = (
    "Latent and windowed attention, caching of prompts and speculative decoding need other formulas; bandwidth is "
    "taken as fully used. The text of a law decides what counts; silent stages are shown as an interval."
)


def _run(request: Calculator) -> dict[str, Range]:
    """Return the run by stage; pre-training from tokens or hardware unless it is an input."""
    run = {stage: request.range(f"{stage}_flop") for stage in STAGES if f"{stage}_flop" in request}
    if "pre_training" in run:
        return run
    if "training_tokens" in request:
        request.need("active_parameters", to="for 6·P·D")
        parameters, tokens = request.range("active_parameters"), request.range("training_tokens")
        ends = [training_flop_by_parameters(parameters.low, tokens.low)]
        ends.append(training_flop_by_parameters(parameters.high, tokens.high))
        run["pre_training"] = Range(*ends)
    elif "chip_hours" in request:
        request.need("chip", to="for training by hardware")
        peak = chip(request.words("chip")).peak_flop_per_second
        hours, utilisation = request.range("chip_hours"), request.range("utilisation")
        run["pre_training"] = Range(
            training_flop_by_hardware(hours.low, peak_flop_per_second=peak, utilisation=utilisation.low),
            training_flop_by_hardware(hours.high, peak_flop_per_second=peak, utilisation=utilisation.high),
        )
    return run


def _units(request: Calculator, *, pre_training: bool) -> dict[str, str]:
    """Return the results that the inputs allow, with their units."""
    units = {}
    if pre_training and "pre_training_flop" not in request:
        units["pre_training_flop"] = "FLOP"
    if "active_parameters" in request:
        units |= {"flop_of_a_token": "FLOP, without attention"}
        if "generated_tokens" in request:
            units |= {"response_flop": "FLOP", "last_token_attention_share": "of 2·N", "context_tokens": "tokens"}
        if all(name in request for name in ("layers", "kv_heads", "head_width")):
            units |= {"kv_bytes_per_token": "bytes"}
        if "chip" in request:
            units["decode_tokens_per_second"] = "tokens per second over the batch"
    return units


def _training(values: Mapping[str, float], request: Calculator) -> dict[str, float]:
    if "training_tokens" in values:
        return {
            "pre_training_flop": training_flop_by_parameters(values["active_parameters"], values["training_tokens"])
        }
    if "chip_hours" in values:
        peak = chip(request.words("chip")).peak_flop_per_second
        utilisation = values["utilisation"]
        flop = training_flop_by_hardware(values["chip_hours"], peak_flop_per_second=peak, utilisation=utilisation)
        return {"pre_training_flop": flop}
    return {}


def _inference(values: Mapping[str, float], request: Calculator, k: Multiple) -> dict[str, float]:
    names = ("layers", "attention_width", "kv_heads", "head_width")
    model = Transformer(values["active_parameters"], **{name: values.get(name, 0.0) for name in names})
    plain = flop_per_token(model, context_tokens=0)
    # K in tokens makes one response longer; in samples, FLOP, USD or time it is K responses.
    longer, responses = (k.value, 1.0) if k.basis == "tokens" else (1.0, k.value)
    generated_tokens = values.get("generated_tokens", 0.0) * longer
    context = values["prompt_tokens"] + generated_tokens
    kv = kv_bytes_per_token(model, bytes_per_value=values["bytes_per_value"])
    results = {
        "flop_of_a_token": plain,
        "response_flop": responses
        * response_flop(model, prompt_tokens=values["prompt_tokens"], generated_tokens=generated_tokens),
        "last_token_attention_share": flop_per_token(model, context_tokens=context) / plain - 1,
        "context_tokens": context,
        "kv_bytes_per_token": kv,
    }
    if "chip" in request:
        results["decode_tokens_per_second"] = decode_tokens_per_second(
            chip(request.words("chip")).machine(utilisation=values["decode_utilisation"]),
            weight_bytes=_weights(values),
            token_flop=flop_per_token(model, context_tokens=context),
            kv_bytes=kv * context,
            batch=values["batch"],
        )
    return results


def _weights(values: Mapping[str, float]) -> float:
    """Return the bytes read per step: weights that every token passes through, and the experts that the batch uses."""
    active, active_share = values["active_parameters"], values["active_expert_share"]
    total = values.get("total_parameters", active)
    experts = (total - active) / (1 - active_share) if active_share < 1 else 0.0
    size = values["bytes_per_parameter"]
    if not 0 <= experts <= total:
        raise InputError(
            f"{active:g} active of {total:g} parameters do not fit an active share of the experts of {active_share:g}; "
            "needed: total = shared + experts, active = shared + share · experts"
        )
    return weight_bytes_touched(
        values["batch"], shared_bytes=(total - experts) * size, expert_bytes=experts * size, active_share=active_share
    )


def counted_row(count: InstrumentCount) -> dict[str, TableValue]:
    """Return a count under one instrument as a row of a table."""
    return {
        "instrument": count.instrument.id,
        "status": count.status,
        "operator": count.instrument.operator,
        "number": count.instrument.number,
        "unit": count.instrument.unit,
        "verification": count.instrument.verification,
        "counted_flop_low": count.flop.low,
        "counted_flop_high": count.flop.high,
        "position": count.position,
        "counts": ", ".join(count.counted_stages),
        "silent": ", ".join(count.silent_stages),
        "does_not_count": ", ".join(count.excluded_stages),
    }


@component("inference-flop")
class InferenceFlop(Calculator):
    """FLOP of training and inference, decoding speed, and the run under each law's count."""

    active_parameters: Range | None = Field(
        None, description="parameters that a token passes through; all of them in a dense model"
    )
    training_tokens: Range | None = Field(
        None, description="training tokens over all epochs; with active parameters gives pre-training by 6·P·D"
    )
    chip_hours: Range | None = Field(
        None, description="chip-hours of training; with chip and utilisation gives pre-training by hardware"
    )
    chip: str | None = Field(None, description="chip that trained or decodes, such as H100")
    utilisation: Range = Field(Range(0.3, 0.5), description="share of the chip's peak that training achieved")
    pre_training_flop: Range | None = Field(None, description="FLOP of the stage pre_training of the run")
    fine_tuning_flop: Range | None = Field(None, description="FLOP of the stage fine_tuning of the run")
    rl_updates_flop: Range | None = Field(None, description="FLOP of the stage rl_updates of the run")
    rl_rollouts_flop: Range | None = Field(None, description="FLOP of the stage rl_rollouts of the run")
    synthetic_kept_flop: Range | None = Field(None, description="FLOP of the stage synthetic_kept of the run")
    synthetic_discarded_flop: Range | None = Field(None, description="FLOP of the stage synthetic_discarded of the run")
    public_synthetic_flop: Range | None = Field(None, description="FLOP of the stage public_synthetic of the run")
    preceding_model_flop: Range | None = Field(None, description="FLOP of the stage preceding_model of the run")
    distillation_parent_flop: Range | None = Field(None, description="FLOP of the stage distillation_parent of the run")
    auxiliary_models_flop: Range | None = Field(None, description="FLOP of the stage auxiliary_models of the run")
    failed_experiments_flop: Range | None = Field(None, description="FLOP of the stage failed_experiments of the run")
    evaluation_flop: Range | None = Field(None, description="FLOP of the stage evaluation of the run")
    activation_recompute_flop: Range | None = Field(
        None, description="FLOP of the stage activation_recompute of the run"
    )
    deployment_inference_flop: Range | None = Field(
        None, description="FLOP of the stage deployment_inference of the run"
    )
    margin: Range = Field(
        point(0.3), description="error of the training estimate as a share; the EU guidelines accept 0.3"
    )
    layers: Range | None = Field(None, description="layers of the model; without them attention is left out")
    attention_width: Range | None = Field(None, description="query heads times head width, usually d_model")
    kv_heads: Range | None = Field(None, description="key-value heads")
    head_width: Range | None = Field(None, description="width of a head")
    bytes_per_value: Range = Field(point(2), description="bytes per value of the KV cache")
    prompt_tokens: Range = Field(point(0), description="tokens of the prompt")
    generated_tokens: Range | None = Field(
        None,
        description="tokens generated at the reference budget; K in tokens makes the response longer, else more "
        "of them",
    )
    total_parameters: Range | None = Field(
        None, description="all parameters, if a mixture of experts; the active ones if left out"
    )
    active_expert_share: Range = Field(point(1), description="share of the experts that a token uses")
    bytes_per_parameter: Range = Field(point(2), description="bytes per parameter of the weights that are served")
    batch: Range = Field(point(1), description="sequences decoded together")
    decode_utilisation: Range = Field(point(1), description="share of the chip's peak that decoding achieves")
    k: Range = K
    k_basis: str | None = K_BASIS
    k_reference: str | None = K_REFERENCE

    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return the result."""
        k, margin = self.multiple(), self.number("margin")
        run = _run(self)
        inputs = self.pick(*_FORMULA_INPUTS, *(("chip_hours", "utilisation") if "chip_hours" in self else ()))
        units = _units(self, pre_training="pre_training" in run)
        if not units and not run:
            raise InputError(
                "nothing to count; needed: --active-parameters, or a training run by tokens, hardware or stage"
            )
        above_zero(self.pick("active_parameters", "training_tokens", "chip_hours"))

        def formula(values: Mapping[str, float]) -> dict[str, float]:
            inference = _inference(values, self, k) if "active_parameters" in values else {}
            return {**inference, **_training(values, self)}

        tables = {"counted": [counted_row(count) for count in side_by_side(run, day=day, margin=margin)]} if run else {}
        return Calculation(
            results=result.propagate(formula, inputs, units=units, rng=rng),
            formula="training 6·P·D or chip-hours·3600·peak·utilisation; token 2·N + 4·L·n·d; response summed over its "
            "tokens; KV 2·L·heads·width·bytes; decoding batch / max(bytes read / bandwidth, FLOP / "
            "(utilisation·peak))",
            source="EU guidelines, Annex A.1 and A.2; Kaplan et al. 2020, arXiv:2001.08361; chips: Epoch AI "
            "(April 2026)",
            interval_meaning=f"{interval_meaning(inputs)}; training counts ± {margin:.0%}; K is {k}",
            leaves_out=_LIMITS,
            warnings=stale(training_thresholds(day), day) if run else (),
            tables=tables,
        )
