"""Analysis options, and their resolution against the plan and earlier analyses.

The user's assumptions about a model, parsed and checked before anything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from overthink.adaptive.stopping import PrecisionTarget
from overthink.analysis.hypotheses import misfit
from overthink.cost.model_shape import SourcedShape
from overthink.cost.units import Unit
from overthink.data.hypothesis import Part, regimes_and_parts
from overthink.data.labels import HumanLabel
from overthink.data.outcomes import Outcomes
from overthink.errors import InputError
from overthink.governance.calculators import CALCULATORS
from overthink.governance.calculators.base import CalculatorInput, option
from overthink.governance.inputs import Range, look_up, read_range
from overthink.paths import is_text, name_text
from overthink.plan.analysis import MARGIN, Analysis
from overthink.plan.arms import depth_families, protocol_arms
from overthink.plan.k_reference import LOWEST, checked_reference
from overthink.plan.selectors import plan_selectors
from overthink.plan.study import Plan
from overthink.stats.curve import ladder_of
from overthink.stats.regimes import boundaries
from overthink.storage.json_documents import Assumptions
from overthink.storage.models import StudyModels
from overthink.storage.tables.labels import read_labels
from overthink.workflows import arguments as arg
from overthink.workflows.models import with_shapes
from overthink.workflows.sources import Source

DEFAULT_LEVEL = 0.95
"""Confidence level if neither the plan nor the options set one."""


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """Options of an analysis. None means the value of the study's plan, else the default.

    Attributes:
        level: Confidence level of the intervals; 0.95.
        seed: Seed of the bootstrap; 0.
        margin: Largest difference that does not matter; 0.05.
        hypothesis: Parts with directions, as ``up@2k,flat@8k,down``, or boundaries of regimes in thinking tokens; none.
        primary: Primary curves, a family of their own, each named by axis, task, arm or TASK/ARM; none.
        k_reference: Thinking tokens at K (thinking) = 1, or FLOP where the unit is FLOP; "lowest", the default, for the
            lowest thinking budget that all curves have.
        stopping: "fixed" if the number of tries was set beforehand, "first_success" if sampling stopped at the first
            success; inferred from the counts.
        labels: Table of human labels; none.
        assumptions: Assumptions about the model, from ``assume``; they change no finding.
        reference: Reference arm of comparisons; ``base`` if there is one.
        counterparts: Arms compared with another arm than the reference, (arm, other), question by question; none.
        other_measures: What measures an arm in another way than its reference, (arm, task, condition); none.
        other_models: Arms of another model than the reference's; none.
        unit: Unit of total compute in comparisons of arms and frontiers; tokens.
        shapes: Shape by model name, replacing stored shapes; for rows without a plan, arm names are accepted too.
        flop_per_byte: Peak FLOP/s of the hardware over its memory bandwidth, 295 for an H100; none.
        selectors: Selectors from outside, as ``FILE.py@NAME`` or the name of an installed one; none.
    """

    level: float | None = None
    seed: int | None = None
    margin: float | None = None
    hypothesis: str | tuple[int, ...] | None = None
    stopping: Literal["fixed", "first_success"] | None = None
    labels: Path | None = None
    assumptions: Assumptions = field(default_factory=Assumptions)
    reference: str | None = None
    counterparts: tuple[tuple[str, str], ...] | None = None
    other_measures: tuple[tuple[str, str, str], ...] | None = None
    other_models: tuple[str, ...] | None = None
    unit: Unit | None = None
    shapes: Mapping[str, SourcedShape] = field(default_factory=dict)
    flop_per_byte: float | None = None
    primary: tuple[str, ...] | None = None
    k_reference: float | Literal["lowest"] | None = None
    selectors: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            check(getattr(self, name), name)
        for name in ("level", "margin"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise InputError(f"{name} is {value}; needed: between 0 and 1, such as 0.95 or 0.05")

    def models(self, source: Source) -> StudyModels:
        """Return the models of the arms with their shapes and prices, updated with these options' shapes.

        Args:
            source: Source of the rows.

        Raises:
            InputError: A shape is given for a model that is not in use.
        """
        before = StudyModels() if source.request is None else StudyModels(source.request[0].parties)
        return with_shapes(source.models if source.models.roles else before, self.shapes, by_arm=source.plan is None)

    def resolve(self, source: Source, tables: Sequence[Outcomes]) -> "AnalysisRequest":
        """Return the complete request, labels read: values given here, else of the earlier analysis, else of the plan.

        Args:
            source: Source of the rows.
            tables: Outcome tables that the labels must match.

        Raises:
            InputError: The hypothesis cannot be tested, the labels cannot be read or match no answer, a shape is of
                a model that is not in use, or the reference of K is not above 0.
        """
        before, plan = source.request, source.plan
        in_plan = Hypothesis.of(None if plan is None else plan.hypothesis)
        if before is not None:
            earlier, seed = before
        else:
            level, margin, seed = (DEFAULT_LEVEL, MARGIN, 0) if plan is None else (plan.level, plan.margin, plan.seed)
            earlier = Analysis(level, margin, in_plan.regimes, registered=in_plan.is_stated, parts=in_plan.parts)
            if plan is not None:
                earlier = replace(earlier, primary=plan.primary, primary_registered=bool(plan.primary))
                earlier = replace(earlier, k_reference=plan.k_reference)
        primary = earlier.primary if self.primary is None else self.primary
        before_it = Hypothesis(earlier.hypothesis, earlier.parts)
        hypothesis = before_it
        if self.hypothesis is not None:
            hypothesis = Hypothesis.of(self.hypothesis)
            hypothesis.check_ladders(tables)
        labels = earlier.human if self.labels is None else read_labels(self.labels)
        if labels is not None and self.labels is not None:
            _check_labels(labels, tables, self.labels)
        level = earlier.level if self.level is None else self.level
        margin = earlier.margin if self.margin is None else self.margin
        as_before = (
            plan is None
            and earlier.registered
            and (hypothesis, margin, level) == (before_it, earlier.margin, earlier.level)
        )
        as_planned = plan is not None and (hypothesis, margin, level) == (in_plan, plan.margin, plan.level)
        analysis = Analysis(
            level=level,
            margin=margin,
            hypothesis=hypothesis.regimes,
            parts=hypothesis.parts,
            registered=hypothesis.is_stated and (as_planned or as_before),
            stopping=earlier.stopping if self.stopping is None else self.stopping,
            human=labels,
            aim=earlier.aim if plan is None else precision_target(plan),
            resamples=earlier.resamples if plan is None else plan.resamples,
            reference=earlier.reference if self.reference is None else self.reference,
            counterparts=earlier.counterparts if self.counterparts is None else self.counterparts,
            other_measures=earlier.other_measures if self.other_measures is None else self.other_measures,
            other_models=earlier.other_models if self.other_models is None else self.other_models,
            verified=source.verifications,
            steered=earlier.steered if plan is None else depth_families(plan.arms),
            protocols=earlier.protocols if plan is None else protocol_arms(plan.arms),
            parties=self.models(source).roles,
            unit=earlier.unit if self.unit is None else _unit(self.unit),
            flop_per_byte=earlier.flop_per_byte if self.flop_per_byte is None else self.flop_per_byte,
            primary=primary,
            primary_registered=_is_declared_before(primary, plan, earlier),
            k_reference=self._k_reference(earlier),
            selectors=earlier.selectors if self.selectors is None else plan_selectors(self.selectors),
        )
        return AnalysisRequest(analysis, seed if self.seed is None else self.seed)

    def _k_reference(self, earlier: Analysis) -> float | None:
        """Return the reference of K; an earlier one only in its own unit, for tokens are no FLOP."""
        if self.k_reference == LOWEST:
            return None
        if self.k_reference is not None:
            return checked_reference(self.k_reference)
        unit = earlier.unit if self.unit is None else self.unit
        return earlier.k_reference if (unit == Unit.FLOP) == (earlier.unit == Unit.FLOP) else None


_CHECKS: dict[str, arg.Check] = {
    **dict.fromkeys(("level", "margin", "flop_per_byte"), arg.number_or_none),
    "k_reference": lambda value, name: None if value == LOWEST else arg.number_or_none(value, name),
    "seed": arg.seed_or_none,
    "hypothesis": arg.a(str | tuple | list | None),
    "stopping": arg.word_of("fixed", "first_success"),
    "labels": arg.a_path_or_none,
    "assumptions": arg.a(Assumptions),
    "reference": arg.a(str | None),
    "unit": arg.a(str | None),
    "shapes": arg.a(Mapping),
    **dict.fromkeys(("counterparts", "other_measures"), arg.a(tuple | list | None)),
    **dict.fromkeys(("primary", "selectors", "other_models"), arg.texts_or_none),
}


def _unit(name: str) -> Unit:
    """Return the unit of that name."""
    try:
        return Unit(name)
    except ValueError as failure:
        raise InputError(f"unit is {name!r}; needed: one of {', '.join(Unit)}") from failure


def precision_target(plan: Plan) -> PrecisionTarget | None:
    """Return the precision target of a plan with adaptive draws; None if the number of draws is fixed."""
    until = plan.until
    return None if until is None else PrecisionTarget(until.half_width, until.crossing, until.factor, plan.most_draws)


class Hypothesis(NamedTuple):
    """A hypothesis as the analysis takes it; at most one of its fields is not None.

    Attributes:
        regimes: Boundaries in thinking tokens, which claim nothing.
        parts: Parts with directions.
    """

    regimes: tuple[float, ...] | None
    parts: tuple[Part, ...] | None

    @classmethod
    def of(cls, hypothesis: str | tuple[int, ...] | None) -> "Hypothesis":
        """Return the hypothesis that a text or boundaries state.

        Raises:
            InputError: The text cannot be read, or its edges do not increase.
        """
        try:
            regimes, parts = regimes_and_parts(hypothesis)
            return cls(None if regimes is None else tuple(boundaries(regimes).tolist()), parts)
        except ValueError as failure:
            raise InputError(str(failure)) from failure

    @property
    def is_stated(self) -> bool:
        """Whether there is one."""
        return self != Hypothesis(None, None)

    def check_ladders(self, tables: Sequence[Outcomes]) -> None:
        """Check that the parts fit the ladder of one curve at least, if any has a ladder.

        Raises:
            InputError: They fit none.
        """
        if self.parts is None:
            return
        misfits = [misfit(self.parts, ladder_of(table)) for table in tables if len(table.rungs) > 1]
        if misfits and None not in misfits:
            raise InputError(str(misfits[0]))


def _is_declared_before(primary: tuple[str, ...], plan: Plan | None, earlier: Analysis) -> bool:
    """Return whether the primary curves were declared in the plan; without it, in an earlier analysis that had one."""
    if plan is not None:  # it has a hash, which an analysis has not
        return bool(primary) and set(primary) == set(plan.primary)
    return bool(primary) and earlier.primary_registered and set(primary) == set(earlier.primary)


class AnalysisRequest(NamedTuple):
    """A complete analysis request, and the seed of its bootstrap."""

    analysis: Analysis
    seed: int


def _check_labels(labels: Sequence[HumanLabel], tables: Sequence[Outcomes], path: Path) -> None:
    """Check that every label matches exactly one answer, of any scorer."""
    answers: dict[tuple[str, int, int], list[Outcomes]] = {}
    for table in tables:
        for q, d, r in np.argwhere(table.observed):
            answers.setdefault((table.questions[q], table.draws[d], table.rungs[r].index), []).append(table)
    for label in labels:
        where = f"{path}: question {label.question!r}, draw {label.draw}, rung {label.rung}"
        candidates = answers.get((label.question, label.draw, label.rung), ())
        own = {(table.task, table.arm, table.estimand, table.axis) for table in candidates if label.matches(table)}
        if not own:
            raise InputError(f"{where}: there is no such answer; needed: question, draw and rung as in the pool")
        if len(own) > 1:
            columns = zip(("task", "arm", "estimand", "axis"), zip(*own, strict=True), strict=True)
            differ = [name for name, values in columns if len(set(values)) > 1]
            raise InputError(f"{where} is an answer of {len(own)} curves; add the column {' and '.join(differ)}")


TRAINING_FLOP = "training_flop"

PLAUSIBLE_FLOP = (1e15, 1e35)
"""Range of plausible training compute; values outside suggest another unit (petaFLOP, FLOP/s, an exponent)."""

STUDY_INPUTS = ("k", "k_basis", "k_reference", "measured")
"""Calculator inputs that the study provides; they cannot be assumed."""

INPUTS: dict[str, CalculatorInput] = {
    field.name: field
    for calculator in CALCULATORS.values()
    for field in calculator.inputs()
    if field.name not in STUDY_INPUTS
}
"""Inputs that may be assumed, by name."""


def assume(inputs: Mapping[str, str | float], *, day: date | None = None) -> Assumptions:
    """Return checked assumptions, by the name of the calculator input.

    Args:
        inputs: Values such as ``{"training_flop": 3.8e25, "active_parameters": "8e9..9e9"}``; an empty text
            removes an earlier assumption.
        day: Date for which thresholds are looked up; None for the date of the report.

    Raises:
        InputError: A name is not a calculator input or is measured by the study, or a value cannot be read.

    Example:
        >>> assume({"training_flop": 3.8e25}).inputs
        {'training_flop': '3.8e+25'}
    """
    texts: dict[str, str] = {}
    for name, value in inputs.items():
        plain = name.strip().replace("-", "_")
        if plain in STUDY_INPUTS:
            raise InputError(f"{name} cannot be assumed: a report takes it from the study's own curves")
        field = look_up(plain, INPUTS, what="input of a calculator")
        text = str(value).strip()
        if text and not field.words:
            _check_number(field.name, read_range(text, _option_text(field.name)))
        texts[field.name] = text
    return Assumptions(texts, day)


def parse_assumptions(training_flop: str | None, assume_: Sequence[str], day: date | None) -> Assumptions:
    """Return the assumptions of the command line.

    Args:
        training_flop: Training compute, a number or LOW..HIGH.
        assume_: Other assumptions, each as NAME=VALUE.
        day: Date for which thresholds are looked up.

    Raises:
        InputError: An assumption cannot be read, or is given twice.
    """
    inputs: dict[str, str] = {} if training_flop is None else {TRAINING_FLOP: _not_empty(training_flop)}
    for text in assume_:
        if not is_text(text):
            raise InputError(f"--assume {name_text(text)} is not in UTF-8; needed: a text that a study can store")
        name, equals, value = text.partition("=")
        if not (name.strip() and equals):
            raise InputError(f"--assume {text} cannot be read; needed: --assume NAME=VALUE, as training_days=90")
        if name.strip().replace("-", "_") in inputs:
            raise InputError(f"{name.strip()} is assumed twice; needed: one value")
        inputs[name.strip().replace("-", "_")] = value
    return assume(inputs, day=day)


def merge_assumptions(new: Assumptions, before: Assumptions) -> Assumptions:
    """Return earlier assumptions updated with new ones; an empty text removes an assumption."""
    inputs = {**before.inputs, **new.inputs}
    return Assumptions({name: value for name, value in inputs.items() if value}, new.day or before.day)


def _check_number(name: str, value: Range) -> None:
    low, high = PLAUSIBLE_FLOP
    if name == TRAINING_FLOP and not low <= value.low <= value.high <= high:
        raise InputError(
            f"{_option_text(name)} is {_span(value)} FLOP; needed: the operations of the whole training run, from "
            f"{low:g} to {high:g}, such as 3.8e25; not petaFLOP, and not FLOP per second"
        )


def _not_empty(text: str) -> str:
    if not text.strip():
        raise InputError("--training-flop is empty; needed: a number such as 3.8e25, or a range as LOW..HIGH")
    return text


def _option_text(name: str) -> str:
    return option(name) if name == TRAINING_FLOP else f"--assume {name}"


def _span(value: Range) -> str:
    return f"{value.low:g}" if value.is_point else f"{value.low:g}..{value.high:g}"
