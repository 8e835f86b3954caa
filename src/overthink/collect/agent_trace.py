"""One trace of an agent loop: turns until no tool is called, scored at the checkpoints on its way.

The task keeps its prompt, its tools and its parsing; one that brings no tools gets a calculator. What the scorer sees
at a checkpoint is the conversation as it stands there, put through what the task's solver does behind `generate`.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from inspect_ai.scorer import Scorer
from inspect_ai.solver import Generate, Solver, TaskState

from overthink.collect.boundary import Boundary
from overthink.collect.judging import Judge, Judgement
from overthink.collect.keeper import Keeper
from overthink.collect.loop_replay import LoopReplay, putting, take_over
from overthink.collect.replay import Call
from overthink.collect.seeds import seed_for
from overthink.collect.tools.calculator_tool import calculator
from overthink.collect.turn import Turn, take_turn
from overthink.collect.way_of import trace_seed
from overthink.core.added_rungs import Row
from overthink.core.record import Axis, Estimand, RungRecord, Verdict
from overthink.core.usage import counts_thinking_apart, split_output
from overthink.core.verdict import verdict_of
from overthink.plan import Plan, TaskPlan

ARM = "base"
"""The arm of an agent loop in the pool: there is one."""

_OURS = ("tool_calls", "cache", "max_tokens")
"""Settings of a solver's `generate` that do not apply: draws must differ, and a cap would cut a call off."""


