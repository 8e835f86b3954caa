"""What a forecast promises whatever the counts: never NaN without a reason, never outside [0, 1], never falling with k.

    python benchmarks/forecast.py --fuzz 10000
    OPENBLAS_NUM_THREADS=1 python benchmarks/forecast.py --time

The first draws that many banks and checks every promise on each, on all cores; a few of them run with every test. The
second times all layers on banks whose questions have more and more different counts, which is what takes time.
"""

import multiprocessing
import os
import time
import warnings
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from overthink.forecasts import Forecast, forecast

Counts = NDArray[np.int64]
CLOSE = 1e-12


def faults(made: Forecast) -> list[str]:
    """Every promise that a forecast breaks."""
    found = []
    order = np.argsort(made.k)
    silent = np.isnan(made.estimate)
    if silent.any() and made.reason is None:
        found.append("estimate is NaN without a reason")
    if silent.any() and (made.layers.model is not None or (silent & made.exact).any()):
        found.append("estimate is NaN although something succeeded, or within the attempts")
    for name in ("estimate", "low", "high", "bound_low", "bound_high"):
        values = getattr(made, name)[order]
        values = values[~silent[order]] if name == "estimate" else values
        if np.isnan(values).any():
            found.append(f"{name} is NaN")
        if (values < 0).any() or (values > 1).any():
            found.append(f"{name} is outside [0, 1]")
        if (np.diff(values) < -CLOSE).any():
            found.append(f"{name} falls with k")
    known = ~silent
    if ((made.low > made.estimate + CLOSE) | (made.estimate > made.high + CLOSE))[known].any():
        found.append("the estimate is outside its band")
    if ((made.bound_low > made.low + CLOSE) | (made.high > made.bound_high + CLOSE)).any():
        found.append("the assumption-free band is narrower")
    return found


def fuzzed(seed: int) -> tuple[Counts, Counts, str | None, Counts]:
    """Attempts, successes, what is said of stopping, and k: ragged or even, stopped or not, none to all successful."""
    draw = np.random.default_rng(seed)
    m = int(draw.integers(1, 30))
    most = int(draw.choice([1, 2, 5, 60, 400, 10_000]))
    n = np.full(m, most) if draw.random() < 0.5 else draw.integers(0 if m > 1 else 1, most + 1, size=m)
    n[0] = max(n[0], 1)
    p = (
        draw.choice([0.0, 1.0, draw.random(), 10 ** -draw.uniform(0, 6)])
        if draw.random() < 0.5
        else draw.random(m) ** 6
    )
    c = draw.binomial(n, p)
    stopping: str | None = str(draw.choice(["fixed", "fixed", "first_success", "adaptive", "unsaid"]))
    if stopping == "first_success":
        first = draw.geometric(np.clip(np.broadcast_to(p, m), 1e-12, 1.0))
        n, c = np.minimum(first, most), (first <= most).astype(np.int64)
    k = np.unique(np.round(10 ** draw.uniform(0, 9, size=4)).astype(np.int64))
    return n, c, None if stopping == "unsaid" else stopping, k


def broken(seed: int) -> list[str]:
    """The promises that are broken for one fuzzed bank; an error is one, too."""
    n, c, stopping, k = fuzzed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return faults(forecast(n, c, k=k, stopping=stopping, rng=np.random.default_rng(seed)))
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is counted
            return [f"{type(failure).__name__}: {failure}"]


def fuzz(count: int) -> None:
    """Check so many banks on all cores, at the lowest priority, and print what broke."""
    start = time.perf_counter()
    with multiprocessing.Pool(initializer=os.nice, initargs=(19,)) as workers:
        told = workers.map(broken, range(count), chunksize=50)
    bad = {seed: several for seed, several in enumerate(told) if several}
    print(f"{count:,} fuzzed banks in {time.perf_counter() - start:.0f} s: {len(bad):,} break a promise")
    for fault, times in Counter(one for several in bad.values() for one in several).most_common():
        print(f"  {times:,} × {fault}; first: seed {next(seed for seed, several in bad.items() if fault in several)}")
    if bad:
        raise SystemExit(1)


def timed() -> None:
    """CPU seconds for all layers at three k: banks of so many questions, each with attempts of its own or all alike."""
    print(f"{'questions':>9}{'attempts':>18}{'different counts':>18}{'CPU seconds':>13}")
    for m in (50, 159, 500, 1_000, 3_000):
        draw = np.random.default_rng(m)
        p = draw.beta(0.3, 3, size=m)
        for name, n in (
            ("100 each", np.full(m, 100)),
            ("10,000 each", np.full(m, 10_000)),
            ("100 to 10,000", draw.integers(100, 10_001, size=m)),
        ):
            c = draw.binomial(n, p)
            start = time.process_time()
            made = forecast(n, c, k=[1_000, 5_000, 10_000], stopping="fixed", rng=draw)
            seconds = time.process_time() - start
            print(f"{m:>9,}{name:>18}{len(made.layers.bank.distinct()[0]):>18,}{seconds:>13.2f}")
