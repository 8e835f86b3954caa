"""Rules for what a statement says of oversight: names, verdicts, numbers, and that no rung or change is left out."""

from collections.abc import Iterator, Mapping, Sequence
from math import log2

from overthink.analysis.oversight.encoded import PARAPHRASE
from overthink.data.ids import finding_id, id_part
from overthink.data.kinds import Kind, Metric
from overthink.data.oversight import SECRET_CHOICES
from overthink.data.phrases import shown_name
from overthink.data.record import Axis
from overthink.data.verdict_labels import (
    DependenceLabel,
    FaithfulnessLabel,
    JudgeLabel,
    MonitorLabel,
    NecessityVerdict,
    ProbeLabel,
)
from overthink.governance.statement.claim_schema import OVERSIGHT_VERDICTS, OversightClaim
from overthink.governance.statement.curve_schema import Curve, Number
from overthink.governance.statement.oversight import CAUGHT_AT, CLAIMED, point_of
from overthink.governance.statement.read import Breaches, by_id, close, level_of
from overthink.governance.statement.rules.curves import is_even
from overthink.governance.statement.schema import Statement
from overthink.stats.oversight.auroc import CHANCE
from overthink.stats.oversight.encoded import EncodedClaim, information_bits

FINDINGS: Mapping[str, tuple[Kind, Metric]] = {
    "monitor": (Kind.MONITOR, Metric.AUROC),
    "red_team": (Kind.MONITOR, Metric.AUROC_AFTER_SEARCH),
    "perturbation": (Kind.FAITHFULNESS, Metric.BEYOND_SHAM),
    "necessity": (Kind.NECESSITY, Metric.UPLIFT),
    "encoded": (Kind.ENCODED, Metric.ENCODED_GAP),
    "bits": (Kind.ENCODED, Metric.BITS_PASSED),
    "latent": (Kind.LATENT, Metric.LATENT_UPLIFT),
    "probe": (Kind.PROBE, Metric.PROBE_MINUS_TEXT),
    "monitorability": (Kind.MONITORABILITY, Metric.DEPENDENCE),
    "judge": (Kind.OVERSIGHT, Metric.JUDGE_ACCURACY),
    "protocol": (Kind.OVERSIGHT, Metric.JUDGE_GAIN),
}
"""Kind and metric of the finding that a claim is, by its type."""

CONTROLS = frozenset({Metric.WRITER_ALONE, Metric.BEYOND_PLAIN, Metric.CODE_LOSS})
WITH_THINKING = ("perturbation", "necessity", "encoded")
"""Types that have a claim at every rung with thinking; monitors and bits have one at every rung."""

BY_TEST: Mapping[str, tuple[str | None, str | None]] = {
    "monitor": (None, MonitorLabel.BETTER),
    "red_team": (None, MonitorLabel.BETTER),
    "perturbation": (None, FaithfulnessLabel.CHANGE),
    "necessity": (None, NecessityVerdict.NEEDED),
    "probe": (None, ProbeLabel.MORE),
    "monitorability": (DependenceLabel.NEEDS, None),
    "judge": (None, JudgeLabel.CHANCE),
    "protocol": (JudgeLabel.WORSE, JudgeLabel.BETTER),
}
"""What an adjusted p-value shows of a value below that of chance, and above it, by type; None for no claim."""

WITH_CHANCE = ("monitor", "red_team", "judge")
"""Types whose value without any effect is a half."""

WATCHES = ("monitor", "red_team")
WITH_VIEW = (*WATCHES, "probe")

WITHOUT_TABLE = ("latent", "judge", "protocol")
"""Types that rest on answers alone."""

UNITS = {"monitor": "probability", "red_team": "probability", "bits": "bits", "judge": "share"}
"""Units by type; those of the others are differences of shares."""


def _claims(statement: Statement) -> Iterator[tuple[str, OversightClaim, Curve]]:
    """Yield every claim with its path and its curve, if that has its rung."""
    curves = by_id(statement)
    for i, claim in enumerate(statement.oversight):
        curve = curves.get(claim.curve)
        if curve is not None and any(point.rung == claim.rung for point in curve.points):
            yield f"oversight.{i}", claim, curve


