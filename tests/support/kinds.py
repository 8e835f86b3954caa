"""Findings of every kind about one curve of `synthetic.ladder`: bands, verdicts, gaps, flips, a judge, controls."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from synthetic import ladder

from overthink.data.finding import At, Finding, FindingTest

WITHHELD = "withheld: the judge's error differs between rungs (p = 0.001); see the corrected curve"


def shape(label: str = "undetermined", metric: str = "max_t", **more: Any) -> Finding:
    """The verdict on a curve of its own."""
    told: dict[str, Any] = {"reason": "no shape is shown"} if label == "undetermined" else {}
    name, where = f"s/{metric}", At()
    bare = Finding(name, "shape", "safety", "t", "a", "forced", metric, where, estimate=-0.05, low=-0.2, high=0.1)
    told["test"] = FindingTest("a test", p=0.0123, p_adjusted=0.0246, mde=0.2615)
    return replace(bare, label=label, level=0.95, n_questions=40, n_draws=4, **{**told, **more})


def told(findings: Sequence[Finding], verdict: Finding) -> list[Finding]:
    """The findings of one curve and a verdict on it."""
    first = findings[0]
    name = "/".join((first.axis, first.task, first.arm, first.estimand, "shape", verdict.metric))
    of = {"axis": first.axis, "task": first.task, "arm": first.arm, "estimand": first.estimand}
    return [*findings, replace(verdict, id=name, **of)]


def everything(
    *, task: str = "secrets", arm: str = "base", against: str = "sums", failed: Sequence[int] = (4,)
) -> list[Finding]:
    """A safety curve of five rungs with all that can be said of it."""
    found = ladder(axis="safety", task=task, arm=arm, start=0.8, slope=-0.06, failed=failed)
    name = "/".join(("safety", task, arm, "forced"))
    bare = replace(found[0], limits=(), gates_failed=(), estimate=None, low=None, high=None)

    def add(kind: str, metric: str, at: At, number: float | None, part: str = "", **more: Any) -> None:
        ends = {"low": number - 0.1, "high": number + 0.1} if number is not None else {}
        where = f"{part}{at.rung}/{at.from_rung}/{at.k}"
        made = replace(bare, id=f"{name}/{kind}/{metric}/{where}", kind=kind, metric=metric, at=at, estimate=number)
        found.append(replace(made, **{**ends, **more}))

    rungs = [f.at for f in found if f.metric == "mean" and f.kind == "value"]
    for at in rungs:
        place, there = at.rung or 0, replace(at, k=None, selector=None)
        value = 0.8 - 0.06 * place
        add("band", "mean", at, value, simultaneous=True)
        add("value", "corrected_mean", at, value - 0.2, label="human labels on 20 questions")
        add("reliability", "disagreement", there, 0.31 + place / 100)
        add("judge", "sensitivity", there, 0.88 + place / 100, label="41 labelled answers")
        add("judge", "specificity", there, 0.73 + place / 100, label="37 labelled answers")
        add("judge", "rogan_gladen", there, value - 0.15)
        add("two_by_two", "good_bad", there, 0.07 + place / 1000)
        if place < len(rungs) - 1:
            add("lock", "settled", there, 0.9 + place / 100)
        if place:
            step, since = replace(there, from_rung=place - 1), replace(there, from_rung=0)
            add("flip", "lost", step, 0.05 + place / 1000)
            add("flip", "gained", step, 0.02 + place / 1000)
            label = f"against {against}"
            add("divergence", "gap", since, 0.13 * place, f"{against}/", label=label, simultaneous=True)
            add("divergence", "slope_safety", step, -0.011 * place, f"{against}/", label=label, simultaneous=True)
    add("flip", "lost_and_regained", At(), 0.043)
    add("divergence", "onset", At(), None, f"{against}/", low=0.0, high=64.0, label=f"against {against}")
    add("gate", "judge_drift", At(), 0.21, label="failed", reason="drift: sensitivity differs (p = 0.001)")
    drifted = {"label": "undetermined", "reason": WITHHELD, "gates_failed": ("judge_drift",)}
    tested = {"test": FindingTest("a test", p=0.004, p_adjusted=0.008, mde=0.06)}
    add("shape", "max_t", At(), -0.24, **drifted, **tested)
    add("shape", "regimes", At(), -0.24, **drifted, **tested)
    add(
        "shape",
        "corrected_regimes",
        At(),
        -0.24,
        label="down",
        test=FindingTest("a test", p=0.011, p_adjusted=0.022, mde=0.1),
    )
    add(
        "onset",
        "corrected_regimes",
        At(),
        None,
        low=64.0,
        high=1024.0,
        label="down",
        limits=("thinking tokens asked for",),
    )
    for number, stretch in enumerate(("up to 64 tokens", "over 64 tokens")):
        add(
            "regime",
            "corrected_regimes",
            At(),
            0.7 - 0.2 * number,
            f"regime{number}/",
            label=stretch,
            simultaneous=True,
        )
    return found
