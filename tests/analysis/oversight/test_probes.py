"""Probes against monitors of the words: what is planted is called, and labels shuffled by question are not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from overthink.analysis.oversight.probes import probe_results
from overthink.analysis.request import CurveContext
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import from_frame
from overthink.data.oversight import OversightRow, View, oversight_frame
from overthink.data.oversight_cells import MonitorScores, monitor_scores
from overthink.data.pool import pool_of
from overthink.data.projections import ProbeRuns, Projection, is_probe, packed, probe_runs
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.results.oversight import OversightResults
from overthink.data.results.oversight_parts import ProbeResult
from overthink.data.verdict_labels import ProbeLabel
from overthink.errors import InputError
from overthink.plan.analysis import Analysis
from overthink.reports.tables.reasoning import probe_tables
from overthink.stats.testing import holm

N, TASK, PROBE = 60, "sums", "probe:model=hf/m"
BUDGETS = (0, 64)


def rows(d: float, text: float, *, seed: int) -> tuple[list[OversightRow], list[Projection]]:
    """Two traces of each question; activations are d apart by whether the answer is bad, the monitor's scores text."""
    rng = np.random.default_rng(seed)
    bad = rng.random((N, 2)) < rng.choice([0.2, 0.8], size=(N, 1))
    table, lines = [], []
    for question in range(N):
        prompt = packed(rng.normal(size=(1, 3)))
        for draw in range(2):
            is_bad = bool(bad[question, draw])
            for budget in BUDGETS:
                names: tuple[Any, ...] = (TASK, "base", f"q{question:02d}", draw)
                rest: dict[str, Any] = {"requested_tokens": budget, "view": View.COT, "behaviour": is_bad}
                score = float(1 / (1 + np.exp(-rng.normal() - text * is_bad)))
                table += [
                    OversightRow(*names, Estimand.FORCED, monitor=PROBE, reason="later", **rest),
                    OversightRow(*names, Estimand.FORCED, monitor="text", score=score, **rest),
                ]
                cells = rng.normal(size=(1, 3))
                cells[0, 0] += d * is_bad * (budget > 0)
                arrays = packed(cells), prompt, packed(np.ones(2))
                lines.append(Projection(*names, budget, None, "cot", PROBE, 1, budget, *arrays))
    return table, lines


def results(table: list[OversightRow], lines: list[Projection]) -> ProbeResult:
    blocks = tuple(monitor_scores(oversight_frame(table)))
    records = [
        RungRecord(
            "s", "base", Axis.SAFETY, TASK, "m", row.question, row.draw, BUDGETS.index(row.requested_tokens or 0),
            Estimand.FORCED, value=float(not row.behaviour), requested_tokens=row.requested_tokens, thinking_tokens=1,
        )
        for row in table
        if row.monitor == PROBE
    ]  # fmt: skip
    shared: dict[str, Any] = {"scorers": 1, "family": 1, "weights": np.zeros((0, 1))}
    contexts = [
        CurveContext.of(own, Analysis(level=0.95), prefix=own.arm, **shared) for own in from_frame(pool_of(records))
    ]
    scores: list[MonitorScores] = [block for block in blocks if not is_probe(block.monitor)]
    (found,) = probe_results(contexts, probe_runs(blocks, lines), scores)
    return found


@pytest.fixture(scope="module")
def planted() -> ProbeResult:
    """Activations that tell after thinking alone, and a monitor that reads nothing."""
    return results(*rows(2.5, 0.0, seed=1))


def test_what_only_activations_hold_is_seen_where_it_is_and_beyond_the_prompt(planted: ProbeResult) -> None:
    before, after = planted.rungs
    assert (after.auroc.kind, after.auroc.metric, after.auroc.at.requested_tokens) == (Kind.PROBE, Metric.AUROC, 64)
    assert after.auroc.estimate == pytest.approx(0.96, abs=0.04)  # Φ(2.5/√2)
    assert before.auroc.estimate == pytest.approx(0.5, abs=0.2)
    assert (after.beyond_prompt.low or 0.0) > 0
    (other,) = planted.against
    assert [rung.verdict for rung in other.rungs] == [ProbeLabel.NOT_SHOWN, ProbeLabel.MORE]
    assert (other.rungs[1].difference.label or "").endswith(str(ProbeLabel.MORE))
    tests = [rung.difference.test for rung in other.rungs]
    p_values = [test.p for test in tests if test is not None and test.p is not None]
    assert [test.p_adjusted for test in tests if test is not None] == pytest.approx(holm(p_values).tolist())


def test_shuffled_labels_and_a_length_that_is_always_the_same_come_out_at_chance(planted: ProbeResult) -> None:
    shares = {finding.metric: finding for finding in planted.rungs[1].baselines}
    for metric in (Metric.AUROC_SHUFFLED_LABELS, Metric.AUROC_LENGTH, Metric.AUROC_PROMPT_ONLY):
        finding = shares[metric]
        assert finding.low is not None
        assert finding.high is not None
        assert finding.low < 0.5 < finding.high
    assert shares[Metric.AUROC_LENGTH].estimate == 0.5


def test_a_cascade_ends_at_the_monitor_and_the_report_has_both_tables(planted: ProbeResult) -> None:
    cascade = planted.against[0].rungs[1].cascade
    assert [finding.at.unit for finding in cascade] == ["tokens"] * 5
    assert (cascade[0].estimate or 0.0) > 0.8 > (cascade[-1].estimate or 1.0)
    sees, more = probe_tables(OversightResults(probes=(planted,)))
    assert [len(row) for row in sees.rows] == [10, 10]
    assert str(ProbeLabel.MORE) in str(more.rows[1])


def test_a_run_behind_the_end_of_its_trace_has_the_reading_of_the_rung_below() -> None:
    table, lines = rows(0.0, 0.0, seed=1)
    short = [line for line in lines if (line.question, line.draw, line.requested_tokens) != ("q00", 0, 64)]

    def is_read(*, ended: bool) -> ProbeRuns:

        changed = [replace(row, natural_end=ended) for row in table]
        (runs,) = probe_runs(tuple(monitor_scores(oversight_frame(changed))), short)
        return runs

    assert is_read(ended=True).is_read.all()
    assert is_read(ended=False).is_read.sum() == len(lines) - 1
    with pytest.raises(InputError, match="differ in shape"):
        probe_runs(tuple(monitor_scores(oversight_frame(table))), [*lines[:-1], odd(lines[-1])])


def odd(line: Projection) -> Projection:
    """A projection of another size."""

    return replace(line, activations=packed(np.ones(2)), prompt=packed(np.ones(2)))


def test_one_class_has_a_reason_and_no_number() -> None:
    table, lines = rows(0.0, 0.0, seed=1)

    found = results([replace(row, behaviour=False) for row in table], lines)
    assert found.rungs[0].auroc.estimate is None
    assert "one class" in str(found.rungs[0].auroc.reason)
    assert found.against[0].rungs[0].verdict is None
