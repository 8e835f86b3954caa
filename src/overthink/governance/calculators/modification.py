"""The rules for modified and distilled models, and the compute that counts towards them.

EU guidelines (indicative): a modifier becomes the provider if the compute of the modification is more than a third of
the original's training compute; where that is unknown, more than 1e25/3 FLOP for an original with systemic risk and
1e23/3 for others. Distillation: the teacher's training does not count; the teacher's forward passes for training data
that is not public do, including discarded samples.
"""

from dataclasses import dataclass

from overthink.governance.thresholds.counting import Position, position_of
from overthink.governance.inputs import not_negative, positive
from overthink.governance.statement.interval import Interval
from overthink.governance.thresholds.registry import instrument
from overthink.governance.thresholds.training_compute import ERROR_MARGIN, with_margin

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
