"""What a plan will take, before it begins: calls, tokens, and USD as far as prices are known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from inspect_ai.model import Model

from overthink.collect.arms import Arm
from overthink.core.spending import Estimate, Range, Rates, bill
from overthink.plan import Plan
from overthink.price import per_million, rates_of

JUDGE_TEMPLATE_TOKENS = 400
"""Instructions that a grader reads around question and answer."""

JUDGE_DECODED_TOKENS = (20, 500)
"""What a grader writes: a verdict, or its reasons too."""

STEP_TOKENS = 16
"""A step of an arm that thinks step by step, for the estimate."""

_CUE_TOKENS = 10
_OF_STEPS = (
    f"calls and prompt tokens of arms are estimated with steps of {STEP_TOKENS} tokens; what guards and verifiers read "
    "and write comes on top"
)
_OF_TURNS = (
    "the turns of a loop are bounded, and tokens are not: a task's own caps on output, tokens and messages are lifted; "
    "what tools cost is not counted"
)
_NO_CHARGE = "no charge: the model runs on this machine"


@dataclass(frozen=True, slots=True)
class Asked:
    """What will be asked of one task.

    Attributes:
        name: Its name.
        questions: How many questions.
        prompt_tokens: Mean length of a prompt.
        graders: The models that grade its answers.
    """

    name: str
    questions: int
    prompt_tokens: int
    graders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """Calls and tokens of one trace: at least, where the thinking ends at once, and at most."""

    calls: int
    prompt: Range
    decoded: Range
    graded: tuple[int, int]


def estimated(
    plan: Plan, asked: Sequence[Asked], arms: Sequence[Arm], *, free: bool, notes: tuple[str, ...]
) -> Estimate:
    """The estimate for a plan.

    Args:
        plan: The plan.
        asked: By task of the plan.
        arms: The arms of a ladder; none on the provider's own levels.
        free: The model under test sends no bill.
        notes: What else must be known before it begins.
    """
    calls = judge_calls = 0
    prompt: Range = (0, 0)
    decoded: Range = (0, 0)
    judge: Range = (0, 0)
    for task in asked:
        fewest, traces = (task.questions * draws * len(plan.efforts or (0,)) for draws in (plan.draws, plan.most_draws))
        work = (
            _of_arms(plan, task.prompt_tokens, arms) if plan.budgets is not None else _whole(plan, task.prompt_tokens)
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
        notes=(
            *notes,
            *(() if all(arm.is_base for arm in arms) else (_OF_STEPS,)),
            *(() if plan.turns is None else (_OF_TURNS,)),
        ),
    )


def is_own(model: str) -> bool:
    """Whether a model needs no provider: our own and Inspect's mock."""
    return model.split("/", maxsplit=1)[0] in ("overthink", "mockllm", "none")


def is_local(model: Model) -> bool:
    """Whether nobody else's computer is asked: our own models, and loopback servers."""
    # Some providers know their address only as a key of their connections before the first call.
    address = str(getattr(model.api, "base_url", None) or model.api.connection_key())
    local = any(host in address for host in ("//localhost", "//127.0.0.1", "//[::1]"))
    return local or is_own(str(model))


def _of_arms(plan: Plan, prompt: int, arms: Sequence[Arm]) -> _Work:
    """A trace in every arm."""
    works = [_laddered(plan, prompt) if arm.is_base else _stepwise(plan, prompt, arm) for arm in arms]
    return _Work(
        calls=sum(work.calls for work in works),
        prompt=(sum(work.prompt[0] for work in works), sum(work.prompt[1] or 0 for work in works)),
        decoded=(sum(work.decoded[0] for work in works), sum(work.decoded[1] or 0 for work in works)),
        graded=(sum(work.graded[0] for work in works), sum(work.graded[1] for work in works)),
    )


def _stepwise(plan: Plan, prompt: int, arm: Arm) -> _Work:
    """A trace that thinks in steps, on one path or several: how many there are nobody knows beforehand."""
    rungs, top = len(arm.budgets), arm.budgets[-1] if arm.budgets else 0
    thought = math.ceil(arm.times * top)
    calls = rungs + math.ceil(thought / STEP_TOKENS)
    least_rungs = min(rungs, 2 if arm.budgets[0] == 0 else 1)
    return _Work(
        calls=calls,
        prompt=(prompt * least_rungs, calls * (prompt + top)),
        decoded=(least_rungs, thought + rungs * plan.answer_tokens),
        graded=(least_rungs, rungs),
    )


def _laddered(plan: Plan, prompt: int) -> _Work:
    """A trace on the ladder: at every rung it thinks on, and a fork of it answers."""
    budgets = plan.budgets or ()
    reached, thinking = [], 0
    for budget in budgets:
        forks = prompt + budget + _CUE_TOKENS
        reached.append((prompt + thinking if budget > thinking else 0) + forks)
        thinking = budget
    segments = sum(budget > 0 for budget in budgets)
    calls, graded = len(budgets) + segments, len(budgets)
    decoded = budgets[-1] + len(budgets) * plan.answer_tokens
    most = sum(reached)
    if any(control in plan.controls for control in ("natural", "truncated")):  # the model's own answer, once
        calls, graded, decoded, most = calls + 1, graded + 1, decoded + plan.answer_tokens, most + prompt + budgets[-1]
    if "truncated" in plan.controls:
        graded += len(budgets)
    if plan.judge_traces:
        graded += segments
    least_rungs = min(len(budgets), 2 if budgets[0] == 0 else 1)
    for budget in budgets if plan.resamples else ():  # thought anew from every rung, to the top
        tries, further = plan.resamples or 0, budgets[-1] - budget
        calls, graded = calls + tries * (1 + (further > 0)), graded + tries
        decoded += tries * (further + plan.answer_tokens)
        most += tries * ((prompt + budget if further else 0) + prompt + budgets[-1] + _CUE_TOKENS)
    return _Work(calls, (prompt * least_rungs, most), (least_rungs, decoded), (least_rungs, graded))


def _whole(plan: Plan, prompt: int) -> _Work:
    """A trace that runs as the task made it: one call at least, and nothing bounds what it decodes.

    A loop of tool calls has as many calls as turns, and what its tools answer is read in every turn behind.
    """
    turns = plan.turns or (1,)
    return _Work(turns[-1], (prompt, None), (1, None), (1, len(turns)))


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
