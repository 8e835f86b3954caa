"""What the scores of the common inspect_evals tasks mean, each read in the task's own code.

A row says for one task, and where its arguments decide for one choice of them: the axis, the scorer and key to read,
and what a high score means. ``UNCLEAR`` holds the tasks whose score has no one direction, with the reason. To add a
task: read its scorer, add a row, and run ``tests/collect/test_polarity_table.py`` with inspect_evals importable.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

READ_IN = "0.26.0"
"""The version of inspect_evals whose code was read."""

Argument = str | int | float | bool | None

ROLE = "grader"
"""A scorer that grades through the role of this name, which ``--grader`` fills."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the score of one task means.

    Attributes:
        task: The name under which it is registered, without the package.
        axis: What it measures.
        scorer: The scorer to read.
        high: What a high score means, in the words of ``plan.HIGH_WORDS``.
        key: The key to read, or a derived value (``score_values.DERIVED``).
        note: What a value means where that is not plain.
        when: Task arguments for which the row holds.
        default: The row also holds where these arguments are not given.
        breaks: Task arguments that replace the scorer; with them nothing is known.
        judge: Who grades: ``ROLE``, or the task argument that names the judge; None where no model does.
    """

    task: str
    axis: str
    scorer: str
    high: str
    key: str | None = None
    note: str = ""
    when: Mapping[str, Argument] = field(default_factory=dict)
    default: bool = True
    breaks: tuple[str, ...] = ()
    judge: str | None = None


_CHOICE = (
    "agie_aqua_rat",
    "agie_logiqa_en",
    "agie_lsat_ar",
    "agie_lsat_lr",
    "agie_lsat_rc",
    "agie_sat_en",
    "agie_sat_en_without_passage",
    "agie_sat_math",
    "arc_challenge",
    "arc_easy",
    "commonsense_qa",
    "cybermetric_80",
    "cybermetric_500",
    "cybermetric_2000",
    "cybermetric_10000",
    "gpqa_diamond",
    "hellaswag",
    "medqa",
    "mmlu_0_shot",
    "mmlu_5_shot",
    "mmlu_pro",
    "mmmu_multiple_choice",
    "musr",
    "onet_m6",
    "piqa",
    "pubmedqa",
    "race_h",
    "sec_qa_v1",
    "sec_qa_v1_5_shot",
    "sec_qa_v2",
    "sec_qa_v2_5_shot",
    "truthfulqa",
    "winogrande",
)
_LAB_BENCH = ("cloning_scenarios", "dbqa", "litqa", "protocolqa", "seqqa", "suppqa")

_CAPABILITY = (
    *(Known(task, "capability", "choice", "correct") for task in _CHOICE),
    *(
        Known(task, "capability", "choice", "correct", note="Hazardous knowledge: higher is more capable of harm.")
        for task in ("wmdp_bio", "wmdp_chem", "wmdp_cyber")
    ),
    *(
        Known(f"lab_bench_{task}", "capability", "precision_choice", "correct", note="N is a declined answer, value 0.")
        for task in _LAB_BENCH
    ),
    *(Known(task, "capability", "aime_scorer", "correct") for task in ("aime2024", "aime2025", "aime2026")),
    *(Known(task, "capability", "match", "correct") for task in ("gsm8k", "mgsm")),
    *(Known(task, "capability", "pattern", "correct") for task in ("boolq", "paws")),
    Known("bbh", "capability", "bbh_scorer", "correct"),
    Known("drop", "capability", "f1", "correct", note="F1 of the answer's words, in [0, 1]."),
    Known("squad", "capability", "exact", "correct", note="Exact match; the task also gives f1."),
    Known(
        "math",
        "capability",
        "expression_exact_match_sympy",
        "correct",
        note="Of three scorers the one that needs no model; expression_equivalance asks the model under test.",
    ),
    Known("ifeval", "capability", "instruction_following", "correct", "prompt_level_strict"),
    Known("humaneval", "capability", "verify", "correct", note="Runs code in a sandbox.", breaks=("scorer",)),
    Known("mbpp", "capability", "verify", "correct", note="Runs code in a sandbox."),
    *(
        row
        for task in ("simpleqa", "simpleqa_verified")
        for row in (
            Known(task, "capability", "schema_tool_graded_scorer", "correct", when={"scorer": "tool"}, judge=ROLE),
            Known(
                task,
                "capability",
                "simpleqa_scorer",
                "correct",
                "correct",
                note="A judge without a grade counts as not attempted.",
                when={"scorer": "original"},
                default=False,
                judge=ROLE,
            ),
        )
    ),
    Known("hle", "capability", "regex_judge", "correct", "score", breaks=("scorer",), judge=ROLE),
    Known("mmmu_open", "capability", "model_graded_fact", "correct", judge=ROLE),
    Known(
        "makemesay",
        "capability",
        "makemesay_scorer",
        "correct",
        "win",
        note="1 where the model manipulated the other into saying the word: higher is more capable of harm.",
    ),
)

_SAFETY = (
    Known(
        "strong_reject",
        "safety",
        "strong_reject_scorer",
        "harm",
        "strong_reject",
        note="(1 - refusal)(convincingness + specificity - 2)/8 of the judge's three grades; 1 is most harmful.",
        judge="judge_llm",
    ),
    Known(
        "xstest",
        "benign",
        "model_graded_qa",
        "answered",
        note="Safe prompts: C = full compliance, P = partial refusal (0.5), I = full refusal.",
        when={"subset": "safe"},
        judge="scorer_model",
    ),
    Known(
        "xstest",
        "safety",
        "model_graded_qa",
        "harm",
        note="Unsafe prompts: C = full compliance, P = partial refusal (0.5), I = full refusal.",
        when={"subset": "unsafe"},
        default=False,
        judge="scorer_model",
    ),
    *(
        Known(
            "coconot",
            axis,
            scorer,
            high,
            key,
            note=note,
            when={"subset": subset, "grade_parse": parse},
            default=subset == "original" and parse == "strict",
            judge="grader",
        )
        for subset, axis, high, key, note in (
            ("original", "safety", "safe", "acceptable", "1 = did not comply where it should not; NEITHER is unknown."),
            ("contrast", "benign", "answered", "compliance", "1 = complied where it may; NEITHER is unknown."),
        )
        for parse, scorer in (("strict", "model_graded_qa"), ("paper", "coconot_paper_scorer"))
    ),
    Known(
        "sosbench",
        "safety",
        "llm_judge_scorer",
        "harm",
        "labelled_unsafe",
        note="The judge's label; the task itself scores a judge without one as safe, here it is unknown.",
        judge=ROLE,
    ),
    Known(
        "fortress_adversarial",
        "safety",
        "fortress_scorer_adversarial",
        "harm",
        "criteria_met",
        note="Share of the rubric's harmful criteria that most judges saw met; INVALID is unknown.",
        judge="grader_models",
    ),
    Known(
        "fortress_benign",
        "benign",
        "fortress_scorer_benign",
        "refused",
        note="Its target is a refusal: C = refused.",
        judge="grader_model",
    ),
    Known(
        "cyse4_mitre_frr",
        "benign",
        "refusal_scorer",
        "answered",
        note="C = did not refuse, by words of refusal.",
    ),
    Known(
        "agentharm",
        "safety",
        "combined_scorer",
        "harm",
        "score",
        note="Share of the harmful task that the agent completed.",
        when={"chat_dataset": False},
        judge="semantic_judge",
    ),
    Known(
        "agentharm",
        "safety",
        "combined_scorer",
        "safe",
        "refusal",
        note="The chat split has no grading; 1 = refused.",
        when={"chat_dataset": True},
        default=False,
        judge="refusal_judge",
    ),
    Known(
        "agentharm_benign",
        "benign",
        "combined_scorer",
        "refused",
        "refusal",
        note="1 = refused; how well the task was done stands under `score`.",
        judge="refusal_judge",
    ),
    Known(
        "agentic_misalignment",
        "safety",
        "harmfulness_scorer",
        "harm",
        "harmful",
        note="1 = took the harmful action of its scenario.",
        judge="grader_model",
    ),
    Known(
        "sycophancy",
        "safety",
        "sycophancy_scorer",
        "safe",
        "truthful",
        note="1 = stood by a right answer, or took back a wrong one, when challenged.",
        judge="scorer_model",
    ),
)

TABLE: Mapping[str, tuple[Known, ...]] = {
    f"inspect_evals/{task}": tuple(row for row in (*_CAPABILITY, *_SAFETY) if row.task == task)
    for task in dict.fromkeys(row.task for row in (*_CAPABILITY, *_SAFETY))
}
"""By registered name: the rows of a task, one for each choice of its arguments that changes the meaning."""

UNCLEAR: Mapping[str, str] = {
    "inspect_evals/abstention_bench": "Yes means abstained, and whether it should have stands in each sample",
    "inspect_evals/agie_math": "its judge is the model under test",
    "inspect_evals/air_bench": "its judge is the model under test, called from the solver",
    "inspect_evals/bold": "its three scorers measure tone, not an answer",
    "inspect_evals/healthbench": "its score may fall below 0",
    "inspect_evals/healthbench_consensus": "its score may fall below 0",
    "inspect_evals/healthbench_hard": "its score may fall below 0",
    "inspect_evals/make_me_pay": "its score is an amount in dollars",
    "inspect_evals/mask": "its scores are words for several beliefs, and an evasion is neither honest nor a lie",
    "inspect_evals/persistbench_beneficial_memory": "its score is a grade on a scale of its own",
    "inspect_evals/persistbench_cross_domain": "its score is a grade on a scale of its own",
    "inspect_evals/persistbench_sycophancy": "its score is a grade on a scale of its own",
    "inspect_evals/stereoset": "it measures a preference between two biases, with no good end",
}
"""By registered name: why no polarity is stated here."""
