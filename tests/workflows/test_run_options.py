"""Options of a run: what the command line, a TOML file and Python state is one plan."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from overthink.cli.main import app
from overthink.cli.run import run
from overthink.errors import InputError
from overthink.plan.study import Plan
from overthink.storage.run_config import read_config, write_config
from overthink.workflows.experiment import experiment_options, overridden_options
from overthink.workflows.option_words import RunWords
from overthink.workflows.run_options import RunOptions, look, read_options
from overthink.workflows.schemas import run_schema

BASE = {"model": "overthink/simulated", "safety": "overthink/secret", "budgets": "0,64"}

EVERY: dict[str, Any] = {
    **BASE,
    "capability": ["overthink/arithmetic"],
    "benign": "overthink/contrast_benign:high=answered",
    "budgets": "0,64,1k",
    "limit": 3,
    "draws": 2,
    "until": "half-width=0.1",
    "max_draws": 9,
    "seed": 7,
    "grader": "overthink/simulated",
    "model_args": {"question_sd": 0.5, "seed": 4},
    "task_args": {"level": 2},
    "think": "think",
    "answer_tokens": 16,
    "answer_cue": "Answer:",
    "temperature": 0.5,
    "top_p": 0.9,
    "concurrency": 4,
    "controls": "sham,natural",
    "resample": "8:bisect",
    "judge_traces": True,
    "trace_scorer": "thought,own",
    "level": 0.9,
    "margin": 0.1,
    "hypothesis": "up@64,flat",
    "primary": ["safety", "capability"],
    "k_reference": "1k",
    "model_shape": ["overthink/simulated=parameters:1e9"],
    "out": "folder",
}
"""Every option that a ladder of budgets may have, and with none of its default values."""


def plan_of(**changes: Any) -> Plan:
    (plan,) = read_options(BASE | changes).plans()
    return plan


def flags(values: dict[str, Any]) -> list[str]:
    """The same options as words of the command line."""
    words = []
    for name, value in values.items():
        flag = look(RunOptions.model_fields[name]).flag or f"--{name.replace('_', '-')}"
        if value is True:
            words.append(flag)
        elif isinstance(value, dict):
            words += [word for key, each in value.items() for word in (flag, f"{key}={json.dumps(each)}")]
        else:
            words += [
                word for each in ([value] if not isinstance(value, list) else value) for word in (flag, str(each))
            ]
    return words


def stated_by(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> RunOptions:
    """What the command `run` makes of words."""
    seen: list[RunOptions] = []

    def keep(config: Path | None, values: dict[str, Any], place: Any) -> RunOptions:
        seen.append(overridden_options(config, values, place))
        raise InputError("enough")

    with monkeypatch.context() as patch:
        patch.setattr("overthink.workflows.experiment.overridden_options", keep)
        CliRunner().invoke(app, ["run", *words])
    return seen[0]


def test_flags_file_and_keywords_state_the_same_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not {name for name, value in EVERY.items() if value == RunOptions.model_fields[name].default}
    assert {*RunOptions.model_fields} - EVERY.keys() == {
        "efforts", "turns", "loop_tokens", "sandbox_scoring", "arms", "shard", "endpoint", "workers", "shards",
    }  # fmt: skip  # they exclude budgets or --until, or are of one process or machine
    python = experiment_options(None, EVERY)
    write_config(tmp_path / "study.toml", python.stated())
    file = experiment_options(tmp_path / "study.toml", {})
    command = stated_by(monkeypatch, flags(EVERY))
    again = stated_by(monkeypatch, ["--config", str(tmp_path / "study.toml")])
    assert python == file == command == again
    hashes = {options.plans()[0].sha256() for options in (python, file, command, again)}
    assert len(hashes) == 1
    assert hashes != {experiment_options(None, EVERY | {"seed": 8}).plans()[0].sha256()}


@pytest.mark.parametrize(
    "ladder", [{"efforts": "low,high"}, {"efforts": [1024, 4096]}, {"turns": [1, 2]}, {"loop_tokens": "1k,2k"}]
)
def test_every_ladder_makes_the_round_trip(ladder: dict[str, Any], tmp_path: Path) -> None:
    options = read_options({"model": "mockllm/model", "capability": "overthink/arithmetic"} | ladder)
    write_config(tmp_path / "study.toml", options.stated())
    assert experiment_options(tmp_path / "study.toml", {}).plans() == options.plans()


def test_every_field_of_a_plan_can_be_stated() -> None:
    other_names = {"tasks", "think_format", "resamples", "resample_at", "schema_", "overthink", "component_files"}
    assert Plan.model_fields.keys() - other_names <= RunOptions.model_fields.keys()
    assert list(RunOptions.model_fields) == list(RunWords.__annotations__)
    assert set(RunOptions.model_fields) <= set(run.__signature__.parameters)  # type: ignore[attr-defined]


def test_lists_and_texts_mean_the_same() -> None:
    assert plan_of(budgets=[0, "64"]) == plan_of(budgets=np.array([0, 64])) == plan_of(budgets="0, 64") == plan_of()
    assert plan_of(draws=np.int64(2)) == plan_of(draws=2)
    assert plan_of(arms=["base", "wait:rounds=2,minimum=64"]) == plan_of(arms="base,wait:rounds=2,minimum=64")
    assert plan_of(hypothesis=[16, 32], budgets="0,16,32,64") == plan_of(hypothesis="16,32", budgets="0,16,32,64")
    assert plan_of(hypothesis=["up@32", "down"], budgets="0,16,32,64") == plan_of(
        hypothesis="up@32,down", budgets="0,16,32,64"
    )
    assert plan_of(model_args={"seed": np.int64(3)}) == plan_of(model_args={"seed": 3})
    assert plan_of(k_reference="1k", budgets="0,1k").k_reference == 1000
    shapes = read_options(BASE | {"model_shape": {"m": "parameters:1e9"}})
    assert shapes.model_shape == ("m=parameters:1e9",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draw": 4}, "draw is no option of a run; needed: draws"),
        ({"answer-token": 4}, "answer-token is no option of a run; needed: answer_tokens"),
        ({"draws": True}, "draws true cannot be read; needed: a whole number"),
        ({"draws": "4"}, 'draws "4" cannot be read; needed: a whole number'),
        ({"draws": 1.5}, "draws 1.5 cannot be read; needed: a whole number"),
        ({"budgets": "x"}, "budgets x cannot be read; needed: whole numbers of tokens, as 0,512,2k"),
        ({"budgets": [True]}, "budgets [true] cannot be read; needed: whole numbers of tokens"),
        ({"budgets": 64}, "budgets 64 cannot be read; needed: whole numbers of tokens"),
        ({"budgets": b"24"}, "budgets b'24' cannot be read; needed: whole numbers of tokens"),
        ({"budgets": {0, 64}}, "budgets "),
        ({"arms": []}, "arms names none; needed: one or more, as base"),
        ({"out": ""}, "out is empty; needed: a path, such as . for this folder"),
        ({"resume": True}, "resume is an option of the command, and none of a plan"),
        ({"zzz": 1}, "zzz is no option of a run; needed: one of those that `overthink run --help` lists"),
        ({"model_args": {"x": float("nan")}}, "model_args x = nan cannot be used; needed: a finite number"),
        ({"budgets": "1e999k"}, "budgets 1e999k cannot be read; needed: whole numbers"),
        ({"turns": "x", "budgets": None}, "turns x cannot be read; needed: whole numbers of turns, as 1,2,4,8"),
        ({"efforts": "low,,high"}, "efforts 'low,,high' has an empty name; needed: names with one comma"),
        ({"safety": 3}, "safety 3 cannot be read; needed: a text, or a list of texts"),
        ({"model_args": "x=1"}, 'model_args "x=1" cannot be read; needed: a table of names and values'),
        ({"model_args": {"x": [1]}}, "model_args x = [1] cannot be read; needed: a text, a number, or true or false"),
        ({"temperature": float("nan")}, "temperature nan cannot be used; needed: a finite number"),
        ({"temperature": "warm"}, 'temperature "warm" cannot be read; needed: a number'),
        ({"judge_traces": 1}, "judge_traces 1 cannot be read; needed: true or false"),
        ({"level": 2}, "level is 2.0; needed: input should be less than or equal to 0.999"),
        ({"seed": -1}, "seed is -1; needed: input should be greater than or equal to 0"),
        ({"resample": "8:often"}, "resample 8:often cannot be read; needed: a whole number, as 8, or 8:bisect"),
        ({"k_reference": "much"}, "k_reference much cannot be read; needed: thinking tokens, as 512 or 2k"),
        ({"model": ["a/b", "a/b"]}, "model a/b is named twice; needed: every model once"),
        ({"model": []}, "model names none; needed: every model once"),
        ({"safety": ()}, "no task was given; name at least one with --capability, --safety or --benign"),
    ],
)
def test_what_cannot_be_used_is_said(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_options(BASE | change).plans()
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_the_schema_accepts_what_is_read_and_refuses_what_is_not(tmp_path: Path) -> None:
    schema = run_schema()
    Draft202012Validator.check_schema(schema)
    write_config(tmp_path / "study.toml", read_options(EVERY).stated())
    file = read_config(tmp_path / "study.toml").values
    validator = Draft202012Validator(schema)
    assert [*validator.iter_errors(file)] == []
    for wrong in ({"draw": 4}, {"draws": "4"}, {"budgets": 64}, {"judge_traces": 1}, {"level": 2}, {"model_args": []}):
        assert [*validator.iter_errors(file | wrong)] != []
    assert all(field["description"] for field in schema["properties"].values())
