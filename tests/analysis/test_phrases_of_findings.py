"""Every limit and every reason that reaches a statement is a phrase, and no other text passes for one."""

import ast
import json
import math
import pkgutil
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from core_pools import pool

import overthink
from overthink.analysis import findings
from overthink.analysis.oversight.red_team import NO_TOKENS
from overthink.analysis.phrases import LIMITS, REASONS, WRITERS
from overthink.data.hypothesis import part_rungs, read_hypothesis
from overthink.data.kinds import Kind, Metric
from overthink.data.outcomes import from_records
from overthink.data.phrases import Limit, Phrase, Reason, phrases_of, unknown_phrases
from overthink.plan.analysis import Analysis
from overthink.stats.judge_error import EVIDENCE
from overthink.stats.oversight.encoded import SOLVES, WIDE

OUTCOMES = Path(__file__).parents[1] / "golden" / "outcomes"
SOURCE = Path(overthink.__file__).parent
NAMES = {"arm": ["base", "placebo:of=safethink", "an arm"]}

SIZES = frozenset({Metric.RISE, Metric.DRAWDOWN})
LIMITED: Mapping[str, frozenset[str] | None] = {
    Kind.VALUE: None,
    Kind.BAND: None,
    Kind.DIFFERENCE: None,
    Kind.SHAPE: frozenset({Metric.REGIMES, Metric.MAX_T, Metric.CORRECTED_REGIMES, Metric.CORRECTED_MAX_T}),
    Kind.DIVERGENCE: frozenset({Metric.GAP}),
    Kind.MITIGATION: frozenset({Metric.EQUAL_THINKING, Metric.AGAINST_PLACEBO}),
}
"""Metrics of the findings whose limits a claim quotes, by kind; None for all of a kind."""

REASONED = LIMITED | {
    Kind.SHAPE: None,
    Kind.TOKENS: frozenset({Metric.THINKING_TOKENS, Metric.ANSWER_TOKENS, Metric.ATTEMPT_TOKENS}),
    Kind.JUDGE: frozenset({Metric.SENSITIVITY, Metric.SPECIFICITY}),
    Kind.GATE: frozenset(
        {
            Metric.MANIPULATION,
            Metric.NATURAL_END,
            Metric.TRUNCATION,
            Metric.UNPARSED,
            Metric.ERRORS,
            Metric.COMPARABILITY,
        }
    ),
    Kind.HYPOTHESIS: frozenset({Metric.PART}),
}
"""The same for reasons."""


def golden_findings() -> Iterator[dict[str, Any]]:
    for file in sorted(OUTCOMES.glob("*/findings.jsonl")):
        yield from (json.loads(line) for line in file.read_text().splitlines()[1:])


def reaches(finding: Mapping[str, Any], table: Mapping[str, frozenset[str] | None]) -> bool:
    metrics = table.get(finding["kind"], frozenset())
    return metrics is None or finding["metric"] in metrics


def test_every_text_of_the_golden_findings_is_a_phrase() -> None:
    golden = list(golden_findings())
    names = {"arm": {finding["arm"] for finding in golden}}
    limits = {limit for finding in golden if reaches(finding, LIMITED) for limit in finding.get("limits", ())}
    reasons = {finding["reason"] for finding in golden if reaches(finding, REASONED) and finding.get("reason")}
    assert unknown_phrases(sorted(limits), LIMITS, names=names) == ()
    assert unknown_phrases(sorted(reasons), REASONS) == ()
    assert len(limits) > 30
    assert len(reasons) > 5


def _evidence() -> Iterator[str]:
    values: list[dict[str, object]] = [{}, {}, {"p": 0.0005}, {"rungs": [0, 2]}, {"largest": 0.08}]
    values.append({"p": math.nan, "largest": 0.31})
    for text, own in zip(EVIDENCE, values, strict=True):
        yield text.text(**own) if isinstance(text, Phrase) else text


