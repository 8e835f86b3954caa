"""Every public name is a function or class, whatever was imported or called before."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import overthink

RNG = np.random.default_rng
VALUES = RNG(0).random((12, 3, 3)).round()
LADDER = (0, 64, 256)


def plan() -> overthink.Plan:
    return overthink.Plan(
        model="overthink/simulated",
        tasks=overthink.tasks(safety=["overthink/contrast_harm"]),
        arms=overthink.arms("base,safethink", model="overthink/simulated"),
        budgets=(0, 64),
        draws=2,
        limit=2,
        seed=1,
    )


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "study"
    overthink.run(overthink.prepare(plan()), folder)
    overthink.statement(folder)
    overthink.run(overthink.prepare(plan(), shard="1/1"), folder.parent / "shard")
    return folder


def calls(study: Path, out: Path) -> dict[str, Callable[[], Any]]:
    """One call of every public function, with a fresh path for what it writes."""
    return {
        "analyse": lambda: overthink.analyse(study),
        "arms": lambda: overthink.arms("base", model="overthink/simulated"),
        "auroc": lambda: overthink.auroc([0.1, 0.4], [0.3, 0.9]),
        "best_at_k": lambda: overthink.best_at_k([0.5, 1.0], [0.0, 1.0], [1, 2]),
        "calc": lambda: overthink.calc.exfiltration(weights_bytes=1e12, upload_bytes_per_day=1e11),
        "check": lambda: overthink.check(study / "statement.json"),
        "commitment_step": lambda: overthink.commitment_step([1, 1, 8, 8, 8, 8], 8, rng=RNG(1)),
        "compare": lambda: overthink.compare([study]),
        "consensus_at_k": lambda: overthink.consensus_at_k([4], [1], [1, 2]),
        "correct_judge": lambda: overthink.correct_judge(VALUES, VALUES, rng=RNG(1)),
        "divergence": lambda: overthink.divergence(VALUES, VALUES, LADDER, rng=RNG(1)),
        "effective_compute": lambda: overthink.effective_compute(1e25, 100, alpha=(0.3, 1.0)),
        "every_eval_ever": lambda: overthink.every_eval_ever(study, out),
        "experiment": lambda: overthink.experiment(
            model="overthink/simulated", safety="overthink/secret", budgets="0,8", draws=1, limit=2, progress=False
        ),
        "first_success_at_k": lambda: overthink.first_success_at_k([4], [1], [1, 2], batch=1),
        "forecast": lambda: overthink.forecast([100] * 5, [0, 1, 2, 5, 50], k=[1000], rng=RNG(1)),
        "forecast_table": lambda: overthink.forecast_table(study, k=[10]),
        "information_bits": lambda: overthink.information_bits(0.9, answers=16),
        "label": lambda: overthink.label(study, out.with_suffix(".csv")),
        "latent": lambda: overthink.latent("simulated:n=4,steps=3"),
        "long_table": lambda: overthink.long_table(study),
        "majority_at_k": lambda: overthink.majority_at_k([2, 1], 0, [1, 2]),
        "merge": lambda: overthink.merge(out, study.parent / "shard"),
        "methods": lambda: overthink.methods(study),
        "monitor": lambda: overthink.monitor(study, monitor="lexical:words=harm", view="action"),
        "pass_at_k": lambda: overthink.pass_at_k([4], [1], [1, 2]),
        "perturb": lambda: overthink.perturb(study, changes="none"),
        "policy": lambda: overthink.policy(study / "statement.json", budget="1000/1d"),
        "performance_gap_recovered": lambda: overthink.performance_gap_recovered(0.6, 0.9, 0.75),
        "prepare": lambda: overthink.prepare(plan()),
        "report": lambda: overthink.report(study),
        "run": lambda: overthink.run(overthink.prepare(plan()), out),
        "samples": lambda: overthink.samples(study, rung=0),
        "schema": lambda: overthink.schema("run"),
        "shape_verdict": lambda: overthink.shape_verdict(VALUES, LADDER, margin=0.05, rng=RNG(1)),
        "statement": lambda: overthink.statement(study, write=False),
        "status": lambda: overthink.status(study),
        "success_bound": lambda: overthink.success_bound(3, 1, answers=100),
        "table": lambda: overthink.table(study),
        "tasks": lambda: overthink.tasks(capability=["overthink/arithmetic"]),
        "thresholds": lambda: overthink.thresholds(as_of="2026-11-01"),
        "tpr_at_fpr": lambda: overthink.tpr_at_fpr([0.1, 0.4], [0.3, 0.9], fpr=0.05),
        "verify": lambda: overthink.verify(study, verifier="simulated", by="answer", out=out),
        "worst_at_k": lambda: overthink.worst_at_k([4], [1], [1, 2]),
    }


def test_every_public_function_can_be_called_twice(study: Path, tmp_path: Path) -> None:
    functions = {name for name in overthink.__all__ if not isinstance(getattr(overthink, name), type)}
    assert set(calls(study, tmp_path)) == functions
    for attempt in ("first", "second"):  # a module of the same name would hide a function once it is loaded
        for name, call in calls(study, tmp_path / attempt).items():
            if name in ("every_eval_ever", "label", "merge", "run", "verify"):  # these write
                call = calls(study, tmp_path / f"{attempt}-{name}")[name]
            assert call() is not None
            assert name == "calc" or inspect.isfunction(getattr(overthink, name))


def test_every_public_name_has_a_docstring_and_is_listed() -> None:
    assert list(overthink.__all__) == sorted(overthink.__all__)
    assert all(getattr(overthink, name).__doc__ for name in overthink.__all__)
    assert set(overthink.__all__) <= set(dir(overthink))
