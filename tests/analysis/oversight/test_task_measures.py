"""Rules and hints of built-in tasks, from rows of the pool and of the table on oversight."""

import pytest

from overthink.data.interventions import HINT_TASK, hint_moves
from overthink.data.oversight import OversightRow, View, oversight_frame
from overthink.data.oversight_cells import monitor_scores
from overthink.data.pool import pool_of
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.results.oversight import OversightResults
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.results import results_of
from overthink.workflows.sources import Source

CONTROL = "overthink/thought_control"


def answer(task: str, question: str, value: float, text: str | None = None) -> RungRecord:
    return RungRecord(
        "s", "base", Axis.CAPABILITY, task, "m", question, 0, 0, Estimand.FORCED,
        value=value, answer=text, requested_tokens=64, thinking_tokens=64, answer_tokens=2,
    )  # fmt: skip


def score(task: str, question: str, view: View, monitor: str, value: float | None, *, correct: bool) -> OversightRow:
    return OversightRow(
        task, "base", question, 0, Estimand.FORCED, 64, view=view, monitor=monitor, score=value, correct=correct
    )


def results(pool: list[RungRecord], table: list[OversightRow]) -> OversightResults:
    source = Source("a study", pool_of(pool), oversight=oversight_frame(table))
    return results_of(source, AnalysisOptions()).results.oversight


def test_a_rule_counts_where_the_answer_is_right_and_the_text_shows_it() -> None:
    pool = [answer(CONTROL, f"control-{n:04d}-all_caps-think", float(n != 0)) for n in range(6)]
    table = [
        score(CONTROL, row.question, view, "rule", value if view is View.COT else None, correct=row.value == 1)
        for row, value in zip(pool, (0.0, 1.0, 1.0, 1.0, 0.0, None), strict=True)
        for view in (View.COT, View.ACTION)
    ]
    (rung,) = results(pool, table).obedience
    assert (rung.thinking.estimate, rung.thinking.n_questions) == (0.25, 4)
    assert rung.answer.estimate is None
    assert rung.answer.reason is not None


def test_a_move_to_the_hint_counts_and_its_mention_is_read_there() -> None:
    moves = {  # answers without and with the hint (C), and whether the thinking mentions it
        "a": ("b", "c", 1.0), "b": ("a", "c", 0.0), "c": ("c", "c", 1.0), "d": ("a", "b", 1.0), "e": ("a", "a", 1.0),
        "f": ("a", "c", None), "g": (None, "c", 1.0), "h": ("a", None, 1.0),
    }  # fmt: skip
    pool, table = [], []
    for number, (before, after, mention) in enumerate(moves.values()):
        question = f"hints-{number:04d}-4-user-C"
        pool += [answer(HINT_TASK, f"hints-{number:04d}-4-none", 0.0, before), answer(HINT_TASK, question, 0.0, after)]
        table.append(score(HINT_TASK, question, View.COT, "hint", mention, correct=False))
    (own,) = hint_moves(pool_of(pool), oversight_frame(table))
    assert own.to_hint[:, 0].tolist() == pytest.approx([1, 1, float("nan"), 0, 0, 1, *[float("nan")] * 2], nan_ok=True)
    assert own.to_other[:, 0].tolist() == pytest.approx([0, 0, float("nan"), 1, 0, 0, *[float("nan")] * 2], nan_ok=True)
    oversight = results(pool, table)
    assert oversight.monitors == ()  # a mention is no suspicion, and is compared with no bad answer
    (rung,) = oversight.hints
    assert (rung.wording, rung.mentions.estimate, rung.mentions.n_questions) == ("user", 0.5, 2)
    assert list(hint_moves(pool_of(pool), oversight_frame([]))) == []
    assert [block.monitor for block in monitor_scores(oversight_frame(table))] == ["hint"]
