"""What was asked and answered, read from a study's own logs: for humans who label answers."""

from collections.abc import Collection
from pathlib import Path

from overthink.collect.ladder import RECORDS, TEXTS
from overthink.collect.log_files import open_logs
from overthink.core.human_label import Place


def answer_texts(logs: Path, wanted: Collection[Place]) -> dict[Place, tuple[str, str]]:
    """The question and the forced answer at each place; where a trace was collected twice, the later one.

    Args:
        logs: Folder of the study's logs.
        wanted: Which answers.

    Raises:
        InputError: There is no log, or none can be read.
    """
    traces = {place[:-1] for place in wanted}
    questions = {question for _, _, question, _ in traces}
    found: dict[Place, tuple[str, str]] = {}
    opened, _ = open_logs(logs)
    for log in opened:
        asked = [one for one in log.summaries if str(one.id) in questions]
        for sample in log.samples(asked):
            rows = sample.store.get(RECORDS, [])
            if not rows:
                continue
            trace = (rows[0]["task"], rows[0]["arm"], str(sample.id), rows[0]["draw"])
            if trace not in traces:
                continue
            for text in sample.store.get(TEXTS, []):
                place = (*trace, text["rung"])
                if place in wanted and "beside" not in text:
                    prompt = sample.input if isinstance(sample.input, str) else sample.input[-1].text
                    found[place] = (prompt, text["answer"])
    return found
