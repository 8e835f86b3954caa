"""Which answers humans should read: a random sample, as a sheet to be filled in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from overthink.core.human_label import AnswerAt, HumanLabel
from overthink.core.label_sample import label_sample
from overthink.core.outcomes import from_records
from overthink.core.record import Estimand
from overthink.errors import InputError
from overthink.sources import HowToRead, Source, read_source
from overthink.store.folder import StudyFolder
from overthink.store.labels import write_label_sheet

_WHY = {
    Estimand.RESAMPLED: "resampled (each is a share of several answers)",
    Estimand.CHECKPOINT: "scored on their way (the log holds the answer at the end alone)",
}
"""By estimand: answers that have no text, and why."""


@dataclass(frozen=True)
class Sheet:
    """A sheet that was written.

    Attributes:
        answers: Answers drawn.
        without_text: By reason: how many of them have no text, where texts were asked for.
    """

    answers: int
    without_text: Mapping[str, int] = field(default_factory=dict)

    def note(self) -> str | None:
        """How many answers have no text, and why, in a line; None where all have one or none was asked for."""
        if not self.without_text:
            return None
        why = ", ".join(f"{count} {reason}" for reason, count in self.without_text.items())
        return f"{sum(self.without_text.values())} of them without text: {why}"


def label_sheet(
    path: str | Path, out: str | Path, *, per_rung: int = 40, seed: int = 0, show_text: bool = False
) -> Sheet:
    """Draw a random sample of answers for humans to label, and write it as a sheet with an empty column `label`.

    Args:
        path: A study, logs or a table.
        out: The sheet to write (.csv).
        per_rung: Answers to draw at each rung of each curve.
        seed: Seed of the sample.
        show_text: Write question and answer into the sheet, where the logs hold them.

    Returns:
        What was drawn, and what of it has no text.

    Raises:
        InputError: The path cannot be read, the sheet is there already, or there are no texts to show.
    """
    source = read_source(Path(path), HowToRead())
    places = label_sample(from_records(source.records), per_rung=per_rung, rng=np.random.default_rng(seed))
    texts = _texts(Path(path), source, places) if show_text else None
    write_label_sheet(Path(out), places, texts)
    without = Counter() if texts is None else Counter(_why(one) for one in places if one.at not in texts)
    return Sheet(len(places), dict(without))


def _texts(path: Path, source: Source, places: Sequence[HumanLabel]) -> dict[AnswerAt, tuple[str, str]]:
    """The texts at these places, as far as the study's logs, or the logs themselves, hold them."""
    from overthink.collect.log_texts import texts_of_ladder, texts_of_levels, texts_of_logs

    wanted = {one.at for one in places}
    if path.suffix == ".eval" or (path.is_dir() and not StudyFolder(path).is_study()):
        return texts_of_ladder(path, source.records, wanted) | texts_of_logs(path, wanted)
    logs = StudyFolder(path).logs
    if not logs.is_dir():
        raise InputError(f"{path} holds no logs of a study, so there is no text to show; leave --show-text out")
    if source.plan is None or source.plan.efforts is None:
        return texts_of_ladder(logs, source.records, wanted)
    names = list(dict.fromkeys((row.axis, row.task) for row in source.records))
    if len(names) != len(source.plan.tasks):
        return {}
    return texts_of_levels(logs, source.plan, [name for _, name in names], wanted)


def _why(one: HumanLabel) -> str:
    return _WHY.get(Estimand(str(one.estimand)), "whose log is gone, damaged, or of another version")
