"""What a plan will take, before it begins: calls, tokens, and USD as far as prices are known."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from inspect_ai.model import Model

from overthink.collect.arms import Arm
from overthink.core.spending import Estimate, Range, Rates, bill
from overthink.plan import Plan
from overthink.price import is_own, per_million, rates_of

JUDGE_TEMPLATE_TOKENS = 400
"""Instructions that a grader reads around question and answer."""

JUDGE_DECODED_TOKENS = (20, 500)
"""What a grader writes: a verdict, or its reasons too."""

STEP_TOKENS = 16
"""A step of an arm that thinks step by step, for the estimate."""

_OF_STEPS = (
    f"calls and prompt tokens of arms that think in steps are estimated with steps of {STEP_TOKENS} tokens, and may be "
    "more; what guards and verifiers read and write comes on top"
)
_OF_TURNS = (
    "the turns of a loop are bounded, and tokens are not: a task's own caps on output, tokens and messages are lifted; "
    "what tools cost is not counted"
)
_OF_LOOP_TOKENS = (
    "the turn that passes the highest checkpoint is paid whole, and is part of no state; a task's own caps on output, "
    "tokens and messages are lifted; what tools cost is not counted"
)
_NO_CHARGE = "no charge: the model runs on this machine"


@dataclass(frozen=True, slots=True)
class Asked:
    """What will be asked of one task.

    Attributes:
        name: Its name.
        questions: How many questions.
        prompt_tokens: Mean length of a prompt, with what opens the thinking.
        graders: The models that grade its answers.
        cue_tokens: Length of what closes the thinking and asks for the answer.
    """

    name: str
    questions: int
    prompt_tokens: int
    graders: tuple[str, ...]
    cue_tokens: int


@dataclass(frozen=True, slots=True)
class _Work:
    """Calls and tokens of one trace: at least, where the thinking ends at once, and at most."""

    calls: int
    prompt: Range
    decoded: Range
    graded: tuple[int, int]


def estimated(
    plan: Plan,
    asked: Sequence[Asked],
    arms: Sequence[Arm],
    *,
    free: bool,
    notes: tuple[str, ...],
    tokens_of: Callable[[str], int],
) -> Estimate:
    """The estimate for a plan.

    Args:
        plan: The plan.
        asked: By task of the plan.
        arms: The arms of a ladder; none on the provider's own levels.
        free: The model under test sends no bill.
        notes: What else must be known before it begins.
        tokens_of: Counts the tokens of a text.
    """
    calls = judge_calls = 0
    prompt: Range = (0, 0)
    decoded: Range = (0, 0)
    judge: Range = (0, 0)
    for task in asked:
        fewest, traces = (task.questions * draws * len(plan.efforts or (0,)) for draws in (plan.draws, plan.most_draws))
        work = (
            _whole(plan, task.prompt_tokens)
            if plan.budgets is None
            else _of_arms(plan, task, arms, tokens_of=tokens_of)
        )
        calls += traces * work.calls
        prompt = _plus(prompt, work.prompt, (fewest, traces))
        decoded = _plus(decoded, work.decoded, (fewest, traces))
        for _ in task.graders:
            judge_calls += traces * work.graded[1]
            read = task.prompt_tokens + JUDGE_TEMPLATE_TOKENS
            least, most = (read + written for written in JUDGE_DECODED_TOKENS)
            judge = (
                judge[0] + fewest * work.graded[0] * least,
                _sum(judge[1], traces * work.graded[1] * (most + plan.answer_tokens)),
            )
    in_steps = any(arm.pieces is None for arm in arms)
    names = tuple(dict.fromkeys(name for task in asked for name in task.graders))
    billed = [name for name in names if not (is_own(name) or (free and name == plan.model))]
    judge_free = not billed
    rates, reason = _rates(plan.model, free)
    judge_rates, judge_reason = _dearest(billed)
    usd = bill((rates, judge_rates), free=(free, judge_free), tokens=(prompt, decoded, judge))
    price = "; ".join(dict.fromkeys(text for text in (reason, judge_reason) if text))
    return Estimate(
        calls=calls,
        prompt_tokens=prompt,
        decoded_tokens=decoded,
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
            *(() if plan.turns is None else (_OF_TURNS,)),
            *(() if plan.loop_tokens is None else (_OF_LOOP_TOKENS,)),
        ),
    )


def is_local(model: Model) -> bool:
    """Whether nobody else's computer is asked: our own models, and loopback servers."""
    # Some providers know their address only as a key of their connections before the first call.
    address = str(getattr(model.api, "base_url", None) or model.api.connection_key())
    local = any(host in address for host in ("//localhost", "//127.0.0.1", "//[::1]"))
    return local or is_own(str(model))


def _of_arms(plan: Plan, task: Asked, arms: Sequence[Arm], *, tokens_of: Callable[[str], int]) -> _Work:
    """A trace in every arm."""
    works = [_of_arm(plan, task, arm, tokens_of=tokens_of) for arm in arms]
    return _Work(
        calls=sum(work.calls for work in works),
        prompt=(sum(work.prompt[0] for work in works), sum(work.prompt[1] or 0 for work in works)),
        decoded=(sum(work.decoded[0] for work in works), sum(work.decoded[1] or 0 for work in works)),
        graded=(sum(work.graded[0] for work in works), sum(work.graded[1] for work in works)),
    )


