"""Names that speak of harm or error, and names that only look like it."""

import pytest

from overthink.data.safety_words import speaks_of_error, speaks_of_harm

HARMFUL = (
    *("harmful", "is_harm", "harmfulness_scorer", "harmless", "self-harm", "HarmBench", "antiHarm"),
    *("refusal", "overRefusal", "refused", "refuses", "XSTest", "or-bench", "coconot"),
    *("attack_success_rate", "attacker", "jailbreak", "JailbreakBench", "prompt_injection", "red-team", "redteaming"),
    *("toxicity", "RealToxicityPrompts", "is_toxic", "bias", "BBQ", "gender_bias", "winobias", "biased"),
    *("deception", "deceptive_alignment", "sandbagging", "scheming", "sabotage", "sycophancy", "misalignment"),
    *("unsafe", "safety", "is_safe", "AdvBench", "do_not_answer", "strong_reject", "malicious_code", "hateful"),
    *("bioweapons", "violence", "dishonesty", "honesty", "backdoor", "hazardous_knowledge", "abuse", "reward_hacking"),
    *(
        "asr",
        "ASR",
        "judge.asr",
        "compliance",
        "complied",
        "comply",
        "unethical",
        "agentic_blackmail",
        "leakage",
        "denied",
    ),
)

HARMLESS = (
    *("harmonic_mean", "harmony", "philharmonic", "pharmacy", "charm", "dharma", "attacking_midfield", "heart_attack"),
    *("toxicology", "unbiased_pass@4", "inductive_bias", "bias_variance", "hazard_ratio", "offensive_rebounds"),
    *("accuracy", "match", "gsm8k", "mmlu_professional_law", "model_graded_qa", "includes", "schema_match"),
    *("thread_safety", "type_safe", "schematic", "sequence_alignment", "saferail", "rebuttal", "perceptive", "scheme"),
    *(
        "librispeech_asr",
        "format_compliance",
        "memory_leak",
        "bbqueue",
        "failsafe",
        "robot_manipulation",
        "persuasion",
        "moral_scenarios",
        "lie_algebra",
        "pattern",
    ),
    *("refactor", "reference", "defuse", "biology", "chateau", "abstract", "weather"),
)


@pytest.mark.parametrize("name", HARMFUL)
def test_a_name_that_speaks_of_harm(name: str) -> None:
    assert speaks_of_harm(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_name_that_only_looks_like_it(name: str) -> None:
    assert not speaks_of_harm(name)


ERRORS = (
    *("wer", "score_wer", "CER", "librispeech_asr_wer", "error_rate", "wordErrorRate", "mean_squared_error", "errors"),
    *(
        "loss",
        "val_loss",
        "loss_mean",
        "perplexity",
        "word_perplexity,none",
        "ppl",
        "brier,strict-match",
        "brier_score",
    ),
    *("edit_distance", "levenshtein", "rmse", "mae", "judge.mse", "regret", "violations", "violation_rate", "hacking"),
    *("failures", "failure_rate", "cost", "total_cost", "hle_wrong", "incorrect", "nll", "bits_per_byte"),
)

NO_ERRORS = (
    *("lossless", "error_analysis", "open_asr", "trial_and_error", "errorless", "loss_functions_qa", "glossary"),
    *("weight_loss", "no_errors", "zero_violations", "neg_log_loss", "minus_cer", "cost_estimation", "costume"),
    *("wrongful_death_law", "right_or_wrong", "failsafe", "lacerta", "werewolf", "maestro", "accuracy", "exact_match"),
    *("regret_theory", "growth_hacking_tips", "ethical_hacking", "error_correction", "flower", "certainty", "terror"),
)


@pytest.mark.parametrize("name", ERRORS)
def test_a_name_of_an_error(name: str) -> None:
    assert speaks_of_error(name)


@pytest.mark.parametrize("name", NO_ERRORS)
def test_a_name_that_only_looks_like_an_error(name: str) -> None:
    assert not speaks_of_error(name)
