"""The page of thresholds, made from the registry."""

from datetime import date

from overthink.governance.thresholds.lookup import NOT_LEGAL_ADVICE, number
from overthink.governance.thresholds.registry import STAGES, VERIFICATIONS, Instrument, instruments

ABOUT = """# Thresholds on compute

Made from the registry by `make pages`; do not edit. `overthink thresholds --as-of DATE` answers for
a day, `--json` with every field. {note}

The rows were reviewed by hand: the web holds invented law (an "implementing act" that moves the EU number to 1e26,
mangled Korean numbers such as 11^26), so no threshold is ever scraped. Status as of {day}, the day of the last check.

{legend}

Left out: claims judged unreliable (X), and the United Kingdom and Japan, where no threshold is known (recalled).
"""

COUNTS = """
## What counts

For each threshold on training compute, which stages of a run count towards it: **yes**, no, or "?" where the text, as
far as it was read, is silent. Compute spent on answering users counts nowhere.
"""


def page() -> str:
    rows = instruments()
    day = max(row.retrieved for row in rows)
    legend = "\n".join(f"- **{key}**: {meaning}" for key, meaning in VERIFICATIONS.items() if key != "X")
    lines = [ABOUT.format(note=NOT_LEGAL_ADVICE, day=day.isoformat(), legend=legend)]
    lines += ["| Id | Instrument | Where | Status | Number | Check |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{row.id}` | {row.title} | {row.jurisdiction} | {status(row, day)} | {limit(row)} | {row.verification} |"
        for row in rows
    ]
    counted = [row for row in rows if row.measure == "training_compute"]
    lines += [COUNTS, f"| Stage | {' | '.join(f'`{row.id}`' for row in counted)} |", "|---" * (len(counted) + 1) + "|"]
    words = {"yes": "**yes**", "no": "no", "silent": "?"}
    for stage in STAGES:
        lines.append(f"| {stage.replace('_', ' ')} | {' | '.join(words[row.counts[stage]] for row in counted)} |")
    lines += ["", "## Details", ""]
    lines += [detail(row) for row in rows]
    return "\n".join(lines).rstrip() + "\n"


def status(row: Instrument, day: date) -> str:
    event = row.event_on(day)
    assert event is not None
    return f"{event.status.replace('_', ' ')} since {event.date_text}" + (
        " (recalled)" if event.verification == "R" else ""
    )


def limit(row: Instrument) -> str:
    return "none" if row.number is None else f"{row.operator.replace('<', '&lt;')} {number(row.number)} {row.unit}"  # type: ignore[union-attr]


def detail(row: Instrument) -> str:
    history = "; ".join(
        f"{event.date_text} {event.status.replace('_', ' ')}"
        + (" (recalled)" if event.verification == "R" else "")
        + (f", {event.note}" if event.note else "")
        for event in row.events
    )
    source = f"[{row.source_title}]({row.source_url})" if row.source_url else row.source_title or "none found"
    parts = [
        f"### {row.id}",
        "",
        f"{row.title}. {limit(row)}. {row.scope[0].upper()}{row.scope[1:]}.",
        "",
        f"- History: {history}.",
        f"- Where in the text: {row.pinpoint}.",
    ]
    parts += [f"- Quote: “{row.quote}”"] if row.quote else []
    parts += [f"- Source: {source}, retrieved {row.retrieved.isoformat()}; {VERIFICATIONS[row.verification]}."]
    parts += [f"- {row.note}"] if row.note else []
    return "\n".join([*parts, ""])
