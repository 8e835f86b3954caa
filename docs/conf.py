"""The site that `make docs` builds, with Sphinx, from the same Markdown files that are read without it.

The source folder is the repository, so a link between two pages has one form that works in both places. The pages say
nothing about the site: its table of contents is ``NAV``, added to the home page while it is read. Notebooks are stored
without outputs, and run while the site is built.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import overthink

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]

NAV = {
    "Use": [
        f"docs/{page}"
        for page in (
            "tutorial",
            "models",
            "servers",
            "hf",
            "hosted",
            "arms",
            "verifiers",
            "faithfulness",
            "oversight",
            "fleet",
            "gateway",
            "paper",
            "cli",
            "formats",
            "interop",
            "exit-codes",
            "glossary",
        )
    ],
    "Notebooks": ["docs/notebooks/planted_truth", "docs/notebooks/inspect_logs"],
    "Trust": ["docs/methods", "docs/simulated", "docs/measured", "docs/calibration", "docs/literature"],
    "Studies": ["docs/studies/README", "docs/studies/effort_logs", "docs/studies/two_small_models"],
    "Govern": ["docs/thresholds", "docs/worked-examples"],
    "Python": ["docs/api", "docs/extend"],
    "Project": ["ARCHITECTURE", "decisions/README", "CONTRIBUTING", "SECURITY", "CHANGELOG"],
}
"""Every page of the site but the home page, by the heading it stands under; the decisions are under their own page."""

project = "Overthink"
version = release = overthink.__version__
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "docs/studies/*.md", "docs/notebooks/*.ipynb", "decisions/*.md"]
exclude_patterns = [".*", "benchmarks", "calibration", "demo", "dist", "logs", "site", "src", "tests"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # its scripts come from the internet, and no cell shows a widget
suppress_warnings = ["mystnb.unknown_mime_type"]  # of a chart's specification, which stands beside its SVG
highlight_language = "none"  # an indented block is a command, a diagram or a table
autodoc_default_options = {"exclude-members": "model_config"}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # a field is described once, in the docstring of its class
nitpicky = True
nitpick_ignore_regex = [
    (r"py:(class|exc|obj|data)", r"(?!overthink\.).*"),  # types of others
    (r"py:.*", r"overthink\.\w+\..*"),  # modules below the package are private
]

html_theme = "furo"
html_title = f"Overthink {release}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_show_search_summary = False  # the summary of a result is fetched, which a page opened from disk may not do


def setup(app: "Sphinx") -> None:
    """Called by Sphinx: connect what this site adds to it."""
    import inspect_ai  # noqa: F401  # first: autodoc writes into Pydantic's classes, and Inspect's models then fail

    app.connect("source-read", _add_contents)
    app.connect("build-finished", _name_the_home_page)


def _add_contents(_: "Sphinx", page: str, source: list[str]) -> None:
    if page == root_doc:
        source[0] += "".join(_toctree(pages, f":caption: {heading}\n") for heading, pages in NAV.items())
    if page == "decisions/README":
        source[0] += _toctree(["[0-9]*"], ":glob:\n")


def _toctree(pages: list[str], options: str) -> str:
    return "\n\n```{toctree}\n" + options + "\n" + "\n".join(pages) + "\n```\n"


def _name_the_home_page(app: "Sphinx", exception: Exception | None) -> None:
    if exception is None:
        shutil.copyfile(app.outdir / f"{root_doc}.html", app.outdir / "index.html")
