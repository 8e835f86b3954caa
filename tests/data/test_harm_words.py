"""Names that speak of harm, and names that only look like it."""

import pytest

from overthink.data.safety_words import speaks_of_harm

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
