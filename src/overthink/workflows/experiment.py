"""The whole of a study in one call: options, run, findings; of several models one study each, and their comparison."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from overthink.cost.model_shape import SourcedShape
from overthink.data.visible import visible
from overthink.errors import InputError, StoppedError
from overthink.paths import name_text
from overthink.storage.run_config import read_config
from overthink.storage.shards import shard_for
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import arguments as arg
from overthink.workflows.analyse import prepare, run
from overthink.workflows.collect import OnTrace
from overthink.workflows.compare import compare
from overthink.workflows.driver import check_shards, run_in_workers
from overthink.workflows.option_words import RunWords
from overthink.workflows.own_thread import outside_loops
from overthink.workflows.progress import Progress, shown_line, write_lines
from overthink.workflows.resume import check_folder
from overthink.workflows.run_options import RunOptions, read_options
from overthink.workflows.study import Study
from overthink.workflows.waves import OnWave

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session


@arg.checked(config=arg.a_path_or_none, resume=arg.a(bool), progress=arg.a(bool))
@outside_loops
def experiment(
    config: str | Path | None = None, *, resume: bool = False, progress: bool = True, **options: Unpack[RunWords]
) -> Study:
    """Measure models on tasks, each at every budget, and return the study: the command `run` in one call.

    Works in a cell of Jupyter, too, and shows its progress there. Without `out` nothing is left on disk, transcripts
    included; the study holds its rows in memory.

    Args:
        config: TOML file with options, as `overthink run --save-config` writes it; keywords override its keys.
        resume: Go on with a stopped study in `out`, or extend one.
        progress: Show the estimate, then what is done.
        **options: The options of the command `run` under their names there, with underscores; lists or texts with
            commas. ``model``: one name, or several that are compared. ``capability``, ``safety``, ``benign``: tasks.
            ``budgets``, ``efforts``, ``turns`` or ``loop_tokens``: the ladder. ``arms``, ``draws``, ``limit``,
            ``hypothesis``, ``seed``, ``out`` and all others: ``overthink run --help``.

    Returns:
        The study. Of several models, their comparison; the study of each is in its `parts`.

    Raises:
        InputError: An option cannot be used; the message names it, and what is needed.
        TypeError: There is no such option; the nearest are named.
        StoppedError: The run stopped; what is finished is stored, and the message says where.
        KeyboardInterrupt: The user stopped it; what is finished is stored.

    Example:
        >>> import overthink
        >>> study = overthink.experiment(
        ...     model="overthink/simulated", safety="overthink/secret", budgets=[0, 64], limit=4, progress=False
        ... )
        >>> len(study.find(metric="mean"))
        2
    """
    checked = experiment_options(config, options)
    if resume and checked.out is None:
        raise InputError("resume needs the folder of the stopped study; give it as out")
    with _folder(checked.out) as out:
        runs = open_runs(checked, out, resume=resume)
        for each in runs if progress else ():
            write_lines(each.session.estimate())
        study = run_models(runs, checked, out, watch=_shown if progress else _silent)
        return study if checked.out is not None else _in_memory(study)


def experiment_options(config: str | Path | None, words: Mapping[str, object]) -> RunOptions:
    """Return the options of a file and of keywords, which override it.

    Raises:
        InputError: The file cannot be read, or a value cannot be used.
    """
    return overridden_options(config, {name: value for name, value in words.items() if value is not None}, str)


def overridden_options(
    config: str | Path | None, options: Mapping[str, object], place: Callable[[str], str]
) -> RunOptions:
    """Return the options of a file, overridden.

    Args:
        config: The TOML file; None for none.
        options: Options that override it; arguments of model and tasks one by one, any other option as a whole.
        place: Name of an overriding option in messages.

    Raises:
        InputError: The file cannot be read, or a value cannot be used.
    """
    if config is None:
        return read_options(options, place)
    file = read_config(Path(config))
    read_options(file.values, file.place)  # its own faults first, each with its line
    tables = {name: {**file.values.get(name, {}), **_table(options[name])} for name in _TABLES & options.keys()}
    both = read_options({**file.values, **options, **tables}, place)
    try:
        both.plans()
    except InputError as failure:
        raise InputError(*(file.located(line, options.keys()) for line in failure.lines)) from failure
    return both


_TABLES = {"model_args", "task_args"}
"""Options that are tables."""


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


@dataclass(frozen=True, eq=False)
class ModelRun:
    """The run of one model.

    Attributes:
        session: Its plan with models and tasks.
        folder: Its folder.
        done: Number of traces stored already.
        resume: Whether the folder holds a study that is resumed.
    """

    session: "Session"
    folder: Path
    done: int
    resume: bool


def open_runs(options: RunOptions, out: Path, *, resume: bool) -> tuple[ModelRun, ...]:
    """Return the run of every model: all are loaded and checked before the first is paid for.

    Args:
        options: Options of the run.
        out: The folder; of several models, each has one of its own inside.
        resume: Go on with what is there.

    Raises:
        InputError: A plan is not feasible, a folder holds something else, or two models have one name for a folder.
    """
    plans = options.plans()
    options.shapes()
    _refuse_mixtures(options)
    folders = _folders([plan.model for plan in plans], out)
    begun = [resume and (len(plans) == 1 or StudyFolder(folder).is_study()) for folder in folders]
    if resume and not any(begun):
        raise InputError(f"{out} holds no study to go on with; leave resume out, or give the folder of one")
    runs = []
    for plan, folder, is_begun in zip(plans, folders, begun, strict=True):
        shard = shard_for(folder, options.shard, resume=is_begun)
        session = prepare(plan, shard=None if shard is None else str(shard), endpoints=options.endpoint)
        if options.workers is None:
            done = check_folder(folder, session.plan, resume=is_begun, shard=shard)
        else:
            done = check_shards(folder, session.plan, resume=is_begun, count=options.shards)
        runs.append(ModelRun(session, folder, done, is_begun))
    return tuple(runs)


def _refuse_mixtures(options: RunOptions) -> None:
    """Raise an error if options of shards do not fit one another, or the number of models.

    Raises:
        InputError: They do not.
    """
    name, value = ("--shard", options.shard) if options.workers is None else ("--workers", options.workers)
    if value is not None and len(options.model) > 1:
        raise InputError(
            f"{name} {value} with {len(options.model)} models; needed: one model. Run the shards of each model, merge "
            "them, then compare the merged studies"
        )
    if options.endpoint and len(options.model) > 1:
        raise InputError(
            f"--endpoint with {len(options.model)} models; needed: one model, as the endpoints serve one. Run each "
            "model with its own, then compare the studies"
        )
    if options.workers is not None and options.shard is not None:
        raise InputError(
            f"--workers {options.workers} with --shard {options.shard}; needed: one of them. Workers collect all shards"
        )
    if options.workers is None and options.shards is not None:
        raise InputError(f"--shards {options.shards} without --workers; needed: both, or --shard I/N for one of them")


COMPARISON = "comparison"
"""Folder of the comparison of several models, beside theirs."""


def _folders(models: Sequence[str], out: Path) -> list[Path]:
    """Return one folder per model, named after it.

    Raises:
        InputError: Two would have one name.
    """
    if len(models) == 1:
        return [out]
    by_name = {COMPARISON: "the comparison"}
    folders = []
    for model in models:
        name = re.sub(r"[^A-Za-z0-9._]+", "-", model).strip("-.")[:_MOST_LETTERS] or "model"
        other = by_name.setdefault(name.lower(), model)
        if other is not model:
            raise InputError(
                f"{name_text(other)} and {name_text(model)} would have one folder, {out / name}; run one of them "
                "alone, then compare the two studies"
            )
        folders.append(out / name)
    return folders


_MOST_LETTERS = 100
"""Of a folder's name."""


