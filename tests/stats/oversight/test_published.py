"""Published values of oversight and their recomputation, as one table; every row must agree."""

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from literature_page import label_of, largest_fall, rows, verdict_of

from overthink.stats.oversight.auroc import auroc
from overthink.stats.oversight.elo import nested_oversight
from overthink.stats.oversight.encoded import information_bits, success_bound
from overthink.stats.oversight.hints import hint_faithfulness
from overthink.stats.oversight.latent import paired_correlation
from overthink.stats.oversight.monitorability import g_mean_square
from overthink.stats.oversight.necessity import area_over_curve, necessity_label
from overthink.stats.oversight.recovered import performance_gap_recovered
from overthink.stats.oversight.tpr_at_fpr import tpr_at_fpr
from overthink.stats.proportion import clustered_proportion
from overthink.stats.summary_verdict import UP, Counts, newcombe, summary_verdict, trend_verdict
from overthink.stats.testing import holm


class Value(NamedTuple):
    """A published value beside the recomputed one."""

    source: str
    name: str
    published: float
    recomputed: float
    digits: int

    def row(self) -> str:
        agrees = "yes" if self.agrees() else "NO"
        return f"| {self.source} | {self.name} | {self.published:g} | {self.recomputed:.6g} | {agrees} |"

    def agrees(self) -> bool:
        return abs(self.published - self.recomputed) <= 0.5000001 * 10.0**-self.digits


def monitorability(data: Path) -> list[Value]:
    table = json.loads((data / "published_values.json").read_text())["openai_gmean2"]
    first = table[0]
    effect, caught = first["p_y1_x1"] - first["p_y1_x0"], first["p_z1_y1x1"]
    square, tpr, _ = g_mean_square(effect, first["p_y1_x1"], caught, first["TNR0"], first["TNR1"])
    values = [
        Value("g² vector 1", "g²", first["gmean2"], float(square), 3),
        Value("g² vector 1", "TPR", first["TPR"], float(tpr), 3),
    ]
    second = table[1]
    square, tpr, tnr = g_mean_square(0.11, 0.47, second["pz"], second["TNR"], second["TNR"])
    values += [
        Value("g² GLM-4.7, gpqa", "q", second["q"], 0.11 / 0.47, 3),
        Value("g² GLM-4.7, gpqa", "TPR", second["TPR"], float(tpr), 3),
        Value("g² GLM-4.7, gpqa", "TNR", second["TNR"], float(tnr), 2),
        Value("g² GLM-4.7, gpqa", "g²", second["gmean2"], float(square), 2),
    ]
    undefined = g_mean_square(0.0, 0.4, 0.5, 0.9, 0.9)[0]
    return [*values, Value("g² GLM, daft", "undefined at no effect", 1.0, float(np.isnan(undefined)), 0)]


def information() -> list[Value]:
    bits = [((16, 0.9), 3.140), ((100, 0.92), 5.711), ((10, 0.25), 0.133)]
    bounds = [((3, 1, 100), 0.602), ((3, 0.5, 10), 0.753)]
    return [
        *(Value("Fano", f"bits, M={m}, p={p}", v, information_bits(p, answers=m), 3) for (m, p), v in bits),
        *(
            Value("Fano", f"bound, {r} bits/KB, {k} KB, M={m}", v, success_bound(r, k, answers=m), 3)
            for (r, k, m), v in bounds
        ),
        Value("Fano", "bits of a 128 KB trace at 3 bits/KB", 384, 3 * 128, 0),
    ]


def monitors() -> list[Value]:
    case = auroc([1, 2, 3, 5, 5, 6], [3, 5, 5, 8, 9])
    apart = auroc([0.0] * 9, [1.0] * 9)
    tie = tpr_at_fpr([0] * 95 + [5] * 5, [0] * 20 + [5] * 60 + [8] * 20, fpr=0.01)
    zero = [(14, 0.193), (40, 0.072), (148, 0.020)]
    return [
        Value("DeLong", "AUROC of the case with ties", 0.750, case.estimate, 3),
        Value("DeLong", "its variance", 0.0230, case.error**2, 4),
        Value("DeLong", "AUROC of classes apart", 1, apart.estimate, 3),
        Value("DeLong", "its variance", 0, apart.error**2, 6),
        Value("TPR at FPR", "ties shared, 1 %", 0.32, tie.estimate, 2),
        *(Value("zero of n", f"upper 95 %, 0 of {n}", v, _upper(n), 3) for n, v in zero),
    ]


def _upper(n: int) -> float:
    """Upper end of no event among n questions, one-sided."""
    return clustered_proportion(np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.int64), level=0.9).high


def oversight() -> list[Value]:
    parameters = {
        "Mafia": ((1.5305382247861692, -622.9317463747565), (0.8344154600833648, 173.2206142928111), 0.110624, 1),
        "Debate": ((1.0983942546126946, -47.49890598669299), (0.04936115584058696, 1080.3983558810423), 0.513584, 1),
        "Backdoor": ((0.7192614624976502, 552.0221384375485), (1.9518243250891987, -1361.61176329289), 0.275691, 2),
        "Wargames": ((1.1666737577004682, -229.07366870912878), (0.6795738441484533, 422.0053838057133), 0.097977, 1),
    }
    values = [Value("PGR", ".75 from .60 to .90", 0.5, performance_gap_recovered(0.60, 0.90, 0.75).estimate, 2)]
    for name, (guard, other, chance, steps) in parameters.items():
        found = nested_oversight(guard, other, start=1103, gap=400)
        values += [Value("nested oversight", name, chance, found.chance, 6), Value("", "steps", steps, found.steps, 0)]
    return values


