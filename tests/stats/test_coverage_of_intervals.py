"""The intervals cover the truth as often as they say: ``benchmarks/coverage.py`` with fewer studies."""

from typing import Any

import numpy as np
import pytest
from benchmark import load_benchmark
from scipy import special

from overthink.analysis import findings
from overthink.data.outcomes import from_records
from overthink.plan.analysis import Analysis
from overthink.stats import bootstrap

STUDIES = 36


bench = load_benchmark("coverage")
DESIGN = bench.Design(questions=25, draws=2)


def held(shape: str) -> dict[str, Any]:
    return bench.coverage(bench.SHAPES[shape], DESIGN, studies=STUDIES, seed=3)


def tolerance() -> float:
    """Four standard errors of the coverage at one rung."""
    return 4 * float(np.sqrt(0.95 * 0.05 / STUDIES))


@pytest.mark.parametrize(
    "shape", ["hump", *(pytest.param(shape, marks=pytest.mark.simulation) for shape in ("decline", "plateau"))]
)
def test_intervals_cover(shape: str) -> None:
    for claim, covered in held(shape).items():
        assert (covered.mean(axis=0) > 0.95 - tolerance()).all(), (claim, covered.mean(axis=0))
        assert abs(covered.mean() - 0.95) < tolerance() / 2, (claim, covered.mean())


@pytest.mark.simulation
def test_the_coverage_check_catches_intervals_of_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken: an interval half as wide, as if every question were four."""
    whole = bootstrap._resample_sd
    monkeypatch.setattr(bootstrap, "_resample_sd", lambda resampled: whole(resampled) / 2)
    assert abs(held("plateau")["mean"].mean() - 0.95) > tolerance()


@pytest.mark.simulation
def test_the_truth_is_what_a_huge_study_shows() -> None:
    design = bench.Design(questions=500, draws=8)
    for curve in bench.SHAPES.values():
        rows = bench.study(curve, design, np.random.default_rng(0))
        found = findings(from_records(rows), Analysis(level=0.95), rng=np.random.default_rng(0))
        means = [f.estimate for f in found if f.kind == "value" and f.metric == "mean"]
        np.testing.assert_allclose(means, bench.expected(curve, design), atol=0.04)
    shifted = special.logit(bench.expected(bench.plateau, bench.Design(spread=0.0)))
    np.testing.assert_allclose(special.expit(shifted), bench.plateau(np.array(bench.BUDGETS, dtype=float)))


def test_the_shapes_are_the_shapes() -> None:
    hump, plateau, decline = (bench.expected(bench.SHAPES[s], DESIGN) for s in ("hump", "plateau", "decline"))
    assert np.argmax(hump) not in (0, len(hump) - 1)
    assert (np.diff(plateau) > -1e-9).all()
    assert plateau[-1] - plateau[-2] < 0.01 < plateau[1] - plateau[0]
    assert (np.diff(decline) < 0).all()
