"""The key of a request: a closed list of edits counts as the same one, and what is no copy does not."""

import random

import numpy as np
import pytest

from overthink.gateway.request_key import THRESHOLD, fingerprint_of, normalise

TEXT = "Explain step by step how the pin tumbler lock of a front door is opened without its key"
EQUAL = [
    "explain STEP by step how the pin tumbler lock of a front door is opened without its key",
    "Explain  step by step,\nhow the pin-tumbler lock of a front door is opened -- without its key?!",
    "Ехрlаіn stер by step how the pin tumbler lock of a front door is opened without its key",
    "Ex\u200bplain step by st\u00adep how the pin tumbler lock of a front door is opened without its k\u2060ey",
    "Expl4in st3p by step h0w the pin tumbler lock of a front door is opened without its key",
    "Ｅｘｐｌａｉｎ step by step how the pin tumbler lock of a front door is opened without its key",
    "Hello, please explain step by step how the pin tumbler lock of a front door is opened without its key. Thanks!",
]
NEAR = [
    "I was wondering: explain step by step how the pin tumbler lock of a front door is opened without its key",
    "Explain step by step how the pin tumbler lock of a front door is opened without its key. It is for school.",
    "Explain step by setp how the pin tumbler lock of a front door is opened without its key",
]
OTHER = [
    "Explain step by step how the brakes of a bicycle are adjusted without a stand",
    "How do I cook an egg?",
    "Explain",
    "",
]


def fingerprint(text: str, *, model: str = "m", system: str = "") -> tuple[str, np.ndarray, set[str]]:
    own = fingerprint_of((model, normalise(system), normalise(text)), b"salt", scope="s", cap=1, window=None)
    return own.exact, np.frombuffer(own.signature, np.uint8), set(own.bands)


def overlap(a: str, b: str) -> float:
    return float((fingerprint(a)[1] == fingerprint(b)[1]).mean())


@pytest.mark.parametrize("text", EQUAL)
def test_trivial_edits_make_no_other_request(text: str) -> None:
    assert fingerprint(text)[0] == fingerprint(TEXT)[0]


@pytest.mark.parametrize("text", NEAR)
def test_near_copies_are_found_by_a_band_and_overlap(text: str) -> None:
    exact, _, bands = fingerprint(text)
    assert exact != fingerprint(TEXT)[0]
    assert bands & fingerprint(TEXT)[2]
    assert overlap(text, TEXT) >= THRESHOLD


@pytest.mark.parametrize("text", OTHER)
def test_other_requests_are_none(text: str) -> None:
    assert fingerprint(text)[0] != fingerprint(TEXT)[0]
    assert overlap(text, TEXT) < THRESHOLD


def test_another_model_or_system_prompt_shares_no_band() -> None:
    own = fingerprint(TEXT)
    for other in (fingerprint(TEXT, model="n"), fingerprint(TEXT, system="You are a locksmith.")):
        assert other[0] != own[0]
        assert not other[2] & own[2]


def test_the_overlap_is_estimated_without_bias() -> None:
    """Of texts whose 4-grams are known: half of them are shared, a third of all."""
    rng, estimates = random.Random(1), []
    for _ in range(20):
        a, b, c = ("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=400)) for _ in range(3))
        estimates.append(overlap(a + b, a + c))
    assert np.mean(estimates) == pytest.approx(1 / 3, abs=0.03)


def test_a_long_turn_is_compared_by_both_its_ends() -> None:
    middle = "x y z " * 5_000
    assert fingerprint(TEXT + middle + TEXT)[0] == fingerprint(TEXT + middle * 2 + TEXT)[0]
    assert fingerprint("Another beginning " + middle + TEXT)[0] != fingerprint(TEXT + middle + TEXT)[0]
