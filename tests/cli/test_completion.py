"""Completion: what a shell is answered, by its own mechanism where the shell is there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from overthink.cli import main, values
from overthink.cli.main import run_app
from overthink.errors import ExitCode, InputError
from overthink.plan.study import HIGH_WORDS

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def answer(words: str, patch: Patch, capsys: Capture) -> list[str]:
    """What completes the last of some words in Bash."""
    patch.setenv(main.REQUEST, "complete_bash")
    patch.setenv("COMP_WORDS", words)
    patch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    assert run_app() == ExitCode.DONE
    out, err = capsys.readouterr()
    assert err == ""
    return out.split()


@pytest.mark.parametrize(
    ("words", "some"),
    [
        ("overthink an", ["analyse"]),
        ("overthink s", ["status", "samples", "statement", "schema"]),
        ("overthink --q", ["--quiet"]),
        ("overthink analyse --ho", []),
        ("overthink analyse logs --err", ["--errored"]),
        ("overthink analyse logs --errored s", ["set-aside"]),
        ("overthink analyse logs --axis s", ["safety"]),
        ("overthink analyse logs --high h", ["harm"]),
        ("overthink report study --format p", ["png", "pdf"]),
        ("overthink table study --what v", ["verdicts"]),
        ("overthink calc ch", ["chips"]),
        ("overthink model show s", ["smollm2", "simulated"]),
        ("overthink thresholds --instrument eu-aia-51-2", ["eu-aia-51-2"]),
        ("overthink verify study --verifier ro", ["rollouts"]),
        ("overthink calc nowhere.py@none --", []),
    ],
)
def test_commands_options_and_values_are_completed(
    words: str, some: list[str], monkeypatch: Patch, capsys: Capture
) -> None:
    assert answer(words, monkeypatch, capsys) == some


def test_the_words_are_those_that_are_read() -> None:
    assert set(values.AXES) == set(HIGH_WORDS)
    assert {*values.HIGH_WORDS} == {word for words in HIGH_WORDS.values() for word in words}
    assert {"overthink/simulated", "overthink/smollm2"} <= set(values.models())


@pytest.mark.parametrize(("shell", "seen"), [("zsh", '"analyse":"Findings'), ("fish", "analyse\tFindings")])
def test_other_shells_get_a_line_for_each(shell: str, seen: str, monkeypatch: Patch, capsys: Capture) -> None:
    monkeypatch.setenv(main.REQUEST, f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "overthink an")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert run_app() == ExitCode.DONE
    assert seen in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell", "pwsh"])
@pytest.mark.parametrize(
    "words",
    [
        {},
        {"COMP_WORDS": "overthink an"},
        {"COMP_CWORD": "1"},
        {"COMP_CWORD": "-"},
        {"COMP_WORDS": "overthink an", "COMP_CWORD": "one"},
    ],
)
def test_a_shell_that_passes_no_words_on_gets_no_fault(
    shell: str, words: dict[str, str], monkeypatch: Patch, capsys: Capture
) -> None:
    for name in ("COMP_WORDS", "COMP_CWORD", "_TYPER_COMPLETE_ARGS", "_TYPER_COMPLETE_FISH_ACTION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(main.REQUEST, f"complete_{shell}")
    assert run_app() == ExitCode.DONE
    out, err = capsys.readouterr()
    assert err == ""
    assert shell != "bash" or out == ""


@pytest.mark.parametrize(("words", "code"), [("overthink an", 0), ("overthink analyse logs/x", 1)])
def test_fish_learns_whether_there_is_a_completion(words: str, code: int, monkeypatch: Patch) -> None:
    monkeypatch.setenv(main.REQUEST, "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", words)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "is-args")
    assert run_app() == code


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_it_is_installed_for_the_shell_that_calls(
    option: str, shell: str, overthink: Any, monkeypatch: Patch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("shellingham.detect_shell", lambda *_: (shell, shell))
    code, out, err = overthink(option)
    assert (code, err) == (0, "")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    text = "".join(path.read_text() for path in files) if option == "--install-completion" else out
    assert f"{main.REQUEST}=complete_{shell}" in text
    assert bool(files) == (option == "--install-completion")


def test_a_program_that_is_no_shell_gets_one_message(overthink: Any, monkeypatch: Patch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("shellingham.detect_shell", lambda *_: ("tcsh", "tcsh"))
    for option in ("--install-completion", "--show-completion"):
        code, out, err = overthink(option)
        assert (code, out) == (ExitCode.INPUT, "")
        assert err.startswith("error: there is no completion for the program that called this one")


def test_a_fault_of_a_component_is_not_printed_between_the_words(monkeypatch: Patch, capsys: Capture) -> None:
    def refused(command: object, *_: object) -> int:
        raise InputError("the file is broken")

    monkeypatch.setattr("typer.completion.shell_complete", refused)
    assert answer("overthink calc broken.py@x --", monkeypatch, capsys) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no Bash")
def test_bash_completes_by_the_script_that_is_shown(overthink: Any, monkeypatch: Patch, tmp_path: Path) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda *_: ("bash", "bash"))
    (tmp_path / "script").write_text(overthink("--show-completion")[1])
    program = tmp_path / "bin" / "overthink"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom overthink.cli.start import main\nmain()\n")
    program.chmod(0o755)
    ask = 'COMP_WORDS=({}); COMP_CWORD={}; _overthink_completion overthink; echo "${{COMPREPLY[@]}}"'
    lines = ["source ./script", ask.format("overthink an", 1), ask.format("overthink samples --que", 2)]
    environment = os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout.splitlines(), done.stderr) == (["analyse", "--question"], "")