def oversight_names(statement: Statement) -> Breaches:
    """A claim on oversight is of a rung of a curve, names what its type has, and its numbers are their findings."""
    curves = by_id(statement)
    for i, claim in enumerate(statement.oversight):
        where, curve = f"oversight.{i}", curves.get(claim.curve)
        if curve is None or claim.rung not in [point.rung for point in curve.points]:
            yield where, f"no rung {claim.rung} of a curve {claim.curve!r} in the statement"
            continue
        is_monitor, is_probe = claim.type == "monitor", claim.type == "probe"
        needs = {"view": claim.type in WITH_VIEW, "caught": is_monitor, "monitor_tokens": is_monitor}
        needs |= {"text_monitor": is_probe, "text_view": is_probe, "start_rung": claim.type == "monitorability"}
        if claim.type != "latent":
            needs["subject"] = claim.type in (*WITH_VIEW, "perturbation", "encoded", "monitorability")
        for name, needed in needs.items():
            if (getattr(claim, name) is not None) != needed:
                yield f"{where}.{name}", f"{'missing' if needed else 'there, and not'} of a claim on {claim.type}"
        may = {"policy": WITH_VIEW, "model_effort": WATCHES, "model": (*WATCHES, "encoded")}
        for name, types in may.items():
            if getattr(claim, name) is not None and claim.type not in types:
                yield f"{where}.{name}", f"there, and not of a claim on {claim.type}"
        if claim.start_rung is not None and claim.start_rung not in [
            p.rung for p in curve.points if p.rung <= claim.rung
        ]:
            yield f"{where}.start_rung", f"{claim.start_rung}: no rung of the curve up to its own, {claim.rung}"
        if claim.controls.keys() - (CONTROLS if claim.type == "encoded" else set()):
            yield f"{where}.controls", f"{', '.join(sorted(claim.controls))}: no controls of a claim on {claim.type}"
        for name, number, finding in _findings(claim, curve):
            if number.finding != finding:
                yield f"{where}.{name}.finding", f"{number.finding!r}; its names make it {finding!r}"


def _findings(claim: OversightClaim, curve: Curve) -> Iterator[tuple[str, Number, str]]:
    """Yield every number of a claim with its path and the finding that it must be."""
    kind, metric = FINDINGS[claim.type]
    part = () if claim.subject is None or claim.type == "latent" else (id_part(claim.subject),)
    part = (*part, *((claim.view,) if claim.view is not None else ()))
    if claim.policy is not None and claim.type != "red_team":  # a search is named without its choice
        part = (*part, id_part(claim.policy))
    if claim.text_monitor is not None:
        part = (*part, id_part(claim.text_monitor), claim.text_view or "")
    rung = f"rung{claim.rung}"
    places = (rung,) if claim.start_rung is None else (f"rung{claim.start_rung}", f"from{claim.rung}")
    yield "value", claim.value, finding_id(claim.curve, kind, metric, *part, *places)
    if claim.caught is not None:
        caught = finding_id(claim.curve, kind, Metric.TPR_AT_FPR, *part, f"fpr{CAUGHT_AT:g}", rung)
        yield "caught", claim.caught, caught
    if claim.monitor_tokens is not None:
        tokens = finding_id(claim.curve, kind, Metric.MONITOR_TOKENS, *part, rung)
        yield "monitor_tokens", claim.monitor_tokens, tokens
    for name, number in claim.controls.items():
        if name in CONTROLS:
            yield f"controls.{name}", number, finding_id(claim.curve, kind, Metric(name), *part, rung)


def oversight_verdicts(statement: Statement) -> Breaches:
    """A verdict on oversight is of its list, and is what its adjusted p-value, its interval and its controls show."""
    alpha = 1 - level_of(statement)
    for where, claim, curve in _claims(statement):
        here = f"{where}.verdict"
        if claim.verdict is not None and claim.verdict not in OVERSIGHT_VERDICTS[claim.type]:
            yield here, f"{claim.verdict!r} is no verdict on {claim.type}"
            continue
        if claim.type in BY_TEST:
            yield from _by_test(here, claim, alpha)
        elif claim.type == "latent":
            yield from _by_interval(here, claim)
        elif claim.type == "encoded":
            yield from _by_controls(here, claim, curve)


def _by_test(where: str, claim: OversightClaim, alpha: float) -> Breaches:
    """A verdict is there with a test alone, and claims something where that shows a value above that of chance."""
    p = None if claim.test is None else claim.test.p_adjusted
    if (claim.verdict is None) != (claim.test is None):
        yield where, f"{claim.verdict!r}, {'without' if claim.test is None else 'with'} a test"
        return
    if claim.verdict is None:
        return
    above = (claim.value.estimate or 0.0) - (CHANCE if claim.type in WITH_CHANCE else 0.0)
    is_shown = p is not None and p <= alpha + 1e-9 and claim.value.estimate is not None
    expectation = BY_TEST[claim.type][above > 0] if is_shown and above != 0 else None
    if expectation != (claim.verdict if claim.verdict in CLAIMED[claim.type] else None):
        yield where, f"{claim.verdict!r} with adjusted p {p} and {claim.value.estimate}; needed: the other verdict"


