"""The files of the page, as text."""

from functools import cache
from importlib.resources import files


@cache
def asset(name: str) -> str:
    """A file of the folder ``page``."""
    return (files("overthink.reports") / "page" / name).read_text(encoding="utf-8")
