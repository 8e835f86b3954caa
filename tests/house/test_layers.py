"""The layers hold, the check of them sees every forbidden import, and the house keeps its size."""

import itertools
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "overthink"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = [layer.split(" | ") for layer in CONTRACTS[0]["layers"]]
MAX_MODULES_AT_THE_TOP, MAX_FILES, MAX_ARROWS = 5, 601, 97

Graph = Mapping[str, set[str]]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """The result of the layer check of the checkout in a folder."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {"PYTHONPATH": str(folder / "src"), "PATH": "/usr/bin:/bin", "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


def forbidden_imports() -> Iterator[tuple[str, str]]:
    """Every (importer, imported) that a contract forbids between two layers, or to a layer."""
    for (low, lower), (high, upper) in itertools.permutations(enumerate(LAYERS), 2):
        if low > high:
            yield from ((f"overthink.{a}", f"overthink.{b}") for a in lower for b in upper)
    for layer in LAYERS:
        yield from ((f"overthink.{a}", f"overthink.{b}") for a, b in itertools.permutations(layer, 2))
    for contract in CONTRACTS[1:]:
        yield from itertools.product(contract["source_modules"], contract["forbidden_modules"])


def test_layers_hold() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


def test_the_layer_check_sees_every_forbidden_import(tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "src" / "overthink", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = set(forbidden_imports())
    for importer, imported in planted:
        path = tmp_path / "src" / importer.replace(".", "/")
        file = path / "planted.py" if path.is_dir() else path.with_suffix(".py")
        with file.open("a") as stream:
            stream.write(f"\nimport {imported}\n")
    result = lint(tmp_path)
    assert result.returncode == 1
    reported = set(re.findall(r"^(\S+) is not allowed to import (\S+):$", result.stdout, flags=re.MULTILINE))
    assert planted - reported == set()


def test_a_room_without_a_layer_breaks_the_contract(tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "src" / "overthink", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src" / "overthink" / "attic.py").write_text('"""A module in no layer."""\n')
    result = lint(tmp_path)
    assert result.returncode == 1
    assert "attic" in result.stdout


@pytest.fixture(scope="module")
def imports() -> Graph:
    """By module: the modules it imports, anywhere in its file; imports for type checkers alone are left out."""
    graph = grimp.build_graph("overthink", cache_dir=None, exclude_type_checking_imports=True)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def cycle(graph: Graph) -> tuple[str, ...]:
    """The modules of one import cycle; empty if there is none."""
    left = dict(graph)
    while leaves := [module for module, imported in left.items() if not imported & set(left) - {module}]:
        for module in leaves:
            del left[module]
    return tuple(sorted(left))


def test_no_import_cycle(imports: Graph) -> None:
    assert cycle(imports) == ()


def test_the_cycle_check_can_fail() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ("a", "b", "c")


def test_the_house_keeps_its_size(imports: Graph) -> None:
    assert len([*SOURCE.glob("*.py")]) <= MAX_MODULES_AT_THE_TOP
    assert len([*SOURCE.rglob("*.py")]) <= MAX_FILES
    tops = ((a.split(".")[1:2], b.split(".")[1:2]) for a, imported in imports.items() for b in imported)
    assert len({(*a, *b) for a, b in tops if a and b and a != b}) <= MAX_ARROWS


def test_no_folder_or_module_hides_a_public_name() -> None:
    import overthink

    assert {path.stem for path in SOURCE.iterdir()} & set(overthink.__all__) == set()
