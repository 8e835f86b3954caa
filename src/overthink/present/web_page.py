"""One HTML page that needs no network, and that no name in it can take over.

It carries one script bundle (Vega, Vega-Lite, Vega-Embed), our own scripts, and its data as JSON. Its content security
policy allows exactly those scripts by hash, no ``eval``, no connection and no foreign image; Vega runs on its
expression interpreter.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from overthink.present.assets import asset
from overthink.present.data import script_json
from overthink.present.names import PROSE_LIMIT, visible

if TYPE_CHECKING:
    from jinja2 import Environment


def web_page(
    template: str,
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
    data: Mapping[str, object],
    shown: Mapping[str, object],
) -> str:
    """Fill a template of the folder ``page``.

    Args:
        template: Its file.
        styles: Files of its style, in order.
        scripts: Files of its script, in order; they share one scope.
        data: What the script reads, by the id under which it does.
        shown: What the template shows; it is escaped there.

    Returns:
        HTML text (write it as UTF-8).
    """
    from markupsafe import Markup

    style, guard, bundle = "".join(map(asset, styles)), asset("guard.js"), _bundle()
    script = "\n".join(["(() => {", '"use strict";', *map(asset, scripts), "})();"])
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, (guard, bundle, script)))}; "
        f"style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    page = _templates().get_template(template)
    return page.render(
        shown,
        policy=policy,
        style=Markup(style),  # noqa: S704 - our own files
        guard=Markup(guard),  # noqa: S704 - our own file
        bundle=Markup(bundle),  # noqa: S704 - built by vl-convert
        script=Markup(script),  # noqa: S704 - our own files
        data={name: Markup(script_json(value)) for name, value in data.items()},  # noqa: S704 - escaped by script_json
    )


@cache
def _templates() -> "Environment":
    """The templates, each compiled once."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["visible"] = lambda text: visible(text, PROSE_LIMIT)
    return environment


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    if "</script" in bundle.lower() or "<!--" in bundle:
        raise AssertionError("the chart bundle cannot stand inside a script element")
    return bundle


def _hash(content: str) -> str:
    """The hash by which a content security policy allows a script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
