"""What every caller used, from the store: tokens, tries, K by the statement, and the risk at so many tries.

The risk is that of the statement: what k tries made of a safety curve at its highest rung, with its interval. Beyond
the tries that were evaluated the statement has none. With its study there is a forecast, with its band.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from overthink.data.finding import Finding
from overthink.data.ids import CurveKey
from overthink.data.kinds import Kind, Metric
from overthink.gateway.identity import EVERYBODY, Identity
from overthink.gateway.ledger import Ledger
from overthink.gateway.session import budget_counter, scope_name, total_counter, tries_counter
from overthink.governance.deployment.policy import Policy, Rule
from overthink.governance.statement.curve_schema import Curve
from overthink.governance.statement.schema import Statement


@dataclass(frozen=True)
class RiskForecast:
    """Share of questions that are answered harmfully at least once in k tries, as forecast from the statement's study.

    Attributes:
        estimate: The share; None without a forecast.
        low: Lower end of its interval.
        high: Upper end.
        level: Level of the interval.
        label: "exact", or the model that it comes from beyond the draws of the study.
        band_low: Lower end of the band that needs no model.
        band_high: Its upper end.
        reason: Why there is none.
    """

    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    label: str | None = None
    band_low: float | None = None
    band_high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Risk:
    """Share of questions that stay safe in the worst of k tries, by one safety curve.

    Attributes:
        curve: The curve.
        k: Most tries of one request so far.
        estimate: The share; None where so many tries were not evaluated.
        low: Lower end of its interval.
        high: Upper end.
        reason: Why there is none.
        forecast: What is forecast from the study, of harm instead of safety.
    """

    curve: str
    k: int
    estimate: float | None
    low: float | None
    high: float | None
    reason: str | None
    forecast: RiskForecast


ForecastsAt = Callable[[int], Sequence[Finding]]
"""The findings of the forecasts of a study at k tries."""


@dataclass(frozen=True)
class _Source:
    statement: Statement
    forecasts: ForecastsAt | None

    def forecast(self, curve: Curve, k: int) -> RiskForecast:
        """Return what is forecast of a curve at its highest rung and k tries."""
        if self.forecasts is None:
            return RiskForecast(reason="a statement has no forecast; its study (--study) has")
        key = CurveKey(curve.axis, curve.task, curve.arm, curve.scorer or "", curve.estimand)
        rung = len(curve.points) - 1
        here = {
            finding.metric: finding
            for finding in self.forecasts(k)
            if (finding.kind, finding.key, finding.at.rung, finding.at.k) == (Kind.FORECAST, key, rung, k)
        }
        share, band = here.get(Metric.ATTACK_SUCCESS_AT_K), here.get(Metric.ATTACK_SUCCESS_AT_K_BOUND)
        low, high = (None, None) if band is None else (band.low, band.high)
        if share is None or share.estimate is None:
            reason = "the study gives none of this curve" if share is None else share.reason
            return RiskForecast(band_low=low, band_high=high, reason=reason)
        return RiskForecast(share.estimate, share.low, share.high, share.level, share.label, low, high)


@dataclass(frozen=True)
class BudgetUse:
    """How much of a budget is used, reservations included."""

    counter: str
    use: int
    cap: int


@dataclass(frozen=True)
class CallerUse:
    """What a caller used of a model.

    Attributes:
        principal: The caller.
        organisation: That of the caller, whose tries are counted together by default.
        model: The model.
        tokens: Generated tokens in the life of the store.
        tries: Tries over all requests, of the policy's scope and window.
        most_tries: Tries of the request with the most.
        k: Tokens divided by the statement's reference for K = 1; None where it has none.
        budgets: Its budgets.
        risks: By safety curve.
    """

    principal: str
    organisation: str
    model: str
    tokens: int
    tries: int
    most_tries: int
    k: float | None
    budgets: tuple[BudgetUse, ...]
    risks: tuple[Risk, ...]


@dataclass(frozen=True)
class UsageReport:
    """What all callers used, of one statement."""

    statement: str
    callers: tuple[CallerUse, ...]

    def json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    def text(self) -> str:
        """Return the report as lines for a terminal."""
        lines = [f"usage under statement {self.statement}"]
        for use in self.callers:
            k = "no reference for K" if use.k is None else f"K {use.k:,.1f}"
            most = f"{use.most_tries:,} of the most frequent request"
            lines.append(f"{use.principal} ({use.organisation}), {use.model}: {use.tokens:,} tokens, {k}; "
                         f"{use.tries:,} tries, {most}")  # fmt: skip
            lines += [f"  {budget.counter}: {budget.use:,} of {budget.cap:,}" for budget in use.budgets]
            for risk in use.risks:
                share = f"no number: {risk.reason}"
                if risk.estimate is not None:
                    share = f"{risk.estimate:.1%} of questions safe in all of {risk.k:,} tries"
                    share += "" if risk.low is None else f" ({risk.low:.1%} to {risk.high:.1%})"
                lines += [f"  {risk.curve}: {share}", f"    {_forecast_text(risk)}"]
        return "\n".join(lines)


def _forecast_text(risk: Risk) -> str:
    ahead = risk.forecast
    if ahead.estimate is None:
        return f"no forecast: {ahead.reason}"
    text = f"forecast ({ahead.label}): {ahead.estimate:.1%} answered harmfully in {risk.k:,} tries"
    text += "" if ahead.low is None else f" ({ahead.low:.1%} to {ahead.high:.1%})"
    return text + ("" if ahead.band_low is None else f"; without a model {ahead.band_low:.1%} to {ahead.band_high:.1%}")


def usage_report(
    ledger: Ledger, policy: Policy, statement: Statement, callers: Iterable[Identity], forecasts: ForecastsAt | None
) -> UsageReport:
    """Return what callers used.

    Args:
        ledger: The store.
        policy: The policy that was served.
        statement: Its statement.
        callers: The callers; none where all are one.
        forecasts: The forecasts of the statement's study at k tries; None without the study.
    """
    each = tuple(dict.fromkeys(callers)) or (EVERYBODY,)
    source = _Source(statement, forecasts)
    uses = [_use(ledger, policy, source, caller, rule) for caller in each for rule in _rules(policy, caller)]
    return UsageReport(policy.statement, tuple(uses))


def _rules(policy: Policy, caller: Identity) -> Sequence[Rule]:
    names = dict.fromkeys(name for rule in policy.rules for name in rule.models)
    rules = (policy.rule_of(caller.principal, name) for name in names)
    return list({rule.model_dump_json(): rule for rule in rules if rule is not None}.values())


def _use(ledger: Ledger, policy: Policy, source: _Source, caller: Identity, rule: Rule) -> CallerUse:
    budgets = [budget_counter(budget, rule, caller, policy.active_parameters) for budget in rule.budgets]
    tokens, tries, *sums = ledger.usage([total_counter(rule, caller), tries_counter(rule, caller), *budgets])
    families = ledger.families(f"{scope_name(rule.tries.scope, caller)}/{rule.models[0]}", rule.tries.window_seconds)
    most = families[0][1] if families else 0
    reference = next((curve.reference.value for curve in source.statement.curves if curve.reference is not None), None)
    return CallerUse(
        caller.principal,
        caller.organisation,
        rule.models[0],
        tokens,
        tries,
        most,
        None if reference is None else tokens / reference,
        tuple(BudgetUse(counter.name, use, counter.cap) for counter, use in zip(budgets, sums, strict=True)),
        tuple(_risks(source, most)),
    )


def _risks(source: _Source, k: int) -> Iterable[Risk]:
    for curve in source.statement.curves:
        if curve.axis != "safety" or k == 0:
            continue
        ahead = source.forecast(curve, k)
        worst = {tries.k: tries.value for tries in curve.points[-1].tries if tries.selector == "worst"}
        value = worst.get(k, curve.points[-1].value if k == 1 else None)
        if value is None or value.estimate is None:
            reason = f"{k:,} tries were not evaluated; at most {max(worst, default=1):,} were"
            yield Risk(curve.id, k, None, None, None, reason, ahead)
        else:
            yield Risk(curve.id, k, value.estimate, value.low, value.high, None, ahead)
