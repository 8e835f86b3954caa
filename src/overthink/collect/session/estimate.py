"""Estimate of a plan before it runs: calls, tokens, and USD as far as prices are known."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from inspect_ai.model import Model

from overthink.collect.arms.interventions.control import ControlProtocol
from overthink.collect.arms.interventions.protocols import Protocol
from overthink.collect.arms.registry import Arm
from overthink.cost.estimate import AmountRange, Estimate, Rates, bill
from overthink.cost.prices import is_own, per_million, rates_of
from overthink.data.tokens import total
from overthink.plan.study import Plan

JUDGE_TEMPLATE_TOKENS = 400
"""Prompt tokens of a grader's instructions, without question and answer."""

JUDGE_DECODED_TOKENS = (20, 500)
"""Tokens decoded by a grader: a verdict only, or a verdict with reasons."""

ESTIMATE_STEP_TOKENS = 16
"""Assumed tokens per step of a stepwise arm."""

REVIEW_PROMPT_TOKENS = 250
"""Prompt tokens of a monitor's instructions, without what it reads."""

_OF_STEPS = (
    f"calls and prompt tokens of arms that think in steps are estimated with steps of {ESTIMATE_STEP_TOKENS} tokens, "
    "and may be more; what guards and verifiers read and write comes on top"
)
_OF_TURNS = (
    "the turns of a loop are bounded, and tokens are not: a task's own caps on output, tokens and messages are lifted; "
    "what tools cost is not counted"
)
_OF_LOOP_TOKENS = (
    "the turn that passes the highest checkpoint is paid whole, and is part of no state; a task's own caps on output, "
    "tokens and messages are lifted; what tools cost is not counted"
)
_OF_REVIEWS = (
    "protocols of control ask monitors and trusted models at most {calls:,} times, on top of the calls of the model "
    "under test"
)
_NO_CHARGE = "no charge: the model runs on this machine"


@dataclass(frozen=True, slots=True)
class TaskWorkload:
    """Workload of one task.

    Attributes:
        name: Name of the task.
        questions: Number of questions.
        prompt_tokens: Mean length of a prompt, with the text that opens the thinking.
        graders: Models that grade its answers.
        cue_tokens: Length of the text that closes the thinking and cues the answer.
        longest_prompt_tokens: Length of the longest prompt that was counted.
        arm_prompt_tokens: Mean length of a prompt by arm, of those that change it.
    """

    name: str
    questions: int
    prompt_tokens: int
    graders: tuple[str, ...]
    cue_tokens: int
    longest_prompt_tokens: int
    arm_prompt_tokens: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _TraceWork:
    """Calls and tokens of one trace; ranges from a trace that ends its thinking at once to the maximum."""

    calls: int
    prompt: AmountRange
    decoded_tokens: AmountRange
    graded_answers: tuple[int, int]


def estimate_plan(
    plan: Plan,
    workloads: Sequence[TaskWorkload],
    arms: Sequence[Arm],
    *,
    free: bool,
    notes: tuple[str, ...],
    tokens_of: Callable[[str], int],
) -> Estimate:
    """Return the estimate of a plan.

    Args:
        plan: The plan.
        workloads: Workload per task of the plan.
        arms: The arms of a ladder; none on the provider's own levels.
        free: The model under test is free of charge.
        notes: Further notes of the estimate.
        tokens_of: Function that counts the tokens of a text.
    """
    calls = judge_calls = 0
    prompt: AmountRange = (0, 0)
    decoded_tokens: AmountRange = (0, 0)
    judge: AmountRange = (0, 0)
    for task in workloads:
        fewest, traces = (task.questions * draws * len(plan.efforts or (0,)) for draws in (plan.draws, plan.most_draws))
        work = (
            _whole_trace(plan, task.prompt_tokens)
            if plan.budgets is None
            else _all_arms(plan, task, arms, tokens_of=tokens_of)
        )
        calls += traces * work.calls
        prompt = _plus(prompt, work.prompt, (fewest, traces))
        decoded_tokens = _plus(decoded_tokens, work.decoded_tokens, (fewest, traces))
        for _ in task.graders:
            judge_calls += traces * work.graded_answers[1]
            read = task.prompt_tokens + JUDGE_TEMPLATE_TOKENS
            least, most = (read + written for written in JUDGE_DECODED_TOKENS)
            grades = (fewest * work.graded_answers[0], traces * work.graded_answers[1])
            judge = _plus(judge, (least, most + plan.answer_tokens), grades)
    in_steps = any(arm.max_segments is None for arm in arms)
    names = tuple(dict.fromkeys(name for task in workloads for name in task.graders))
    paid_graders = [name for name in names if not (is_own(name) or (free and name == plan.model))]
    judge_free = not paid_graders
    rates, reason = _rates(plan.model, free)
    judge_rates, judge_reason = _highest_rates(paid_graders)
    usd = bill((rates, judge_rates), free=(free, judge_free), tokens=(prompt, decoded_tokens, judge))
    price = "; ".join(dict.fromkeys(text for text in (reason, judge_reason) if text))
    return Estimate(
        calls=calls,
        prompt_tokens=prompt,
        decoded_tokens=decoded_tokens,
        judge_calls=judge_calls,
        judge_tokens=judge,
        usd=usd,
        price=price,
        rates=rates,
        judge_rates=judge_rates,
        free=free,
        judge_free=judge_free,
        in_steps=in_steps,
        notes=(
            *notes,
            *((_OF_STEPS,) if in_steps else ()),
            *((_OF_REVIEWS.format(calls=reviews),) if (reviews := _other_calls(plan, workloads, arms)) else ()),
            *(() if plan.turns is None else (_OF_TURNS,)),
            *(() if plan.loop_tokens is None else (_OF_LOOP_TOKENS,)),
        ),
    )


