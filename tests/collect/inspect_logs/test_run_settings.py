"""Unlike runs are never one curve, and a ladder is found wherever logs state it. No model is run for these logs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.dataset import Sample
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalPlan,
    EvalPlanStep,
    EvalSample,
    EvalSpec,
    write_eval_log,
)
from inspect_ai.log._log import EvalScorer
from inspect_ai.model import GenerateConfig, ModelConfig, ModelOutput, ModelUsage
from inspect_ai.scorer import Score

from overthink.collect.inspect_logs.read import read_logs
from overthink.collect.inspect_logs.thinking import run_requests
from overthink.data.conditions import settings_in
from overthink.data.outcomes import from_frame
from overthink.data.pool import frame_of
from overthink.data.record import Reading
from overthink.errors import InputError
from overthink.stats.gates import gates

QUESTIONS = [Sample(id=f"q{i}", input=f"question {i}", target="yes") for i in range(4)]


def log(
    value: float = 1.0, *, questions: list[Sample] = QUESTIONS, usage: tuple[str, ...] = (), **spec: Any
) -> EvalLog:
    """A log as Inspect writes it; ``effort`` and other settings of generation go to the run's configuration."""
    config = GenerateConfig(**{name: spec.pop(name) for name in [*spec] if name in GenerateConfig.model_fields})
    steps = [EvalPlanStep(solver=name, params=params) for name, params in spec.pop("steps", [("generate", {})])]
    model = spec.pop("model", "mockllm/model")
    ids = [sample.id for sample in questions]
    defaults: dict[str, Any] = {
        "created": "2026-11-01T00:00:00+00:00",
        "task": "asks",
        "dataset": EvalDataset(name="d", samples=len(ids), sample_ids=ids),
        "config": EvalConfig(epochs=1),
        "scorers": [EvalScorer(name="rubric", options={})],
    }
    used = {name: ModelUsage(input_tokens=5, output_tokens=50, total_tokens=55) for name in (model, *usage)}
    samples = [
        EvalSample(
            id=sample.id or 0,
            epoch=1,
            input=sample.input,
            target=sample.target,
            output=ModelOutput.from_content(model, "text"),
            scores={"rubric": Score(value=value)},
            model_usage=used,
        )
        for sample in questions
    ]
    return EvalLog(
        status="success",
        eval=EvalSpec(model=model, **{**defaults, **spec}),
        plan=EvalPlan(steps=steps, config=config),
        samples=samples,
    )


def role(model: str, **settings: Any) -> dict[str, Any]:
    return {"model_roles": {"grader": ModelConfig(model=model, **settings)}}


def read(folder: Path, *logs: EvalLog, ladder: str | None = None) -> Reading:
    for i, each in enumerate(logs):
        each.eval.task_id = each.eval.task_id or f"task{i}"
        write_eval_log(each, str(folder / f"{i}.json"))
    return read_logs(folder, ladder=ladder)


def curves(reading: Reading) -> dict[str, list[str]]:
    """Levels of each arm."""
    tables = from_frame(frame_of(reading.records))
    return {table.arm: [rung.effort or "natural" for rung in table.rungs] for table in tables}


def failures(reading: Reading) -> list[str]:
    found = (gate for table in from_frame(frame_of(reading.records)) for gate in gates(table))
    return [gate.reason or "" for gate in found if gate.name == "comparability" and gate.passed is False]


DIFFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the grader": (role("m/a"), role("m/b")),
    "reasoning_effort of the grader": (
        role("m/a", config=GenerateConfig(reasoning_effort="low")),
        role("m/a", config=GenerateConfig(reasoning_effort="high")),
    ),
    "the models asked beside": ({"usage": ("m/a",)}, {"usage": ("m/b",)}),
    "threshold of the scorer rubric": (
        {"scorers": [EvalScorer(name="rubric", options={"threshold": 1})]},
        {"scorers": [EvalScorer(name="rubric", options={"threshold": 9})]},
    ),
    "the task version": ({"task_version": 1}, {"task_version": 2}),
    "shots": ({"task_args": {"shots": 0}}, {"task_args": {"shots": 5}}),
    "the base URL": ({"model_base_url": "https://a.example"}, {"model_base_url": "https://b.example"}),
    "temperature": ({"temperature": 0.0}, {"temperature": 1.0}),
    "extra_headers.anthropic-beta": (
        {"extra_headers": {"anthropic-beta": "interleaved"}},
        {"extra_headers": {"anthropic-beta": "context"}},
    ),
    "extra_headers.x-reasoning-effort": (
        {"extra_headers": {"x-reasoning-effort": "eco"}},
        {"extra_headers": {"x-reasoning-effort": "turbo"}},
    ),
    "extra_body.top_k": ({"extra_body": {"top_k": 1}}, {"extra_body": {"top_k": 50}}),
    "message_limit": ({"config": EvalConfig(message_limit=5)}, {"config": EvalConfig(message_limit=50)}),
    "system_message.template": (
        {"steps": [("system_message", {"template": "Be brief."}), ("generate", {})]},
        {"steps": [("system_message", {"template": "Be good."}), ("generate", {})]},
    ),
    "solver": ({}, {"steps": [("chain_of_thought", {}), ("generate", {})]}),
    "the text behind one question id": (
        {},
        {"questions": [*QUESTIONS[:3], Sample(id="q3", input="another one", target="yes")]},
    ),
    "the dataset": ({}, {"dataset": EvalDataset(name="e", samples=4, sample_ids=[f"q{i}" for i in range(4)])}),
    "task_package": (
        {"task_registry_name": "evals/asks", "packages": {"evals": "1"}},
        {"task_registry_name": "evals/asks", "packages": {"evals": "2"}},
    ),
}


@pytest.mark.parametrize("words", DIFFERENCES)
def test_what_differs_along_the_ladder_fails_a_gate_and_within_a_rung_makes_arms(words: str, tmp_path: Path) -> None:
    first, second = DIFFERENCES[words]
    along = read(tmp_path, log(**first, reasoning_effort="low"), log(0.0, **second, reasoning_effort="high"))
    assert curves(along) == {"mockllm/model": ["low", "high"]}
    (reason,) = failures(along)
    assert words in reason
    within = read(tmp_path, log(**first), log(0.0, **second))
    assert sorted(curves(within).values()) == [["natural"], ["natural"]]
    assert any("2 arms of one rung each. They differ in" in note for note in within.notes)
    assert failures(within) == []


def test_a_rung_on_other_questions_fails_and_one_that_is_shared_out_does_not(tmp_path: Path) -> None:
    fewer = read(tmp_path, log(reasoning_effort="low"), log(questions=QUESTIONS[:3], reasoning_effort="high"))
    assert "the set of questions differs: 4 ids" in failures(fewer)[0]
    halves = [QUESTIONS[:2], QUESTIONS[2:]]
    parts = [log(questions=part, reasoning_effort=level) for level in ("low", "high") for part in halves]
    shared = read(tmp_path, *parts)
    assert curves(shared) == {"mockllm/model": ["low", "high"]}
    assert failures(shared) == []
    assert any("2 runs pooled as draws at low" in note for note in shared.notes)


SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"seed": 1}, {"seed": 2}),
    ({"max_connections": 1, "max_retries": 2}, {"max_connections": 9}),
    ({"model_base_url": "http://localhost:4000/v1"}, {"model_base_url": "http://127.0.0.1:5000/v1"}),
    ({"model_args": {"port": 4000}}, {"model_args": {"port": 5000}}),
    ({"packages": {"inspect_ai": "1"}}, {"packages": {"inspect_ai": "2"}}),
    ({"model_args": {"api_key": "a"}}, {"model_args": {"api_key": "b"}}),
    ({"dataset": EvalDataset(location="/home/a/d.csv")}, {"dataset": EvalDataset(location="/data/d.csv")}),
    ({"task_args": {"seed": 1, "output_dir": "/a"}}, {"task_args": {"seed": 2, "output_dir": "/b"}}),
    ({"extra_headers": {"Authorization": "a", "x-request-id": "1"}}, {"extra_headers": {"Authorization": "b"}}),
    ({"tags": ["a"], "metadata": {"note": "a"}}, {"tags": ["b"]}),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_what_cannot_change_the_measurement_is_no_difference(
    first: dict[str, Any], second: dict[str, Any], tmp_path: Path
) -> None:
    reading = read(tmp_path, log(**first, reasoning_effort="low"), log(**second, reasoning_effort="high"))
    assert curves(reading) == {"mockllm/model": ["low", "high"]}
    assert failures(reading) == []
    assert not any("arms" in note for note in reading.notes)


def test_rows_hold_the_conditions_of_their_run_without_secrets(tmp_path: Path) -> None:
    spec = {"model_args": {"api_key": "sk-1", "dtype": "bf16"}, "temperature": 0.5, "reasoning_effort": "low"}
    reading = read(tmp_path, log(**spec, **role("m/a", args={"api_key": "sk-2"})))
    settings = settings_in(reading.records[0].conditions or "")
    assert (settings["temperature"], settings["dtype"], settings["role.grader"]) == ("0.5", "bf16", "m/a")
    assert not any("effort" in name or "sk-" in value for name, value in settings.items())


