"""Closed lists are complete: every member has its words, a selector its colour and, where it is claimed, its rule."""

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from overthink.cost.units import Unit
from overthink.data.finding import At, Finding
from overthink.data.kinds import Kind, Metric
from overthink.data.record import Axis, Category, Estimand
from overthink.data.selectors import (
    CLAIMED_SELECTORS,
    SELECTORS,
    TRIES_SELECTORS,
    Selector,
    SelectorInfo,
    other_selector,
)
from overthink.data.verdict_labels import MitigationLabel, ReadingLabel, ShapeLabel
from overthink.errors import InputError
from overthink.forecasts.curve_families import CURVE_FAMILIES
from overthink.governance.statement.claims import SHAPE_SENTENCES
from overthink.governance.statement.curve_schema import Shape, Tries
from overthink.governance.statement.rules.whole import AXIS_SELECTORS
from overthink.reports.arm_cells import READING_MEANINGS
from overthink.reports.arm_table import MITIGATION_MEANINGS
from overthink.reports.page import asset
from overthink.reports.verdicts import SHAPE_TEXTS
from overthink.reports.wording import AXIS_TEXTS, ESTIMAND_TEXTS, GATE_TEXTS, SELECTOR_COLOURS, SELECTOR_TEXTS
from overthink.storage.findings import findings_json, read_findings

ROOT = Path(__file__).parents[2]


def selector_faults(selectors: Mapping[Selector, SelectorInfo], css: str) -> list[str]:
    """What a selector lacks: words, values, a colour of the page, or the sentence of a claim."""
    faults = [f"{name}: no facts" for name in Selector if name not in selectors]
    colours = [info.colour for info in selectors.values() if info.colour is not None]
    if colours != list(range(len(colours))):  # the script of the page numbers them by position
        faults.append(f"colours are {colours}")
    for name, info in selectors.items():
        if not info.text:
            faults.append(f"{name}: no words")
        if info.metric not in (f"{name}_at_k", Metric.MEAN, Metric.ALL_OF_K):
            faults.append(f"{name}: values are {info.metric}")
        if str(info.metric).endswith("_at_k") and info.colour is None:
            faults.append(f"{name}: no colour")
        if info.colour is not None and (
            len(re.findall(rf"--s{info.colour}: #", css)) != 3 or f".c{info.colour} {{" not in css
        ):
            faults.append(f"{name}: the page has no --s{info.colour}")
        if info.axes and name != Selector.SINGLE and "{good}" not in info.claim:
            faults.append(f"{name}: no sentence of a claim")
    return faults


def test_every_selector_is_complete() -> None:
    assert selector_faults(SELECTORS, asset("page.css")) == []
    assert len({info.metric for info in SELECTORS.values()}) == len(SELECTORS)
    assert list(SELECTOR_TEXTS) == list(SELECTOR_COLOURS) == list(TRIES_SELECTORS)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"text": ""}, "no words"),
        ({"colour": None}, "no colour"),
        ({"colour": 9}, "the page has no --s9"),
        ({"axes": (Axis.SAFETY,), "claim": ""}, "no sentence of a claim"),
        ({"metric": Metric.GAP}, "values are gap"),
    ],
)
def test_an_incomplete_selector_is_noticed(changes: dict[str, object], fault: str) -> None:
    name = Selector.ORACLE_WEIGHTED_MAJORITY
    broken = {**SELECTORS, name: replace(SELECTORS[name], **changes)}  # type: ignore[arg-type]
    assert f"{name}: {fault}" in selector_faults(broken, asset("page.css"))
    assert f"{name}: no facts" in selector_faults({k: v for k, v in SELECTORS.items() if k != name}, "")


def test_every_selector_that_is_claimed_has_a_rule_and_a_place_in_the_schema() -> None:
    claimed, other = get_args(Tries.model_fields["selector"].annotation)
    assert get_args(claimed) == CLAIMED_SELECTORS
    names = TypeAdapter(other)
    assert names.validate_python(other_selector("half-2")) == "other:half-2"
    for name in ("half", "other:", "other:Two Words", "best"):
        with pytest.raises(ValidationError):
            names.validate_python(name)
    assert set().union(*AXIS_SELECTORS.values()) == set(CLAIMED_SELECTORS)
    assert list(AXIS_SELECTORS) == list(Axis)


@pytest.mark.parametrize(
    ("texts", "members"),
    [
        (SHAPE_TEXTS, ShapeLabel),
        (SHAPE_SENTENCES, ShapeLabel),
        (MITIGATION_MEANINGS, MitigationLabel),
        ({**READING_MEANINGS, ReadingLabel.UNTESTABLE: MITIGATION_MEANINGS["not testable"]}, ReadingLabel),
        (AXIS_TEXTS, Axis),
        (ESTIMAND_TEXTS, Estimand),
    ],
)
def test_every_member_has_words(texts: Mapping[str, object], members: type[Axis]) -> None:
    assert set(texts) == set(members)


def test_verdicts_of_a_statement_are_those_of_shapes() -> None:
    assert get_args(Shape.model_fields["verdict"].annotation) == tuple(ShapeLabel)


def test_every_kind_is_described() -> None:
    described = re.findall(r"^``([a-z_]+)``$", inspect.cleandoc(Finding.__doc__ or ""), flags=re.MULTILINE)
    assert described == list(Kind)


def test_metrics_made_of_parts_are_in_the_list() -> None:
    families = {family.name for family in CURVE_FAMILIES}
    units = [unit for unit in Unit if unit is not Unit.TOKENS]
    sums = {f"paid_{part}" for part in (*Category, "generated", "unique", "apart", "in_all", *units)}
    attempts = {f"attempt_{part}" for part in (*Category, "in_all", *units)}
    assert {m for m in Metric if m.startswith("paid_")} == sums
    assert {m for m in Metric if m.startswith("attempt_") and m != Metric.ATTEMPT_TOKENS} == attempts
    assert {m.removesuffix("_error") for m in Metric if m.endswith("_error")} == families <= set(Metric)
    for suffix in ("_bound", "_bin0", "_equal_compute", "_difference"):
        assert {m.removesuffix(suffix) for m in Metric if m.endswith(suffix)} - set(Metric) <= {
            "degradation",
            "residual",
        }
    assert set(GATE_TEXTS) < set(Metric)


def test_stored_findings_are_of_the_lists() -> None:
    pairs = set()
    for path in (ROOT / "tests" / "golden" / "outcomes").rglob("findings.jsonl"):
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        pairs |= {(row["kind"], row["metric"]) for row in rows if "metric" in row}
    assert len(pairs) > 100
    assert {kind for kind, _ in pairs} <= set(Kind)
    assert {metric for _, metric in pairs} <= set(Metric)


def test_an_unknown_kind_is_refused_by_name(tmp_path: Path) -> None:
    finding = Finding("f", Kind.VALUE, "safety", "t", "base", "forced", Metric.MEAN, At(), reason="none")
    text = findings_json([finding], overthink="0", plan_sha256=None, pool_sha256=None)
    (tmp_path / "findings.json").write_text(text, encoding="utf-8")
    assert read_findings(tmp_path / "findings.json")[1] == (finding,)
    (tmp_path / "findings.json").write_text(text.replace('"value"', '"verdicts"'), encoding="utf-8")
    with pytest.raises(InputError, match="unknown findings: kind verdicts"):
        read_findings(tmp_path / "findings.json")


def test_a_member_prints_as_its_string() -> None:
    assert (repr(Kind.VALUE), str(Selector.ALL), f"{Metric.MEAN}") == ("'value'", "all", "mean")
