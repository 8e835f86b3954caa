"""Worked examples, and the page that shows them. An example that is not published is marked as ours."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from overthink.cost.units import budget_multiple
from overthink.governance.calculators import cost, exfiltration, overhang, stolen_weights
from overthink.governance.calculators.chips import chip, lane, tpp
from overthink.governance.calculators.effective_compute import effective_compute, k_to_reach
from overthink.governance.calculators.modification import third_of
from overthink.governance.calculators.transformer_flop import (
    Machine,
    Transformer,
    decode_tokens_per_second,
    flop_per_token,
    kv_bytes_per_token,
)
from overthink.governance.thresholds.counting import (
    count,
    training_flop_by_hardware,
    training_flop_by_parameters,
    utilisation_of,
)
from overthink.governance.thresholds.registry import instrument

PUBLISHED, OURS = "published", "ours"


@dataclass(frozen=True)
class Example:
    """A number that a source states, and how the package gets it."""

    name: str
    computed: Callable[[], float | str]
    stated: float | str
    tolerance: float
    source: str
    whose: str = PUBLISHED

    def holds(self) -> bool:
        value = self.computed()
        if isinstance(value, str) or isinstance(self.stated, str):
            return value == self.stated
        return math.isclose(value, self.stated, rel_tol=self.tolerance)


ANNEX = "EU guidelines, Annex A.3"
ANCHORS = "Davidson and Finnveden, bio-anchors sheet"
ARC = "ARC Prize, 20 Dec 2024"
EGRESS = "Greenblatt 2024"
RAND = "RAND 2024 purses at USD 3,420 per task"
CHIP = "Epoch AI hardware; 91 FR 1684"
ROOF = "roofline of a 35 GB INT4 70B model"
K_STAR = "C_eff = C·K^α"
LLAMA_70B = Transformer(70e9, layers=80, attention_width=8192, kv_heads=8, head_width=128)


def annex(letter: str, parameters: float, tokens: float, stated: float, tolerance: float) -> Example:
    name = f"Model {letter}: 6·P·D"
    return Example(name, lambda: training_flop_by_parameters(parameters, tokens), stated, tolerance, ANNEX)


def by_hardware(name: str, hours: float, peak: float, stated: float, tolerance: float) -> Example:
    return Example(
        name,
        lambda: training_flop_by_hardware(hours, peak_flop_per_second=peak, utilisation=0.5),
        stated,
        tolerance,
        ANNEX,
    )


def k_star(model: str, flop: float, threshold: float, alpha: float, stated: float) -> Example:
    name = f"K* of {model} to {threshold:.0e} FLOP, α = {alpha:.2f}"
    return Example(name, lambda: k_to_reach(flop, threshold, alpha=alpha).low, stated, 0.02, K_STAR, OURS)


def days(per_day: float, compression: float = 1) -> float:
    return exfiltration.exfiltration_days(1e12, upload_bytes_per_day=per_day, compression=compression)


def anchor_copies(k: float = 1) -> float:
    parameters = overhang.anchor_parameters(1e29, flop_per_parameter_second=1.5, tokens_per_parameter=20, horizon=3)
    return overhang.copies(1e29, training_seconds=1e7, copy_flop_per_second=1.5 * parameters, k=k)


def anchor_years() -> float:
    parameters = overhang.anchor_parameters(1e29, flop_per_parameter_second=1.5, tokens_per_parameter=20, horizon=3)
    return overhang.copy_years(1e29, copy_flop_per_second=1.5 * parameters)


def gpt4_copies() -> float:
    """25,000 A100 at 30 %, for copies of 280e9 active parameters at 10 words (13.3 tokens) per second."""
    return overhang.copies(
        25_000 * 312e12 * 0.3,
        training_seconds=1,
        copy_flop_per_second=flop_per_token(Transformer(280e9), context_tokens=0) * 13.3,
    )


def attention_share(context: float) -> float:
    return flop_per_token(LLAMA_70B, context_tokens=context) / flop_per_token(LLAMA_70B, context_tokens=0) - 1


def speed(bytes_per_second: float) -> float:
    return decode_tokens_per_second(Machine(bytes_per_second), weight_bytes=35e9)


def synthetic() -> float:
    """Samples that count when 100 were generated and 10 kept."""
    run = {"synthetic_kept": 10.0, "synthetic_discarded": 90.0}
    return count(run, instrument("eu-aia-51-2"), status="in_force", margin=0).flop.low


EXAMPLES = (
    annex("A", 3.8e9, 3.3e12, 7.5e22, 0.01),
    by_hardware("Model B: N·L·H·U", 200_000, 300e12, 1e23, 0.10),
    annex("C", 0.6e9, 36e12, 1.3e23, 0.01),
    annex("D", 1.54e9, 18e12, 1.663e23, 0.001),
    annex("E", 1.7e9, 36e12, 3.7e23, 0.01),
    annex("F", 2.5e9, 12e12, 1.8e23, 0.001),
    annex("G", 2.6e9, 61e9 * 164, 1.5e23, 0.05),
    by_hardware("Model H: N·L·H·U", 370_000, 989e12, 6.5e23, 0.02),
    Example(
        "One-third rule, original unknown, systemic risk",
        lambda: third_of(None, systemic=True)[0],
        3.33e24,
        0.002,
        "EU guidelines, point 61",
    ),
    Example(
        "One-third rule, original unknown, others",
        lambda: third_of(None, systemic=False)[0],
        3.33e22,
        0.002,
        "EU guidelines, point 61",
    ),
    Example("100 samples generated, 10 kept: samples counted", synthetic, 100.0, 0, "EU guidelines, Annex A.1"),
    Example(
        "DeepSeek-V3 training FLOP", lambda: training_flop_by_parameters(37e9, 14.8e12), 3.2856e24, 0.001, "Epoch AI"
    ),
    Example(
        "DeepSeek-V3 utilisation on 2.664M H800-hours",
        lambda: utilisation_of(3.2856e24, chip_hours=2.664e6, peak_flop_per_second=989e12),
        0.346,
        0.002,
        "from Epoch AI's FLOP and the reported hours",
        OURS,
    ),
    Example(
        "Llama 3.1 405B training FLOP",
        lambda: training_flop_by_parameters(405e9, 15.6e12),
        3.8e25,
        0.01,
        "Llama 3 paper",
    ),
    Example("Copies of a human-level model at 1e29 FLOP", anchor_copies, 3.46e8, 0.002, ANCHORS),
    Example("The same, for a full year each", anchor_years, 1.10e8, 0.003, ANCHORS, OURS),
    Example("The same at K = 100", lambda: anchor_copies(100), 3.5e6, 0.02, ANCHORS, OURS),
    Example(
        "Copies at K = 100, as a share of those at K = 1",
        lambda: anchor_copies(100) / anchor_copies(),
        0.01,
        1e-9,
        "Ord 2025",
    ),
    Example(
        "Copies of GPT-4 on its cluster, 10 words per second",
        gpt4_copies,
        3e5,
        0.10,
        "Davidson, in Counting AGIs; inputs reconstructed",
        OURS,
    ),
    Example(
        "o3 on ARC-AGI: USD per task",
        lambda: cost.usd_per_task(33e6 / 100, usd_per_million_tokens=2012 / 33),
        20.12,
        0.001,
        ARC,
    ),
    Example(
        "o3: USD per million tokens",
        lambda: cost.usd_per_task(1e6, usd_per_million_tokens=2012 / 33),
        61.0,
        0.005,
        ARC,
        OURS,
    ),
    Example(
        "o3: compute of 1,024 samples over that of 6",
        lambda: float(budget_multiple(5.7e9, reference=33e6)),
        172.0,
        0.01,
        ARC,
    ),
    Example(
        "o3 at 5.7B tokens: USD per task at USD 60 per million",
        lambda: cost.usd_per_task(57e6, usd_per_million_tokens=60),
        3420.0,
        0.001,
        "from ARC Prize's tokens",
        OURS,
    ),
    Example(
        "o3 at K = 172: USD per task",
        lambda: cost.usd_per_task(33e6 / 100, usd_per_million_tokens=2012 / 33, k=172),
        3461.0,
        0.001,
        "from ARC Prize's 172×",
        OURS,
    ),
    Example(
        "o3: points of accuracy per tenfold compute",
        lambda: 100 * cost.per_tenfold(0.757, 0.875, ratio=172),
        5.28,
        0.002,
        "from ARC Prize's scores",
        OURS,
    ),
    Example(
        "Price of GPT-3-level tokens, fall per year",
        lambda: cost.yearly_factor(60, 0.06, years=3),
        10.0,
        0.001,
        "a16z 2024",
    ),
    Example(
        "Price at MMLU 83, fall per year",
        lambda: cost.yearly_factor(62, 1, years=20 / 12),
        11.9,
        0.005,
        "a16z 2024 (62× in 20 months)",
        OURS,
    ),
    Example(
        "o3 list price, fall on 10 June 2025",
        lambda: cost.yearly_factor(40, 8, years=1),
        5.0,
        1e-9,
        "OpenAI list prices",
    ),
    Example("Hex: inference for 10× training", lambda: k_to_reach(1, 10, alpha=1 / 1.2).low, 15.8, 0.005, "Jones 2021"),
    Example(
        "Hex: training that K = 100 stands in for",
        lambda: effective_compute(1, 100, alpha=1 / 1.2).low,
        46.4,
        0.001,
        "Jones 2021, from its slope",
        OURS,
    ),
    *(
        Example(
            f"FLOP-matched inference for a 14× model, R = {r:g}",
            lambda r=r: cost.matched_multiplier(14, inference_to_pretraining=r),
            stated,
            0.01,
            "Snell et al. 2024",
        )
        for r, stated in ((0.16, 258.0), (0.79, 63.0), (22, 15.8))
    ),
    Example("1 TB at 1 TB per day: days", lambda: days(1e12), 1.0, 0, EGRESS),
    Example("1 TB at 100 GB per day: days", lambda: days(1e11), 10.0, 0, EGRESS),
    Example("1 TB at 5 GB per day: days", lambda: days(5e9), 200.0, 0, "Brown et al. 2026, inference verification"),
    Example("1 TB at 14.3 GB per day: days", lambda: days(14.3e9), 70.0, 0.001, EGRESS),
    Example(
        "1 TB at 5 GB per day, 16× compression: days",
        lambda: days(5e9, 16),
        12.5,
        0,
        "Brown et al. 2026 ('months to days')",
        OURS,
    ),
    Example(
        "1 TB at 5 GB per day, 100× compression: days",
        lambda: days(5e9, 100),
        2.0,
        1e-9,
        "Brown et al. 2026 ('months to days')",
        OURS,
    ),
    Example(
        "810 GB at 1 Gbit/s: minutes",
        lambda: exfiltration.line_seconds(810e9, line_bits_per_second=1e9) / 60,
        108.0,
        0.001,
        "Llama 405B in BF16 ('about 110')",
    ),
    Example(
        "810 GB at 100 Mbit/s: hours",
        lambda: exfiltration.line_seconds(810e9, line_bits_per_second=1e8) / 3600,
        18.0,
        0.001,
        "Llama 405B in BF16",
    ),
    Example("TPP of H100", lambda: chip("H100").tpp, 15_832.0, 0.0005, CHIP),
    Example("TPP of H20", lambda: chip("H20").tpp, 2368.0, 0.0005, CHIP),
    Example("TPP of A100 from 312 TFLOP/s in 16 bits", lambda: tpp({16: 312e12}), 4992.0, 0.0005, CHIP),
    Example("H20: performance density on 814 mm²", lambda: chip("H20").tpp / 814, 2.9, 0.005, CHIP),
    Example(
        "H20: share of the H100's BF16 speed",
        lambda: chip("H20").peak_flop_per_second / chip("H100").peak_flop_per_second,
        0.15,
        0.005,
        CHIP,
        OURS,
    ),
    Example(
        "H20: bandwidth over the H100's",
        lambda: chip("H20").bytes_per_second / chip("H100").bytes_per_second,
        1.19,
        0.005,
        CHIP,
        OURS,
    ),
    Example("H200 and the lane of January 2026", lambda: chip("H200").lane, "inside", 0, "91 FR 1684, example"),
    Example("MI325X and the lane", lambda: chip("MI325X").lane, "inside", 0, "91 FR 1684, example"),
    Example("B200 and the lane", lambda: chip("B200").lane, "outside", 0, CHIP, OURS),
    Example(
        "A chip of exactly 21,000 TPP and the lane",
        lambda: lane(tpp=21_000, bytes_per_second=4e12),
        "outside",
        0,
        "91 FR 1684 (less than)",
        OURS,
    ),
    Example("A100 at 2.0 TB/s: tokens per second", lambda: speed(2.0e12), 57.0, 0.005, ROOF),
    Example("H100: tokens per second", lambda: speed(3.35e12), 96.0, 0.005, ROOF),
    *(
        Example(
            f"{name}: operations per byte at the ridge",
            lambda name=name: chip(name).flop_per_byte,
            stated,
            0.005,
            "from Epoch AI hardware",
            OURS,
        )
        for name, stated in (("H100", 295.0), ("H200", 206.0), ("H20", 37.0), ("TPU-v6e", 560.0))
    ),
    *(
        Example(
            f"Llama 3 70B: attention over 2·N at {context:,} tokens",
            lambda context=context: attention_share(context),
            stated,
            tolerance,
            "Kaplan et al. 2020 formula",
            OURS,
        )
        for context, stated, tolerance in ((1000, 0.019, 0.03), (10_000, 0.19, 0.03), (100_000, 1.87, 0.01))
    ),
    Example(
        "Llama 3 70B: KV bytes per token",
        lambda: kv_bytes_per_token(LLAMA_70B),
        327_680.0,
        0,
        "from the model's shape",
        OURS,
    ),
    Example(
        "Exponent of task length in tokens, 40 min at 2.5M to 4 h at 50M",
        lambda: cost.power_law_exponent(40, 240, x_low=2.5e6, x_high=50e6),
        0.60,
        0.005,
        "UK AISI, July 2026",
    ),
    *(k_star("DeepSeek-V3", 3.41e24, 1e25, alpha, stated) for alpha, stated in ((1, 2.9), (0.83, 3.6), (0.5, 8.6))),
    *(k_star("Llama 3.1 405B", 3.8e25, 1e26, alpha, stated) for alpha, stated in ((1, 2.6), (0.83, 3.2), (0.5, 6.9))),
    *(
        Example(
            f"Tasks in a purse of USD {purse:,.0f}",
            lambda purse=purse: stolen_weights.tasks_in_purse(purse, usd_per_task=3420),
            stated,
            0.02,
            RAND,
            OURS,
        )
        for purse, stated in ((1e3, 0.29), (1e4, 2.9), (1e6, 292.0), (1e9, 292_000.0))
    ),
    Example(
        "Growth of those tasks after 2 years at 10× per year",
        lambda: 1 / cost.usd_after(1, years=2, yearly_factor=10),
        100.0,
        1e-9,
        RAND,
        OURS,
    ),
)


def page() -> str:
    """The page with all examples, as the documentation shows it."""
    published = sum(example.whose == PUBLISHED for example in EXAMPLES)
    about = (
        f"Made by `make pages`; do not edit. {published} published examples and "
        f"{len(EXAMPLES) - published} of our own, recomputed by the package at every test run. *Ours* means that the "
        "inputs or the combination are ours, or that the source does not state the number itself."
    )
    head = ["| Example | Computed | Stated, or by hand | Tolerance | Source | Whose |", "|---|---|---|---|---|---|"]
    lines = ["# Worked examples", "", about, "", *head]
    for example in EXAMPLES:
        value = example.computed()
        tolerance = "exact" if isinstance(value, str) or example.tolerance < 1e-6 else f"{100 * example.tolerance:g} %"
        cells = (example.name, shown(value), shown(example.stated), tolerance, example.source, example.whose)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e6 else f"{value:.4g}"