def is_local(model: Model) -> bool:
    """Return whether a model runs on this machine: our own models, and loopback servers."""
    # Before the first call some providers expose their address only as a key of their connections.
    address = str(getattr(model.api, "base_url", None) or model.api.connection_key())
    return is_loopback(address) or is_own(str(model))


def is_loopback(address: str) -> bool:
    """Return whether the address of a server is on this machine."""
    return any(host in address for host in ("//localhost", "//127.0.0.1", "//[::1]"))


def _all_arms(plan: Plan, task: TaskWorkload, arms: Sequence[Arm], *, tokens_of: Callable[[str], int]) -> _TraceWork:
    """Return the work of one trace in every arm."""
    works = [_one_arm(plan, task, arm, tokens_of=tokens_of) for arm in arms]
    return _TraceWork(
        calls=sum(work.calls for work in works),
        prompt=(sum(work.prompt[0] for work in works), sum(work.prompt[1] or 0 for work in works)),
        decoded_tokens=(
            sum(work.decoded_tokens[0] for work in works),
            sum(work.decoded_tokens[1] or 0 for work in works),
        ),
        graded_answers=(sum(work.graded_answers[0] for work in works), sum(work.graded_answers[1] for work in works)),
    )


def _one_arm(plan: Plan, task: TaskWorkload, arm: Arm, *, tokens_of: Callable[[str], int]) -> _TraceWork:
    task = replace(task, prompt_tokens=task.arm_prompt_tokens.get(arm.label, task.prompt_tokens))
    if arm.protocol is not None:
        task = replace(task, prompt_tokens=task.prompt_tokens + arm.protocol.frame_tokens)
        return _with_protocol(task, _judging_trace(plan, task, arm, tokens_of=tokens_of), arm.protocol)
    trace = _judging_trace(plan, task, arm, tokens_of=tokens_of)
    return trace if arm.control is None else _with_reviews(plan, task, trace, arm.control)


def _judging_trace(plan: Plan, task: TaskWorkload, arm: Arm, *, tokens_of: Callable[[str], int]) -> _TraceWork:
    """Return the work of one trace, without what others say before it."""
    if arm.max_segments is None:
        return _stepwise_trace(plan, task, arm)
    written = sum(map(tokens_of, arm.inserted_texts))
    ladder_trace = _ladder_trace(plan, task, arm.budgets, more=arm.max_segments, written=written)
    return _with_controls(plan, task, ladder_trace) if arm.is_base else ladder_trace


def _with_protocol(task: TaskWorkload, trace: _TraceWork, protocol: Protocol) -> _TraceWork:
    """Return the work of a trace with that of the debaters before it; their prompts hold the transcript so far."""
    read = protocol.calls * (task.prompt_tokens + protocol.budget + task.cue_tokens)
    return replace(
        trace,
        calls=trace.calls + protocol.calls,
        prompt=(trace.prompt[0], (trace.prompt[1] or 0) + read),
        decoded_tokens=(trace.decoded_tokens[0], (trace.decoded_tokens[1] or 0) + protocol.decoded_tokens),
    )


def _with_reviews(plan: Plan, task: TaskWorkload, trace: _TraceWork, control: ControlProtocol) -> _TraceWork:
    """Return the work of a trace with that of the model under test for the review of every rung."""
    budgets = plan.budgets or ()
    shared = task.prompt_tokens + task.cue_tokens + REVIEW_PROMPT_TOKENS + plan.answer_tokens
    decoded = sum(control.decoded_tokens(budget, plan.answer_tokens) for budget in budgets)
    return replace(
        trace,
        calls=trace.calls + len(budgets) * control.calls,
        prompt=(trace.prompt[0], (trace.prompt[1] or 0) + control.calls * sum(shared + budget for budget in budgets)),
        decoded_tokens=(trace.decoded_tokens[0], (trace.decoded_tokens[1] or 0) + decoded),
    )


def _other_calls(plan: Plan, workloads: Sequence[TaskWorkload], arms: Sequence[Arm]) -> int:
    """Return the most calls of monitors and trusted models over all reviews."""
    rungs = len(plan.budgets or ()) * plan.most_draws * sum(task.questions for task in workloads)
    return rungs * sum(arm.control.other_calls for arm in arms if arm.control is not None)


