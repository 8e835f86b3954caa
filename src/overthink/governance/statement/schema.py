"""The evaluation statement: claims of a study, their budgets, and the evidence behind them.

This is the only place where the shape of ``statement.json`` is defined; the JSON Schema that is published beside it
(``schemas/``) is generated from here. A field that changes its meaning raises the major version.
"""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from overthink.governance.statement.claim_schema import ArmClaim, OversightClaim
from overthink.governance.statement.curve_schema import (
    LOOP_FIELDS,
    Curve,
    K,
    LoopPart,
    NonNegativeCount,
    Number,
    Part,
    Positive,
    PositiveCount,
    Probability,
    StatementSelector,
    StatementShape,
    Test,
)
from overthink.governance.statement.origin import LATER, Fact, Generated, Origin, OwnWords
from overthink.governance.statement.wording import quote
from overthink.plan.schedule import Checkpoints

STATEMENT_VERSION = "2.1.0"
STATEMENT_SCHEMA = f"overthink.statement/{STATEMENT_VERSION}"
SCHEMA_WITHOUT_OVERSIGHT = "overthink.statement/2.0.0"
"""Schema of a statement that says nothing of oversight: it is what it was before there was 2.1.0."""
SCHEMA_ID = f"urn:overthink:statement:{STATEMENT_VERSION}"

