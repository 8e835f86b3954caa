"""The endpoints of a study: which its runs had, whether they served one model, and what readers should know of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from overthink.data.endpoints import EndpointRun, EndpointUse, endpoint_notes, first_difference
from overthink.errors import InputError
from overthink.storage.models import read_endpoint_runs, write_endpoint_runs
from overthink.storage.study_folder import StudyFolder

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session


@contextmanager
def endpoint_record(session: "Session", folder: StudyFolder) -> Iterator[None]:
    """Context manager that stores the endpoints of a run before its first call, and what they did at its end.

    Args:
        session: The plan with its endpoints; without any, nothing is stored.
        folder: The study's folder, locked by this process.

    Raises:
        InputError: An earlier run of the study had endpoints with another model.
    """
    if (replicas := session.replicas) is None:
        yield
        return
    earlier = read_endpoint_runs(folder.endpoints)
    replicas.begin()
    own = EndpointRun(tuple(EndpointUse(each.url, each.identity.model, each.identity.version) for each in replicas))
    if (difference := first_difference(earlier, [own])) is not None:
        raise InputError(
            f"--endpoint {difference}. Traces of {folder.path} were collected there; name endpoints with the same "
            "model, or give another --out."
        )
    write_endpoint_runs(folder.endpoints, [*earlier, own])
    try:
        yield
    finally:
        write_endpoint_runs(folder.endpoints, [*earlier, replicas.run()])


def stored_endpoint_notes(folder: StudyFolder) -> tuple[str, ...]:
    """Return what readers should know of the endpoints of a study.

    Raises:
        InputError: Its file is damaged.
    """
    return endpoint_notes(read_endpoint_runs(folder.endpoints))


def carry_endpoints(folders: Sequence[StudyFolder], target: StudyFolder) -> None:
    """Store the endpoints of shards in the folder of the study that is merged of them; none if no shard had any.

    Raises:
        InputError: Two shards had endpoints with other models.
        StoppedError: The disk is full.
    """
    runs = list[EndpointRun]()
    for folder in folders:
        own = read_endpoint_runs(folder.endpoints)
        if (difference := first_difference(runs, own)) is not None:
            raise InputError(f"{folder.path} is no shard of the same study: {difference}; merge shards of one model")
        runs.extend(own)
    if runs:
        write_endpoint_runs(target.endpoints, runs)
