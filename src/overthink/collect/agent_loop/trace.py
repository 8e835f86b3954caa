"""One trace of an agent loop: turns until no tool is called, scored at intermediate checkpoints.

The task keeps its prompt, its tools and its parsing; a task without tools gets a calculator. At a checkpoint the scorer
sees the conversation so far, after the steps that the task's solver applies behind `generate`.

A checkpoint is a maximum number of turns or of generated tokens: the state after the last turn within it. Whether a
turn exceeds a checkpoint is known after the model's reply and before its tools change anything: the state before the
turn is scored then.
"""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool, ContentText, execute_tools
from inspect_ai.solver import Generate, TaskState
from inspect_ai.tool import ToolFunction

from overthink.collect.agent_loop.replay import LoopReplay, snapshot, state_setter, take_over
from overthink.collect.agent_loop.rows import Checkpoint, LoopAccounting, loop_rows
from overthink.collect.arms.strategies.calculator import calculator
from overthink.collect.ladder.sampling import seed_for
from overthink.collect.scoring.judging import AnswerJudge, Judgement
from overthink.collect.scoring.replay import Call
from overthink.collect.session.task_run import TaskRun, TraceRun
from overthink.data.record import Estimand, RungRecord, Verdict
from overthink.data.tokens import NO_USAGE
from overthink.errors import InputError
from overthink.plan.schedule import Checkpoints
from overthink.plan.study import Plan

MAX_TOOL_OUTPUT = 16 * 1024
"""Maximum bytes of one tool output; Inspect cuts plain texts at this limit, but not content parts."""


async def ask(state: TaskState, generate: Generate, settings: Mapping[str, Any], accounting: LoopAccounting) -> bool:
    """Call the model once, without executing its tool calls.

    Args:
        state: The conversation, which is extended.
        generate: Inspect's `generate`.
        settings: Settings of the call.
        accounting: Accounting of the loop.

    Returns:
        Whether the model requests tool calls.

    Raises:
        Exception: The model gave no answer.
    """
    with accounting.asking():
        await generate(state, tool_calls="none", **settings)
    if state.output.usage is None:
        accounting.mark_uncounted()
    if state.output.error or state.output.empty:
        raise RuntimeError(state.output.error or f"{state.model} answered with no choice")
    message = state.messages[-1]
    return isinstance(message, ChatMessageAssistant) and bool(message.tool_calls)


async def call_tools(state: TaskState, settings: Mapping[str, Any], accounting: LoopAccounting) -> None:
    """Execute the tool calls that the model has requested.

    An expected failure of a tool is returned to the model as its result.

    Args:
        state: The conversation, which is extended.
        settings: Settings of the call that requested them.
        accounting: Accounting of the tools' own model calls.

    Raises:
        Exception: A tool crashed.
    """
    with accounting.working():
        answers, output = await execute_tools(state.messages, state.tools, settings.get("max_tool_output"))
    state.messages.extend(_limit_texts(message) for message in answers)
    if output is not None:  # output of an agent after a handoff
        state.output = output
    if isinstance(state.tool_choice, ToolFunction):  # a forced call is forced only once
        state.tool_choice = "auto"


def _limit_texts(message: ChatMessage) -> ChatMessage:
    """Return a tool message with content parts cut to the maximum length. Plain texts were cut by Inspect."""
    if not isinstance(message, ChatMessageTool) or isinstance(message.content, str):
        return message
    parts = [
        part.model_copy(update={"text": _cut(part.text)}) if isinstance(part, ContentText) else part
        for part in message.content
    ]
    return message.model_copy(update={"content": parts})


def _cut(text: str) -> str:
    data = text.encode()
    if len(data) <= MAX_TOOL_OUTPUT:
        return text
    half = MAX_TOOL_OUTPUT // 2
    start, end = (part.decode(errors="ignore") for part in (data[:half], data[-half:]))
    return f"{start}\n… {len(data) - 2 * half:,} bytes left out …\n{end}"


NO_COMPLETE_TURN = "not one turn of the loop kept to {label}"
PASSED_BY_TOOLS = "a tool's own calls of the model passed {label}: how its world stood before it is not there any more"

_OVERRIDDEN_OPTIONS = ("tool_calls", "cache", "max_tokens")
"""Options of a solver's `generate` that are not used: draws must differ, and a cap would truncate a call."""


class ScoreState(Protocol):
    """Scorer of trace states, each for the next checkpoint."""

    async def __call__(self, current: TaskState, *, is_end: bool, is_cut: bool) -> None:
        """Score a state; flags: the loop ended there, its last output was truncated."""


