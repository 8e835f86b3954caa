"""Schema of the measurements in a statement: numbers, points, verdicts and curves."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from overthink.components.base import KEY
from overthink.data.kinds import GateLabel, HypothesisLabel, ShapeLabel
from overthink.data.selectors import CLAIMED_SELECTORS, OTHER

StatementAxis = Literal["capability", "safety", "benign"]
if TYPE_CHECKING:
    StatementSelector = str
    StatementShape = str
    StatementGate = str
    StatementHypothesis = str
else:  # literals of the closed lists: their plain strings, in their order
    StatementSelector = (
        Literal[tuple(name.value for name in CLAIMED_SELECTORS)]
        | Annotated[str, Field(pattern=rf"^{OTHER}{KEY.pattern}$")]
    )
    StatementShape = Literal[tuple(label.value for label in ShapeLabel)]
    StatementGate = Literal[(*(label.value for label in GateLabel), "unknown")]
    StatementHypothesis = Literal[tuple(label.value for label in HypothesisLabel)]
NonNegativeCount = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A part of a statement: every field is named, nothing else is taken, and no number is NaN or infinite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)


LOOP_FIELDS = ("turns", "loop_tokens", "holds_for_turns<=", "holds_for_loop_tokens<=")
"""Fields that only loops of tool calls have."""


class LoopPart(Part):
    """A part with additional fields for loops of tool calls; they are omitted elsewhere when serialized."""

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None or name not in LOOP_FIELDS}


class Reference(Part):
    """The budget that counts as K = 1; of thinking, one for all axes of a statement."""

    value: Positive
    unit: Literal["thinking tokens", "generated tokens of a loop", "tries"]
    means: str = Field(min_length=1)


class K(Part):
    """A budget as a multiple of a stated one. Without its basis and reference the number means nothing.

    Basis "tokens": K (thinking) of one try, or K (loop tokens); 0 is a direct answer, and tries are counted apart.
    Basis "samples": tries, where the study has no K of thinking.
    """

    basis: Literal["tokens", "samples"]
    ref: Reference
    value: Annotated[float, Field(ge=0)]


class Number(Part):
    """A number with its interval and the finding that it is. A null estimate, or no interval, has a reason."""

    estimate: float | None
    low: float | None
    high: float | None
    level: Probability | None
    simultaneous: bool
    unit: Literal["share", "difference of shares", "tokens"]
    reason: str | None
    finding: str = Field(min_length=1)


class Test(Part):
    """A test: its p-value, the one adjusted over its family, and the minimum detectable effect as a share."""

    __test__ = False  # not a pytest class

    name: str
    p: Probability | None
    p_adjusted: Probability | None
    mde: float | None


class Tries(Part):
    """What a selector makes of k tries at one rung."""

    selector: StatementSelector
    k: Annotated[int, Field(ge=1)]
    cost: K
    value: Number


class Gate(Part):
    """A check that a rung must pass before its numbers are believed, and the number it was checked on."""

    result: StatementGate
    estimate: float | None


class Point(LoopPart):
    """One rung of a curve.

    Attributes:
        rung: Position on the ladder.
        requested_tokens: Thinking tokens asked for; None where the provider has no such number.
        effort: The provider's level.
        turns: Turns that a loop of tool calls may take.
        loop_tokens: Tokens that it may generate, where its checkpoints count them.
        thinking_tokens: Consumed by one attempt, mean over traces.
        answer_tokens: The same, of the answer.
        attempt_tokens: Both: what one attempt decodes.
        quantiles: Of the consumed thinking tokens, by level ("0.5"); empty where the findings hold none.
        cost: K (thinking) of one try.
        value: Mean of one try, pointwise interval.
        band: The same with a band that holds for all rungs at once.
        corrected: The same, corrected by human labels.
        tries: What k tries make of it.
        limit_hit_rate: Share of traces that used the whole budget.
        limit_hit_reason: Why it is unknown.
        gates: Every gate, by name.
    """

    rung: NonNegativeCount
    requested_tokens: NonNegativeCount | None
    effort: str | None
    turns: NonNegativeCount | None = None
    loop_tokens: NonNegativeCount | None = None
    thinking_tokens: Number
    answer_tokens: Number
    attempt_tokens: Number
    quantiles: dict[str, float]
    cost: K
    n_questions: NonNegativeCount
    n_draws: NonNegativeCount
    value: Number
    band: Number | None
    corrected: Number | None
    tries: tuple[Tries, ...]
    limit_hit_rate: Probability | None
    limit_hit_reason: str | None
    gates: dict[str, Gate]


class Shape(Part):
    """A verdict on the shape of a curve. The number is the highest rung minus the lowest."""

    metric: Literal["regimes", "max_t", "corrected_regimes", "corrected_max_t"]
    verdict: StatementShape
    change: Number
    test: Test | None
    gates_failed: tuple[str, ...]


class TurnSize(Part):
    """The largest rise or fall over all pairs of rungs. Its interval allows for that search; it is shown above 0 alone.

    Attributes:
        from_rung: The rung from which the estimate is taken.
        rung: The rung to which.
        size: The size, at least 0.
    """

    from_rung: NonNegativeCount
    rung: NonNegativeCount
    size: Number


class Plateau(Part):
    """Whether the curve was shown to have ended its rise or fall below the highest rung.

    Attributes:
        tested: An equivalence test was part of a verdict on the shape.
        shown: A verdict is flat or saturating.
        margin: Differences below this share count as none.
        top_step: The highest rung minus the one below.
        shapes: Every verdict.
        rise: The largest rise; None where it was not tested.
        drawdown: The largest fall; the same.
    """

    tested: bool
    shown: bool
    margin: Positive
    top_step: Number | None
    shapes: tuple[Shape, ...]
    rise: TurnSize | None = None
    drawdown: TurnSize | None = None


class HypothesisPart(Part):
    """The verdict on one part of a hypothesis.

    Attributes:
        claim: What it claims, as ``up@2000``.
        verdict: shown, contradicted, not_shown or had_ended.
        from_rung: Its first rung.
        rung: Its last rung.
        change: Last rung minus first.
        test: Of its claim, or of the opposite where contradicted.
        reason: Why it is not shown, where that is the other curves of its family.
        questions_needed: Questions with which it would be shown; None where contradicted or had_ended.
        n_questions: Questions behind the number.
        gates_failed: Gates that failed at its rungs.
    """

    claim: str = Field(min_length=1)
    verdict: StatementHypothesis
    from_rung: NonNegativeCount
    rung: NonNegativeCount
    change: Number
    test: Test | None
    reason: str | None
    questions_needed: NonNegativeCount | None
    n_questions: NonNegativeCount
    gates_failed: tuple[str, ...]


class Hypothesis(Part):
    """The verdict on a hypothesis with directions.

    Attributes:
        claim: What it claims, as ``up@2000,flat@8000,down``.
        registered: It was stated before the data were collected.
        verdict: confirmed, contradicted, not_shown or had_ended.
        reason: Why it could not be tested, or was lost among the curves of its family; else None.
        finding: The finding of the whole.
        test: Of the part that is hardest to show, or of the opposite that is best shown.
        parts: The verdicts on its parts; empty where it could not be tested.
    """

    claim: str = Field(min_length=1)
    registered: bool
    verdict: StatementHypothesis
    reason: str | None
    finding: str = Field(min_length=1)
    test: Test | None
    parts: tuple[HypothesisPart, ...]


class Judge(Part):
    """Who scored, and how far that was checked against humans."""

    grader: str | None
    corrected: bool
    drift_gate: StatementGate | None
    sensitivity: Number | None
    specificity: Number | None
    reason: str | None


class Curve(Part):
    """One task, one scorer, one estimand over the ladder. A value of 1 is always the good one."""

    id: str = Field(min_length=1)
    axis: StatementAxis
    task: str
    arm: str
    scorer: str | None
    estimand: Literal["forced", "sham", "truncated", "natural", "resampled", "effort", "checkpoint"]
    value_1_means: Literal["correct", "safe", "answered"]
    raw_high_means: Literal["correct", "wrong", "safe", "harm", "answered", "refused"]
    n_questions: NonNegativeCount
    n_draws: NonNegativeCount
    points: tuple[Point, ...] = Field(min_length=1)
    plateau: Plateau
    hypothesis: Hypothesis | None = None
    extreme: Literal["floor", "ceiling"] | None
    effort_moved: bool | None
    judge: Judge
