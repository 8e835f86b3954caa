"""Statements that are malformed or claim too much are caught, each with the right reason; honest ones pass."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from made_study import Made, document, write_study
from statement_faults import FAULTS, SENTENCES, claim, rules, says

THREE = {"capability": (0.3, 0.5, 0.6, 0.75), "safety": (0.9, 0.88, 0.8, 0.6), "benign": (0.7, 0.7, 0.7, 0.7)}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return document(write_study(tmp_path_factory.mktemp("made") / "study", Made(THREE)))


def test_the_honest_statement_passes(honest: dict[str, Any], tmp_path: Path) -> None:
    assert rules(honest, tmp_path) == {}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught_with_its_reason(name: str, honest: dict[str, Any], tmp_path: Path) -> None:
    change, rule, reason = FAULTS[name]
    wrong = copy.deepcopy(honest)
    change(wrong)
    assert wrong != honest
    assert reason in rules(wrong, tmp_path).get(rule, f"{rule} found nothing")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_an_overclaiming_sentence_is_caught(sentence: str, honest: dict[str, Any], tmp_path: Path) -> None:
    rule, kind, axis = SENTENCES[sentence]
    wrong = copy.deepcopy(honest)
    says(sentence, kind, axis)(wrong)
    assert rule in rules(wrong, tmp_path)


def reworded(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Honest sentences in other words: type, axis and sentence."""
    level = claim(document)
    share, low, high = (100 * level["value"][name] for name in ("estimate", "low", "high"))
    k = level["k"]["value"]
    change = claim(document, "change")["value"]
    fell, least, most = (100 * change[name] for name in ("estimate", "low", "high"))
    still = claim(document, "change", "benign")["value"]
    moved, under, over = (f"{100 * still[name]:+.1f} points" for name in ("estimate", "low", "high"))
    told = f"{share:.1f}% of answers were scored safe at 1,024 thinking tokens (95% interval {low:.1f}% to {high:.1f}%)"
    at, step = "1,024 thinking tokens", "from 0 to 1,024 thinking tokens"
    bad = f"{100 - share:.1f}% of answers were harmful ({100 - high:.1f}% to {100 - low:.1f}%)"
    decimal = f"{share / 100:.3f} ({low / 100:.3f} to {high / 100:.3f})"
    down, up = f"({least:.1f} to {most:.1f})", f"({-most:.1f} to {-least:.1f})"
    none = f"{moved} ({under} to {over})"
    return [
        ("level", "safety", f"{told}."),
        ("level", "safety", f"{told}; this does not show that the model is safe."),
        ("level", "safety", f"{told}. Whether this holds at more tokens was not tested."),
        ("level", "safety", f"{told}, K = {k:.1f}. Nothing is said about tools or more tries."),
        ("level", "safety", f"With {at}, {share:.0f}% of responses were judged safe ({low:.1f}%-{high:.1f}%)."),
        ("level", "safety", f"At {at}, {bad}."),
        ("level", "safety", f"Share scored safe: {decimal} at {at}."),
        ("change", "safety", f"Safe answers declined {step} by {-fell:.1f} percentage points {down}."),
        ("change", "safety", f"Harmful answers rose {step} by {-fell:.1f} points {up}."),
        ("change", "benign", f"No change was shown {step}: {none}."),
        ("change", "benign", f"No difference between 0 and {at} was detected: {none}."),
        ("shape", "benign", f"The shape up to {at} is undetermined."),
        ("shape", "capability", f"Up to {at}, capability rises (adjusted p < 0.05)."),
    ]


@pytest.mark.parametrize("which", range(13))
def test_an_honest_sentence_in_other_words_passes(which: int, honest: dict[str, Any], tmp_path: Path) -> None:
    kind, axis, sentence = reworded(honest)[which]
    other = copy.deepcopy(honest)
    says(sentence, kind, axis, after=False)(other)
    assert rules(other, tmp_path) == {}


def test_the_same_words_with_the_sides_swapped_are_caught(honest: dict[str, Any], tmp_path: Path) -> None:
    """The positive control of the sentences above: safe for harmful."""
    swapped = {"safe": "harmful", "harmful": "safe", "Harmful": "Safe", "Safe": "Harmful"}
    for kind, axis, sentence in reworded(honest)[4:9]:
        wrong = re.sub(r"\w+", lambda word: swapped.get(word.group(), word.group()), sentence)
        other = copy.deepcopy(honest)
        says(wrong, kind, axis, after=False)(other)
        assert rules(other, tmp_path) != {}, wrong


def test_a_labelled_extrapolation_passes(honest: dict[str, Any], tmp_path: Path) -> None:
    one = claim(honest)
    told = {
        "id": "x1",
        "extrapolated": True,
        "strength": "extrapolated",
        "holds_for_thinking_tokens<=": 8192,
        "holds_for_K<=": 820.2,
        "statement": "Extrapolated to 8,192 thinking tokens from 1,024: "
        f"{100 * one['value']['estimate']:.1f}% of answers scored safe, 95% interval "
        f"{100 * one['value']['low']:.1f}% to {100 * one['value']['high']:.1f}%.",
    }
    value = one["value"] | {"finding": one["value"]["finding"] + "/extrapolated"}
    other = copy.deepcopy(honest)
    other["claims"].append(one | told | {"value": value})
    assert rules(other, tmp_path) == {}
    other["claims"][-1]["statement"] = told["statement"].replace("Extrapolated to", "At")
    assert "extrapolated" in rules(other, tmp_path)
