"""Projected activations on disk: ``projections.jsonl`` in the study's folder, appended reading by reading."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from overthink.data.projections import Projection
from overthink.storage.jsonl import JsonLines
from overthink.storage.study_folder import StudyFolder

_HEADER = {"overthink.projections": 1}
_LINE = TypeAdapter(Projection)


def projection_lines(path: Path) -> JsonLines[Projection]:
    """Return the append-only file of projections; a later line replaces an earlier one with its key."""
    return JsonLines(path, _HEADER, _LINE)


def projections_of(folder: StudyFolder) -> tuple[Projection, ...]:
    """Return the projections of a study, of each key the last; none where no probe has read it.

    Raises:
        InputError: The file is of another kind or version, or damaged before its last line.
    """
    return tuple({line.key: line for _, line in projection_lines(folder.projections).read()}.values())


def store_projections(folder: StudyFolder, projections: Sequence[Projection]) -> None:
    """Write projections that were read elsewhere into a study's folder.

    Raises:
        StoppedError: The disk is full.
    """
    projection_lines(folder.projections).replace(projections)
