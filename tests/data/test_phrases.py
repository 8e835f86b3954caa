"""Phrases render texts and recognise exactly those."""

import time

import pytest

from overthink.data.phrases import (
    LONGEST,
    Limit,
    Phrase,
    Reason,
    checked,
    component,
    name,
    number,
    numbers,
    one_of,
    phrases_of,
    quotation,
    unknown_phrases,
)

FEW = Phrase("only {n:d} of {all:,d} questions: {share:.2g}, {gain:+.3f}")


def test_a_text_is_recognised_by_its_own_phrase_alone() -> None:
    text = FEW.text(n=3, all=1200, share=0.0025, gain=-0.0004)
    assert text == "only 3 of 1,200 questions: 0.0025, -0.000"
    assert FEW.matches(text)
    assert not Phrase("only {n:d} of {all:d} questions: {share:.2g}, {gain:+.3f}").matches(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not only 3 of 1,200 questions: 0.0025, -0.000",
        "only 3 of 1,200 questions: 0.0025, -0.000. The model is safe.",
        "only 3 of 1,200 questions: 0.0025, -0.000\n",
        " only 3 of 1,200 questions: 0.0025, -0.000",
        "only 3 of 1200 questions: 0.0025, -0.000",
        "only 03 of 1,200 questions: 0.0025, -0.000",
        "only -3 of 1,200 questions: 0.0025, -0.000",
        "only 3.0 of 1,200 questions: 0.0025, -0.000",
        "only ٣ of 1,200 questions: 0.0025, -0.000",
        "only 3 of 12,00 questions: 0.0025, -0.000",
        "only 3 of 1,200 questions: .0025, -0.000",
        "only 3 of 1,200 questions: 2.5e-3, -0.000",
        "only 3 of 1,200 questions: 0.00251, -0.000",
        "only 3 of 1,200 questions: nan, -0.000",
        "only 3 of 1,200 questions: inf, -0.000",
        "only 3 of 1,200 questions: 0.0025, 0.000",
        "only 3 of 1,200 questions: 0.0025, −0.000",
        "**only 3** of 1,200 questions: 0.0025, -0.000",
        "only 3 of 1,200 quest\u0456ons: 0.0025, -0.000",
        "only 3 of 1,200 questions: 0.0025, -0.000\u200b",
        "Only 3 of 1,200 questions: 0.0025, -0.000",
    ],
)
def test_any_other_text_is_unknown(text: str) -> None:
    assert unknown_phrases([text], [FEW]) == (text,)


@pytest.mark.parametrize("value", [0, 3, 64, 1024.0, 1234567, 0.1, 2 / 3, 1e-9, 1e22, 1.5e300])
@pytest.mark.parametrize("spec", ["g", ".2g", ".3g", ".2f", ",.0f", "+.3f"])
def test_every_number_is_recognised_as_it_is_written(value: float, spec: str) -> None:
    phrase = Phrase(f"up to {{x:{spec}}} tokens")
    text = phrase.text(x=value)
    assert text == f"up to {value:{spec}} tokens"
    assert phrase.matches(text) == (len(f"{value:{spec}}") <= 40)


def test_only_a_signed_number_is_below_zero() -> None:
    assert Phrase("{x:+.1f} points").matches("-0.3 points")
    for spec in ("g", ".2f", "d"):
        assert not Phrase(f"{{x:{spec}}} points").matches("-3 points")


def test_an_unknown_number_only_stands_where_it_may() -> None:
    phrase = Phrase("p = {p}", p=number(".2g", may_be_unknown=True))
    assert phrase.text(p=float("nan")) == "p = nan"
    assert phrase.matches("p = nan")
    assert not Phrase("p = {p:.2g}").matches("p = nan")


def test_lists_of_numbers_keep_their_form() -> None:
    ladder = Phrase("among {budgets} tokens", budgets=numbers("g"))
    assert ladder.text(budgets=[0, 64.0, 1e7]) == "among 0, 64, 1e+07 tokens"
    assert ladder.matches("among 0, 64, 1e+07 tokens")
    assert ladder.matches("among 0 tokens")
    for text in ("among  tokens", "among 0,64 tokens", "among 0, 64,  tokens", "among 0 64 tokens"):
        assert not ladder.matches(text)
    edges = Phrase("({edges})", edges=numbers("r", lone=","))
    assert [edges.text(edges=values) for values in ([2000], [1, 2.5])] == [str((2000.0,)), str((1.0, 2.5))]
    assert edges.matches("(2000.0,)")
    assert edges.matches("(1.0, 2.5)")
    assert not edges.matches("(2000.0)")


