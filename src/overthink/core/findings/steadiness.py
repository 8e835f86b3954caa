"""Reliability beside capability: do draws agree, do traces change sides, and from where on do answers stay."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from overthink.core.answer_lock import forced_answer_lock
from overthink.core.curve import question_means
from overthink.core.finding import At, Finding
from overthink.core.findings.page import POINTWISE, Page
from overthink.core.interval import mean_intervals
from overthink.core.record import Axis, Estimand
from overthink.core.reliability import flips, reliability, returns

SAME_TRACES = (Estimand.FORCED, Estimand.TRUNCATED, Estimand.CHECKPOINT)
"""Where a draw is one trace, looked at on every rung. Elsewhere the draws of two rungs have nothing in common."""

FORCED_LOCK = "read from forced answers: not where the trace itself commits, which needs resampling"


def steadiness(page: Page) -> Iterator[Finding]:
    """All of k draws good, disagreement between draws, flips and returns, and where answers settle."""
    if page.batch is None:  # draws that were stopped by their outcome are no sample of a question's draws
        yield from _reliability(page)
    if page.table.estimand in SAME_TRACES and page.rungs > 1 and _binary(page):
        yield from _flips(page)
        yield from _settled(page)


def _binary(page: Page) -> bool:
    known = page.table.values[~np.isnan(page.table.values)]
    return bool(known.size and ((known == 0) | (known == 1)).all())


def _reliability(page: Page) -> Iterator[Finding]:
    if page.draws.max(initial=0) < 2:
        return
    found = reliability(page.table.values, page.weights, level=page.level)
    for rung in range(page.rungs):
        if page.table.axis is Axis.CAPABILITY:  # on the other axes this is the value worst_at_k
            for i, k in enumerate(found.k.tolist()):
                if k > 1:
                    at = replace(page.at(rung), k=k, selector="all")
                    unknown = f"no question has {k} draws with a value here"
                    made = page.estimated("reliability", "all_of_k", at, found.all_of_k, (rung, i), unknown=unknown)
                    yield _gated(page, made, rung)
        unknown = "no question has two draws with a value here"
        at = page.at(rung)
        yield _gated(
            page,
            page.estimated("reliability", "disagreement", at, found.disagreement, (rung,), unknown=unknown),
            rung,
        )


def _gated(page: Page, made: Finding, rung: int) -> Finding:
    limits = (*made.limits, POINTWISE)
    return replace(made, n_draws=int(page.draws[rung]), gates_failed=page.failed([rung]), limits=limits)


def _flips(page: Page) -> Iterator[Finding]:
    found = flips(page.table.values, page.weights, level=page.level)
    for i, (rung, below) in enumerate(found.pairs):
        for metric, shares in (("lost", found.lost), ("gained", found.gained)):
            unknown = "no trace has a value at both rungs"
            made = page.estimated("flip", metric, page.between(rung, below), shares, (i,), unknown=unknown)
            limits = (*made.limits, POINTWISE)
            draws = int(min(page.draws[rung], page.draws[below]))
            yield replace(made, n_draws=draws, gates_failed=page.failed([below, rung]), limits=limits)
    if page.rungs > 2:
        came_back = returns(page.table.values, page.weights, level=page.level)
        for metric in ("lost_and_regained", "gained_and_lost"):
            unknown = "no trace has a value at every rung"
            made = page.estimated("flip", metric, At(), getattr(came_back, metric), (), unknown=unknown)
            yield replace(made, gates_failed=page.failed(range(page.rungs)))


def _settled(page: Page) -> Iterator[Finding]:
    """Share of traces whose answer stays what it is from this rung to the top."""
    table = page.table
    has_codes = (table.answers >= 0).any()
    lock = forced_answer_lock(table.answers if has_codes else np.where(np.isnan(table.values), -1, table.values)).rung
    for rung in range(page.rungs - 1):
        stays = np.where(np.isnan(lock), np.nan, lock <= rung)
        found = mean_intervals(question_means(stays[:, :, None]), page.weights, level=page.level)
        unknown = "no trace has an answer from here on"
        made = page.estimated("lock", "settled", page.at(rung), found, (0,), unknown=unknown)
        if table.estimand is Estimand.FORCED:
            made = replace(made, limits=(*made.limits, FORCED_LOCK))
        yield _gated(page, made, rung)
