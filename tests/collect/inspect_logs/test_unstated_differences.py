"""What differs between runs although no setting of their logs says so: prompts, judges, and one level on all rungs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalSample, read_eval_log, write_eval_log
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentToolUse,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
)
from tests.support.written_logs import MODEL, output, sample, usage, write_log

from overthink.collect.inspect_logs.read import read_logs
from overthink.data.outcomes import from_frame
from overthink.data.pool import frame_of
from overthink.data.record import Verdict
from overthink.stats.gates import gates

LEVELS = ("low", "high")


def ladder(folder: Path, build: Callable[[int, str], EvalSample], n: int = 4) -> list[str]:
    """Write a run of each level, and return why they are not alike."""
    for level in LEVELS:
        write_log(folder, [build(number, level) for number in range(n)], name=f"{level}.eval", effort=level)
    return unlike(folder)


def unlike(folder: Path) -> list[str]:
    tables = from_frame(frame_of(read_logs(folder).records))
    every = [gate for table in tables for gate in gates(table) if gate.name == "comparability"]
    return [str(gate.reason) for gate in every if gate.passed is False]


def prompted(number: int, *texts: str, **fields: Any) -> EvalSample:
    """Return a sample with these messages before its answer, the first of the system where there are two."""
    final = output()
    roles = [ChatMessageSystem, ChatMessageUser][-len(texts) :]
    before = [role(content=text) for role, text in zip(roles, texts, strict=True)]
    return sample(number, final, messages=[*before, final.choices[0].message], **fields)


PROMPTS: dict[str, Callable[[int, str], Sequence[str]]] = {
    "system message": lambda n, level: ("Be kind." if level == "low" else "Be blunt.", f"question {n}"),
    "system message of one": lambda n, level: ("Be kind.", f"question {n}")[level == "low" :],
    "template": lambda n, level: (f"{'' if level == 'low' else 'Take care. '}question {n}",),
}

SAME_PROMPTS: dict[str, Callable[[int, str], Sequence[str]]] = {
    "equal": lambda n, level: ("Be kind.", f"question {n}"),
    "the budget": lambda n, level: (f"Think for {len(level) * 1000} tokens.", f"question {n}"),
    "the level": lambda n, level: (f"Reasoning: {level}", f"question {n}"),
    "the date": lambda n, level: (f"Today is 2026-0{len(level)}-01.", f"question {n}"),
    "choices in another order": lambda n, level: (f"question {n} {'ab' if (n + len(level)) % 2 else 'ba'}",),
    "another question": lambda n, level: (f"the {level} story",),
}


@pytest.mark.parametrize("kind", PROMPTS)
def test_a_prompt_that_differs_along_the_ladder_is_named(kind: str, tmp_path: Path) -> None:
    (reason,) = ladder(tmp_path, lambda n, level: prompted(n, *PROMPTS[kind](n, level)))
    assert "the prompt around the question differs: " in reason
    assert "{question}" in reason


@pytest.mark.parametrize("kind", SAME_PROMPTS)
def test_a_prompt_of_the_ladder_or_of_the_sample_is_no_difference(kind: str, tmp_path: Path) -> None:
    assert ladder(tmp_path, lambda n, level: prompted(n, *SAME_PROMPTS[kind](n, level))) == []


def judged(number: int, *models: str) -> EvalSample:
    return sample(number, model_usage={MODEL: usage(), **dict.fromkeys(models, ModelUsage(output_tokens=5))})


def test_a_judge_of_every_answer_of_one_run_and_of_none_of_another_is_named(tmp_path: Path) -> None:
    (reason,) = ladder(tmp_path, lambda n, level: judged(n, *(["a/judge"] if level == "high" else [])))
    assert "differs: none at low, a/judge at high" in reason


@pytest.mark.parametrize("share", [0, 1, 3])
def test_a_judge_of_some_answers_says_nothing(share: int, tmp_path: Path) -> None:
    """It may be asked only where a pattern does not decide."""
    assert ladder(tmp_path, lambda n, level: judged(n, *(["a/judge"] if level == "high" and n < share else []))) == []


@pytest.mark.parametrize("n_calls", [0, 1, 3, 4])
def test_calls_in_place_of_answers_are_counted_where_others_are_text(n_calls: int, tmp_path: Path) -> None:
    """Where all are calls, the task asks for calls."""
    write_log(tmp_path, [sample(n, output("", acted=True) if n < n_calls else output()) for n in range(4)])
    notes = [note for note in read_logs(tmp_path).notes if "call of a tool" in note]
    assert [note.split(" hold")[0] for note in notes] == ([f"{n_calls} of 4 answers"] if n_calls in (1, 3) else [])


@pytest.mark.parametrize("effort", ["low", "high", None])
def test_budgets_at_one_level_of_effort_are_a_ladder(effort: Any, tmp_path: Path) -> None:
    for budget in (8000, 1000, 4000):
        path = write_log(tmp_path, [sample(0), sample(1)], name=f"{budget}.eval")
        log = read_eval_log(str(path))
        log.eval.model_generate_config = GenerateConfig(reasoning_effort=effort, reasoning_tokens=budget)
        log.eval.task_id = path.name
        write_eval_log(log, str(path))
    rungs = {row.rung: (row.arm, row.requested_tokens) for row in read_logs(tmp_path).records}
    assert rungs == {0: (MODEL, 1000), 1: (MODEL, 4000), 2: (MODEL, 8000)}


@pytest.mark.parametrize("tool", ["web_search", "code_execution", "mcp_call"])
def test_a_search_of_the_web_is_no_answer(tool: Any, tmp_path: Path) -> None:
    use = ContentToolUse(tool_type=tool, id="1", name=tool, arguments="{}", result="pages")
    message = ChatMessageAssistant(content=[use], model=MODEL)
    final = ModelOutput(model=MODEL, choices=[ChatCompletionChoice(message=message, stop_reason="stop")])
    write_log(tmp_path, [sample(0, final, 0), sample(1, value=1)])
    row, _ = sorted(read_logs(tmp_path, axis="safety", high="harm").records, key=lambda row: row.question)
    assert row.verdict is (Verdict.UNPARSED if tool == "web_search" else Verdict.SAFE)
