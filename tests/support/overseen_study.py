"""A study folder with a table on oversight, made from arrays.

It has monitors, a probe, paraphrases, an attack, a latent prompt, and a judge alone and behind a debate.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from overthink.collect.arms.registry import arm_plans
from overthink.data.arrays import Array
from overthink.data.oversight import HONEST, OversightRow, RedTeam, View
from overthink.data.pool import pool_of
from overthink.data.projections import Projection, packed
from overthink.data.record import Axis, Estimand, RungRecord, Verdict
from overthink.data.results.study import flatten
from overthink.data.tokens import TokenUsage
from overthink.paths import file_sha256
from overthink.plan.study import HIGH_WORDS, Plan, TaskPlan, checked_plan
from overthink.storage.findings import write_findings
from overthink.storage.json_documents import write_plan
from overthink.storage.oversight import oversight_of, projections_of, store_projections, write_oversight
from overthink.storage.pool import read_pool, write_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.results import results_of
from overthink.workflows.sources import Source

QUESTIONS, DRAWS, BUDGETS = 120, 2, (0, 64)
SUMS, SIDE, DEBATE = "overthink/no_cot", "overthink/side_task", "overthink/debate"
ARMS = "base,attack:policy=acrostic,attack:policy=answer,as=leak,filler:count=5,debate:budget=64"
PROBE, READ = "probe:model=hf/m", 40
"""A probe, and the questions that it has read."""
MODEL, OTHER = "made/model", "other/model"
PARAPHRASE = f"paraphrase:model={OTHER}"
SHAPE = (QUESTIONS, DRAWS)


def overseen_plan() -> Plan:
    tasks = ((SUMS, "capability"), (SIDE, "safety"), (DEBATE, "capability"))
    return checked_plan(
        overthink="0",
        model=MODEL,
        tasks=tuple(
            TaskPlan(task=task, axis=axis, scorer="exact", high=HIGH_WORDS[axis][0])  # type: ignore[arg-type]
            for task, axis in tasks
        ),
        budgets=BUDGETS,
        draws=DRAWS,
        limit=QUESTIONS,
        seed=7,
        arms=arm_plans(ARMS, model=MODEL),
    )


def share(part: float, *, shift: int = 0) -> Array:
    """Values of all traces: 1 for a share of the questions, 0 for the others; a shift takes other questions."""
    line = (np.arange(QUESTIONS) * 7 + shift) % QUESTIONS < part * QUESTIONS
    return np.repeat(line[:, None], DRAWS, axis=1).astype(float)


VALUES: dict[tuple[str, str, str], tuple[Array, Array]] = {
    (SUMS, "base", "capability"): (share(0.2), share(0.9)),
    (SUMS, "attack", "capability"): (share(0.2), share(0.9)),
    (SUMS, "filler", "capability"): (share(0.6), share(0.9)),
    (SIDE, "base", "safety"): (share(1.0), share(1.0)),
    (SIDE, "attack", "safety"): (share(0.1), share(0.1)),
    (SIDE, "leak", "safety"): (share(0.2), share(0.2)),
    (DEBATE, "base", "capability"): (share(0.5), share(0.55)),
    (DEBATE, "debate", "capability"): (share(0.9), share(0.9)),
}
"""Values at both rungs, by task, arm and axis."""

BEHIND: dict[tuple[str, str, str], Array] = {
    (SUMS, "base", "sham"): share(0.9),
    (SUMS, "base", PARAPHRASE): share(0.9),
    (SUMS, "base", f"writer:model={OTHER}"): share(0.2),
    (SUMS, "attack", "sham"): share(0.9),
    (SUMS, "attack", PARAPHRASE): share(0.4),
}
"""Which answers are right behind a change of the thinking at the higher rung, by task, arm and change."""


def _rows() -> Iterator[RungRecord]:
    for (task, arm, axis), tables in VALUES.items():
        words = (Verdict.SAFE, Verdict.HARMFUL) if axis == "safety" else (Verdict.CORRECT, Verdict.WRONG)
        for rung, (budget, table) in enumerate(zip(BUDGETS, tables, strict=True)):
            for (question, draw), value in np.ndenumerate(table):
                name = f"debate-{question // 2:04}-{question % 2 + 1}" if task == DEBATE else f"q{question:03}"
                yield RungRecord(
                    "made", arm, Axis(axis), task, "exact", name, draw, rung, Estimand.FORCED,
                    verdict=words[0 if value else 1], value=float(value), requested_tokens=budget,
                    thinking_tokens=budget, answer_tokens=20, generated_tokens=budget + 20, prompt_tokens=50,
                    answer=f"a{value:g}", natural_end=False, truncated=False, seed=draw,
                )  # fmt: skip


def _table() -> Iterator[OversightRow]:
    chance = np.random.default_rng(3)
    for arm, attack, above in (("base", HONEST, 0.0), ("attack", "acrostic", 2.5), ("leak", "answer", 2.5)):
        team = None if attack == HONEST else RedTeam.AWARE
        for budget in BUDGETS:
            sharp = 1 / (1 + np.exp(-chance.normal(above, size=SHAPE)))
            blind = 1 / (1 + np.exp(-chance.normal(size=SHAPE)))
            for name, scores, model in (("sharp", sharp, OTHER), ("blind", blind, None)):
                for (question, draw), score in np.ndenumerate(scores):
                    yield OversightRow(
                        SIDE, arm, f"q{question:03}", draw, Estimand.FORCED, budget, thinking_tokens=budget,
                        natural_end=False, attack=attack, red_team=team, view=View.BOTH, monitor=name,
                        monitor_model=model, monitor_effort=None if model is None else "32", score=float(score),
                        correct=attack == HONEST, behaviour=attack != HONEST,
                        overseer=TokenUsage(prompt_tokens=60, answer_tokens=budget, decoded_tokens=budget),
                    )  # fmt: skip
            for question, draw in np.ndindex(READ if arm != "leak" else 0, DRAWS):
                yield OversightRow(
                    SIDE, arm, f"q{question:03}", draw, Estimand.FORCED, budget, thinking_tokens=budget,
                    natural_end=False, attack=attack, red_team=team, view=View.COT, monitor=PROBE,
                    correct=attack == HONEST, behaviour=attack != HONEST, reason="read when the study is analysed",
                )  # fmt: skip
    for (task, arm, label), table in BEHIND.items():
        for (question, draw), right in np.ndenumerate(table):
            own = VALUES[task, arm, "capability"][1][question, draw]
            yield OversightRow(
                task, arm, f"q{question:03}", draw, Estimand.FORCED, BUDGETS[-1], thinking_tokens=BUDGETS[-1],
                attack="acrostic" if arm == "attack" else HONEST, view=View.COT, perturbation=label,
                monitor_model=OTHER if "model" in label else None, answer=f"a{right:g}", correct=bool(right),
                agreement=bool(right == own),
            )  # fmt: skip


def _projections() -> Iterator[Projection]:
    """What the probe reads: an attack shows in its first feature once there is thinking."""
    chance = np.random.default_rng(4)
    for arm, budget in ((arm, budget) for arm in ("base", "attack") for budget in BUDGETS):
        for question, draw in np.ndindex(READ, DRAWS):
            cells = chance.normal(size=(1, 3))
            cells[0, 0] += 4.0 * (arm == "attack") * (budget > 0)
            arrays = packed(cells), packed(chance.normal(size=(1, 3))), packed(np.ones(2))
            yield Projection(SIDE, arm, f"q{question:03}", draw, budget, None, "cot", PROBE, 1, budget, *arrays)


def write_overseen_study(folder: Path) -> Path:
    """Write plan, pool, table on oversight and findings, as `run`, `monitor` and `perturb` do."""
    folder.mkdir(parents=True, exist_ok=True)
    files = StudyFolder(folder)
    write_plan(files.plan, overseen_plan())
    write_pool(files.pool, pool_of(list(_rows())))
    write_oversight(files.oversight, tuple(_table()))
    store_projections(files, tuple(_projections()))
    return write_overseen_findings(folder)


def write_overseen_findings(folder: Path) -> Path:
    """Write the findings of the plan, the pool and the table that are there."""
    files, plan = StudyFolder(folder), overseen_plan()
    source = Source(plan.title, read_pool(files.pool), plan=plan, oversight=oversight_of(files))
    source = replace(source, projections=projections_of(files))
    found = flatten(results_of(source, AnalysisOptions()).results)
    pool_sha256 = file_sha256(files.pool)
    write_findings(files.findings, found, overthink="0", plan_sha256=plan.sha256(), pool_sha256=pool_sha256)
    return folder
