"""Calculator: whether a modified or distilled model crosses the one-third rule and the thresholds."""

from datetime import date

import numpy as np

from overthink.errors import InputError
from overthink.governance.calculators.result import Calculation, Result, TableValue
from overthink.governance.calculators.base import Calculator, CalculatorRequest, Field, above_zero, exactly
from overthink.governance.calculators.inference_flop import counted_row
from overthink.governance.thresholds.counting import side_by_side
from overthink.governance.calculators.modification import distillation_stages, modification
from overthink.governance.thresholds.registry import instruments_on, stale

FIELDS = (
    Field("modification_flop", "compute spent on the modification: fine-tuning, continued training, RL", required=True),
    Field("original_flop", "training compute of the original model; leave out where unknown"),
    Field(
        "original_is_systemic",
        "yes or no: the original has systemic risk; needed where its compute is unknown",
        words=True,
    ),
    Field("teacher_generation_flop", "distillation: the teacher's forward passes for data that was kept", "0"),
    Field("teacher_discarded_flop", "distillation: those for data that was thrown away", "0"),
    Field("teacher_data_is_public", "yes or no: the teacher's data is publicly accessible", "no", words=True),
    Field("teacher_training_flop", "distillation: training of the teacher, shown as not counted in the EU", "0"),
    Field("margin", "error of the estimates as a share; the EU guidelines accept 0.3", "0.3"),
)


def _answer(request: CalculatorRequest, day: date, rng: np.random.Generator) -> Calculation:
    above_zero(request.pick("modification_flop", "original_flop"))
    original = request.number("original_flop") if "original_flop" in request else None
    if original is None:
        request.need("original_is_systemic", to="where the original's compute is unknown")
    systemic = _yes(request, "original_is_systemic")
    public = _yes(request, "teacher_data_is_public")
    modification_flop, margin = request.number("modification_flop"), request.number("margin")
    stages = distillation_stages(
        student_flop=modification_flop,
        teacher_generation_flop=request.number("teacher_generation_flop"),
        teacher_discarded_flop=request.number("teacher_discarded_flop"),
        public=public,
        teacher_training_flop=request.number("teacher_training_flop"),
    )
    upstream = stages["synthetic_kept"] + stages["synthetic_discarded"]
    # The rule refers to training compute as counted by the annex: with the teacher's passes if the model is systemic.
    third = modification(
        modification_flop + (upstream if systemic else 0.0), original_flop=original, systemic=systemic, margin=margin
    )
    if original is not None:
        stages["preceding_model"] = original
    flop = third.modification_flop
    count_rows: list[dict[str, TableValue]] = [
        counted_row(count) for count in side_by_side(stages, day=day, margin=margin)
    ]
    rule: dict[str, TableValue] = {
        "instrument": "eu-gpai-1/3",
        "threshold_from": third.threshold_from,
        "position": third.position,
        "binding": "no, an indicative criterion",
    }
    return Calculation(
        results=[
            exactly("threshold_flop", third.threshold_flop, "FLOP"),
            Result("modification_flop", (flop.low + flop.high) / 2, flop.low, flop.high, "FLOP"),
        ],
        formula="modification > a third of the original's training compute; original unknown: > 1e25/3 FLOP "
        "(systemic risk) or > 1e23/3 FLOP",
        source="Commission guidelines C(2025) 7719, points 57 to 63; Annex A.1; thresholds: the registry",
        interval_meaning=f"the estimate ± {margin:.0%}; where a text is silent about a stage, without and with it",
        leaves_out="The rule is indicative: what decides is a significant change in generality, capabilities or "
        "systemic risk. Whether a modifier counts the original run is disputed in the US states and shown "
        "as silent.",
        tables={"one_third_rule": [rule], "counted": count_rows},
        warnings=stale(instruments_on(day), day),
    )


def _yes(request: CalculatorRequest, name: str) -> bool:
    if name not in request:
        return False
    word = request.words(name)
    if word not in ("yes", "no"):
        raise InputError(f"--{name.replace('_', '-')} is {word!r}; needed: yes or no")
    return word == "yes"


MODIFICATION = Calculator(
    "modification", "Whether a modified or distilled model crosses the one-third rule and thresholds.", FIELDS, _answer
)
