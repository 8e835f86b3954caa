"""Arms of a study, as parsed from the command line and stored in the plan: strategy, interventions, settings.

Families of arms that differ in a single setting, so that the setting's effect can be estimated.
"""

import json
import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, model_validator

from overthink.components.base import KEY, SettingValue
from overthink.components.registry import file_reference
from overthink.data.decisions import CONTROL_PROTOCOLS, PLACEBO, control_of, placebo_label, placebo_of
from overthink.errors import InputError

_PART = rf"(?:[^,:=+@\"]*\.py@)?{KEY.pattern}"
_NAME = re.compile(rf"{_PART}(\+{_PART})*", re.IGNORECASE)
_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')  # a comma outside double quotes
_LABEL = re.compile(r"[\w .,:=+@/-]{1,80}")


class ArmPlan(BaseModel):
    """One arm with all its settings.

    Attributes:
        label: Its name in the pool.
        parts: Names of the strategy and the interventions.
        settings: Settings by name, shared by the parts of the arm.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    parts: tuple[str, ...]
    settings: dict[str, SettingValue] = {}

    @model_validator(mode="after")
    def _whole(self) -> "ArmPlan":
        if not _LABEL.fullmatch(self.label):
            raise ValueError(
                f"an arm cannot be called {self.label[:80]!r}; needed: letters, digits and . , : = + @ / -"
            )
        if not self.parts or len(set(self.parts)) < len(self.parts):
            raise ValueError(f"arm {self.label}: needed at least one part, and each once; seen {list(self.parts)}")
        for name, value in self.settings.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"arm {self.label}: {name} is {value}; needed: a finite number")
        if PLACEBO in self.parts or placebo_of(self.label) is not None:
            self._placebo()
        else:
            self._control()
        return self

    def _control(self) -> None:
        """Check that an arm with a protocol of control is called after it, and no other arm is."""
        own = next((part for part in self.parts if part in CONTROL_PROTOCOLS), None)
        if control_of(self.label) != own:
            raise ValueError(
                f"arm {self.label} has the parts {'+'.join(self.parts)}; needed: a label with the name of its protocol "
                f"of control, as {own or 'base'} or {own or 'base'}-2, for its costs are read by it"
            )

    def _placebo(self) -> None:
        """Check that a placebo is called after its arm, and no other arm is."""
        of = self.settings.get("of")
        if self.parts != (PLACEBO,) or set(self.settings) != {"of"} or self.label != placebo_label(str(of)):
            raise ValueError(
                f"arm {self.label} has the parts {'+'.join(self.parts)} and the settings "
                f"{', '.join(self.settings) or 'none'}; needed for a placebo: placebo:of=ARM, with no other part, "
                "setting or label, and ARM the label of another arm"
            )

    @property
    def placebo_of(self) -> str | None:
        """Label of the arm that it is a placebo of; None for any other arm."""
        return placebo_of(self.label)


BASE = ArmPlan(label="base", parts=("base",))
"""The plain ladder."""


def read_arms(text: str) -> tuple[ArmPlan, ...]:
    """Parse the arms of the command line.

    Args:
        text: Arms separated by commas, each `NAME`, or `NAME+NAME` for an intervention on a strategy, with settings
            after a colon: `base,safethink:guard=openai/x,tau=0.5,m=3,zerothink`. The setting `as` sets the label.
            Quote values with commas: `wait:cue="Wait, no",rounds=2`. A part may come from a file: `FILE.py@NAME`, whose
            folders are left out of the label.

    Raises:
        InputError: An item is neither an arm nor a setting of the preceding arm.

    Example:
        >>> [arm.label for arm in read_arms("base,safethink:m=1,as=early,safethink:m=3")]
        ['base', 'early', 'safethink']
        >>> read_arms("beam:width=4,children=4")[0].settings
        {'width': 4, 'children': 4}
    """
    arms: list[tuple[str, dict[str, SettingValue]]] = []
    for item in (piece.strip() for piece in _COMMA.split(text)):
        head, equals, value = item.partition("=")
        name, colon, key = head.partition(":") if equals else (item.removesuffix(":"), "", "")
        if not equals or colon:
            if not _NAME.fullmatch(name):
                raise InputError(
                    f"--arms {text}: {item!r} cannot be read; needed: NAME, NAME:key=value or, behind an arm, key=value"
                )
            arms.append((name, {}))
            if not equals:
                continue
            head = key
        if not arms or not head.strip() or not value.strip():
            raise InputError(f"--arms {text}: {item!r} belongs to no arm, or says nothing; needed: NAME:key=value")
        settings = arms[-1][1]
        if head.strip() in settings:
            raise InputError(f"--arms {text}: {arms[-1][0]} is given {head.strip()} twice")
        settings[head.strip()] = _value(value.strip())
    return tuple(_arm(name, settings) for name, settings in arms)


def check_labels(arms: Iterable[ArmPlan]) -> None:
    """Check that arm labels are unique.

    Raises:
        ValueError: Two arms have the same label.
    """
    labels = [arm.label for arm in arms]
    twice = sorted({label for label in labels if labels.count(label) > 1})
    if twice:
        what = "leave one of them out" if placebo_of(twice[0]) else "name one of them with the setting as=LABEL"
        raise ValueError(f"two arms are called {twice[0]}; {what}")


def check_placebos(arms: Iterable[ArmPlan]) -> None:
    """Check that every placebo is that of another arm, which is none itself.

    Raises:
        ValueError: It is not.
    """
    own = {arm.label: arm for arm in arms}
    choices = ", ".join(label for label, arm in own.items() if arm.placebo_of is None)
    for arm in own.values():
        of = arm.placebo_of
        if of is not None and (of not in own or own[of].placebo_of is not None):
            fault = "there is no such arm" if of not in own else "that is a placebo itself"
            raise ValueError(f"{arm.label}: {fault}; needed: of=ARM with one of the arms {choices or '(none given)'}")


def _arm(name: str, settings: dict[str, SettingValue]) -> ArmPlan:
    is_named_after = name.lower() == PLACEBO and "of" in settings
    parts = name.split("+")
    own_label = "+".join(map(_short, parts)) if file_reference(name) else name
    label = str(settings.pop("as", placebo_label(str(settings["of"])) if is_named_after else own_label))
    try:
        return ArmPlan(label=label, parts=tuple(map(_lower, parts)), settings=settings)
    except ValueError as fault:
        raise InputError(str(fault).split("Value error, ")[-1].split(" [type=")[0]) from fault


def _lower(part: str) -> str:
    """Return the name of a part in lower case, apart from its file."""
    reference = file_reference(part)
    return part.lower() if reference is None else f"{reference.path}@{reference.key.lower()}"


def _short(part: str) -> str:
    """Return the name of a part without the folders of its file."""
    return part.replace("\\", "/").rpartition("/")[2]


def _value(text: str) -> SettingValue:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return read if isinstance(read, bool | int | float | str) else text


DEBATER_BUDGET = "budget"
"""Setting of a protocol for the thinking budget of the debaters."""

PROTOCOLS = ("consultancy", "debate", "critic")
"""Parts of an arm by which others argue before the model under test thinks."""


class ProtocolArm(NamedTuple):
    """An arm in which others argue before the model under test judges.

    Attributes:
        arm: Label of the arm.
        protocol: Name of the protocol; of a consultancy with how its side is chosen.
        budget: Thinking budget of the debaters.
        is_coin: Sides are drawn by chance in the same frame: the placebo.
    """

    arm: str
    protocol: str
    budget: int
    is_coin: bool


def protocol_arms(arms: Sequence[ArmPlan]) -> tuple[ProtocolArm, ...]:
    """Return the arms with a protocol.

    Args:
        arms: The arms of a study.

    Example:
        >>> protocol_arms([BASE, ArmPlan(label="two", parts=("debate",), settings={"budget": 64, "speakers": "coin"})])
        (ProtocolArm(arm='two', protocol='debate', budget=64, is_coin=True),)
    """
    return tuple(
        ProtocolArm(
            arm.label,
            _protocol_name(arm, part),
            int(arm.settings[DEBATER_BUDGET]),
            arm.settings.get("speakers") == "coin",
        )
        for arm in arms
        for part in arm.parts
        if part in PROTOCOLS and DEBATER_BUDGET in arm.settings
    )


def _protocol_name(arm: ArmPlan, part: str) -> str:
    side = arm.settings.get("side")
    return part if side is None else f"{side} {part}"


def refuse_protocols(arms: Sequence[ArmPlan], labels: Iterable[str], command: str) -> None:
    """Check that no trace is used whose prompt holds what others said, which only its log has.

    Args:
        arms: The arms of the study.
        labels: Arms whose traces are used.
        command: The command, for the message.

    Raises:
        InputError: Such an arm is among them.
    """
    used = set(labels)
    for arm in protocol_arms(arms):
        if arm.arm in used:
            others = ", ".join(f"--arm {label}" for label in used - {own.arm for own in protocol_arms(arms)})
            raise InputError(
                f"{command} reads a trace's prompt from its task, and that of arm {arm.arm} holds what others said "
                f"before it ({arm.protocol}); needed: other arms{f', {others}' if others else ''}"
            )


def refuse_reviews(labels: Iterable[str], command: str) -> None:
    """Check that no trace is used whose answers a protocol of control may have replaced.

    Args:
        labels: Arms whose traces are used.
        command: The command, for the message.

    Raises:
        InputError: Such an arm is among them.
    """
    used = tuple(dict.fromkeys(labels))
    wrong = next((label for label in used if control_of(label)), None)
    if wrong is not None:
        others = ", ".join(f"--arm {label}" for label in used if not control_of(label))
        raise InputError(
            f"{command} compares answers of the model under test, and those of arm {wrong} are reviewed before they go "
            f"on; needed: other arms{f', {others}' if others else ''}"
        )


STEERING_PART, DEPTH_SETTING = "safethink", "m"
"""Component that steers early steps, and its setting for the number of steps."""


def depth_families(arms: Sequence[ArmPlan]) -> tuple[tuple[tuple[int, str], ...], ...]:
    """Return families of arms that differ only in the number of steered steps; 0 is the arm without steering.

    Args:
        arms: The arms of a study.

    Returns:
        Families of two or more arms: m and the arm's label, by ascending m.

    Example:
        >>> steered = [ArmPlan(label=f"m{m}", parts=("safethink",), settings={"m": m}) for m in (1, 2)]
        >>> depth_families([BASE, *steered])
        (((0, 'base'), (1, 'm1'), (2, 'm2')),)
    """
    families: dict[tuple[tuple[str, ...], frozenset[tuple[str, SettingValue]]], dict[int, str]] = {}
    for arm in arms:
        if STEERING_PART in arm.parts and DEPTH_SETTING in arm.settings:
            rest = frozenset((name, value) for name, value in arm.settings.items() if name != DEPTH_SETTING)
            families.setdefault((arm.parts, rest), {})[int(arm.settings[DEPTH_SETTING])] = arm.label
    for (parts, rest), family in families.items():
        plain = tuple(part for part in parts if part != STEERING_PART) or BASE.parts
        for arm in arms:
            if arm.parts == plain and frozenset(arm.settings.items()) <= rest:
                family.setdefault(0, arm.label)
    return tuple(tuple(sorted(family.items())) for family in families.values() if len(family) > 1)
