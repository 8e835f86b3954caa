"""Sums and scores of columns are those of a slow reader of single rows."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from core_pools import answer_key, is_forced
from hypothesis import given, settings
from hypothesis import strategies as st

from overthink.data.pool import n_failed, pool_of, records_of, usage_by_trace, usage_of_pool
from overthink.data.pool_scores import answers_of, with_scores
from overthink.data.record import Axis, Estimand, RungRecord
from overthink.data.tokens import TokenUsage, total
from overthink.data.verifier_scores import AnswerKey, AnswerScore

COUNT = st.none() | st.integers(0, 3)

ROWS = st.lists(
    st.builds(
        RungRecord,
        study=st.just("s"),
        arm=st.sampled_from(["base", "other"]),
        axis=st.just(Axis.CAPABILITY),
        task=st.just("sums"),
        scorer=st.sampled_from(["match", "match on the trace"]),
        question=st.sampled_from(["a", "b"]),
        draw=st.integers(0, 1),
        rung=st.integers(0, 3),
        estimand=st.sampled_from([Estimand.FORCED, Estimand.FORCED, Estimand.EFFORT]),
        generated_tokens=COUNT,
        prompt_tokens=COUNT,
        cached_tokens=COUNT,
        judge_tokens=COUNT,
        guard_tokens=COUNT,
        natural_end=st.none() | st.booleans(),
        verifier_score=st.none() | st.just(0.25),
        verifier_tokens=COUNT,
        error=st.sampled_from([None, None, None, None, "broken"]),
    ),
    max_size=24,
    unique_by=lambda r: (r.arm, r.scorer, r.question, r.draw, r.rung, r.estimand),
).map(lambda rows: [replace(row, requested_tokens=8 * row.rung) for row in rows])


def shared(rows: list[RungRecord], column: str) -> int | None:
    counts = [count for row in rows if (count := getattr(row, column)) is not None]
    return max(counts) if counts else 0 if any(row.error for row in rows) else None


def usage_row_by_row(rows: list[RungRecord]) -> TokenUsage:
    cells, curves = defaultdict(list), defaultdict(list)
    for row in rows:
        curve = (row.axis, row.task, row.arm, row.question, row.draw, row.estimand)
        cells[*curve, row.rung].append(row)
        curves[curve].append(row)

    def judge(group: list[RungRecord]) -> int | None:
        if group[0].estimand is Estimand.EFFORT:
            return shared(group, "judge_tokens")
        return total(shared([row], "judge_tokens") for row in group)

    return TokenUsage(
        prompt_tokens=total(shared(group, "prompt_tokens") for group in cells.values()),
        cached_tokens=total(shared(group, "cached_tokens") for group in cells.values()),
        decoded_tokens=total(shared(group, "generated_tokens") for group in cells.values()),
        judge_tokens=total(judge(group) for group in cells.values()),
        guard_tokens=total(shared(group, "guard_tokens") for group in curves.values()),
        step_verifier_tokens=total(shared(group, "step_verifier_tokens") for group in curves.values()),
    )


@settings(max_examples=60, deadline=None)
@given(ROWS)
def test_usage_of_columns_is_that_of_single_rows(rows: list[RungRecord]) -> None:
    assert usage_of_pool(pool_of(rows)) == usage_row_by_row(rows)
    assert n_failed(pool_of(rows)) == len({(r.axis, r.task, r.arm, r.question, r.draw) for r in rows if r.error})


def sources_row_by_row(rows: list[RungRecord], arms: list[str]) -> dict[AnswerKey, AnswerKey]:
    failed = {answer_key(row)[:-1] for row in rows if row.error is not None}
    own = [row for row in rows if is_forced(row) and row.arm in arms and answer_key(row)[:-1] not in failed]
    source: dict[AnswerKey, AnswerKey] = {}
    below: RungRecord | None = None
    for row in sorted(own, key=answer_key):
        key = answer_key(row)
        is_carried = (
            below is not None
            and answer_key(below)[:-1] == key[:-1]
            and below.natural_end is True
            and row.generated_tokens == 0
        )
        source[key] = source[answer_key(below)] if is_carried and below is not None else key
        below = row
    return source


def scored_row_by_row(
    rows: list[RungRecord], scores: dict[AnswerKey, AnswerScore], arms: list[str]
) -> list[RungRecord]:
    source = sources_row_by_row(rows, arms)
    result = []
    for row in rows:
        if is_forced(row) and row.arm in arms:
            key = answer_key(row)
            score = scores.get(source[key]) if key in source else None
            tokens: Any = 0 if score is None or source[key] != key else score.tokens
            tokens = None if row.error is not None else tokens
            row = replace(row, verifier_score=None if score is None else score.score, verifier_tokens=tokens)
        result.append(row)
    return result


@settings(max_examples=60, deadline=None)
@given(ROWS, st.sampled_from([["base"], ["base", "other"], []]), st.randoms(use_true_random=False))
def test_scores_of_columns_are_those_of_single_rows(rows: list[RungRecord], arms: list[str], chance: Any) -> None:
    rows = [row for row in rows if row.scorer == "match" or row.estimand is Estimand.EFFORT]
    source = sources_row_by_row(rows, arms)
    own = frozenset(key for key, place in source.items() if key == place)
    assert answers_of(pool_of(rows), arms) == own
    scores = {
        key: AnswerScore(key, chance.choice([None, 0.5, 1.0]), chance.choice([None, 7]))
        for key in sorted(own)
        if chance.random() < 0.7
    }
    assert records_of(with_scores(pool_of(rows), scores, arms)) == scored_row_by_row(rows, scores, arms)


def test_the_usage_of_traces_adds_up_to_that_of_their_rows() -> None:
    def row(question: str, rung: int, scorer: str = "m", **counts: object) -> RungRecord:
        known: dict[str, object] = {"generated_tokens": 3, "prompt_tokens": 5, "cached_tokens": 1, "judge_tokens": 0}
        return RungRecord(
            "s",
            "base",
            Axis.SAFETY,
            "t",
            scorer,
            question,
            0,
            rung,
            Estimand.FORCED,
            **(known | counts),  # type: ignore[arg-type]
        )

    rows = [
        *(row("q1", rung, scorer, guard_tokens=10 * rung) for rung in range(3) for scorer in ("m", "n")),
        row("q2", 0, error="the server went", generated_tokens=None),
        row("q3", 0, cached_tokens=None),
    ]
    pool = pool_of(rows)
    by_trace = usage_by_trace(pool)
    assert [(each.question, each.unanswered) for each in by_trace] == [("q1", 0), ("q2", 1), ("q3", 0)]
    first, failed, last = (each.paid for each in by_trace)
    assert (first.decoded_tokens, first.prompt_tokens, first.guard_tokens) == (9, 15, 20)
    assert (failed.decoded_tokens, last.cached_tokens) == (0, None)
    assert first + failed + last == usage_of_pool(pool)
