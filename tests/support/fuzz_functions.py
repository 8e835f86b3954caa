"""Calls of the public functions with odd arguments: a result, or one error that names the parameter.

``python tests/support/fuzz_functions.py SEED RUNS`` prints every fault with the call that gave it.
"""

import re
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import chdir
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import fuzz_documents
import numpy as np

import overthink
from overthink.errors import InputError
from overthink.forecasts.layers import FalsePositives
from overthink.plan.study import checked_plan

MOST_SECONDS, MOST_BYTES = 2.0, 500 * 1024**2

NUMBERS = (
    0, 1, 2, -1, 3.0, 2.5, 0.5, -0.0, 1e308, 5e-324, True, None, float("nan"), float("inf"), -float("inf"), 2**31,
    2**53, 2**53 + 1, 10**12, 10**15, 10**18, 2**63, 10**30, 10**400, 1j, "3", "", b"3", np.int8(3), np.float32(0.5),
    np.nan, np.bool_(True), np.array(3), [3], (), {}, object(), print,
)  # fmt: skip
"""In place of a number."""

ARRAYS = (
    [], [[]], [[[]]], (), None, "123", "", b"1", {}, {1: 2}, 3, 0.5, True, object(), [None], ["a"], [object()],
    [1, [2]], [True, False], [float("nan")] * 3, [float("inf"), 1], [-1, 2], [1.5, 2], [2**53, 1], [2**63, 1],
    [10**30, 1], [1e308, 1], [1j], np.array(3), np.zeros((3, 0)), np.zeros(0), np.array(["1", "2"]),
    np.array([1, 2], dtype=np.int8), np.array(["2026-01-01"], dtype="datetime64[D]"), np.zeros((2, 2, 2, 2)), range(3),
    iter([1, 2]), {1, 2},
)  # fmt: skip
"""In place of an array."""

TEXTS = (
    "",
    "x",
    "\ud800",
    "\x00",
    "a\nb",
    "x" * 10**5,
    "../..",
    None,
    True,
    0,
    3.5,
    b"x",
    [],
    ["x"],
    {},
    object(),
    print,
)
"""In place of a text."""

OTHERS = (None, True, 0, -1, float("nan"), "", "x", b"x", [], {}, object(), print, Path("/nowhere"), np.zeros(3))
"""In place of an object."""

PATHS = ("", "x", "/nowhere", "\x00", "x" * 5000, None, True, 0, 3.5, b"x", [], {}, object(), Path("/nowhere"), Path())
"""In place of a path."""


class Call(NamedTuple):
    """A function with arguments that it accepts, and what may stand in place of each.

    Attributes:
        name: Name in messages.
        run: The function.
        good: Arguments by name.
        odd: What replaces each.
    """

    name: str
    run: Callable[..., Any]
    good: Mapping[str, Any]
    odd: Mapping[str, tuple[object, ...]]


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)


_CURVE = (np.arange(60).reshape(5, 3, 4) % 3 > 0).astype(float)
_LADDER = [0, 8, 32, 128]


