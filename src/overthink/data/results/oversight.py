"""Results on oversight: what a monitor sees of the traces of a curve, rung by rung."""

from dataclasses import dataclass

from overthink.data.curve_key import CurveKey
from overthink.data.finding import At, Finding
from overthink.data.verdict_labels import FaithfulnessLabel, JudgeLabel, LatentLabel, MonitorLabel, NecessityVerdict


@dataclass(frozen=True, slots=True, eq=False)
class MonitorRung:
    """A monitor at one rung.

    Attributes:
        at: The rung.
        auroc: How well it tells the runs to be caught from the others.
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
class WorstPolicyResult:
    """The worst of the attack policies of a task, for one monitor and view.

    Attributes:
        key: The curve of the policy that is worst at the highest rung.
        monitor: Label of the monitor.
        view: What it reads.
        policies: The policies, a fixed list.
        rungs: Lowest AUROC over them, by rung.
        worst: Policy that has it, by rung.
    """

    key: CurveKey
    monitor: str
    view: str
    policies: tuple[str, ...]
    rungs: tuple[Finding, ...]
    worst: tuple[str, ...]


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
        at_rate: Bits that the thinking at the highest rung would pass at the assumed rate.
    """

    key: CurveKey
    passed: tuple[Finding, ...]
    at_rate: Finding


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
class JudgeRung:
    """A judge of two answers at one rung, whose thinking budget is the rung's.

    Attributes:
        at: The rung.
        accuracy: Its accuracy, both orders of a pair as one unit.
        gain: That minus its accuracy alone, paired; None for the judge alone.
        gap: Accuracy alone at the budget of the debaters minus that at its own; None where they think no more.
        recovered: Share of that gap; None likewise.
        chance: Verdict on the accuracy; None without a test.
        verdict: Verdict on the gain; None without a test.
    """

    at: At
    accuracy: Finding
    gain: Finding | None = None
    gap: Finding | None = None
    recovered: Finding | None = None
    chance: JudgeLabel | None = None
    verdict: JudgeLabel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class JudgeResult:
    """A judge of two answers on one curve.

    Attributes:
        key: The curve.
        protocol: Name of the protocol by which others argue before it; None for the judge alone, or where unknown.
        budget: Thinking budget of the debaters; None likewise.
        is_coin: Their sides are drawn by chance, without a call: the placebo.
        rungs: The rungs, from the lowest.
    """

    key: CurveKey
    protocol: str | None
    budget: int | None
    is_coin: bool
    rungs: tuple[JudgeRung, ...]


@dataclass(frozen=True, slots=True, eq=False)
class EloResult:
    """Ratings of judges and of the debaters, of one protocol on one task.

    Attributes:
        key: The curve of the judge alone.
        protocol: Name of the protocol.
        judges: Rating at each rung.
        debaters: Rating of each budget of the debaters.
        nested: Chance that oversight holds over the gap in steps; None below three budgets on either side.
    """

    key: CurveKey
    protocol: str
    judges: tuple[Finding, ...]
    debaters: tuple[Finding, ...]
    nested: Finding | None


@dataclass(frozen=True, slots=True, eq=False)
class OversightResults:
    """Everything about the oversight of a study.

    Attributes:
        monitors: Every monitor and view on every arm.
        worst: The worst of several policies, where there are several.
        notes: One sentence each for the report.
        necessity: Whether the thinking is needed, of curves with perturbations.
        perturbations: Every change of the thinking on every curve.
        obedience: Rules kept in the thinking and in the answer.
        hints: Mentions of hints that moved answers.
        encoded: What paraphrases of the thinking lose.
        bits: Bits in the traces: passed, and at an assumed rate.
        latent: Answers without thinking behind filler and repeats.
        judges: Judges of two answers, alone and behind the arguments of others.
        elo: Their ratings against the debaters.
    """

    monitors: tuple[MonitorResult, ...] = ()
    worst: tuple[WorstPolicyResult, ...] = ()
    notes: tuple[str, ...] = ()
    necessity: tuple[NecessityResult, ...] = ()
    perturbations: tuple[PerturbationResult, ...] = ()
    obedience: tuple[ObedienceRung, ...] = ()
    hints: tuple[HintRung, ...] = ()
    encoded: tuple[EncodedResult, ...] = ()
    bits: tuple[BitsResult, ...] = ()
    latent: tuple[LatentResult, ...] = ()
    judges: tuple[JudgeResult, ...] = ()
    elo: tuple[EloResult, ...] = ()
