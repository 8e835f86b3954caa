"""Ask a model of latent steps at every budget, and behind a change of each step. No text is thought.

model ──states, answers──▶ pool.parquet, oversight.parquet ──analysis──▶ findings, report
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overthink.data.oversight import oversight_frame
from overthink.data.pool import pool_of
from overthink.data.traces import with_traces
from overthink.errors import InputError
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import arguments as arg
from overthink.workflows.analyse import analyse_source
from overthink.workflows.request import AnalysisOptions
from overthink.workflows.sources import Source
from overthink.workflows.study import Study

if TYPE_CHECKING:
    from overthink.collect.latent.changes import LatentPlan


@dataclass(frozen=True, eq=False)
class LatentSession:
    """A latent model that is ready to be asked.

    Attributes:
        plan: What it is asked.
        out: Folder of the study; None writes nothing.
    """

    plan: "LatentPlan"
    out: Path | None


@arg.checked(
    model=arg.a(str),
    out=arg.a_path_or_none,
    draws=arg.whole(1),
    limit=arg.whole_or_none(1),
    noise=arg.a(int | float),
    seed=arg.whole(0),
)
def prepare_latent(
    model: str,
    *,
    out: str | Path | None = None,
    draws: int = 1,
    limit: int | None = None,
    noise: float = 1.0,
    seed: int = 1,
) -> LatentSession:
    """Load and check a latent model and its questions, before anything is written.

    Args:
        model: `NAME:key=value,key=value`, or `FILE.py@NAME:key=value`.
        out: Folder of the study; None writes nothing.
        draws: Draws of each question.
        limit: Most questions; None for all.
        noise: Scale of the noise, in norms of the state that it replaces.
        seed: Seed of the study.

    Raises:
        InputError: The model or its questions cannot be used, the noise is not above 0, or the folder is in use.
    """
    from overthink.collect.latent.changes import latent_plan

    if not 0 < noise <= _MOST_NOISE:
        raise InputError(f"noise is {noise:g}; needed: a scale above 0 and at most {_MOST_NOISE:g}, as 1 for the norm")
    if out is not None and not StudyFolder(Path(out)).is_free():
        raise InputError(f"{out} is there already; needed: a new folder for the study")
    plan = latent_plan(model, draws=draws, limit=limit, noise=float(noise), seed=seed)
    return LatentSession(plan, None if out is None else Path(out))


_MOST_NOISE = 1e6


def latent(
    model: str,
    *,
    out: str | Path | None = None,
    draws: int = 1,
    limit: int | None = None,
    noise: float = 1.0,
    seed: int = 1,
    command: str | None = None,
) -> Study:
    """Ask a model of latent steps (Coconut, CODI) at every budget, and behind a change of each of its steps.

    The state of one step, or of every step at once, is set to zero, to noise, to that of another question, or handed
    back as it is, and the model goes on from there. The findings say which steps the answers depend on.

    Args:
        model: `NAME:key=value,key=value`, or `FILE.py@NAME:key=value`, a
            :class:`~overthink.extend.LatentModel`; ``"simulated"`` has a planted truth.
        out: Folder for pool, findings and report; None writes nothing.
        draws: Draws of each question.
        limit: Most questions; None for all.
        noise: Scale of the noise, in norms of the state that it replaces.
        seed: Seed of the study.
        command: The command line, for the report.

    Raises:
        InputError: The model or its questions cannot be used, it gave what is no state or answer, or the folder is in
            use.

    Example:
        >>> study = latent("simulated:steps=2,holds=2:0.6,redundant=0,n=40")
        >>> swaps = [each.label for each in study.find(kind="latent", metric="step_change") if "swap" in each.label]
        >>> swaps[0], swaps[1]
        ('latent_swap of step 1: undetermined', 'latent_swap of step 2: the answer depends on it')
    """
    return ask_latent(prepare_latent(model, out=out, draws=draws, limit=limit, noise=noise, seed=seed), command=command)


def ask_latent(
    session: LatentSession, *, on_answer: Callable[[], None] = lambda: None, command: str | None = None
) -> Study:
    """Ask a latent model, and analyse its answers; see :func:`latent`.

    Args:
        session: What it is asked, from :func:`prepare_latent`.
        on_answer: Called behind every answer.
        command: The command line, for the report.
    """
    from overthink.collect.latent.changes import latent_rows

    plan = session.plan
    records, rows = latent_rows(plan, on_answer=on_answer)
    note = (
        f"A model of latent steps, {plan.label}: what stands as thinking tokens here are steps, which have no text. It "
        f"was asked by `overthink latent` with seed {plan.seed} and noise of {plan.noise:g} times the norm of a state."
    )
    pool = with_traces(pool_of(records), f"{plan.label} {plan.seed}")
    source = Source(plan.task, pool, notes=(note,), oversight=oversight_frame(rows))
    return analyse_source(source, AnalysisOptions(), out=session.out, command=command)
