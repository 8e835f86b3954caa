"""Self-contained HTML page without network access, safe against hostile names.

It carries one script bundle (Vega, Vega-Lite, Vega-Embed), our own scripts, and its data as JSON. Its content security
policy allows exactly those scripts by hash, no ``eval``, no connection and no foreign image; Vega runs on its
expression interpreter.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache

from overthink.reports.assets import asset
from overthink.reports.page_data import script_json
from overthink.reports.names import PROSE_LIMIT, visible


def web_page(
    template: str,
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
    data: Mapping[str, object],
    content: Mapping[str, object],
) -> str:
    """Fill a template of the folder ``page``.

    Args:
        template: File of the template.
        styles: Style files, in order.
        scripts: Script files, in order; they share one scope.
        data: Data of the scripts, by element id.
        content: Variables of the template, which escapes them.

    Returns:
        HTML text (write it as UTF-8).
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    style, guard, bundle = "".join(map(asset, styles)), asset("guard.js"), _bundle()
    script = "\n".join(["(() => {", '"use strict";', *map(asset, scripts), "})();"])
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, (guard, bundle, script)))}; "
        f"style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    environment = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["visible"] = lambda text: visible(text, PROSE_LIMIT)
    return environment.get_template(template).render(
        content,
        policy=policy,
        style=Markup(style),  # noqa: S704 - our own files
        guard=Markup(guard),  # noqa: S704 - our own file
        bundle=Markup(bundle),  # noqa: S704 - built by vl-convert
        script=Markup(script),  # noqa: S704 - our own files
        data={name: Markup(script_json(value)) for name, value in data.items()},  # noqa: S704 - escaped by script_json
    )


@cache
def _bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    if "</script" in bundle.lower() or "<!--" in bundle:
        raise AssertionError("the chart bundle cannot stand inside a script element")
    return bundle


def _hash(content: str) -> str:
    """Return the content-security-policy hash of a script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
