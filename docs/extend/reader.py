"""A reader: turns a file of another tool into rows. This one reads `samples_TASK.jsonl` of lm-evaluation-harness.

On the command line:

    overthink analyse samples_gsm8k.jsonl --reader docs/extend/reader.py@lm-eval:metric=exact_match
"""

import json
from collections.abc import Iterator
from pathlib import Path

from overthink.extend import Axis, Estimand, Field, InputError, Reader, ReadOptions, RungRecord, component


@component("lm-eval")
class LmEval(Reader):
    """Samples of lm-evaluation-harness, one try per line."""

    metric: str = Field("exact_match", description="the metric that is the value, in [0, 1]")

    def read(self, path: Path, options: ReadOptions) -> Iterator[RungRecord]:
        """Yield the rows; a line without the metric is refused. A frame with the pool's columns would do as well."""
        draws: dict[str, int] = {}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            sample = json.loads(line)
            if self.metric not in sample:
                raise InputError(f"{path}, line {number}: no {self.metric}; there are: {', '.join(sample)}")
            question = str(sample["doc_id"])
            draws[question] = draws.get(question, -1) + 1
            yield RungRecord(
                study=path.stem,
                arm=path.parent.name or "model",
                axis=Axis(options.axis or "capability"),
                task=path.stem.removeprefix("samples_"),
                scorer=self.metric,
                question=question,
                draw=draws[question],
                rung=0,
                estimand=Estimand.NATURAL,
                value=float(sample[self.metric]),
            )
