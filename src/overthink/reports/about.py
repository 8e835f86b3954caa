"""Metadata of a report: origin of its findings, versions, hashes, plan, costs.

Appendix of a report: results of calculators with their inputs, as text rows. Nothing is computed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from overthink.analysis.k_scale import KScale
from overthink.cost.estimate import Estimate, StudyUsage
from overthink.data.results.beside import PlantedCurve
from overthink.data.visible import PROSE_LIMIT, visible
from overthink.reports.charts.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class AppendixInput:
    """An input of a calculator with its origin: stated, measured by the study, or a default."""

    name: str
    value: str
    origin: str
    meaning: str


@dataclass(frozen=True, slots=True)
class AppendixTable:
    """A table beside the results."""

    name: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class CalculatorAnswer:
    """A result of a calculator.

    Attributes:
        name: Name of the calculator.
        about: Question that it answers.
        label: Meaning of the result, and its restrictions.
        warnings: Warnings before the result.
        inputs: All inputs used.
        results: Name and value with its interval.
        tables: Tables beside the results.
        formula: Formula in words and symbols.
        source: Source of formula and defaults.
        interval_meaning: What the intervals span.
        leaves_out: Aspects not considered.
    """

    name: str
    about: str
    label: str
    warnings: tuple[str, ...]
    inputs: tuple[AppendixInput, ...]
    results: tuple[tuple[str, str], ...]
    tables: tuple[AppendixTable, ...]
    formula: str
    source: str
    interval_meaning: str
    leaves_out: str


@dataclass(frozen=True, slots=True)
class Appendix:
    """The calculators of a report.

    Attributes:
        answers: Results of calculators with sufficient inputs.
        open: Missing inputs of the other calculators, one sentence each.
    """

    answers: tuple[CalculatorAnswer, ...]
    open: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """Traces of one task that are finished, and all that its plan asks for."""

    task: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run had come when a report was made before its end.

    Attributes:
        tasks: Its tasks, in the order of the plan.
        refresh_seconds: How often the page loads itself anew.
        resume: The command that goes on with the run if it stops; None if unknown.
        is_most: Whether the totals are upper limits: the run may end before, when its intervals are narrow.

    Example:
        >>> Progress((TaskProgress("sums", 3, 8), TaskProgress("safety", 0, 8)), 20).done
        3
    """

    tasks: tuple[TaskProgress, ...]
    refresh_seconds: int
    resume: str | None = None
    is_most: bool = False

    @property
    def done(self) -> int:
        """Number of finished traces."""
        return sum(task.done for task in self.tasks)

    @property
    def total(self) -> int:
        """Number of traces that the plan asks for."""
        return sum(task.total for task in self.tasks)


@dataclass(frozen=True, slots=True)
class About:
    """Everything a report prints that is not a finding; all of it is set by the caller, including the time.

    Attributes:
        title: Heading of the report.
        source: Analysed input: a model, a folder of logs, a table.
        made_with: Version of Overthink.
        created_at: Time of creation, as ISO text.
        command: The command line, if any.
        plan: The plan as a nested mapping; printed as a table.
        plan_sha256: Hash of the plan.
        pool_sha256: Hash of the pool.
        notes: Notes outside the findings: skipped rows, assumed polarity, a stopped run.
        k_scale: The one reference of K (thinking), or why there is none.
        questions: Ids of the questions, by ``"axis/task"``.
        estimate: Cost estimate before the run; None without one.
        actual_cost: Actual cost; None without an estimate.
        thresholds: Positions of training-compute thresholds on the K axis; None for no section.
        appendix: Calculator results and missing inputs; None for no appendix.
        passive_arms: Arms known to decide nothing by what they read, for which no placebo can be run.
        not_tried: Elicitation methods that were not tried, a sentence each.
        never_said: Limitations of every report.
        unfinished: How far the run had come; None of a run that has ended.
        planted: Planted truth of a simulated model; empty for every real one.

    >>> About(title="A look", source="model m", made_with="0.1", created_at="2030-01-01T00:00:00Z").notes
    ()
    """

    title: str
    source: str
    made_with: str
    created_at: str
    command: str | None = None
    plan: Mapping[str, object] | None = None
    plan_sha256: str | None = None
    pool_sha256: str | None = None
    notes: tuple[str, ...] = ()
    k_scale: KScale = field(default_factory=KScale)
    questions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    estimate: Estimate | None = None
    actual_cost: StudyUsage | None = None
    thresholds: Thresholds | None = None
    appendix: Appendix | None = None
    passive_arms: frozenset[str] = frozenset()
    not_tried: tuple[str, ...] = ()
    never_said: tuple[str, ...] = ()
    unfinished: Progress | None = None
    planted: tuple[PlantedCurve, ...] = ()

    @property
    def k_line(self) -> str | None:
        """The one reference of K (thinking) as a line of a terminal; None where no K was looked for."""
        scale = self.k_scale
        if scale.means is not None:
            return visible(f"{scale.name} = 1 on every axis: {scale.means}.", PROSE_LIMIT)
        return None if scale.reason is None else visible(f"No {scale.name} axis: {scale.reason}.", PROSE_LIMIT)
