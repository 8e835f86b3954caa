"""The command `run`: parse, call, print."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from overthink.cli import options, report, terminal
from overthink.cli.options import (
    FindingsJson,
    Hypothesis,
    KReference,
    Primary,
    Seed,
    command_line,
    numbers,
    pairs,
    show,
)
from overthink.cli.report import ModelShapes

Level = Annotated[float, typer.Option(help="Confidence level of the intervals.", min=0.5, max=0.999)]
Temperature = Annotated[
    float | None,
    typer.Option(help="Sampling temperature; 0.8, the provider's with --efforts.", callback=options.finite),
]
TopP = Annotated[
    float | None,
    typer.Option(help="Nucleus sampling mass; 0.95, the provider's with --efforts.", callback=options.finite),
]


def register(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(run)


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
