"""What a plan will take, before it begins: calls, tokens, and USD as far as prices are known."""

from collections.abc import Sequence
from dataclasses import dataclass

from inspect_ai.model import Model

from overthink.core.spending import Estimate, Range, Rates, bill
from overthink.plan import Plan
from overthink.price import per_million, rates_of

JUDGE_TEMPLATE_TOKENS = 400
"""Instructions that a grader reads around question and answer."""

JUDGE_DECODED_TOKENS = (20, 500)
"""What a grader writes: a verdict, or its reasons too."""

_CUE_TOKENS = 10
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


def estimated(plan: Plan, asked: Sequence[Asked], *, free: bool, notes: tuple[str, ...]) -> Estimate:
    """The estimate for a plan.

    Args:
        plan: The plan.
        asked: By task of the plan.
        free: The model under test sends no bill.
        notes: What else must be known before it begins.
    """
    calls = judge_calls = 0
    prompt: Range = (0, 0)
    decoded: Range = (0, 0)
    judge: Range = (0, 0)
    for task in asked:
        traces = task.questions * plan.draws * len(plan.efforts or (0,))
        work = _laddered(plan, task.prompt_tokens) if plan.budgets is not None else _whole(task.prompt_tokens)
        calls += traces * work.calls
        prompt = _plus(prompt, work.prompt, traces)
        decoded = _plus(decoded, work.decoded, traces)
        for _ in task.graders:
            judge_calls += traces * work.graded[1]
            read = task.prompt_tokens + JUDGE_TEMPLATE_TOKENS
            least, most = (read + written for written in JUDGE_DECODED_TOKENS)
            judge = (
                judge[0] + traces * work.graded[0] * least,
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
        notes=notes,
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
    return _Work(calls, (prompt * least_rungs, most), (least_rungs, decoded), (least_rungs, graded))


def _whole(prompt: int) -> _Work:
    """A trace that runs as the task made it: one call at least, and nothing bounds what it decodes."""
    return _Work(1, (prompt, None), (1, None), (1, 1))


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


def _plus(total: Range, more: Range, times: int) -> Range:
    return total[0] + times * more[0], _sum(total[1], None if more[1] is None else times * more[1])


def _sum(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b
