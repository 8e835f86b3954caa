"""Thinking and answers of a study's traces, read from its logs for verification."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overthink.collect.ladder.solver import RECORDS, TEXTS
from overthink.collect.inspect_logs.files import open_logs
from overthink.stats.controls import ON_TRACE
from overthink.data.record import Estimand
from overthink.data.verifier_scores import AnswerKey


@dataclass(frozen=True, slots=True)
class AnswerText:
    """One forced answer and the thinking before it.

    Attributes:
        thought: The thinking; None if the rung was added later, so that the log lacks its text.
        answer: The answer, as passed to its scorer.
        ended: Whether the trace had ended by itself.
    """

    thought: str | None
    answer: str
    ended: bool


def read_answer_texts(logs: Path, keys: Collection[AnswerKey]) -> dict[AnswerKey, AnswerText]:
    """Return the texts by answer key; the later ones if a trace was collected twice.

    Args:
        logs: Folder of the study's logs.
        keys: Keys of the answers.

    Raises:
        InputError: There is no readable log.
    """
    traces = {key[:-1] for key in keys}
    questions = {key[2] for key in keys}
    results: dict[AnswerKey, AnswerText] = {}
    open_files, _ = open_logs(logs)
    for log in open_files:
        for sample in log.samples([summary for summary in log.summaries if str(summary.id) in questions]):
            rows: list[dict[str, Any]] = sample.store.get(RECORDS, [])
            if not rows:
                continue
            trace = (rows[0]["task"], rows[0]["arm"], str(sample.id), rows[0]["draw"])
            if trace in traces:
                for budget, text in _of_trace(rows, sample.store.get(TEXTS, [])).items():
                    results[(*trace, budget)] = text
    return {key: results[key] for key in keys if key in results}


def _of_trace(rows: list[dict[str, Any]], texts: list[dict[str, Any]]) -> dict[int, AnswerText]:
    """Return the texts of one trace by budget. A stored text is the thinking since the rung below, or all of it."""
    forced_rows = {
        row["rung"]: row for row in rows if row["estimand"] == Estimand.FORCED and not row["scorer"].endswith(ON_TRACE)
    }
    rung_texts = sorted((text for text in texts if "beside" not in text), key=lambda text: int(text["rung"]))
    whole = {
        text["rung"] for text in rung_texts
    } >= forced_rows.keys()  # else these are rungs added to an existing trace
    results: dict[int, AnswerText] = {}
    thought = ""
    for text in rung_texts:
        row = forced_rows[text["rung"]]
        thought = text["thought"] if text.get("afresh") else thought + text["thought"]
        is_known = whole or row["requested_tokens"] == 0
        results[row["requested_tokens"]] = AnswerText(
            thought if is_known else None, text["answer"], bool(row["natural_end"])
        )
    return results