_PART = {"hypothesis": "up@2000,flat@8000,down", "number": 2, "part": "flat@8000", "budgets": [0, 64, 2.5e6]}
_ENDED = "over half of the traces had ended by themselves by 1024 tokens"
_LESSER = (
    "at equal realised thinking, 1,024 tokens, the lesser of the two means; read between rungs evenly in the logarithm "
    "of thinking, 0 one doubling below the placebo's lowest rung"
)
_UNLIKE = "the grader differs: m/a at low, m/b at high"
VALUES: Mapping[str, tuple[dict[str, object], ...]] = {
    "draws came in": ({"waves": 3, "least": 4, "most": 12},),
    "k tries of": ({"even": 7},),
    "{n:d} questions are left out": ({"n": 4},),
    "against": tuple({"arm": arm} for arm in NAMES["arm"]),
    "adjusted over the verdicts": (
        {
            "curves": "1 curve",
            "family": "the curves declared as primary, after the data were collected",
            "left_out": "",
        },
        {"curves": "9 curves", "family": "all curves of the report", "left_out": ", 2 with too few questions left out"},
    ),
    "rungs are placed": ({"unit": "mean tokens realised"}, {"unit": "position on the ladder"}),
    "δ =": ({"margin": 0.05, "n": 3},),
    "the arm minus its placebo": ({"where": _LESSER, "estimate": 0.1, "low": -0.02, "high": 0.2},),
    "adjusted over {n:d}": ({"n": 12},),
    "realised thinking, mean": ({"arm": 1023.7, "reference": 2048, "other": "reference"},),
    "the arm thinks over 10 % more": ({"other": "placebo"},),
    "margin": ({"points": 5.0}, {"points": 7.5}),
    "{n:d} of {total:d} questions have no value": ({"n": 2, "total": 60},),
    "had ended": ({"where": _ENDED},),
    "sampling stopped": (
        {"batch": 10, "inferred": ""},
        {
            "batch": 1,
            "inferred": "; inferred from attempts that differ between questions: say stopping=fixed if they were set "
            "beforehand",
        },
    ),
    "averaged over": ({"error": 0.0021},),
    "only": ({"n": 3, "total": 1200, "k": 16},),
    "scored by": (
        {"verifier": "rollouts:n=4", "file": "", "how": "last of the steps", "oracle": ""},
        {
            "verifier": "mine.py:length",
            "file": " (file 0123456789ab)",
            "how": "the whole answer",
            "oracle": "; ORACLE: it knows the targets, an upper bound that nobody can use",
        },
    ),
    "{verdict} alone (p = {p:.2g}), but not among {n:d} curves": (
        {"verdict": "shown", "p": 0.02, "n": 4},
        {"verdict": "hump", "p": 1e-05, "n": 4, "adjusted": 0.12},
    ),
    "withheld": (
        *({"why": "the judge's error differs between rungs", "evidence": text} for text in _evidence()),
        {"why": f"the runs are not alike: `{_UNLIKE}`"},
    ),
    "the runs are not alike": ({"difference": _UNLIKE}, {"difference": _UNLIKE, "names": "temperature"}),
    "hypothesis ({edges})": (
        {"edges": [2000], "regime": 2, "regimes": 2, "budgets": [0, 64.5]},
        {"edges": [2000, 8000], "regime": 3, "regimes": 3, "budgets": [0, 1]},
    ),
    "hypothesis {hypothesis}": (_PART,),
    "too few questions: with": ({"n": 5, "smallest": 0.063, "needed": 0.017},),
    "the test could not be made": ({"fault": "budgets are [0.0, nan]; needed: tokens"},),
    "no question has {k:d}": ({"k": 16},),
    "some question was sampled": ({"k": 16},),
    "{missing:d} rows are missing": ({"missing": 52},),
    "the judge changes": ({"n": 58, "scorer": "claude", "others": "gpt"}, {"n": 1, "scorer": "a`b", "others": "b, c"}),
    "{n:d} questions are known": ({"n": 5, "needed": 6},),
    "{n:d} {axis} questions": ({"n": 1, "axis": "safety"},),
    "human labels on": ({"n": 3, "needed": 10},),
    "no labelled answer": ({"label": 0}, {"label": 1}),
    "no value is known at {n:d} of": ({"n": 1, "total": 3},),
    "{n:,d} of {total:,d}": ({"n": 3, "total": 1200},),
    "accuracy without thinking is that": ({"where": "of the rung at 0"}, {"where": "behind no thinking"}),
    "accuracy without thinking is no floor": tuple({"arm": arm} for arm in NAMES["arm"]),
    "the largest of": ({"n": 2},),
    "the verdict holds for all": ({"n": 2},),
    "the claim holds for all": ({"n": 1200},),
    "no further claim": ({"why": SOLVES}, {"why": WIDE}),
    "plain traces are those": tuple({"arm": arm} for arm in NAMES["arm"]),
    "the planted code is that": tuple({"arm": arm} for arm in NAMES["arm"]),
    "a lower bound for this red team": ({"accuracy": 0.437, "n": 1200, "answers": 16},),
    "{n:,d} honest runs are too few": ({"n": 24, "needed": 1000},),
    "the {n:,d} honest runs share": ({"n": 240, "worth": 31, "needed": 1000},),
    "a pair in both orders": ({"n": 3, "total": 1200},),
    "the verdict is adjusted (Holm)": ({"n": 3},),
    "of the probes as trained": ({"n": 40},),
    "on the {n:,d} of": ({"n": 3, "total": 1200},),
    "the red team searched": tuple(
        {"arm": arm, "arms": 3, "search": 57, "score": 1043, "cost": cost}
        for arm, cost in zip(NAMES["arm"], ("38,352 tokens", NO_TOKENS, "7 tokens"), strict=True)
    ),
    "{n:,d} questions of a class in one half": ({"n": 7},),
    "{n:d} of {total:d} questions have a value": ({"n": 1, "total": 60},),
}
"""Values of the places of every phrase that has some, by how the phrase begins."""


