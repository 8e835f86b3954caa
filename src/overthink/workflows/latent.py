"""Ask a model of latent steps at every budget, and behind a change of each step. No text is thought.

model ──states, answers──▶ latent.jsonl ──▶ pool.parquet, oversight.parquet ──analysis──▶ findings, report
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overthink.data.oversight import oversight_frame
from overthink.data.pool import pool_of
from overthink.data.traces import with_traces
from overthink.errors import InputError, StoppedError
from overthink.paths import is_text, is_there, name_text
from overthink.storage.journal import LatentTrace, latent_file, latent_setting, read_latent
from overthink.storage.study_folder import StudyFolder
from overthink.storage.study_lock import refuse_if_held, study_lock
from overthink.workflows import arguments as arg
from overthink.workflows.analyse import stored_study, study_of
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.sources import Source
from overthink.workflows.study import Study

if TYPE_CHECKING:
    from overthink.collect.latent.changes import LatentPlan, TraceName


@dataclass(frozen=True, eq=False)
class LatentSession:
    """A latent model that is ready to be asked.

    Attributes:
        plan: What it is asked.
        folder: Folder of the study; None writes nothing.
        resume: Whether the folder holds traces of it already.
        n_done: Number of answers that are there already.
    """

    plan: "LatentPlan"
    folder: StudyFolder | None
    resume: bool
    n_done: int


@arg.checked(
    model=arg.a(str),
    out=arg.a_path_or_none,
    draws=arg.whole(1),
    limit=arg.whole_or_none(1),
    noise=arg.a(int | float),
    seed=arg.whole(0),
    resume=arg.a(bool),
)
def prepare_latent(
    model: str,
    *,
    out: str | Path | None = None,
    draws: int = 1,
    limit: int | None = None,
    noise: float = 1.0,
    seed: int = 1,
    resume: bool = False,
) -> LatentSession:
    """Load and check a latent model and its questions, before anything is written.

    Args:
        model: `NAME:key=value,key=value`, or `FILE.py@NAME:key=value`.
        out: Folder of the study; None writes nothing.
        draws: Draws of each question.
        limit: Most questions; None for all.
        noise: Scale of the noise, in norms of the state that it replaces.
        seed: Seed of the study.
        resume: Go on with a stopped study.

    Raises:
        InputError: The model or its questions cannot be used, the noise is not above 0, the folder is in use, or what
            is to be resumed is not there, or was begun with another model or setting.
    """
    from overthink.collect.latent.changes import latent_plan

    if not 0 < noise <= _MOST_NOISE:
        raise InputError(f"noise is {noise:g}; needed: a scale above 0 and at most {_MOST_NOISE:g}, as 1 for the norm")
    if not is_text(model):
        raise InputError(f"{name_text(model)} is not in UTF-8; needed: a text that a study can store")
    folder = None if out is None else StudyFolder(Path(out))
    if folder is None and resume:
        raise InputError("--resume goes on with a study in a folder; needed: --out with its folder")
    if folder is not None:
        _check_folder(folder, resume=resume)
        refuse_if_held(folder.path)
    plan = latent_plan(model, draws=draws, limit=limit, noise=float(noise), seed=seed)
    traces = {} if folder is None else _stored_traces(folder, plan)
    return LatentSession(plan, folder, resume, len(traces) * plan.n_trace_answers)


def _check_folder(folder: StudyFolder, *, resume: bool) -> None:
    if resume and not is_there(folder.latent):
        raise InputError(
            f"{folder.path} holds no study of `overthink latent` to resume; leave --resume out to start one"
        )
    if not resume and is_there(folder.latent):
        raise InputError(
            f"{folder.path} holds a study of latent steps already; go on with --resume, or give another --out"
        )
    if not resume and not folder.is_free():
        raise InputError(f"{folder.path} is there already; needed: a new folder for the study")


def _stored_traces(folder: StudyFolder, plan: "LatentPlan") -> "dict[TraceName, LatentTrace]":
    """Return the traces that are there; none in a new folder.

    Raises:
        InputError: They are of another model, of other questions, or of other settings, or the file is damaged.
    """
    stored = latent_setting(folder.latent) or plan.setting  # a kill may come before they are stored
    changes = [
        f"{name}: {stored.get(name)} there, {now} now" for name, now in plan.setting.items() if stored.get(name) != now
    ]
    if changes:
        raise InputError(
            f"{folder.path} holds answers of another model or setting ({'; '.join(changes)}). Give what they were "
            "begun with to go on, or another --out."
        )
    return {_name(trace): trace for trace in read_latent(folder.latent)}


_MOST_NOISE = 1e6


def latent(
    model: str,
    *,
    out: str | Path | None = None,
    draws: int = 1,
    limit: int | None = None,
    noise: float = 1.0,
    seed: int = 1,
    resume: bool = False,
) -> Study:
    """Ask a model of latent steps (Coconut, CODI) at every budget, and behind a change of each of its steps.

    The state of one step, or of every step at once, is set to zero, to noise, to that of another question, or handed
    back as it is, and the model goes on from there. The findings say which steps the answers depend on. With `out`, a
    stopped study keeps every finished trace, one draw of one question; `resume` asks for the missing ones.

    Args:
        model: `NAME:key=value,key=value`, or `FILE.py@NAME:key=value`, a
            :class:`~overthink.extend.LatentModel`; ``"simulated"`` has a planted truth.
        out: Folder for traces, pool, findings and report; None writes nothing.
        draws: Draws of each question.
        limit: Most questions; None for all.
        noise: Scale of the noise, in norms of the state that it replaces.
        seed: Seed of the study.
        resume: Go on with a stopped study, whose model and settings are the same.

    Raises:
        InputError: The model or its questions cannot be used, it gave what is no state or answer, the folder is in use,
            or what is to be resumed is of another model or setting.
        StoppedError: The model failed behind finished traces, or the disk is full; repeat it with `resume`.
        KeyboardInterrupt: The user stopped it; repeat it with `resume`.

    Example:
        >>> study = latent("simulated:steps=2,holds=2:0.6,redundant=0,n=40")
        >>> swaps = [each.label for each in study.find(kind="latent", metric="step_change") if "swap" in each.label]
        >>> swaps[0], swaps[1]
        ('latent_swap of step 1: undetermined', 'latent_swap of step 2: the answer depends on it')
    """
    return ask_latent(prepare_latent(model, out=out, draws=draws, limit=limit, noise=noise, seed=seed, resume=resume))


def ask_latent(
    session: LatentSession, *, on_answer: Callable[[], None] = lambda: None, command: str | None = None
) -> Study:
    """Ask a latent model for what is not there, and analyse its answers; see :func:`latent`.

    Args:
        session: What it is asked, from :func:`prepare_latent`.
        on_answer: Called behind every new answer.
        command: The command line, for the report.
    """
    from overthink.collect.latent.changes import latent_rows

    plan, folder = session.plan, session.folder
    if folder is None:
        return study_of(_source(plan, list(latent_rows(plan, on_answer=on_answer))), AnalysisOptions(), command=command)
    folder.create()
    with study_lock(folder.path):
        _check_folder(folder, resume=session.resume)  # again under the lock
        traces = _stored_traces(folder, plan)
        try:
            with latent_file(folder.latent, plan.setting) as file:
                for trace in latent_rows(plan, skip=set(traces), on_answer=on_answer):
                    file.append(trace)
                    traces[_name(trace)] = trace
        except InputError as failure:
            if not traces:
                folder.latent.unlink()
                raise
            rest = f"{len(traces):,} of {plan.n_traces:,} traces are finished and kept."
            raise StoppedError(*failure.lines, f"{rest} Repeat the command with --resume to go on.") from failure
        in_order = [traces[question.id, draw] for draw in range(plan.draws) for question in plan.questions]
        return stored_study(study_of(_source(plan, in_order), AnalysisOptions(), command=command), folder.path)


def _name(trace: LatentTrace) -> "TraceName":
    return trace[0][0].question, trace[0][0].draw


def _source(plan: "LatentPlan", traces: "Sequence[LatentTrace]") -> Source:
    note = (
        f"A model of latent steps, {plan.label}. Its steps have no text; columns of tokens, and K (thinking), count a "
        f"step as one thinking token. It was asked by `overthink latent` with seed {plan.seed} and noise of "
        f"{plan.noise:g} times the norm of a state."
    )
    pool = pool_of(record for records, _ in traces for record in records)
    oversight = oversight_frame(row for _, rows in traces for row in rows)
    return Source(plan.task, with_traces(pool, f"{plan.label} {plan.seed}"), notes=(note,), oversight=oversight)
