"""What a log says of a run that another tool scanned: its settings, and the token usage of each sample."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overthink.collect.inspect_logs.files import open_logs
from overthink.collect.inspect_logs.settings import THINKING, generation_settings, run_settings


@dataclass(frozen=True, slots=True, eq=False)
class ScanRun:
    """The run of a log.

    Attributes:
        settings: Its settings by name, those of the amount of thinking included, without secrets.
        usage: Token usage of the model under test by sample id and epoch, with the names of Inspect.
    """

    settings: Mapping[str, Any]
    usage: Mapping[tuple[str, int], Mapping[str, Any]]


def scan_run(path: Path) -> ScanRun:
    """Return what a log says of its run.

    Args:
        path: The log.

    Raises:
        InputError: It cannot be read.
    """
    (log,) = open_logs(path)[0]
    model = log.header.eval.model
    usage = {
        (str(summary.id), summary.epoch): summary.model_usage[model].model_dump()
        for summary in log.summaries
        if model in summary.model_usage
    }
    generation = generation_settings(log.header)
    amounts = {name: getattr(generation, name, None) for name in THINKING}
    settings = run_settings(log.header) | {name: value for name, value in amounts.items() if value is not None}
    return ScanRun(settings, usage)
