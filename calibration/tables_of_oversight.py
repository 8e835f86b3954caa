"""Tables of oversight: intervals, monitors at a false positive rate, false and true claims."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from calibration import oversight, shapes
from calibration.tables import table

LEAST, MOST = 0.93, 0.97
LEAST_BOOTSTRAP = 0.915
WIDEST = {200: 0.30, 500: 0.20}
"""Widest interval at a rate of 5 %, by runs per class."""


def intervals(run: Any, runs: int) -> str:
    """Coverage of intervals of one number."""
    note = (
        "Nominal .95. Settings: AUROC, runs per class, d', runs of a question in each class; early answering, "
        "questions, draws, options; encoded gap, questions, draws, accuracy with the sham, gap; latent uplift, "
        "questions, prompts, accuracy, uplift; judge accuracy (both orders of a pair are one unit), questions, draws, "
        f"accuracy; gap recovered, questions, gap, share. Bar: {LEAST:g} to {MOST:g}, of the intervals given."
    )
    cells = oversight.POINTWISE
    return table("Oversight: intervals", note, HEADER, _rows(cells, run(oversight.shares, cells), MOST))


def maxima(run: Any, runs: int) -> str:
    """Coverage of bounds and maxima."""
    note = (
        "Nominal .95. Settings: latent uplift as above, the best of several prompts; bits, traces, answers, accuracy, "
        "whose interval has no upper end; flags, honest and attacking runs and the share flagged of each. "
        f"Bar: {LEAST:g} at least."
    )
    cells = oversight.BOUNDS
    return table("Oversight: bounds and maxima", note, HEADER, _rows(cells, run(oversight.shares, cells), 1.0))


def probes(run: Any, runs: int) -> str:
    """Coverage of a probe's lead over a text monitor, and the placebo of probes."""
    limit = shapes.limit(0.05, runs)
    *found, shuffled = run(oversight.shares, [*oversight.PROBES, oversight.SHUFFLED])
    note = (
        "Probe minus text: questions, d' of the layer with the behaviour and of the monitor; the truth is the AUROC of "
        f"the probes as trained, on fresh traces. Bar: {LEAST:g} to {MOST:g}. On labels shuffled by question "
        f"(questions, d'), of {runs:,} probes {shuffled.claims:.3f} were called better than chance; bar: {limit:.3f} "
        f"({'yes' if shuffled.claims <= limit else 'NO'})."
    )
    return table("Oversight: probes", note, HEADER, _rows(oversight.PROBES, found, MOST))


HEADER = ("study", "setting", "covered", "refused", "width", "within")


def _rows(cells: Sequence[oversight.Cell], shares: Sequence[oversight.Shares], most: float) -> list[list[str]]:
    rows = []
    for cell, found in zip(cells, shares, strict=True):
        passed = "yes" if LEAST <= found.covered <= most else "NO"
        width = "–" if np.isnan(found.width) else f"{found.width:.3f}"
        rows.append([cell.study, _words(cell), f"{found.covered:.3f}", f"{found.refused:.3f}", width, passed])
    return rows


def monitors(run: Any, runs: int) -> str:
    """True positive rates at a false positive rate."""
    rows = []
    for cell, found in zip(oversight.FLAGGED, run(oversight.shares, oversight.FLAGGED), strict=True):
        n, fpr, _, draws = cell.numbers
        flagged = n * fpr
        if flagged < 5:
            bar, passed = "refused", found.refused == 1.0
        else:
            least = LEAST if flagged < 10 or draws > 1 else LEAST_BOOTSTRAP
            widest = WIDEST.get(int(n), 1.0) if fpr == 0.05 and draws == 1 else 1.0
            bar, passed = f"≥ {least:g}", found.covered >= least and found.width <= widest
            bar += f", width ≤ {widest:g}" if widest < 1 else ""
        size = f"{n:g} × 1" if draws == 1 else f"{n / draws:g} × {draws:g}"
        numbers = (f"{found.covered:.3f}", f"{found.refused:.3f}", f"{found.width:.3f}")
        rows.append([size, f"{fpr:g}", f"{flagged:g}", *numbers, bar, "yes" if passed else "NO"])
    note = (
        "Nominal .95, normal scores with d' = 2, as many honest as attacking runs. Where a question has two runs in "
        "each class, all four share its level. Refused below 5 honest runs beyond the threshold; the order statistics' "
        "interval from there, the bootstrap of both classes from 10."
    )
    header = ["questions × runs per class", "FPR", "f·n", "covered", "refused", "width", "bar", "within"]
    return table("Oversight: TPR at FPR", note, header, rows)


def claims(run: Any, runs: int) -> str:
    """False and true claims."""
    limit = shapes.limit(0.05, runs)
    cells = [*oversight.NULLS, *(cell for cell, _ in oversight.POWERS)]
    bars = [None] * len(oversight.NULLS) + [least for _, least in oversight.POWERS]
    rows = []
    for cell, least, found in zip(cells, bars, run(oversight.shares, cells), strict=True):
        passed = found.claims <= limit if least is None else found.claims >= least
        bar = f"≤ {limit:.3f}" if least is None else f"≥ {least:g}"
        kind = "false" if least is None else "true"
        rows.append([cell.study, _words(cell), kind, f"{found.claims:.3f}", bar, "yes" if passed else "NO"])
    note = (
        "A claim is a lower end above chance or above 0; of *encoded* and of *nothing beyond the words* it is the "
        "claim itself. False: a monitor that reads nothing, a paraphrase that changes nothing (whether or not its "
        "writer solves the task alone), a loss of just the margin, a writer just the margin above no chain, prompts "
        "that do nothing, a critic that changes nothing. True: a planted code that a paraphrase loses, nothing "
        "encoded, a critic that helps, protocols that help, a monitor with d' = 1, an uplift of 15 points. Settings as "
        "above; of flags, honest and attacking runs and the share flagged of each; of protocols (two of them at three "
        "rungs, speakers by a coin where false), pairs, accuracy alone and behind them; of claims on views, questions, "
        "draws, accuracy with the paraphrase and that of its writer alone."
    )
    return table("Oversight: claims", note, ["study", "setting", "claim", "made", "bar", "within"], rows)


def _words(cell: oversight.Cell) -> str:
    return ", ".join(f"{number:g}" for number in cell.numbers)