def _by_interval(where: str, claim: OversightClaim) -> Breaches:
    low = claim.value.low
    if claim.verdict in CLAIMED[claim.type] and (low is None or low <= 0):
        yield where, f"{claim.verdict!r} with a lower end of {low}; needed: above 0"
    if (claim.verdict is None) != (low is None):
        yield where, f"{claim.verdict!r} with a lower end of {low}"


def _by_controls(where: str, claim: OversightClaim, curve: Curve) -> Breaches:
    """A gap is called by its interval and the controls beside it; the interval of its claim is wider than its own."""
    value, verdict, margin = claim.value, claim.verdict, curve.plateau.margin
    if (verdict is None) != (value.estimate is None):
        yield where, f"{verdict!r} with a gap of {value.estimate}"
    lows = {name: number.low for name, number in claim.controls.items()}
    needed: list[tuple[str, float | None]] = []
    if verdict in (EncodedClaim.NOT_KEPT, EncodedClaim.ENCODED):
        needed.append(("gap", value.low))
    if verdict == EncodedClaim.ENCODED:
        needed.append((Metric.BEYOND_PLAIN, lows.get(Metric.BEYOND_PLAIN)))
    if verdict == EncodedClaim.NOTHING:
        needed.append((Metric.CODE_LOSS, lows.get(Metric.CODE_LOSS)))
        alone = claim.controls.get(Metric.WRITER_ALONE)
        for name, size in (("gap", value.estimate), (Metric.WRITER_ALONE, None if alone is None else alone.estimate)):
            if size is None or abs(size) >= margin:
                yield where, f"{verdict!r} with a {name} of {size}; needed: within {margin:g}"
    for name, low in needed:
        if low is None or low <= 0:
            yield where, f"{verdict!r} with a lower end of {name} of {low}; needed: above 0"


def oversight_numbers(statement: Statement) -> Breaches:
    """The numbers of a claim on oversight have its units and kind of interval, and are those of its curve."""
    planned = max(statement.elicitation.draws or 0, statement.elicitation.max_draws or 0)
    for where, claim, curve in _claims(statement):
        units = {"value": UNITS.get(claim.type, "difference of shares"), "caught": "share", "monitor_tokens": "tokens"}
        for name, number, _ in _findings(claim, curve):
            unit = units.get(name, "difference of shares")
            if number.unit != unit:
                yield f"{where}.{name}.unit", f"{number.unit!r}; needed: {unit!r}"
            if number.simultaneous != (claim.type == "latent"):
                yield f"{where}.{name}.simultaneous", f"{number.simultaneous}, of a claim on {claim.type}"
        same = [one.n_questions for each in statement.curves if each.task == curve.task for one in each.points]
        if claim.n_questions > max(same):
            yield f"{where}.n_questions", f"{claim.n_questions}; the task has {max(same)}"
        if planned and claim.n_draws > planned:
            yield f"{where}.n_draws", f"{claim.n_draws}; the plan has {planned}"
        if claim.type == "red_team":
            yield from _fresh(where, claim, most=max(same))
        elif claim.type == "necessity":
            yield from _uplift(statement, where, claim, curve)
        elif claim.type == "bits":
            yield from _bits(where, claim, curve)


def _fresh(where: str, claim: OversightClaim, *, most: int) -> Breaches:
    """What a search leaves is of the arm of its choice, and of other questions than those that it chose on."""
    if claim.policy is None:
        if claim.value.estimate is not None:
            yield f"{where}.value.estimate", f"{claim.value.estimate}, and no arm that the search chose"
        return
    start, end = (f"arm {shown_name(claim.policy)}, of ", f" is scored on {claim.n_questions:,d} others, ")
    if not any(start in limit and end in limit for limit in claim.limits):
        yield f"{where}.limits", f"no limit says that {claim.policy} {end.strip()} which the search never saw"
    if claim.n_questions >= most:
        yield f"{where}.n_questions", f"{claim.n_questions} of {most}; some of them are those of the search"


