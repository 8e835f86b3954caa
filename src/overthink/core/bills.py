"""What an attempt, the scoring of its answer, and a row of the pool cost, in tokens, FLOP, USD or seconds."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.attempt import answer_verifier_tokens, attempt_parts, attempt_work
from overthink.core.category import Category
from overthink.core.charges import NO_COUNT, NO_HARDWARE, counted, flop_cost, role_cost, usd_cost
from overthink.core.costing import Cost, Parties, Party, Unit
from overthink.core.on_the_way import both_told, grown
from overthink.core.outcomes import Outcomes
from overthink.core.paid import paid_work
from overthink.core.record import Estimand
from overthink.core.tokens import attempt_tokens, output_excludes_reasoning

Array = NDArray[np.float64]

NO_SIZE = "no model size is stated: --model-shape"
NO_PRICE = "no price is known: who works for the arm is not stated"
NO_TIME = "nobody took the time"
NO_PROMPT = "the reading of prompts, whose tokens are not counted"
NO_REASONING = "reasoning, which the provider leaves out of its output tokens"


def attempt_cost(
    outcomes: Outcomes, parties: Parties | None, unit: Unit, *, prompts: bool, flop_per_byte: float | None
) -> Cost:
    """What one attempt takes, made by itself: what it decodes, its guards and step verifiers, and its prompt if asked.

    Judges and verifiers of answers are not in it: the first measure, and the last are paid by best-of-k alone
    (:func:`verifier_cost`). In tokens it is :func:`~overthink.core.attempt.strategy_tokens`, plus the prompt.

    Args:
        outcomes: The curve.
        parties: Who works for its arm; None where nobody knows. Tokens and seconds need nobody.
        unit: What is counted.
        prompts: Whether the reading of the prompt belongs to it. What is decoded attends to the prompt in any case.
            Seconds are those of the whole attempt, always.
        flop_per_byte: Peak FLOP/s of the hardware over its bandwidth; None leaves effective FLOP unknown.

    Example:
        >>> from overthink.core.model_shape import ModelShape
        >>> from overthink.core.outcomes import from_records
        >>> from overthink.core.record import Axis, RungRecord
        >>> row = RungRecord("s", "a", Axis.CAPABILITY, "t", "m", "q", 0, 0, Estimand.EFFORT, thinking_tokens=7,
        ...     answer_tokens=3, generated_tokens=10, prompt_tokens=5)
        >>> parties = Parties(Party("small", ModelShape(1e9, 1e9)))
        >>> cost = attempt_cost(*from_records([row]), parties, Unit.FLOP, prompts=True, flop_per_byte=None)
        >>> cost.amount.item(), cost.at_least
        (30000000000.0, ('attention of model small',))
    """
    prompt, decoded = attempt_parts(outcomes)[Category.PROMPT], attempt_tokens(outcomes)
    if unit is Unit.SECONDS:
        return counted(outcomes, outcomes.attempt_seconds, NO_TIME)
    if unit is Unit.TOKENS:
        own = counted(outcomes, decoded + prompt if prompts else decoded, NO_COUNT)
    elif parties is None:
        return _nobody(outcomes, unit)
    elif unit is Unit.USD:
        read = prompt if prompts else np.zeros_like(prompt)
        own = usd_cost(outcomes, parties.model, read=read, cached=np.full_like(read, np.nan), decoded=decoded)
    else:
        reading, decoding = attempt_work(outcomes, parties.model.shape)
        work = reading + decoding if prompts else decoding
        own = flop_cost(outcomes, parties.model, work, unit, flop_per_byte=flop_per_byte)
    on_the_way = _on_the_way(parties, outcomes.guard_tokens, outcomes.step_verifier_tokens)
    return _with_others(outcomes, own, on_the_way, unit)


def verifier_cost(outcomes: Outcomes, parties: Parties | None, unit: Unit, *, flop_per_byte: float | None) -> Cost:
    """What the scoring of one attempt's answer takes: what best-of-k pays for each of its tries.

    Args:
        outcomes: The curve.
        parties: Who works for its arm; None where nobody knows.
        unit: What is counted. Seconds of verifiers are not told apart from others.
        flop_per_byte: As for :func:`attempt_cost`.
    """
    tokens = answer_verifier_tokens(outcomes)
    told = counted(outcomes, tokens, NO_COUNT)
    if unit is Unit.TOKENS:
        return told
    if unit is Unit.SECONDS:
        return counted(outcomes, np.where(tokens == 0, 0.0, np.nan), "the time of answer verifiers is not told apart")
    if unit is Unit.EFFECTIVE_FLOP and flop_per_byte is None:
        return counted(outcomes, np.where(tokens == 0, 0.0, np.nan), NO_HARDWARE)
    if parties is None:
        return counted(outcomes, np.where(tokens == 0, 0.0, np.nan), NO_PRICE if unit is Unit.USD else NO_SIZE)
    scored = role_cost("answer verifier", parties.verifiers, np.nan_to_num(tokens), unit)
    return replace(scored, amount=scored.amount + 0 * tokens, unknown=(*told.unknown, *scored.unknown))


def paid_cost(outcomes: Outcomes, parties: Parties | None, unit: Unit, *, flop_per_byte: float | None) -> Cost:
    """What every row newly paid, to everybody: the model under test, guards, verifiers and judges.

    Args:
        outcomes: The curve.
        parties: Who works for its arm; None where nobody knows.
        unit: What is counted. FLOP are the least that these tokens take (:func:`~overthink.core.paid.paid_work`).
            Seconds leave judges out.
        flop_per_byte: As for :func:`attempt_cost`.
    """
    prompt, decoded = np.nan_to_num(outcomes.prompt_tokens), outcomes.generated_tokens
    if unit is Unit.SECONDS:
        return counted(outcomes, outcomes.seconds, NO_TIME)
    if unit is Unit.TOKENS:
        own = counted(outcomes, decoded + prompt, NO_COUNT)
    elif parties is None:
        return _nobody(outcomes, unit)
    elif unit is Unit.USD:
        own = usd_cost(outcomes, parties.model, read=prompt, cached=outcomes.cached_tokens, decoded=decoded)
    else:
        reading, decoding = paid_work(outcomes, parties.model.shape)
        own = flop_cost(outcomes, parties.model, reading + decoding, unit, flop_per_byte=flop_per_byte)
    if unit is not Unit.USD or not (parties and parties.model.free):
        own = replace(own, at_least=(*own.at_least, *_untold(outcomes)))
    guards, steps = grown(outcomes.guard_tokens), grown(outcomes.step_verifier_tokens)
    verifiers, judges = (parties.verifiers, parties.judges) if parties else ((), ())
    # A source that tells of steps alone has nobody who scores answers.
    answers = outcomes.verifier_tokens if verifiers else both_told(outcomes.verifier_tokens, 0 * steps)
    others = [
        *_on_the_way(parties, guards, steps),
        ("answer verifier", verifiers, answers),
        ("judge", judges, outcomes.judge_tokens),
    ]
    return _with_others(outcomes, own, others, unit)


def _untold(outcomes: Outcomes) -> Iterator[str]:
    """What rows do not say of the model's own tokens."""
    if (np.isnan(outcomes.prompt_tokens) & outcomes.observed & (outcomes.generated_tokens != 0)).any():
        yield NO_PROMPT
    if outcomes.estimand is Estimand.EFFORT and output_excludes_reasoning(outcomes):
        yield NO_REASONING


