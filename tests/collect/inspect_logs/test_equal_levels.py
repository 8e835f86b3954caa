"""Levels of logs that Inspect sends as one, or not at all, are said: two names are no two budgets."""

from pathlib import Path

import pytest
from inspect_ai.log import write_eval_log
from inspect_ai.model import GenerateConfig
from tests.support.written_logs import log_of, sample, usage

from overthink.collect.inspect_logs.read import read_logs


@pytest.mark.parametrize(
    ("model", "levels", "said"),
    [
        ("anthropic/claude-sonnet-4-6", ("low", "minimal"), ["low for minimal, so these two rungs are one amount"]),
        ("deepseek/deepseek-v4-pro", ("medium", "high"), ["high for medium, so these two rungs are one amount"]),
        ("groq/openai/gpt-oss-120b", ("high", "xhigh"), ["high for xhigh, so these two rungs are one amount"]),
        ("groq/openai/gpt-oss-120b", ("none", "high"), ["sends nothing for none, so there it thought by its own"]),
        ("google/gemini-2.5-pro", ("none", "low"), ["sends nothing for none"]),
        ("grok/grok-4", ("low", "high"), ["sends nothing for low", "sends nothing for high"]),
        ("mistral/mistral-medium-3-5", ("none", "low"), ["high for low, so that is what the rung measured"]),
        ("anthropic/claude-sonnet-4-6", ("low", "high"), []),
        ("openai/gpt-5.1", ("minimal", "low"), []),
        ("vllm/Qwen/Qwen3-8B", ("minimal", "low"), []),
    ],
)
def test_levels_that_are_one_amount_of_thinking_are_said(
    tmp_path: Path, model: str, levels: tuple[str, ...], said: list[str]
) -> None:
    for number, level in enumerate(levels):
        log = log_of([sample(i, model_usage={model: usage(50, 40)}) for i in range(2)])
        log.eval.model = model
        log.eval.task_id, log.eval.eval_id, log.eval.run_id = (f"{kind}{number}" for kind in ("t", "e", "r"))
        log.eval.model_generate_config = GenerateConfig(reasoning_effort=level)  # type: ignore[arg-type]
        write_eval_log(log, str(tmp_path / f"{number}.eval"))
    notes = [note for note in read_logs(tmp_path).notes if "Inspect (recorded with" in note]
    assert len(notes) == len(said)
    for words in said:
        assert any(words in note and note.startswith(f"{model}: ") for note in notes)
