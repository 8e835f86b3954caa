"""The notebooks of the docs run as they are, and what they say is true of the outputs.

One shell runs all, inside a running event loop as a kernel does, each in an empty folder and with no name of the one
before. Its process is forked from one that has imported the packages of others: a kernel costs most at its start.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import forked
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))}

SVG = "image/svg+xml"

SHELL = """
import asyncio, json, os, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

KERNEL = Config({"IPKernelApp": {}})  # by which Inspect knows that it is in a notebook

def shown(shell, source):
    with capture_output(display=False) as printed:
        result = shell.run_cell(source)
    result.raise_error()
    data = {} if result.result is None else shell.display_formatter.format(result.result)[0]
    text = printed.stdout.partition("Out[")[0] + printed.stderr
    return [*([{"text": text}] if text else []), *([{"data": data}] if data else [])]

async def run():
    outputs = {}
    for name, folder, cells in json.loads(sys.argv[1]):
        os.chdir(folder)
        shell = InteractiveShell.instance(config=KERNEL)
        shell.reset()
        outputs[name] = {cell: shown(shell, source) for cell, source in cells}
    return outputs

print(json.dumps(asyncio.run(run())))
"""


def run(notebooks: Mapping[str, nbformat.NotebookNode], folder: Path) -> dict[str, dict[str, Any]]:
    """The outputs of each cell by notebook and id, each run in an empty folder; a cell that fails ends the program."""
    cells = []
    for name, notebook in notebooks.items():
        nbformat.validate(notebook)
        (folder / name).mkdir()
        own = [(cell.id, cell.source) for cell in notebook.cells if cell.cell_type == "code"]
        cells.append((name, str(folder / name), own))
    ended = forked.run(SHELL, json.dumps(cells))
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The outputs of every notebook of the docs by its name and the id of a cell. None leaves a file in its folder."""
    folder = tmp_path_factory.mktemp("notebooks")
    outputs = run({name: nbformat.read(path, as_version=4) for name, path in NOTEBOOKS.items()}, folder)
    assert [file for name in NOTEBOOKS for file in (folder / name).iterdir()] == []
    return outputs


def data(cell: Any) -> Mapping[str, Any]:
    """What a cell shows, by type; it shows one thing, and prints nothing beside it."""
    (output,) = cell
    return output["data"]


def cells_of(table: str) -> list[list[str]]:
    """The rows of a table of Polars or pandas, as HTML."""
    rows = re.findall(r"<tr>(.*?)</tr>", table, flags=re.DOTALL)
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in rows]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_stored_without_outputs_and_with_stable_metadata(name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS[name], as_version=4)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    for cell in notebook.cells:
        assert cell.metadata == {}
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells) >= 10


def test_the_planted_claim_is_confirmed_and_that_of_the_placebo_is_not(outputs: dict[str, Any]) -> None:
    cells = outputs["planted_truth"]
    card = data(cells["experiment"])["text/html"]
    assert len(card.encode()) < 2000
    assert "hypothesis confirmed" in card
    assert re.search(r"planted truth: inside the band \(up to ±1\d\.\d points\) in 1 of 1 curve<br>", card), card
    labels = [row[1] for row in cells_of(data(cells["verdicts"])["text/html"]) if len(row) == 4]
    assert labels[-5:] == quoted("confirmed", "shown", "shown", "shown", "hump")
    inside = [row[-1] for row in cells_of(data(cells["planted"])["text/html"])]
    assert inside[-4:] == ["true"] * 4
    assert data(cells["chart"])[SVG].startswith("<svg")
    labels = [row[1] for row in cells_of(data(cells["flat"])["text/html"]) if len(row) == 3]
    assert labels[-5:] == quoted("not_shown", "not_shown", "shown", "not_shown", "flat")
    assert data(cells["flat-chart"])[SVG].startswith("<svg")


def test_logs_become_a_study_a_figure_a_comparison_and_a_frame(outputs: dict[str, Any]) -> None:
    cells = outputs["inspect_logs"]
    assert cells["logs"] == []
    card = data(cells["analyse"])["text/html"]
    assert len(card.encode()) < 2000
    assert "effort-logs" in card
    assert "<b>up</b>" in card
    efforts = [row[0] for row in cells_of(data(cells["curves"])["text/html"])]
    assert efforts[-3:] == quoted("low", "medium", "high")
    assert data(cells["chart"])[SVG].startswith("<svg")
    assert "capability-sums-curves" in data(cells["charts"])["text/plain"]
    assert "&lt; 0.001" in data(cells["compared"])["text/html"]
    assert "gained" in data(cells["flips"])["text/html"]
    pandas = data(cells["pandas-frame"])["text/plain"].split()
    assert pandas[:3] == ["value", "thinking_tokens", "effort"]


def test_a_cell_that_fails_fails(tmp_path: Path) -> None:
    cells = [nbformat.v4.new_code_cell("1 + 1"), nbformat.v4.new_code_cell("import overthink\noverthink.experimnt")]
    with pytest.raises(AssertionError, match="has no attribute 'experimnt'"):
        run({"wrong": nbformat.v4.new_notebook(cells=cells)}, tmp_path)


def quoted(*words: str) -> list[str]:
    """Texts as Polars shows them in HTML."""
    return [f"&quot;{word}&quot;" for word in words]