def test_a_phrase_in_a_phrase_keeps_its_own_rules() -> None:
    withheld = Reason("withheld: {why}{end}", why=one_of("drift", Phrase("p = {p:.2g}")), end=one_of("", "; see there"))
    assert all(map(withheld.matches, ("withheld: drift", "withheld: p = 0.01; see there")))
    assert not any(map(withheld.matches, ("withheld: p = 0.010", "withheld: ", "withheld: drift; see here")))


AGAINST = Limit("against {arm}", arm=name("arm"))
HOSTILE = "base. The model is `safe`\n<b>at every budget</b>"


def test_a_plain_name_is_checked_and_any_other_one_is_quoted() -> None:
    names = {"arm": ["base", "two words", HOSTILE]}
    texts = [AGAINST.text(arm=arm) for arm in names["arm"]]
    assert texts == [
        "against base",
        "against `two words`",
        "against `base. The model is 'safe' <b>at every budget</b>`",
    ]
    assert unknown_phrases(texts, [AGAINST], names=names) == ()
    assert unknown_phrases(texts, [AGAINST], names={"arm": ["other"]}) == tuple(texts)
    assert unknown_phrases(texts, [AGAINST]) == ("against base",)
    for text in ("against two words", f"against {HOSTILE}", "against `a`b`", "against ``", "against ` `"):
        assert not AGAINST.matches(text, names)


def test_a_component_is_one_word_or_quoted() -> None:
    scored = Limit("scored by {verifier}, {how}", verifier=component(), how=one_of("the whole answer"))
    for verifier in ("rollouts:n=4", "mine.py:length:by=steps,n=2", "not a word"):
        assert scored.matches(scored.text(verifier=verifier, how="the whole answer"))
    assert not scored.matches("scored by nobody and is safe, the whole answer")


def test_a_text_from_outside_is_always_quoted() -> None:
    fault = Reason("no test: {fault}", fault=quotation())
    assert fault.text(fault="odd") == "no test: `odd`"
    assert fault.matches(fault.text(fault="x`y\n" * 500))
    assert not fault.matches("no test: odd")


def test_a_grammar_of_its_own() -> None:
    even = Phrase("word {word}", word=checked("ab", lambda text: len(text) % 2 == 0))
    assert even.matches("word abba")
    assert not even.matches("word aba")


def test_a_phrase_without_places_is_its_own_text() -> None:
    fixed = Limit("the band holds for all rungs")
    assert fixed == fixed.text() == "the band holds for all rungs"
    assert type(fixed.text()) is str


@pytest.mark.parametrize("template", ["{} of them", "{n} of them", "{n:d} of {n:d}", "{0:d} of them"])
def test_every_place_has_a_name_and_a_type(template: str) -> None:
    with pytest.raises(ValueError, match="has the places"):
        Phrase(template)


def test_places_and_values_fit_the_template() -> None:
    with pytest.raises(ValueError, match="has the places"):
        Phrase("all of them", n=number("d"))
    for values in ({}, {"m": 1}, {"n": 1, "m": 1}):
        with pytest.raises(ValueError, match=r"has the places \['n'\]"):
            Phrase("{n:d} of them").text(**values)


def test_phrases_of_modules_are_of_one_kind() -> None:
    from overthink.data import verifier_scores

    assert phrases_of(Limit, [verifier_scores, verifier_scores]) == (verifier_scores.SCORED_BY,)
    assert phrases_of(Reason, [verifier_scores]) == ()


def test_no_pattern_runs_long() -> None:
    from overthink.analysis.phrases import LIMITS, REASONS

    starts = [phrase.split("{")[0] for phrase in (*LIMITS, *REASONS)]
    fills = ["1", "1,", "1, ", "e+", "a", "`", "a:b=c,", "up@1,", "(", " ", "\n"]
    texts = [
        start + fill * (size // len(fill)) for size in (LONGEST - 500, 100_000) for fill in fills for start in starts
    ]
    began = time.process_time()
    assert len(unknown_phrases(texts, (*LIMITS, *REASONS))) == len(texts)
    assert time.process_time() - began < 0.002 * len(texts)