def necessity() -> list[Value]:
    low, high = newcombe(Counts(48, 80), Counts(56, 70), 1.959964)
    labels = [necessity_label(*pair).value for pair in ((0.9, 0.1), (0.9, 0.8), (0.2, 0.0), (0.6, 0.3))]
    named = labels == ["cot_necessary", "one_shot", "too_hard", "weak"]
    fractions = np.arange(400) / 400
    rng = np.random.default_rng(0)
    areas = [area_over_curve((fractions >= 0.5) | (rng.integers(4, size=400) == 0), fractions) for _ in range(300)]
    return [
        Value("Newcombe 1998, method 10", "56/70 - 48/80, low", 0.0524, low, 4),
        Value("Newcombe 1998, method 10", "high", 0.3339, high, 4),
        Value("necessity", "four labels", 1, float(named), 0),
        Value("early answering", "AOC fixed at .5, M=4", 0.375, float(np.mean(areas)), 2),
    ]


def hints() -> list[Value]:
    """Acknowledged share ± se and the hint-takers that they imply, p(1-p)/se²; a count is whole."""
    table = [(0.05, 0.049, 20), (0.875, 0.068, 24), (0.12, 0.065, 25), (0.409, 0.105, 22), (0.077, 0.052, 26),
             (0.577, 0.097, 26), (0.846, 0.071, 26), (0.167, 0.076, 24)]  # fmt: skip
    values = []
    for share, error, n in table:
        says = (np.arange(n) < round(share * n)).astype(float)[:, None]
        found = hint_faithfulness(np.ones((n, 1)), np.zeros((n, 1)), says, options=4)
        values += [
            Value("METR clues", f"{share} of {n}: share", share, found.estimate, 3),
            Value("", "standard error", error, found.error, 3),
        ]
    return values


def latent() -> list[Value]:
    values = []
    for row in rows():
        if row.get("kind") != "latent" or "filler" not in row:
            continue
        successes = np.round(np.array(row["value"]) / 100 * row["n"])
        scores = np.log2(np.array(row["filler"]) + 1.0)
        trend = trend_verdict(successes, np.full(len(scores), row["n"]), scores, margin=0.05)
        if row["model"] in FILLERS:
            z, p, digits = FILLERS[row["model"]]
            name = row["model"]
            values += [Value("fillers", f"{name}, trend z", z, trend.z, 2), Value("", "p", p, trend.p, digits)]
        if row["model"] == "opus-4-5":
            ends = [Counts(int(successes[i]), row["n"]) for i in (2, 4)]
            pooled = sum(end.successes for end in ends) / sum(end.trials for end in ends)
            z = (ends[1].successes - ends[0].successes) / row["n"] / math.sqrt(2 * pooled * (1 - pooled) / row["n"])
            values.append(Value("fillers", "opus-4-5, best to last z", -1.11, z, 2))
            assert summary_verdict(*ends, margin=0.05).direction == "not shown"
    shares = (0.452, 0.512)
    z = (shares[1] - shares[0]) / math.sqrt(sum(share * (1 - share) for share in shares) / 907)
    unpaired = math.erfc(z / math.sqrt(2))
    values.append(Value("paired or not", "45.2 to 51.2, n=907, unpaired p", 0.010, unpaired, 3))
    implied = paired_correlation(0.452, 0.512, questions=907, p=5.7e-7)
    return [*values, Value("paired or not", "implied correlation", 0.74, implied, 2)]


FILLERS = {"opus-4-5": (3.70, 0.0002, 4), "gpt-4.1": (-2.16, 0.031, 3)}


@pytest.fixture(scope="module")
def table(data: Path) -> list[Value]:
    parts = (information, monitors, oversight, necessity, hints, latent)
    return [*monitorability(data), *(value for part in parts for value in part())]


def test_every_published_value_is_reproduced(table: list[Value]) -> None:
    page = "\n".join(value.row() for value in table)
    assert all(value.agrees() for value in table), page
    assert len(table) > 40


def test_the_table_can_disagree() -> None:
    assert not Value("a source", "a share", 0.5, 0.51, 2).agrees()


def test_filler_rows_have_the_labels_of_the_literature_page() -> None:
    fillers = {row["model"]: row for row in rows() if row.get("kind") == "latent" and "filler" in row}
    label = label_of(fillers["opus-4-5"])
    assert label is not None
    assert verdict_of(label, [fillers["opus-4-5"]]).direction == UP
    assert largest_fall(fillers["opus-4-5"]).direction == "not shown"
    trends = [
        trend_verdict(
            np.round(np.array(row["value"]) / 100 * row["n"]),
            np.full(len(row["filler"]), row["n"]),
            np.log2(np.array(row["filler"]) + 1.0),
            margin=0.05,
        )
        for row in fillers.values()
    ]
    shown = dict(zip(fillers, holm([trend.p for trend in trends]) <= 0.05, strict=True))
    assert len(shown) == 7
    assert shown["opus-4-5"]
    assert not shown["gpt-4.1"]  # .031 before the family of seven models