Watch = Callable[[ModelRun], AbstractContextManager[tuple[OnTrace, OnWave]]]
"""Returns what shows the progress of a run: a context manager of what is called with every trace and every wave."""


def run_models(
    runs: Sequence[ModelRun],
    options: RunOptions,
    out: Path,
    *,
    watch: Watch,
    command: str | None = None,
) -> Study:
    """Run every model, and return the study; of several models their comparison, with the study of each.

    Args:
        runs: The runs, from :func:`open_runs`.
        options: The options they were opened with.
        out: Folder in which the comparison has a folder of its own.
        watch: Context manager of the progress of each run.
        command: The command line, for the reports.

    Raises:
        InputError: A task does not fit the ladder, or nothing can be compared.
        StoppedError: A run stopped; repeat it with `resume`.
        KeyboardInterrupt: The user stopped it; repeat it with `resume`.
    """
    shapes, models = options.shapes(), [each.session.plan.model for each in runs]
    parts: dict[str, Study] = {}
    for each in runs:
        with watch(each) as (on_trace, on_wave):
            if options.workers is not None:
                return run_in_workers(each.session, each.folder, options, on_trace, on_wave, command=command)
            parts[each.session.plan.model] = run(
                each.session,
                each.folder,
                resume=each.resume,
                on_trace=on_trace,
                on_wave=on_wave,
                shapes=_own_shapes(shapes, each.session.plan.model, models),
                command=command,
            )
    if len(runs) == 1:
        return next(iter(parts.values()))
    together = compare([each.folder for each in runs], out=out / COMPARISON, command=command)
    return replace(together, parts=parts)


def _own_shapes(shapes: Mapping[str, SourcedShape], model: str, models: Sequence[str]) -> dict[str, SourcedShape]:
    """Return the shapes without those of the other models under test."""
    return {name: shape for name, shape in shapes.items() if name == model or name not in models}


@contextmanager
def _shown(each: ModelRun) -> Iterator[tuple[OnTrace, OnWave]]:
    """Context manager that shows the progress of a run."""
    count = Progress(total=each.session.traces, done=each.done)
    with shown_line(lambda: f"{visible(each.session.plan.model)}: {count.line()}"):
        yield count.add_trace, count.add_wave


@contextmanager
def _silent(_: ModelRun) -> Iterator[tuple[OnTrace, OnWave]]:
    yield (lambda _: None), (lambda _: None)


@contextmanager
def _folder(out: str | None) -> Iterator[Path]:
    """Context manager of the folder of a run; one that nobody named is removed at the end, unless traces are in it.

    Raises:
        StoppedError: The run stopped; the message says where the folder is.
    """
    if out is not None:
        yield Path(out)
        return
    folder = Path(tempfile.mkdtemp(prefix="overthink-"))
    path = folder / "study"
    go_on = f"finished traces are in {path}: give out={str(path)!r} and resume=True to go on"
    try:
        yield path
    except StoppedError as failure:
        raise StoppedError(*failure.lines, go_on) from failure
    except KeyboardInterrupt:
        write_lines(go_on)  # an interrupt has no message
        raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _in_memory(study: Study) -> Study:
    """Return the study with its rows in memory, and without a folder."""
    parts = {name: _in_memory(part) for name, part in study.parts.items()}
    return replace(study, pool=study.pool.collect().lazy(), folder=None, parts=parts)
