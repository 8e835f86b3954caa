"""Allocation options of a budget: the curves of one task, their arms, and their shared questions.

Cost of an attempt of a curve, in the unit of the analysis, with its limitations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from overthink.analysis.request import CurveContext
from overthink.cost.allocation import AllocationOptions, allocation_options, join_options, log_budgets
from overthink.cost.bill import STATED, attempt_cost, verifier_cost
from overthink.cost.frontier import FOLDS, PARTITIONS
from overthink.cost.units import Cost, ModelRoles, Unit, noun
from overthink.data.arrays import Array, Weights
from overthink.data.ids import curve_ids
from overthink.data.outcomes import Outcomes
from overthink.data.record import Axis
from overthink.data.selectors import SCORED_SELECTORS, Allocation
from overthink.plan.analysis import Analysis
from overthink.stats.bootstrap import question_weights
from overthink.stats.curve import mean_curve, parallel_curves, question_means

ATTEMPT_UNCOUNTED = "the source does not count the tokens of an attempt"

OTHER_MODELS = (
    "guards and step verifiers are other models: a token of theirs may be cheaper or dearer than one of the model's"
)
TIMED = "seconds are those of this run: how busy its server was, and how many it served at once, is in them"


@dataclass(frozen=True, slots=True, eq=False)
class CurvePrice:
    """Cost of an attempt at each rung of a curve.

    Attributes:
        unit: Unit of the cost.
        cells: (question, rung) mean over draws; NaN where unknown.
        unknown: Reasons why costs are unknown.
        notes: Parts left out of the cost, so that it is a lower bound, and its assumptions.
        sizeless: Models whose missing sizes make the cost unknown.
    """

    unit: Unit
    cells: Array
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sizeless: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Reason why a rung has no cost."""
        return unknown_reason([self])


def attempt_price(table: Outcomes, analysis: Analysis, *, prompts: bool) -> CurvePrice:
    """Return the cost of one separate attempt: decoding, guards, step verifiers, and optionally its prompt.

    Args:
        table: The curve.
        analysis: Gives the unit and the model roles of the curve's arm.
        prompts: Whether the prompt is counted.
    """
    roles, unit = analysis.parties.get(table.arm), analysis.unit
    cost = attempt_cost(table, roles, unit, prompts=prompts, flop_per_byte=analysis.flop_per_byte)
    return _price_of_cost(cost, roles, unit)


def verifier_price(table: Outcomes, analysis: Analysis) -> CurvePrice:
    """Return the cost of scoring the answer of one attempt by a verifier."""
    roles, unit = analysis.parties.get(table.arm), analysis.unit
    return _price_of_cost(verifier_cost(table, roles, unit, flop_per_byte=analysis.flop_per_byte), roles, unit)


def unknown_reason(prices: Sequence[CurvePrice]) -> str:
    """Return why costs are unknown at some rung, and the options that would make them known.

    >>> unknown_reason([CurvePrice(Unit.FLOP, np.array([]), ("size of model a",), sizeless=("a",))])
    'FLOP unknown: size of model a; state it with --model-shape a=parameters:8e9 or the like'
    """
    unknown = tuple(dict.fromkeys(reason for price in prices for reason in price.unknown))
    unit = prices[0].unit
    if unit is Unit.TOKENS or not unknown:
        return ATTEMPT_UNCOUNTED
    names = dict.fromkeys(name for price in prices for name in price.sizeless)
    options = " ".join(f"--model-shape {name}=parameters:8e9" for name in names)
    remedy = f"; state {'them' if len(names) > 1 else 'it'} with {options} or the like" if options else ""
    return f"{noun(unit)} unknown: {'; '.join(unknown)}{remedy}"