@dataclass(frozen=True)
class AgentTask:
    """Everything the loop needs to know of one task.

    Attributes:
        study: Name of the study.
        plan: The study's plan; it has turns.
        task: The task's part of the plan.
        name: The task's name in the pool.
        solver: The task's own solver.
        scorers: The task's own scorers.
        keeper: What is there already, and who keeps what is new.
        boundary: Where failures are caught.
        draws: By question: the draws to collect; the first epoch is the first of them.
        kept: Traces whose rows were handed over.
    """

    study: str
    plan: Plan
    task: TaskPlan
    name: str
    solver: Solver
    scorers: Sequence[Scorer]
    keeper: Keeper
    boundary: Boundary
    draws: Mapping[str, Sequence[int]]
    kept: set[Row] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state that was scored.

    Attributes:
        turns: Turns so far.
        ended: The loop ended here.
        cut: The model's output hit a limit here.
        judged: What the scorer said.
    """

    turns: int
    ended: bool
    cut: bool
    judged: Judgement


@dataclass
class AgentTrace:
    """One trace of an agent loop while it is being collected.

    Attributes:
        work: Its task.
        scorer: Name of the scorer.
        question: The question.
        draw: Which trace of it.
        texts: What was answered and said of it at each checkpoint, for the log.
    """

    work: AgentTask
    scorer: str
    question: str
    draw: int
    texts: list[dict[str, Any]] = field(default_factory=list)
    _turns: list[Turn] = field(default_factory=list)
    _scored: list[Checkpoint] = field(default_factory=list)

    @property
    def name(self) -> Row:
        """What names the trace in its study."""
        return self.work.name, ARM, self.question, self.draw

    async def collect(self, replay: LoopReplay, judge: Judge, state: TaskState, generate: Generate) -> None:
        """Take turns until no tool is called or the last checkpoint is reached; score at every checkpoint.

        Args:
            replay: The task's solver.
            judge: The task's scorer.
            state: The sample; the loop runs on it, so that tools and the log see the conversation.
            generate: Inspect's own.

        Raises:
            InputError: The task does not fit a loop; then nothing was paid.
        """
        pristine = copy.deepcopy(state)
        call = await replay.call(pristine)
        await replay.answered(pristine, "")  # a solver that cannot be replayed is found before anything is paid
        take_over(state, call.state)
        if not state.tools:
            state.tools = [calculator()]
        wanted = self.work.plan.turns or ()
        for turn in range(1, wanted[-1] + 1):
            taken = await take_turn(state, generate, self._settings(call, turn))
            self._turns.append(taken)
            ended = not taken.called or state.completed
            if ended or turn in wanted:
                cut = not taken.called and state.output.stop_reason in ("max_tokens", "model_length")
                after = await replay.processed(pristine, putting(state))
                judged = await judge(after, state.target, truncated=cut)
                self._keep(Checkpoint(turn, ended, cut, judged), state.output.completion)
            if ended:
                return

    def _settings(self, call: Call, turn: int) -> dict[str, Any]:
        """How the model is asked in a turn: as the solver asks, with the plan's sampling."""
        plan = self.work.plan
        settings = {name: value for name, value in call.options.items() if name not in _OURS}
        settings |= {"temperature": plan.temperature, "seed": seed_for(trace_seed(plan, self.name), "turn", turn)}
        return settings if plan.top_p == 1 else settings | {"top_p": plan.top_p}  # some providers take only one

    def _keep(self, checkpoint: Checkpoint, completion: str) -> None:
        turns = self.work.plan.turns or ()
        rung = next(rung for rung, most in enumerate(turns) if checkpoint.turns <= most)
        self._scored.append(checkpoint)
        self.texts.append({"rung": rung, "answer": completion, "explanation": checkpoint.judged.explanation})

    def rows(self, error: str | None = None) -> list[RungRecord]:
        """One row per checkpoint. A trace that had ended is carried on; what an error cut off says so.

        Args:
            error: What ended the trace before its last checkpoint; None where nothing did.
        """
        made: list[RungRecord] = []
        apart = counts_thinking_apart((turn.thinking, turn.output) for turn in self._turns)
        below = 0
        for rung, most in enumerate(self.work.plan.turns or ()):
            here = next((one for one in self._scored if below < one.turns <= most), None)
            if here is not None:
                made.append(self._row(rung, here, self._turns[: here.turns], below=below, apart=apart))
                below = here.turns
            elif self._scored and self._scored[-1].ended:
                last = self._scored[-1]
                judged = Judgement(last.judged.value, last.judged.verdict, last.judged.answer, 0, None)
                carried = Checkpoint(last.turns, True, last.cut, judged)
                made.append(self._row(rung, carried, self._turns, below=below, apart=apart))
            else:
                why = error or "the trace has no score here"
                made.append(self._record(rung, verdict=Verdict.ERRORED, error=why))
        return made

    def _row(self, rung: int, here: Checkpoint, turns: Sequence[Turn], *, below: int, apart: bool) -> RungRecord:
        judged, new = here.judged, turns[below:]
        verdict = judged.verdict
        if not here.ended and judged.value is not None:  # on its way it has not failed to answer
            verdict = verdict_of(judged.value, Axis(self.work.task.axis))
        return self._record(
            rung,
            verdict=verdict,
            value=judged.value,
            thinking_tokens=_sum(turn.thinking for turn in turns),
            generated_tokens=_sum(split_output(turn.thinking, turn.output, apart=apart)[0] for turn in new),
            prompt_tokens=_sum(turn.prompt for turn in new),
            cached_tokens=_sum(turn.cached for turn in new),
            verifier_tokens=0,
            judge_tokens=judged.judge_tokens,
            natural_end=here.ended and not here.cut,
            truncated=here.cut,
            answer=judged.answer,
        )

    def _record(self, rung: int, **seen: Any) -> RungRecord:
        return RungRecord(
            study=self.work.study,
            arm=ARM,
            axis=Axis(self.work.task.axis),
            task=self.work.name,
            scorer=self.scorer,
            question=self.question,
            draw=self.draw,
            rung=rung,
            estimand=Estimand.CHECKPOINT,
            effort=turns_label((self.work.plan.turns or ())[rung]),
            seed=trace_seed(self.work.plan, self.name),
            **seen,
        )


def turns_label(turns: int) -> str:
    """A checkpoint in words.

    Example:
        >>> turns_label(1), turns_label(8)
        ('1 turn', '8 turns')
    """
    return f"{turns} turn" if turns == 1 else f"{turns} turns"


def _sum(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total
