"""One trace of an agent loop: turns until no tool is called, scored at the checkpoints on its way.

The task keeps its prompt, its tools and its parsing; one that brings no tools gets a calculator. What the scorer sees
at a checkpoint is the conversation as it stands there, put through what the task's solver does behind `generate`.

A checkpoint is at most so many turns, or so many generated tokens: the state behind the last turn that kept to it. That
a turn passes a checkpoint is known once the model has spoken, and before its tools have changed anything: there the
state before it is scored.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from inspect_ai.scorer import Scorer
from inspect_ai.solver import Generate, Solver, TaskState

from overthink.collect.boundary import Boundary
from overthink.collect.judging import Judge, Judgement
from overthink.collect.keeper import Keeper
from overthink.collect.loop_books import LoopBooks, generated, total
from overthink.collect.loop_replay import LoopReplay, putting, take_over, untouched
from overthink.collect.loop_rows import Checkpoint, loop_rows
from overthink.collect.replay import Call
from overthink.collect.seeds import seed_for
from overthink.collect.stopwatch import Clock
from overthink.collect.tools.calculator_tool import calculator
from overthink.collect.turn import ask, call_tools
from overthink.collect.way_of import trace_seed
from overthink.core.added_rungs import Row
from overthink.core.cut_short import CutShort
from overthink.core.record import Axis, Estimand, RungRecord, Verdict
from overthink.errors import InputError
from overthink.loop_plan import Checkpoints
from overthink.plan import Plan, TaskPlan

ARM = "base"
"""The arm of an agent loop in the pool: there is one."""

NO_TURN = "not one turn of the loop kept to {label}"
BY_TOOLS = "a tool's own calls of the model passed {label}: how its world stood before it is not there any more"

_OURS = ("tool_calls", "cache", "max_tokens")
"""Settings of a solver's `generate` that do not apply: draws must differ, and a cap would cut a call off."""


@dataclass(frozen=True)
class AgentTask:
    """Everything the loop needs to know of one task.

    Attributes:
        study: Name of the study.
        plan: The study's plan.
        checkpoints: Where its loops are scored.
        task: The task's part of the plan.
        name: The task's name in the pool.
        solver: The task's own solver.
        scorers: The task's own scorers.
        keeper: What is there already, and who keeps what is new.
        boundary: Where failures are caught.
        draws: By question: the draws to collect; the first epoch is the first of them.
        clock: Tells the time; None where nobody takes it.
        kept: Traces whose rows were handed over.
    """

    study: str
    plan: Plan
    checkpoints: Checkpoints
    task: TaskPlan
    name: str
    solver: Solver
    scorers: Sequence[Scorer]
    keeper: Keeper
    boundary: Boundary
    draws: Mapping[str, Sequence[int]]
    clock: Clock | None
    kept: set[Row] = field(default_factory=set)


class Score(Protocol):
    """Scores states of a trace, each for the next checkpoint."""

    async def __call__(self, here: TaskState, *, ended: bool, cut: bool) -> None:
        """Score a state, and say whether the loop ended there, and whether its last words were cut."""


