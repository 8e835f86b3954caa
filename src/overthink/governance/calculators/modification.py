"""The rules for modified and distilled models, and the compute that counts towards them.

EU guidelines (indicative): a modifier becomes the provider if the compute of the modification is more than a third of
the original's training compute; where that is unknown, more than 1e25/3 FLOP for an original with systemic risk and
1e23/3 for others. Distillation: the teacher's training does not count; the teacher's forward passes for training data
that is not public do, including discarded samples.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
from pydantic import Field

from overthink.components.base import component
from overthink.errors import InputError
from overthink.governance.calculators.base import Calculator, above_zero, exactly
from overthink.governance.calculators.inference_flop import counted_row
from overthink.governance.calculators.result import Calculation, Result, TableValue
from overthink.governance.inputs import Interval, Range, not_negative, point, positive
from overthink.governance.thresholds.counting import ERROR_MARGIN, Position, position_of, side_by_side, with_margin
from overthink.governance.thresholds.registry import instrument, instruments_on, stale

THIRD = 1 / 3


@dataclass(frozen=True, slots=True)
class Modification:
    """A modification under the one-third rule.

    Attributes:
        threshold_flop: Compute above which the modifier becomes a provider.
        threshold_from: Basis of the threshold: the original's compute, or the substitute for it.
        modification_flop: Compute of the modification, with the margin of the estimate.
        position: Whether the rule is reached over the whole interval, nowhere in it, or undecided.
    """

    threshold_flop: float
    threshold_from: str
    modification_flop: Interval
    position: Position


def third_of(original_flop: float | None, *, systemic: bool) -> tuple[float, str]:
    """Return the threshold of the one-third rule, and its basis.

    Args:
        original_flop: Training compute of the original; None where the modifier can neither know nor estimate it.
        systemic: Whether the original is a model with systemic risk.

    Raises:
        InputError: The compute is not positive.

    Example:
        >>> f"{third_of(None, systemic=True)[0]:.3g}"
        '3.33e+24'
    """
    if original_flop is not None:
        return positive(original_flop, "original training FLOP") * THIRD, "a third of the original's training compute"
    row = instrument("eu-aia-51-2" if systemic else "eu-gpai-guidelines")
    kind = "with systemic risk" if systemic else "without systemic risk"
    return (row.number or 0.0) * THIRD, f"a third of {row.number:g} FLOP: the original is unknown and {kind}"


def modification(
    modification_flop: float, *, original_flop: float | None, systemic: bool, margin: float = ERROR_MARGIN
) -> Modification:
    """Evaluate the one-third rule for a modification.

    Args:
        modification_flop: Compute of fine-tuning, continued pre-training and reinforcement learning.
        original_flop: Training compute of the original; None where it is unknown.
        systemic: Whether the original is a model with systemic risk.
        margin: Error of the estimate.

    Raises:
        InputError: Compute is not positive, or the margin is not from 0 to below 1.
    """
    threshold, reason = third_of(original_flop, systemic=systemic)
    flop = with_margin(modification_flop, margin=margin)
    share = Interval(flop.low / threshold * THIRD, flop.high / threshold * THIRD)
    return Modification(threshold, reason, flop, position_of(instrument("eu-gpai-1/3"), share))


def distillation_stages(
    *,
    student_flop: float,
    teacher_generation_flop: float = 0.0,
    teacher_discarded_flop: float = 0.0,
    public: bool = False,
    teacher_training_flop: float = 0.0,
) -> dict[str, float]:
    """Return a distilled model's run by stage, for ``counting``, with the teacher's compute in its stages.

    Args:
        student_flop: Compute of training the student.
        teacher_generation_flop: Compute of the teacher's forward passes for data that was kept.
        teacher_discarded_flop: Compute of the teacher's forward passes for data that was discarded.
        public: Whether the teacher's data is publicly accessible; then generating it does not count in the EU.
        teacher_training_flop: Compute of training the teacher.

    Raises:
        InputError: A number is negative.
    """
    kept_flop = not_negative(teacher_generation_flop, "teacher generation FLOP")
    discarded_flop = not_negative(teacher_discarded_flop, "teacher discarded FLOP")
    return {
        "fine_tuning": not_negative(student_flop, "student FLOP"),
        "synthetic_kept": 0.0 if public else kept_flop,
        "synthetic_discarded": 0.0 if public else discarded_flop,
        "public_synthetic": kept_flop + discarded_flop if public else 0.0,
        "distillation_parent": not_negative(teacher_training_flop, "teacher training FLOP"),
    }


def _yes(request: Calculator, name: str) -> bool:
    if name not in request:
        return False
    word = request.words(name)
    if word not in ("yes", "no"):
        raise InputError(f"--{name.replace('_', '-')} is {word!r}; needed: yes or no")
    return word == "yes"


@component("modification")
class ModificationRule(Calculator):
    """Whether a modified or distilled model crosses the one-third rule and thresholds."""

    modification_flop: Range = Field(
        description="compute spent on the modification: fine-tuning, continued training, RL"
    )
    original_flop: Range | None = Field(
        None, description="training compute of the original model; leave out where unknown"
    )
    original_is_systemic: str | None = Field(
        None, description="yes or no: the original has systemic risk; needed where its compute is unknown"
    )
    teacher_generation_flop: Range = Field(
        point(0), description="distillation: the teacher's forward passes for data that was kept"
    )
    teacher_discarded_flop: Range = Field(point(0), description="distillation: those for data that was thrown away")
    teacher_data_is_public: str = Field("no", description="yes or no: the teacher's data is publicly accessible")
    teacher_training_flop: Range = Field(
        point(0), description="distillation: training of the teacher, shown as not counted in the EU"
    )
    margin: Range = Field(point(0.3), description="error of the estimates as a share; the EU guidelines accept 0.3")

    def answer(self, day: date, rng: np.random.Generator) -> Calculation:
        """Return the result."""
        above_zero(self.pick("modification_flop", "original_flop"))
        original = self.number("original_flop") if "original_flop" in self else None
        if original is None:
            self.need("original_is_systemic", to="where the original's compute is unknown")
        systemic = _yes(self, "original_is_systemic")
        public = _yes(self, "teacher_data_is_public")
        modification_flop, margin = self.number("modification_flop"), self.number("margin")
        stages = distillation_stages(
            student_flop=modification_flop,
            teacher_generation_flop=self.number("teacher_generation_flop"),
            teacher_discarded_flop=self.number("teacher_discarded_flop"),
            public=public,
            teacher_training_flop=self.number("teacher_training_flop"),
        )
        upstream = stages["synthetic_kept"] + stages["synthetic_discarded"]
        # The rule refers to training compute as counted by the annex: of a systemic model with the teacher's passes.
        third = modification(
            modification_flop + (upstream if systemic else 0.0),
            original_flop=original,
            systemic=systemic,
            margin=margin,
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
