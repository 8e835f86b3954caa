"""All results of an analysis."""

from dataclasses import dataclass, field, fields

from overthink.data.results.arms import ArmResults
from overthink.data.results.beside import CommitmentResult, DisagreementResult, GapResult, TwoByTwoResult
from overthink.data.results.budgets import FlopMatchResult, FrontierResult, SteeringDepthResult, SupervisionResult
from overthink.data.results.curve import CurveResult
from overthink.data.results.ledger import LedgerResult
from overthink.data.results.oversight import OversightResults


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Results:
    """All results of an analysis, claim by claim.

    Attributes:
        curves: Every curve by itself, sorted by its names.
        gaps: Divergence of capability and safety.
        controls: Comparisons of readings of the same traces.
        commitments: Traces that commit.
        frontiers: Best allocations of a total compute.
        flop_matches: Smaller models with more inference against larger ones.
        arms: Arms against their reference and against their placebos.
        supervision: Process against outcome supervision.
        ledgers: What was paid, and what one attempt takes.
        steering_depths: How many early steps must be steered.
        oversight: What monitors see of the traces.
    """

    curves: tuple[CurveResult, ...] = ()
    gaps: tuple[GapResult, ...] = ()
    controls: tuple[DisagreementResult | TwoByTwoResult, ...] = ()
    commitments: tuple[CommitmentResult, ...] = ()
    frontiers: tuple[FrontierResult, ...] = ()
    flop_matches: tuple[FlopMatchResult, ...] = ()
    arms: ArmResults = field(default_factory=ArmResults)
    supervision: tuple[SupervisionResult, ...] = ()
    ledgers: tuple[LedgerResult, ...] = ()
    steering_depths: tuple[SteeringDepthResult, ...] = ()
    oversight: OversightResults = field(default_factory=OversightResults)

    def __repr__(self) -> str:
        numbers = {each.name: len(getattr(self, each.name)) for each in fields(self) if "tuple" in str(each.type)}
        return f"Results({', '.join(f'{number} {name}' for name, number in numbers.items() if number)})"
