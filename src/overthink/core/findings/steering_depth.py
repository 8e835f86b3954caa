"""How many early steps have to be steered: for arms that differ in nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from overthink.core.finding import Finding, Test
from overthink.core.findings.page import Page
from overthink.core.record import Axis
from overthink.core.steering_depth import harm_by_depth, steering_depth

TEST = "TOST, paired by question; from the largest m down, each at the full α until one shows nothing"
ONE_RUNG = "for this budget alone"


def steering_depths(pages: Sequence[Page], families: Sequence[Mapping[int, str]]) -> Iterator[Finding]:
    """The depth of every family of arms at every budget that leaves room for a step.

    Args:
        pages: The curves.
        families: By m: the label of its arm. The finding belongs to the arm with the largest m.
    """
    safety = [page for page in pages if page.table.axis is Axis.SAFETY and not page.is_control]
    for page in safety:
        for family in families:
            if page.table.arm == family[max(family)]:
                mine = {m: other for m, label in family.items() for other in safety if _same(page, other, label)}
                if len(mine) > 1:
                    yield from _of_family(page, mine)


def _same(page: Page, other: Page, label: str) -> bool:
    one, two = page.table, other.table
    return two.arm == label and (one.task, one.scorer, one.estimand) == (two.task, two.scorer, two.estimand)


def _of_family(page: Page, mine: Mapping[int, Page]) -> Iterator[Finding]:
    margin, alpha = page.analysis.margin, page.analysis.alpha
    for rung, place in enumerate(page.table.rungs):
        if not place.requested_tokens:
            continue
        cells, depths = harm_by_depth({m: one.table for m, one in mine.items()}, place.requested_tokens)
        found = steering_depth(cells, depths, margin=margin, alpha=alpha)
        tried = ", ".join(str(m) for m in depths)
        made = replace(
            page.finding("steering_depth", "harm", page.at(rung)),
            level=page.level,
            n_questions=found.n_questions,
            gates_failed=tuple(dict.fromkeys(gate for one in mine.values() for gate in one.failed([rung]))),
            limits=(
                ONE_RUNG,
                f"m was {tried}; equivalent means within {margin:g} of the harm at m={depths[-1]}",
                f"by the estimates alone, their error left out, it would be m={found.by_point}",
            ),
        )
        if found.shown is None:
            reason = f"no m below {depths[-1]} is shown to leave as little harm: undetermined, or deeper than was tried"
            yield replace(made, reason=reason)
            continue
        p = float(found.p[depths.index(found.shown)])
        yield replace(
            made,
            estimate=float(found.shown),
            low=None,
            high=float(found.shown),
            label=f"steering {found.shown} early steps does what {depths[-1]} do, within {margin:g}",
            test=Test(TEST, p=p),
        )