_Others = list[tuple[str, tuple[Party, ...], Array]]
"""By role: what one of them is called, who they are, and their tokens, prompt and decoded together."""


def _on_the_way(parties: Parties | None, guard: Array, steps: Array) -> _Others:
    """Guards and step verifiers; where no tokens of theirs are told and nobody is named, there are none."""
    guards, verifiers = (parties.guards, parties.step_verifiers) if parties else ((), ())
    told = [("guard", guards, guard), ("step verifier", verifiers, steps)]
    return [(name, who, tokens if who else np.nan_to_num(tokens)) for name, who, tokens in told]


def _with_others(outcomes: Outcomes, own: Cost, others: _Others, unit: Unit) -> Cost:
    """The model's own cost and that of the others; tokens of theirs that nobody counted make it a lower bound."""
    for name, who, tokens in others:
        silent = (np.isnan(tokens) & outcomes.observed).any()
        untold = (f"the part of {name}s, whose tokens are not counted",) if silent else ()
        own = own + replace(cost := role_cost(name, who, np.nan_to_num(tokens), unit), at_least=untold + cost.at_least)
    return own


def _nobody(outcomes: Outcomes, unit: Unit) -> Cost:
    return Cost(np.full(outcomes.observed.shape, np.nan), (NO_PRICE if unit is Unit.USD else NO_SIZE,))
