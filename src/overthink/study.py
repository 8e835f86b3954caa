"""The method on one page.

    plan ──collect──▶ rows of the pool ──core──▶ findings ──present──▶ report
    logs, tables, studies ──read──▶ rows ──┘

Nothing here computes, draws, or talks to a model: it calls those who do, in order, and keeps what they return.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from overthink import __version__
from overthink.adaptive import Announced
from overthink.analysing import Decided, HowToAnalyse
from overthink.arm_plan import ArmPlan
from overthink.assuming import over
from overthink.collecting import Told, laddered, levelled
from overthink.core.finding import Finding
from overthink.core.findings import findings as find
from overthink.core.record import RungRecord
from overthink.core.sourced_shape import SourcedShape
from overthink.core.spending import spent
from overthink.governed import governed
from overthink.parties import known_at_start
from overthink.plan import Plan, TaskPlan
from overthink.present import About, figure_formats, report_figures, report_html, summary_text
from overthink.resuming import at_work
from overthink.sources import HowToRead, Source, read_source
from overthink.store.analysis import Assumed, read_analysis, read_assumed, write_analysis
from overthink.store.estimate import write_estimate
from overthink.store.findings import findings_json, write_findings
from overthink.store.folder import StudyFolder
from overthink.store.models import Known, write_models
from overthink.store.pool import write_pool

if TYPE_CHECKING:
    from overthink.collect.opened import Opened


@dataclass(frozen=True, eq=False)
class Study:
    """Rows, and what follows from them.

    Attributes:
        records: The pool.
        findings: Every claim, with number, interval, evidence and limits.
        about: Where it came from and how it was made.
        decided: What the evaluator decided before looking.
        assumed: What is assumed of the model and no measurement says.
        known: Who works for the arms, how big they are and what they charge.
        folder: Where it is stored; None where it was not.
    """

    records: Sequence[RungRecord]
    findings: tuple[Finding, ...]
    about: About
    decided: Decided
    assumed: Assumed
    known: Known
    folder: StudyFolder | None = None

    def html(self) -> str:
        """The report as one self-contained page."""
        return report_html(self.findings, self.about)

    def text(self) -> str:
        """The report as a few lines for a terminal."""
        return summary_text(self.findings, self.about)

    def json(self) -> str:
        """The findings document, as it is stored."""
        return findings_json(
            self.findings,
            overthink=self.about.made_with,
            plan_sha256=self.about.plan_sha256,
            pool_sha256=self.about.pool_sha256,
        )

    def find(self, *, kind: str = "value", metric: str | None = None, axis: str | None = None) -> tuple[Finding, ...]:
        """The findings of one kind, and where given of one metric and one axis."""
        return tuple(
            finding
            for finding in self.findings
            if finding.kind == kind and metric in (None, finding.metric) and axis in (None, finding.axis)
        )


def analyse(
    path: str | Path,
    *,
    out: str | Path | None = None,
    read: HowToRead | None = None,
    how: HowToAnalyse | None = None,
    command: str | None = None,
) -> Study:
    """Analyse what is there already: Inspect logs, a study, or a plain table. No model is called.

    Args:
        path: A log or a folder of logs, a study's folder, a pool, or a table (Parquet, CSV, JSON Lines).
        out: Folder for pool, findings and report; None writes nothing.
        read: What logs and tables from elsewhere do not say of themselves; None reads them as capability.
        how: What the evaluator decides; None for the study's own plan, or the defaults.
        command: The command line, for the report.

    Returns:
        The study; its report is `study.html()`.

    Raises:
        InputError: The path cannot be read as any of these, or the labels are not of its answers.
    """
    return analysed(read_source(Path(path), read or HowToRead()), how or HowToAnalyse(), out=out, command=command)


def analysed(source: Source, how: HowToAnalyse, *, out: str | Path | None = None, command: str | None = None) -> Study:
    """The same for rows that were read already."""
    study = _study(source, how, command=command)
    return study if out is None else _stored(study, StudyFolder(Path(out)))


def run(
    opened: "Opened",
    out: str | Path,
    *,
    resume: bool = False,
    told: Told = lambda _: None,
    announced: Announced = lambda _: None,
    shapes: Mapping[str, SourcedShape] | None = None,
    command: str | None = None,
) -> Study:
    """Collect what the plan says, and analyse it.

    A stopped run keeps every finished trace; with `resume` it goes on with those that are missing. A plan that asks
    for more draws, more questions, or rungs below the highest budget extends the study, and pays for what is new.

    Args:
        opened: The plan, with its model and tasks opened by :func:`prepare`.
        out: The study's folder; new, or with `resume` one that holds this plan, or one with less of the same.
        resume: Go on with a study that was stopped, or extend one.
        told: Called with the rows of every finished trace.
        announced: Called with every wave before its first draw, where draws follow what earlier ones showed.
        shapes: By model: its shape, where its weights are not here to tell it.
        command: The command line, for the report.

    Returns:
        The finished study.

    Raises:
        InputError: A task does not fit the ladder, the folder holds something else, or a shape is of no model in use.
        StoppedError: The run stopped; repeat it with `resume`.
        KeyboardInterrupt: The user stopped it; repeat it with `resume`.
    """
    plan, folder = opened.plan, StudyFolder(Path(out))
    known = known_at_start(opened, folder, shapes or {})
    with at_work(folder, plan, resume=resume) as has:
        write_estimate(folder.estimate, opened.spending)
        write_models(folder.models, known)
        if plan.efforts is None:
            source = laddered(opened, folder, has, told, announced)
        else:
            source = levelled(opened, folder, told)
        source = replace(_decided_before(source, folder, moved=bool(has.sparse)), known=known)
        how = HowToAnalyse(assumed=read_assumed(folder.analysis))
        return _stored(_study(source, how, command=command), folder)


def _decided_before(source: Source, folder: StudyFolder, *, moved: bool) -> Source:
    """The source with what an earlier report was told; human labels stand for rungs, and fall where these move."""
    decided = read_analysis(folder.analysis)
    if decided is None or decided[0].human is None or not moved:
        return replace(source, decided=decided)
    lost = "Human labels of an earlier report are left out: the ladder has gained rungs. Label anew, or give --labels."
    earlier = replace(decided[0], human=None), decided[1]
    return replace(source, decided=earlier, notes=(*source.notes, lost))


def report(
    path: str | Path,
    *,
    formats: Sequence[str] = ("html",),
    how: HowToAnalyse | None = None,
    command: str | None = None,
) -> Study:
    """Make a study's findings and report again from its pool.

    Args:
        path: The study's folder.
        formats: "svg" and "png" draw the page's charts into its folder `figures`; the page itself is always made.
        how: What the evaluator decides or assumes now; None for what was decided and assumed before.
        command: The command line, for the report.

    Raises:
        InputError: The folder holds no study, a format is unknown, or an assumption cannot be.
    """
    figures = figure_formats(formats)
    folder = StudyFolder(Path(path))
    folder.require()
    made = analyse(folder.path, out=folder.path, how=how, command=command)
    if figures:
        folder.write_figures(report_figures(made.findings, made.about, figures))
    return made


def tasks(
    *,
    capability: Sequence[str],
    safety: Sequence[str],
    benign: Sequence[str],
    args: dict[str, str | int | float | bool],
) -> tuple[TaskPlan, ...]:
    """Read tasks as the command line gives them: `TASK@scorer.key:high=word`.

    Raises:
        InputError: None was given, one cannot be read, or its polarity is unknown.
    """
    from overthink.collect.polarity import task_plans

    return task_plans(capability=capability, safety=safety, benign=benign, args=args)


def arms(text: str, *, model: str) -> tuple[ArmPlan, ...]:
    """Read arms as the command line gives them: `base,safethink:guard=MODEL,tau=0.5,m=3`.

    Raises:
        InputError: An arm or setting is unknown, a decision is missing, or a value is not possible.
    """
    from overthink.collect.arms import arm_plans

    return arm_plans(text, model=model)


def prepare(plan: Plan) -> "Opened":
    """Open the plan's model and tasks, and refuse what cannot be done, before anything is written or paid.

    Raises:
        InputError: Something in the plan cannot be done; the message says what to change.
    """
    from overthink.collect.opened import open_plan

    return open_plan(plan)


def _study(source: Source, how: HowToAnalyse, *, command: str | None) -> Study:
    tables = source.tables()
    decided, seed = how.settled(source, tables)
    found = find(tables, decided, rng=np.random.default_rng(seed))
    about = About(
        title=f"What more thinking does to {source.name if source.plan is None else source.plan.model}",
        source=source.name,
        made_with=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        plan=None if source.plan is None else json.loads(source.plan.to_json()),
        plan_sha256=None if source.plan is None else source.plan.sha256(),
        notes=tuple(source.notes) + (() if source.estimate is None else source.estimate.notes),
        estimate=source.estimate,
        spent=None if source.estimate is None else spent(source.records, source.estimate, source.cut_short),
        reference=_reference(found),
        reference_means="one attempt at the lowest rung",
    )
    assumed = over(how.assumed, source.assumed)
    known = how.known(source)
    about = governed(about, found, assumed, seed=seed, shape=known.under_test)
    return Study(source.records, found, about, Decided(decided, seed), assumed, known)


def _reference(found: Sequence[Finding]) -> dict[str, float]:
    """Per curve, the tokens of one attempt at its lowest rung: what K = 1 stands for."""
    attempts = [f for f in found if f.kind == "tokens" and f.metric == "attempt_tokens" and f.estimate]
    lowest: dict[str, Finding] = {}
    for finding in sorted(attempts, key=lambda f: f.at.rung or 0):
        lowest.setdefault(f"{finding.axis}/{finding.task}/{finding.arm}", finding)
    return {curve: finding.estimate for curve, finding in lowest.items() if finding.estimate is not None}


def _stored(study: Study, folder: StudyFolder) -> Study:
    folder.create()
    pool_sha256 = write_pool(folder.pool, study.records)
    stored = replace(study, about=replace(study.about, pool_sha256=pool_sha256), folder=folder)
    write_findings(
        folder.findings,
        stored.findings,
        overthink=__version__,
        plan_sha256=stored.about.plan_sha256,
        pool_sha256=pool_sha256,
    )
    write_analysis(folder.analysis, study.decided.analysis, seed=study.decided.seed, assumed=study.assumed)
    if study.about.plan is not None:
        write_models(folder.models, study.known)
    folder.write_report(stored.html())
    return stored
