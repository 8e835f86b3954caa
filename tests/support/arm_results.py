"""Results on arms put together from single findings, for tests of the readers."""

from collections.abc import Iterable, Mapping, Sequence

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.data.results.arms import (
    AddedCompute,
    ArmDifferenceResult,
    ArmResults,
    ComparedTotals,
    EqualComputeResult,
    MitigationResult,
    PriceResult,
    ReadingResult,
    SafetyTaxResult,
    TaxVerdict,
)
from overthink.data.verdict_labels import TaxLabel

ARM_KINDS = (Kind.ARM_DIFFERENCE, Kind.SAFETY_TAX, Kind.MITIGATION)


def arm_results_of(findings: Sequence[Finding]) -> ArmResults:
    """The results on arms that hold these findings."""
    totals = _by_curve(f for f in findings if f.metric == Metric.COMPARED_TOTAL)
    differences, taxes, mitigations = (_by_curve(f for f in findings if f.kind == kind) for kind in ARM_KINDS)
    by_metric = [{Metric(f.metric): f for f in own} for own in mitigations.values()]
    return ArmResults(
        totals=tuple(ComparedTotals(key, tuple(own)) for key, own in totals.items()),
        differences=tuple(_difference(own) for own in differences.values()),
        taxes=tuple(_tax({Metric(f.metric): f for f in own}) for own in taxes.values()),
        mitigations=tuple(_mitigation(own) for own in by_metric if Metric.EQUAL_THINKING in own),
        readings=tuple(_reading(own[Metric.AGAINST_PLACEBO]) for own in by_metric if Metric.AGAINST_PLACEBO in own),
    )


def _by_curve(findings: Iterable[Finding]) -> dict[CurveKey, list[Finding]]:
    curves: dict[CurveKey, list[Finding]] = {}
    for finding in findings:
        curves.setdefault(finding.key, []).append(finding)
    return curves


def _against(finding: Finding) -> CurveKey:
    """The curve that a finding is against, by its label, or by a limit where the label is a verdict."""
    texts = [text for text in (finding.label or "", *finding.limits) if text.startswith("against ")]
    name = texts[0].removeprefix("against ").partition(", at ")[0].partition(": ")[0]
    return finding.key._replace(arm=name)


def _difference(own: Sequence[Finding]) -> ArmDifferenceResult:
    by_rung = tuple(f for f in own if f.metric == Metric.EQUAL_RUNG)
    by_compute = tuple(EqualComputeResult(f, _k(f)) for f in own if f.metric == Metric.EQUAL_COMPUTE)
    return ArmDifferenceResult(own[0].key, _against(own[0]), by_rung, by_compute)


def _k(finding: Finding) -> float | None:
    _, words, number = (finding.label or "").rpartition("K (total compute) = ")
    return float(number) if words else None


def _tax(own: Mapping[Metric, Finding]) -> SafetyTaxResult:
    first = next(iter(own.values()))
    at_budget, at_compute = (
        next((TaxVerdict(own[name], _tax_label(own[name])) for name in names if name in own), None)
        for names in (
            (Metric.CAPABILITY, Metric.OVER_REFUSAL),
            (Metric.CAPABILITY_EQUAL_COMPUTE, Metric.OVER_REFUSAL_EQUAL_COMPUTE),
        )
    )
    compute = AddedCompute(own[Metric.COMPUTE], own[Metric.COMPUTE_DIFFERENCE]) if Metric.COMPUTE in own else None
    return SafetyTaxResult(first.key, _against(first), at_budget, at_compute, compute)


def _tax_label(finding: Finding) -> TaxLabel:
    return TaxLabel((finding.label or "").rpartition(": ")[2])


def _mitigation(own: Mapping[Metric, Finding]) -> MitigationResult:
    verdict = own[Metric.EQUAL_THINKING]
    return MitigationResult(
        verdict.key,
        _against(verdict),
        verdict,
        PriceResult(own[Metric.EQUAL_COMPUTE], own[Metric.STEERS], own[Metric.THINKS_LESS]),
        degradation=own.get(Metric.DEGRADATION_EQUAL_THINKING),
        residual=own.get(Metric.RESIDUAL_EQUAL_THINKING),
        reference_thinking=own.get(Metric.REFERENCE_THINKING),
        arm_thinking=own.get(Metric.ARM_THINKING),
        equal_realised=own.get(Metric.EQUAL_REALISED),
    )


def _reading(verdict: Finding) -> ReadingResult:
    return ReadingResult(verdict.key, _against(verdict), verdict)
