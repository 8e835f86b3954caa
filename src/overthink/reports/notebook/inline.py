"""Charts of Altair that a notebook shows without a network: SVG, drawn here, beside the specification.

Altair's own display is a page that loads its scripts from the internet, and a file that is read elsewhere shows nothing
without them. The HTML that Altair saves has the specification in a script as it is, and names of others could end that
script and begin one of their own; here it is escaped. These are Altair's charts in all else:
``.properties(width=300)``, ``.save("chart.png")``. Like all of Altair's with a configuration they cannot be joined.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import altair as alt

from overthink.data.visible import visible
from overthink.reports.charts.files import svg_text
from overthink.reports.page_data import script_safe

_TITLE = 160

VEGALITE_MIME = f"application/vnd.vegalite.{alt.SCHEMA_VERSION.partition('.')[0]}+json"
"""Type of a specification, by which a front end with the same version of Vega-Lite draws it.

With ``+json`` it may be an object; Jupyter refuses to save a notebook that has one under Altair's own name, ``.json``.
"""

AnyLayerChart = TypeVar("AnyLayerChart", bound=alt.LayerChart)


class _ScriptEncoder(json.JSONEncoder):
    """JSON that can stand inside a script element."""

    def encode(self, o: object) -> str:
        return script_safe(super().encode(o))


class _Inline:
    """Display of a chart in a notebook, and its HTML."""

    def to_html(self, *args: Any, json_kwds: Mapping[str, Any] | None = None, **kwargs: Any) -> str:
        """Return HTML as Altair does, in which no name is markup."""
        html: str = super().to_html(*args, json_kwds=_encoding(json_kwds), **kwargs)  # type: ignore[misc]
        return html

    def save(self, *args: Any, json_kwds: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """Save the chart as Altair does, with HTML in which no name is markup."""
        super().save(*args, json_kwds=_encoding(json_kwds), **kwargs)  # type: ignore[misc]

    def _repr_mimebundle_(self, *_: object, **__: object) -> dict[str, Any]:
        """Return the chart as SVG, as a specification for front ends that draw it themselves, and as a line of text."""
        specification: dict[str, Any] = self.to_dict()  # type: ignore[attr-defined]
        return {"image/svg+xml": svg_text(specification), VEGALITE_MIME: specification, "text/plain": repr(self)}

    def __repr__(self) -> str:
        title = self.to_dict(validate=False).get("title", "")  # type: ignore[attr-defined]
        return f"<chart {visible(str(title['text'] if isinstance(title, dict) else title), _TITLE)!r}>"


class LayerChart(_Inline, alt.LayerChart):
    """Chart of one panel."""


class VConcatChart(_Inline, alt.VConcatChart):
    """Chart of panels below each other."""


def _encoding(json_kwds: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**(json_kwds or {}), "cls": _ScriptEncoder}


def inline_chart(specification: Mapping[str, Any]) -> LayerChart | VConcatChart:
    """Return a standalone specification as a chart of Altair that shows itself in a notebook.

    It takes a hundredth of the time of ``from_dict``, which finds the class of every part by trial.

    Args:
        specification: A specification of panels or of layers.
    """
    whole = {name: part for name, part in specification.items() if name != "$schema"}
    whole["params"] = [alt.VariableParameter(**parameter) for parameter in whole["params"]]
    if "vconcat" not in whole:
        return _layer_chart(LayerChart, whole)
    panels = [_layer_chart(alt.LayerChart, panel) for panel in whole["vconcat"]]
    return VConcatChart(**{**whole, "vconcat": panels})


def _layer_chart(kind: type[AnyLayerChart], view: Mapping[str, Any]) -> AnyLayerChart:
    layers = [
        alt.Chart(**{**layer, "encoding": alt.FacetedEncoding(**layer.get("encoding", {}))}) for layer in view["layer"]
    ]
    return kind(**{**view, "layer": layers})
