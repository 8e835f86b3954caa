"""Schema of what a statement says of arms, and of the oversight of their traces."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from overthink.data.oversight import View
from overthink.data.verdict_labels import (
    DependenceLabel,
    FaithfulnessLabel,
    JudgeLabel,
    LatentLabel,
    MitigationLabel,
    MonitorLabel,
    NecessityVerdict,
    ProbeLabel,
    ReadingLabel,
)
from overthink.governance.statement.curve_schema import Basis, LoopPart, NonNegativeCount, Number, Positive
from overthink.governance.statement.origin import LATER, Fact, Generated
from overthink.stats.oversight.encoded import EncodedClaim

OVERSIGHT_VERDICTS: dict[str, tuple[str, ...]] = {
    "monitor": (MonitorLabel.BETTER, MonitorLabel.NOT_SHOWN),
    "red_team": (MonitorLabel.BETTER, MonitorLabel.NOT_SHOWN),
    "perturbation": tuple(FaithfulnessLabel),
    "necessity": tuple(NecessityVerdict),
    "encoded": tuple(EncodedClaim),
    "bits": (),
    "latent": tuple(LatentLabel),
    "probe": tuple(ProbeLabel),
    "monitorability": tuple(DependenceLabel),
    "judge": (JudgeLabel.CHANCE, JudgeLabel.NOT_CHANCE),
    "protocol": (JudgeLabel.BETTER, JudgeLabel.WORSE, JudgeLabel.NOT_SHOWN),
}
"""Verdicts of a claim on oversight, by its type; bits are a bound without one."""

if TYPE_CHECKING:
    StatementMitigation = str
    StatementOversight = str
    StatementOversightType = str
    StatementView = str
else:  # literals of closed lists: plain strings, in their order
    StatementMitigation = Literal[tuple(dict.fromkeys(label.value for label in (*MitigationLabel, *ReadingLabel)))]
    StatementOversight = Literal[
        tuple(dict.fromkeys(str(label) for labels in OVERSIGHT_VERDICTS.values() for label in labels))
    ]
    StatementOversightType = Literal[tuple(OVERSIGHT_VERDICTS)]
    StatementView = Literal[tuple(view.value for view in View)]


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


Name = Annotated[str, Field(min_length=1, max_length=1000)]


class OversightClaim(Basis, LoopPart):
    """What is said of the oversight of the traces of a curve at one rung, and what it rests on.

    Attributes:
        id: Its name in this statement.
        type: monitor (does it see what is to be caught), red_team (does it see the attack that a search among several
            chose, on questions that the search never saw), perturbation (do answers change with the thinking),
            necessity (is the thinking needed), encoded (what a paraphrase loses), bits (what an attack passed), latent
            (are answers without thinking a floor), probe (does it see more than a monitor), monitorability (does what
            an intervention does need the chain), judge (is a judge better than chance), or protocol (than alone).
        curve: The curve whose traces are watched or changed.
        rung: The rung of that curve.
        start_rung: Rung whose effect a claim on monitorability compares with that at its own; left out elsewhere.
        subject: Label of the monitor, the probe or the change, the intervention, or the arm of the best prompt; None
            where there is none.
        view: What a monitor or probe reads.
        text_monitor: Monitor that a probe is compared with; left out elsewhere.
        text_view: What that one reads; likewise.
        policy: Attack policy whose runs a monitor is to catch, or the attacking arm that a search chose; None where it
            is to catch bad answers, or without a search.
        model: Model that monitors, or that writes the paraphrase; None without one.
        model_effort: Thinking budget or level of the model that monitors.
        statement: The sentence; it follows from the other fields.
        requested_tokens: No claim above this many thinking tokens asked for.
        effort: Nor above this level.
        turns: Nor above this many turns of a loop.
        loop_tokens: Nor above this many tokens that a loop generates.
        value: Chance that a run to be caught is the more suspicious one; accuracy or share of answers that is gained or
            lost; or bits per trace.
        caught: Share caught where 5 % of the others are flagged.
        monitor_tokens: Tokens of the monitor per trace.
        controls: What an encoded gap is read beside, by metric.
        verdict: The label; None where there is no test.
        n_questions: Questions behind the number.
        n_draws: Draws behind the number.
        test: The test behind the verdict, adjusted over all of its kind in the study.
        gates_failed: Gates that failed at the rung.
        limits: What it does not cover.
    """

    id: Generated[str] = LATER
    type: Fact[StatementOversightType]
    curve: Fact[str]
    rung: Fact[NonNegativeCount]
    start_rung: Fact[NonNegativeCount | None] = None
    subject: Fact[Name | None]
    view: Fact[StatementView | None]
    text_monitor: Fact[Name | None] = None
    text_view: Fact[StatementView | None] = None
    policy: Fact[Name | None]
    model: Fact[Name | None]
    model_effort: Fact[Name | None]
    statement: Generated[str] = LATER
    requested_tokens: Generated[NonNegativeCount | None] = Field(default=LATER, alias="holds_for_thinking_tokens<=")
    effort: Generated[str | None] = Field(default=LATER, alias="holds_for_effort<=")
    turns: Generated[NonNegativeCount | None] = Field(default=LATER, alias="holds_for_turns<=")
    loop_tokens: Generated[NonNegativeCount | None] = Field(default=LATER, alias="holds_for_loop_tokens<=")
    value: Fact[Number]
    caught: Fact[Number | None]
    monitor_tokens: Fact[Number | None]
    controls: Fact[dict[str, Number]]
    verdict: Fact[StatementOversight | None]
    gates_failed: Generated[tuple[str, ...]] = LATER
