"""What the page's script needs, as plain JSON: the findings as rows, and curves that point into them."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from overthink.core.finding import Finding
from overthink.present import shapes, wording
from overthink.present.curve import Curve, Rung, level
from overthink.present.layout import SHOWN_ARMS, default_arms
from overthink.present.names import ID_LIMIT, NAME_LIMIT, PROSE_LIMIT, visible

COLUMNS = (
    "id", "kind", "metric", "axis", "task", "arm", "estimand", "rung", "from_rung", "level", "k", "selector",
    "estimate", "low", "high", "confidence", "simultaneous", "questions", "draws", "test", "p", "p_adjusted",
    "detects", "label", "reason", "gates_failed", "limits",
)  # fmt: skip
"""One row of the table of numbers, in this order. Text is an index into ``strings``."""


class _Strings:
    """Every text of the page once, already visible and cut: rows repeat names, the page does not."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self._index: dict[tuple[str, int], int] = {}

    def of(self, text: str | None, limit: int = NAME_LIMIT) -> int | None:
        if text is None:
            return None
        key = (text, limit)
        if key not in self._index:
            self._index[key] = len(self.shown)
            self.shown.append(visible(text, limit))
        return self._index[key]


def page_data(findings: Sequence[Finding], found: Sequence[Curve]) -> dict[str, Any]:
    """The findings and curves as JSON values.

    Args:
        findings: All findings, in the order of the table.
        found: Their curves, from :func:`overthink.present.layout.curves`.
    """
    strings = _Strings()
    rows = [_row(finding, strings) for finding in findings]
    place = {id(finding): number for number, finding in enumerate(findings)}
    arms = list(dict.fromkeys(curve.arm for curve in found))
    first = set(default_arms(found))
    return {
        "columns": COLUMNS,
        "rows": rows,
        "curves": [_curve(curve, place, strings) for curve in found],
        "arms": [strings.of(arm) for arm in arms],
        "shown_arms": [strings.of(arm) for arm in arms if arm in first],
        "most_arms": SHOWN_ARMS,
        "strings": strings.shown,
        "words": {
            "axes": wording.AXES,
            "gates": wording.GATES,
            "selectors": wording.SELECTORS,
            "estimands": wording.ESTIMANDS,
            "shapes": shapes.SHAPES,
            "tests": shapes.TESTS,
            "controls": wording.CONTROLS,
        },
    }


def script_json(value: object) -> str:
    r"""JSON that can stand inside a script element: nothing in it can end the element or open a comment.

    >>> script_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _row(finding: Finding, strings: _Strings) -> list[Any]:
    at = finding.at
    return [
        strings.of(finding.id, ID_LIMIT),
        strings.of(finding.kind),
        strings.of(finding.metric),
        strings.of(finding.axis),
        strings.of(finding.task),
        strings.of(finding.arm),
        strings.of(finding.estimand),
        at.rung,
        at.from_rung,
        strings.of(level(at)) if at.rung is not None else None,
        at.k,
        strings.of(at.selector),
        _number(finding.estimate),
        _number(finding.low),
        _number(finding.high),
        _number(finding.level),
        int(finding.simultaneous),
        finding.n_questions,
        finding.n_draws,
        *_test(finding, strings),
        strings.of(finding.label, PROSE_LIMIT),
        strings.of(finding.reason, PROSE_LIMIT),
        [strings.of(gate) for gate in finding.gates_failed],
        [strings.of(limit, PROSE_LIMIT) for limit in finding.limits],
    ]


def _test(finding: Finding, strings: _Strings) -> list[Any]:
    test = finding.test
    if test is None:
        return [None, None, None, None]
    return [strings.of(test.name, PROSE_LIMIT), *(_number(value) for value in (test.p, test.p_adjusted, test.mde))]


def _curve(curve: Curve, place: Mapping[int, int], strings: _Strings) -> dict[str, Any]:
    def at(found: Iterable[Finding]) -> list[int]:
        return [place[id(finding)] for finding in found]

    def one(finding: Finding | None) -> int | None:
        return None if finding is None else place[id(finding)]

    return {
        "axis": strings.of(curve.axis),
        "task": strings.of(curve.name, PROSE_LIMIT),
        "arm": strings.of(curve.arm),
        "estimand": strings.of(curve.estimand),
        "reference": _number(curve.reference),
        "about": at(curve.about),
        "verdicts": [
            {
                "shape": one(v.shape),
                "withheld": shapes.is_withheld(v.shape),
                "onset": one(v.onset),
                "regimes": at(v.regimes),
            }
            for v in curve.verdicts
        ],
        "gaps": [
            {
                "against": strings.of(gap.against, PROSE_LIMIT),
                "steps": at(gap.steps),
                "onset": one(gap.onset),
                "slopes": {metric: at(steps) for metric, steps in gap.slopes.items()},
            }
            for gap in curve.gaps
        ],
        "flips": at(curve.flips),
        "drift": one(curve.drift),
        "controls": {metric: one(finding) for metric, finding in curve.controls.items()},
        "spent": {metric: one(finding) for metric, finding in curve.spent.items()},
        "rungs": [_rung(rung, place, strings) for rung in curve.rungs],
    }


def _rung(rung: Rung, place: Mapping[int, int], strings: _Strings) -> dict[str, Any]:
    def one(finding: Finding | None) -> int | None:
        return None if finding is None else place[id(finding)]

    def each(found: Mapping[Any, Finding]) -> dict[Any, int]:
        return {name: place[id(finding)] for name, finding in found.items()}

    return {
        "rung": rung.rung,
        "level": strings.of(rung.level),
        "mean": one(rung.mean),
        "band": one(rung.band),
        "corrected": one(rung.corrected),
        "tokens": each(rung.tokens),
        "gates": each(rung.gates),
        "failed": [strings.of(gate) for gate in rung.gates_failed()],
        "tries": {selector: each(dict(sorted(by_k.items()))) for selector, by_k in rung.tries.items()},
        "all_of_k": each(dict(sorted(rung.all_of_k.items()))),
        "steady": each(rung.steady),
        "judge": each(rung.judge),
        "controls": each(rung.controls),
    }


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