def compute_definition(unit: Unit, *, prompts: bool) -> tuple[str, ...]:
    """Return the definition of total compute in words.

    >>> compute_definition(Unit.USD, prompts=False)
    ('total compute: USD of one attempt, of what it decodes, of guards and step verifiers; prompts are not',)
    """
    if unit is Unit.SECONDS:
        return ("total compute: wall-clock seconds of one attempt", TIMED)
    parts = "decoded ones, those of guards and step verifiers"
    if unit is not Unit.TOKENS:
        parts = "of what it decodes, of guards and step verifiers"
    prompt = ", and its prompt" if prompts else "; prompts are not"
    text = f"total compute: {noun(unit)} of one attempt, {parts}{prompt}"
    return (text, OTHER_MODELS) if unit is Unit.TOKENS else (text,)


def _price_of_cost(cost: Cost, roles: ModelRoles | None, unit: Unit) -> CurvePrice:
    sizeless = _sizeless(cost.unknown, roles) if unit in (Unit.FLOP, Unit.EFFECTIVE_FLOP) else ()
    unknown = tuple(reason.removesuffix(f" {STATED}") for reason in cost.unknown) if sizeless else cost.unknown
    return CurvePrice(unit, question_means(cost.amount), unknown, cost.limits, sizeless)


def _sizeless(unknown: tuple[str, ...], roles: ModelRoles | None) -> tuple[str, ...]:
    """Return the models named in ``unknown`` whose number of parameters is unknown."""
    if roles is None:
        return ()
    models = (roles.model, *roles.guards, *roles.step_verifiers, *roles.verifiers)
    names = dict.fromkeys(model.name for model in models if model.shape.active_parameters is None)
    return tuple(name for name in names if any(name in why for why in unknown))


CROSS_FITTED = f"valued on questions that did not choose it ({FOLDS} folds, drawn {PARTITIONS} times)"
STOPPED = "sampling stopped at the first success: k tries do not cost k attempts"


@dataclass(frozen=True, slots=True, eq=False)
class AllocationCandidates:
    """The curves of one task among which budgets are allocated, and the context of their findings.

    Attributes:
        context: The curve, or one that represents several arms.
        contexts: Curve by arm; under None where there is one curve.
    """

    context: CurveContext
    contexts: dict[str | None, CurveContext]

    @classmethod
    def of_curve(cls, context: CurveContext) -> "AllocationCandidates":
        """Return the candidates of a single curve."""
        return cls(context, {None: context})

    @property
    def attacker(self) -> bool:
        """Whether an attacker chooses: the lowest value is best."""
        return self.context.table.axis is Axis.SAFETY

    @property
    def tables(self) -> list[Outcomes]:
        """Outcomes of the curves, in the order of the arms."""
        return [context.table for context in self.contexts.values()]

    @property
    def stops_at_success(self) -> bool:
        """Whether sampling stopped at the first success, so that single tries have no price."""
        return any(context.batch is not None for context in self.contexts.values())

    @property
    def is_over_arms(self) -> bool:
        """Whether arms are part of the choice."""
        return None not in self.contexts

    def on_ladder(self, choice: Allocation) -> Allocation:
        """Return an allocation with the number of its rung on the ladder, in place of its position in the table."""
        return replace(choice, rung=self.contexts[choice.arm].table.rungs[choice.rung].index)

    def failed_gates(self, choice: Allocation) -> tuple[str, ...]:
        """Return the names of the gates that failed where an allocation thinks; its rung is a position in the table."""
        return self.contexts[choice.arm].failed_gates([choice.rung])


def can_choose(context: CurveContext) -> bool:
    """Return whether a curve offers a choice: more than one rung, or more than one draw."""
    return not context.is_control and (context.rungs > 1 or bool(context.draws.max(initial=0) > 1))


def pool_arms(groups: Sequence[tuple[str, Sequence[CurveContext]]]) -> list[AllocationCandidates]:
    """Return each group as one set of candidates; its first curve, under the group's name, represents all arms."""
    tables = [replace(group[0].table, arm=name) for name, group in groups]
    return [
        AllocationCandidates(
            replace(group[0], table=replace(group[0].table, arm=name), prefix=prefix),
            {context.table.arm: context for context in group},
        )
        for (name, group), prefix in zip(groups, curve_ids([table.key for table in tables]), strict=True)
    ]


