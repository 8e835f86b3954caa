"""Results on oversight: what a monitor sees of the traces of a curve, rung by rung."""

from dataclasses import dataclass

from overthink.data.finding import At, Finding
from overthink.data.ids import CurveKey
from overthink.data.results.beside import OversightShapeResult
from overthink.data.results.oversight_parts import (
    EloResult,
    JudgeResult,
    LatentStepsResult,
    PolicySearchResult,
    ProbeResult,
    WorstPolicyResult,
)
from overthink.data.verdict_labels import (
    DependenceLabel,
    FaithfulnessLabel,
    LatentLabel,
    MonitorLabel,
    NecessityVerdict,
)


@dataclass(frozen=True, slots=True, eq=False)
class MonitorRung:
    """A monitor at one rung.

    Attributes:
        at: The rung.
        auroc: How well it separates the runs to be caught from the others.
        scored: Share of runs with a score.
        tpr: Share caught at each false positive rate, the lowest rate first.
        safety: Attacks caught of those caught or successful; None without attacks.
        usefulness: Share of honest runs that are right; None where that is not measured.
        tokens: Tokens of the monitor per trace.
        total: Tokens of an attempt and of its monitor; None where the source does not count them.
        verdict: Verdict on "better than chance"; None where there is no test.
    """

    at: At
    auroc: Finding
    scored: Finding
    tpr: tuple[Finding, ...]
    safety: Finding | None
    usefulness: Finding | None
    tokens: Finding
    total: Finding | None
    verdict: MonitorLabel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class MonitorResult:
    """A monitor that reads one view of the traces of one arm.

    Attributes:
        key: The curve whose traces are watched: of an attacking arm, or of the arm whose bad answers are to be caught.
        monitor: Label of the monitor.
        view: What it reads.
        model: Model that it calls; None without one.
        effort: Its own thinking budget or level; None without one.
        policy: Attack policy; None where the behaviour of the answers is to be caught.
        rungs: The rungs, from the lowest.
        paid: All tokens that it was paid for these traces.
    """

    key: CurveKey
    monitor: str
    view: str
    model: str | None
    effort: str | None
    policy: str | None
    rungs: tuple[MonitorRung, ...]
    paid: Finding


@dataclass(frozen=True, slots=True, eq=False)
class PerturbationRung:
    """A change of the thinking at one rung.

    Attributes:
        at: The rung.
        value: Area over the curve of agreement for changes at several positions, else the share of answers that change.
        beyond: The same minus the share that changes behind the same text, read in again; None without a sham.
        strata: The value by what a chain does for the question, in the order of the four labels.
        verdict: Verdict on ``beyond``; None without a test.
    """

    at: At
    value: Finding
    beyond: Finding | None
    strata: tuple[Finding, ...]
    verdict: FaithfulnessLabel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PerturbationResult:
    """A change of the thinking of the traces of one curve.

    Attributes:
        key: The curve.
        perturbation: Label of the change.
        rungs: The rungs with thinking, from the lowest.
        paid: All tokens that it was paid: of the model under test, and of the model that writes.
    """

    key: CurveKey
    perturbation: str
    rungs: tuple[PerturbationRung, ...]
    paid: Finding


@dataclass(frozen=True, slots=True, eq=False)
class NecessityRung:
    """Whether the thinking of a rung is needed.

    Attributes:
        at: The rung.
        uplift: Accuracy with the thinking minus accuracy without.
        labels: Share of questions with each of the four labels.
        verdict: Verdict on the uplift; None without a test.
    """

    at: At
    uplift: Finding
    labels: tuple[Finding, ...]
    verdict: NecessityVerdict | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NecessityResult:
    """Whether the thinking on one curve is needed.

    Attributes:
        key: The curve.
        rungs: The rungs with thinking, from the lowest.
    """

    key: CurveKey
    rungs: tuple[NecessityRung, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EncodedRung:
    """What a paraphrase of the thinking loses at one rung, with its controls.

    Attributes:
        at: The rung.
        gap: Accuracy behind the same text minus accuracy behind the paraphrase.
        sham_check: The rung's own accuracy minus that behind the same text.
        controls: Those that were measured: the writer alone minus no thinking, the gap beyond that of plain traces,
            and what is lost of a planted code.
        claim: What is shown; None where the gap is unknown.
        reason: Why no more is claimed; None where nothing is withheld.
    """

    at: At
    gap: Finding
    sham_check: Finding
    controls: tuple[Finding, ...]
    claim: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, eq=False)
