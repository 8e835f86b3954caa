"""The house rules that a linter does not know."""

import ast
import subprocess
import sys

from source_trees import SOURCE, source_texts, source_trees

MAX_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS = 400, 60, 7  # under 300 lines is the habit; one idea may take more

Function = ast.FunctionDef | ast.AsyncFunctionDef


def too_long(code: str, tree: ast.Module | None = None, *, is_command_line: bool = False) -> list[str]:
    """What breaks the limits; a command's options are its interface, so the command line may have many."""
    faults = [f"{len(code.splitlines())} lines"] if len(code.splitlines()) > MAX_LINES else []
    for node in ast.walk(tree or ast.parse(code)):
        if isinstance(node, Function) and not is_command_line:
            lines = (node.end_lineno or 0) - node.lineno + 1 - _docstring_lines(node)
            if lines > MAX_FUNCTION_LINES:
                faults.append(f"{node.name}: {lines} lines")
            count = (
                len(node.args.args)
                + len(node.args.kwonlyargs)
                - (node.args.args[:1] != [] and node.args.args[0].arg == "self")
            )
            if count > MAX_PARAMETERS:
                faults.append(f"{node.name}: {count} parameters")
    return faults


def _docstring_lines(node: Function) -> int:
    docstring = ast.get_docstring(node, clean=False)
    return 0 if docstring is None else len(docstring.splitlines())


# Inspect calls a provider's constructor with its own arguments, so ours add to a fixed number.
EXCEPTIONS = {"LocalModel", "SimulatedAPI"}


def test_files_and_functions_stay_small() -> None:
    faults = []
    for file, tree in source_trees().items():
        text = source_texts()[file]
        allowed = any(f"class {name}(" in text for name in EXCEPTIONS)
        faults += [
            f"{file.relative_to(SOURCE)}: {fault}"
            for fault in too_long(text, tree, is_command_line=file.parent.name == "cli")
            if not (allowed and fault.startswith("__init__"))
        ]
    assert faults == []


def test_the_length_check_can_fail() -> None:
    body = "\n".join("    x = 1" for _ in range(MAX_FUNCTION_LINES + 1))
    assert too_long(f"def f(a, b, c, d, e, f, g, h):\n{body}\n") == ["f: 62 lines", "f: 8 parameters"]
    assert too_long("\n" * (MAX_LINES + 1)) == [f"{MAX_LINES + 1} lines"]


def imported_by(statement: str) -> set[str]:
    """Top-level packages, and `scipy.stats`, that a fresh interpreter has loaded after the statement."""
    code = f"import sys; {statement}; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name if name == "scipy.stats" else name.split(".")[0] for name in done.stdout.split()} | (
        {"scipy.stats"} if "scipy.stats" in done.stdout.split() else set()
    )


HEAVY = {"inspect_ai", "scipy.stats", "altair", "vl_convert", "polars", "xllamacpp", "reasoning_gym", "pandas"}


def test_importing_overthink_is_light() -> None:
    assert imported_by("import overthink") & HEAVY == set()
    assert imported_by("import overthink.cli.main") & (HEAVY | {"numpy", "pydantic"}) == set()


def test_the_import_check_can_fail() -> None:
    assert "polars" in imported_by("import polars")
    assert "scipy.stats" in imported_by("import scipy.stats")
