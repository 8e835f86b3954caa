"""A small study made from arrays and its statement, for what holds a deployment to it."""

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from made_study import Made, write_study

from overthink.workflows.statement import statement

BUDGETS = (0, 64, 256)


@cache
def statement_path() -> Path:
    """Path of the statement of `made/model`: budgets up to 256 thinking tokens, 3 tries."""
    shares = {"capability": (0.3, 0.5, 0.6), "safety": (0.9, 0.8, 0.7)}
    folder = write_study(Path(mkdtemp(prefix="deployment-")) / "study", Made(shares, budgets=BUDGETS, questions=12))
    path = statement(folder).path
    assert path is not None
    return path
