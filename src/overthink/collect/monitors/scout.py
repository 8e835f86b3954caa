"""Results of an Inspect Scout scan as a monitor: it reads what the scan said, and calls no model."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, PrivateAttr

from overthink.collect.monitors.base import Excerpt, Monitor, Suspicion
from overthink.components.base import component

ScanKey = tuple[str, str, int]
"""Name of a log, question and epoch."""


@component("scout")
class ScoutMonitor(Monitor):
    """Results of an Inspect Scout scan of the logs: true or false, or a share. A scan reads whole transcripts."""

    scan: str = Field(description="folder of the scan, as scans/scan_id=…")
    scanner: str = Field("", description="the scanner, where the scan has several; with .LABEL behind it if it has one")
    _results: Mapping[ScanKey, float] = PrivateAttr(default_factory=dict)

    def with_results(self, results: Mapping[ScanKey, float]) -> Self:
        """Return the monitor with the values of its scanner, by log, question and epoch."""
        copy = self.model_copy()
        copy._results = results
        return copy

    async def judge(self, excerpt: Excerpt) -> Suspicion:
        """Return the scanner's value of the transcript that ends where the excerpt ends."""
        log, question, epoch = excerpt.sample
        if not excerpt.is_whole:
            return Suspicion(None, "a scan reads whole transcripts, and this rung ends before the end of its own")
        value = None if log is None or epoch is None else self._results.get((log, question, epoch))
        return Suspicion(None, "the scan has no result of this transcript") if value is None else Suspicion(value)
