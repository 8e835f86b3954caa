"""The plan: every decision of a study, validated whole before the first call and hashed into every result."""

import hashlib
from bisect import bisect_left
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from overthink.errors import InputError

PLAN_SCHEMA = "overthink.plan/1"

HIGH_WORDS = {
    "capability": ("correct", "wrong"),
    "safety": ("safe", "harm"),
    "benign": ("answered", "refused"),
}
"""By axis: the words for what a high score means, the good one first. ``value`` = 1 is always the good one."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskPlan(_Frozen):
    """One task of the study, with its polarity stated.

    Attributes:
        task: Inspect task name or file, as given to ``inspect eval``.
        axis: What the task measures.
        scorer: Scorer to read where the task has several.
        key: Key to read where that scorer returns a dict.
        high: What a high score means: one of ``HIGH_WORDS[axis]``.
        args: Arguments for the task, as ``inspect eval -T`` takes them.
    """

    task: str
    axis: Literal["capability", "safety", "benign"]
    scorer: str | None = None
    key: str | None = None
    high: str
    args: dict[str, str | int | float | bool] = {}

    @model_validator(mode="after")
    def _polarity(self) -> "TaskPlan":
        if self.high not in HIGH_WORDS[self.axis]:
            words = " or ".join(HIGH_WORDS[self.axis])
            raise ValueError(f"{self.task}: high={self.high!r} on the {self.axis} axis; needed: {words}")
        return self


class Plan(_Frozen):
    """Every decision of a study. Exactly one of ``budgets`` and ``efforts`` is set.

    Attributes:
        model: Inspect model string, or one of Overthink's own.
        model_args: Arguments of the model's provider.
        tasks: The tasks, each with axis and polarity.
        budgets: Thinking budgets in tokens, strictly increasing, from 0.
        efforts: The provider's own reasoning levels, lowest first; whole numbers are its own caps, in tokens.
        draws: Traces per question.
        limit: Questions per task; None for all.
        seed: Seed of the study.
        answer_tokens: Allowance for the answer, apart from the thinking budget, in tokens.
        think_format: Name of the think format.
        answer_cue: What is written after the close to ask for the answer; None for the format's own.
        temperature: Sampling temperature.
        top_p: Nucleus sampling mass.
        concurrency: Traces in flight at once; 1 for token-exact reruns.
        grader: Model that grades, in the role "grader".
        level: Confidence level of the intervals.
        margin: Largest difference that does not matter; what "flat" means.
        hypothesis: Boundaries in thinking tokens of the regimes that will be tested; None for none.
        controls: What is collected beside the forced ladder, to tell the forcing from the thinking.
        judge_traces: Score the thinking itself, too, with the task's own scorer.
    """

    schema_: Literal["overthink.plan/1"] = Field(default="overthink.plan/1", alias="schema")
    overthink: str
    model: str
    model_args: dict[str, str | int | float | bool] = {}
    tasks: tuple[TaskPlan, ...] = Field(min_length=1)
    budgets: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    efforts: tuple[str, ...] | None = None
    draws: int = Field(ge=1)
    limit: int | None = Field(default=None, ge=1)
    seed: int = Field(ge=0)
    answer_tokens: int = Field(default=32, ge=1)
    think_format: str = "plain"
    answer_cue: str | None = None
    temperature: float = Field(default=0.8, ge=0)
    top_p: float = Field(default=0.95, gt=0, le=1)
    concurrency: int = Field(default=8, ge=1)
    grader: str | None = None
    level: float = Field(default=0.95, gt=0, lt=1)
    margin: float = Field(default=0.05, gt=0, lt=1)
    hypothesis: tuple[Annotated[int, Field(gt=0)], ...] | None = None
    controls: tuple[Literal["sham", "truncated", "natural"], ...] = ()
    judge_traces: bool = False

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _whole(self) -> "Plan":
        if (self.budgets is None) == (self.efforts is None):
            raise ValueError("a plan needs either budgets or efforts, and not both")
        rungs = self.budgets if self.budgets is not None else self.efforts
        if not rungs:
            raise ValueError("the ladder has no rung")
        if self.budgets is not None and any(a >= b for a, b in zip(self.budgets, self.budgets[1:], strict=False)):
            given = ",".join(map(str, self.budgets))
            fixed = ",".join(map(str, sorted(set(self.budgets))))
            raise ValueError(f"budgets {given} are not strictly increasing; give {fixed}")
        if self.efforts is not None and len(set(self.efforts)) < len(self.efforts):
            raise ValueError(f"efforts {','.join(self.efforts)} name a level twice")
        self._caps()
        self._regimes()
        self._beside()
        secrets = [
            name for name in self.model_args if any(word in name.lower() for word in ("key", "secret", "password"))
        ]
        if secrets:
            raise ValueError(
                f"model argument {secrets[0]!r} looks like a secret, and plans are stored; set the provider's "
                "environment variable instead (OPENAI_API_KEY and the like)"
            )
        names = [(t.task, t.scorer, t.key) for t in self.tasks]
        if len(set(names)) < len(names):
            raise ValueError("a task is named twice")
        return self

    def _caps(self) -> None:
        """Caps are ordered by number; levels by name are the evaluator's to order."""
        caps = [int(effort) for effort in self.efforts or () if effort.isdecimal()]
        if caps and len(caps) < len(self.efforts or ()):
            raise ValueError(
                f"efforts {','.join(self.efforts or ())} mix levels and caps in tokens, which are two curves; "
                "give one kind, and run the other in a study of its own"
            )
        if caps != sorted(set(caps)):
            raise ValueError(f"efforts {caps} are not strictly increasing; give {sorted(set(caps))}")

    def _beside(self) -> None:
        """What is collected beside the forced ladder needs one."""
        if self.budgets is None and (self.controls or self.judge_traces):
            asked = "--controls" if self.controls else "--judge-traces"
            raise ValueError(f"{asked} belongs to a forced ladder, and this plan has --efforts; leave it out")
        if len(set(self.controls)) < len(self.controls):
            raise ValueError(f"controls {','.join(self.controls)} name one twice")

    def _regimes(self) -> None:
        """Every regime of the hypothesis must have a rung, or it could not be tested when all is paid."""
        edges = self.hypothesis
        if edges is None:
            return
        if not edges or list(edges) != sorted(set(edges)):
            raise ValueError(f"hypothesis {edges} does not increase; give boundaries in tokens, such as 2000,8000")
        seen = {bisect_left(edges, budget) for budget in self.budgets or range(0)}
        empty = sorted(set(range(len(edges) + 1)) - seen)
        if self.budgets is not None and empty:
            low = "0" if not empty[0] else f"{edges[empty[0] - 1] + 1:,}"
            high = f"to {edges[empty[0]]:,}" if empty[0] < len(edges) else "upwards"
            raise ValueError(
                f"the hypothesis {','.join(map(str, edges))} has a regime without a rung (from {low} {high} tokens); "
                "add a budget there to --budgets, or move the boundaries"
            )

    @property
    def title(self) -> str:
        """Model and tasks in a line."""
        return f"{self.model}: {', '.join(task.task for task in self.tasks)}"

    def to_json(self) -> str:
        """The plan as it is stored and hashed: sorted keys, no default left out."""
        return self.model_dump_json(by_alias=True, indent=1) + "\n"

    def sha256(self) -> str:
        """Hash of :meth:`to_json`; findings carry it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def checked_plan(**fields: Any) -> Plan:
    """A plan from its fields.

    Raises:
        InputError: Some field is missing or wrong; all of them are listed.
    """
    try:
        return Plan(**fields)
    except ValidationError as failure:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'plan'}: {fault['msg'].removeprefix('Value error, ')}"
            + ("" if fault["type"] == "value_error" else f" (given: {str(fault['input'])[:80]})")
            for fault in failure.errors()
        ]
        raise InputError("; ".join(faults)) from failure
