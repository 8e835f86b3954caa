"""What a worker does: one shard in its folder, by the code of every run, and how it ended.

A worker that is lost leaves a folder whose journal has every finished trace, and whose lock is free again. The next
worker resumes it.
"""

import os
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path
from typing import Any

from overthink.errors import InputError, StoppedError
from overthink.paths import is_there
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import is_held

SECONDS_FOR_LOCK = 60.0
"""How long a worker waits for the lock of its folder: another whose driver is gone ends in order within that time."""


@dataclass(frozen=True)
class ShardTask:
    """A shard that a worker collects.

    Attributes:
        options: Options of the run, as plain values of TOML.
        shard: The shard, as ``3/16``.
        folder: Its folder, absolute.
        plan_sha256: Hash of the plan that these options make where the driver is.
        working_folder: Folder that relative paths start from.
    """

    options: Mapping[str, Any]
    shard: str
    folder: str
    plan_sha256: str
    working_folder: str


class Ending(StrEnum):
    """How the task of a worker ended."""

    COMPLETE = auto()
    STOPPED = auto()
    REFUSED = auto()
    INTERRUPT = auto()
    LOST = auto()
    FAULT = auto()


@dataclass(frozen=True)
class Outcome:
    """How a shard's task ended.

    Attributes:
        shard: The shard.
        ending: How.
        lines: The message; empty for none.
    """

    shard: str
    ending: Ending
    lines: tuple[str, ...] = ()


def collect_shard(task: ShardTask) -> Outcome:
    """Collect a shard, or go on with it, in this process; every ending is an outcome.

    Args:
        task: The shard.
    """
    if os.path.isdir(task.working_folder):  # noqa: PTH112 - it may be a path of another machine
        os.chdir(task.working_folder)
    try:
        _collect(task)
    except KeyboardInterrupt:
        return Outcome(task.shard, Ending.INTERRUPT)
    except StoppedError as failure:
        return Outcome(task.shard, Ending.STOPPED, failure.lines)
    except InputError as failure:
        return Outcome(task.shard, Ending.REFUSED, failure.lines)
    except BaseException as failure:  # noqa: BLE001 - the driver says what it was
        return Outcome(task.shard, Ending.FAULT, tuple("".join(traceback.format_exception(failure)).splitlines()))
    return Outcome(task.shard, Ending.COMPLETE)


def _collect(task: ShardTask) -> None:
    from overthink.workflows.analyse import prepare, run  # a worker that waits for its first shard needs none of it
    from overthink.workflows.run_options import read_options

    folder = StudyFolder(Path(task.folder))
    _wait_for_lock(folder)
    options = read_options(task.options)
    (plan,) = options.plans()
    session = prepare(plan, shard=task.shard, endpoints=options.endpoint)
    if (sha256 := session.plan.sha256()) != task.plan_sha256:
        raise InputError(
            f"shard {task.shard}: the plan of this worker has the hash {sha256[:12]}, that of the driver "
            f"{task.plan_sha256[:12]}; needed: the same Overthink and the same files everywhere"
        )
    run(session, folder.path, resume=is_there(folder.plan), shapes=options.shapes())


def _wait_for_lock(folder: StudyFolder) -> None:
    """Wait until no process runs in a folder; one that does not end in time is reported by the run itself."""
    end = time.monotonic() + SECONDS_FOR_LOCK
    while is_there(folder.path) and is_held(folder.path) and time.monotonic() < end:
        time.sleep(0.2)
