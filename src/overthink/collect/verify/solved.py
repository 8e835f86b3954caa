"""What a study's traces thought and answered, read from its own logs: what a verifier is shown afterwards."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overthink.collect.ladder import RECORDS, TEXTS
from overthink.collect.log_files import open_logs
from overthink.core.controls import ON_TRACE
from overthink.core.record import Estimand
from overthink.core.verified import Place


@dataclass(frozen=True, slots=True)
class Solved:
    """One forced answer and the thinking before it.

    Attributes:
        thought: The thinking; None where the log does not hold it as text, as the rung was added later.
        answer: The answer, as its scorer saw it.
        ended: The trace had ended by itself.
    """

    thought: str | None
    answer: str
    ended: bool


def solved(logs: Path, wanted: Collection[Place]) -> dict[Place, Solved]:
    """The texts at each place; where a trace was collected twice, the later ones.

    Args:
        logs: Folder of the study's logs.
        wanted: Which answers.

    Raises:
        InputError: There is no log, or none can be read.
    """
    traces = {place[:-1] for place in wanted}
    questions = {place[2] for place in wanted}
    found: dict[Place, Solved] = {}
    opened, _ = open_logs(logs)
    for log in opened:
        for sample in log.samples([one for one in log.summaries if str(one.id) in questions]):
            rows: list[dict[str, Any]] = sample.store.get(RECORDS, [])
            if not rows:
                continue
            trace = (rows[0]["task"], rows[0]["arm"], str(sample.id), rows[0]["draw"])
            if trace in traces:
                for budget, text in _of_trace(rows, sample.store.get(TEXTS, [])).items():
                    found[(*trace, budget)] = text
    return {place: found[place] for place in wanted if place in found}


def _of_trace(rows: list[dict[str, Any]], texts: list[dict[str, Any]]) -> dict[int, Solved]:
    """The texts of one trace, by budget. A text tells what was thought since the rung below, or all of it."""
    forced = {
        row["rung"]: row for row in rows if row["estimand"] == Estimand.FORCED and not row["scorer"].endswith(ON_TRACE)
    }
    told = sorted((text for text in texts if "beside" not in text), key=lambda text: int(text["rung"]))
    whole = {text["rung"] for text in told} >= forced.keys()  # else these are rungs that were added to a trace
    found: dict[int, Solved] = {}
    thought = ""
    for text in told:
        row = forced[text["rung"]]
        thought = text["thought"] if text.get("afresh") else thought + text["thought"]
        known = whole or row["requested_tokens"] == 0
        found[row["requested_tokens"]] = Solved(thought if known else None, text["answer"], bool(row["natural_end"]))
    return found
