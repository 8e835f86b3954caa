"""The source of Overthink as text and as syntax trees: several rules read all of it, each file once."""

import ast
import functools
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "overthink"


@functools.cache
def source_texts() -> Mapping[Path, str]:
    """Return the text of every file, in the order of their paths."""
    return {path: path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}


@functools.cache
def source_trees() -> Mapping[Path, ast.Module]:
    """Return the syntax tree of every file, which is not to be modified."""
    return {path: ast.parse(text) for path, text in source_texts().items()}