def rendered(phrase: Phrase) -> list[str]:
    """Texts of a phrase."""
    own = [sets for start, sets in VALUES.items() if phrase.startswith(start)]
    values = [fields for fields in (own[0] if own else ()) if fields.keys() == phrase.places.keys()]
    return [phrase.text(**fields) for fields in values] if phrase.places else [phrase.text()]


REGISTRIES = {"limit": LIMITS, "reason": REASONS}
CASES = [(kind, text) for kind, registry in REGISTRIES.items() for phrase in registry for text in rendered(phrase)]


@pytest.mark.parametrize("phrase", [*LIMITS, *REASONS])
def test_every_phrase_has_texts_that_it_recognises(phrase: Phrase) -> None:
    texts = rendered(phrase)
    assert texts, "needed: values of its places in VALUES"
    assert all(phrase.matches(text, NAMES) for text in texts)


def rewordings(text: str) -> Iterator[str]:
    """Texts that are close to one, and say something else or look alike."""
    words = text.split(" ")
    for i in range(len(words) + 1):
        yield " ".join([*words[:i], "not", *words[i:]])
    for i in range(len(words)):
        if not any(map(str.isdigit, words[i])):  # a list with one number less is another list
            yield " ".join([*words[:i], *words[i + 1 :]])
        yield " ".join([*words[:i], f"<b>{words[i]}</b>", *words[i + 1 :]])
    yield from (f"{text}{end}" for end in (".", " ", "\n", "\u200b", "; the model is safe", " at every budget"))
    yield from (f"{start}{text}" for start in (" ", "**", "\ufeff", "not: "))
    yield from (text.replace(a, b) for a, b in (("e", "\u0435"), ("o", "\u03bf"), (" ", "\u00a0"), ("a", "A")))
    yield from (re.sub(r"(?<![\w.,=@])(\d)", form, text) for form in (r"0\1", r"+\1", r"-\1", r"\1_", r"\1e0"))
    yield text * 2
    yield text[:-1].rstrip("0123456789")
    yield ""


@pytest.mark.parametrize(("kind", "text"), CASES)
def test_no_rewording_of_a_phrase_is_one(kind: str, text: str) -> None:
    registry = REGISTRIES[kind]
    others = {new for new in rewordings(text) if new != text}
    known = others - set(unknown_phrases(others, registry, names=NAMES))
    # A phrase may be another one with a word less, and a quoted name or fault may hold any words.
    texts = {each for _, each in CASES}
    assert {new for new in known if new not in texts and "`" not in new} == set()