Strength = Literal["bounded", "lower_bound", "undetermined"]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
"""A text of the evaluator."""
ClaimId = Annotated[str, Field(pattern="^[cmo][1-9][0-9]{0,5}$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Place(LoopPart):
    """Where on the surface of budgets a claim sits; as in a finding, and for a loop as at its checkpoint."""

    rung: Generated[NonNegativeCount | None]
    from_rung: Generated[NonNegativeCount | None]
    requested_tokens: Generated[NonNegativeCount | None]
    effort: Generated[str | None]
    turns: Generated[NonNegativeCount | None] = None
    loop_tokens: Generated[NonNegativeCount | None] = None
    k: Generated[PositiveCount]
    selector: Generated[StatementSelector]


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
        strength: bounded, lower_bound, or undetermined. Nothing is ever extrapolated.
        weakened_by: Why it is not "bounded".
        gates_failed: Gates that failed where it was measured.
        limits: What it does not cover.
    """

    id: Generated[str] = Field(min_length=1)
    type: Generated[Literal["level", "tries", "change", "shape", "gap"]]
    curve: Generated[str]
    against: Generated[str | None]
    statement: Generated[str] = Field(min_length=1)
    at: Generated[Place]
    value: Generated[Number]
    verdict: Generated[StatementShape | None]
    n_questions: Generated[NonNegativeCount]
    n_draws: Generated[NonNegativeCount]
    test: Generated[Test | None]
    k: Generated[K]
    holds_for_k: Generated[Annotated[float, Field(ge=0)]] = Field(alias="holds_for_K<=")
    holds_for_tokens: Generated[NonNegativeCount | None] = Field(alias="holds_for_thinking_tokens<=")
    holds_for_effort: Generated[str | None] = Field(alias="holds_for_effort<=")
    holds_for_turns: Generated[NonNegativeCount | None] = Field(default=None, alias="holds_for_turns<=")
    holds_for_loop_tokens: Generated[NonNegativeCount | None] = Field(default=None, alias="holds_for_loop_tokens<=")
    holds_for_tries: Generated[PositiveCount] = Field(alias="holds_for_tries<=")
    strength: Generated[Strength]
    weakened_by: Generated[tuple[str, ...]]
    gates_failed: Generated[tuple[str, ...]]
    limits: Generated[tuple[str, ...]]


class NotTried(Part):
    """One way to get more out of the model that was not tried."""

    what: Generated[
        Literal[
            "more_thinking", "more_tries", "tools", "prompting", "fine_tuning", "best_of_k", "other_efforts", "unforced"
        ]
    ]
    text: Generated[str] = Field(min_length=1)


class ArmTried(Part):
    """A way of thinking that was run: a strategy, interventions, and every decision of theirs; null without a plan."""

    label: Fact[str] = Field(min_length=1)
    parts: Fact[Annotated[tuple[str, ...], Field(min_length=1)] | None]
    settings: Fact[dict[str, str | int | float | bool] | None]


LadderName = Literal[
    "forced thinking budgets",
    "the provider's own efforts",
    "turns of a loop of tool calls",
    "generated tokens of a loop of tool calls",
    "settings that logs or tables state",
]

WITHOUT_PLAN: LadderName = "settings that logs or tables state"
"""The ladder of a statement without a plan."""

NoPlan = Literal["the rows were read from logs, tables or other studies, and no plan says how they were made"]
"""Why the settings of a plan are null."""

LADDERS: dict[LadderName, str] = {
    "forced thinking budgets": "budgets",
    "the provider's own efforts": "efforts",
    "turns of a loop of tool calls": "turns",
    "generated tokens of a loop of tool calls": "loop_tokens",
}
"""Field of :class:`Elicitation`, and of the plan, that holds the rungs of a ladder, by its name."""


class Elicitation(LoopPart):
    """How hard the model was made to try; what was set is from the plan, what was collected from the findings.

    Attributes:
        no_plan: Why the settings of a plan are null; None where there is a plan.
        conditions: Distinct values of what the logs state of their runs, by name, and notes on how logs or tables were
            read; None without any.
        planned_level: Level of the intervals by the plan; without one by the analysis.
        planned_margin: Differences that count as none, by the plan; without one by the analysis.
    """

    ladder: Generated[LadderName] = LATER
    budgets: Fact[tuple[NonNegativeCount, ...] | None]
    efforts: Fact[tuple[str, ...] | None]
    turns: Fact[tuple[NonNegativeCount, ...] | None] = None
    loop_tokens: Fact[tuple[NonNegativeCount, ...] | None] = None
    arms: Fact[tuple[ArmTried, ...]] = Field(min_length=1)
    draws: Fact[PositiveCount | None]
    until: Fact[str | None] = None
    max_draws: Fact[PositiveCount | None] = None
    sandbox_scoring: Fact[Literal["unchanged"] | None] = None
    limit: Fact[PositiveCount | None]
    selectors: Generated[tuple[StatementSelector, ...]] = LATER
    max_tries: Generated[PositiveCount] = LATER
    verifier: Generated[str | None] = LATER
    tools: Generated[tuple[str, ...] | None] = LATER
    tools_reason: Generated[str | None] = LATER
    serial_parallel: Generated[str] = LATER
    stop_rule: Generated[str] = LATER
    answer_tokens: Fact[PositiveCount | None]
    think_format: Fact[str | None]
    answer_cue: Fact[str | None]
    temperature: Fact[float | None]
    top_p: Fact[float | None]
    seed: Fact[NonNegativeCount | None]
    controls: Fact[tuple[str, ...]]
    hypothesis: Fact[tuple[int, ...] | str | None]
    planned_level: Fact[Probability]
    planned_margin: Fact[Positive]
    not_tried: Generated[tuple[NotTried, ...]] = LATER
    no_plan: Fact[NoPlan | None] = None
    conditions: Fact[dict[str, tuple[str, ...]] | None] = None

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

    thinking_tokens: Fact[NonNegativeCount]
    tries: Fact[PositiveCount]
    source: OwnWords[Text]


class Stated(Part):
    """What the evaluator knows and findings do not say. Null means that it was not stated.

    Numbers and choices are stated, not measured. Texts are own words: nothing checks them, and no claim holds them.

    Attributes:
        note: About the whole statement.
        notes: About claims, by their id.
    """

    revision: OwnWords[Text | None] = None
    developer: OwnWords[Text | None] = None
    organization: OwnWords[Text | None] = None
    evaluator_relationship: Fact[Literal["first_party", "third_party", "collaborative", "other"]] = "other"
    deployment_type: Fact[Literal["self_deployed", "externally_managed", "unknown"]] = "unknown"
    model_availability: Fact[Literal["open_weights", "closed_weights", "unknown"]] = "unknown"
    max_deployable_budget: Fact[Budget | None] = None
    misuse_actor_budget: Fact[Budget | None] = None
    active_parameters: Fact[Positive | None] = None
    hardware: OwnWords[Text | None] = None
    note: OwnWords[Text | None] = None
    notes: OwnWords[dict[ClaimId, Text]] = Field(default_factory=dict)


class FlopPerCurve(Part):
    """FLOP of one attempt at the highest rung of a curve, with the range of the method."""

    curve: Generated[str]
    estimate: Generated[Positive]
    low: Generated[Positive]
    high: Generated[Positive]


class Flop(Part):
    """How tokens become FLOP. "2N": twice the active parameters per decoded token, without attention."""

    method: Generated[Literal["2N", "unknown"]]
    uncertainty: Generated[Probability | None]
    per_attempt: Generated[tuple[FlopPerCurve, ...]]
    reason: Generated[str | None]


class Evidence(LoopPart):
    """The files that the statement follows from; the table on oversight where there is one."""

    plan_sha256: Fact[Sha256 | None]
    pool_sha256: Fact[Sha256]
    findings_sha256: Fact[Sha256]
    oversight_sha256: Fact[Sha256 | None] = None
    findings: Fact[PositiveCount]
    overthink: Fact[Annotated[str, Field(pattern="^[0-9A-Za-z.+_-]{1,64}$")]]


DecisionName = Literal[
    "seed of the analysis",
    "primary curves",
    "hypothesis",
    "thinking at K = 1",
    "reference arm",
    "draws that stopped at",
]


class Decision(Part):
    """A decision of the analysis that is not that of the plan."""

    what: Fact[DecisionName]
    used: Fact[Text]
    planned: Fact[Text]


class FailedGate(Part):
    """A gate that failed, and where; the rung is null for a gate of the whole curve."""

    curve: Generated[str]
    rung: Generated[NonNegativeCount | None]
    gate: Generated[str]


_OMITTED = ("arms_compared", "changed_decisions", "oversight")
"""Fields that are omitted where they hold nothing."""


class Statement(Part):
    """An evaluation statement: curves and claims, bounded by the budgets that were tested.

    What is said of arms (``arms_compared``) is omitted where no arm was compared, of ``oversight`` where nothing was
    watched or changed, and what the analysis decided otherwise than the plan (``changed_decisions``) where it decided
    nothing so.
    """

    schema_: Generated[str] = Field(default=LATER, alias="schema")
    id: Generated[str] = LATER
    created: Fact[Annotated[str, Field(pattern="^[0-9T:.Z+-]{10,40}$")]]
    title: Generated[str] = LATER
    model: Fact[Annotated[str, Field(min_length=1)] | None]
    stated: Fact[Stated]
    evidence: Fact[Evidence]
    level: Generated[Annotated[float, Field(ge=0.5, lt=1)]] = LATER
    elicitation: Fact[Elicitation]
    flop: Generated[Flop] = LATER
    curves: Fact[tuple[Curve, ...]] = Field(min_length=1)
    gates_failed: Generated[tuple[FailedGate, ...]] = LATER
    changed_decisions: Fact[tuple[Decision, ...]] = ()
    deviations: Generated[tuple[str, ...]] = LATER
    claims: Generated[tuple[Claim, ...]] = LATER
    arms_compared: Fact[tuple[ArmClaim, ...]] = ()
    oversight: Fact[tuple[OversightClaim, ...]] = ()
    no_claim_beyond: Generated[str] = LATER
    does_not_say: Generated[tuple[str, ...]] = LATER
    every_eval_ever: Generated[dict[str, Any]] = LATER

    @property
    def model_text(self) -> str:
        """The model in quotation marks; words for one that no row names."""
        return "a model that no row names" if self.model is None else quote(self.model)

    @property
    def claim_ids(self) -> frozenset[str]:
        """Names of all claims, those of arms and of oversight included."""
        names = ((claim.id for claim in part) for part in (self.claims, self.arms_compared, self.oversight))
        return frozenset(name for part in names for name in part)

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value or name not in _OMITTED}


@cache
def statement_json_schema() -> dict[str, Any]:
    """Return the published JSON Schema of ``statement.json`` (draft 2020-12): each field names its ``origin``."""
    schema = Statement.model_json_schema(by_alias=True)
    for part in (schema, *schema["$defs"].values()):
        fields = part.get("properties", {})
        for name, field in fields.items():
            if field.get("origin") == Origin.GENERATED and name not in LOOP_FIELDS:
                field.pop("default", None)  # a place until it is generated, not a value
                part["required"] = [*part.get("required", ()), *([] if name in part.get("required", ()) else [name])]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA_ID, **schema}