def candidate_options(
    candidates: AllocationCandidates, tables: Sequence[Outcomes], questions: Sequence[str] | None = None
) -> AllocationOptions:
    """Return every allocation of these tables. Arms without a price are left out, which the limits state.

    Args:
        candidates: The curves.
        tables: One per curve, with the draws that may be used.
        questions: Questions in this order; None for those that all tables share, or all of a single table.
    """
    all_options = [_table_options(table, candidates.context.analysis, attacker=candidates.attacker) for table in tables]
    if questions is None and len(all_options) == 1:
        return all_options[0]
    common = shared_questions(tables) if questions is None else questions
    by_arm = [
        options.of(arm, rows_of(table, common)) if options.allocations else options
        for options, arm, table in zip(all_options, candidates.contexts, tables, strict=True)
    ]
    joint = join_options(by_arm) if len(by_arm) > 1 else by_arm[0]
    missing = (
        f"{arm} has no place among them: {'; '.join(options.reasons)}"
        for arm, options in zip(candidates.contexts, all_options, strict=True)
        if not options.allocations and joint.allocations
    )
    why = (
        ()
        if joint.allocations
        else tuple(dict.fromkeys(reason for options in all_options for reason in options.reasons))
    )
    return replace(joint, limits=(*joint.limits, *missing), reasons=why)


def no_frontier_reason(options: AllocationOptions) -> str | None:
    """Return the reason why there is no frontier; None if there is one."""
    if not options.allocations:
        return "; ".join(options.reasons) or ATTEMPT_UNCOUNTED
    if len(options.allocations) < 2:
        return "there is one allocation only"
    if options.comparable.sum() < 2 * FOLDS:
        return f"{options.comparable.sum()} questions are too few: some choose, others value; needed: {2 * FOLDS}"
    if not log_budgets(options).size:
        return f"no allocation costs any {noun(options.unit)}"
    return None


def budget_definition(unit: Unit) -> str:
    """Return the definition of a budget in words."""
    if unit is Unit.SECONDS:
        return "budgets are mean seconds per question, as if tries were made one by one; judges are not counted"
    parts = "decoded ones" if unit is Unit.TOKENS else "of what is decoded"
    return (
        f"budgets are mean {noun(unit)} per question: {parts}, and those of verifiers and guards; prompts and judges "
        "are not counted"
    )


def bootstrap_and_folds(seed: int, questions: int) -> tuple[Weights, np.random.Generator]:
    """Return bootstrap weights and the generator of the folds, the same for all curves with this many questions."""
    rng = np.random.default_rng(seed)
    return question_weights(questions, rng=rng), rng


def shared_questions(tables: Sequence[Outcomes]) -> list[str]:
    """Return the questions that all tables have, sorted."""
    return sorted(set.intersection(*(set(table.questions) for table in tables)))


def rows_of(table: Outcomes, questions: Sequence[str]) -> NDArray[np.int64]:
    """Return the row indices of these questions in a table."""
    position = {question: i for i, question in enumerate(table.questions)}
    return np.array([position[question] for question in questions], dtype=np.int64)


def _table_options(table: Outcomes, analysis: Analysis, *, attacker: bool) -> AllocationOptions:
    unit_weights = np.ones((1, len(table.questions)))  # the curves' own intervals are not asked for
    curves = (mean_curve(table, unit_weights, level=0.5), *parallel_curves(table, unit_weights, level=0.5))
    attempt, verifier = attempt_price(table, analysis, prompts=False), verifier_price(table, analysis)
    options = allocation_options(curves, attempt.cells, unit=analysis.unit, verifier=verifier.cells, attacker=attacker)
    has_scores = any(option.selector in SCORED_SELECTORS for option in options.allocations)
    notes = tuple(dict.fromkeys((*attempt.notes, *(verifier.notes if has_scores else ()))))
    reasons = () if options.allocations else (attempt.reason,)
    return replace(options, limits=(*options.limits, *notes), notes=notes, reasons=reasons)
