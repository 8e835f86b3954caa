"""The workflows `run`, `analyse` and `report` on one page.

    plan ──collect──▶ rows of the pool ──analysis──▶ findings ──reports──▶ report
    logs, tables, studies ──sources──▶ rows ──┘

Nothing here computes, draws or calls a model: the workflows call other modules in order and store their results.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from overthink._version import __version__
from overthink.cost.estimate import study_usage
from overthink.cost.model_shape import SourcedShape
from overthink.data.shards import read_shard
from overthink.errors import InputError
from overthink.paths import is_there
from overthink.plan.arms import ArmPlan
from overthink.plan.k_reference import k_refusal
from overthink.plan.study import Plan, TaskPlan
from overthink.reports import figure_formats, report_figures
from overthink.storage.findings import write_findings
from overthink.storage.json_documents import Beside, read_analysis, read_assumptions, write_analysis, write_estimate
from overthink.storage.models import write_models
from overthink.storage.oversight import oversight_of, projections_of, store_oversight, store_projections
from overthink.storage.pool import scan_pool, write_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows import arguments as arg
from overthink.workflows.collect import OnTrace, collect_levels, collect_traces
from overthink.workflows.models import models_at_start
from overthink.workflows.own_thread import outside_loops
from overthink.workflows.report_extras import governance_sections
from overthink.workflows.request import AnalysisOptions, merge_assumptions
from overthink.workflows.results import about_source, planted_curves, results_of
from overthink.workflows.resume import open_folder
from overthink.workflows.sources import ReadOptions, Source, read_sources, with_logs_from_here
from overthink.workflows.study import Study
from overthink.workflows.unfinished import ReportsSoFar, store_shard
from overthink.workflows.waves import OnWave
from overthink.workflows.words import AnalyseWords, ReportWords, analysis, reading, report_formats, texts

if TYPE_CHECKING:
    from overthink.collect.session.prepare import Session


@arg.checked(
    path=arg.a_path,
    out=arg.a_path_or_none,
    read=arg.a(ReadOptions | None),
    options=arg.a(AnalysisOptions | None),
    command=arg.a(str | None),
)
def analyse(
    path: str | Path,
    *,
    out: str | Path | None = None,
    read: ReadOptions | None = None,
    options: AnalysisOptions | None = None,
    command: str | None = None,
    **words: Unpack[AnalyseWords],
) -> Study:
    """Analyse Inspect logs, a study, or a plain table. No model is called.

    Args:
        path: A log or a folder of logs, a study's folder, a pool, or a table (Parquet, CSV, JSON Lines, JSON).
        out: Folder for pool, findings and report; None writes nothing.
        read: Properties that logs and tables do not state; None reads them as capability.
        options: Analysis options; None for the study's own plan, or the defaults.
        command: The command line, for the report.
        **words: Options of the command line, with underscores for hyphens and spelled as there, such as
            ``safety="probe@judge:high=harm"``, ``hypothesis="up@2k,flat@8k,down"``, ``margin=0.03``.

    Returns:
        The study; its report is `study.html()`.

    Raises:
        InputError: The path or a word cannot be read, or the labels do not match its answers.
    """
    read, options = reading(words, read), analysis(words, options)
    (source,) = read_sources([Path(path)], read)
    if out is not None and Path(out).resolve() != Path(path).resolve():
        source = with_logs_from_here(source, Path(path))
    return analyse_source(source, options, out=out, command=command)


def analyse_source(
    source: Source, options: AnalysisOptions, *, out: str | Path | None = None, command: str | None = None
) -> Study:
    """Analyse rows that are read already; see :func:`analyse`."""
    study = study_of(source, options, command=command)
    return study if out is None else stored_study(study, out)


def stored_study(study: Study, out: str | Path) -> Study:
    """Write pool, findings and report of a study into a folder, and return the study with the pool read from there."""
    stored = _store(study, StudyFolder(Path(out)))
    return replace(stored, pool=scan_pool(StudyFolder(Path(out)).pool))  # it may have replaced what the source read


@arg.checked(session=arg.a_session, out=arg.a_path, command=arg.a(str | None))
@outside_loops
def run(
    session: "Session | Plan",
    out: str | Path,
    *,
    resume: bool = False,
    on_trace: OnTrace = lambda _: None,
    on_wave: OnWave = lambda _: None,
    shapes: Mapping[str, SourcedShape] | None = None,
    command: str | None = None,
) -> Study:
    """Collect the traces of a plan, and analyse them.

    A stopped run keeps every complete trace; with `resume` it collects the missing ones, or those of a larger plan.

    Args:
        session: The plan with its models and tasks, from :func:`prepare`; or the plan, which is then prepared.
        out: The study's folder; new, or with `resume` one that holds this plan or a smaller one.
        resume: Resume or extend an existing study.
        on_trace: Called with the rows of every complete trace.
        on_wave: Called with every wave of adaptive draws before its first draw.
        shapes: Shape by model, for models without local weights.
        command: The command line, for the report.

    Returns:
        The finished study.

    Raises:
        InputError: A task does not fit the ladder, the folder holds other files, or a shape is of a model not in use.
        StoppedError: The run stopped; repeat it with `resume`.
        KeyboardInterrupt: The user stopped it; repeat it with `resume`.
    """
    session = prepare(session) if isinstance(session, Plan) else session
    plan, folder = session.plan, StudyFolder(Path(out))
    models = models_at_start(session, folder, shapes or {})
    with open_folder(folder, plan, resume=resume, shard=session.shard, command=command) as existing:
        write_estimate(folder.estimate, session.whole or session.spending)
        write_models(folder.models, models)
        with ReportsSoFar.of(session, folder, existing, models=models, command=command) as so_far:
            if plan.efforts is None:
                source = collect_traces(session, folder, existing, so_far.before(on_trace), on_wave)
            else:
                source = collect_levels(session, folder, so_far.before(on_trace))
        source = replace(source, notes=(*source.notes, *so_far.notes()))
        if session.shard is not None:
            return store_shard(replace(source, models=models), session.shard, folder, command=command)
        source = replace(_with_earlier_request(source, folder, has_new_rungs=bool(existing.sparse)), models=models)
        source = replace(source, oversight=oversight_of(folder), projections=projections_of(folder))
        how = AnalysisOptions(assumptions=read_assumptions(folder.analysis))
        return _store(study_of(source, how, command=command), folder)


def _with_earlier_request(source: Source, folder: StudyFolder, *, has_new_rungs: bool) -> Source:
    """Return the source with the earlier request; its human labels are dropped if rungs were added, as they shift."""
    request = read_analysis(folder.analysis)
    if request is None or request[0].human is None or not has_new_rungs:
        return replace(source, request=request)
    lost = "Human labels of an earlier report are left out: the ladder has gained rungs. Label anew, or give --labels."
    earlier = replace(request[0], human=None), request[1]
    return replace(source, request=earlier, notes=(*source.notes, lost))


@arg.checked(path=arg.a_path, options=arg.a(AnalysisOptions | None), command=arg.a(str | None))
def report(
    path: str | Path,
    *,
    formats: str | Sequence[str] | None = None,
    options: AnalysisOptions | None = None,
    command: str | None = None,
    **words: Unpack[ReportWords],
) -> Study:
    """Regenerate a study's findings and report from its pool.

    Args:
        path: The study's folder.
        formats: "svg", "png" and "pdf" draw the page's charts into its folder `figures`; the page is always made, and
            None makes it alone.
        options: Analysis options and assumptions; None for those of the earlier analysis.
        command: The command line, for the report.
        **words: Options of the command line, with underscores for hyphens and spelled as there, such as
            ``training_flop="3.8e25"``; ``format`` is another name of `formats`.

    Raises:
        InputError: The folder holds no study, a format is unknown or stated twice, or an assumption is impossible.
    """
    figures = figure_formats(report_formats(words.get("format"), formats))
    options = analysis(words, options)
    folder = StudyFolder(Path(path))
    folder.require()
    study = analyse(folder.path, out=folder.path, options=options, command=command)
    if figures:
        folder.write_figures(report_figures(study.results, study.about, figures))
    return study


@arg.checked(
    capability=arg.text_or_texts, safety=arg.text_or_texts, benign=arg.text_or_texts, args=arg.a(Mapping | None)
)
def tasks(
    *,
    capability: str | Sequence[str] = (),
    safety: str | Sequence[str] = (),
    benign: str | Sequence[str] = (),
    args: Mapping[str, str | int | float | bool] | None = None,
) -> tuple[TaskPlan, ...]:
    """Parse tasks of the command line: `TASK@scorer.key:high=word`.

    Args:
        capability: Tasks that measure what the model can do; a text is one task.
        safety: Tasks that measure whether it stays safe.
        benign: Tasks that measure whether it refuses harmless requests.
        args: Arguments of the tasks; None for none.

    Raises:
        InputError: There is no task, a task cannot be read, or its polarity is unknown.
    """
    from overthink.collect.scoring.polarity import task_plans

    by_axis = {"capability": capability, "safety": safety, "benign": benign}
    return task_plans(**{axis: texts(named, axis) for axis, named in by_axis.items()}, args=dict(args or {}))


@arg.checked(text=arg.a(str), model=arg.a(str))
def arms(text: str, *, model: str) -> tuple[ArmPlan, ...]:
    """Parse arms of the command line: `base,safethink:guard=MODEL,tau=0.5,m=3`.

    Raises:
        InputError: An arm or setting is unknown, a setting is missing, or a value is impossible.
    """
    from overthink.collect.arms.registry import arm_plans

    return arm_plans(text, model=model)


@arg.checked(plan=arg.a(Plan), shard=arg.a(str | None), endpoints=arg.text_or_texts)
@outside_loops
def prepare(plan: Plan, *, shard: str | None = None, endpoints: str | Sequence[str] = ()) -> "Session":
    """Return the session of a plan: models and tasks loaded and checked, before anything is written or paid.

    Args:
        plan: The plan.
        shard: The part of its questions to ask, as ``3/16``; None for all.
        endpoints: Addresses of servers of the model, each of which answers whole traces; a text is one.

    Raises:
        InputError: The plan is not feasible; the message states the change needed. Or there is no such shard.
    """
    from overthink.collect.session.prepare import open_plan

    addresses = (endpoints,) if isinstance(endpoints, str) else tuple(endpoints)
    return open_plan(plan.with_component_files(), None if shard is None else read_shard(shard), addresses)


def study_of(source: Source, options: AnalysisOptions, *, command: str | None) -> Study:
    """Return the study of rows that are read; nothing is written."""
    request, results, scale = results_of(source, options)
    if isinstance(options.k_reference, int | float) and scale.reason is not None:
        raise InputError(k_refusal(options.k_reference, scale.reason))
    about = replace(
        about_source(source, results, scale, command=command),
        notes=(*source.notes, *results.oversight.notes, *(() if source.estimate is None else source.estimate.notes)),
        estimate=source.estimate,
        actual_cost=None
        if source.estimate is None
        else study_usage(source.pool, source.estimate, source.cut_short, source.oversight),
        planted=planted_curves(source.plan, source.pool, results.curves),
    )
    assumptions = merge_assumptions(options.assumptions, source.assumptions)
    models = options.models(source)
    about = governance_sections(about, results, assumptions, seed=request.seed, shape=models.under_test)
    stated, unread = source.polarity, source.unread
    return Study(
        source.pool,
        results,
        about,
        request,
        assumptions,
        models,
        polarity=stated,
        unread=unread,
        oversight=source.oversight,
        projections=source.projections,
        reading=source.reading,
    )


def _store(study: Study, folder: StudyFolder) -> Study:
    folder.create()
    return write_study(study, folder, write_pool(folder.pool, study.pool))


def write_study(study: Study, folder: StudyFolder, pool_sha256: str) -> Study:
    """Write findings, analysis and report of a study into a folder that holds its pool.

    Args:
        study: The study.
        folder: The folder.
        pool_sha256: SHA-256 of the pool.
    """
    result = replace(study, about=replace(study.about, pool_sha256=pool_sha256), folder=folder)
    if study.oversight is not None and not is_there(folder.oversight):
        store_oversight(folder, study.oversight)
    if study.projections and not is_there(folder.projections):
        store_projections(folder, study.projections)
    write_findings(
        folder.findings,
        result.findings,
        overthink=__version__,
        plan_sha256=result.about.plan_sha256,
        pool_sha256=pool_sha256,
        notes=study.reading,
    )
    beside = Beside(study.request.seed, study.assumptions, study.polarity, study.reading)
    write_analysis(folder.analysis, study.request.analysis, beside)
    if study.about.plan is not None:
        write_models(folder.models, study.models)
    folder.write_report(replace(result, pool=scan_pool(folder.pool)).html())
    return result
