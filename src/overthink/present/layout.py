"""Findings sorted into curves: which finding stands at which rung of which task, arm and estimand."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from overthink.core.controls import ON_TRACE
from overthink.core.finding import Finding
from overthink.core.findings.page import CONTROLS
from overthink.present.curve import Curve, Gap, Rung, Verdict, level
from overthink.present.wording import AXES

SHOWN_ARMS = 6
"""Arms drawn at once: as many as the palette tells apart."""

VERDICTS = ("regimes", "max_t", "corrected_regimes", "corrected_max_t")
"""Tests on the shape of a curve, the primary one first."""


def curves(findings: Iterable[Finding], reference: Mapping[str, float]) -> list[Curve]:
    """All curves, axis by axis in the order of the page, tasks and arms in the order of the findings.

    Args:
        findings: Any number of findings of any kind.
        reference: By ``"axis/task/arm"``: tokens of one attempt at K = 1.
    """
    sorted_in: dict[tuple[str, str, str, str, str], list[Finding]] = {}
    for finding in (one for one in findings if one.kind not in _BESIDE):
        key = (finding.axis, finding.task, finding.arm, finding.estimand, finding.scorer or "")
        sorted_in.setdefault(key, []).append(finding)
    order = {axis: place for place, axis in enumerate(AXES)}
    tasks = {key[:2]: place for place, key in reversed(list(enumerate(sorted_in)))}
    keys = sorted(sorted_in, key=lambda key: (order.get(key[0], len(order)), tasks[key[:2]]))
    judges = Counter(key[:4] for key in keys)
    beside = {key for key in keys if key[3] in CONTROLS or key[4].endswith(ON_TRACE)}
    alone = {key[:3] for key in keys} - {key[:3] for key in keys if key not in beside}  # a log of natural thinking, say
    return [
        _curve(
            sorted_in[key],
            key[4] if judges[key[:4]] > 1 else "",
            reference.get("/".join(key[:3])),
            is_control=key in beside and key[:3] not in alone,
        )
        for key in keys
    ]


def default_arms(found: Sequence[Curve]) -> list[str]:
    """The arms shown first: those with most rungs, in the order of the findings among equals."""
    rungs: dict[str, int] = {}
    for curve in found:
        rungs[curve.arm] = max(rungs.get(curve.arm, 0), len(curve.rungs))
    return sorted(rungs, key=lambda arm: -rungs[arm])[:SHOWN_ARMS]


def _curve(findings: Sequence[Finding], judge: str, reference: float | None, *, is_control: bool) -> Curve:
    rungs: dict[int, Rung] = {}
    whole: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.kind in _AT_A_RUNG and finding.at.rung is not None:
            _place(finding, rungs.setdefault(finding.at.rung, Rung(finding.at.rung, level(finding.at))))
        else:
            whole.setdefault(finding.kind, []).append(finding)
    ladder = [rungs[number] for number in sorted(rungs)]
    first = findings[0]
    return Curve(
        axis=first.axis,
        task=first.task,
        arm=first.arm,
        estimand=first.estimand,
        judge=judge,
        rungs=ladder,
        change=_end_to_end(findings, ladder),
        verdicts=_verdicts(whole),
        gaps=_gaps(whole.get("divergence", ())),
        flips=sorted(whole.get("flip", ()), key=_along),
        drift=next((f for f in whole.get("gate", ()) if f.metric == "judge_drift"), None),
        controls=_first_by_metric(whole.get("disagreement", ())),
        about=[f for kind in _ABOUT for f in whole.get(kind, ()) if f.label],
        spent=_first_by_metric(whole.get("tokens", ())),
        reference=reference,
        is_control=is_control,
    )


_ABOUT = ("extreme", "no_op", "adaptive", "steering_depth")
"""Kinds whose label says something of the whole curve."""

_BESIDE = {"frontier", "flop_matched", "ledger", "arm_difference", "safety_tax", "mitigation"}
"""Kinds that say nothing of a curve by itself; they have sections of their own."""

_AT_A_RUNG = {"value", "band", "tokens", "gate", "reliability", "lock", "judge", "disagreement", "two_by_two"}


def _place(finding: Finding, rung: Rung) -> None:
    by_metric = {
        "tokens": rung.tokens,
        "gate": rung.gates,
        "lock": rung.steady,
        "judge": rung.judge,
        "disagreement": rung.controls,
        "two_by_two": rung.controls,
    }
    if finding.kind in by_metric:
        by_metric[finding.kind].setdefault(finding.metric, finding)
    elif finding.kind == "band":
        rung.band = rung.band or finding
    elif finding.kind == "reliability":
        if finding.at.k is None:
            rung.steady.setdefault(finding.metric, finding)
        else:
            rung.all_of_k.setdefault(finding.at.k, finding)
    elif finding.metric == "mean":
        rung.mean = rung.mean or finding
    elif finding.metric == "corrected_mean":
        rung.corrected = rung.corrected or finding
    elif finding.at.k is not None:
        selector = finding.metric.removesuffix("_at_k")
        rung.tries.setdefault(selector, {}).setdefault(finding.at.k, finding)


def _first_by_metric(findings: Iterable[Finding]) -> dict[str, Finding]:
    by_metric: dict[str, Finding] = {}
    for finding in findings:
        by_metric.setdefault(finding.metric, finding)
    return by_metric


def _verdicts(whole: Mapping[str, Sequence[Finding]]) -> list[Verdict]:
    """The verdicts of a curve, regimes before any shape, the corrected ones after those on the judge's marks."""
    order = {name: place for place, name in enumerate(VERDICTS)}
    shapes = sorted(whole.get("shape", ()), key=lambda shape: order.get(shape.metric, len(order)))
    return [
        Verdict(
            shape,
            next((f for f in whole.get("onset", ()) if f.metric == shape.metric), None),
            [f for f in whole.get("regime", ()) if f.metric == shape.metric],
        )
        for shape in shapes
    ]


def _gaps(divergence: Sequence[Finding]) -> list[Gap]:
    """Gaps told apart by the part of the id that names the capability curve."""
    found: dict[str, Gap] = {}
    for finding in sorted(divergence, key=_along):
        named = finding.id.partition(f"/divergence/{finding.metric}/")[2].partition("/")[0] or finding.label or ""
        gap = found.setdefault(named, Gap(""))
        if finding.metric == "onset":
            gap.onset = finding
        elif finding.metric == "gap":
            gap.against = gap.against or (finding.label or "")
            gap.steps.append(finding)
        else:
            gap.slopes.setdefault(finding.metric, []).append(finding)
    return [gap for gap in found.values() if gap.steps]


def _along(finding: Finding) -> tuple[bool, int, int, str]:
    """Steps between neighbours first, then those across the ladder, then what belongs to the whole of it."""
    rung, below = finding.at.rung, finding.at.from_rung
    if rung is None or below is None:
        return (True, 1 << 30, 0, finding.metric)
    return (rung - below > 1, rung, below, finding.metric)


def _end_to_end(findings: Sequence[Finding], ladder: Sequence[Rung]) -> Finding | None:
    valued = [rung.rung for rung in ladder if rung.mean is not None]
    if len(valued) < 2:
        return None
    ends = (valued[0], valued[-1])
    pairs = (f for f in findings if f.kind == "difference" and f.metric == "mean")
    return next((f for f in pairs if (f.at.from_rung, f.at.rung) == ends), None)