LADDERS: dict[str, Callable[[int, str], dict[str, Any]]] = {
    "openrouter effort": lambda n, level: {"extra_body": {"reasoning": {"effort": level}}},
    "openrouter tokens": lambda n, level: {"extra_body": {"reasoning": {"max_tokens": n}}},
    "qwen": lambda n, level: {"extra_body": {"enable_thinking": True, "thinking_budget": n}},
    "qwen template": lambda n, level: {"extra_body": {"chat_template_kwargs": {"thinking_budget": n}}},
    "anthropic": lambda n, level: {"extra_body": {"thinking": {"type": "enabled", "budget_tokens": n}}},
    "anthropic effort": lambda n, level: {"extra_body": {"output_config": {"effort": level}}},
    "gemini": lambda n, level: {"extra_body": {"google": {"thinking_config": {"thinking_budget": n}}}},
    "gemini level": lambda n, level: {"extra_body": {"thinkingConfig": {"thinkingLevel": level.upper()}}},
    "llama.cpp": lambda n, level: {"extra_body": {"chat_template_kwargs": {"reasoning_effort": level}}},
    "llama.cpp budget": lambda n, level: {"extra_body": {"reasoning_budget": n}},
    "vllm": lambda n, level: {"extra_body": {"thinking_token_budget": n}},
    "sglang": lambda n, level: {"extra_body": {"custom_params": {"thinking_budget": n}}},
    "ollama": lambda n, level: {"extra_body": {"think": level}},
    "task argument": lambda n, level: {"task_args": {"budget": n}},
    "task argument in words": lambda n, level: {"task_args": {"budget": f"{n // 1000}k"}},
    "task argument with a unit": lambda n, level: {"task_args": {"thinking_budget": f"{n / 1000} K tokens"}},
    "header that repeats it": lambda n, level: {
        "extra_headers": {"x-reasoning-effort": level},
        "reasoning_effort": level,
    },
    "solver argument": lambda n, level: {"solver": "s", "solver_args": {"reasoning_effort": level}},
    "model argument": lambda n, level: {"model_args": {"thinking_budget": n}},
    "step of the plan": lambda n, level: {"steps": [("think", {"thinking_tokens": n})]},
    "name with level": lambda n, level: {"model": f"openai/o3-{level}"},
    "name with budget": lambda n, level: {"model": f"anthropic/claude-thinking-{n // 1000}k"},
    "name with budget before": lambda n, level: {"model": f"m/x-{n // 1000}k-thinking"},
    "name in brackets": lambda n, level: {"model": f"m/x ({level})"},
    "argument that is passed on": lambda n, level: {"task_args": {"budget": n}, "reasoning_tokens": n},
    "prompt that states it": lambda n, level: {
        "steps": [("system_message", {"template": f"Think for {n} tokens."})],
        "task_args": {"budget": n},
    },
}


@pytest.mark.parametrize("form", LADDERS)
def test_a_ladder_is_found_wherever_it_is_stated(form: str, tmp_path: Path) -> None:
    levels = {2000: "low", 8000: "medium", 16000: "high"}
    # The largest comes first, and spent least: only what was requested gives the order.
    reading = read(tmp_path, *(log(**LADDERS[form](n, levels[n])) for n in (16000, 2000, 8000)))
    (rungs,) = curves(reading).values()
    assert rungs in (["low", "medium", "high"], [f"{n} thinking tokens" for n in levels])
    assert failures(reading) == []
    assert {row.conditions for row in reading.records} == {reading.records[0].conditions}
    has_source = any(word in form for word in ("argument", "name", "step", "prompt"))
    assert any("is read from the" in note for note in reading.notes) == (has_source and "passed on" not in form)


APART: dict[str, tuple[dict[str, Any], ...]] = {
    "default": ({},),
    "no limit": ({"extra_body": {"thinking_budget": -1}},),
    "on": ({"extra_body": {"enable_thinking": True}},),
}


@pytest.mark.parametrize("form", APART)
def test_what_requests_no_amount_stands_apart(form: str, tmp_path: Path) -> None:
    budgets = [log(extra_body={"thinking_budget": n}) for n in (512, 2048)]
    reading = read(tmp_path, *budgets, *(log(**spec) for spec in APART[form]))
    main, apart = curves(reading).values()
    assert main == ["512 thinking tokens", "2048 thinking tokens"]
    assert len(apart) == 1
    assert any("2 arms" in note for note in reading.notes)