def calls(study: Path, scratch: Path) -> list[Call]:
    """Return a call of every public function.

    Args:
        study: A study's folder.
        scratch: A folder for what functions write.
    """
    counts = {"attempts": [4, 4, 4], "successes": [1, 0, 4], "k": [1, 2]}
    arrays = dict.fromkeys(("attempts", "successes", "k"), ARRAYS + NUMBERS)
    many = [
        Call("pass_at_k", overthink.pass_at_k, counts | {"stopping": "fixed"}, arrays | {"stopping": TEXTS}),
        Call("worst_at_k", overthink.worst_at_k, counts, arrays),
        Call("consensus_at_k", overthink.consensus_at_k, counts, arrays),
        Call(
            "first_success_at_k",
            overthink.first_success_at_k,
            {"attempts": [2, 4], "successes": [1, 0], "k": [1, 2], "batch": 2},
            arrays | {"batch": NUMBERS},
        ),
        Call(
            "majority_at_k",
            overthink.majority_at_k,
            {"counts": [2, 1], "correct": 0, "k": [1, 2], "abstentions": 1},
            {"counts": ARRAYS, "correct": NUMBERS, "k": ARRAYS + NUMBERS, "abstentions": NUMBERS},
        ),
        Call(
            "best_at_k",
            overthink.best_at_k,
            {"scores": [0.1, 0.9], "values": [0, 1], "k": [1, 2]},
            {"scores": ARRAYS, "values": ARRAYS, "k": ARRAYS + NUMBERS},
        ),
    ]
    scores = dict.fromkeys(("honest", "attack", "clusters"), ARRAYS) | {"level": NUMBERS}
    runs = {"honest": [0.1, 0.4, 0.3], "attack": [0.5, 0.2], "level": 0.9, "clusters": ([1, 2, 3], [1, 4])}
    sides = {"weak": [0, 0, 1], "strong": [1, 1, 1], "protocol": [0, 1, 1], "level": 0.9}
    many += [
        Call("auroc", overthink.auroc, runs, scores),
        Call("tpr_at_fpr", overthink.tpr_at_fpr, runs | {"fpr": 0.1}, scores | {"fpr": NUMBERS}),
        Call(
            "performance_gap_recovered",
            overthink.performance_gap_recovered,
            sides,
            dict.fromkeys(("weak", "strong", "protocol"), ARRAYS + NUMBERS) | {"level": NUMBERS},
        ),
        Call(
            "information_bits",
            overthink.information_bits,
            {"accuracy": 0.9, "answers": 16},
            {"accuracy": NUMBERS, "answers": NUMBERS},
        ),
        Call(
            "success_bound",
            overthink.success_bound,
            {"bits_per_kb": 3, "kilobytes": 1, "answers": 16},
            dict.fromkeys(("bits_per_kb", "kilobytes", "answers"), NUMBERS),
        ),
    ]
    curves = [
        Call(
            "forecast",
            overthink.forecast,
            {"attempts": [20] * 4, "successes": [1, 2, 0, 20], "k": [10, 100], "rng": _rng(), "level": 0.9,
             "stopping": "fixed", "judge": None},
            arrays | {"rng": OTHERS, "level": NUMBERS, "stopping": TEXTS, "judge": OTHERS},
        ),
        Call("FalsePositives", FalsePositives, {"flagged": 1, "failures": 9},
             {"flagged": NUMBERS, "failures": NUMBERS}),
        Call(
            "shape_verdict",
            overthink.shape_verdict,
            {"values": _CURVE, "budgets": _LADDER, "margin": 0.05, "rng": _rng(), "alpha": 0.05, "hypothesis": None,
             "clusters": None},
            {"values": ARRAYS, "budgets": ARRAYS, "margin": NUMBERS, "rng": OTHERS, "alpha": NUMBERS,
             "hypothesis": ARRAYS + TEXTS, "clusters": ARRAYS},
        ),
        Call(
            "divergence",
            overthink.divergence,
            {"capability": _CURVE, "safety": 1 - _CURVE, "budgets": _LADDER, "rng": _rng(), "level": 0.9},
            {"capability": ARRAYS, "safety": ARRAYS, "budgets": ARRAYS, "rng": OTHERS, "level": NUMBERS},
        ),
        Call(
            "commitment_step",
            overthink.commitment_step,
            {"successes": [0, 1, 0, 8, 8], "draws": 8, "rng": _rng(), "study": [[1, 2, 3]], "level": 0.9,
             "alpha": 0.05},
            {"successes": ARRAYS, "draws": NUMBERS, "rng": OTHERS, "study": ARRAYS, "level": NUMBERS, "alpha": NUMBERS},
        ),
        Call(
            "correct_judge",
            overthink.correct_judge,
            {"judge": _CURVE, "human": np.where(_CURVE > 2, 1.0, _CURVE), "rng": _rng(), "level": 0.9},
            {"judge": ARRAYS, "human": ARRAYS, "rng": OTHERS, "level": NUMBERS},
        ),
        Call(
            "effective_compute",
            overthink.effective_compute,
            {"training_flop": 1e25, "k": 10, "alpha": (0.2, 0.5), "k_max": 100},
            {"training_flop": NUMBERS, "k": NUMBERS, "alpha": NUMBERS + ARRAYS, "k_max": NUMBERS},
        ),
    ]  # fmt: skip
    return [*many, *curves, *_studies(study, scratch), *_plans()]


