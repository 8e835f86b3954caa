"""Score the traces of a finished study by monitors. The model under test generates nothing.

logs ──texts──▶ monitors ──scores──▶ oversight.jsonl ──▶ oversight.parquet ──▶ findings, report
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from overthink.data.oversight import HONEST, OversightRow, RedTeam, View
from overthink.data.oversight_pool import overseen_rungs
from overthink.data.pool import words_of
from overthink.data.projections import Projection
from overthink.errors import InputError
from overthink.paths import is_text, name_text
from overthink.plan.arms import ArmPlan
from overthink.storage.formats.scout import ScoutReader
from overthink.storage.jsonl import JsonLines
from overthink.storage.oversight import oversight_journal, projection_lines, read_oversight_journal, write_oversight
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import refuse_if_held, study_lock
from overthink.workflows import arguments as arg
from overthink.workflows.analyse import report
from overthink.workflows.own_thread import outside_loops
from overthink.workflows.sources import ReadOptions, read_source
from overthink.workflows.study import Study
from overthink.workflows.words import texts

if TYPE_CHECKING:
    from overthink.collect.monitors.registry import MonitorPlan
    from overthink.collect.monitors.score import Attack, MonitorSession
    from overthink.collect.monitors.without_model import ScoutMonitor

ATTACK = "attack"
"""Part of an arm that follows an attack policy."""


@dataclass(frozen=True, eq=False)
class Monitoring:
    """Monitoring that is ready to start.

    Attributes:
        folder: The study's folder.
        session: The monitors with what they have not scored yet.
        scores: Total number of scores.
    """

    folder: StudyFolder
    session: "MonitorSession"
    scores: int

    @property
    def n_scored(self) -> int:
        """Number of scores that are there already."""
        return self.scores - len(self.session.missing)


@arg.checked(
    path=arg.a_path,
    monitor=arg.text_or_texts,
    view=arg.text_or_texts_or_none,
    arm=arg.text_or_texts_or_none,
)
def prepare_monitoring(
    path: str | Path,
    *,
    monitor: str | Sequence[str],
    view: str | Sequence[str] | None = None,
    arm: str | Sequence[str] | None = None,
) -> Monitoring:
    """Load and check the study and the monitors, before anything is written or paid.

    Args:
        path: The study's folder.
        monitor: Monitors, each `NAME:key=value,key=value`.
        view: What they read: "cot", "action", "both" or "extracted"; "both" if None.
        arm: Labels of the arms whose traces are scored; None for all.

    Raises:
        InputError: There is no such study, its traces have no text, or a monitor or view cannot be read.
    """
    from overthink.collect.monitors.registry import read_monitors
    from overthink.collect.monitors.score import MonitorSession, open_monitors
    from overthink.collect.monitors.texts import read_texts

    refuse_torn(texts(monitor, "monitor"), "--monitor")
    folder = StudyFolder(Path(path))
    folder.require()
    source = read_source(folder.path, ReadOptions())
    folder.refuse_links()
    refuse_if_held(folder.path)
    views = read_views((View.BOTH,) if view is None else texts(view, "view"))
    arms = texts(arm, "arm") if arm is not None else ()
    models = words_of(source.pool, "model")[0].to_list()
    plans = read_monitors(texts(monitor, "monitor"), views, model=models[0] if len(models) == 1 else None)
    labels = words_of(source.pool, "arm")[0].to_list()
    refuse_other_arms(arms, labels)
    pool = source.pool.filter(pl.col("arm").is_in(list(arms))) if arms else source.pool
    rungs = list(overseen_rungs(pool))
    if not rungs:
        raise InputError(f"{folder.path} has no answer that a monitor could read; needed: a study with answers")
    rows = read_oversight_journal(folder.oversight_journal)
    session = MonitorSession(
        monitors=open_monitors(_with_scans(plans)),
        views=views,
        rungs=rungs,
        texts=read_texts(folder.path, folder.logs, rungs),
        attacks={} if source.plan is None else attacks_of(source.plan.arms),
        scores={row.key: row for row in rows if row.error is None},
        errors={row.key: row for row in rows if row.error is not None},
    )
    if not session.texts:
        raise InputError(
            f"{folder.path}: no log of its traces is where its rows say, and a monitor reads texts; needed: the logs"
        )
    return Monitoring(folder, session, len(rungs) * len(plans) * len(views))


def refuse_torn(words: Sequence[str], option: str) -> None:
    """Refuse a text that no file of a study can hold.

    Raises:
        InputError: One is not in UTF-8.
    """
    for word in words:
        if not is_text(word):
            raise InputError(f"{option} {name_text(word)} is not in UTF-8; needed: a text that a study can store")


def refuse_other_arms(arms: Sequence[str], labels: Sequence[str]) -> None:
    """Refuse labels of arms that a study does not have.

    Raises:
        InputError: It does not have one.
    """
    unknown = [label for label in arms if label not in labels]
    if unknown:
        raise InputError(f"the study has no arm {unknown[0]!r}; it has: {', '.join(labels)}")


def read_views(words: Sequence[str]) -> tuple[View, ...]:
    """Return the views of some words.

    Raises:
        InputError: One is no view, or there is none.
    """
    for word in words:
        if word not in tuple(View):
            raise InputError(f"--view {word} is unknown; needed: {', '.join(View)}")
    if not words:
        raise InputError(f"no view is named; needed: {', '.join(View)}")
    return tuple(View(word) for word in dict.fromkeys(words))


def attacks_of(arms: Sequence[ArmPlan]) -> Mapping[str, "Attack"]:
    """Return the attack policy of each arm of a plan; that of an arm without an attack is honesty."""
    from overthink.collect.monitors.score import Attack

    own = {arm.label: arm for arm in arms}
    acting = {arm.label: own.get(arm.placebo_of or arm.label, arm) for arm in arms}  # a placebo attacks as its arm does
    return {label: Attack(*_policy(arm)) if ATTACK in arm.parts else Attack(HONEST) for label, arm in acting.items()}


def _policy(arm: ArmPlan) -> tuple[str, RedTeam | None]:
    """Return the policy of an attacking arm, and what it knows of the monitor."""
    knowledge = arm.settings.get("red_team")
    return str(arm.settings.get("policy", ATTACK)), RedTeam(str(knowledge)) if knowledge in tuple(RedTeam) else None


def _with_scans(plans: Sequence["MonitorPlan"]) -> tuple["MonitorPlan", ...]:
    """Return the monitors, those of a scan with its results."""
    from overthink.collect.monitors.without_model import ScoutMonitor

    return tuple(
        replace(plan, monitor=_with_scan(plan.monitor)) if isinstance(plan.monitor, ScoutMonitor) else plan
        for plan in plans
    )


def _with_scan(monitor: "ScoutMonitor") -> "ScoutMonitor":
    frame = ScoutReader().frame(Path(monitor.scan)).frame
    scanners = sorted(frame["scorer"].unique().to_list())
    scanner = monitor.scanner or (scanners[0] if len(scanners) == 1 else "")
    if scanner not in scanners:
        raise InputError(f"--monitor scout: scanner={scanner or '(none)'}; the scan has: {', '.join(scanners)}")
    rows = frame.filter((pl.col("scorer") == scanner) & pl.col("value").is_not_null() & pl.col("draw").is_not_null())
    columns = ("log", "question", "draw", "value")
    if missing := [name for name in columns if name not in rows.columns]:
        raise InputError(f"--monitor scout: the scan has no {', '.join(missing)} of its transcripts")
    results = {(log, question, draw + 1): value for log, question, draw, value in rows.select(columns).iter_rows()}
    return monitor.with_results(results)


@outside_loops
def monitor(
    path: str | Path,
    *,
    monitor: str | Sequence[str],
    view: str | Sequence[str] | None = None,
    arm: str | Sequence[str] | None = None,
    on_row: Callable[[OversightRow], None] = lambda _: None,
    command: str | None = None,
) -> Study:
    """Score a study's traces by monitors, and return the study with what these see, per thinking budget.

    Nothing but the monitors' own tokens is paid. A stopped command keeps every score; repeat it for the missing ones.

    Args:
        path: The study's folder.
        monitor: Monitors, each `NAME:key=value,key=value`, such as ``lexical:words=password|secret``.
        view: What they read of a trace, up to the rung: "cot", "action", "both" or "extracted"; "both" if None.
        arm: Labels of the arms whose traces are scored; None for all.
        on_row: Called with every new row of the table.
        command: The command line, for the report.

    Raises:
        InputError: The study or a monitor cannot be loaded, or a monitor does not work.
        StoppedError: A server is unreachable; repeat the command.
        KeyboardInterrupt: The user stopped it; repeat the command.
    """
    monitoring = prepare_monitoring(path, monitor=monitor, view=view, arm=arm)
    return score_traces(monitoring, on_row=on_row, command=command)


def score_traces(
    monitoring: Monitoring, *, on_row: Callable[[OversightRow], None] = lambda _: None, command: str | None = None
) -> Study:
    """Score what has no score, and update table, findings and report; see :func:`monitor`.

    Args:
        monitoring: What is to be scored, from :func:`prepare_monitoring`.
        on_row: Called with every new row of the table.
        command: The command line, for the report.
    """
    from overthink.collect.monitors.score import collect_suspicions

    folder = monitoring.folder
    with study_lock(folder.path):
        with ExitStack() as files:
            journal = files.enter_context(oversight_journal(folder.oversight_journal))
            lines: list[JsonLines[Projection]] = []

            def keep(row: OversightRow) -> None:
                journal.append(row)
                on_row(row)

            def keep_reading(reading: Projection) -> None:
                if not lines:  # the file is there where a probe has read something
                    lines.append(files.enter_context(projection_lines(folder.projections)))
                lines[0].append(reading)

            collect_suspicions(monitoring.session, log_dir=folder.oversight_logs, on_row=keep, on_reading=keep_reading)
        write_oversight(folder.oversight, read_oversight_journal(folder.oversight_journal))
    return report(folder.path, command=command)
