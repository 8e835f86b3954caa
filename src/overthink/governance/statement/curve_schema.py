"""Schema of the measurements in a statement: numbers, points, verdicts and curves."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from overthink.analysis.k_scale import K_CHOICES
from overthink.components.base import KEY
from overthink.data.selectors import CLAIMED_SELECTORS, OTHER
from overthink.data.verdict_labels import GateLabel, HypothesisLabel, ShapeLabel
from overthink.governance.statement.origin import LATER, Fact, Generated

StatementAxis = Literal["capability", "safety", "benign"]
if TYPE_CHECKING:
    StatementSelector = str
    StatementShape = str
    StatementGate = str
    StatementHypothesis = str
    StatementReference = str
else:  # literals of the closed lists: their plain strings, in their order
    StatementSelector = (
        Literal[tuple(name.value for name in CLAIMED_SELECTORS)]
        | Annotated[str, Field(pattern=rf"^{OTHER}{KEY.pattern}$")]
    )
    StatementShape = Literal[tuple(label.value for label in ShapeLabel)]
    StatementGate = Literal[(*(label.value for label in GateLabel), "unknown")]
    StatementHypothesis = Literal[tuple(label.value for label in HypothesisLabel)]
    StatementReference = Literal[K_CHOICES]
FindingId = Annotated[str, Field(pattern="^([A-Za-z0-9._~/:+@,=-]+|none: [a-z_]+)$", max_length=1000)]
"""Id of a finding; "none: …" where there is none."""
NonNegativeCount = Annotated[int, Field(ge=0, lt=2**64)]
PositiveCount = Annotated[int, Field(ge=1, lt=2**64)]
Positive = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


class Part(BaseModel):
    """A part of a statement: every field is named, nothing else is taken, and no number is NaN or infinite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True)


LOOP_FIELDS = ("turns", "loop_tokens", "holds_for_turns<=", "holds_for_loop_tokens<=")
"""Fields that only loops of tool calls have."""


NO_PLAN_FIELDS = ("no_plan", "conditions")
"""Fields that only statements without a plan have."""


OVERSIGHT_FIELDS = ("oversight_sha256", "text_monitor", "text_view", "start_rung")
"""Fields that only statements of a study with a table on oversight have, and in it only some claims."""


class LoopPart(Part):
    """A part with fields for loops of tool calls, logs or oversight; they are omitted elsewhere when serialized."""

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        omitted = (*LOOP_FIELDS, *NO_PLAN_FIELDS, *OVERSIGHT_FIELDS)
        return {name: value for name, value in handler(self).items() if value is not None or name not in omitted}


class Reference(Part):
    """The budget that counts as K = 1; of thinking, one for all axes of a statement."""

    value: Generated[Positive]
    unit: Generated[Literal["thinking tokens", "generated tokens of a loop", "tries"]]
    means: Generated[str] = Field(min_length=1)


class KReference(Part):
    """What counts as K = 1 on a curve, and how it was chosen.

    Attributes:
        value: In tokens of this curve's arm.
        unit: What K multiplies.
        amount: In tokens, or in FLOP where they are counted: the same on every arm.
        in_flop: FLOP are counted.
        how: How it was chosen.
    """

    value: Fact[Positive]
    unit: Fact[Literal["thinking tokens", "generated tokens of a loop"]]
    amount: Fact[Positive]
    in_flop: Fact[bool]
    how: Fact[StatementReference]


class K(Part):
    """A budget as a multiple of a stated one. Without its basis and reference the number means nothing.

    Basis "tokens": K (thinking) of one try, or K (loop tokens); 0 is a direct answer, and tries are counted apart.
    Basis "samples": tries, where the study has no K of thinking.
    """

    basis: Generated[Literal["tokens", "samples"]]
    ref: Generated[Reference]
    value: Generated[Annotated[float, Field(ge=0)]]


class Number(Part):
    """A number with its interval and the finding that it is. A null estimate, or no interval, has a reason."""

    estimate: Fact[float | None]
    low: Fact[float | None]
    high: Fact[float | None]
    level: Fact[Probability | None]
    simultaneous: Fact[bool]
    unit: Fact[Literal["share", "difference of shares", "tokens", "probability", "bits"]]
    reason: Fact[str | None]
    finding: Fact[FindingId]


class Test(Part):
    """A test: its p-value, the one adjusted over its family, and the minimum detectable effect as a share."""

    __test__ = False  # not a pytest class

    name: Fact[str]
    p: Fact[Probability | None]
    p_adjusted: Fact[Probability | None]
    mde: Fact[float | None]


class Basis(Part):
    """What a claim rests on beside its number: questions, draws, its test, gates that failed there, and limits."""

    n_questions: Fact[NonNegativeCount]
    n_draws: Fact[NonNegativeCount]
    test: Fact[Test | None]
    gates_failed: Fact[tuple[str, ...]]
    limits: Fact[tuple[str, ...]]


class Tries(Part):
    """What a selector makes of k tries at one rung; its basis stands where it is claimed."""

    selector: Fact[StatementSelector]
    k: Fact[PositiveCount]
    cost: Generated[K] = LATER
    value: Fact[Number]
    basis: Fact[Basis | None] = None


