"""Results of two arms on the same questions: what a paired comparison says at each rung that both have."""

from dataclasses import dataclass

from overthink.data.arm_labels import PairedLabel
from overthink.data.curve_key import CurveKey
from overthink.data.finding import At, Finding


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """Samples of one arm at one rung, on the shared questions. None: the source does not say.

    Attributes:
        arm: Label of the arm.
        mean: Mean over the questions that both arms have a value for; None without one.
        samples: Samples that were run.
        counted: Those with a value; unparsed and cut ones count as their scorer valued them.
        errored: Those that failed.
        unparsed: Those that no verdict could be read from.
        cut: Those whose answer hit its allowance.
        unclear: Those that have no value, are unparsed or are cut.
    """

    arm: str
    mean: float | None
    samples: int
    counted: int
    errored: int | None
    unparsed: int | None
    cut: int | None
    unclear: int

    @property
    def unclear_share(self) -> float:
        """Share of samples without a clear value; 0 without samples."""
        return self.unclear / self.samples if self.samples else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class PairedRungResult:
    """An arm and its reference at one rung, question by question.

    Attributes:
        mean: The arm minus the reference.
        mcnemar: McNemar's exact test; it says why where there are several draws.
        gained: Questions that the arm gained.
        lost: Questions that the arm lost.
        mde: The smallest true difference that would be found.
        equivalence: The difference against the margin; its label ends in the verdict on the pair.
        label: The verdict.
        reference: Samples of the reference.
        arm: Samples of the arm.
        reference_design: What several draws of a question are worth, of the reference; None with one draw.
        arm_design: The same of the arm.
        arm_at: Rung of the arm, where its setting is another one than the reference's; else None.
        unlike: Why the samples that have no clear value are unlike in number; None where they are alike.
        is_small: Whether the difference is shown to be less than the margin.
    """

    mean: Finding
    mcnemar: Finding
    gained: Finding
    lost: Finding
    mde: Finding
    equivalence: Finding
    label: PairedLabel
    reference: SampleCounts
    arm: SampleCounts
    reference_design: Finding | None = None
    arm_design: Finding | None = None
    arm_at: At | None = None
    unlike: str | None = None
    is_small: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PairedResult:
    """An arm and its reference on one task and scorer, rung by rung.

    Attributes:
        arm: The curve compared.
        reference: The curve compared with.
        rungs: Comparisons at the rungs that both have, lowest first.
        n_shared: Questions that both have.
        left_out: Questions that only one has, of the reference, and of the arm.
    """

    arm: CurveKey
    reference: CurveKey
    rungs: tuple[PairedRungResult, ...]
    n_shared: int
    left_out: tuple[int, int]