def _of_arm(plan: Plan, task: Asked, arm: Arm, *, tokens_of: Callable[[str], int]) -> _Work:
    if arm.pieces is None:
        return _stepwise(plan, task, arm)
    written = sum(map(tokens_of, arm.writes))
    climbed = _laddered(plan, task, arm.budgets, more=arm.pieces, written=written)
    return _beside(plan, task, climbed) if arm.is_base else climbed


def _stepwise(plan: Plan, task: Asked, arm: Arm) -> _Work:
    """A trace that thinks in steps, on one path or several: how many there are nobody knows. A rung ends a step."""
    rungs, top, times = len(arm.budgets), arm.budgets[-1], arm.times
    steps = sum(math.ceil(times * (high - low) / STEP_TOKENS) for low, high in pairwise((0, *arm.budgets)))
    calls = rungs + steps
    least_rungs = _least(arm.budgets)
    return _Work(
        calls=calls,
        prompt=(task.prompt_tokens * least_rungs, calls * (task.prompt_tokens + top) + rungs * task.cue_tokens),
        decoded=(least_rungs, math.ceil(times * top) + rungs * plan.answer_tokens),
        graded=(least_rungs, rungs),
    )


def _laddered(plan: Plan, task: Asked, budgets: Sequence[int], *, more: int, written: int) -> _Work:
    """A trace on the ladder: at every rung it thinks on, and a fork of it answers.

    Args:
        plan: The plan.
        task: What is asked.
        budgets: The rungs.
        more: Pieces that it thinks in beside one per rung, as its end is suppressed so often.
        written: Tokens of what an arm writes into the thinking, all of it taken to stand at its beginning.
    """
    opened, top = task.prompt_tokens + written, budgets[-1]
    thinks = [opened + low for low, high in pairwise((0, *budgets)) if high > low]
    answers = [opened + budget + task.cue_tokens for budget in budgets]
    return _Work(
        calls=len(thinks) + len(answers) + more,
        prompt=(task.prompt_tokens * _least(budgets), sum(thinks) + sum(answers) + more * (opened + top)),
        decoded=(_least(budgets), top + len(budgets) * plan.answer_tokens),
        graded=(_least(budgets), len(budgets)),
    )


def _least(budgets: Sequence[int]) -> int:
    """Rungs that cost something at least: a trace that ends at once is carried to the rungs above."""
    return min(len(budgets), 2 if budgets[0] == 0 else 1)


def _beside(plan: Plan, task: Asked, climbed: _Work) -> _Work:
    """The same with what stands beside the plain ladder: controls, verdicts on the thinking, resamples."""
    budgets = plan.budgets or ()
    calls, graded = climbed.calls, climbed.graded[1]
    decoded, most = climbed.decoded[1] or 0, climbed.prompt[1] or 0
    answered = task.prompt_tokens + budgets[-1] + task.cue_tokens
    if any(control in plan.controls for control in ("natural", "truncated")):  # the model's own answer, once
        calls, graded, decoded, most = calls + 1, graded + 1, decoded + plan.answer_tokens, most + answered
    if "truncated" in plan.controls:
        graded += len(budgets)
    if plan.judge_traces:
        graded += sum(budget > 0 for budget in budgets)
    for budget in budgets if plan.resamples else ():  # thought anew from every rung, to the top
        tries, further = plan.resamples or 0, budgets[-1] - budget
        calls, graded = calls + tries * (1 + (further > 0)), graded + tries
        decoded += tries * (further + plan.answer_tokens)
        most += tries * ((task.prompt_tokens + budget if further else 0) + answered)
    return _Work(calls, (climbed.prompt[0], most), (climbed.decoded[0], decoded), (climbed.graded[0], graded))


def _whole(plan: Plan, prompt: int) -> _Work:
    """A trace that runs as the task made it: one call at least, and nothing bounds what it decodes.

    A loop of tool calls has as many calls as turns, of a token at least, and what its tools answer is read in every
    turn behind.
    """
    checkpoints = (1,) if plan.checkpoints is None else plan.checkpoints.at
    return _Work(checkpoints[-1], (prompt, None), (1, None), (1, len(checkpoints)))


def _rates(model: str, free: bool) -> tuple[Rates | None, str]:
    if free:
        return None, _NO_CHARGE
    rates = rates_of(model)
    return (None, f"{model}: {rates}") if isinstance(rates, str) else (rates, per_million(rates))


def _dearest(models: Sequence[str]) -> tuple[Rates | None, str]:
    """The prices of the dearest of these graders; None where one is unknown, or there is none."""
    found = [_rates(model, False) for model in models]
    said = "; ".join(f"grading: {text}" for _, text in found)
    known = [rates for rates, _ in found if rates is not None]
    if len(known) < len(models):
        return None, said
    return max(known, key=lambda rates: rates.decoded, default=None), said


def _plus(total: Range, more: Range, times: tuple[int, int]) -> Range:
    return total[0] + times[0] * more[0], _sum(total[1], None if more[1] is None else times[1] * more[1])


def _sum(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b