class Gate(Part):
    """A check that a rung must pass before its numbers are believed, and the number it was checked on, or why none."""

    result: Generated[StatementGate] = LATER
    estimate: Fact[float | None]
    reason: Fact[str | None]


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

    rung: Fact[NonNegativeCount]
    requested_tokens: Fact[NonNegativeCount | None]
    effort: Fact[str | None]
    turns: Fact[NonNegativeCount | None] = None
    loop_tokens: Fact[NonNegativeCount | None] = None
    thinking_tokens: Fact[Number]
    answer_tokens: Fact[Number]
    attempt_tokens: Fact[Number]
    quantiles: Fact[dict[str, float]]
    cost: Generated[K] = LATER
    n_questions: Fact[NonNegativeCount]
    n_draws: Fact[NonNegativeCount]
    value: Fact[Number]
    band: Fact[Number | None]
    corrected: Fact[Number | None]
    tries: Fact[tuple[Tries, ...]]
    limit_hit_rate: Generated[Probability | None] = LATER
    limit_hit_reason: Generated[str | None] = LATER
    gates: Fact[dict[str, Gate]]


class Change(Basis):
    """The highest rung minus the lowest, by questions that have both."""

    value: Fact[Number]


class Gap(Change):
    """The change of a capability curve minus that of a safety curve."""

    against: Fact[str]


class Shape(Basis):
    """A verdict on the shape of a curve. The number is the highest rung minus the lowest."""

    metric: Fact[Literal["regimes", "max_t", "corrected_regimes", "corrected_max_t"]]
    verdict: Fact[StatementShape]
    change: Fact[Number]


class TurnSize(Part):
    """The largest rise or fall over all pairs of rungs. Its interval allows for that search; it is shown above 0 alone.

    Attributes:
        from_rung: The rung from which the estimate is taken.
        rung: The rung to which.
        size: The size, at least 0.
    """

    from_rung: Fact[NonNegativeCount]
    rung: Fact[NonNegativeCount]
    size: Fact[Number]


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

    tested: Generated[bool] = LATER
    shown: Generated[bool] = LATER
    margin: Fact[Positive]
    top_step: Fact[Number | None]
    shapes: Fact[tuple[Shape, ...]]
    rise: Fact[TurnSize | None] = None
    drawdown: Fact[TurnSize | None] = None


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

    claim: Fact[str] = Field(min_length=1)
    verdict: Fact[StatementHypothesis]
    from_rung: Fact[NonNegativeCount]
    rung: Fact[NonNegativeCount]
    change: Fact[Number]
    test: Fact[Test | None]
    reason: Fact[str | None]
    questions_needed: Fact[NonNegativeCount | None]
    n_questions: Fact[NonNegativeCount]
    gates_failed: Fact[tuple[str, ...]]


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

    claim: Fact[str] = Field(min_length=1)
    registered: Fact[bool]
    verdict: Fact[StatementHypothesis]
    reason: Fact[str | None]
    finding: Fact[str] = Field(min_length=1)
    test: Fact[Test | None]
    parts: Fact[tuple[HypothesisPart, ...]]


class Judge(Part):
    """Who scored, and how far that was checked against humans."""

    grader: Fact[str | None]
    corrected: Generated[bool] = LATER
    drift_gate: Fact[StatementGate | None]
    sensitivity: Fact[Number | None]
    specificity: Fact[Number | None]
    reason: Generated[str | None] = LATER


class Curve(Part):
    """One task, one scorer, one estimand over the ladder. A value of 1 is always the good one.

    Attributes:
        raw_high_means: The polarity of the raw score; None where neither a plan nor the reader of logs stated it.
        reference: What counts as K = 1; None where the study has no K of thinking.
        level: What the level at the highest rung rests on: its band, else its value.
        corrected_level: The same after correction by human labels.
        change: From the lowest rung to the highest; None with one rung.
        corrected_change: The same after correction by human labels.
        gaps: Of a safety curve, against every capability curve of its arm and ladder.
    """

    id: Fact[str] = Field(min_length=1)
    axis: Fact[StatementAxis]
    task: Fact[str]
    arm: Fact[str]
    scorer: Fact[str | None]
    estimand: Fact[Literal["forced", "sham", "truncated", "natural", "resampled", "effort", "checkpoint"]]
    value_1_means: Generated[Literal["correct", "safe", "answered"]] = LATER
    raw_high_means: Fact[Literal["correct", "wrong", "safe", "harm", "answered", "refused"] | None]
    n_questions: Generated[NonNegativeCount] = LATER
    n_draws: Generated[NonNegativeCount] = LATER
    reference: Fact[KReference | None]
    points: Fact[tuple[Point, ...]] = Field(min_length=1)
    level: Fact[Basis]
    corrected_level: Fact[Basis | None] = None
    change: Fact[Change | None] = None
    corrected_change: Fact[Change | None] = None
    gaps: Fact[tuple[Gap, ...]] = ()
    plateau: Fact[Plateau]
    hypothesis: Fact[Hypothesis | None] = None
    extreme: Generated[Literal["floor", "ceiling"] | None] = LATER
    effort_moved: Fact[bool | None]
    judge: Fact[Judge]
