"""Report of a study: content of its page and data of its scripts.

The files of the page, as text.

Self-contained HTML page without network access, safe against hostile names.

It carries one script bundle (Vega, Vega-Lite, Vega-Embed), our own scripts, and its data as JSON. Its content security
policy allows exactly those scripts by hash, no ``eval``, no connection and no foreign image; Vega runs on its
expression interpreter.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from overthink.data.results.study import Results, flatten
from overthink.data.rung_samples import RungSample, RungSamples, SamplePlace
from overthink.data.visible import NAME_LIMIT, PROSE_LIMIT, visible
from overthink.reports import summary
from overthink.reports.about import About
from overthink.reports.arm_table import comparison
from overthink.reports.charts.arms import StaticChart, static_charts
from overthink.reports.charts.curve import heat_chart
from overthink.reports.charts.frontier import frontier_chart
from overthink.reports.charts.oversight import hidden_chart, judge_chart, oversight_chart
from overthink.reports.charts.reasoning import faithfulness_chart, probe_chart
from overthink.reports.charts.templates import AXIS_SCALES, curve_chart, gap_chart
from overthink.reports.charts.thresholds import marks_data
from overthink.reports.charts.within import within_chart
from overthink.reports.flips import flip_lists
from overthink.reports.limits import limitations
from overthink.reports.page_data import page_data, rung_rows, script_json
from overthink.reports.report_curves import default_arms, planted_lines, planted_sentences, report_curves
from overthink.reports.status_text import answers_so_far, banner
from overthink.reports.tables.budgets import budget_control_table, frontier_tables, supervision_table
from overthink.reports.tables.ledger import COST_HEAD, cost_note, cost_rows, ledger_tables
from overthink.reports.tables.oversight import judge_tables, monitorability_tables, oversight_tables, shape_table
from overthink.reports.tables.reasoning import (
    bound_sentences,
    encoded_tables,
    faithfulness_tables,
    probe_tables,
    step_tables,
)
from overthink.reports.tables.within import MEANING, within_tables
from overthink.reports.transcripts import transcripts
from overthink.reports.verdicts import RULE

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def asset(name: str) -> str:
    """Return the text of a file of the folder ``html``."""
    return (files("overthink.reports") / "html" / name).read_text(encoding="utf-8")


def web_page(
    template: str,
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
    data: Mapping[str, object],
    content: Mapping[str, object],
) -> str:
    """Fill a template of the folder ``html``.

    Args:
        template: File of the template.
        styles: Style files, in order.
        scripts: Script files, in order; they share one scope.
        data: Data of the scripts, by element id.
        content: Variables of the template, which escapes them.

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
        content,
        policy=policy,
        style=Markup(style),  # noqa: S704 - our own files
        guard=Markup(guard),  # noqa: S704 - our own file
        bundle=Markup(bundle),  # noqa: S704 - built by vl-convert
        script=Markup(script),  # noqa: S704 - our own files
        data={name: Markup(script_json(value)) for name, value in data.items()},  # noqa: S704 - escaped by script_json
    )


