from typing import Any

import pytest
from altair.utils.schemapi import validate_jsonschema
from altair.vegalite.v6.schema.core import load_schema

from overthink.reports.charts.curve import heat_chart
from overthink.reports.charts.fan import fan_chart
from overthink.reports.charts.frontier import frontier_chart
from overthink.reports.charts.oversight import hidden_chart
from overthink.reports.charts.templates import AXIS_SCALES, curve_chart, gap_chart
from overthink.reports.charts.within import within_chart


def fault(template: dict[str, Any]) -> object:
    return validate_jsonschema(template, load_schema(), raise_error=False)


def test_every_template_keeps_the_schema_of_vega_lite() -> None:
    others = [gap_chart(), heat_chart(), frontier_chart(), within_chart(), fan_chart(), hidden_chart()]
    templates = [*map(curve_chart, AXIS_SCALES), *others]
    assert list(map(fault, templates)) == [None] * 9
    assert fault(curve_chart("log") | {"layer": "no list"}) is not None


@pytest.mark.parametrize("scale", AXIS_SCALES)
def test_only_the_scale_of_x_differs(scale: str) -> None:
    text = str(curve_chart(scale)).replace(f"'type': '{scale}'", "'type': 'log'")  # type: ignore[arg-type]
    assert text == str(curve_chart("log"))
    assert text.count("'type': 'log'") > 10
