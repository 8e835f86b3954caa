"""FIFOs, devices, folders, links in circles and names too long where a command takes a file: one error, at once."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hostile_names import RUN, call

LONG = "n" * 300
GGUF = ("--safety=overthink/secret", "--budgets=0,8", "--out=new")
VERIFY = ("verify", "--verifier=simulated:aggregate=mean")
PATHS = {"fifo": "is a FIFO", "zero": "is a device", "loop": "cannot be reached: Too many", LONG: "cannot be reached: "}
CASES = (
    *((("analyse", path), words) for path, words in PATHS.items()),
    *((("analyse", f"{name}.{end}"), "is a FIFO") for name in ("fifo",) for end in ("csv", "json", "eval", "parquet")),
    *((("analyse", f"zero.{end}"), "is a device") for end in ("csv", "json", "eval", "parquet")),
    (("analyse", "folder.csv"), "folder.csv holds no Inspect log"),
    (("analyse", "dangling"), "dangling does not exist"),
    *((("analyse", "t.csv", f"--labels={path}.csv"), words) for path, words in PATHS.items() if path != "loop"),
    *((("analyse", "t.csv", f"--reader={path}.py@x"), words) for path, words in PATHS.items() if path != "loop"),
    *((("analyse", "t.csv", f"--selector={path}.py@x"), words) for path, words in PATHS.items() if path != "loop"),
    *((("analyse", "t.csv", f"--model-shape=m=config:{path}"), words) for path, words in PATHS.items()),
    *((("analyse", "t.csv", f"--model-shape=m=gguf:{path}"), words) for path, words in PATHS.items()),
    *((("analyse", "t.csv", f"--out={path}"), words) for path, words in PATHS.items()),
    (("analyse", "t.csv", "--out=t.csv"), "t.csv is a file; needed: a new folder"),
    *((("compare", path, "t.csv"), words) for path, words in PATHS.items()),
    *((("forecast", path), words) for path, words in PATHS.items()),
    *((("forecast", "t.csv", f"--out={path}"), "cannot be") for path in PATHS),
    (("label", "t.csv", "--out=fifo.csv"), "fifo.csv is there already"),
    (("label", "t.csv", "--out=t.csv/x.csv"), "t.csv cannot be written"),
    (("label", "t.csv", f"--out={LONG}.csv"), "cannot be reached: File name too long"),
    *(((command, path), "") for command in ("report", "label", "statement") for path in PATHS),
    *((("check", path), words) for path, words in PATHS.items()),
    *(((*VERIFY, path), "") for path in PATHS),
    *(((*RUN, f"--out={path}"), "") for path in PATHS),
    *(
        ((*RUN[:-1], f"--capability={path}.py@x", "--out=new"), words)
        for path, words in PATHS.items()
        if path != "loop"
    ),
    *((("run", "--model=overthink/gguf", "-M", f"gguf={path}", *GGUF), words) for path, words in PATHS.items()),
    *((("calc", f"{path}.py@energy"), words) for path, words in PATHS.items() if path != "loop"),
)
"""Command lines, each with words of its error."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for end in ("", ".csv", ".json", ".eval", ".parquet", ".py"):
        os.mkfifo(f"fifo{end}")
        Path(f"zero{end}").symlink_to("/dev/zero")
    Path("loop").symlink_to("loop")
    Path("dangling").symlink_to("nowhere")
    Path("folder.csv").mkdir()
    Path("t.csv").write_text("question,draw,value\n1,0,1\n2,0,0\n")
    return tmp_path


@pytest.mark.parametrize(("arguments", "words"), CASES)
def test_what_is_no_file_is_refused_at_once(folder: Path, arguments: Sequence[str], words: str) -> None:
    before = sorted(path.name for path in folder.iterdir())
    ending = call(arguments)
    assert ending.code == 2, ending.text
    assert words in ending.text
    assert "; " in ending.text  # what is needed, or what to do
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_task_file_is_a_name_and_no_pattern(folder: Path) -> None:
    text = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match

@task
def NAME():
    return Task(dataset=[Sample(input="1+1", target="2", id=1), Sample(input="1+2", target="3", id=2)], scorer=match())
"""
    for name, file in (("own", "tasks[1].py"), ("other", "tasks1.py")):
        Path(file).write_text(text.replace("NAME", name))
    other = [argument for argument in RUN if not argument.startswith("--safety")]
    ending = call([*other, "--capability=tasks[1].py", "--out=new"])
    assert ending.code == 0, ending.text
    assert '"own"' in Path("new/questions.json").read_text()
    assert call([*other, "--capability=tasks*.py", "--out=more"]).code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyse", "t.csv", "--assume=chip=caf\udce9"),
        ("verify", "--verifier=judge:model=caf\udce9", "study"),
        (*RUN, "--answer-cue=caf\udce9"),
        (*RUN, "-M", "name=caf\udce9"),
    ],
)
def test_a_text_that_cannot_be_stored_is_refused_before_anything_is_written(
    folder: Path, arguments: Sequence[str]
) -> None:
    before = sorted(path.name for path in folder.iterdir())
    ending = call(arguments)
    assert ending.code == 2, ending.text
    assert "caf\\xe9" in ending.text
    assert "is not in UTF-8; needed: " in ending.text
    assert sorted(path.name for path in folder.iterdir()) == before
