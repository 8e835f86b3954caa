"""Calculator: whether a modified or distilled model crosses the one-third rule and the thresholds."""

from datetime import date

import numpy as np

from overthink.errors import InputError
from overthink.govern.calculation import Calculation, Cell, Result
from overthink.govern.calculator import Calculator, Field, Given, above_zero, exactly
from overthink.govern.calculators.inference_flop import counted_row
from overthink.govern.counting import side_by_side
from overthink.govern.modification import distillation_stages, modification
from overthink.govern.registry import on, stale

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


def _answer(given: Given, day: date, rng: np.random.Generator) -> Calculation:
    above_zero(given.pick("modification_flop", "original_flop"))
    original = given.number("original_flop") if "original_flop" in given else None
    if original is None:
        given.need("original_is_systemic", to="where the original's compute is unknown")
    systemic = _yes(given, "original_is_systemic")
    public = _yes(given, "teacher_data_is_public")
    spent, margin = given.number("modification_flop"), given.number("margin")
    stages = distillation_stages(
        student_flop=spent,
        teacher_generation_flop=given.number("teacher_generation_flop"),
        teacher_discarded_flop=given.number("teacher_discarded_flop"),
        public=public,
        teacher_training_flop=given.number("teacher_training_flop"),
    )
    upstream = stages["synthetic_kept"] + stages["synthetic_discarded"]
    # The rule speaks of training compute as the annex counts it: with the teacher's passes if the model is systemic.
    third = modification(
        spent + (upstream if systemic else 0.0), original_flop=original, systemic=systemic, margin=margin
    )
    if original is not None:
        stages["preceding_model"] = original
    flop = third.modification_flop
    counted: list[dict[str, Cell]] = [counted_row(count) for count in side_by_side(stages, day=day, margin=margin)]
    rule: dict[str, Cell] = {
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
        spread=f"the estimate ± {margin:.0%}; where a text is silent about a stage, without and with it",
        leaves_out="The rule is indicative: what decides is a significant change in generality, capabilities or "
        "systemic risk. Whether a modifier counts the original run is disputed in the US states and shown "
        "as silent.",
        tables={"one_third_rule": [rule], "counted": counted},
        warnings=stale(on(day), day),
    )


def _yes(given: Given, name: str) -> bool:
    if name not in given:
        return False
    word = given.words(name)
    if word not in ("yes", "no"):
        raise InputError(f"--{name.replace('_', '-')} is {word!r}; needed: yes or no")
    return word == "yes"


MODIFICATION = Calculator(
    "modification", "Whether a modified or distilled model crosses the one-third rule and thresholds.", FIELDS, _answer
)
