"""Registry of monitors, and the parser of `NAME:key=value,key=value`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from overthink.collect.monitors.base import Monitor
from overthink.collect.monitors.probe import ProbeMonitor, SimulatedProbe
from overthink.collect.monitors.text import TextMonitor
from overthink.collect.monitors.without_model import (
    HintMonitor,
    LexicalMonitor,
    RuleMonitor,
    ScoutMonitor,
    SimulatedMonitor,
)
from overthink.components.registry import Registry, referenced_files
from overthink.data.oversight import View
from overthink.data.verifier_scores import SHOWN_DIGITS
from overthink.errors import InputError
from overthink.paths import file_sha256
from overthink.plan.components import complete_component, name_and_settings

OPTION = "--monitor"

MONITORS: Registry[Monitor] = Registry(
    Monitor,  # type: ignore[type-abstract]
    (
        TextMonitor,
        LexicalMonitor,
        ScoutMonitor,
        SimulatedMonitor,
        RuleMonitor,
        HintMonitor,
        ProbeMonitor,
        SimulatedProbe,
    ),
    option=OPTION,
)
"""Monitors by name."""


_SIMULATED = (SimulatedMonitor, SimulatedProbe)


@dataclass(frozen=True)
class MonitorPlan:
    """A monitor with all settings.

    Attributes:
        monitor: The monitor.
        label: Name and settings as stored; with the beginning of the SHA-256 of the file that decides its scores.
    """

    monitor: Monitor
    label: str

    @property
    def is_simulated(self) -> bool:
        """Whether it plants what it says, and so gets to know what is to be caught."""
        return isinstance(self.monitor, _SIMULATED)


def read_monitor(text: str, *, model: str | None) -> MonitorPlan:
    """Parse a monitor of the command line.

    Args:
        text: `NAME:key=value,key=value`.
        model: The model under test; the simulated one has defaults, and is alone what the simulated monitor reads.

    Raises:
        InputError: The monitor or a setting is unknown, an option is missing, or a value is invalid.

    Example:
        >>> read_monitor("lexical:words=password|secret", model=None).label
        'lexical:words=password|secret'
    """
    name, values = name_and_settings(text, option=OPTION, role="monitor")
    part = MONITORS.look_up(name)
    if part in _SIMULATED and model != "overthink/simulated":
        raise InputError(f"{OPTION} {name} reads what overthink/simulated writes, and {model} is another model")
    monitor = complete_component(part, values, model=model, option=OPTION)
    defaults = {key: field.default for key, field in part.model_fields.items()}
    settings = {key: value for key, value in monitor.model_dump().items() if value != defaults[key]}
    label = name + (":" + ",".join(f"{key}={value}" for key, value in settings.items()) if settings else "")
    hashes = [*referenced_files([name]).values(), *(file_sha256(path, follow=True) for path in _paths(monitor))]
    return MonitorPlan(monitor, " ".join([label, *(f"(file {digest[:SHOWN_DIGITS]})" for digest in hashes)]))


def read_monitors(texts: Sequence[str], views: Sequence[View], *, model: str | None) -> tuple[MonitorPlan, ...]:
    """Parse the monitors of a command, and check that each can read the views.

    Raises:
        InputError: One cannot be read, two are alike, there is none, or a view needs extraction that one has not.
    """
    plans = tuple(read_monitor(text, model=model) for text in texts)
    if not plans:
        raise InputError(f"no monitor is named; needed: {OPTION} NAME:key=value: {'; '.join(MONITORS.descriptions())}")
    labels = [plan.label for plan in plans]
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise InputError(f"{OPTION} {twice[0]} is stated {labels.count(twice[0])} times; needed: once")
    for plan in plans:
        if View.EXTRACTED in views and not plan.monitor.extracts:
            raise InputError(
                f"{OPTION} {plan.label} extracts no passages, which --view extracted needs; name a text monitor, or "
                "leave this view out"
            )
    return plans


def _paths(monitor: Monitor) -> Sequence[Path]:
    return [Path(name) for name in monitor.files]
