"""The decisions that searches share, and what cannot be done with them."""

from overthink.collect.part import Setting
from overthink.collect.search.tree import Shape
from overthink.errors import InputError
from overthink.plan import Plan

WIDTH = Setting(int, "paths of a beam", least=2)
CHILDREN = Setting(int, "children of each path that is kept", least=2)
AGGREGATES = ("last", "min", "prod", "mean")


def aggregate(default: str | None = None) -> Setting:
    """How the scores of steps become one."""
    return Setting(str, "how the scores of the steps become the score of a path", default=default, choices=AGGREGATES)


def beam(name: str, width: int, children: int, plan: Plan) -> Shape:
    """The shape of a beam: of its paths, one in `children` is kept, and gets `children` children.

    Raises:
        InputError: The beam is no multiple of the children, or all children of a path would be the same.
    """
    check_drawn(name, plan)
    if width % children:
        below, above = width // children * children, (width // children + 1) * children
        use = f"width={above}" if below == 0 else f"width={below} or width={above}"
        raise InputError(
            f"--arms {name}: a beam of width={width} cannot keep one path in children={children} of its paths; needed: "
            f"a width that is a multiple of the children: {use}"
        )
    return Shape(first=width, keep=width // children, children=children)


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