def test_thinking_turned_off_is_the_lowest_budget(tmp_path: Path) -> None:
    bodies = ({"thinking_budget": 512}, {"enable_thinking": False}, {"thinking_budget": 2048})
    reading = read(tmp_path, *(log(extra_body=body) for body in bodies))
    assert curves(reading) == {"mockllm/model": ["none", "512 thinking tokens", "2048 thinking tokens"]}


@pytest.mark.parametrize(
    "models",
    [
        ("qwen/qwen-max", "qwen/qwen-plus"),
        ("m/claude-2025-02-19-thinking", "m/claude-2025-05-14-thinking"),
        ("m/qwen-thinking-2507", "m/qwen-thinking-2601"),
        ("m/gpt-8k", "m/gpt-32k"),
        ("m/mistral-medium", "m/mistral-7b"),
    ],
)
def test_another_model_is_no_level(models: tuple[str, str], tmp_path: Path) -> None:
    assert set(curves(read(tmp_path, *(log(model=model) for model in models)))) == set(models)


@pytest.mark.parametrize(
    ("name", "specs", "rungs"),
    [
        ("seats", [{"task_args": {"seats": n}} for n in (10, 2)], ["seats=2", "seats=10"]),
        ("tier", [{"model_args": {"tier": level}} for level in ("high", "low")], ["low", "high"]),
        ("extra_body.depth", [{"extra_body": {"depth": n}} for n in (0.5, 0.25)], None),
        ("depth", [{"extra_body": {"depth": n}} for n in (0.5, 0.25)], None),
        (
            "x-reasoning-effort",
            [{"extra_headers": {"x-reasoning-effort": level}} for level in ("high", "low")],
            ["low", "high"],
        ),
        ("max_tokens", [{"max_tokens": n} for n in (64, 16)], ["at most 16 tokens", "at most 64 tokens"]),
    ],
)
def test_a_setting_can_be_named_as_the_ladder(
    name: str, specs: list[dict[str, Any]], rungs: list[str] | None, tmp_path: Path
) -> None:
    reading = read(tmp_path, *(log(**spec) for spec in specs), ladder=name)
    expected = rungs or ["extra_body.depth=0.25", "extra_body.depth=0.5"]
    assert curves(reading) == {"mockllm/model": expected}


def test_an_amount_that_is_not_the_named_ladder_is_a_condition(tmp_path: Path) -> None:
    specs = [{"task_args": {"seats": n}, "reasoning_effort": level} for n, level in ((2, "high"), (4, "low"))]
    reading = read(tmp_path, *(log(**spec) for spec in specs), ladder="seats")
    assert "reasoning_effort differs: high at seats=2, low at seats=4" in failures(reading)[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("seat", "--ladder seat names no setting of these logs; settings that differ between the logs: mode, shots"),
        ("mode", "which has no order; needed: a number, or one of none, minimal"),
    ],
)
def test_a_name_that_is_no_ladder_is_one_clear_error(name: str, message: str) -> None:
    headers = [log(task_args={"shots": n, "mode": mode}) for n, mode in ((0, "fast"), (5, "slow"))]
    with pytest.raises(InputError, match=message):
        run_requests(headers, ["asks"] * 2, name)


def test_equal_runs_are_pooled_and_unlike_ones_withhold_the_verdict(tmp_path: Path) -> None:
    many = [Sample(id=f"q{i}", input=f"question {i}", target="yes") for i in range(30)]
    alike = read(tmp_path, log(questions=many), log(questions=many))
    (note,) = (note for note in alike.notes if "pooled" in note)
    assert "2 runs pooled as draws at default (0.json, 1.json). No difference between them is shown" in note
    assert failures(alike) == []
    unlike = read(tmp_path, log(questions=many), log(0.0, questions=many))
    (note,) = (note for note in unlike.notes if "pooled" in note)
    assert "They are not alike (paired by question, p = " in note
    assert "run differs: 0.json and 1.json" in failures(unlike)[0]


def test_a_run_without_a_finished_sample_tells_no_others_apart(tmp_path: Path) -> None:
    crashed = log(reasoning_effort="low", temperature=1.0, questions=[])
    reading = read(tmp_path, log(reasoning_effort="low"), log(reasoning_effort="high"), crashed)
    assert curves(reading) == {"mockllm/model": ["low", "high"]}
    assert failures(reading) == []
