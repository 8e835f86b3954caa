"""Common options of searches, and their validation."""

from overthink.collect.arms.component import Option, Settings
from overthink.collect.arms.strategies.tree import TreeShape
from overthink.errors import InputError
from overthink.plan.study import Plan

BEAM = {
    "width": Option(int, "paths of a beam", least=2),
    "children": Option(int, "children of each path that is kept", least=2),
    "first": Option(
        int, "first steps, from which the first paths are kept; as many as paths", same_as="width", least=1
    ),
}
"""Options of every beam."""

AGGREGATES = ("last", "min", "prod", "mean")


def aggregate(default: str | None = None) -> Option:
    """Return the option for the aggregation of step scores."""
    return Option(str, "how the scores of the steps become the score of a path", default=default, choices=AGGREGATES)


def beam(name: str, settings: Settings, plan: Plan) -> TreeShape:
    """Return the shape of a beam: of its paths, one in `children` is kept, and gets `children` children.

    Raises:
        InputError: The width is not a multiple of the children, the number of first steps is out of range, or all
            children of a path would be equal.
    """
    check_sampling(name, plan)
    width, children, first = int(settings["width"]), int(settings["children"]), int(settings["first"])
    if width % children:
        below, above = width // children * children, (width // children + 1) * children
        use = f"width={above}" if below == 0 else f"width={below} or width={above}"
        raise InputError(
            f"--arms {name}: a beam of width={width} cannot keep one path in children={children} of its paths; needed: "
            f"a width that is a multiple of the children: {use}"
        )
    keep = width // children
    if not keep <= first <= width:
        raise InputError(
            f"--arms {name}: a beam of width={width} that keeps {keep} of its paths cannot begin with first={first}; "
            f"needed: at least {keep} and at most {width} first steps"
        )
    return TreeShape(first=first, keep=keep, children=children)


def check_sampling(name: str, plan: Plan) -> None:
    """Check that steps are sampled, so that children of one path differ.

    Raises:
        InputError: The temperature is 0.
    """
    if plan.temperature == 0:
        raise InputError(
            f"--arms {name}: at --temperature 0 all children of a path are the same, so there is nothing to choose "
            "from; needed: a temperature above 0"
        )
