"""One curve as the report shows it: its rungs, and the findings that stand at each of them."""

from dataclasses import dataclass, field

from overthink.core.finding import At, Finding
from overthink.present.names import visible


@dataclass(slots=True)
class Rung:
    """The findings at one rung of one curve.

    Attributes:
        rung: Position on the ladder.
        level: What was asked for, as text: an effort, a number of tokens, or the position.
        mean: The value of one try.
        band: The same with the band that holds at all rungs at once.
        corrected: The value that humans would have given, from human labels.
        tokens: By metric: tokens of one trace.
        gates: By metric.
        tries: By selector, then by k.
        all_of_k: By k: all k tries good.
        steady: By metric: disagreement of draws, share of settled traces.
        judge: By metric: what human labels say of the judge.
        controls: By metric: forced against the model's own answer, thinking against answer.
    """

    rung: int
    level: str
    mean: Finding | None = None
    band: Finding | None = None
    corrected: Finding | None = None
    tokens: dict[str, Finding] = field(default_factory=dict)
    gates: dict[str, Finding] = field(default_factory=dict)
    tries: dict[str, dict[int, Finding]] = field(default_factory=dict)
    all_of_k: dict[int, Finding] = field(default_factory=dict)
    steady: dict[str, Finding] = field(default_factory=dict)
    judge: dict[str, Finding] = field(default_factory=dict)
    controls: dict[str, Finding] = field(default_factory=dict)

    def gates_failed(self) -> list[str]:
        """Gates that failed here, by the gates' own findings and by what the value says of itself."""
        failed = [name for name, gate in self.gates.items() if gate.label == "failed"]
        told = self.mean.gates_failed if self.mean is not None else ()
        return list(dict.fromkeys([*failed, *told]))


@dataclass(slots=True)
class Verdict:
    """The verdict of one test on the shape of a curve, and what stands behind it."""

    shape: Finding
    onset: Finding | None
    regimes: list[Finding]


@dataclass(slots=True)
class Gap:
    """How far a capability curve ran ahead of this safety curve.

    Attributes:
        against: The capability curve, as the findings name it.
        steps: Gap since the lowest rung, in ascending order of rungs.
        slopes: By metric: change per doubling, step by step.
        onset: Where the gap begins to rise.
    """

    against: str
    steps: list[Finding] = field(default_factory=list)
    slopes: dict[str, list[Finding]] = field(default_factory=dict)
    onset: Finding | None = None


@dataclass(slots=True)
class Curve:
    """One task, arm, estimand and judge. Two estimands are two curves, and so are two scorers of one task.

    Attributes:
        judge: The scorer, where the task has several; else empty.
        rungs: In ascending order.
        change: Highest rung minus lowest, where that difference was made.
        verdicts: On the shape; the primary one first, those corrected by human labels last.
        gaps: One per capability curve, for a safety curve.
        flips: Traces that changed sides, between rungs and along the ladder.
        drift: Whether the judge errs alike at all rungs.
        controls: By metric: controls that belong to no rung.
        about: Findings about the whole curve: extremes, an effort sweep that did nothing.
        spent: By metric: token sums over the pool.
        reference: Tokens of one attempt at K = 1; None where no reference was stated.
        is_control: It stands beside the task's own curve, to tell the forcing from the thinking; no result by itself.
    """

    axis: str
    task: str
    arm: str
    estimand: str
    judge: str
    rungs: list[Rung]
    change: Finding | None
    verdicts: list[Verdict]
    gaps: list[Gap]
    flips: list[Finding]
    drift: Finding | None
    controls: dict[str, Finding]
    about: list[Finding]
    spent: dict[str, Finding]
    reference: float | None
    is_control: bool

    @property
    def name(self) -> str:
        """The task as it is shown, with its judge where it has several."""
        return f"{visible(self.task)}, judged by {visible(self.judge)}" if self.judge else visible(self.task)


def level(at: At) -> str:
    """What was asked for at a rung, as text."""
    if at.effort is not None:
        return visible(at.effort)
    return f"{at.requested_tokens:,}" if at.requested_tokens is not None else f"rung {at.rung}"


def level_unit(at: At) -> str:
    """The unit of :func:`level`, with a space before it; empty where the level names its own or is only a position."""
    if at.effort is not None:
        return "" if " " in at.effort else " effort"
    return " tokens" if at.requested_tokens is not None else ""
