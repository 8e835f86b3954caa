"""Findings without a study behind them: plain shapes, one dial each, for looking at the layout."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from results import results_of

from overthink.analysis.k_scale import k_scale
from overthink.data.finding import At, Finding
from overthink.plan.analysis import Analysis
from overthink.reports import About

AXES = (("capability", "sums"), ("safety", "secrets"), ("benign", "harmless"))
GATES = ("manipulation", "natural_end", "truncation", "unparsed", "errors")


def ladder(
    *,
    axis: str = "capability",
    task: str = "sums",
    arm: str = "base",
    estimand: str = "forced",
    budgets: Sequence[int] = (0, 64, 256, 1024, 4096),
    efforts: Sequence[str] | None = None,
    start: float = 0.3,
    slope: float = 0.05,
    half: float = 0.06,
    tries: Sequence[int] = (1, 2, 4),
    counted: bool = True,
    failed: Sequence[int] = (),
) -> list[Finding]:
    """All findings of one curve: values, tokens and gates at each rung, the end-to-end difference, sums."""
    name = "/".join((axis, task, arm, estimand))
    levels: Sequence[object] = efforts if efforts is not None else budgets
    out: list[Finding] = []

    def add(kind: str, metric: str, at: At, number: float | None, **more: object) -> Finding:
        rung = "all" if at.rung is None else at.rung
        base = Finding(f"{name}/{kind}/{metric}/{rung}/{at.k}", kind, axis, task, arm, estimand, metric, at)
        made = replace(base, estimate=number, n_questions=40, n_draws=4, **more)  # type: ignore[arg-type]
        out.append(made)
        return made

    for rung, level in enumerate(levels):
        at = At(rung, 1, "single", None if efforts else int(str(level)), str(level) if efforts else None)
        gates = ("truncation",) if rung in failed else ()
        value = float(np.clip(start + slope * rung, 0.02, 0.98))
        band = {"low": max(0.0, value - half), "high": min(1.0, value + half), "level": 0.95}
        limits = ("40 questions of one kind: another kind may differ.",)
        add("value", "mean", at, value, gates_failed=gates, limits=limits, **band)
        for k in tries:
            for metric in ("pass_at_k", "majority_at_k", "best_at_k") if axis == "capability" else ("worst_at_k",):
                there = replace(at, k=k, selector=metric.removesuffix("_at_k"))
                power = {"pass_at_k": 1 - (1 - value) ** k, "worst_at_k": value**k}.get(metric)
                reached = power if power is not None else value + (0.02 if metric == "best_at_k" else 0.01) * (k - 1)
                add(
                    "value",
                    metric,
                    there,
                    reached,
                    low=max(0, reached - half),
                    high=min(1, reached + half),
                    level=0.95,
                )
        spent = 24.0 + (0.8 * int(str(level)) if not efforts else 500.0 * 3**rung)
        bare = replace(at, k=None, selector=None)
        if counted:
            add("tokens", "thinking_tokens", bare, spent - 24.0)
            add("tokens", "answer_tokens", bare, 24.0)
            add("tokens", "attempt_tokens", bare, spent)
        else:
            add("tokens", "attempt_tokens", bare, None, reason="the log has no reasoning token count")
        for gate in GATES:
            fails = gate == "truncation" and rung in failed
            add("gate", gate, bare, 0.31 if fails else 0.02, label="failed" if fails else "passed")
    last = len(levels) - 1
    if last > 0:
        change = slope * last
        at = At(rung=last, k=1, selector="single", from_rung=0)
        gates = ("truncation",) if last in failed else ()
        band = {"low": change - half * 1.2, "high": change + half * 1.2, "level": 0.95}
        add("difference", "mean", at, change, gates_failed=gates, **band)
    if counted:
        for metric, number in (("generated", 52_340.0), ("prompt", 18_200.0), ("cached", 16_900.0)):
            add("tokens", f"spent_{metric}", At(), number)
        add("tokens", "spent_judge", At(), None, reason="no judge was used")
    return out


def study(*, arms: Sequence[str] = ("base",), failed: Sequence[int] = (4,)) -> list[Finding]:
    """Three axes, every arm: one climbs, one drifts down a little, one stays where it is."""
    dials = {"capability": (0.3, 0.07), "safety": (0.74, -0.045), "benign": (0.85, 0.004)}
    out: list[Finding] = []
    for number, arm in enumerate(arms):
        for axis, task in AXES:
            start, slope = dials[axis]
            spoilt = failed if axis == "safety" else ()
            out += ladder(axis=axis, task=task, arm=arm, start=start + 0.03 * number, slope=slope, failed=spoilt)
    return out


def sweep(runs: int) -> list[Finding]:
    """One task, many models at the provider's own levels, some with two levels and some with three."""
    out: list[Finding] = []
    for number in range(runs):
        efforts = ("low", "medium", "high")[: 2 + number % 2]
        start, slope = 0.2 + 0.5 * number / runs, 0.08 - 0.1 * (number % 5) / 5
        out += ladder(
            arm=f"model-{number:03d}",
            estimand="effort",
            efforts=efforts,
            start=start,
            slope=slope,
            tries=(1,),
        )
    return out


def about(findings: Sequence[Finding], **changes: object) -> About:
    """An About with the one reference of K that a study of these findings has."""
    made = About(
        title="Example study",
        source="A made-up model on made-up tasks",
        made_with="0.0",
        created_at="2030-01-01T00:00:00Z",
        command="overthink run --model made-up",
        plan={"model": "made-up", "budgets": [0, 64, 256], "tasks": [{"task": "sums", "high": "correct"}]},
        plan_sha256="a" * 64,
        pool_sha256="b" * 64,
        k_scale=k_scale(results_of(findings).curves, Analysis(level=0.95)),
        questions={"capability/sums": ("q1", "q2")},
    )
    return replace(made, **changes)  # type: ignore[arg-type]