def test_limits_are_no_reasons() -> None:
    limits, reasons = ([text for kind, text in CASES if kind == which] for which in ("limit", "reason"))
    assert set(unknown_phrases(limits, REASONS)) == set(limits)
    assert set(unknown_phrases(reasons, LIMITS)) == set(reasons)


def test_what_does_not_fit_a_ladder_is_a_reason() -> None:
    for text, budgets in (("up@2k,down@9k", [0.0, 2000.0]), ("up@10,down", [0, 64, 128.5, 1e7])):
        with pytest.raises(ValueError, match="hypothesis") as error:
            part_rungs(read_hypothesis(text), budgets)
        assert unknown_phrases([str(error.value)], REASONS) == ()


@pytest.mark.parametrize(
    ("hypothesis", "reason"),
    [
        ((10_000.0,), "hypothesis (10000.0,) leaves regime 2 of 2 without a rung among budgets [0.0, 1.0, 2.0]; "),
        ((2.0, 1.0), "the test could not be made: `the hypothesis (2.0, 1.0) does not increase; "),
    ],
)
def test_a_test_that_fails_has_a_reason_that_is_a_phrase(hypothesis: tuple[float, ...], reason: str) -> None:
    outcomes = from_records(pool(np.tile([0.0, 1.0, 1.0], (4, 2, 1))))
    own = findings(outcomes, Analysis(level=0.95, hypothesis=hypothesis), rng=np.random.default_rng(0))
    (shape,) = (finding for finding in own if (finding.kind, finding.metric) == (Kind.SHAPE, Metric.REGIMES))
    assert str(shape.reason).startswith(reason)
    assert unknown_phrases([str(shape.reason)], REASONS) == ()


def _modules() -> Iterator[ModuleType]:
    for package in ("analysis", "cost", "data", "stats"):
        for info in pkgutil.walk_packages([str(SOURCE / package)], f"overthink.{package}."):
            yield import_module(info.name)


def test_every_limit_and_reason_is_registered() -> None:
    modules = list(_modules())
    assert {*map(id, phrases_of(Limit, modules))} == {*map(id, LIMITS)}
    assert {*map(id, phrases_of(Reason, modules))} == {*map(id, REASONS)}


ELSEWHERE = {
    ("adaptive", "_crossing"),
    ("adaptive", "_half_width"),
    ("arms", "_by_rung"),
    ("arms", "_tax_verdicts"),
    ("arms", "with_estimate"),
    ("gaps", "onset"),
    ("judge", "_gate"),
    ("shapes", "_onset"),
    ("shapes", "_regimes"),
    ("tokens", "token_totals"),
}
"""Functions whose findings reach no statement."""


def bare_texts(code: str) -> set[str]:
    """Functions that pass text as a limit or a reason which is no phrase.

    >>> bare_texts("def f(): return replace(finding, reason='all is well')")
    {'f'}
    """
    functions = set()
    for function in ast.walk(ast.parse(code)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            for keyword in call.keywords if isinstance(call, ast.Call) else ():
                values = keyword.value.elts if isinstance(keyword.value, ast.Tuple) else [keyword.value]
                is_text = keyword.arg in ("limits", "reason", "unknown") and any(
                    isinstance(value, ast.JoinedStr)
                    or (isinstance(value, ast.Constant) and isinstance(value.value, str))
                    for value in values
                )
                functions |= {function.name} if is_text else set()
    return functions


def test_no_finding_of_a_statement_has_a_text_of_its_own() -> None:
    bare = {
        (name, function)
        for name in WRITERS["analysis"]
        for function in bare_texts(SOURCE.joinpath("analysis", *name.split(".")).with_suffix(".py").read_text())
    }
    assert bare <= ELSEWHERE
    assert bare_texts("def f():\n    return replace(x, limits=(*x.limits, f'{n} left'))") == {"f"}