class AgentTrace:
    """One trace of an agent loop while it is being collected.

    Attributes:
        name: What names the trace in its study.
        texts: What was answered and said of it at each checkpoint, for the log.
    """

    def __init__(self, work: AgentTask, scorer: str, question: str, draw: int) -> None:
        self.name: Row = (work.name, ARM, question, draw)
        self.texts: list[dict[str, Any]] = []
        self._work = work
        self._scorer = scorer
        self._at = work.checkpoints.at
        self._books = LoopBooks(work.clock)
        self._ends: list[int] = []  # by turn: entries in the books when it was over
        self._scored: list[Checkpoint] = []

    def _is_open(self) -> bool:
        """Whether a checkpoint is left."""
        return len(self._scored) < len(self._at)

    async def collect(self, replay: LoopReplay, judge: Judge, state: TaskState, generate: Generate) -> None:
        """Take turns until no tool is called or the last checkpoint is passed; score at every checkpoint.

        Args:
            replay: The task's solver.
            judge: The task's scorer.
            state: The sample; the loop runs on it, so that tools and the log see the conversation.
            generate: Inspect's own.

        Raises:
            InputError: The task does not fit a loop, and nothing was paid; or the provider counts no tokens, and the
                checkpoints do.
        """
        pristine = copy.deepcopy(state)
        call = await replay.call(pristine)
        await replay.answered(pristine, "")  # a solver that cannot be replayed is found before anything is paid
        take_over(state, call.state)
        if not state.tools:
            state.tools = [calculator()]

        async def score(here: TaskState, *, ended: bool, cut: bool) -> None:
            after = await replay.processed(pristine, putting(here))
            with self._books.judging():
                judged = await judge(after, here.target, truncated=cut)
            entries = len(self._books.entries)
            self._keep(Checkpoint(self._ends[-1], entries, ended, cut, judged), here.output.completion)

        while self._is_open():
            before, settings = untouched(state), self._settings(call)
            called = await ask(state, generate, settings, self._books)
            self._check_counted(called=called)
            await self._settle_passed(before, score)
            if not self._is_open():
                return
            if called and not state.completed:
                await call_tools(state, settings, self._books)
                self._leave_out(self._passed(), BY_TOOLS, Verdict.UNPARSED)
            self._ends.append(len(self._books.entries))
            ended = not called or state.completed
            if self._is_open() and (ended or self._spent() == self._at[len(self._scored)]):
                cut = not called and state.output.stop_reason in ("max_tokens", "model_length")
                await score(state, ended=ended, cut=cut)
            if ended:
                self._carry(len(self._at))

    def _settings(self, call: Call) -> dict[str, Any]:
        """How the model is asked in the next turn: as the solver asks, with the plan's sampling."""
        plan, turn = self._work.plan, len(self._ends) + 1
        settings = {name: value for name, value in call.options.items() if name not in _OURS}
        settings |= {"temperature": plan.temperature, "seed": seed_for(trace_seed(plan, self.name), "turn", turn)}
        return settings if plan.top_p == 1 else settings | {"top_p": plan.top_p}  # some providers take only one

    def _spent(self) -> int:
        """Turns, or tokens, so far; a turn counts when it has begun."""
        entries = self._books.entries
        if self._work.checkpoints.unit == "turns":
            return len(self._ends) + (len(entries) > self._kept)
        return total(generated(entries)) or 0

    def _passed(self) -> int:
        """How many checkpoints the trace has passed."""
        spent = self._spent()
        return sum(most < spent for most in self._at)

    def _check_counted(self, *, called: bool) -> None:
        """See that the provider counts tokens, where the checkpoints do.

        Raises:
            InputError: It has counted none of this run's.
            RuntimeError: It counted none of this turn's.
        """
        count = generated(self._books.entries)[-1]
        if self._work.checkpoints.unit == "turns" or count or (count == 0 and not called):
            return
        told = f"{self._work.plan.model} does not say how many tokens it generated, and --loop-tokens counts them"
        if self._ends or self._work.kept:
            raise RuntimeError(f"{told}: turn {len(self._ends) + 1} has no count")
        raise InputError(f"{told}; give --turns 1,2,4,8 instead, or a provider that reports its usage")

    async def _settle_passed(self, before: TaskState, score: Score) -> None:
        """Give the state before this turn to all checkpoints that the turn has passed."""
        passed = self._passed()
        if passed <= len(self._scored):
            return
        if not self._ends:
            self._leave_out(passed, NO_TURN, Verdict.TRUNCATED)
            return
        if not (self._scored and self._scored[-1].kept == self._kept):  # else it was scored last there
            await score(before, ended=False, cut=False)
        self._carry(passed)

    @property
    def _kept(self) -> int:
        """Entries in the books when the last whole turn was over."""
        return self._ends[-1] if self._ends else 0

    def _leave_out(self, passed: int, why: str, verdict: Verdict) -> None:
        """Mark the checkpoints up to ``passed`` that have no state which could be scored."""
        while len(self._scored) < passed:
            judged = Judgement(
                None, verdict, None, 0, why.format(label=self._work.checkpoints.labels[len(self._scored)])
            )
            cut = verdict is Verdict.TRUNCATED
            self._keep(Checkpoint(self._kept, len(self._books.entries), False, cut, judged), "")

    def _carry(self, passed: int) -> None:
        """Let the checkpoints up to ``passed`` have the state that was scored last; its scorer is not asked again."""
        last = self._scored[-1]
        judged = Judgement(last.judged.value, last.judged.verdict, last.judged.answer, 0, None)
        again = replace(last, paid=len(self._books.entries), judged=judged)
        self._scored += [again] * (passed - len(self._scored))

    def _keep(self, checkpoint: Checkpoint, completion: str) -> None:
        rung, said = len(self._scored), checkpoint.judged.explanation
        self._scored.append(checkpoint)
        self.texts.append({"rung": rung, "answer": completion, "explanation": said})

    def rows(self, error: str | None = None) -> list[RungRecord]:
        """One row per checkpoint. A trace that had ended is carried on; what an error cut off says so.

        Args:
            error: What ended the trace before its last checkpoint; None where nothing did.
        """
        work = self._work
        blank = RungRecord(
            study=work.study,
            arm=ARM,
            axis=Axis(work.task.axis),
            task=work.name,
            scorer=self._scorer,
            question=self.name[2],
            draw=self.name[3],
            rung=0,
            estimand=Estimand.CHECKPOINT,
            model=work.plan.model,
            seed=trace_seed(work.plan, self.name),
        )
        return loop_rows(blank, work.checkpoints, self._books, scored=self._scored, error=error)

    def cut_short(self) -> CutShort:
        """What was paid, for a trace whose rows nobody will keep."""
        return self._books.cut_short(self.name)