class LoopTrace(TraceRun[LoopAccounting]):
    """One trace of an agent loop while it is being collected.

    Args:
        run: The task.
        replay: The task's solver.
        judge: The task's scorer.
        question: Question id.
        draw: Index of the trace among those of the question.
    """

    estimand = Estimand.CHECKPOINT

    def __init__(self, run: TaskRun, replay: LoopReplay, judge: AnswerJudge, question: str, draw: int) -> None:
        super().__init__(run, LoopAccounting(run.clock), judge.name, question, draw)
        self._replay, self._judge = replay, judge
        self._checkpoints = checkpoints_of(run.plan)
        self._at = self._checkpoints.at
        self._ends: list[int] = []  # by turn: number of usage entries at its end
        self._results: list[Checkpoint] = []

    def _is_open(self) -> bool:
        """Return whether a checkpoint remains."""
        return len(self._results) < len(self._at)

    async def collect(self, state: TaskState, generate: Generate) -> None:
        """Run turns until no tool is called or the last checkpoint is passed; score at every checkpoint.

        Args:
            state: The sample; the loop modifies it, so that tools and the log see the conversation.
            generate: Inspect's generate function.

        Raises:
            InputError: The task cannot be run as a loop (before any cost), or the provider counts no tokens and the
                checkpoints are in tokens.
        """
        pristine = copy.deepcopy(state)
        call = await self._replay.call(pristine)
        await self._replay.process_completion(pristine, "")  # refuses what cannot be replayed before any cost
        take_over(state, call.state)
        if not state.tools:
            state.tools = [calculator()]

        async def score(current: TaskState, *, is_end: bool, is_cut: bool) -> None:
            after = await self._replay.process(pristine, state_setter(current))
            with self.accounting.judging():
                judgement = await self._judge(after, current.target, is_truncated=is_cut)
            entries = len(self.accounting.entries)
            self._add_result(Checkpoint(self._ends[-1], entries, is_end, is_cut, judgement), current.output.completion)

        while self._is_open():
            before, settings = snapshot(state), self._settings(call)
            calls_tools = await ask(state, generate, settings, self.accounting)
            self._check_token_count(calls_tools=calls_tools)
            await self._settle_checkpoints(before, score)
            if not self._is_open():
                return
            if calls_tools and not state.completed:
                await call_tools(state, settings, self.accounting)
                self._mark_unscorable(self._n_passed(), PASSED_BY_TOOLS, Verdict.UNPARSED)
            self._ends.append(len(self.accounting.entries))
            is_end = not calls_tools or state.completed
            if self._is_open() and (is_end or self._progress() == self._at[len(self._results)]):
                is_cut = not calls_tools and state.output.stop_reason in ("max_tokens", "model_length")
                await score(state, is_end=is_end, is_cut=is_cut)
            if is_end:
                self._carry_forward(len(self._at))

    def _settings(self, call: Call) -> dict[str, Any]:
        """Return the generation options of the next turn: the solver's, with the plan's sampling."""
        plan, turn = self.run.plan, len(self._ends) + 1
        settings = {name: value for name, value in call.options.items() if name not in _OVERRIDDEN_OPTIONS}
        settings |= {"temperature": plan.temperature, "seed": seed_for(self.seed, "turn", turn)}
        return settings if plan.top_p == 1 else settings | {"top_p": plan.top_p}  # some providers accept only one

    def _progress(self) -> int:
        """Return the number of turns, or of tokens, so far; an unfinished turn counts."""
        entries = self.accounting.entries
        if self._checkpoints.unit == "turns":
            return len(self._ends) + (len(entries) > self._last_turn_end)
        return sum(self.accounting.usage(), NO_USAGE).decoded_tokens or 0

    def _n_passed(self) -> int:
        """Return how many checkpoints the trace has exceeded."""
        progress = self._progress()
        return sum(limit < progress for limit in self._at)

    def _check_token_count(self, *, calls_tools: bool) -> None:
        """Check that the provider counts tokens if the checkpoints are in tokens.

        Raises:
            InputError: It has counted none in this run.
            RuntimeError: It counted none in this turn.
        """
        count = self.accounting.usage()[-1].decoded_tokens
        if self._checkpoints.unit == "turns" or count or (count == 0 and not calls_tools):
            return
        message = f"{self.run.plan.model} does not say how many tokens it generated, and --loop-tokens counts them"
        if self._ends or self.run.finished:
            raise RuntimeError(f"{message}: turn {len(self._ends) + 1} has no count")
        raise InputError(f"{message}; give --turns 1,2,4,8 instead, or a provider that reports its usage")

    async def _settle_checkpoints(self, before: TaskState, score: ScoreState) -> None:
        """Assign the state before this turn to all checkpoints that the turn exceeded."""
        n_passed = self._n_passed()
        if n_passed <= len(self._results):
            return
        if not self._ends:
            self._mark_unscorable(n_passed, NO_COMPLETE_TURN, Verdict.TRUNCATED)
            return
        if not (self._results and self._results[-1].n_entries == self._last_turn_end):  # else it was scored last
            await score(before, is_end=False, is_cut=False)
        self._carry_forward(n_passed)

    @property
    def _last_turn_end(self) -> int:
        """Number of usage entries at the end of the last complete turn."""
        return self._ends[-1] if self._ends else 0

    def _mark_unscorable(self, end: int, why: str, verdict: Verdict) -> None:
        """Mark the checkpoints before ``end`` as having no state that could be scored."""
        while len(self._results) < end:
            judgement = Judgement(
                None, verdict, None, 0, why.format(label=self._checkpoints.labels[len(self._results)])
            )
            is_cut = verdict is Verdict.TRUNCATED
            self._add_result(
                Checkpoint(self._last_turn_end, len(self.accounting.entries), False, is_cut, judgement), ""
            )

    def _carry_forward(self, end: int) -> None:
        """Carry the last scored state forward to the checkpoints before ``end``; it is not scored again."""
        last = self._results[-1]
        judgement = Judgement(last.judgement.value, last.judgement.verdict, last.judgement.answer, 0, None)
        repeat = replace(last, n_settled=len(self.accounting.entries), judgement=judgement)
        self._results += [repeat] * (end - len(self._results))

    def _add_result(self, checkpoint: Checkpoint, completion: str) -> None:
        rung, explanation = len(self._results), checkpoint.judgement.explanation
        self._results.append(checkpoint)
        self.texts.append({"rung": rung, "answer": completion, "explanation": explanation})

    def rows(self, error: str | None) -> list[RungRecord]:
        """Return one row per checkpoint: ended traces carried forward, checkpoints lost to an error as errored."""
        return loop_rows(self.blank, self._checkpoints, self.accounting, results=self._results, error=error)


def checkpoints_of(plan: Plan) -> Checkpoints:
    """Return the checkpoints of a plan of agent loops."""
    assert plan.checkpoints is not None
    return plan.checkpoints
