"""The language of the house: names are nouns, and docstrings say what is returned."""

import ast
import re
from collections.abc import Iterator

from source_trees import source_trees

PARTICIPLES_AND_PRONOUNS = frozenset(
    re.split(
        r"\s+",
        """told made found known seen asked given shown kept left begun taken paid drawn spent named meant
        one each who whom way place there said""",
    )
)
PLAIN_ED = frozenset(
    re.split(" ", "seed need feed speed shed bed red embed exceed proceed succeed bleed breed weed deed")
)
ED = re.compile(r"_*[a-z]+ed_*")
SPEECH = re.compile(r"\b(who|whom|whoever|nobody|somebody|told|tells|tell)\b", re.IGNORECASE)

MAX_PARTICIPLES, MAX_OTHER_ED, MAX_SPEECH = 0.008, 0.015, 0.01

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def bindings(tree: ast.AST) -> Iterator[str]:
    """Every name that code binds: definitions, parameters and assigned variables."""
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg) and node.arg not in ("self", "cls"):
            yield node.arg


def docstrings(tree: ast.AST) -> Iterator[str]:
    """Every docstring."""
    for node in ast.walk(tree):
        if isinstance(node, Definition | ast.Module) and (text := ast.get_docstring(node)):
            yield text


def is_participle(name: str) -> bool:
    return name.strip("_") in PARTICIPLES_AND_PRONOUNS


def is_other_ed(name: str) -> bool:
    return ED.fullmatch(name) is not None and name.strip("_") not in PLAIN_ED and not is_participle(name)


def share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def test_names_are_nouns() -> None:
    names = [name for tree in source_trees().values() for name in bindings(tree)]
    assert len(names) > 10_000
    assert share([is_participle(name) for name in names]) <= MAX_PARTICIPLES
    assert share([is_other_ed(name) for name in names]) <= MAX_OTHER_ED


def test_docstrings_say_what_is_returned() -> None:
    texts = [text for tree in source_trees().values() for text in docstrings(tree)]
    assert len(texts) > 1_000
    assert share([SPEECH.search(text) is not None for text in texts]) <= MAX_SPEECH


def test_the_check_of_words_can_fail() -> None:
    tree = ast.parse(
        'def told(found, seed):\n    """Whoever tells it."""\n    opened = [one for one in found]\n    return opened\n'
    )
    names = list(bindings(tree))
    assert [name for name in names if is_participle(name)] == ["told", "found", "one"]
    assert [name for name in names if is_other_ed(name)] == ["opened"]
    assert [bool(SPEECH.search(text)) for text in docstrings(tree)] == [True]