def _stepwise_trace(plan: Plan, task: TaskWorkload, arm: Arm) -> _TraceWork:
    """Return the work of a stepwise trace on one or several paths; steps of an assumed length, ended by rungs."""
    rungs, top, times = len(arm.budgets), arm.budgets[-1], arm.max_decode_factor
    steps = sum(math.ceil(times * (high - low) / ESTIMATE_STEP_TOKENS) for low, high in pairwise((0, *arm.budgets)))
    calls = rungs + steps
    least_rungs = _minimum_rungs(arm.budgets)
    return _TraceWork(
        calls=calls,
        prompt=(task.prompt_tokens * least_rungs, calls * (task.prompt_tokens + top) + rungs * task.cue_tokens),
        decoded_tokens=(least_rungs, math.ceil(times * top) + rungs * plan.answer_tokens),
        graded_answers=(least_rungs, rungs),
    )


def _ladder_trace(plan: Plan, task: TaskWorkload, budgets: Sequence[int], *, more: int, written: int) -> _TraceWork:
    """Return the work of a trace on the ladder: at every rung it continues its thinking, and a fork answers.

    Args:
        plan: The plan.
        task: Workload of the task.
        budgets: Budgets of the rungs.
        more: Thinking requests in addition to one per rung, one per suppressed end.
        written: Tokens that an arm inserts into the thinking, all assumed to be at its beginning.
    """
    prompt_start, top = task.prompt_tokens + written, budgets[-1]
    thinks = [prompt_start + low for low, high in pairwise((0, *budgets)) if high > low]
    answers = [prompt_start + budget + task.cue_tokens for budget in budgets]
    return _TraceWork(
        calls=len(thinks) + len(answers) + more,
        prompt=(task.prompt_tokens * _minimum_rungs(budgets), sum(thinks) + sum(answers) + more * (prompt_start + top)),
        decoded_tokens=(_minimum_rungs(budgets), top + len(budgets) * plan.answer_tokens),
        graded_answers=(_minimum_rungs(budgets), len(budgets)),
    )


def _minimum_rungs(budgets: Sequence[int]) -> int:
    """Return the minimum number of rungs with a cost: a trace that ends at once is carried to the rungs above."""
    return min(len(budgets), 2 if budgets[0] == 0 else 1)


def _with_controls(plan: Plan, task: TaskWorkload, ladder_trace: _TraceWork) -> _TraceWork:
    """Return the work of a plain ladder with its control rows: controls, judged thinking, resamples."""
    budgets = plan.budgets or ()
    calls, graded_answers = ladder_trace.calls, ladder_trace.graded_answers[1]
    decoded_tokens, most = ladder_trace.decoded_tokens[1] or 0, ladder_trace.prompt[1] or 0
    answer_prompt = task.prompt_tokens + budgets[-1] + task.cue_tokens
    if any(control in plan.controls for control in ("natural", "truncated")):  # the model's own answer, once
        calls, graded_answers, decoded_tokens, most = (
            calls + 1,
            graded_answers + 1,
            decoded_tokens + plan.answer_tokens,
            most + answer_prompt,
        )
    if "truncated" in plan.controls:
        graded_answers += len(budgets)
    if plan.judge_traces:
        graded_answers += sum(budget > 0 for budget in budgets)
    for budget in budgets if plan.resamples else ():  # thinking resampled from every rung to the top
        tries, further = plan.resamples or 0, budgets[-1] - budget
        calls, graded_answers = calls + tries * (1 + (further > 0)), graded_answers + tries
        decoded_tokens += tries * (further + plan.answer_tokens)
        most += tries * ((task.prompt_tokens + budget if further else 0) + answer_prompt)
    return _TraceWork(
        calls,
        (ladder_trace.prompt[0], most),
        (ladder_trace.decoded_tokens[0], decoded_tokens),
        (ladder_trace.graded_answers[0], graded_answers),
    )


def _whole_trace(plan: Plan, prompt: int) -> _TraceWork:
    """Return the work of a trace with the task's own solver: at least one call, decoded tokens unbounded.

    A loop of tool calls has one call per turn, of at least one token; tool results are part of every later prompt.
    """
    checkpoints = (1,) if plan.checkpoints is None else plan.checkpoints.at
    return _TraceWork(checkpoints[-1], (prompt, None), (1, None), (1, len(checkpoints)))


def _rates(model: str, free: bool) -> tuple[Rates | None, str]:
    if free:
        return None, _NO_CHARGE
    rates = rates_of(model)
    return (None, f"{model}: {rates}") if isinstance(rates, str) else (rates, per_million(rates))


def _highest_rates(models: Sequence[str]) -> tuple[Rates | None, str]:
    """Return the rates of the most expensive grader; None if a rate is unknown or there is no grader."""
    results = [_rates(model, False) for model in models]
    reasons = "; ".join(f"grading: {text}" for _, text in results)
    known_rates = [rates for rates, _ in results if rates is not None]
    if len(known_rates) < len(models):
        return None, reasons
    return max(known_rates, key=lambda rates: rates.decoded, default=None), reasons


def _plus(amount: AmountRange, more: AmountRange, times: tuple[int, int]) -> AmountRange:
    return amount[0] + times[0] * more[0], total((amount[1], None if more[1] is None else times[1] * more[1]))
