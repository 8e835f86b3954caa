"""The plan: all settings of a study, validated before the first call; its hash is part of every result."""

import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping
from numbers import Complex, Real
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from overthink._version import __version__
from overthink.components.registry import referenced_files
from overthink.data.hypothesis import hypothesis_text, part_rungs, regimes_and_parts
from overthink.data.secrets import holds_secret
from overthink.errors import InputError
from overthink.paths import file_sha256, is_text, name_text, path_kind
from overthink.plan.arms import BASE, ArmPlan, check_labels, check_placebos
from overthink.plan.k_reference import reference_fault
from overthink.plan.schedule import Checkpoints, Until
from overthink.plan.secrets import secret_fault

PLAN_SCHEMA = "overthink.plan/1"

MOST_DRAWS, MOST_TOKENS = 10**6, 2**53
"""Most draws of a question, and most tokens of a rung: the largest number below which a double counts."""

TEMPERATURE, TOP_P = 0.8, 0.95
"""Default sampling parameters for plans with budgets or agent loops."""

HIGH_WORDS = {
    "capability": ("correct", "wrong"),
    "safety": ("safe", "harm"),
    "benign": ("answered", "refused"),
}
"""Meanings of a high score by axis, the good one first. ``value`` = 1 is always the good one."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TaskPlan(_Frozen):
    """One task of the study, with its polarity stated.

    Attributes:
        task: Inspect task name or file, as given to ``inspect eval``.
        axis: Axis that the task measures.
        scorer: Scorer to read if the task has several.
        key: Key to read if that scorer returns a dict.
        high: Meaning of a high score: one of ``HIGH_WORDS[axis]``.
        args: Arguments for the task, as ``inspect eval -T`` takes them.
    """

    task: str
    axis: Literal["capability", "safety", "benign"]
    scorer: str | None = None
    key: str | None = None
    high: str
    args: dict[str, str | int | float | bool] = {}

    @property
    def file(self) -> str:
        """The path of its Python file, as typed; "" for a registered task."""
        path = self.task.rpartition("@")[0] or self.task
        return path if path.endswith(".py") else ""

    @model_validator(mode="after")
    def _polarity(self) -> "TaskPlan":
        if self.high not in HIGH_WORDS[self.axis]:
            words = " or ".join(HIGH_WORDS[self.axis])
            raise ValueError(f"{self.task}: high={self.high!r} on the {self.axis} axis; needed: {words}")
        return self


class Plan(_Frozen):
    """All settings of a study. Exactly one of ``budgets``, ``efforts``, ``turns`` and ``loop_tokens`` is set.

    Attributes:
        model: Inspect model string, or one of Overthink's own.
        model_args: Arguments of the model's provider.
        tasks: The tasks, each with axis and polarity.
        budgets: Thinking budgets in tokens, strictly increasing, from 0.
        efforts: The provider's own reasoning levels, lowest first; whole numbers are its own caps, in tokens.
        turns: Turns of a tool-using agent loop after which it is scored, strictly increasing, from 1.
        loop_tokens: Tokens that such a loop may generate up to where it is scored, strictly increasing, from 1.
        sandbox_scoring: "unchanged" states that scoring leaves a task's sandbox as it is; a loop in a sandbox is
            scored at checkpoints only then. None states nothing.
        draws: Traces per question.
        limit: Questions per task; None for all.
        seed: Seed of the study.
        answer_tokens: Allowance for the answer, apart from the thinking budget, in tokens.
        think_format: Name of the think format.
        answer_cue: Text after the close of thinking that asks for the answer; None for the format's own.
        temperature: Sampling temperature. With `efforts` None, which sends none, unless it is stated.
        top_p: Nucleus sampling mass; as for the temperature.
        concurrency: Traces in flight at once; 1 for token-exact reruns.
        grader: Model that grades, in the role "grader".
        level: Confidence level of the intervals.
        margin: Largest negligible difference; defines "flat".
        hypothesis: Parts of the ladder with a direction each, as ``up@2000,flat@8000,down``; or boundaries in thinking
            tokens of regimes, which claim nothing; None for none.
        primary: Primary curves, a family of their own, each named by axis, task, arm or TASK/ARM, with * for any
            letters; none if all curves are one family.
        k_reference: Thinking tokens at K (thinking) = 1, on all axes; of a loop, generated tokens. None for the lowest
            thinking budget that all curves have.
        controls: Control rows beside the forced ladder, to separate effects of forcing and thinking.
        judge_traces: Score the thinking itself, too, with a scorer that marks a property of any text.
        trace_scorer: Scorers of the thinking, the first that a task has is used: "thought", which comes with the
            built-in tasks; "own", which states that the task's own scorer marks no refusals; or a scorer of the task,
            as SCORER.KEY:high=WORD. Empty for the tasks' own where it is known what they mark.
        until: Precision target; ``draws`` is then the first wave. None for a fixed number of draws.
        max_draws: Maximum draws of a question with ``until``.
        resamples: Continuations sampled from each rung of a trace, to estimate commitment.
        resample_at: At every rung, or by bisection between rungs whose outcomes differ.
        arms: Strategies and interventions compared on the same questions and draws.
        component_files: SHA-256 of every file that arms, think format and tasks name, by path; set when the plan is
            opened.

    Raises:
        InputError: Fields are missing or wrong, and the message lists all.
    """

    schema_: Literal["overthink.plan/1"] = Field(default="overthink.plan/1", alias="schema")
    overthink: str = __version__
    model: str
    model_args: dict[str, str | int | float | bool] = {}
    tasks: tuple[TaskPlan, ...] = Field(min_length=1)
    budgets: tuple[Annotated[int, Field(ge=0, le=MOST_TOKENS)], ...] | None = None
    efforts: tuple[str, ...] | None = None
    turns: tuple[Annotated[int, Field(ge=1, le=MOST_TOKENS)], ...] | None = None
    loop_tokens: tuple[Annotated[int, Field(ge=1, le=MOST_TOKENS)], ...] | None = None
    sandbox_scoring: Literal["unchanged"] | None = None
    draws: int = Field(ge=1, le=MOST_DRAWS)
    limit: int | None = Field(default=None, ge=1, le=MOST_TOKENS)
    seed: int = Field(ge=0, lt=2**63)
    answer_tokens: int = Field(default=32, ge=1, le=MOST_TOKENS)
    think_format: str = "plain"
    answer_cue: str | None = None
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    concurrency: int = Field(default=8, ge=1, le=MOST_DRAWS)
    grader: str | None = None
    level: float = Field(default=0.95, gt=0, lt=1)
    margin: float = Field(default=0.05, gt=0, lt=1)
    hypothesis: tuple[Annotated[int, Field(gt=0)], ...] | str | None = None
    primary: tuple[str, ...] = ()
    k_reference: float | None = None
    controls: tuple[Literal["sham", "truncated", "natural"], ...] = ()
    judge_traces: bool = False
    trace_scorer: tuple[str, ...] = ()
    until: Until | None = None
    max_draws: int | None = Field(default=None, ge=1, le=MOST_DRAWS)
    resamples: int | None = Field(default=None, ge=2, le=1000)
    resample_at: Literal["every", "bisect"] = "every"
    arms: tuple[ArmPlan, ...] = Field(default=(BASE,), min_length=1)
    component_files: dict[str, str] = {}

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    if not TYPE_CHECKING:  # checkers take the parameters from the fields

        def __init__(self, **fields: Any) -> None:
            try:
                super().__init__(**fields)
            except UnicodeEncodeError as failure:  # of a message about half a surrogate pair
                raise InputError(f"{name_text(failure.object)[:200]} (it is not in UTF-8)") from failure
            except ValidationError as failure:
                raise InputError("; ".join(map(_fault_text, failure.errors()))) from failure

        __init__.__pydantic_base_init__ = True  # what is stored is validated without it, and keeps its own errors

    @model_validator(mode="before")
    @classmethod
    def _sampling_defaults(cls, fields: Any) -> Any:
        """Set default sampling parameters, except with `efforts`, where the provider's defaults apply."""
        if not isinstance(fields, dict) or fields.get("efforts") is not None:
            return fields
        open_ = {"temperature": TEMPERATURE, "top_p": TOP_P}
        return fields | {name: value for name, value in open_.items() if fields.get(name) is None}

    @model_validator(mode="before")
    @classmethod
    def _hypothesis_text(cls, fields: Any) -> Any:
        """Read a hypothesis that is text: boundaries become numbers, directions one spelling."""
        if not isinstance(fields, dict) or not isinstance(fields.get("hypothesis"), str):
            return fields
        regimes, parts = regimes_and_parts(fields["hypothesis"])
        return fields | {"hypothesis": regimes if parts is None else hypothesis_text(parts)}

    @model_validator(mode="before")  # the last of its kind runs first: no other message may quote such a text
    @classmethod
    def _storable(cls, fields: Any) -> Any:
        """Refuse texts that cannot be stored, and complex numbers, of which only the real part would be read."""
        for name, value in fields.items() if isinstance(fields, dict) else ():
            if isinstance(value, str) and not is_text(value):
                raise ValueError(
                    f"{name} {name_text(value)[:80]} is not in UTF-8; needed: a text that a plan can store"
                )
            values = value if isinstance(value, list | tuple) else (value,)
            if any(isinstance(part, Complex) and not isinstance(part, Real) for part in values):
                raise ValueError(f"{name} holds a complex number; needed: real ones")
        return fields

    @model_validator(mode="after")
    def _whole(self) -> "Plan":
        ladders = (self.budgets, self.efforts, self.turns, self.loop_tokens)
        if sum(rungs is not None for rungs in ladders) != 1:
            raise ValueError("a plan needs either budgets or efforts or turns or loop_tokens, exactly one of them")
        if not any(ladders):
            raise ValueError("the ladder has no rung; needed: one or more in budgets, efforts, turns or loop_tokens")
        for name in ("budgets", "turns", "loop_tokens"):
            steps = getattr(self, name) or ()
            if list(steps) != sorted(set(steps)):
                text, suggestion = (",".join(map(str, some)) for some in (steps, sorted(set(steps))))
                raise ValueError(f"{name} {text} are not strictly increasing; give {suggestion}")
        if self.efforts is not None and len(set(self.efforts)) < len(self.efforts):
            raise ValueError(f"efforts {','.join(self.efforts)} name a level twice")
        self._caps()
        self._hypothesis_on_ladder()
        self._reference()
        self._control_options()
        self._waves()
        for kind, args in (("model", self.model_args), *(("task", task.args) for task in self.tasks)):
            for name in (name for name, value in args.items() if holds_secret(name, value)):
                raise ValueError(secret_fault(f"{kind} argument {name!r}"))
        names = [(t.task, t.scorer, t.key) for t in self.tasks]
        if len(set(names)) < len(names):
            raise ValueError("a task is named twice")
        return self

    def _caps(self) -> None:
        """Check that caps increase and are not mixed with level names, whose order is the evaluator's choice."""
        caps = [int(effort) for effort in self.efforts or () if effort.isdecimal()]
        if caps and len(caps) < len(self.efforts or ()):
            raise ValueError(
                f"efforts {','.join(self.efforts or ())} mix levels and caps in tokens, which are two curves; "
                "give one kind, and run the other in a study of its own"
            )
        if caps != sorted(set(caps)):
            raise ValueError(f"efforts {caps} are not strictly increasing; give {sorted(set(caps))}")

    def _control_options(self) -> None:
        """Check that control options come with a forced ladder, and loop options with an agent loop."""
        options = {
            "--controls": self.controls,
            "--judge-traces": self.judge_traces,
            "--resample": self.resamples,
            "--arms": self.arms != (BASE,),
        }
        ladder_options = [option for option, value in options.items() if value]
        if self.budgets is None and ladder_options:
            raise ValueError(
                f"{ladder_options[0]} belongs to a forced ladder, and this plan has {self._kind}; leave it out"
            )
        if self.sandbox_scoring is not None and self.checkpoints is None:
            raise ValueError(
                f"--sandbox-scoring belongs to a loop of tool calls, and this plan has {self._kind}; leave it out"
            )
        if self.trace_scorer and not self.judge_traces:
            raise ValueError("--trace-scorer names what judges the thinking, which is not judged; add --judge-traces")
        check_labels(self.arms)
        check_placebos(self.arms)
        if ladder_options and ladder_options[0] != "--arms" and not any(arm.parts == BASE.parts for arm in self.arms):
            raise ValueError(f"{ladder_options[0]} stands beside the plain ladder; add base to --arms, or leave it out")
        if len(set(self.controls)) < len(self.controls):
            raise ValueError(f"controls {','.join(self.controls)} name one twice")

    def _waves(self) -> None:
        """Check that adaptive draws have a first wave, a cap, and one arm on a ladder."""
        if self.until is None:
            if self.max_draws is not None:
                raise ValueError(f"--max-draws {self.max_draws} caps --until, which is not given; use --draws")
            return
        if self.budgets is None:
            raise ValueError(f"--until belongs to a ladder, and this plan has {self._kind}; give --draws alone")
        if len(self.arms) > 1:
            raise ValueError(f"--until spends draws on one arm, and there are {len(self.arms)}; run each in a study")
        if self.draws < 2:
            raise ValueError("--until with --draws 1: one draw does not show how much draws vary; needed: 2 or more")
        if self.max_draws is None:
            raise ValueError("--until needs --max-draws, the most draws that a question may get; 8 times --draws, say")
        if self.max_draws <= self.draws:
            raise ValueError(
                f"--max-draws {self.max_draws} leaves nothing beyond the first wave of --draws {self.draws}; "
                "needed: more than that"
            )

    @property
    def _kind(self) -> str:
        """Command-line option of the plan's ladder."""
        if self.checkpoints is not None:
            return self.checkpoints.option
        return "--budgets" if self.efforts is None else "--efforts"

    @property
    def checkpoints(self) -> Checkpoints | None:
        """Checkpoints of the agent loop; None without a loop."""
        if self.turns is not None:
            return Checkpoints("turns", self.turns)
        return None if self.loop_tokens is None else Checkpoints("tokens", self.loop_tokens)

    @property
    def most_draws(self) -> int:
        """Maximum draws of a question."""
        return self.draws if self.max_draws is None else self.max_draws

    def _hypothesis_on_ladder(self) -> None:
        """Check that every regime of the hypothesis contains a rung, and every part two."""
        if self.hypothesis is None:
            return
        if self.checkpoints is not None:
            counts = {"turns": "turns", "tokens": "all generated tokens"}[self.checkpoints.unit]
            raise ValueError(
                f"--hypothesis has edges in thinking tokens, and {self._kind} counts {counts}; leave it out"
            )
        edges, parts = regimes_and_parts(self.hypothesis)
        if edges is not None:
            self._regimes(edges)
        elif parts is not None and self.budgets is not None:
            part_rungs(parts, self.budgets)

    def _regimes(self, edges: tuple[float, ...]) -> None:
        if not edges or list(edges) != sorted(set(edges)):
            raise ValueError(f"hypothesis {edges} does not increase; give boundaries in tokens, such as 2000,8000")
        regimes = {bisect_left(edges, budget) for budget in self.budgets or range(0)}
        empty = sorted(set(range(len(edges) + 1)) - regimes)
        if self.budgets is not None and empty:
            low = "0" if not empty[0] else f"{edges[empty[0] - 1] + 1:,}"
            high = f"to {edges[empty[0]]:,}" if empty[0] < len(edges) else "upwards"
            raise ValueError(
                f"the hypothesis {','.join(map(str, edges))} has a regime without a rung (from {low} {high} tokens); "
                "add a budget there to --budgets, or move the boundaries"
            )

    def _reference(self) -> None:
        """Check that the reference of K is above 0 and not beyond the ladder, where that states its tokens."""
        caps = [int(effort) for effort in self.efforts or () if effort.isdecimal()]
        tokens = self.budgets or self.loop_tokens or caps
        top, unit = float(max(tokens)) if tokens else None, "thinking tokens"
        if self.k_reference is not None and (
            fault := reference_fault(
                self.k_reference, top=top, unit="generated tokens of a loop" if self.loop_tokens else unit
            )
        ):
            raise ValueError(fault)

    @property
    def title(self) -> str:
        """Model and tasks as one line."""
        return f"{self.model}: {', '.join(task.task for task in self.tasks)}"

    def with_component_files(self) -> "Plan":
        """Return the plan with the hashes of the files that it names now: components, and tasks with their scorers.

        Raises:
            InputError: A component file is not there, or cannot be loaded.
        """
        texts = [self.think_format, *(part for arm in self.arms for part in arm.parts)]
        texts += [value for arm in self.arms for value in arm.settings.values() if isinstance(value, str)]
        files = sorted({task.file for task in self.tasks if path_kind(Path(task.file)) == "a file"})
        of_tasks = {file: file_sha256(Path(file), follow=True) for file in files}
        return self.model_copy(update={"component_files": of_tasks | referenced_files(texts)})

    def to_json(self) -> str:
        """Return the plan as stored and hashed: sorted keys, defaults included.

        Primary curves, trace scorers, the reference of K and component files are included only if there are any.
        """
        optional = ("primary", "trace_scorer", "k_reference", "component_files")
        undeclared = {name for name in optional if getattr(self, name) in ((), None, {})}
        return self.model_dump_json(by_alias=True, indent=1, exclude=undeclared) + "\n"

    def sha256(self) -> str:
        """Return the hash of :meth:`to_json`, which findings contain."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _fault_text(fault: Mapping[str, Any]) -> str:
    text = f"{'.'.join(map(str, fault['loc'])) or 'plan'}: {fault['msg'].removeprefix('Value error, ')}"
    return text if fault["type"] == "value_error" else f"{text} (given: {str(fault['input'])[:80]})"


def checked_plan(**fields: Any) -> Plan:
    """Return a plan from its fields.

    Raises:
        InputError: Fields are missing or wrong, and the message lists all; or a name is no text that can be stored.
    """
    plan = Plan(**fields)
    for name, value in plan.model_dump().items():
        text = json.dumps(value, ensure_ascii=False, default=str)
        if not is_text(text):
            raise InputError(f"{name}: {name_text(text)[:200]} is not in UTF-8; needed: names that a plan can store")
    return plan
