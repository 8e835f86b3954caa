"""A study: its rows with results and report, its findings by words, and how it shows itself in a notebook."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from overthink.data.finding import Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.parameters import instance
from overthink.data.pool import pool_frame
from overthink.data.projections import Projection
from overthink.data.record import Axis, ScorePolarity
from overthink.data.results.study import Results, flatten
from overthink.data.rung_samples import rung_samples, samples_at
from overthink.data.visible import name_list, nearest_first, visible
from overthink.errors import InputError
from overthink.reports import About, report_html, summary_text
from overthink.reports.charts.study_charts import charts_by_name, report_charts, study_chart
from overthink.reports.flips import flipped_places
from overthink.reports.notebook.card import card_html, card_text
from overthink.reports.notebook.lists import Charts, Findings, notebook_chart
from overthink.reports.notebook.tables import curve_frame, planted_frame, verdict_frame
from overthink.storage.findings import findings_json
from overthink.storage.json_documents import Assumptions
from overthink.storage.models import StudyModels
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import arguments as arg
from overthink.workflows.request import AnalysisRequest

if TYPE_CHECKING:
    from overthink.reports.notebook.inline import LayerChart, VConcatChart


_SHOWN = 40

_WORDS: dict[str, type[StrEnum]] = {"kind": Kind, "metric": Metric, "axis": Axis}
"""Closed list by parameter."""


def matching_findings(findings: Sequence[Finding], **words: str | None) -> Findings:
    """Return the findings that have all the words and names given, in their order.

    Args:
        findings: All findings of a study.
        words: By field of a finding, among ``kind``, ``metric``, ``axis``, ``task`` and ``arm``; None for any.

    Raises:
        TypeError: A value is no text.
        InputError: A kind, metric or axis is in no closed list, or the study has no such task or arm.
    """
    fields = {name: value for name, value in words.items() if value is not None}
    for name, value in fields.items():
        word = str(instance(value, name, str))
        known = list(_WORDS[name]) if name in _WORDS else sorted({getattr(finding, name) for finding in findings})
        if word not in known:
            raise InputError(_unknown(name, word, known))
    return Findings(finding for finding in findings if all(getattr(finding, n) == v for n, v in fields.items()))


def _unknown(name: str, word: str, known: Iterable[str]) -> str:
    choices = name_list([visible(each) for each in nearest_first(word, known)], _SHOWN) or "none, it has no finding"
    whose = "of findings" if name in _WORDS else "of this study"
    return f"{name} is {visible(word)!r}, which is no {name} {whose}; needed, the most similar first: {choices}"


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """Rows with their findings and report. In a notebook it shows itself: title, curves, verdicts.

    Attributes:
        pool: The rows, a frame with the columns of :data:`~overthink.data.pool.SCHEMA` and the id of each row's trace.
            It is read lazily, from the pool on disk where the rows were read from one or written to one.
        results: All results, claim by claim.
        about: Origin and metadata of the report.
        request: Request of the analysis.
        assumptions: Assumptions about the model.
        models: Models of the arms with shapes and prices.
        folder: Folder of the study; None if it was not stored.
        polarity: What high raw scores mean, as far as it was stated when logs or tables were read.
        unread: What is wrong with each file that could not be read; the notes name them, too.
        parts: Study of each model by its name, where several models were run and compared; else empty.
        oversight: The table beside the pool, with scores of monitors; None where there is none.
        projections: What probes have read of the traces.
        reading: How logs or tables were read, a sentence each; the notes of the report have them, too.

    Example:
        >>> import overthink, polars as pl, tempfile
        >>> rows = [{"question": q, "draw": 0, "budget": b, "value": int(q < b)} for q in range(9) for b in (0, 4, 8)]
        >>> with tempfile.NamedTemporaryFile(suffix=".csv") as table:
        ...     pl.DataFrame(rows).write_csv(table.name)
        ...     study = overthink.analyse(table.name)
        >>> study.frame()["value"].sum(), study.curves["requested_tokens"].to_list()
        (12.0, [0, 4, 8])
        >>> [finding.label for finding in study.find(kind=overthink.Kind.SHAPE, metric="max_t")]
        ['up']
    """

    pool: pl.LazyFrame
    results: Results
    about: About
    request: AnalysisRequest
    assumptions: Assumptions
    models: StudyModels
    folder: StudyFolder | None = None
    polarity: tuple[ScorePolarity, ...] = ()
    unread: tuple[str, ...] = ()
    parts: "Mapping[str, Study]" = field(default_factory=dict)
    oversight: pl.DataFrame | None = None
    projections: Sequence[Projection] = ()
    reading: tuple[str, ...] = ()

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, with estimate, interval, evidence and limitations."""
        return Findings(flatten(self.results))

    @cached_property
    def curves(self) -> pl.DataFrame:
        """One row per axis, task, arm and rung: ``estimate`` with ``low`` and ``high``, sizes, gates and verdict.

        The columns are among those of ``overthink table --what curves --format csv``.
        """
        return curve_frame(self.findings)

    @cached_property
    def verdicts(self) -> pl.DataFrame:
        """One row per verdict: the curve, the ``claim``, its ``label``, the change with its interval, p-values.

        The columns are among those of ``overthink table --what verdicts --format csv``; ``claim`` is in words for
        shapes, too.
        """
        return verdict_frame(self.findings)

    @cached_property
    def planted(self) -> pl.DataFrame:
        """Truth of a simulated model by rung beside the measurement; without a row for every real model.

        ``inside`` says whether the band that holds at all rungs at once holds the planted value; it is null without
        a band, and ``reason`` says why a truth cannot be stated.
        """
        return planted_frame(self.about.planted, self.results.curves)

    @cached_property
    def charts(self) -> Charts:
        """Charts of the report for the arms that it shows first, by the names of the files of its figures."""
        return Charts(dict(charts_by_name(report_charts(self.results, self.about))))

    @arg.checked(name=arg.a(str | None), arms=arg.text_or_texts_or_none)
    def chart(self, name: str | None = None, *, arms: str | Sequence[str] | None = None) -> "LayerChart | VConcatChart":
        """Return a chart of Altair, which a notebook shows as SVG, without a network.

        Args:
            name: An axis, a task, or a name of ``charts``; None for the values of all axes and tasks.
            arms: Arms to draw, a list or one; None for those that the report shows first.

        Raises:
            InputError: The study has no such chart or arm, or nothing to draw.
        """
        chosen = [arms] if isinstance(arms, str) else arms
        return notebook_chart(study_chart(self.results, self.about, name, chosen))

    def frame(self) -> pl.DataFrame:
        """Return the rows: one per question, draw and rung of a curve.

        The columns are those of the pool, in its order: ``value`` (1 is correct, safe or answered, by ``axis``) and
        ``verdict``; ``requested_tokens`` is the budget, and ``thinking_tokens``, ``answer_tokens`` and the other
        ledger of what was spent are beside it. A cell is null where the number is unknown. ``axis``, ``estimand`` and
        ``verdict`` are enums, names that repeat are categories. ``.to_pandas()`` makes a pandas frame. Of a large
        study, ``study.pool.select(...).collect()`` reads some columns alone.

        Raises:
            InputError: The pool on disk cannot be read any more.
        """
        return pool_frame(self.pool)

    def find(
        self,
        *,
        kind: Kind | str | None = Kind.VALUE,
        metric: Metric | str | None = None,
        axis: Axis | str | None = None,
        task: str | None = None,
        arm: str | None = None,
    ) -> Findings:
        """Return findings of one kind, optionally of one metric, axis, task and arm; none where there is none.

        Args:
            kind: A member of ``overthink.Kind``, or its text; None for all kinds.
            metric: A member of ``overthink.Metric``, or its text.
            axis: A member of ``overthink.Axis``, or its text.
            task: A task of the study.
            arm: An arm of the study.

        Raises:
            InputError: The kind, metric or axis does not exist, or the study has no such task or arm.
        """
        return matching_findings(self.findings, kind=kind, metric=metric, axis=axis, task=task, arm=arm)

    def html(self) -> str:
        """Return the report as one self-contained page."""
        flipped = samples_at(self.pool, flipped_places(self.results))
        return report_html(self.results, self.about, rung_samples(self.pool), flipped)

    def text(self) -> str:
        """Return the report as a few lines for a terminal."""
        return summary_text(self.results, self.about)

    def json(self) -> str:
        """Return the findings document as stored."""
        return findings_json(
            self.findings,
            overthink=self.about.made_with,
            plan_sha256=self.about.plan_sha256,
            pool_sha256=self.about.pool_sha256,
            notes=self.reading,
        )

    def __repr__(self) -> str:
        return card_text(self.results, self.about)

    def _repr_html_(self) -> str:
        return card_html(self.results, self.about)