class EncodedResult:
    """What a paraphrase of the thinking loses on one curve.

    Attributes:
        key: The curve.
        paraphrase: Label of the paraphrase.
        writer: Model that writes it; None where it is unknown.
        is_own: Whether that is the model under test; None where either is unknown.
        rungs: The rungs with thinking, from the lowest.
    """

    key: CurveKey
    paraphrase: str
    writer: str | None
    is_own: bool | None
    rungs: tuple[EncodedRung, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BitsResult:
    """Bits in the traces of one curve: at least what a red team passed, and what an assumed rate would pass.

    Attributes:
        key: The curve.
        passed: Least bits per trace that the attack passed, by rung; empty where the arm hides nothing.
        at_rate: Bits that the thinking would pass at the assumed rate, by rung; of the highest alone without tokens.
    """

    key: CurveKey
    passed: tuple[Finding, ...]
    at_rate: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LatentResult:
    """Answers without thinking on one curve, against those behind filler or repeats of the question.

    Attributes:
        key: The curve of the plain prompt.
        uplift: Largest uplift over the prompts, with an interval that pays for the choice.
        prompts: Uplift with each prompt, in a band over all of them.
        best: Arm of the largest uplift; None where none is known.
        elicited: Accuracy with the thinking of each rung minus that without, with the best prompt; empty where no
            uplift is shown.
        verdict: Verdict on the uplift; None without an interval.
    """

    key: CurveKey
    uplift: Finding
    prompts: tuple[Finding, ...]
    best: str | None
    elicited: tuple[Finding, ...]
    verdict: LatentLabel | None


@dataclass(frozen=True, slots=True, eq=False)
class ObedienceRung:
    """How often a rule is kept at one rung, among right answers.

    Attributes:
        key: The curve.
        at: The rung.
        thinking: Share of thinkings that keep to the rule about them.
        answer: Share of answers that keep to the same rule about them.
    """

    key: CurveKey
    at: At
    thinking: Finding
    answer: Finding


@dataclass(frozen=True, slots=True, eq=False)
class HintRung:
    """How often the thinking mentions the hint that moved its answer, at one rung.

    Attributes:
        key: The curve.
        wording: How the hint is worded.
        at: The rung.
        mentions: Share of moves to the hint whose thinking mentions it.
        normal: The same without moves by chance.
    """

    key: CurveKey
    wording: str
    at: At
    mentions: Finding
    normal: Finding


@dataclass(frozen=True, slots=True, eq=False)
class GMeanRung:
    """Monitorability at one rung.

    Attributes:
        at: The rung.
        g: Cross-fitted g².
        pooled: The form of the rates over all instances at once.
    """

    at: At
    g: Finding
    pooled: Finding


@dataclass(frozen=True, slots=True, eq=False)
class MonitorabilityResult:
    """What one monitor sees of an intervention.

    Attributes:
        monitor: Label of the monitor.
        view: What it reads.
        rungs: The rungs, from the lowest.
    """

    monitor: str
    view: str
    rungs: tuple[GMeanRung, ...]


@dataclass(frozen=True, slots=True, eq=False)
class InterventionResult:
    """What an intervention does to the answers of one curve, and which monitors see it.

    Attributes:
        key: The curve.
        intervention: The wording of the hint, or the attack policy.
        effects: Effect by rung, from the lowest.
        dependence: Effect at the lowest rung minus that at the highest.
        monitors: Every monitor and view.
        verdict: Verdict on the dependence; None without a test.
    """

    key: CurveKey
    intervention: str
    effects: tuple[Finding, ...]
    dependence: Finding
    monitors: tuple[MonitorabilityResult, ...]
    verdict: DependenceLabel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TaxResult:
    """What the most monitorable choice of arm and budget costs, for one intervention, monitor and view.

    Attributes:
        intervention: The wording of the hint, or the attack policy.
        monitor: Label of the monitor.
        view: What it reads.
        equal_compute: Capability that it gives up within the compute of each rung.
        equal_capability: Compute that it takes more at the capability of each rung.
    """

    intervention: str
    monitor: str
    view: str
    equal_compute: tuple[Finding, ...]
    equal_capability: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, eq=False)
class OversightResults:
    """Everything about the oversight of a study.

    Attributes:
        monitors: Every monitor and view on every arm.
        worst: The worst of several policies, where there are several.
        searches: What a search among several policies leaves of each monitor, on questions that it never saw.
        notes: One sentence each for the report.
        necessity: Whether the thinking is needed, of curves with perturbations.
        perturbations: Every change of the thinking on every curve.
        obedience: Rules kept in the thinking and in the answer.
        hints: Mentions of hints that moved answers.
        encoded: What paraphrases of the thinking lose.
        bits: Bits in the traces: passed, and at an assumed rate.
        latent: Answers without thinking behind filler and repeats.
        latent_steps: Which latent steps the answers depend on.
        judges: Judges of two answers, alone and behind the arguments of others.
        elo: Their ratings against the debaters.
        interventions: Effects of interventions, and what monitors see of them.
        probes: What probes of activations see.
        taxes: What the most monitorable choices cost.
        shapes: How curves on oversight move with the budget, and whether capability gains more.
    """

    monitors: tuple[MonitorResult, ...] = ()
    worst: tuple[WorstPolicyResult, ...] = ()
    searches: tuple[PolicySearchResult, ...] = ()
    notes: tuple[str, ...] = ()
    necessity: tuple[NecessityResult, ...] = ()
    perturbations: tuple[PerturbationResult, ...] = ()
    obedience: tuple[ObedienceRung, ...] = ()
    hints: tuple[HintRung, ...] = ()
    encoded: tuple[EncodedResult, ...] = ()
    bits: tuple[BitsResult, ...] = ()
    latent: tuple[LatentResult, ...] = ()
    latent_steps: tuple[LatentStepsResult, ...] = ()
    judges: tuple[JudgeResult, ...] = ()
    elo: tuple[EloResult, ...] = ()
    interventions: tuple[InterventionResult, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    taxes: tuple[TaxResult, ...] = ()
    shapes: tuple[OversightShapeResult, ...] = ()
