"""Add a verifier's scores to the answers of a finished study. The model under test generates nothing.

logs ──texts──▶ verifier ──scores──▶ verified.jsonl ──▶ pool ──▶ findings, report
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from overthink.components.registry import referenced_files
from overthink.data.pool import words_of
from overthink.data.pool_scores import answers_of, is_forced, with_scores
from overthink.data.verifier_scores import AnswerScore, VerifierRun
from overthink.errors import InputError
from overthink.paths import is_text, name_text, open_file, path_kind
from overthink.plan.arms import refuse_protocols
from overthink.plan.study import Plan
from overthink.storage.files import scratch_path, storage_errors
from overthink.storage.json_documents import read_questions
from overthink.storage.models import StudyModels, write_models
from overthink.storage.pool import write_pool
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import refuse_if_held, study_lock
from overthink.storage.verifier_scores import ScoreFile, read_scores, scores_by, write_verified
from overthink.workflows import arguments as arg
from overthink.workflows.analyse import report
from overthink.workflows.models import with_verifier
from overthink.workflows.own_thread import outside_loops
from overthink.workflows.sources import ReadOptions, read_source
from overthink.workflows.study import Study

if TYPE_CHECKING:
    from overthink.collect.rescore.open import VerificationSession

By = Literal["steps", "answer"]


@dataclass(frozen=True, eq=False)
class Verification:
    """A verification that is ready to start.

    Attributes:
        source: The study's folder.
        folder: Folder for the scores: the same, or a copy to create.
        pool: The pool.
        models: Models of the arms before the verification.
        verifier: The verifier and its settings.
        session: The verifier with the answers that have no score yet.
        answers: Total number of answers to score.
        n_scored: Number of answers with a score already.
    """

    source: StudyFolder
    folder: StudyFolder
    pool: pl.LazyFrame
    models: StudyModels
    verifier: VerifierRun
    session: "VerificationSession"
    answers: int
    n_scored: int


@arg.checked(path=arg.a_path, verifier=arg.a(str), by=arg.a(str), arms=arg.texts_or_none, out=arg.a_path_or_none)
def prepare_verification(
    path: str | Path,
    *,
    verifier: str,
    by: By,
    arms: Sequence[str] | None = None,
    out: str | Path | None = None,
) -> Verification:
    """Load and check the study and the verifier, before anything is written or paid.

    Args:
        path: The study's folder.
        verifier: `NAME:key=value,key=value`.
        by: Score every step and the answer after them, or the answer alone.
        arms: Labels of the arms; None for all arms whose answers have no scores from a search.
        out: Folder for a copy of the study with these scores; None scores the study itself.

    Raises:
        InputError: There is no such study, it was not collected on a ladder, it has scores of another verifier, or the
            verifier cannot be loaded.
    """
    from overthink.collect.arms.verifiers.registry import read_verifier
    from overthink.collect.rescore.open import open_verification, read_answer_texts
    from overthink.collect.session.questions import select_task_questions

    if not is_text(verifier):
        raise InputError(f"--verifier {name_text(verifier)} is not in UTF-8; needed: a text that a study can store")
    folder = StudyFolder(Path(path))
    folder.require()
    source = read_source(folder.path, ReadOptions())
    plan = _ladder_plan(source.plan, folder)
    verifier_spec = read_verifier(verifier, model=plan.model)
    target = folder if out is None else StudyFolder(Path(out))
    verification = VerifierRun(
        verifier=verifier_spec.label,
        by=by,
        aggregate=verifier_spec.aggregate,
        oracle=verifier_spec.verifier.is_oracle,
        models=verifier_spec.verifier.models,
        arms=_arms(source.pool, plan, arms, earlier=scores_by(folder.scores)),
        file_sha256=next(iter(referenced_files([verifier_spec.name]).values()), None),
    )
    refuse_protocols(plan.arms, verification.arms, "verify")
    _check_target(folder, target, verification, source.pool)
    own = answers_of(source.pool, verification.arms)
    scores = read_scores(target.scores)
    session = open_verification(plan, verifier_spec, by=by, texts=read_answer_texts(folder.logs, own - scores.keys()))
    questions = read_questions(folder.questions)
    tasks = {
        name: (of_plan, select_task_questions(task, questions.get(name, ()), name=name, limit=plan.limit)[0])
        for name, (of_plan, task) in session.tasks.items()
    }
    session = replace(session, tasks=tasks)
    n_scored = len(own & scores.keys())
    return Verification(folder, target, source.pool, source.models, verification, session, len(own), n_scored)


@outside_loops
def verify(
    path: str | Path,
    *,
    verifier: str,
    by: By,
    arms: Sequence[str] | None = None,
    out: str | Path | None = None,
    on_score: Callable[[AnswerScore], None] = lambda _: None,
    command: str | None = None,
) -> Study:
    """Score a study's answers by a verifier, and return the study with these scores.

    Best-of-k and weighted votes then need no new answer. A stopped verification keeps every score; repeat it to score
    the missing answers.

    Args:
        path: The study's folder.
        verifier: `NAME:key=value,key=value`.
        by: Score every step and the answer after them, or the answer alone.
        arms: Labels of the arms; None for all arms whose answers have no scores from a search.
        out: Folder for a copy of the study with these scores; None scores the study itself.
        on_score: Called with every new score.
        command: The command line, for the report.

    Raises:
        InputError: The study or the verifier cannot be loaded, the study has scores of another verifier, or replies of
            the verifier cannot be used.
        StoppedError: A server is unreachable; repeat the command.
        KeyboardInterrupt: The user stopped it; repeat the command.
    """
    verification = prepare_verification(path, verifier=verifier, by=by, arms=arms, out=out)
    return score_answers(verification, on_score=on_score, command=command)


def score_answers(
    verification: Verification, *, on_score: Callable[[AnswerScore], None] = lambda _: None, command: str | None = None
) -> Study:
    """Score answers without a score, and update pool, findings and report.

    A stopped verification keeps every score; repeat it to score the missing answers.

    Args:
        verification: The verification, from :func:`prepare_verification`.
        on_score: Called with every new score.
        command: The command line, for the report.

    Raises:
        InputError: The verifier's replies cannot be used.
        StoppedError: A server is unreachable; repeat the command.
        KeyboardInterrupt: The user stopped it; repeat the command.
    """
    from overthink.collect.rescore.score import LOST, collect_scores

    folder, verifier = verification.folder, verification.verifier
    if folder.path != verification.source.path and not folder.is_study():
        _copy(verification.source, folder, verifier)
    with study_lock(folder.path):
        with ScoreFile(folder.scores, verifier) as file:

            def keep(score: AnswerScore) -> None:
                file.append(score)
                on_score(score)

            collect_scores(verification.session, log_dir=folder.verifier_logs, on_score=keep)
        scores = read_scores(folder.scores)
        own = answers_of(verification.pool, verifier.arms)
        gaps = Counter(
            LOST if position not in verification.session.texts else "the verifier failed"
            for position in own - scores.keys()
        )
        gaps.update(
            score.reason or "unknown" for position, score in scores.items() if score.score is None and position in own
        )
        write_pool(folder.pool, with_scores(verification.pool, scores, verifier.arms))
        write_verified(folder.verified, replace(verifier, gaps=dict(sorted(gaps.items()))))
        write_models(folder.models, with_verifier(verification.models, verifier))
    return report(folder.path, command=command)


def _ladder_plan(plan: Plan | None, folder: StudyFolder) -> Plan:
    if plan is None or plan.budgets is None or path_kind(folder.logs, follow=False) != "a folder":
        raise InputError(
            f"{folder.path} was not collected on a ladder, or its logs are gone: a verifier reads the texts of a study "
            "made by `overthink run --budgets`"
        )
    return plan


def _arms(
    pool: pl.LazyFrame, plan: Plan, names: Sequence[str] | None, *, earlier: VerifierRun | None
) -> tuple[str, ...]:
    """Return the arms to score: those named, else all without scores from a search."""
    labels = [arm.label for arm in plan.arms]
    unknown = [label for label in names or () if label not in labels]
    if unknown:
        raise InputError(f"the study has no arm {unknown[0]!r}; it has: {', '.join(labels)}")
    if names is not None:
        return tuple(label for label in labels if label in names)
    later = set() if earlier is None else set(earlier.arms)
    on_the_way = _scored_arms(pool) - later
    arms = tuple(label for label in labels if label not in on_the_way)
    if not arms:
        raise InputError(
            "every arm's answers were scored on the way; name one with --arm, and a copy's folder with --out"
        )
    return arms


def _scored_arms(pool: pl.LazyFrame) -> set[str]:
    """Return the arms with a score of an answer."""
    (arms,) = words_of(pool.filter(is_forced() & pl.col("verifier_score").is_not_null()), "arm")
    return set(arms.to_list())


def _check_target(source: StudyFolder, target: StudyFolder, verification: VerifierRun, pool: pl.LazyFrame) -> None:
    """Refuse a folder with scores of another verifier, or with other files."""
    target.refuse_links()
    refuse_if_held(target.path)
    earlier = scores_by(target.scores)
    if earlier is not None and not earlier.is_same(verification):
        raise InputError(
            f"{target.path} holds answers {earlier.text} (arms {', '.join(earlier.arms)}), and these would be "
            f"{verification.text} (arms {', '.join(verification.arms)}); give --out for a copy of the study with the "
            "new scores"
        )
    if os.path.realpath(target.path) == os.path.realpath(source.path):
        scored_arms = _scored_arms(pool)
        if earlier is None and scored_arms & set(verification.arms):
            raise InputError(
                f"the answers of {', '.join(sorted(scored_arms & set(verification.arms)))} have scores from their "
                "search; give --out for a copy of the study with the new ones"
            )
    elif earlier is None and not target.is_free():
        raise InputError(f"{target.path} is not an empty folder; give another --out for the copy")


def _copy(source: StudyFolder, target: StudyFolder, verification: VerifierRun) -> None:
    """Copy the study without its verifier scores, atomically.

    Logs are immutable, so they are hard-linked if the file system allows.
    """
    left_out = {source.scores, source.verified, source.verifier_logs, source.figures}
    place = target.path.resolve()  # the folder itself where its path is a link
    scratch = scratch_path(place)
    with storage_errors(target.path):
        try:
            _copy_folder(source.path, scratch, left_out)
            with ScoreFile(StudyFolder(scratch).scores, verification):
                pass  # the verifier is in it
            if place.exists():  # an empty folder, perhaps with the lock of a failed start
                shutil.rmtree(place)
            scratch.replace(place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _copy_folder(source: Path, target: Path, left_out: Collection[Path]) -> None:
    """Copy the files of a folder and of those inside it, without hidden ones; a link is refused, not followed."""
    target.mkdir(parents=True)
    for entry in source.iterdir():
        if entry.name.startswith(".") or entry in left_out:
            continue
        if path_kind(entry, follow=False) == "a folder":
            _copy_folder(entry, target / entry.name, left_out)
        else:
            _link_or_copy(entry, target / entry.name)


def _link_or_copy(source: Path, target: Path) -> None:
    with open_file(source) as file:
        if source.suffix == ".eval":
            with suppress(OSError):
                os.link(source, target, follow_symlinks=False)
                return
        with target.open("xb") as copy:
            shutil.copyfileobj(file, copy)
    shutil.copystat(source, target, follow_symlinks=False)
