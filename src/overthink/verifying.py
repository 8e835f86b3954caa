"""Give the answers of a finished study a verifier's scores. The model under test answers nothing anew.

logs ──texts──▶ verifier ──scores──▶ verified.jsonl ──▶ pool ──▶ findings, report
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from overthink.core.record import RungRecord
from overthink.core.verified import AnswerScore, Verified, answers_of, is_forced, with_scores
from overthink.errors import InputError
from overthink.parties import with_verifier
from overthink.plan import Plan
from overthink.sources import HowToRead, read_source
from overthink.store.atomic import storage_errors
from overthink.store.folder import StudyFolder
from overthink.store.lock import locked, refuse_if_held
from overthink.store.models import Known, write_models
from overthink.store.pool import write_pool
from overthink.store.questions import read_questions
from overthink.store.verified import ScoreFile, read_scores, scores_by, write_verified
from overthink.study import Study, report

if TYPE_CHECKING:
    from overthink.collect.verify.opened import OpenedVerification

By = Literal["steps", "answer"]


@dataclass(frozen=True, eq=False)
class Verification:
    """A verification that may begin.

    Attributes:
        source: The study's folder.
        folder: Where the scores go: the same, or a copy to be made.
        records: The pool.
        known: Who works for the arms so far.
        verified: Who scores, and how.
        opened: The verifier, with the answers that have no score yet.
        answers: How many answers get a score in all.
        there: How many of them have one already.
    """

    source: StudyFolder
    folder: StudyFolder
    records: Sequence[RungRecord]
    known: Known
    verified: Verified
    opened: "OpenedVerification"
    answers: int
    there: int


def prepare_verification(
    path: str | Path,
    *,
    verifier: str,
    by: By,
    arms: Sequence[str] | None = None,
    out: str | Path | None = None,
) -> Verification:
    """Open the study and the verifier, and refuse what cannot be done, before anything is written or paid.

    Args:
        path: The study's folder.
        verifier: `NAME:key=value,key=value`.
        by: Score every step and the answer behind them, or the answer alone.
        arms: Labels of the arms; None for all whose answers nobody has scored on the way.
        out: Folder for a copy of the study with these scores; None scores the study itself.

    Raises:
        InputError: There is no such study, it was not collected on a ladder, another verifier has scored it, or the
            verifier cannot be opened.
    """
    from overthink.collect.questions import asked_of
    from overthink.collect.verify.opened import open_verification
    from overthink.collect.verify.solved import solved
    from overthink.collect.verify.verifiers import read_verifier

    folder = StudyFolder(Path(path))
    folder.require()
    source = read_source(folder.path, HowToRead())
    plan = _laddered(source.plan, folder)
    named = read_verifier(verifier, model=plan.model)
    target = folder if out is None else StudyFolder(Path(out))
    verified = Verified(
        verifier=named.label,
        by=by,
        aggregate=named.aggregate,
        oracle=named.is_oracle,
        models=named.part.models(named.settings),
        arms=_arms(source.records, plan, arms, there=scores_by(folder.scores)),
    )
    _check_target(folder, target, verified, source.records)
    _, own = answers_of(source.records, verified.arms)
    scores = read_scores(target.scores)
    opened = open_verification(plan, named, by=by, texts=solved(folder.logs, own - scores.keys()))
    asked = read_questions(folder.questions)
    tasks = {
        name: (of_plan, asked_of(task, asked.get(name, ()), name=name, limit=plan.limit)[0])
        for name, (of_plan, task) in opened.tasks.items()
    }
    opened = replace(opened, tasks=tasks)
    there = len(own & scores.keys())
    return Verification(folder, target, source.records, source.known, verified, opened, len(own), there)


def verify(
    wanted: Verification, *, told: Callable[[AnswerScore], None] = lambda _: None, command: str | None = None
) -> Study:
    """Score what has no score yet, and make pool, findings and report with the scores.

    A stopped verification keeps every score; repeated, it goes on with those that are missing.

    Args:
        wanted: The verification, from :func:`prepare_verification`.
        told: Called with every new score.
        command: The command line, for the report.

    Raises:
        InputError: The verifier's replies cannot be used.
        StoppedError: A server is gone; repeat the command.
        KeyboardInterrupt: The user stopped it; repeat the command.
    """
    from overthink.collect.verify.scoring import LOST, collect_scores

    folder, verified = wanted.folder, wanted.verified
    if folder.path != wanted.source.path and not folder.is_study():
        _copy(wanted.source, folder, verified)
    with locked(folder.path):
        with ScoreFile(folder.scores, verified) as file:

            def keep(score: AnswerScore) -> None:
                file.append(score)
                told(score)

            collect_scores(wanted.opened, log_dir=folder.verifier_logs, on_score=keep)
        scores = read_scores(folder.scores)
        _, own = answers_of(wanted.records, verified.arms)
        gaps = Counter(
            LOST if place not in wanted.opened.texts else "the verifier failed" for place in own - scores.keys()
        )
        gaps.update(
            score.reason or "unknown" for place, score in scores.items() if score.score is None and place in own
        )
        write_pool(folder.pool, with_scores(wanted.records, scores, verified.arms))
        write_verified(folder.verified, replace(verified, gaps=dict(sorted(gaps.items()))))
        write_models(folder.models, with_verifier(wanted.known, verified))
    return report(folder.path, command=command)


def _laddered(plan: Plan | None, folder: StudyFolder) -> Plan:
    if plan is None or plan.budgets is None or not folder.logs.is_dir():
        raise InputError(
            f"{folder.path} was not collected on a ladder, or its logs are gone: a verifier reads the texts of a study "
            "made by `overthink run --budgets`"
        )
    return plan


def _arms(
    records: Sequence[RungRecord], plan: Plan, wanted: Sequence[str] | None, *, there: Verified | None
) -> tuple[str, ...]:
    """The arms to score: as named, else all but those whose search has scored its answers on the way."""
    labels = [arm.label for arm in plan.arms]
    unknown = [label for label in wanted or () if label not in labels]
    if unknown:
        raise InputError(f"the study has no arm {unknown[0]!r}; it has: {', '.join(labels)}")
    if wanted is not None:
        return tuple(label for label in labels if label in wanted)
    later = set() if there is None else set(there.arms)
    on_the_way = {row.arm for row in records if row.verifier_score is not None and is_forced(row)} - later
    found = tuple(label for label in labels if label not in on_the_way)
    if not found:
        raise InputError(
            "every arm's answers were scored on the way; name one with --arm, and a copy's folder with --out"
        )
    return found


def _check_target(source: StudyFolder, target: StudyFolder, verified: Verified, records: Sequence[RungRecord]) -> None:
    """Refuse a folder with scores of somebody else, or with something else."""
    refuse_if_held(target.path)
    there = scores_by(target.scores)
    if there is not None and not there.is_same(verified):
        raise InputError(
            f"{target.path} holds answers {there.text} (arms {', '.join(there.arms)}), and these would be "
            f"{verified.text} (arms {', '.join(verified.arms)}); give --out for a copy of the study with the new scores"
        )
    if target.path.resolve() == source.path.resolve():
        scored = {row.arm for row in records if is_forced(row) and row.verifier_score is not None}
        if there is None and scored & set(verified.arms):
            raise InputError(
                f"the answers of {', '.join(sorted(scored & set(verified.arms)))} have scores from their search; give "
                "--out for a copy of the study with the new ones"
            )
    elif there is None and not target.is_free():
        raise InputError(f"{target.path} is not an empty folder; give another --out for the copy")


def _copy(source: StudyFolder, target: StudyFolder, verified: Verified) -> None:
    """A copy of the study without the scores of its verifier, there whole or not at all.

    Logs never change, so they are linked where the file system can.
    """
    left = {file.name for file in (source.scores, source.verified, source.verifier_logs, source.figures)}
    scratch = target.path.with_name(f".{target.path.name}.{os.getpid()}.part")
    with storage_errors(target.path):
        try:
            shutil.copytree(
                source.path,
                scratch,
                copy_function=_linked,
                ignore=lambda folder, names: [
                    name for name in names if name.startswith(".") or (name in left and Path(folder) == source.path)
                ],
            )
            ScoreFile(StudyFolder(scratch).scores, verified).close()
            if target.path.exists():  # an empty folder, perhaps with the lock of a start that failed
                shutil.rmtree(target.path)
            scratch.replace(target.path)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _linked(source: str, target: str) -> None:
    if source.endswith(".eval"):
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copy2(source, target)
