"""Nobody takes a finding's label, metric, id or limits apart: what is in them has a typed field in a result."""

import ast

import pytest
from source_trees import SOURCE, source_trees

CUTS = frozenset(
    {"removeprefix", "removesuffix", "partition", "rpartition", "startswith", "endswith", "split", "rsplit"}
)
FIELDS = frozenset({"label", "metric", "id", "limits", "finding"})
NAMES = frozenset({"label", "metric", "limit", "limits"})

ALLOWED = frozenset({"data/results/study.py", "data/ids.py"})
"""The flattener, and the file in which ids are put together and read: a statement names findings by their ids."""


def cuts(tree: ast.Module) -> list[str]:
    """Calls that take one of these texts apart."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    found = []
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in CUTS:
            inner = list(ast.walk(call.func.value))
            of_field = any(isinstance(node, ast.Attribute) and node.attr in FIELDS for node in inner)
            of_name = any(isinstance(node, ast.Name) and node.id in NAMES for node in inner)
            if of_field or of_name:
                found.append(f"{call.lineno}: {ast.unparse(call)}")
    return found


def test_no_text_of_a_finding_is_taken_apart() -> None:
    found = {
        path.relative_to(SOURCE).as_posix(): calls for path, tree in source_trees().items() if (calls := cuts(tree))
    }
    assert {name: calls for name, calls in found.items() if name not in ALLOWED} == {}


@pytest.mark.parametrize(
    "source",
    [
        'finding.label.removeprefix("against ")',
        '(finding.label or "").partition(", ")',
        'next(limit for limit in f.limits if limit.startswith("at least"))',
        'metric.endswith("_error")',
        'finding.id.rpartition("/")',
        'claim.value.finding.startswith("safety/")',
    ],
)
def test_the_check_sees_what_it_forbids(source: str) -> None:
    assert len(cuts(ast.parse(source))) == 1


def test_the_check_lets_other_texts_be() -> None:
    assert cuts(ast.parse('line.partition(":")\nname.startswith("a")')) == []
