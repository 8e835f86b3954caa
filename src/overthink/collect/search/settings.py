"""The decisions that searches share, and what cannot be done with them."""

from overthink.collect.part import Setting, Settings
from overthink.collect.search.tree import Shape
from overthink.errors import InputError
from overthink.plan import Plan

BEAM = {
    "width": Setting(int, "paths of a beam", least=2),
    "children": Setting(int, "children of each path that is kept", least=2),
    "first": Setting(int, "first steps, from which the first paths are kept; as many as paths", like="width", least=1),
}
"""The decisions of every beam."""

AGGREGATES = ("last", "min", "prod", "mean")


def aggregate(default: str | None = None) -> Setting:
    """How the scores of steps become one."""
    return Setting(str, "how the scores of the steps become the score of a path", default=default, choices=AGGREGATES)


def beam(name: str, settings: Settings, plan: Plan) -> Shape:
    """The shape of a beam: of its paths, one in `children` is kept, and gets `children` children.

    Raises:
        InputError: The beam is no multiple of the children, it begins with fewer paths than it keeps or more than it
            has, or all children of a path would be the same.
    """
    check_drawn(name, plan)
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
    return Shape(first=first, keep=keep, children=children)


def check_drawn(name: str, plan: Plan) -> None:
    """Check that children of one path differ.

    Raises:
        InputError: The model's steps are not drawn at random.
    """
    if plan.temperature == 0:
        raise InputError(
            f"--arms {name}: at --temperature 0 all children of a path are the same, so there is nothing to choose "
            "from; needed: a temperature above 0"
        )
