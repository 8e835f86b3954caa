"""Options of a run under the names of the command line: declared once, for the command, its TOML file and Python.

The command `run` has an option for each field, a TOML file may have a key for each, and :func:`overthink.experiment`
takes each as a keyword. All three state the same plan.
"""

import difflib
from collections.abc import Callable, Mapping
from enum import StrEnum, auto
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from overthink.cost.model_shape import SourcedShape
from overthink.errors import InputError
from overthink.paths import is_text, name_text
from overthink.plan.schedule import read_until
from overthink.plan.study import Plan, checked_plan
from overthink.workflows import option_words
from overthink.workflows.option_types import (
    Arguments,
    Arms,
    Endpoints,
    Flag,
    Hypothesis,
    LoopTokens,
    Names,
    Numbers,
    PathText,
    Real,
    Reference,
    Resample,
    Shapes,
    ShardText,
    Text,
    Texts,
    Turns,
    Whole,
    WorkersText,
    shown,
)


class Subject(StrEnum):
    """What an option is about; `--help` has a panel for each, in this order."""

    STUDY = auto()
    LADDER = auto()
    ARMS = auto()
    STATISTICS = auto()
    COMPUTE = auto()
    OUTPUT = auto()


class Look(NamedTuple):
    """What the command line shows of an option beside its description.

    Attributes:
        subject: What it is about.
        metavar: Word for its value; None for the word of its type.
        flag: Its spelling; None for its name with hyphens.
        kind: Type of its value there; a list is an option that may be repeated.
        least: Smallest number; None for any.
        most: Largest number; None for any.
    """

    subject: Subject
    metavar: str | None = None
    flag: str | None = None
    kind: type = str
    least: float | None = None
    most: float | None = None


def _option(default: Any, text: str, subject: Subject, metavar: str | None = None, **more: Any) -> Any:
    own = Look(subject, metavar, **more)
    field = Field(default, description=text, ge=own.least, le=own.most)
    field.metadata.append(own)
    return field


MODEL = "overthink/smollm2"
"""The model of a run that names none."""


