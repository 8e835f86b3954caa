"""Which answers humans should read: a random sample, as a sheet to be filled in."""

from pathlib import Path

import numpy as np

from overthink.core.label_sample import label_sample
from overthink.core.outcomes import from_records
from overthink.core.record import Estimand
from overthink.errors import InputError
from overthink.sources import HowToRead, read_source
from overthink.store.folder import StudyFolder
from overthink.store.labels import write_label_sheet


def label_sheet(
    path: str | Path, out: str | Path, *, per_rung: int = 40, seed: int = 0, show_text: bool = False
) -> int:
    """Draw a random sample of answers for humans to label, and write it as a sheet with an empty column `label`.

    Args:
        path: A study, logs or a table.
        out: The sheet to write (.csv).
        per_rung: Answers to draw at each rung of each curve.
        seed: Seed of the sample.
        show_text: Write question and answer into the sheet; from a study's own logs, and for forced answers only.

    Returns:
        Answers drawn.

    Raises:
        InputError: The path cannot be read, the sheet is there already, or there are no texts to show.
    """
    source = read_source(Path(path), HowToRead())
    places = label_sample(from_records(source.records), per_rung=per_rung, rng=np.random.default_rng(seed))
    texts = None
    if show_text:
        from overthink.collect.log_texts import answer_texts

        folder = StudyFolder(Path(path))
        if not folder.logs.is_dir():
            raise InputError(f"{path} holds no logs of a study, so there is no text to show; leave --show-text out")
        forced = [one for one in places if one.estimand == Estimand.FORCED]
        wanted = {(str(one.task), str(one.arm), one.question, one.draw, one.rung) for one in forced}
        texts = answer_texts(folder.logs, wanted)
    write_label_sheet(Path(out), places, texts)
    return len(places)