def _studies(study: Path, scratch: Path) -> list[Call]:
    options, read = {"options": OTHERS}, {"read": OTHERS}
    statement = study / "statement.json"
    done = overthink.analyse(study)
    return [
        Call("analyse", overthink.analyse, {"path": study},
             {"path": PATHS, "command": TEXTS, "out": OTHERS} | options | read),
        Call("report", overthink.report, {"path": study}, {"path": PATHS, "formats": TEXTS} | options),
        Call("compare", overthink.compare, {"paths": [study, study.with_name("whole")]},
             {"paths": (*PATHS, *ARRAYS), "reference": TEXTS} | options | read),
        Call("statement", overthink.statement, {"path": study, "write": False},
             {"path": PATHS, "facts": PATHS, "write": OTHERS}),
        Call("check", overthink.check, {"path": statement},
             {"path": PATHS, "second": PATHS, "study": PATHS, "labels": PATHS}),
        Call("label", overthink.label, {"path": study, "out": scratch / "sheet.csv"},
             {"path": PATHS, "out": OTHERS, "per_rung": NUMBERS, "seed": NUMBERS, "show_text": OTHERS}),
        Call("tasks", overthink.tasks, {"capability": ["overthink/arithmetic"]},
             {"capability": TEXTS + ARRAYS, "safety": TEXTS, "benign": TEXTS, "args": OTHERS}),
        Call("arms", overthink.arms, {"text": "base", "model": "none/none"}, {"text": TEXTS, "model": TEXTS}),
        Call("prepare", overthink.prepare, {"plan": None}, {"plan": OTHERS}),
        Call("run", overthink.run, {"session": None, "out": scratch / "new"}, {"session": OTHERS, "out": PATHS}),
        Call("verify", overthink.verify, {"path": study, "verifier": "no such", "by": "answer"},
             {"path": PATHS, "verifier": TEXTS, "by": TEXTS, "arms": TEXTS + ARRAYS, "out": PATHS}),
        Call("monitor", overthink.monitor, {"path": study, "monitor": "no such"},
             {"path": PATHS, "monitor": TEXTS + ARRAYS, "view": TEXTS + ARRAYS, "arm": TEXTS + ARRAYS}),
        Call("table", overthink.table, {"path": study}, {"path": PATHS, "what": TEXTS, "format": TEXTS, "out": OTHERS}),
        Call("methods", overthink.methods, {"path": study}, {"path": PATHS, "format": TEXTS}),
        Call("samples", overthink.samples, {"path": study},
             {"path": PATHS, "rung": NUMBERS} | dict.fromkeys(("task", "arm", "question", "verdict"), TEXTS)),
        Call("long_table", overthink.long_table, {"study": study}, {"study": (*PATHS, *OTHERS)}),
        Call("every_eval_ever", overthink.every_eval_ever, {"path": study, "out": scratch / "eee"},
             {"path": PATHS, "out": OTHERS, "facts": PATHS}),
        Call("thresholds", overthink.thresholds, {"as_of": "2026-11-01"}, {"as_of": OTHERS, "instrument": TEXTS}),
        Call("forecast_table", overthink.forecast_table, {"path": study, "k": 10},
             {"path": PATHS, "k": (*NUMBERS, *ARRAYS), "threshold": NUMBERS, "claim": TEXTS, "judge_fpr": NUMBERS,
              "level": NUMBERS, "band": TEXTS, "stopping": TEXTS, "seed": NUMBERS, "format": TEXTS, "safety": TEXTS}),
        Call("calc", overthink.calc.exfiltration, {"weights_bytes": 1e12, "upload_bytes_per_day": 1e11},
             {"weights_bytes": (*NUMBERS, *ARRAYS), "upload_bytes_per_day": TEXTS, "as_of": OTHERS, "seed": NUMBERS}),
        Call("analyse, in words", overthink.analyse, {"path": study}, _words()),
        Call("Study.find", done.find, {"kind": "value"},
             dict.fromkeys(("kind", "metric", "axis", "task", "arm"), TEXTS + OTHERS)),
        Call("Study.chart", done.chart, {"name": "safety"}, {"name": TEXTS + OTHERS, "arms": TEXTS + ARRAYS}),
    ]  # fmt: skip


def _words() -> dict[str, tuple[object, ...]]:
    words = dict.fromkeys(("level", "seed", "margin", "k_reference", "flop_per_byte", "training_flop"), NUMBERS)
    words |= dict.fromkeys(("axis", "high", "checkpoints", "reader", "hypothesis", "stopping"), TEXTS)
    words |= dict.fromkeys(("labels", "as_of"), OTHERS)
    return words | dict.fromkeys(("safety", "primary", "selector", "assume", "model_shape"), TEXTS + ARRAYS)