class RunOptions(BaseModel):
    """Options of a run, each with its default; `model` may name several models, which are compared.

    Example:
        >>> options = read_options({"model": "overthink/simulated", "safety": "overthink/secret", "budgets": "0,64"})
        >>> options.budgets, options.draws
        ((0, 64), 4)
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Texts = _option(
        (MODEL,),
        "A model, by the name Inspect has for it: vllm-completions/NAME, openai/NAME, hf/NAME …; in this process "
        "overthink/smollm2, overthink/NAME (`model list`), or overthink/simulated, whose truth is known. Repeated: "
        "models on the same questions, compared at the end.",
        Subject.STUDY,
        metavar="MODEL",
        kind=list,
    )
    capability: Texts = _option((), option_words.CAPABILITY, Subject.STUDY, metavar="TASK", kind=list)
    safety: Texts = _option((), option_words.SAFETY, Subject.STUDY, metavar="TASK", kind=list)
    benign: Texts = _option(
        (),
        option_words.BENIGN,
        Subject.STUDY,
        metavar="TASK",
        kind=list,
    )
    limit: Whole | None = _option(None, "Questions per task; all if left out.", Subject.STUDY, kind=int)
    draws: Whole = _option(4, "Traces per question.", Subject.STUDY, kind=int)
    until: Text | None = _option(
        None,
        "Go on drawing until half-width=0.02 at every rung, or crossing=0.5 (tries at which successes reach it) is "
        "known within a factor: ,factor=3. --draws is then the first wave.",
        Subject.STUDY,
        metavar="AIM",
    )
    max_draws: Whole | None = _option(None, "Most draws of a question, with --until.", Subject.STUDY, kind=int)
    seed: Whole = _option(0, option_words.SEED, Subject.STUDY, kind=int, least=0)
    grader: Text | None = _option(
        None,
        "Model that grades answers, in the role `grader`.",
        Subject.STUDY,
        metavar="MODEL",
    )
    model_args: Arguments = _option({}, "Model argument.", Subject.STUDY, metavar="KEY=VALUE", flag="-M", kind=list)
    task_args: Arguments = _option({}, "Task argument.", Subject.STUDY, metavar="KEY=VALUE", flag="-T", kind=list)

    budgets: Numbers | None = _option(
        None, "Thinking budgets in tokens, as 0,64,256 or 0,1k,4k.", Subject.LADDER, metavar="TOKENS"
    )
    efforts: Names | None = _option(
        None,
        "The provider's own levels, as low,medium,high, or caps, as 1024,4096.",
        Subject.LADDER,
        metavar="LEVELS",
    )
    turns: Turns | None = _option(
        None, "Score a loop of tool calls after so many turns, as 1,2,4,8.", Subject.LADDER, metavar="TURNS"
    )
    loop_tokens: LoopTokens | None = _option(
        None, "Score it within so many generated tokens instead, as 1k,4k,16k.", Subject.LADDER, metavar="TOKENS"
    )
    sandbox_scoring: Literal["unchanged"] | None = _option(
        None,
        "State that scoring leaves a task's sandbox unchanged, so that a loop in one can be scored.",
        Subject.LADDER,
    )
    think: Text = _option(
        "plain",
        "Think format: plain, think for <think>…</think>, or FILE.py@NAME.",
        Subject.LADDER,
        metavar="FORMAT",
    )
    answer_tokens: Whole = _option(
        32,
        "Allowance for the answer, beside the thinking budget.",
        Subject.LADDER,
        kind=int,
    )
    answer_cue: Text | None = _option(
        None, "Text that asks for the answer; by default the task's own.", Subject.LADDER, metavar="TEXT"
    )
    temperature: Real | None = _option(
        None,
        "Sampling temperature; 0.8, the provider's with --efforts.",
        Subject.LADDER,
        kind=float,
    )
    top_p: Real | None = _option(
        None, "Nucleus sampling mass; 0.95, the provider's with --efforts.", Subject.LADDER, kind=float
    )
    concurrency: Whole = _option(8, "Traces in flight at once; 1 for token-exact reruns.", Subject.LADDER, kind=int)

    arms: Arms = _option(
        "base",
        "Ways of thinking to compare, as base,zerothink,wait:rounds=2,minimum=512 (docs/arms.md).",
        Subject.ARMS,
        metavar="ARMS",
    )
    controls: Names = _option(
        (), "Beside the forced ladder, any of sham,natural,truncated.", Subject.ARMS, metavar="NAMES"
    )
    resample: Resample | None = _option(
        None,
        "Think the rest anew so often from every rung, or from some with 8:bisect.",
        Subject.ARMS,
        metavar="TIMES",
    )
    judge_traces: Flag = _option(False, "Score the thinking itself, too.", Subject.ARMS, kind=bool)
    trace_scorer: Names = _option(
        (),
        "With --judge-traces, what scores the thinking: thought (comes with the built-in tasks), own (the task's "
        "scorer marks no refusals), or SCORER.KEY:high=WORD of the task; several with commas, the first that fits.",
        Subject.ARMS,
        metavar="NAMES",
    )

    level: Real = _option(
        0.95, "Confidence level of the intervals.", Subject.STATISTICS, kind=float, least=0.5, most=0.999
    )
    margin: Real = _option(
        0.05,
        "Differences that count as none.",
        Subject.STATISTICS,
        kind=float,
        least=0.001,
        most=0.5,
    )
    hypothesis: Hypothesis | None = _option(
        None,
        option_words.HYPOTHESIS,
        Subject.STATISTICS,
        metavar="PARTS",
    )
    primary: Texts = _option(
        (),
        option_words.PRIMARY,
        Subject.STATISTICS,
        metavar="CURVES",
        kind=list,
    )
    k_reference: Reference | None = _option(
        None,
        option_words.K_REFERENCE,
        Subject.STATISTICS,
        metavar="TOKENS",
    )
    model_shape: Shapes = _option(
        (),
        option_words.MODEL_SHAPE,
        Subject.COMPUTE,
        metavar="MODEL=SHAPE",
        kind=list,
    )

    out: PathText | None = _option(None, "The study's folder; `study` if left out.", Subject.OUTPUT, metavar="FOLDER")
    shard: ShardText | None = _option(None, option_words.SHARD, Subject.OUTPUT, metavar="I/N")
    endpoint: Endpoints = _option((), option_words.ENDPOINT, Subject.STUDY, metavar="URL", kind=list)
    workers: WorkersText | None = _option(None, option_words.WORKERS, Subject.OUTPUT, metavar="WORKERS")
    shards: Whole | None = _option(None, option_words.SHARDS, Subject.OUTPUT, metavar="N", kind=int, least=1)

    def plans(self) -> tuple[Plan, ...]:
        """Return the plan of every model, in their order.

        Raises:
            InputError: A plan cannot be carried out as it is stated, or a model is named twice.
        """
        from overthink.collect.arms.registry import arm_plans
        from overthink.collect.scoring.polarity import task_plans

        twice = [model for i, model in enumerate(self.model) if model in self.model[:i]]
        if twice or not self.model:
            seen = f"model {name_text(twice[0])} is named twice" if twice else "model names none"
            raise InputError(f"{seen}; needed: every model once")
        tasks = task_plans(capability=self.capability, safety=self.safety, benign=self.benign, args=self.task_args)
        times, _, where = (self.resample or "").partition(":")
        return tuple(
            checked_plan(
                model=model,
                tasks=tasks,
                arms=arm_plans(self.arms, model=model),
                until=None if self.until is None else read_until(self.until),
                think_format=self.think,
                resamples=int(times) if times else None,
                resample_at=where or "every",
                **{name: getattr(self, name) for name in _PLAN_FIELDS},
            )
            for model in self.model
        )

    def shapes(self) -> dict[str, SourcedShape]:
        """Return the stated shapes by model.

        Raises:
            InputError: One cannot be read, or its file is damaged.
        """
        from overthink.collect.model_info.info import read_shapes

        return read_shapes(self.model_shape)

    def stated(self) -> dict[str, Any]:
        """Return the options that were stated, in the order of the fields, as plain values of TOML.

        Without the shard, which is of one process: all shards of a study share one file.
        """
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name in type(self).model_fields
            if name != "shard" and name in self.model_fields_set and (value := getattr(self, name)) is not None
        }


_PLAN_FIELDS = sorted(
    RunOptions.model_fields.keys() & Plan.model_fields.keys() - {"model", "arms", "until"},
)
"""Options that are fields of the plan under the same name."""


def look(field: FieldInfo) -> Look:
    """Return what the command line shows of an option."""
    return next(each for each in field.metadata if isinstance(each, Look))


def read_options(values: Mapping[str, object], place: Callable[[str], str] = lambda name: name) -> RunOptions:
    """Return checked options.

    Args:
        values: Stated options by name; a hyphen in a name counts as an underscore.
        place: Returns where an option stands, for messages, as ``study.toml, line 3: budgets``.

    Raises:
        InputError: A name is unknown (the nearest are listed), or a value is of the wrong type.

    Example:
        >>> read_options({"draw": 4})
        Traceback (most recent call last):
        overthink.errors.InputError: draw is no option of a run; needed: draws, top_p, ...
    """
    faults = [_unknown(name, place) for name in values if name not in RunOptions.model_fields]
    if faults:
        raise InputError("; ".join(faults))
    try:
        return RunOptions(**values)  # type: ignore[arg-type]  # it is what checks them
    except ValidationError as failure:
        raise InputError("; ".join(dict.fromkeys(_fault(each, place) for each in failure.errors()))) from failure


_OF_THE_COMMAND = ("config", "save_config", "resume", "yes", "json", "quiet")
"""Options that say how the command itself goes."""


def _unknown(name: str, place: Callable[[str], str]) -> str:
    """Return what is wrong with a name that is no option."""
    if name in _OF_THE_COMMAND:
        return f"{place(name)} is an option of the command, and none of a plan; needed: on the command line"
    near = difflib.get_close_matches(name, RunOptions.model_fields, n=3, cutoff=0.5)
    needed = f"{', '.join(near)}, …" if near else "one of those that `overthink run --help` lists"
    return f"{place(name)} is no option of a run; needed: {needed}"


def _fault(fault: Any, place: Callable[[str], str]) -> str:
    name = str(fault["loc"][0])
    if fault["type"] == "value_error":
        return f"{place(name)} {fault['msg'].removeprefix('Value error, ')}"
    value, needed = shown(fault["input"]), fault["msg"]
    value = value if is_text(value) else name_text(value)
    return f"{place(name)} is {value}; needed: {needed[:1].lower()}{needed[1:]}"
