"""Study folders made from arrays: a plan, a pool and findings without a model."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overthink.analysis import findings as find
from overthink.data.ladder import level_label
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.paths import file_sha256
from overthink.plan.schedule import Checkpoints
from overthink.plan.study import HIGH_WORDS, Plan, TaskPlan, checked_plan
from overthink.storage.findings import write_findings
from overthink.storage.json_documents import Beside, write_analysis, write_plan
from overthink.storage.pool import read_pool, write_pool
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.sources import Source
from overthink.workflows.statement import statement

GOOD = {
    "capability": (Verdict.CORRECT, Verdict.WRONG),
    "safety": (Verdict.SAFE, Verdict.HARMFUL),
    "benign": (Verdict.CORRECT, Verdict.REFUSED),
}
TASKS = {"capability": "sums", "safety": "harms", "benign": "wishes"}


@dataclass(frozen=True)
class Made:
    """What a study is made of.

    Attributes:
        shares: By axis, the share that is good at every rung.
        budgets: The ladder; None for efforts.
        efforts: The levels, or caps in tokens; None for budgets.
        turns: Turns of a loop; then there are neither budgets nor efforts.
        loop_tokens: Tokens of a loop; the same.
        questions: Questions per task.
        draws: Draws per question.
        answered: Share of answers that can be read.
        hypothesis: Boundaries of the pre-registered regimes, or parts with directions.
        planned_draws: Draws in the plan, where fewer were collected.
        noise: How much of an answer is new at every rung.
        verifier: Answers carry a verifier's score.
    """

    shares: Mapping[str, Sequence[float]]
    budgets: tuple[int, ...] | None = (0, 64, 256, 1024)
    efforts: tuple[str, ...] | None = None
    turns: tuple[int, ...] | None = None
    loop_tokens: tuple[int, ...] | None = None
    questions: int = 60
    draws: int = 3
    answered: float = 1.0
    hypothesis: str | tuple[int, ...] | None = None
    planned_draws: int | None = None
    verifier: bool = False
    noise: float = 0.5
    seed: int = 7

    def plan(self) -> Plan:
        tasks = tuple(
            TaskPlan(task=TASKS[axis], axis=axis, scorer="exact", high=HIGH_WORDS[axis][0])  # type: ignore[arg-type]
            for axis in self.shares
        )
        return checked_plan(
            overthink="0",
            model="made/model",
            tasks=tasks,
            budgets=self.budgets,
            efforts=self.efforts,
            turns=self.turns,
            loop_tokens=self.loop_tokens,
            sandbox_scoring=None if self.checkpoints is None else "unchanged",
            draws=self.planned_draws or self.draws,
            limit=self.questions,
            seed=self.seed,
            hypothesis=self.hypothesis,
        )

    @property
    def checkpoints(self) -> Checkpoints | None:
        if self.turns is not None:
            return Checkpoints("turns", self.turns)
        return None if self.loop_tokens is None else Checkpoints("tokens", self.loop_tokens)

    def rows(self) -> list[RungRecord]:
        rng = np.random.default_rng(self.seed)
        return [row for axis, shares in self.shares.items() for row in self._of_axis(axis, shares, rng)]

    def _of_axis(self, axis: str, shares: Sequence[float], rng: np.random.Generator) -> list[RungRecord]:
        """Answers that share a question's difficulty and a draw's luck over all rungs, and have some of their own."""
        good, bad = GOOD[axis]
        rows = []
        cuts = np.quantile(self._luck(), shares)
        for q in range(self.questions):
            ease = rng.beta(2, 2)
            for d in range(self.draws):
                luck = rng.random()
                for r, cut in enumerate(cuts):
                    value = float(ease + luck + self.noise * rng.random() < cut)
                    readable = rng.random() < self.answered
                    rows.append(self._row(axis, (q, d, r), value, good if value else bad, readable=readable))
        return rows

    def _luck(self) -> NDArray[np.float64]:
        rng = np.random.default_rng(0)
        return rng.beta(2, 2, 20_000) + rng.random(20_000) + self.noise * rng.random(20_000)

    def _row(
        self, axis: str, at: tuple[int, int, int], value: float, verdict: Verdict, *, readable: bool
    ) -> RungRecord:
        q, d, r = at
        loop = self.checkpoints
        estimand = Estimand.FORCED if self.budgets is not None else Estimand.EFFORT
        row = RungRecord(
            study="made",
            arm="base",
            axis=Axis(axis),
            task=TASKS[axis],
            scorer="exact",
            question=f"q{q:03}",
            draw=d,
            rung=r,
            estimand=estimand if loop is None else Estimand.CHECKPOINT,
            verdict=verdict if readable else Verdict.UNPARSED,
            value=value if readable else None,
            prompt_tokens=50,
            natural_end=False,
            truncated=False,
            seed=d,
        )
        if loop is not None:
            asked = None if loop.unit == "turns" else loop.at[r]
            return replace(row, requested_tokens=asked, generated_tokens=100 * 2**r, effort=loop.labels[r])
        level = None if self.efforts is None else self.efforts[r]
        cap = int(level) if level is not None and level.isdecimal() else None
        asked = cap if self.budgets is None else self.budgets[r]
        thought = asked if asked is not None else 100 * 3**r
        return replace(
            row,
            requested_tokens=asked,
            thinking_tokens=thought,
            answer_tokens=10,
            generated_tokens=thought + 10,
            answer=f"a{value:g}" if axis == "capability" else None,
            verifier_score=value + 0.1 * d if self.verifier else None,
            effort=None if level is None else level_label(level),
        )


def write_study(folder: Path, made: Made, *, labels: Path | None = None) -> Path:
    """Write plan, pool and findings, as a run does."""
    folder.mkdir(parents=True, exist_ok=True)
    write_plan(folder / "plan.json", made.plan())
    write_pool(folder / "pool.parquet", pool_of(made.rows()))
    return write_made_findings(folder, labels=labels)


def write_made_findings(folder: Path, *, labels: Path | None = None) -> Path:
    """Findings from the plan and the pool that are there."""
    plan = Plan.model_validate_json((folder / "plan.json").read_text())
    source = Source(plan.title, read_pool(folder / "pool.parquet"), plan=plan)
    tables = source.tables()
    analysis, seed = AnalysisOptions(labels=labels).resolve(source, tables)
    found = find(tables, analysis, rng=np.random.default_rng(seed))
    if labels is not None:
        write_analysis(folder / "analysis.json", analysis, Beside(seed))
    write_findings(
        folder / "findings.json",
        found,
        overthink="0",
        plan_sha256=plan.sha256(),
        pool_sha256=file_sha256(folder / "pool.parquet"),
    )
    return folder


def document(folder: Path, **options: Any) -> dict[str, Any]:
    """The statement of a study, as a JSON document."""
    loaded: dict[str, Any] = json.loads(statement(folder, write=False, **options).json())
    return loaded


Change = Callable[[dict[str, Any]], None]