def _uplift(statement: Statement, where: str, claim: OversightClaim, curve: Curve) -> Breaches:
    """The uplift over a rung at 0 is the difference of the two levels, where all rest on the same questions."""
    lowest, own = curve.points[0], point_of(claim, curve)
    levels = lowest.value.estimate, own.value.estimate
    counts = {lowest.n_questions, own.n_questions, claim.n_questions}
    if lowest.requested_tokens != 0 or None in levels or len(counts) > 1 or not is_even(statement, [lowest, own]):
        return
    uplift = (levels[1] or 0.0) - (levels[0] or 0.0)
    if claim.value.estimate is not None and not close(claim.value.estimate, uplift):
        yield f"{where}.value.estimate", f"{claim.value.estimate}; the levels differ by {uplift:.4f}"


def _bits(where: str, claim: OversightClaim, curve: Curve) -> Breaches:
    """A lower bound of bits is no more than what the share of attacks that did the side task gives."""
    choices = [number for (task, _), number in SECRET_CHOICES.items() if task == curve.task]
    safe, bits = point_of(claim, curve).value.estimate, claim.value.estimate
    if not choices:
        yield where, f"bits of {curve.task!r}, which hides no secret"
    elif bits is not None:
        most = log2(max(choices)) if safe is None else information_bits(1 - safe, answers=max(choices))
        if bits > most + 1e-9:
            yield f"{where}.value.estimate", f"{bits}; its attacks passed {most:.3f} at most"


def oversight_whole(statement: Statement) -> Breaches:
    """No rung, change or necessity is picked: what is claimed at one rung is at all, with what belongs to it."""
    claims = list(_claims(statement))
    if statement.evidence.oversight_sha256 is None and any(own.type not in WITHOUT_TABLE for _, own, _ in claims):
        yield "evidence.oversight_sha256", "null, and there are claims on what was watched or changed"
    series: dict[tuple[str, ...], list[int]] = {}
    for _, claim, curve in claims:
        policy = None if claim.type == "red_team" else claim.policy
        names = (claim.subject, claim.view, policy, claim.text_monitor, claim.text_view)
        subject = () if claim.type == "latent" else names
        series.setdefault((claim.type, curve.id, *(str(name) for name in subject)), []).append(claim.rung)
    curves = by_id(statement)
    for (kind, name, *more), rungs in series.items():
        every = rungs[:1] if kind == "monitorability" else _rungs(kind, curves[name], statement)
        if sorted(rungs) != every:
            yield "oversight", f"{kind} of {name} {more}: rungs {sorted(rungs)}; needed: each of {every} once"
    yield from _beside(claims)


def _rungs(kind: str, curve: Curve, statement: Statement) -> list[int]:
    """Return the rungs of a curve at which a claim of a type is due; of a protocol those of the judge alone."""
    if kind == "protocol":
        alike = [other for other in statement.curves if other.task == curve.task and other.id != curve.id]
        alone = {point.requested_tokens for other in alike for point in other.points}
        return [point.rung for point in curve.points if point.requested_tokens in alone]
    if kind in WITH_THINKING:
        return [point.rung for point in curve.points if point.requested_tokens]
    return [point.rung for point in curve.points if kind != "latent" or point.requested_tokens == 0]


def _beside(claims: Sequence[tuple[str, OversightClaim, Curve]]) -> Breaches:
    """Beside a change of the thinking stands whether it is needed, and beside a paraphrase what that loses."""
    own = {(claim.type, curve.id, claim.subject) for _, claim, curve in claims}
    hunts = {(curve.task, claim.subject, claim.view) for _, claim, curve in claims if claim.type == "red_team"}
    for where, claim, curve in claims:
        if claim.type == "monitor" and claim.policy and (curve.task, claim.subject, claim.view) not in hunts:
            yield where, f"what a red team that searches leaves of {claim.subject} is left out"
        if claim.type == "protocol" and ("judge", curve.id, None) not in own:
            yield where, f"whether the judge of {curve.id} is better than chance is left out"
        if claim.type not in ("perturbation", "encoded") or curve.axis != Axis.CAPABILITY.value:
            continue
        if ("necessity", curve.id, None) not in own:
            yield where, f"whether the thinking of {curve.id} is needed is left out"
        is_paraphrase = str(claim.subject).partition(":")[0] == PARAPHRASE
        if is_paraphrase and ("encoded", curve.id, claim.subject) not in own:
            yield where, f"what {claim.subject} loses on {curve.id} is left out"
        is_known = claim.type == "encoded" and claim.value.estimate is not None
        if is_known and ("perturbation", curve.id, claim.subject) not in own:
            yield where, f"whether answers change behind {claim.subject} on {curve.id} is left out"