@cache
def _templates() -> "Environment":
    """Return the templates, each compiled once."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["visible"] = lambda text: visible(text, PROSE_LIMIT)
    return environment


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


_SCRIPTS = (
    "embed.js",
    "page.js",
    "thresholds.js",
    "charts.js",
    "reading.js",
    "verdicts.js",
    "surface.js",
    "numbers.js",
    "drawings.js",
    "start.js",
)
_TABLE_ROWS = 400
_QUESTIONS_SHOWN = 200
_PLAN_ROWS = 300
_NOT_STATED = "not stated: the task's or the provider's own"


def report_html(
    results: Results,
    about: About,
    samples: Sequence[RungSamples] = (),
    flipped: Mapping[SamplePlace, RungSample] | None = None,
) -> str:
    """Return the report as one self-contained page.

    Args:
        results: Results of the analysis; names may be hostile.
        about: Metadata of the report.
        samples: Samples behind the rungs, to which the page links; ids and paths may be hostile.
        flipped: Samples of the questions that an arm gained or lost, by place; None for no links.

    Returns:
        HTML text (write it as UTF-8), about 1 MB plus 0.3 kB per finding.
    """
    findings = flatten(results)
    all_curves = report_curves(results, about.k_scale.reference)
    answers = summary.axis_answers(all_curves, default_arms(all_curves))
    answers = answers if about.unfinished is None else answers_so_far(answers)
    data = page_data(findings, all_curves) | {"k_name": about.k_scale.name}
    behind = transcripts(samples, results.curves, (flipped or {}).values())
    data["samples"] = behind.numbers or {}
    data["planted"] = planted_lines(about.planted, all_curves)
    data["thresholds"] = marks_data(about.thresholds, all_curves)
    drawings = static_charts(results)
    data["drawings"] = [chart.data() for group in drawings.values() for chart in group]
    content = {
        "title": visible(about.title),
        "lead": summary.lead(all_curves, about),
        "banner": banner(about),
        "refresh": None if about.unfinished is None else about.unfinished.refresh_seconds,
        "answers": answers,
        "rule": RULE,
        "planted": planted_sentences(about.planted),
        "heading": _heading([chart.name for chart in answers]),
        "thresholds": about.thresholds,
        "appendix": about.appendix,
        "unsaid": limitations(findings, all_curves, about),
        "comparison": comparison(results, about),
        "of_arms": drawings["log"],
        "of_budgets": drawings["frontier"],
        "within_limits": drawings["within"],
        **_oversight(results, drawings),
        "within_meaning": MEANING,
        "within": within_tables(results.curves),
        "frontiers": frontier_tables(results.frontiers),
        "ledger": ledger_tables(results.ledgers),
        "supervision": supervision_table(results.supervision),
        "budget_control": budget_control_table(results.curves),
        "transcripts": behind,
        "flip_lists": flip_lists(results, flipped or {}, behind.folder),
        "most_rows": _TABLE_ROWS,
        "rung_rows": rung_rows(all_curves),
        "made": provenance_rows(about),
        "cost_head": COST_HEAD,
        "costs": cost_rows(about),
        "cost_note": cost_note(about),
        "plan": _plan_rows(about.plan),
        "notes": [visible(note, PROSE_LIMIT) for note in about.notes],
        "k_name": about.k_scale.name,
        "k_means": visible(about.k_scale.means, PROSE_LIMIT) if about.k_scale.means else None,
        "k_reason": visible(about.k_scale.reason, PROSE_LIMIT) if about.k_scale.reason else None,
        "questions": _questions(about),
        "count": len(findings),
    }
    return web_page(
        "page.html", styles=("page.css",), scripts=_SCRIPTS, data={"data": data, "charts": _charts()}, content=content
    )


def _heading(axes: Sequence[str]) -> str:
    if not axes:
        return "Nothing"
    names = [axes[0], *(name.lower() for name in axes[1:])]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def provenance_rows(about: About) -> list[tuple[str, str]]:
    """Return the provenance of a report as rows of name and text."""
    texts = {
        "Analysed": about.source,
        "Made with": f"Overthink {about.made_with}",
        "Created": about.created_at,
        "Command": about.command,
        "Plan, SHA-256": about.plan_sha256,
        "Pool, SHA-256": about.pool_sha256,
    }
    return [(name, visible(text, PROSE_LIMIT)) for name, text in texts.items() if text is not None]


def _plan_rows(plan: Mapping[str, object] | None) -> list[tuple[str, str]]:
    """Return the plan as (key path, value) rows; lists of plain values stay on one line."""
    rows: list[tuple[str, str]] = []

    def walk(path: str, value: object) -> None:
        if isinstance(value, Mapping) and value:
            for key, inner in value.items():
                walk(f"{path}.{key}" if path else str(key), inner)
        elif isinstance(value, list | tuple) and any(isinstance(inner, Mapping) for inner in value):
            for number, inner in enumerate(value, start=1):
                walk(f"{path} {number}", inner)
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
            text = _NOT_STATED if value is None and path in ("temperature", "top_p") else text
            rows.append((visible(path), visible(text, PROSE_LIMIT)))

    walk("", plan or {})
    if len(rows) > _PLAN_ROWS:
        return [*rows[:_PLAN_ROWS], ("…", f"{len(rows) - _PLAN_ROWS} more rows in the plan file")]
    return rows if plan else []


def _questions(about: About) -> list[tuple[str, int, list[str]]]:
    return [
        (visible(task), len(ids), [visible(question, NAME_LIMIT) for question in ids[:_QUESTIONS_SHOWN]])
        for task, ids in about.questions.items()
    ]


def _oversight(results: Results, drawings: Mapping[str, Sequence[StaticChart]]) -> dict[str, object]:
    """Return drawings and tables on oversight: whether the thinking is watched, and what it is needed for."""
    return {
        "watched": drawings["oversight"],
        "hidden_drawn": drawings["hidden"],
        "judge_drawn": drawings["judges"],
        "judge_tables": judge_tables(results.oversight),
        "oversight": oversight_tables(results.oversight),
        "monitorability": monitorability_tables(results.oversight),
        "oversight_moves": shape_table(results.oversight),
        "probes_drawn": drawings["probes"],
        "probe_tables": probe_tables(results.oversight),
        "thinking_drawn": drawings["faithfulness"],
        "thinking_tables": faithfulness_tables(results.oversight),
        "encoded_tables": encoded_tables(results.oversight),
        "step_tables": step_tables(results.oversight),
        "bounds": bound_sentences(results.oversight),
    }


@cache
def _charts() -> dict[str, object]:
    by_scale: dict[str, object] = {scale: curve_chart(scale) for scale in AXIS_SCALES}
    return by_scale | {
        "gap": gap_chart(),
        "heat": heat_chart(),
        "frontier": frontier_chart(),
        "within": within_chart(),
        "oversight": oversight_chart(),
        "judges": judge_chart(),
        "hidden": hidden_chart(),
        "faithfulness": faithfulness_chart(),
        "probes": probe_chart(),
    }
