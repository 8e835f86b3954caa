"""The evaluation statement: claims of a study, their budgets, and the evidence behind them.

This is the only place where the shape of ``statement.json`` is defined; the JSON Schema that is published beside it
(``schemas/``) is generated from here. A field that changes its meaning raises the major version.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from overthink.governance.statement.curve_schema import (
    Curve,
    K,
    LoopPart,
    NonNegativeCount,
    Number,
    Part,
    Positive,
    Probability,
    StatementSelector,
    StatementShape,
    Test,
)
from overthink.governance.statement.mitigation_schema import ArmClaim
from overthink.plan.checkpoints import Checkpoints

STATEMENT_VERSION = "1.4.0"
STATEMENT_SCHEMA = f"overthink.statement/{STATEMENT_VERSION}"
SCHEMA_ID = f"urn:overthink:statement:{STATEMENT_VERSION}"

Strength = Literal["bounded", "lower_bound", "undetermined", "extrapolated"]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Place(LoopPart):
    """Where on the surface of budgets a claim sits; as in a finding, and for a loop as at its checkpoint."""

    rung: NonNegativeCount | None
    from_rung: NonNegativeCount | None
    requested_tokens: NonNegativeCount | None
    effort: str | None
    turns: NonNegativeCount | None = None
    loop_tokens: NonNegativeCount | None = None
    k: Annotated[int, Field(ge=1)]
    selector: StatementSelector


class Claim(LoopPart):
    """One sentence that may be said, and what it rests on.

    Attributes:
        id: Its name in this statement.
        type: level (one try at a rung), tries (k tries), change (between rungs), shape, or gap.
        curve: The curve it is of.
        against: The capability curve, for a gap.
        statement: The sentence.
        at: Where it sits.
        value: Its number.
        verdict: The shape, for a shape.
        n_questions: Questions behind the number.
        n_draws: Draws behind the number.
        test: The test behind it, where there is one.
        k: K (thinking) of one try at the budget it sits at.
        holds_for_k: No claim above this K (thinking).
        holds_for_tokens: No claim above this many thinking tokens asked for.
        holds_for_effort: Nor above this level.
        holds_for_turns: Nor above this many turns of a loop.
        holds_for_loop_tokens: Nor above this many tokens that a loop generates.
        holds_for_tries: Nor with more tries.
        strength: bounded, lower_bound, undetermined, or extrapolated.
        weakened_by: Why it is not "bounded".
        extrapolated: It says something above the tested budgets.
        gates_failed: Gates that failed where it was measured.
        limits: What it does not cover.
    """

    id: str = Field(min_length=1)
    type: Literal["level", "tries", "change", "shape", "gap"]
    curve: str
    against: str | None
    statement: str = Field(min_length=1)
    at: Place
    value: Number
    verdict: StatementShape | None
    n_questions: NonNegativeCount
    n_draws: NonNegativeCount
    test: Test | None
    k: K
    holds_for_k: Annotated[float, Field(ge=0)] = Field(alias="holds_for_K<=")
    holds_for_tokens: NonNegativeCount | None = Field(alias="holds_for_thinking_tokens<=")
    holds_for_effort: str | None = Field(alias="holds_for_effort<=")
    holds_for_turns: NonNegativeCount | None = Field(default=None, alias="holds_for_turns<=")
    holds_for_loop_tokens: NonNegativeCount | None = Field(default=None, alias="holds_for_loop_tokens<=")
    holds_for_tries: Annotated[int, Field(ge=1)] = Field(alias="holds_for_tries<=")
    strength: Strength
    weakened_by: tuple[str, ...]
    extrapolated: bool
    gates_failed: tuple[str, ...]
    limits: tuple[str, ...]


class NotTried(Part):
    """One way to get more out of the model that was not tried."""

    what: Literal[
        "more_thinking", "more_tries", "tools", "prompting", "fine_tuning", "best_of_k", "other_efforts", "unforced"
    ]
    text: str = Field(min_length=1)


class ArmTried(Part):
    """A way of thinking that was run: a strategy, interventions, and every decision of theirs."""

    label: str = Field(min_length=1)
    parts: tuple[str, ...] = Field(min_length=1)
    settings: dict[str, str | int | float | bool]


LadderName = Literal[
    "forced thinking budgets",
    "the provider's own efforts",
    "turns of a loop of tool calls",
    "generated tokens of a loop of tool calls",
]

LADDERS: dict[LadderName, str] = {
    "forced thinking budgets": "budgets",
    "the provider's own efforts": "efforts",
    "turns of a loop of tool calls": "turns",
    "generated tokens of a loop of tool calls": "loop_tokens",
}
"""Field of :class:`Elicitation`, and of the plan, that holds the rungs of a ladder, by its name."""


class Elicitation(LoopPart):
    """How hard the model was made to try; what was set is from the plan, what was collected from the findings."""

    ladder: LadderName
    budgets: tuple[NonNegativeCount, ...] | None
    efforts: tuple[str, ...] | None
    turns: tuple[NonNegativeCount, ...] | None = None
    loop_tokens: tuple[NonNegativeCount, ...] | None = None
    arms: tuple[ArmTried, ...] = Field(min_length=1)
    draws: Annotated[int, Field(ge=1)]
    limit: Annotated[int, Field(ge=1)] | None
    selectors: tuple[StatementSelector, ...] = Field(min_length=1)
    max_tries: Annotated[int, Field(ge=1)]
    verifier: str | None
    tools: tuple[str, ...] | None
    tools_reason: str | None
    serial_parallel: str = Field(min_length=1)
    stop_rule: str = Field(min_length=1)
    answer_tokens: Annotated[int, Field(ge=1)]
    think_format: str
    answer_cue: str | None
    temperature: float | None
    top_p: float | None
    seed: NonNegativeCount
    controls: tuple[str, ...]
    hypothesis: tuple[int, ...] | str | None
    planned_level: Probability
    planned_margin: Positive
    not_tried: tuple[NotTried, ...]

    @property
    def checkpoints(self) -> Checkpoints | None:
        """Checkpoints of a loop of tool calls; None where no loop was run."""
        if self.turns is not None:
            return Checkpoints("turns", self.turns)
        return None if self.loop_tokens is None else Checkpoints("tokens", self.loop_tokens)

    @property
    def rungs(self) -> tuple[str, ...]:
        """The ladder as text."""
        if self.checkpoints is not None:
            return self.checkpoints.labels
        return tuple(map(str, self.budgets)) if self.budgets is not None else self.efforts or ()


class Budget(Part):
    """A budget that somebody has, or sells: thinking tokens of one attempt, and tries."""

    thinking_tokens: NonNegativeCount
    tries: Annotated[int, Field(ge=1)]
    source: str = Field(min_length=1)


class Stated(Part):
    """What the evaluator knows and findings do not say. Null means that it was not stated."""

    revision: str | None = None
    developer: str | None = None
    organization: str | None = None
    evaluator_relationship: Literal["first_party", "third_party", "collaborative", "other"] = "other"
    deployment_type: Literal["self_deployed", "externally_managed", "unknown"] = "unknown"
    model_availability: Literal["open_weights", "closed_weights", "unknown"] = "unknown"
    max_deployable_budget: Budget | None = None
    misuse_actor_budget: Budget | None = None
    active_parameters: Positive | None = None
    hardware: str | None = None


class FlopPerCurve(Part):
    """FLOP of one attempt at the highest rung of a curve, with the range of the method."""

    curve: str
    estimate: Positive
    low: Positive
    high: Positive


class Flop(Part):
    """How tokens become FLOP. "2N": twice the active parameters per decoded token, without attention."""

    method: Literal["2N", "unknown"]
    uncertainty: Probability | None
    per_attempt: tuple[FlopPerCurve, ...]
    reason: str | None


class Evidence(Part):
    """The files that the statement follows from."""

    plan_sha256: Sha256
    pool_sha256: Sha256
    findings_sha256: Sha256
    findings: Annotated[int, Field(ge=1)]
    overthink: str


class FailedGate(Part):
    """A gate that failed, and where; the rung is null for a gate of the whole curve."""

    curve: str
    rung: NonNegativeCount | None
    gate: str


class Statement(Part):
    """An evaluation statement: curves and claims, bounded by the budgets that were tested.

    What is said of arms (``arms_compared``) is omitted where no arm was compared.
    """

    schema_: str = Field(alias="schema", pattern=r"^overthink\.statement/\d+\.\d+\.\d+$")
    id: str = Field(pattern="^[0-9a-f]{16}$")
    created: str
    title: str
    model: str = Field(min_length=1)
    stated: Stated
    evidence: Evidence
    level: Annotated[float, Field(ge=0.5, lt=1)]
    elicitation: Elicitation
    flop: Flop
    curves: tuple[Curve, ...] = Field(min_length=1)
    gates_failed: tuple[FailedGate, ...]
    deviations: tuple[str, ...]
    claims: tuple[Claim, ...] = Field(min_length=1)
    arms_compared: tuple[ArmClaim, ...] = ()
    no_claim_beyond: str = Field(min_length=1)
    does_not_say: tuple[str, ...]
    every_eval_ever: dict[str, Any]

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value or name != "arms_compared"}


def statement_json_schema() -> dict[str, Any]:
    """Return the published JSON Schema of ``statement.json`` (draft 2020-12)."""
    schema = Statement.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}


@dataclass(frozen=True, slots=True)
class Interval:
    """Possible values of a quantity, given the stated ranges of unknown inputs.

    Attributes:
        low: Lower end.
        high: Upper end; infinite where it is unbounded.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"an interval from {self.low} to {self.high} is not ordered")
