"""Change the thinking of a finished study's traces, and decode the answers behind it. The traces are not made again.

logs ──texts──▶ perturbations ──prefixes──▶ the study's model ──answers──▶ oversight.jsonl ──▶ oversight.parquet
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from overthink.data.oversight import OversightRow
from overthink.data.oversight_pool import overseen_rungs, rung_answers
from overthink.data.record import Estimand
from overthink.errors import InputError
from overthink.paths import path_kind
from overthink.plan.arms import refuse_protocols, refuse_reviews
from overthink.plan.study import Plan
from overthink.storage.json_documents import read_questions
from overthink.storage.oversight import oversight_journal, read_oversight_journal, write_oversight
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import refuse_if_held, study_lock
from overthink.workflows import arguments as arg
from overthink.workflows.analyse import report
from overthink.workflows.monitor import attacks_of, refuse_other_arms, refuse_torn
from overthink.workflows.own_thread import outside_loops
from overthink.workflows.sources import ReadOptions, read_source
from overthink.workflows.study import Study
from overthink.workflows.words import texts

if TYPE_CHECKING:
    from overthink.collect.perturbations.open import PerturbationSession


@dataclass(frozen=True, eq=False)
class PreparedPerturbation:
    """A perturbation that is ready to start.

    Attributes:
        folder: The study's folder.
        session: The study's model and tasks, with what is to be measured.
    """

    folder: StudyFolder
    session: "PerturbationSession"

    @property
    def n_done(self) -> int:
        """Number of answers that are there already."""
        return len(self.session.measures) - len(self.session.missing)


@arg.checked(path=arg.a_path, changes=arg.text_or_texts, arms=arg.texts_or_none)
def prepare_perturbation(
    path: str | Path, *, changes: str | Sequence[str], arms: Sequence[str] | None = None
) -> PreparedPerturbation:
    """Load and check the study and the perturbations, before anything is written or paid.

    Args:
        path: The study's folder.
        changes: Perturbations, each `NAME` or `NAME:key=value,key=value`, also several with commas between them.
        arms: Labels of the arms whose traces are changed; None for all.

    Raises:
        InputError: There is no such study, it was not collected on a ladder, its logs are gone, a perturbation is
            unknown, or a model cannot be opened.
    """
    from overthink.collect.monitors.texts import read_texts
    from overthink.collect.perturbations.open import PerturbationSession, open_perturbations
    from overthink.collect.perturbations.registry import read_perturbations
    from overthink.collect.rescore.open import open_tasks
    from overthink.collect.session.questions import select_task_questions

    refuse_torn(texts(changes, "changes"), "--with")
    folder = StudyFolder(Path(path))
    folder.require()
    source = read_source(folder.path, ReadOptions())
    folder.refuse_links()
    refuse_if_held(folder.path)
    plan = _ladder_plan(source.plan, folder)
    plans = read_perturbations(texts(changes, "changes"), model=plan.model)
    labels = [arm.label for arm in plan.arms]
    refuse_other_arms(arms or (), labels)
    refuse_protocols(plan.arms, labels if arms is None else arms, "perturb")
    refuse_reviews(labels if arms is None else arms, "perturb")
    pool = source.pool if arms is None else source.pool.filter(pl.col("arm").is_in(list(arms)))
    rungs = [rung for rung in overseen_rungs(pool) if rung.estimand is Estimand.FORCED and rung.requested_tokens]
    if not rungs:
        raise InputError(
            f"{folder.path} has no rung with thinking to change; needed: a budget above 0, as in --budgets 0,64"
        )
    stored = read_texts(folder.path, folder.logs, rungs)
    if not stored:
        raise InputError(f"{folder.path}: its logs hold no text of its traces, and a perturbation changes it")
    model, opened = open_perturbations(plans, plan)
    questions = read_questions(folder.questions)
    tasks = {
        name: (of_plan, select_task_questions(task, questions.get(name, ()), name=name, limit=plan.limit)[0])
        for name, (of_plan, task) in open_tasks(plan, {rung.task for rung in rungs}).items()
    }
    rows = read_oversight_journal(folder.oversight_journal)
    session = PerturbationSession(
        plan=plan,
        perturbations=opened,
        model=model,
        tasks=tasks,
        rungs=rungs,
        texts=stored,
        answers=rung_answers(pool),
        attacks=attacks_of(plan.arms),
        rows={row.key: row for row in rows if row.error is None},
        errors={row.key: row for row in rows if row.error is not None},
    )
    return PreparedPerturbation(folder, session)


def _ladder_plan(plan: Plan | None, folder: StudyFolder) -> Plan:
    if plan is None or plan.budgets is None or path_kind(folder.logs, follow=False) != "a folder":
        raise InputError(
            f"{folder.path} was not collected on a ladder, or its logs are gone: a perturbation changes the texts of a "
            "study made by `overthink run --budgets`, and continues them as its model does"
        )
    return plan


@outside_loops
def perturb(
    path: str | Path,
    *,
    changes: str | Sequence[str],
    arms: Sequence[str] | None = None,
    on_row: Callable[[OversightRow], None] = lambda _: None,
    command: str | None = None,
) -> Study:
    """Change the thinking of a study's traces, and return the study with the answers behind it, per thinking budget.

    Nothing but these answers, and what writes the changes, is paid. A stopped command keeps every answer; repeat it
    for the missing ones.

    Args:
        path: The study's folder.
        changes: Perturbations, each `NAME` or `NAME:key=value,key=value`, also several with commas between them:
            ``"early,filler,none,sham"``.
        arms: Labels of the arms whose traces are changed; None for all.
        on_row: Called with every new row of the table.
        command: The command line, for the report.

    Raises:
        InputError: The study or a perturbation cannot be loaded.
        StoppedError: A server is unreachable; repeat the command.
        KeyboardInterrupt: The user stopped it; repeat the command.
    """
    return decode_answers(prepare_perturbation(path, changes=changes, arms=arms), on_row=on_row, command=command)


def decode_answers(
    prepared: PreparedPerturbation,
    *,
    on_row: Callable[[OversightRow], None] = lambda _: None,
    command: str | None = None,
) -> Study:
    """Measure what has no row, and update table, findings and report; see :func:`perturb`.

    Args:
        prepared: What is to be measured, from :func:`prepare_perturbation`.
        on_row: Called with every new row of the table.
        command: The command line, for the report.
    """
    from overthink.collect.perturbations.score import collect_answers

    folder = prepared.folder
    with study_lock(folder.path):
        with oversight_journal(folder.oversight_journal) as journal:

            def keep(row: OversightRow) -> None:
                journal.append(row)
                on_row(row)

            collect_answers(prepared.session, log_dir=folder.oversight_logs, on_row=keep)
        write_oversight(folder.oversight, read_oversight_journal(folder.oversight_journal))
    return report(folder.path, command=command)
