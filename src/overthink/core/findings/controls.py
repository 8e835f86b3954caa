"""What the controls say: forced against the model's own answer, and the thinking's verdict against the answer's."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from overthink.core.compare import TEST_NAME
from overthink.core.controls import ON_TRACE, Disagreement, disagreement, two_by_two
from overthink.core.finding import At, Finding, Test
from overthink.core.findings.page import POINTWISE, Page
from overthink.core.interval import question_weights
from overthink.core.record import Estimand

ENDED = "only traces that ended by themselves below the top budget"
CUT_TOO = "where the trace was still thinking here, the cut counts as well as the forcing"


def controls(pages: Sequence[Page], *, rng: np.random.Generator) -> Iterator[Finding]:
    """Every comparison that the curves of one task, arm and scorer allow.

    Against the natural curve: the forced one at every rung, and the sham. Against a scorer's curve on the trace: its
    curve on the answers. Comparisons on as many questions share one bootstrap.
    """
    by_name = {_name(page): page for page in pages}
    seed = int(rng.integers(2**63))
    for page in pages:
        *task, scorer, estimand = _name(page)
        natural = by_name.get((*task, scorer, Estimand.NATURAL))
        if natural is not None and not scorer.endswith(ON_TRACE):
            if estimand == Estimand.FORCED:
                yield from _against(natural, page, "natural", _weights(page, seed))
            elif estimand == Estimand.SHAM:
                yield from _against(natural, page, "sham", _weights(page, seed))
        on_trace = by_name.get((*task, scorer + ON_TRACE, estimand))
        if on_trace is not None:
            yield from _trace_and_answer(on_trace, page, _weights(page, seed))


def _name(page: Page) -> tuple[str, ...]:
    table = page.table
    return (table.axis, table.task, table.arm, table.scorer, table.estimand)


def _weights(page: Page, seed: int) -> NDArray[np.float64]:
    return question_weights(len(page.table.questions), rng=np.random.default_rng(seed))


def _against(natural: Page, page: Page, metric: str, weights: NDArray[np.float64]) -> Iterator[Finding]:
    own = _values_of(natural, like=page)[:, :, 0]
    found = disagreement(page.table.values, own, weights, level=page.level)
    for rung in range(page.rungs):
        at = At() if metric == "sham" else page.at(rung)
        unknown = "no trace has both answers: none ended by itself, or none was scored"
        share = page.estimated("disagreement", metric, at, found.share, (rung,), unknown=unknown)
        change = page.estimated(
            "disagreement", f"{metric}_difference", at, found.difference.intervals, (rung,), unknown=unknown
        )
        p = float(found.difference.p[rung])
        for made, test in ((share, None), (change, None if np.isnan(p) else Test(TEST_NAME, p=p))):
            yield replace(
                made,
                test=test,
                n_draws=_most_draws(page.table.values[:, :, rung], own),
                gates_failed=tuple(dict.fromkeys((*page.failed([rung]), *natural.failed([0])))),
                limits=(*made.limits, POINTWISE, *_caveats(found, page, rung, metric)),
            )


def _caveats(found: Disagreement, page: Page, rung: int, metric: str) -> tuple[str, ...]:
    all_traces = int(page.table.observed[:, :, rung].sum())
    fewer = f"{ENDED}: {found.traces[rung]} of {all_traces}" if found.traces[rung] < all_traces else ENDED
    return (fewer,) if metric == "sham" else (fewer, CUT_TOO)


def _trace_and_answer(on_trace: Page, page: Page, weights: NDArray[np.float64]) -> Iterator[Finding]:
    thinking = _values_of(on_trace, like=page)
    cells = two_by_two(thinking, page.table.values, weights, level=page.level)
    for rung in range(page.rungs):
        for metric, found in cells.items():
            made = page.estimated(
                "two_by_two", metric, page.at(rung), found, (rung,), unknown="no trace has both verdicts at this rung"
            )
            yield replace(
                made,
                n_draws=_most_draws(page.table.values[:, :, rung], thinking[:, :, rung]),
                gates_failed=page.failed([rung]),
                limits=(*made.limits, POINTWISE),
            )


def _values_of(page: Page, *, like: Page) -> NDArray[np.float64]:
    """The values of one curve in the other's places: (question, draw, rung), NaN where it has none.

    A curve of one rung without a budget, such as a natural one, keeps that rung.
    """
    table, there = page.table, like.table
    whole = len(table.rungs) == 1 and table.rungs[0].requested_tokens is None
    rungs = tuple(r.index for r in table.rungs) if whole else tuple(r.index for r in there.rungs)
    values = np.full((len(there.questions), len(there.draws), len(rungs)), np.nan)
    axes = (
        (table.questions, there.questions),
        (table.draws, there.draws),
        (tuple(r.index for r in table.rungs), rungs),
    )
    source, target = [], []
    for labels, wanted in axes:
        position = {label: i for i, label in enumerate(labels)}
        both = [(position[label], i) for i, label in enumerate(wanted) if label in position]
        source.append([pair[0] for pair in both])
        target.append([pair[1] for pair in both])
    values[np.ix_(*target)] = table.values[np.ix_(*source)]
    return values


def _most_draws(one: NDArray[np.float64], other: NDArray[np.float64]) -> int:
    """Most draws with both values that any question has; both (question, draw)."""
    return int((~np.isnan(one) & ~np.isnan(other)).sum(axis=1).max(initial=0))
