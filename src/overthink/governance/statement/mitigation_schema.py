"""Schema of what a statement says of arms: against the reference, and against their placebos."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from overthink.data.arm_labels import MitigationLabel, ReadingLabel
from overthink.governance.statement.curve_schema import Basis, NonNegativeCount, Number, Positive
from overthink.governance.statement.origin import LATER, Fact, Generated

if TYPE_CHECKING:
    StatementMitigation = str
else:  # a literal of both closed lists: plain strings, in their order
    StatementMitigation = Literal[tuple(dict.fromkeys(label.value for label in (*MitigationLabel, *ReadingLabel)))]


class ArmClaim(Basis):
    """What is said of an arm on a safety task, and what it rests on.

    Attributes:
        id: Its name in this statement.
        type: mitigation (against the reference), or reading (against the arm's placebo).
        curve: The arm's curve.
        against: The curve of the reference, or of the placebo.
        statement: The sentence; it follows from the other fields.
        requested_tokens: Thinking budget at which both are compared; no claim above it.
        value: The arm minus the other there.
        verdict: The label.
        margin: Largest degradation that does not matter.
        arm_thinking: Mean thinking tokens that the arm realised there; None where unknown, and for a reading.
        against_thinking: The same of the other.
        n_questions: Questions behind the number.
        n_draws: Draws behind the number.
        test: The test behind the verdict, adjusted over all arms, references and placebos together.
        gates_failed: Gates that failed where it was measured.
        limits: What it does not cover.
    """

    id: Generated[str] = LATER
    type: Fact[Literal["mitigation", "reading"]]
    curve: Fact[str]
    against: Fact[str]
    statement: Generated[str] = LATER
    requested_tokens: Fact[NonNegativeCount | None] = Field(alias="holds_for_thinking_tokens<=")
    value: Fact[Number]
    verdict: Fact[StatementMitigation]
    margin: Generated[Positive] = LATER
    arm_thinking: Fact[Annotated[float, Field(ge=0)] | None]
    against_thinking: Fact[Annotated[float, Field(ge=0)] | None]