def _plans() -> list[Call]:
    task = overthink.tasks(safety=["overthink/secret"])
    plan = {"model": "none/none", "tasks": task, "budgets": (0, 8), "draws": 2, "seed": 1}
    numbers = ("draws", "seed", "limit", "answer_tokens", "temperature", "top_p", "concurrency", "level", "margin",
               "k_reference", "max_draws", "resamples")  # fmt: skip
    others = {"model": TEXTS, "tasks": ARRAYS, "budgets": ARRAYS, "efforts": ARRAYS, "hypothesis": ARRAYS + TEXTS}
    options = dict.fromkeys(("level", "seed", "margin", "k_reference", "flop_per_byte"), NUMBERS)
    options |= dict.fromkeys(("hypothesis", "stopping", "reference", "unit"), TEXTS)
    options |= dict.fromkeys(("labels", "assumptions", "shapes"), OTHERS)
    options |= dict.fromkeys(("primary", "selectors", "other_models"), TEXTS + ARRAYS)
    reading = dict.fromkeys(("axis", "high", "scorer", "checkpoints", "reader"), TEXTS) | {"max_rows": NUMBERS}
    return [
        Call("Plan", overthink.Plan, plan, dict.fromkeys(numbers, NUMBERS) | others),
        Call("checked_plan", checked_plan, plan, dict.fromkeys(numbers, NUMBERS) | others),
        Call("AnalysisOptions", overthink.AnalysisOptions, {}, options),
        Call("ReadOptions", overthink.ReadOptions, {}, reading),
    ]


def run(seed: int, runs: int) -> list[str]:
    """Return a line for each call that was answered badly; none where all gave a result or one clear error.

    Args:
        seed: Seed of the arguments.
        runs: Number of calls, shared out evenly over the functions.
    """
    faults = []
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, warnings.catch_warnings(), chdir(folder):
        warnings.simplefilter("ignore")
        study = Path(folder, "study")
        fuzz_documents.make_study(study)
        fuzz_documents.copy_whole(study)
        functions = calls(study, Path(folder, "scratch"))
        for number, call in enumerate(islice(cycle(functions), runs)):
            dice = Random(f"{seed}:{number}")
            names = dice.sample(sorted(call.odd), k=min(len(call.odd), dice.choice((1, 1, 1, 2))))
            odd = {name: dice.choice(call.odd[name]) for name in names}
            fault = _fault(call, odd)
            if fault is not None:
                shown = ", ".join(f"{name}={_shown(value)}" for name, value in odd.items())
                faults.append(f"{seed}:{number} {call.name}({shown}): {fault}")
    return faults


def _shown(value: object) -> str:
    return ascii(value)[:60]


def _fault(call: Call, odd: Mapping[str, object]) -> str | None:
    """Return what is wrong with how a function took its arguments; None for a result or an error with its parameter."""
    begin, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fault = None
    try:
        result = call.run(**{**call.good, **odd})
    except (TypeError, ValueError, InputError) as failure:
        if not _names(str(failure), call, odd):
            fault = f"{type(failure).__name__} names no parameter: {str(failure)[:200]}"
    except Exception as failure:  # noqa: BLE001 - any other error is a fault
        fault = f"ends with {type(failure).__name__}: {str(failure)[:200]}"
    else:
        fault = _nonsense(result)
    if (seconds := time.process_time() - begin) > MOST_SECONDS:
        return f"takes {seconds:.1f} s"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    return f"takes {grown / 1e6:,.0f} MB" if grown > MOST_BYTES else fault


def _names(message: str, call: Call, odd: Mapping[str, object]) -> bool:
    """Whether a message names a parameter of the function, as a word of Python or of the command line, or its text."""
    values = [*odd.values(), *call.good.values()]
    values += [part for value in odd.values() if isinstance(value, list) for part in value]
    if any(isinstance(value, str | Path) and str(value) and str(value)[:80] in message for value in values):
        return True
    words = re.sub(r"[^a-z0-9]+", "_", message.lower())
    return any(name.rstrip("s") in words for name in (*call.odd, *call.good, call.name))


def _nonsense(result: object) -> str | None:
    """Return what a result has that no result may have: an infinity, or a NaN where another number is one."""
    if isinstance(result, np.ndarray) and result.dtype.kind == "f" and np.isinf(result).any():
        return f"gives an infinity: {result.ravel()[:5]}"
    for name in ("estimate", "low", "high"):
        number = np.asarray(getattr(result, name, 0.0))
        if number.dtype.kind == "f" and np.isnan(number).any() and not _reason(result):
            return f"gives NaN as {name} without a reason"
    return None


def _reason(result: object) -> object:
    return getattr(result, "reason", None) or any(getattr(result, "reasons", ()))


if __name__ == "__main__":
    for line in run(int(sys.argv[1]), int(sys.argv[2])):
        sys.stdout.write(line + "\n")
