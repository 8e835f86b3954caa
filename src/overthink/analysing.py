"""What the evaluator decides about an analysis, and what the plan has decided already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from overthink.arm_families import depth_families
from overthink.core.adaptive.aim import Aim
from overthink.core.costing import Unit
from overthink.core.findings import Analysis
from overthink.core.findings.page import MARGIN
from overthink.core.human_label import HumanLabel
from overthink.core.outcomes import Outcomes
from overthink.core.regimes import boundaries
from overthink.core.sourced_shape import SourcedShape
from overthink.errors import InputError
from overthink.parties import with_shapes
from overthink.plan import Plan
from overthink.sources import Source
from overthink.store.analysis import Assumed
from overthink.store.labels import read_labels
from overthink.store.models import Known

LEVEL = 0.95
"""Confidence level where neither plan nor evaluator says one."""


@dataclass(frozen=True, slots=True)
class HowToAnalyse:
    """What an analysis can be told. None leaves it to the study's plan, or to the default.

    Attributes:
        level: Confidence level of the intervals; 0.95.
        seed: Seed of the bootstrap; 0.
        margin: Largest difference that does not matter; 0.05.
        hypothesis: Boundaries of the regimes to test, in thinking tokens; none.
        stopping: "fixed" if the number of tries was set beforehand, "first_success" if sampling stopped at the first
            success; inferred from the counts.
        labels: Table of human labels; none.
        assumed: What is assumed of the model, from :func:`overthink.assuming.assume`; it changes no finding.
        reference: The arm that others are compared with; ``base`` where there is one.
        other_models: Arms of another model than the reference's; none.
        unit: What total compute is counted in where arms are compared and budgets are spent; tokens.
        shapes: By model: its shape, in place of what is known of it; for rows from elsewhere the name of an arm stands
            for its model. What is known stays.
        flop_per_byte: Peak FLOP/s of the hardware over its memory bandwidth, 295 for an H100; none.
    """

    level: float | None = None
    seed: int | None = None
    margin: float | None = None
    hypothesis: tuple[int, ...] | None = None
    stopping: Literal["fixed", "first_success"] | None = None
    labels: Path | None = None
    assumed: Assumed = field(default_factory=Assumed)
    reference: str | None = None
    other_models: tuple[str, ...] | None = None
    unit: Unit | None = None
    shapes: Mapping[str, SourcedShape] = field(default_factory=dict)
    flop_per_byte: float | None = None

    def known(self, source: Source) -> Known:
        """Who works for the arms, and what is known of them with the shapes that are said here.

        Args:
            source: Where the data come from.

        Raises:
            InputError: A shape is of a model that nobody uses.
        """
        before = Known() if source.decided is None else Known(source.decided[0].parties)
        return with_shapes(source.known if source.known.parties else before, self.shapes, by_arm=source.plan is None)

    def settled(self, source: Source, tables: Sequence[Outcomes]) -> "Decided":
        """Everything decided, with the labels read: what is said here, else what was decided before, else the plan.

        Args:
            source: Where the data come from.
            tables: The curves, for which the labels must be.

        Raises:
            InputError: The hypothesis cannot be tested, the labels cannot be read or belong to no answer, or a shape is
                of a model that nobody uses.
        """
        before, plan = source.decided, source.plan
        planned = None if plan is None or plan.hypothesis is None else tuple(map(float, plan.hypothesis))
        if before is not None:
            earlier, seed = before
        else:
            level, margin, seed = (LEVEL, MARGIN, 0) if plan is None else (plan.level, plan.margin, plan.seed)
            earlier = Analysis(level=level, margin=margin, hypothesis=planned, registered=planned is not None)
        hypothesis = earlier.hypothesis if self.hypothesis is None else _boundaries(self.hypothesis)
        labels = earlier.human if self.labels is None else read_labels(self.labels)
        if labels is not None and self.labels is not None:
            _check_places(labels, tables, self.labels)
        analysis = Analysis(
            level=earlier.level if self.level is None else self.level,
            margin=earlier.margin if self.margin is None else self.margin,
            hypothesis=hypothesis,
            registered=_registered(hypothesis, planned, earlier),
            stopping=earlier.stopping if self.stopping is None else self.stopping,
            human=labels,
            aim=None if plan is None else aim_of(plan),
            resamples=earlier.resamples if plan is None else plan.resamples,
            reference=earlier.reference if self.reference is None else self.reference,
            other_models=earlier.other_models if self.other_models is None else self.other_models,
            verified=source.verified,
            steered=earlier.steered if plan is None else depth_families(plan.arms),
            parties=self.known(source).parties,
            unit=earlier.unit if self.unit is None else _unit(self.unit),
            flop_per_byte=earlier.flop_per_byte if self.flop_per_byte is None else self.flop_per_byte,
        )
        return Decided(analysis, seed if self.seed is None else self.seed)


def _unit(named: str) -> Unit:
    """The unit of that name; Python callers may say it as a word."""
    try:
        return Unit(named)
    except ValueError as failure:
        raise InputError(f"unit is {named!r}; needed: one of {', '.join(Unit)}") from failure


def aim_of(plan: Plan) -> Aim | None:
    """What the draws of a plan are spent for; None where their number is set beforehand."""
    until = plan.until
    return None if until is None else Aim(until.half_width, until.crossing, until.factor, plan.most_draws)


def _boundaries(hypothesis: tuple[int, ...]) -> tuple[float, ...]:
    try:
        return tuple(boundaries(hypothesis).tolist())
    except ValueError as failure:
        raise InputError(str(failure)) from failure


def _registered(hypothesis: tuple[float, ...] | None, planned: tuple[float, ...] | None, earlier: Analysis) -> bool:
    """Whether the hypothesis was in the plan, here or where an earlier analysis found it."""
    return hypothesis is not None and (
        hypothesis == planned or (earlier.registered and hypothesis == earlier.hypothesis)
    )


class Decided(NamedTuple):
    """What an analysis was told, and the seed of its bootstrap."""

    analysis: Analysis
    seed: int


def _check_places(labels: Sequence[HumanLabel], tables: Sequence[Outcomes], path: Path) -> None:
    """Every label must be of exactly one answer, whoever judged it."""
    there: dict[tuple[str, int, int], list[Outcomes]] = {}
    for table in tables:
        for q, d, r in np.argwhere(table.observed):
            there.setdefault((table.questions[q], table.draws[d], table.rungs[r].index), []).append(table)
    for one in labels:
        where = f"{path}: question {one.question!r}, draw {one.draw}, rung {one.rung}"
        places = there.get((one.question, one.draw, one.rung), ())
        own = {(table.task, table.arm, table.estimand) for table in places if one.is_of(table)}
        if not own:
            raise InputError(f"{where}: there is no such answer; needed: question, draw and rung as in the pool")
        if len(own) > 1:
            columns = zip(("task", "arm", "estimand"), zip(*own, strict=True), strict=True)
            differ = [name for name, seen in columns if len(set(seen)) > 1]
            raise InputError(f"{where} is an answer of {len(own)} curves; add the column {' and '.join(differ)}")
