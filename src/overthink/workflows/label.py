"""Random sample of answers for human labels, as a sheet to fill in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Unpack

import numpy as np
import polars as pl

from overthink.data.labels import AnswerPosition, HumanLabel, label_sample
from overthink.data.outcomes import from_frame
from overthink.data.pool import SCHEMA, records_of
from overthink.data.pool import read as read_rows
from overthink.data.record import Estimand, RungRecord
from overthink.errors import InputError
from overthink.paths import path_kind
from overthink.storage.study_folder import StudyFolder
from overthink.storage.tables.labels import write_label_sheet
from overthink.workflows import arguments as arg
from overthink.workflows.sources import ReadOptions, Source, read_sources
from overthink.workflows.words import LabelWords, reading

_NO_TEXT_REASONS = {
    Estimand.RESAMPLED: "resampled (each is a share of several answers)",
    Estimand.CHECKPOINT: "scored on their way (the log holds the answer at the end alone)",
}
"""Reason for missing answer texts, by estimand."""


@dataclass(frozen=True)
class Sheet:
    """A label sheet that was written.

    Attributes:
        answers: Number of sampled answers.
        without_text: Number of answers without text, by reason; empty if texts were not requested.
        unread: What is wrong with each file that could not be read.
    """

    answers: int
    without_text: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    def note(self) -> str | None:
        """Return a line on answers without text; None if there are none or texts were not requested."""
        if not self.without_text:
            return None
        why = ", ".join(f"{count} {reason}" for reason, count in self.without_text.items())
        return f"{sum(self.without_text.values())} of them without text: {why}"


@arg.checked(
    path=arg.a_path,
    out=arg.a_path,
    per_rung=arg.whole(1),
    seed=arg.seed_or_none,
    show_text=arg.a(bool),
    read=arg.a(ReadOptions | None),
)
def label(
    path: str | Path,
    out: str | Path,
    *,
    per_rung: int = 40,
    seed: int = 0,
    show_text: bool = False,
    read: ReadOptions | None = None,
    **words: Unpack[LabelWords],
) -> Sheet:
    """Sample answers for human labels, and write them as a sheet with an empty column `label`.

    Args:
        path: A study, logs or a table.
        out: The sheet to write (.csv).
        per_rung: Answers sampled at each rung of each curve.
        seed: Seed of the sample.
        show_text: Write question and answer into the sheet if the logs hold them.
        read: Properties that logs and tables do not state, the same as for their analysis.
        **words: Options of the command line that say the same, such as ``safety="probe@judge:high=harm"``.

    Returns:
        Number of sampled answers, and of those without text.

    Raises:
        InputError: The path cannot be read, the sheet exists, or there are no texts to show.
    """
    (source,) = read_sources([Path(path)], reading(words, read))
    places = label_sample(from_frame(source.pool), per_rung=per_rung, rng=np.random.default_rng(seed))
    texts = _texts(Path(path), source, places) if show_text else None
    write_label_sheet(Path(out), places, texts)
    without = (
        Counter()
        if texts is None
        else Counter(_no_text_reason(label) for label in places if label.position not in texts)
    )
    return Sheet(len(places), dict(without), source.unread)


def _texts(path: Path, source: Source, places: Sequence[HumanLabel]) -> dict[AnswerPosition, tuple[str, str]]:
    """Return question and answer texts of these answers, as far as logs hold them."""
    from overthink.collect.inspect_logs.files import open_logs
    from overthink.collect.inspect_logs.texts import texts_of_ladder, texts_of_levels, texts_of_rows

    positions, rows = {label.position for label in places}, _rows_at(source.pool, places)
    if source.plan is None:
        if all(row.log is None for row in rows):
            raise InputError(f"{path} names no logs, so there is no text to show; leave --show-text out")
        return texts_of_rows(rows, positions)
    logs = StudyFolder(path).logs
    if path_kind(logs, follow=False) != "a folder":
        raise InputError(f"{path} holds no logs of a study, so there is no text to show; leave --show-text out")
    if source.plan.efforts is None:
        return texts_of_ladder(open_logs(logs)[0], rows, positions)
    first = source.pool.with_row_index("first").group_by("axis", "task").agg(pl.col("first").min())
    names = list(read_rows(first.sort("first").select("axis", "task")).iter_rows())
    if len(names) != len(source.plan.tasks):
        return {}
    return texts_of_levels(logs, source.plan, [name for _, name in names], positions)


def _rows_at(pool: pl.LazyFrame, places: Sequence[HumanLabel]) -> list[RungRecord]:
    """Return the rows of the sampled answers; of several scorers, all."""
    keys = ("task", "arm", "estimand", "question", "draw", "rung")
    columns = {name: [getattr(place, name) for place in places] for name in keys}
    schema = {name: SCHEMA[name] for name in keys}
    return records_of(pool.join(pl.LazyFrame(columns, schema=schema), on=keys, how="semi"))


def _no_text_reason(label: HumanLabel) -> str:
    return _NO_TEXT_REASONS.get(Estimand(str(label.estimand)), "whose log is gone, damaged, or of another version")
