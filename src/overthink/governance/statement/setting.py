"""What a statement says of how its rows were made: by the plan of a study, or what logs and tables state of themselves.

What neither states is null, with the reason, and is never inferred from the rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from overthink.data.conditions import INCOMPLETE, settings_in
from overthink.data.ids import CurveKey
from overthink.data.ladder import level_label
from overthink.errors import InputError
from overthink.governance.statement.schema import ArmTried, Elicitation, NoPlan
from overthink.plan.analysis import Analysis
from overthink.plan.study import Plan

(NO_PLAN,) = get_args(NoPlan)


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What the rows of a pool and the analysis beside it say where there is no plan.

    Attributes:
        model: The model of all rows; None where no row names one.
        arms: Labels of the arms.
        conditions: Distinct values of what the logs state of their runs, by name, and notes on how they were read.
        polarity: Meaning of a high raw score by axis, task and scorer, as far as it was stated when they were read.
        analysis: Decisions of the analysis.
    """

    model: str | None
    arms: Sequence[str]
    conditions: Mapping[str, tuple[str, ...]]
    polarity: Mapping[tuple[str, str, str], str]
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class Setting:
    """How the rows of a statement were made, as far as it is known.

    Attributes:
        model: The model; None where no row names one.
        elicitation: How hard it was made to try: facts alone.
        grader: The grading model of the plan; None for none, or without a plan.
        plan: The plan; None without one.
        polarity: Without a plan, as in :class:`PoolFacts`.
    """

    model: str | None
    elicitation: Elicitation
    grader: str | None
    plan: Plan | None
    polarity: Mapping[tuple[str, str, str], str]

    def raw_high(self, key: CurveKey) -> str | None:
        """Return the meaning of a high raw score; None where nothing states it: a polarity is never guessed.

        Raises:
            InputError: There is a plan, which does not say it.
        """
        if self.plan is None:
            return self.polarity.get((key.axis, key.task, key.scorer))
        own = [task for task in self.plan.tasks if task.axis == key.axis]
        own = [task for task in own if task.task == key.task] or own
        exact = [task for task in own if ".".join(filter(None, (task.scorer, task.key))) == key.scorer]
        words = {task.high for task in exact or own}
        if len(words) != 1:
            raise InputError(
                f"the plan does not say what a high score of {key.task}, scorer {key.scorer}, means on the "
                f"{key.axis} axis; needed: one task of that axis and name in plan.json"
            )
        return words.pop()


def distinct_conditions(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the distinct values of each setting in some conditions (:mod:`overthink.data.conditions`), sorted.

    Example:
        >>> distinct_conditions(['{"temperature": 0.7, "judge": "a"}', '{"temperature": 0.7, "judge": "b"}'])
        {'judge': ('a', 'b'), 'temperature': ('0.7',)}
    """
    values: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        for name, value in settings_in(text).items():
            if name != INCOMPLETE:
                values[name].add(value)
    return {name: tuple(sorted(values[name])) for name in sorted(values)}


def setting_of_plan(plan: Plan) -> Setting:
    """Return the setting of a study by its plan."""
    how = Elicitation(
        budgets=plan.budgets,
        efforts=None if plan.efforts is None else tuple(map(level_label, plan.efforts)),
        turns=plan.turns,
        loop_tokens=plan.loop_tokens,
        arms=tuple(ArmTried(label=arm.label, parts=arm.parts, settings=arm.settings) for arm in plan.arms),
        draws=plan.draws,
        until=None if plan.until is None else plan.until.text,
        max_draws=plan.max_draws,
        sandbox_scoring=plan.sandbox_scoring,
        limit=plan.limit,
        answer_tokens=plan.answer_tokens,
        think_format=plan.think_format,
        answer_cue=plan.answer_cue,
        temperature=plan.temperature,
        top_p=plan.top_p,
        seed=plan.seed,
        controls=plan.controls,
        hypothesis=plan.hypothesis,
        planned_level=plan.level,
        planned_margin=plan.margin,
    )
    return Setting(plan.model, how, plan.grader, plan, {})


def setting_of_pool(facts: PoolFacts) -> Setting:
    """Return the setting of rows that have no plan: every setting of a plan is null."""
    how = Elicitation(
        budgets=None,
        efforts=None,
        arms=tuple(ArmTried(label=label, parts=None, settings=None) for label in facts.arms),
        draws=None,
        limit=None,
        answer_tokens=None,
        think_format=None,
        answer_cue=None,
        temperature=None,
        top_p=None,
        seed=None,
        controls=(),
        hypothesis=None,
        planned_level=facts.analysis.level,
        planned_margin=facts.analysis.margin,
        no_plan=NO_PLAN,
        conditions=dict(facts.conditions) or None,
    )
    return Setting(facts.model, how, None, None, facts.polarity)
