"""Tests in forked workers have the outcomes that they have in one process, and a process that dies is a failure."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import workers
from workers import Runs, number_of_workers

TESTS = """
import os, signal, warnings
from pathlib import Path
import pytest

@pytest.fixture(scope="module")
def once(tmp_path_factory):
    path = tmp_path_factory.mktemp("once")
    yield path
    with open(Path(__file__).with_suffix(".log"), "a") as log:
        log.write("end of a module\\n")

@pytest.mark.parametrize("number", range(6))
def test_pass(number, once, tmp_path):
    assert once.parent == tmp_path.parent
    print("printed by", number)

def test_fail(capfd):
    print("before it fails")
    assert [1, 2] == [1, 3]

def test_setup(missing): ...
def test_skip(): pytest.skip("a reason")
@pytest.mark.xfail
def test_xfail(): assert False
def test_warn(): warnings.warn("beware")
"""
CRASH = "\ndef test_crash(): os.kill(os.getpid(), signal.SIGKILL)\ndef test_after(): ...\n"


def outcomes(folder: Path, *options: str) -> dict[str, str]:
    """By test: how it ended, and the text of it."""
    (folder / "conftest.py").write_text(
        "import workers\nworkers.PACKAGES = ()\nfrom conftest_of_all import pytest_addoption, pytest_runtestloop\n"
    )
    (folder / "conftest_of_all.py").write_text((Path(workers.__file__).parents[1] / "conftest.py").read_text())
    report = folder / "report.xml"
    paths = os.pathsep.join([str(folder), str(Path(workers.__file__).parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run(
        [*command, "--rootdir", str(folder), f"--basetemp={folder / 'tmp'}", *options, str(folder)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        timeout=120,
        check=False,
    )
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return {
        f"{case.get('classname')}.{case.get('name')}": " ".join(
            f"{part.tag}: {part.get('message') or ''}" for part in case if part.tag != "properties"
        )
        for case in cases
    }


def test_outcomes_are_those_of_one_process_and_a_crash_is_a_failure(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(TESTS)
    alone = outcomes(tmp_path)
    assert len(alone) == 22
    assert {text.partition(":")[0] for text in alone.values()} == {"", "failure", "error", "skipped"}
    (tmp_path / "test_two.py").write_text(TESTS + CRASH)
    crashed = outcomes(tmp_path, "--workers=2")
    assert "ended with the code -9" in crashed.pop("test_two.test_crash")
    assert crashed.pop("test_two.test_after") == ""
    assert crashed == alone
    assert (tmp_path / "test_one.log").read_text() == "end of a module\n" * 2


def test_every_test_is_given_out_once_and_runs_begin_with_a_file() -> None:
    files = [name for name, length in zip("abcdefg", (5, 6, 7, 8, 9, 10, 5), strict=True) for _ in range(length)]
    runs = Runs(files, 3)
    given = {worker: [] for worker in range(3)}
    for turn in range(10**4):
        worker = turn % 2 if turn < 40 else 2  # the third is slow
        test = runs.take(worker)
        if test is None:
            break
        given[worker].append(test)
    assert sorted(test for tests in given.values() for test in tests) == list(range(len(files)))
    for worker in (0, 1):
        assert given[worker][0] == 0 or files[given[worker][0]] != files[given[worker][0] - 1]


def test_a_test_that_is_put_back_is_given_again() -> None:
    runs = Runs(["a"] * 4, 2)
    assert runs.take(0) == 0
    runs.put_back(0, 0)
    assert runs.take(0) == 0
    last = [runs.take(0) for _ in range(3)][-1]
    assert (last, runs.take(1)) == (3, None)
    runs.put_back(0, 3)
    assert [runs.take(1), runs.take(1)] == [3, None]


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("3", 3)])
def test_a_number_of_workers(text: str, number: int) -> None:
    assert number_of_workers(text) == number
    assert 1 <= number_of_workers("auto") <= 4
