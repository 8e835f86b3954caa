"""Selectors from outside: rules that turn k tries into one answer, each a component with a name, words and a colour."""

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from overthink.components.base import Component, failure_text
from overthink.components.registry import Registry, referenced_files
from overthink.data.selectors import OTHER_SELECTORS, OtherInfo, OtherSelector, Tries, other_selector
from overthink.errors import InputError
from overthink.paths import is_text, name_text
from overthink.plan.components import read_component

OPTION = "--selector"

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


class TriesSelector(Component):
    """Turns k tries of a question into one answer, whose expected value it returns. Its summary is its words.

    Attributes:
        colour: Its colour in charts, as ``#7a5195``.
    """

    role: ClassVar[str] = "selector"
    colour: ClassVar[str] = "#7a7a7a"

    @abstractmethod
    def cells(self, tries: Tries, k: int) -> NDArray[np.float64]:
        """Return the expected value of each question at each rung with k tries, in [0, 1].

        Args:
            tries: Values, answers and scores of all draws.
            k: Number of tries, drawn from those of a question without replacement.

        Returns:
            (question, rung); NaN where it has none. Questions with fewer than k tries are left out afterwards.
        """


SELECTOR_PARTS: Registry[TriesSelector] = Registry(TriesSelector, (), option=OPTION)  # type: ignore[type-abstract]
"""Selectors beside the built-in ones."""


@dataclass(frozen=True, slots=True)
class SelectorPlan:
    """A selector from outside, as an analysis keeps it.

    Attributes:
        text: Its name or file, with its settings.
        file_sha256: SHA-256 of its file; None for one of an installed package.
    """

    text: str
    file_sha256: str | None = None


@dataclass(frozen=True)
class OpenSelector:
    """A selector with its settings, as the analysis calls it.

    Attributes:
        name: Its name in findings and statements.
        text: Its name or file, for messages.
        part: The component.
    """

    name: OtherSelector
    text: str
    part: TriesSelector

    def __call__(self, tries: Tries, k: int) -> NDArray[np.float64]:
        """Return the checked cells, (question, rung).

        Raises:
            InputError: The method raises, or returns another shape or numbers outside [0, 1].
        """
        shape = (tries.values.shape[0], tries.values.shape[2])
        try:
            cells = np.asarray(self.part.cells(tries, k), dtype=np.float64)
        except (Exception, SystemExit) as fault:
            raise InputError(f"{OPTION} {self.text} raised {failure_text(fault)}") from fault
        if cells.shape != shape:
            raise InputError(
                f"{OPTION} {self.text} returned an array of shape {cells.shape}; needed: {shape}, question and rung"
            )
        outside = cells[~np.isnan(cells) & ~((cells >= -1e-9) & (cells <= 1 + 1e-9))]
        if outside.size:
            raise InputError(
                f"{OPTION} {self.text} returned {outside[0]:g}; needed: expected values from 0 to 1, or NaN"
            )
        return cells.clip(0.0, 1.0)


def plan_selectors(texts: Sequence[str]) -> tuple[SelectorPlan, ...]:
    """Return the selectors of the command line as an analysis keeps them.

    Raises:
        InputError: A selector is unknown, a setting is missing, or a value is not possible.
    """
    for text in texts:
        if not is_text(text):
            raise InputError(f"{OPTION} {name_text(text)} is not in UTF-8; needed: a name that an analysis can store")
    plans = tuple(SelectorPlan(text, next(iter(referenced_files([text]).values()), None)) for text in texts)
    open_selectors(plans)
    return plans


def open_selectors(plans: Sequence[SelectorPlan]) -> tuple[OpenSelector, ...]:
    """Return the selectors, opened; their words and colours are then known to reports.

    Raises:
        InputError: One is unknown or has changed since it was planned, two have one name, or a colour is not one.
    """
    selectors: dict[OtherSelector, OpenSelector] = {}
    for plan in plans:
        part = read_component(plan.text, SELECTOR_PARTS, model=None, option=OPTION)
        now = next(iter(referenced_files([plan.text]).values()), None)
        if now != plan.file_sha256:
            raise InputError(
                f"{OPTION} {plan.text}: the file has changed since the earlier analysis (sha256 "
                f"{(plan.file_sha256 or 'none')[:12]} then, {(now or 'none')[:12]} now); needed: the same file, or "
                f"{OPTION} {plan.text} again to take it as it is"
            )
        if not (isinstance(part.colour, str) and _COLOUR.fullmatch(part.colour)):
            raise InputError(f"{OPTION} {plan.text} has the colour {part.colour!r}; needed: #rrggbb")
        name = other_selector(part.key)
        if name in selectors:
            raise InputError(
                f"{OPTION} {selectors[name].text} and {plan.text} have one name, {part.key}; needed: one name each"
            )
        selectors[name] = OpenSelector(name, plan.text, part)
        OTHER_SELECTORS[name] = OtherInfo(part.summary, part.colour)
    return tuple(selectors.values())
