"""Secrets planted in every option and in the environment of small runs: none is stored, and none is printed."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from chat_server import Server

from overthink.cli import main

KEY = "sk-planted-9f8e7d6c5b4a"
ENVIRONMENT = {
    "VLLM_API_KEY": "opaque-Zx9-Yw8-value",
    "HF_TOKEN": "hf_plantedABCDEFGH123",
    "PGPASSWORD": "planted p4ss&word",
    "HTTPS_PROXY_OF_MINE": "http://me:planted-proxy-77@proxy:3128",
}
SECRETS = (KEY, "planted p4ss&word", "planted-proxy-77", "opaque-Zx9-Yw8-value", "hf_plantedABCDEFGH123")
RUN = ("run", "--model", "overthink/simulated", "--draws", "1", "--limit", "1", "--safety", "overthink/secret")


def contents(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file below a folder as text, packed ones unpacked."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".eval":
            with zipfile.ZipFile(path) as members:
                yield path, b"\n".join(map(members.read, members.namelist())).decode("utf-8", "replace")
        elif path.suffix == ".parquet":
            yield path, json.dumps(pl.read_parquet(path).to_dicts(), default=str, ensure_ascii=False)
        elif path.is_file():
            yield path, path.read_text(encoding="utf-8", errors="replace")


def leaks(folder: Path, *printed: str) -> list[tuple[str, str]]:
    """Places of a secret in files and in what was printed."""
    texts = [*((str(path), text) for path, text in contents(folder)), *(("printed", text) for text in printed)]
    return [(where, secret) for where, text in texts for secret in SECRETS if secret in text]


def text_options(name: str) -> list[str]:
    """The options of a command that take a text, apart from its folder, and its first argument as ""."""
    command: Any = typer.main.get_command(main.app)
    params = [param for param in command.commands[name].params if not getattr(param, "is_flag", False)]
    options = [param.opts[0] for param in params if param.name not in ("out", "save_config", "help")]
    return [option if option.startswith("-") else "" for option in options]


def test_the_options_are_found() -> None:
    assert {"--grader", "--answer-cue", "-M", "-T", "--arms", "--think", "--draws", "--model"} <= set(
        text_options("run")
    )
    assert text_options("check") == ["", "", "--study", "--labels", "--facts", "--usage", "--store"]


@pytest.mark.parametrize("option", text_options("run"))
def test_an_option_with_a_secret_is_refused_or_stored_without(option: str, overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    values = [f"note={KEY}", "base_url=http://me:planted-proxy-77@host/v1"] if option in ("-M", "-T") else [KEY]
    for value in values:
        code, out, err = overthink(*RUN, "--budgets", "0,8", option, value)
        assert leaks(tmp_path, out, err) == []
        assert (code, "Traceback" in err) == (2, False), (out, err)


OTHERS = {
    "analyse": ("t.csv", "--axis", "capability", "--high", "correct"),
    "compare": ("t.csv", "t.csv"),
    "forecast": ("t.csv", "--axis", "capability", "--high", "correct", "--out", "made"),
    "verify": ("t.csv", "--verifier", "simulated"),
    **dict.fromkeys(("label", "statement", "check", "report", "samples"), ("t.csv",)),
    "thresholds": (),
}
"""Arguments of the commands that call no model."""


@pytest.mark.parametrize("command", OTHERS)
def test_an_option_of_another_command_leaves_no_secret(command: str, overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    values = [0, 1, 1, 1, 0, 0, 1, 1]
    pl.DataFrame({"question": list("aabbccdd"), "budget": [0, 64] * 4, "value": values}).write_csv(tmp_path / "t.csv")
    for option in [option for option in text_options(command) if option != "--scorer"]:
        arguments = (*OTHERS[command], option, KEY) if option else (KEY, *OTHERS[command][1:])
        code, out, err = overthink(command, *arguments)
        assert leaks(tmp_path, out, err) == []
        assert (code in (0, 2), "Traceback" in err) == (True, False), (out, err)


@pytest.mark.parametrize(
    "options",
    [
        ("-M", "api_key=x"), ("-M", "token=abc"), ("-M", "auth=abc"), ("-T", "credentials=abc"), ("-M", "passwd=abc"),
        ("-M", "cookie=abc"), ("-M", "authorization=abc"), ("-M", "base_url=http://me:pw@host"),
        ("-T", "x=Bearer abcdef1"),
        ("-M", 'extra_headers={"X-Api-Key": "abc"}'), ("--grader", "openai/m?api_key=abc"),
        ("--answer-cue", "planted p4ss&word"), ("--think", "opaque-Zx9-Yw8-value"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_place_and_the_way(
    options: tuple[str, str],
    overthink,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    code, _, err = overthink(*RUN, "--budgets", "0,8", *options)
    assert code == 2
    assert "looks like a secret" in err
    assert "OPENAI_API_KEY" in err
    assert options[1].partition("=")[2] not in err or "=" not in options[1]
    assert list(tmp_path.iterdir()) == []


def test_what_only_sounds_like_a_secret_runs(overthink, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, _, err = overthink(
        *RUN, "--budgets", "0,2", "--answer-tokens", "16", "-T", "passwords=2", "-M", "natural_length=4"
    )
    assert code == 0, err
    report = (tmp_path / "study" / "report.html").read_text()
    assert "--answer-tokens 16" in report
    assert "passwords=2" in report
    assert "<secret>" not in report


class Indiscreet(Server):
    """A chat server that quotes the key of every third request in a refusal, and of the others in its thinking."""

    def respond(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> tuple[int, object]:
        key = str(headers.get("Authorization"))
        self.thoughts = [{"content": f" so {key}"}]
        self.asked = getattr(self, "asked", 0) + path.endswith("/completions")
        if path.endswith("/completions") and self.asked % 3 == 0:
            fault = {"message": f"Incorrect API key provided: {key} ({KEY})", "headers": dict(headers)}
            return 400, {"error": fault}
        return super().respond(path, body, headers)


def test_a_server_that_quotes_keys_leaves_none_in_the_study(
    overthink,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    server = Indiscreet()
    for name, value in (ENVIRONMENT | {"VLLM_BASE_URL": server.url}).items():
        monkeypatch.setenv(name, value)
    arguments = ("run", "--model", "vllm/planted", "--draws", "3", "--limit", "2", "--safety", "overthink/secret")
    code, out, err = overthink(*arguments, "--budgets", "0,4", "--answer-tokens", "9", "--concurrency", "1")
    assert leaks(tmp_path, out, err) == []
    texts = dict(contents(tmp_path))
    assert code in (0, 3), err
    logs = "".join(text for path, text in texts.items() if path.suffix == ".eval")
    assert "<VLLM_API_KEY>" in logs
    assert any("400" in text for path, text in texts.items() if path.name == "journal.jsonl")
    code, out, err = overthink("statement", "study")
    assert leaks(tmp_path, out, err) == []
    server.close()
