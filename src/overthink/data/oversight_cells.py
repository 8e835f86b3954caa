"""The scores of the table on oversight as arrays: one block per task, monitor and view."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from overthink.data.arrays import Array
from overthink.data.record import Estimand

BLOCK = ("task", "estimand", "monitor", "view")
"""Columns that name a block."""


@dataclass(frozen=True, slots=True, eq=False)
class MonitorScores:
    """Scores of one monitor that reads one view of the traces of one task. Arrays are (run,), a run a trace at a rung.

    Attributes:
        task: Task name.
        estimand: Effect of the budget on the traces.
        monitor: Label of the monitor.
        view: What it reads.
        model: Model that it calls; None without one.
        effort: Its own thinking budget or level; None without one.
        arms: Arm of each run.
        questions: Question of each run.
        draws: Number of the trace of each run.
        requested: Thinking budget of each run's rung; NaN where it has no such number.
        efforts: The provider's level of each run's rung; empty where it has none.
        attacks: Attack policy of each run; empty where it is unknown.
        red_teams: What the policy knows of the monitor; empty for an honest run.
        scores: Suspicion; NaN where there is none.
        behaviours: 1 where the rung's answer shows the behaviour, 0 where not, NaN where unknown.
        corrects: 1 where the rung's answer is right, 0 where not, NaN where unknown.
        ended: Whether the trace had ended at or before the rung.
        tokens: Prompt and decoded tokens that the monitor was paid, NaN where unknown; 0 at a rung carried forward.
        reading_tokens: Tokens of reading each run by itself: those of the rung that it was carried forward from.
        reasons: Why there is no score; empty where there is one.
    """

    task: str
    estimand: Estimand
    monitor: str
    view: str
    model: str | None
    effort: str | None
    arms: NDArray[np.str_]
    questions: NDArray[np.str_]
    draws: NDArray[np.int64]
    requested: Array
    efforts: NDArray[np.str_]
    attacks: NDArray[np.str_]
    red_teams: NDArray[np.str_]
    scores: Array
    behaviours: Array
    corrects: Array
    ended: NDArray[np.bool_]
    tokens: Array
    reading_tokens: Array
    reasons: NDArray[np.str_]

    @property
    def name(self) -> str:
        """Monitor and view in one text."""
        return f"{self.monitor} reads {self.view}"


def monitor_scores(table: pl.DataFrame) -> Iterator[MonitorScores]:
    """Yield the blocks of a table on oversight, in the order of their names; rows of perturbed traces are in none.

    Args:
        table: The table, with the columns of :data:`~overthink.data.oversight.OVERSIGHT_SCHEMA`.

    Example:
        >>> from overthink.data.oversight import OversightRow, View, oversight_frame
        >>> row = OversightRow("sums", "base", "q", 0, Estimand.FORCED, 64, view=View.COT, monitor="m", score=0.5)
        >>> block, = monitor_scores(oversight_frame([row]))
        >>> block.name, block.scores.tolist(), block.requested.tolist()
        ('m reads cot', [0.5], [64.0])
    """
    own = table.filter(pl.col("monitor").is_not_null() & pl.col("perturbation").is_null())
    for block in own.sort(*BLOCK, "arm", "question", "draw", "requested_tokens", "effort").partition_by(*BLOCK):
        first = block.row(0, named=True)
        tokens, ended = (
            _numbers(block["overseer_prompt_tokens"] + block["overseer_decoded_tokens"]),
            block["natural_end"].fill_null(value=False).to_numpy(),
        )
        traces = block.select(pl.struct("arm", "question", "draw").rle_id()).to_series().to_numpy()
        yield MonitorScores(
            task=first["task"],
            estimand=Estimand(first["estimand"]),
            monitor=first["monitor"],
            view=first["view"] or "",
            model=first["monitor_model"],
            effort=first["monitor_effort"],
            arms=_words(block["arm"]),
            questions=_words(block["question"]),
            draws=block["draw"].to_numpy(),
            requested=_numbers(block["requested_tokens"]),
            efforts=_words(block["effort"]),
            attacks=_words(block["attack"]),
            red_teams=_words(block["red_team"]),
            scores=_numbers(block["score"]),
            behaviours=_numbers(block["behaviour"]),
            corrects=_numbers(block["correct"]),
            ended=ended,
            tokens=tokens,
            reading_tokens=_carried_forward(tokens, ended, traces),
            reasons=_words(pl.select(pl.coalesce(block["error"], block["reason"])).to_series()),
        )


PERTURBATION_BLOCK = ("task", "estimand", "arm", "perturbation")
"""Columns that name a block of answers behind a change of the thinking."""


@dataclass(frozen=True, slots=True, eq=False)
class PerturbationAnswers:
    """Answers behind one change of the thinking of one arm. Arrays are (run,), a run an answer.

    Attributes:
        task: Task name.
        estimand: Effect of the budget on the traces.
        arm: Label of the arm.
        label: Label of the change.
        kind: Name of the change, without its settings.
        writer: Model that writes the change; None where none does.
        attack: Attack policy of the arm; empty where it is unknown.
        questions: Question of each run.
        draws: Number of its trace.
        requested: Thinking budget of its rung.
        thinking: Thinking tokens of its trace up to the rung; NaN where unknown.
        positions: Share of the thinking at which it is changed; NaN where all of it is.
        agreements: 1 where the answer is the rung's own, 0 where not, NaN where unknown.
        corrects: 1 where the answer is good, 0 where not, NaN where unknown.
        tokens: Prompt and decoded tokens, of the model that writes as well; NaN where unknown.
    """

    task: str
    estimand: Estimand
    arm: str
    label: str
    kind: str
    writer: str | None
    attack: str
    questions: NDArray[np.str_]
    draws: NDArray[np.int64]
    requested: Array
    thinking: Array
    positions: Array
    agreements: Array
    corrects: Array
    tokens: Array


def perturbation_answers(table: pl.DataFrame) -> Iterator[PerturbationAnswers]:
    """Yield the blocks of a table on oversight, in the order of their names; rows of monitors are in none.

    Args:
        table: The table, with the columns of :data:`~overthink.data.oversight.OVERSIGHT_SCHEMA`.
    """
    own = table.filter(pl.col("monitor").is_null() & pl.col("perturbation").is_not_null())
    order = (*PERTURBATION_BLOCK, "question", "draw", "requested_tokens", "position")
    for block in own.sort(*order).partition_by(*PERTURBATION_BLOCK):
        first = block.row(0, named=True)
        counts = [f"{side}_{count}_tokens" for side in ("agent", "overseer") for count in ("prompt", "decoded")]
        yield PerturbationAnswers(
            task=first["task"],
            estimand=Estimand(first["estimand"]),
            arm=first["arm"],
            label=first["perturbation"],
            kind=first["perturbation"].partition(":")[0],
            writer=first["monitor_model"],
            attack=first["attack"] or "",
            questions=_words(block["question"]),
            draws=block["draw"].to_numpy(),
            requested=_numbers(block["requested_tokens"]),
            thinking=_numbers(block["thinking_tokens"]),
            positions=_numbers(block["position"]),
            agreements=_numbers(block["agreement"]),
            corrects=_numbers(block["correct"]),
            tokens=np.sum([_numbers(block[name]) for name in counts], axis=0),
        )


def _carried_forward(tokens: Array, ended: NDArray[np.bool_], traces: NDArray[np.integer]) -> Array:
    """Return the tokens with those of the rung below where a trace had ended and nothing was read again."""
    result = tokens.copy()
    for index in range(1, len(result)):
        if ended[index] and result[index] == 0 and traces[index] == traces[index - 1]:
            result[index] = result[index - 1]
    return result


def _words(cells: pl.Series) -> NDArray[np.str_]:
    return np.array(cells.fill_null("").to_list(), dtype=str)


def _numbers(cells: pl.Series) -> Array:
    return cells.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)
