"""The command line: parses, calls, prints. The workflows are in `workflows`."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from overthink._version import __version__
from overthink.cli import (
    compare,
    forecast,
    governance,
    methods,
    models,
    options,
    report,
    samples,
    start,
    table,
    terminal,
    verify,
)
from overthink.cli.options import (
    Benign,
    Capability,
    KReference,
    Ladder,
    MaxRows,
    OneAxis,
    OneHigh,
    OneScorer,
    Primary,
    Reader,
    Safety,
    Selectors,
    command_line,
    numbers,
    pairs,
    show,
)
from overthink.cli.report import AsOf, Assume, FlopPerByte, ModelShapes, TrainingFlop
from overthink.errors import ExitCode, InputError
from overthink.storage.tables.table_files import FORMAT_NAMES

app = typer.Typer(
    name="overthink",
    help="Measures what more thinking does to a model: how much more it can do, and how much less safe it gets.",
    epilog="Exit codes: 0 done; 1 a checked claim fails; 2 input; 3 stopped, can be resumed; 4 some files not read; "
    "70 a fault of Overthink; 74 output device; 141 broken pipe; 130, 143, 129 ended by signals (docs/exit-codes.md).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(models.model_app, name="model")
app.add_typer(governance.govern_app)
report.register(app)
samples.register(app)
compare.register(app)
forecast.register(app)
governance.register(app)
verify.register(app)
table.register(app)
methods.register(app)

FindingsJson = Annotated[bool, typer.Option("--json", help="Print the findings as JSON on standard output.")]
Level = Annotated[float, typer.Option(help="Confidence level of the intervals.", min=0.5, max=0.999)]
Seed = Annotated[int, typer.Option(help="Seed; the same seed gives the same findings.", min=0)]
Temperature = Annotated[
    float | None,
    typer.Option(help="Sampling temperature; 0.8, the provider's with --efforts.", callback=options.finite),
]
TopP = Annotated[
    float | None,
    typer.Option(help="Nucleus sampling mass; 0.95, the provider's with --efforts.", callback=options.finite),
]
Hypothesis = Annotated[
    str | None,
    typer.Option(
        help="What you expect: parts of the ladder with directions, as up@2k,flat@8k,down, or boundaries of regimes in "
        "thinking tokens, as 2k,8k, which claim nothing.",
        metavar="PARTS",
    ),
]


def main() -> None:
    """Run the command line and end the process; errors become one message and an exit code."""
    start.start(run_app)


def run_app() -> int:
    """Run the command that the process was started with, and return its exit code.

    Typer's own runner makes 1 of a broken pipe and of a no, and expands patterns on Windows; it is not used.

    Raises:
        InputError: The command line cannot be read.
        Exception: The command's own.
    """
    command = typer.main.get_command(app)
    _keep_results_apart(command)
    try:
        with command.make_context("overthink", sys.argv[1:]) as context:
            command.invoke(context)
    except typer.Exit as ending:
        return int(ending.exit_code)
    except typer.Abort:
        terminal.note("not begun; nothing was paid.")
        return ExitCode.INTERRUPT
    except Exception as refusal:
        if not hasattr(refusal, "format_message"):
            raise
        raise InputError(_usage(refusal)) from refusal
    return ExitCode.DONE


def _keep_results_apart(command: Any) -> None:
    """Let every command below a group print its result alone on standard output."""
    parts = getattr(command, "commands", None)
    if parts is None:
        command.callback = terminal.with_results_apart(command.callback)
    for part in (parts or {}).values():
        _keep_results_apart(part)


def _usage(refusal: Any) -> str:
    """Return what is wrong with a command line, and where it is described."""
    where = getattr(getattr(refusal, "ctx", None), "command_path", "overthink")
    text = refusal.format_message().strip().rstrip(".")
    return f"{text or 'no command was given'}; see {where} --help"


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        terminal.output(f"overthink {__version__}")
        raise typer.Exit


@app.command()
def analyse(
    path: Annotated[Path, typer.Argument(help=f"Inspect logs (file or folder), a study, or a table ({FORMAT_NAMES}).")],
    out: Annotated[Path, typer.Option(help="Folder for pool, findings and report.")] = Path("overthink-analysis"),
    capability: Capability = [],  # noqa: B006
    safety: Safety = [],  # noqa: B006
    benign: Benign = [],  # noqa: B006
    axis: OneAxis = None,
    high: OneHigh = None,
    scorer: OneScorer = None,
    reader: Reader = None,
    ladder: Ladder = None,
    checkpoints: Annotated[
        Literal["tokens", "turns", "cost"], typer.Option(help="What agents scored on their way are compared at.")
    ] = "tokens",
    errored: Annotated[
        Literal["inspect", "set-aside", "wrong"],
        typer.Option(help="Samples of logs with an error: as Inspect counts them, never, or as wrong if unscored."),
    ] = "inspect",
    invalid: Annotated[
        Literal["set-aside", "count"],
        typer.Option(help="Samples of logs that are marked as invalid: left out, or read."),
    ] = "set-aside",
    level: Annotated[
        float | None, typer.Option(help="Confidence level; a study's own, or 0.95.", min=0.5, max=0.999)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the bootstrap; a study's own, or 0.", min=0)] = None,
    margin: Annotated[
        float | None, typer.Option(help="Differences that count as none; a study's own, or 0.05.", min=0.001, max=0.5)
    ] = None,
    hypothesis: Hypothesis = None,
    primary: Primary = [],  # noqa: B006
    k_reference: KReference = None,
    selectors: Selectors = [],  # noqa: B006
    labels: Annotated[
        Path | None, typer.Option(help=f"Human labels ({FORMAT_NAMES}): question, draw, rung, label.")
    ] = None,
    stopping: Annotated[
        Literal["fixed", "first_success"] | None,
        typer.Option(
            help="How sampling ended: attempts set beforehand, or at the first success. Inferred if left out."
        ),
    ] = None,
    training_flop: TrainingFlop = None,
    assume: Assume = [],  # noqa: B006
    as_of: AsOf = None,
    model_shape: ModelShapes = [],  # noqa: B006
    flop_per_byte: FlopPerByte = None,
    max_rows: MaxRows = None,
    as_json: FindingsJson = False,
) -> None:
    """Logs, a study or a table: findings and report. No model is called."""
    from overthink.workflows import analyse as study
    from overthink.workflows.request import AnalysisOptions
    from overthink.workflows.sources import ReadOptions

    read = ReadOptions(
        axis=axis,
        high=high,
        scorer=scorer,
        capability=capability,
        safety=safety,
        benign=benign,
        checkpoints=checkpoints,
        reader=reader,
        max_rows=max_rows,
        ladder=ladder,
        errored=errored,
        invalid=invalid,
    )
    how = AnalysisOptions(
        level=level,
        seed=seed,
        margin=margin,
        hypothesis=hypothesis,
        primary=tuple(primary) or None,
        k_reference=options.k_reference(k_reference),
        selectors=tuple(selectors) or None,
        stopping=stopping,
        labels=labels,
        assumptions=report.assumptions(training_flop, assume, as_of),
        shapes=report.shapes(model_shape),
        flop_per_byte=flop_per_byte,
    )
    result = study.analyse(path, out=out, read=read, options=how, command=command_line())
    show(result, as_json=as_json)


@app.command()
def run(
    model: Annotated[str, typer.Option(help="Any Inspect model; embedded: overthink/smollm2, overthink/gguf.")] = (
        "overthink/smollm2"
    ),
    capability: Annotated[list[str], typer.Option(help="Capability task; may be repeated.", metavar="TASK")] = [],  # noqa: B006
    safety: Annotated[
        list[str], typer.Option(help="Safety task: TASK@scorer.key:high=harm|safe.", metavar="TASK")
    ] = [],  # noqa: B006
    benign: Annotated[
        list[str], typer.Option(help="Over-refusal task: TASK@scorer.key:high=answered|refused.", metavar="TASK")
    ] = [],  # noqa: B006
    budgets: Annotated[str | None, typer.Option(help="Thinking budgets in tokens, as 0,64,256.")] = None,
    efforts: Annotated[
        str | None, typer.Option(help="The provider's own levels, as low,medium,high, or caps, as 1024,4096.")
    ] = None,
    turns: Annotated[
        str | None, typer.Option(help="Score a loop of tool calls after so many turns, as 1,2,4,8.", metavar="TURNS")
    ] = None,
    loop_tokens: Annotated[
        str | None,
        typer.Option(help="Score it within so many generated tokens instead, as 1k,4k,16k.", metavar="TOKENS"),
    ] = None,
    sandbox_scoring: Annotated[
        Literal["unchanged"] | None,
        typer.Option(help="State that scoring leaves a task's sandbox unchanged, so that a loop in one can be scored."),
    ] = None,
    arms: Annotated[
        str,
        typer.Option(help="Ways of thinking to compare, as base,zerothink,wait:rounds=2,minimum=512 (docs/arms.md)."),
    ] = "base",
    controls: Annotated[
        str | None, typer.Option(help="Beside the forced ladder, any of sham,natural,truncated.")
    ] = None,
    resample: Annotated[
        str | None,
        typer.Option(help="Think the rest anew so often from every rung, or from some with 8:bisect.", metavar="TIMES"),
    ] = None,
    judge_traces: Annotated[bool, typer.Option("--judge-traces", help="Score the thinking itself, too.")] = False,
    trace_scorer: Annotated[
        str | None,
        typer.Option(
            help="With --judge-traces, what scores the thinking: thought (comes with the built-in tasks), own (the "
            "task's scorer marks no refusals), or SCORER.KEY:high=WORD of the task; several with commas, the "
            "first that fits.",
            metavar="NAMES",
        ),
    ] = None,
    draws: Annotated[int, typer.Option(help="Traces per question.")] = 4,
    until: Annotated[
        str | None,
        typer.Option(
            help="Go on drawing until half-width=0.02 at every rung, or crossing=0.5 (tries at which successes reach "
            "it) is known within a factor: ,factor=3. --draws is then the first wave.",
            metavar="AIM",
        ),
    ] = None,
    max_draws: Annotated[int | None, typer.Option(help="Most draws of a question, with --until.")] = None,
    limit: Annotated[int | None, typer.Option(help="Questions per task; all if left out.")] = None,
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="The study's folder.")] = Path("study"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a stopped study, or extend one.")] = False,
    grader: Annotated[str | None, typer.Option(help="Model that grades answers, in the role `grader`.")] = None,
    think: Annotated[
        str, typer.Option(help="Think format: plain, think for <think>…</think>, or FILE.py@NAME.")
    ] = "plain",
    answer_tokens: Annotated[int, typer.Option(help="Allowance for the answer, beside the thinking budget.")] = 32,
    answer_cue: Annotated[
        str | None, typer.Option(help="Text that asks for the answer; by default the task's own.")
    ] = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    concurrency: Annotated[int, typer.Option(help="Traces in flight at once; 1 for token-exact reruns.")] = 8,
    level: Level = 0.95,
    margin: Annotated[float, typer.Option(help="Differences that count as none.", min=0.001, max=0.5)] = 0.05,
    hypothesis: Hypothesis = None,
    primary: Primary = [],  # noqa: B006
    k_reference: KReference = None,
    model_arg: Annotated[list[str], typer.Option("-M", help="Model argument.", metavar="KEY=VALUE")] = [],  # noqa: B006
    task_arg: Annotated[list[str], typer.Option("-T", help="Task argument.", metavar="KEY=VALUE")] = [],  # noqa: B006
    model_shape: ModelShapes = [],  # noqa: B006
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before spending money.")] = False,
    as_json: FindingsJson = False,
) -> None:
    """Tasks × model × ladder: a study folder with report.html. The main job."""
    from overthink.cli.progress import Meter, announce, doing
    from overthink.plan.stopping import read_until
    from overthink.plan.study import checked_plan
    from overthink.workflows import analyse as study
    from overthink.workflows.resume import check_folder

    sizes = report.shapes(model_shape)
    tasks = study.tasks(capability=capability, safety=safety, benign=benign, args=pairs(task_arg, "-T"))
    plan = checked_plan(
        model=model,
        model_args=pairs(model_arg, "-M"),
        tasks=tasks,
        budgets=None if budgets is None else numbers(budgets),
        efforts=options.names(efforts, "--efforts") or None,
        turns=None if turns is None else numbers(turns, "--turns", "turns, as 1,2,4,8"),
        loop_tokens=None if loop_tokens is None else numbers(loop_tokens, "--loop-tokens", "tokens, as 1k,4k,16k"),
        sandbox_scoring=sandbox_scoring,
        arms=study.arms(arms, model=model),
        controls=options.names(controls, "--controls"),
        judge_traces=judge_traces,
        trace_scorer=options.names(trace_scorer, "--trace-scorer"),
        **options.resampling(resample),
        draws=draws,
        until=None if until is None else read_until(until),
        max_draws=max_draws,
        limit=limit,
        seed=seed,
        think_format=think,
        answer_tokens=answer_tokens,
        answer_cue=answer_cue,
        temperature=temperature,
        top_p=top_p,
        concurrency=concurrency,
        grader=grader,
        level=level,
        margin=margin,
        hypothesis=hypothesis,
        primary=tuple(primary),
        k_reference=options.k_reference(k_reference),
    )
    with doing(f"loading {model} and the tasks"):
        session = study.prepare(plan)
    n_done = check_folder(out, session.plan, resume=resume)
    announce(session, out, asks=not yes)
    try:
        with Meter(total=session.traces, done=n_done) as meter:
            result = study.run(
                session,
                out,
                resume=resume,
                on_trace=meter.add_trace,
                on_wave=meter.add_wave,
                shapes=sizes,
                command=command_line(),
            )
    except KeyboardInterrupt:
        terminal.note("interrupted; finished traces are kept. Repeat the command with --resume to go on.")
        raise typer.Exit(130) from None
    show(result, as_json=as_json)


@app.command()
def label(
    path: Annotated[Path, typer.Argument(help="A study's folder, logs, or a table.")],
    out: Annotated[Path, typer.Option(help="The sheet to fill in (.csv).")] = Path("labels.csv"),
    per_rung: Annotated[int, typer.Option(help="Answers to read at each rung of each curve.", min=1)] = 40,
    seed: Seed = 0,
    show_text: Annotated[
        bool, typer.Option("--show-text", help="Write question and answer into the sheet; they may be harmful.")
    ] = False,
    capability: Capability = [],  # noqa: B006
    safety: Safety = [],  # noqa: B006
    benign: Benign = [],  # noqa: B006
    axis: OneAxis = None,
    high: OneHigh = None,
    scorer: OneScorer = None,
) -> None:
    """A random sample of answers for humans to label; `analyse --labels` corrects the judge with it."""
    from overthink.workflows.label import label
    from overthink.workflows.sources import ReadOptions

    read = ReadOptions(axis=axis, high=high, scorer=scorer, capability=capability, safety=safety, benign=benign)
    sheet = label(path, out, per_rung=per_rung, seed=seed, show_text=show_text, read=read)
    terminal.note(*filter(None, (f"{sheet.answers} answers to label: {out}", sheet.note())))
    options.end_partly(sheet.unread)
