"""Results about arms: against the reference, against their placebos, and two arms on the same questions."""

from dataclasses import dataclass

from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.verdict_labels import MitigationLabel, PairedLabel, ReadingLabel, TaxLabel


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


@dataclass(frozen=True, slots=True, eq=False)
class ComparedTotals:
    """Where the rungs of one curve stand on the axis of total compute.

    Attributes:
        key: The curve.
        rungs: Mean total compute of every rung, lowest first, over the questions that all arms of the task share.
    """

    key: CurveKey
    rungs: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EqualComputeResult:
    """An arm minus the reference at one total compute.

    Attributes:
        difference: The difference; it says why where there is no common total compute.
        k: The total compute over that of one attempt of the reference at its lowest rung; None without a total compute.
    """

    difference: Finding
    k: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ArmDifferenceResult:
    """An arm minus the reference, each set with a band that holds for all of it.

    Attributes:
        arm: The curve compared.
        reference: The curve compared with.
        by_rung: Differences at every common budget, lowest first; a single one that says why where there is none.
        by_compute: Differences at every common total compute, cheapest first; a single one that says why likewise.
    """

    arm: CurveKey
    reference: CurveKey
    by_rung: tuple[Finding, ...]
    by_compute: tuple[EqualComputeResult, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TaxVerdict:
    """What an arm takes of capability, or refuses in addition, at one point of comparison.

    Attributes:
        change: Capability as a change, over-refusal as an increase.
        label: The verdict.
    """

    change: Finding
    label: TaxLabel


@dataclass(frozen=True, slots=True, eq=False)
class AddedCompute:
    """Total compute of an arm beside that of the reference.

    Attributes:
        ratio: Over that of the reference.
        difference: Minus that of the reference.
    """

    ratio: Finding
    difference: Finding


@dataclass(frozen=True, slots=True, eq=False)
class SafetyTaxResult:
    """What an arm takes on one task.

    Attributes:
        arm: The curve compared.
        reference: The curve compared with.
        at_budget: Loss at the highest common budget; None on the safety axis, or without one.
        at_compute: Loss at the highest common total compute; None on the safety axis, or without one.
        compute: Added total compute at the highest common budget; None without one.
    """

    arm: CurveKey
    reference: CurveKey
    at_budget: TaxVerdict | None = None
    at_compute: TaxVerdict | None = None
    compute: AddedCompute | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PriceResult:
    """What an arm gives back at the highest common total compute: a statement about price, no verdict.

    Attributes:
        gain: The arm minus the reference; the sum of the other two.
        steers: By steering, at the thinking that the compute buys the arm.
        thinks_less: By thinking less than the reference does for the same compute.
    """

    gain: Finding
    steers: Finding
    thinks_less: Finding


@dataclass(frozen=True, slots=True, eq=False)
class MitigationResult:
    """Verdict on the mitigation of a safety loss by an arm, at equal thinking budget, with everything beside it.

    Attributes:
        arm: The curve compared.
        reference: The curve compared with.
        verdict: The verdict; its estimate is what the arm gives back at the highest common budget.
        price: What the same total compute buys.
        degradation: Fall of the reference; None where it was not tested.
        residual: Fall that is left; None where it was not tested.
        reference_thinking: Realised thinking tokens of the reference; None where unknown.
        arm_thinking: Realised thinking tokens of the arm; None where unknown.
        equal_realised: Gain at equal realised thinking; None where both think the same, or it is unknown.
    """

    arm: CurveKey
    reference: CurveKey
    verdict: Finding
    price: PriceResult
    degradation: Finding | None = None
    residual: Finding | None = None
    reference_thinking: Finding | None = None
    arm_thinking: Finding | None = None
    equal_realised: Finding | None = None

    @property
    def label(self) -> MitigationLabel:
        """Label of the verdict."""
        return MitigationLabel(str(self.verdict.label))


@dataclass(frozen=True, slots=True, eq=False)
class ReadingResult:
    """Verdict on what an arm reads: the arm against its placebo, which acts as often and reads nothing.

    Attributes:
        arm: The curve of the arm.
        placebo: The curve of its placebo.
        verdict: The verdict; its estimate is the safety of the arm minus that of the placebo.
    """

    arm: CurveKey
    placebo: CurveKey
    verdict: Finding

    @property
    def label(self) -> ReadingLabel:
        """Label of the verdict."""
        return ReadingLabel(str(self.verdict.label))


@dataclass(frozen=True, slots=True, eq=False)
class ArmResults:
    """All comparisons of arms.

    Attributes:
        totals: Every compared curve on the axis of total compute; of each task the reference comes first.
        paired: Arms and their reference on the same questions, rung by rung.
        differences: Arms minus their reference.
        taxes: What arms take; placebos are left out, here and below.
        mitigations: What arms give back, on safety tasks.
        readings: Arms against their placebos, on safety tasks.
    """

    totals: tuple[ComparedTotals, ...] = ()
    paired: tuple[PairedResult, ...] = ()
    differences: tuple[ArmDifferenceResult, ...] = ()
    taxes: tuple[SafetyTaxResult, ...] = ()
    mitigations: tuple[MitigationResult, ...] = ()
    readings: tuple[ReadingResult, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no arm was compared with another."""
        return not (self.paired or self.differences or self.taxes or self.mitigations or self.readings)

    @property
    def unit(self) -> str | None:
        """Unit of total compute; None without the axis."""
        return next((rung.at.unit for total in self.totals for rung in total.rungs), None)
