"""A summary of hidden thinking is no thinking: it is not counted, not searched, not printed, and the notes say so."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from effort_replies import REPLIED, Wire
from inspect_ai.log import write_eval_log
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    ModelOutput,
    get_model,
)
from tests.support.written_logs import log_of, sample, usage

import overthink
from overthink.collect.inspect_logs.hidden_thinking import HiddenThinking, hidden_thinking
from overthink.collect.inspect_logs.read import Reading, read_logs
from overthink.collect.inspect_logs.sample_ends import Message
from overthink.collect.inspect_logs.texts import texts_of_rows
from overthink.errors import InputError
from overthink.plan.study import checked_plan

SUMMARY, SEALED = HiddenThinking.SUMMARY, HiddenThinking.SEALED
SECRET = "The user said yes, ANSWER: yes"
REDACTED = ContentReasoning(reasoning="c2VhbGVk", summary=SECRET, redacted=True)
PLAIN = ContentReasoning(reasoning=SECRET)


def written(
    folder: Path, model: str, part: ContentReasoning | None, *, thinking: int | None = 250, version: str = "0.3.285"
) -> Reading:
    """Write and read a log of two samples of a model that answers "no"; the first holds a part beside its answer."""
    samples = []
    for number, content in enumerate(([part] if part else [], [])):
        message = ChatMessageAssistant(content=[*content, ContentText(text="no")], model=model)
        final = ModelOutput(model=model, choices=[ChatCompletionChoice(message=message, stop_reason="stop")])
        samples.append(sample(number, final, "I", model_usage={model: usage(300, thinking)}))
    log = log_of(samples)
    log.eval.model, log.eval.packages = model, {"inspect_ai": version}
    folder.mkdir(exist_ok=True)
    write_eval_log(log, str(folder / "log.eval"))
    return read_logs(folder / "log.eval")


@pytest.mark.parametrize(
    ("model", "part", "expected"),
    [
        ("openai/o3", REDACTED, SUMMARY),
        ("openai/o3", ContentReasoning(reasoning="c2VhbGVk", redacted=True), SEALED),
        ("openai/o3", ContentReasoning(reasoning="", summary=SECRET, signature="rs_1"), SUMMARY),
        ("openai/gpt-oss-20b", ContentReasoning(reasoning=SECRET, summary="short"), None),
        ("anthropic/claude-sonnet-4-5", REDACTED, SUMMARY),
        ("anthropic/claude-sonnet-4-5", ContentReasoning(reasoning=SECRET, signature="s"), SUMMARY),
        ("anthropic/claude-3-7-sonnet-20250219", ContentReasoning(reasoning=SECRET, signature="s"), None),
        ("anthropic/claude-opus-4-7", ContentReasoning(reasoning="c2VhbGVk", redacted=True), SEALED),
        ("google/gemini-2.5-pro", PLAIN, SUMMARY),
        ("openrouter/google/gemini-3-pro", PLAIN, SUMMARY),
        ("openrouter/deepseek/deepseek-v4-pro", PLAIN, None),
        ("deepseek/deepseek-v4-pro", PLAIN, None),
        ("vllm/Qwen/Qwen3-8B", PLAIN, None),
        ("google/gemini-2.5-pro", ContentReasoning(reasoning=" "), None),
    ],
)
def test_what_a_log_holds_in_the_place_of_thinking(
    model: str, part: ContentReasoning, expected: HiddenThinking | None
) -> None:
    message = ChatMessageAssistant(content=[part, ContentText(text="no")], model=model)
    assert hidden_thinking([Message.model_validate(message)], model) is expected


@pytest.mark.parametrize(
    ("name", "shows", "expected"),
    [
        ("openai/o3", None, SUMMARY),
        ("perplexity/sonar", None, SUMMARY),
        ("deepseek/deepseek-v4-pro", "reasoning_content", None),
        ("openai-api/local/m", "reasoning", None),
    ],
)
def test_what_inspects_own_providers_make_of_a_reply(
    name: str, shows: str | None, expected: HiddenThinking | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "none")
    wire = Wire(shows)
    try:
        model = get_model(name, base_url=f"{wire.root}/v1", api_key="none", memoize=False)
        output = asyncio.run(model.generate("2+2?"))
    finally:
        wire.close()
    assert output.usage is not None
    assert output.usage.reasoning_tokens == REPLIED["thinking"]
    message = Message.model_validate(output.message)
    assert message.has_reasoning
    assert hidden_thinking([message], name) is expected


@pytest.mark.parametrize(
    ("model", "version", "expected"),
    [
        ("anthropic/claude-sonnet-4-5", "0.3.261", (None, 250)),
        ("anthropic/claude-opus-4-6", "0.3.153.dev3+g1", (None, 250)),
        ("anthropic/vertex/claude-sonnet-4", "0.3.99", (None, 250)),
        ("anthropic/claude-sonnet-4-5", "0.3.262", (250, 250)),
        ("anthropic/claude-sonnet-4-5", "unknown", (250, 250)),
        ("anthropic/claude-3-7-sonnet-20250219", "0.3.99", (250, 250)),
        ("openai/o3", "0.3.99", (250, 250)),
        ("google/gemini-2.5-pro", "0.3.99", (250, 250)),
    ],
)
def test_tokens_of_a_summary_are_no_thinking_tokens(
    tmp_path: Path, model: str, version: str, expected: tuple[int | None, ...]
) -> None:
    reading = written(tmp_path, model, REDACTED, version=version)
    assert tuple(row.thinking_tokens for row in reading.records) == expected
    assert {row.generated_tokens for row in reading.records} == {300}
    said = [note for note in reading.notes if "counted in a summary" in note]
    assert bool(said) == (None in expected)
    assert all("1 report reasoning tokens" in note and "unknown, and not 0" in note for note in said)


@pytest.mark.parametrize(
    ("part", "reported", "expected"), [(REDACTED, None, None), (REDACTED, 0, None), (REDACTED, 250, 250), (None, 0, 0)]
)
def test_a_count_that_nobody_reported_is_unknown_and_not_zero(
    tmp_path: Path, part: ContentReasoning | None, reported: int | None, expected: int | None
) -> None:
    reading = written(tmp_path, "openai/o3", part, thinking=reported)
    assert reading.records[0].thinking_tokens == expected


@pytest.mark.parametrize(
    ("model", "part", "words"),
    [
        ("openai/o3", REDACTED, "In 1 of 2 samples the thinking is hidden, and the log holds a summary of it (1)."),
        ("google/gemini-2.5-pro", PLAIN, "a summary of it (1)"),
        ("anthropic/claude-opus-4-7", ContentReasoning(reasoning="c2Vh", redacted=True), "only the provider can read"),
        ("deepseek/deepseek-v4-pro", PLAIN, None),
        ("openai/o3", None, None),
    ],
)
def test_hidden_thinking_is_said(tmp_path: Path, model: str, part: ContentReasoning | None, words: str | None) -> None:
    notes = [note for note in written(tmp_path, model, part).notes if "the thinking is hidden" in note]
    assert len(notes) == (words is not None)
    assert all(str(words) in note and "nor searched or judged" in note for note in notes)


@pytest.mark.parametrize("part", [REDACTED, ContentReasoning(reasoning=SECRET, signature="s")])
def test_a_summary_is_not_searched_for_the_answer_nor_printed(tmp_path: Path, part: ContentReasoning) -> None:
    reading = written(tmp_path, "anthropic/claude-sonnet-4-5", part)
    assert [row.value for row in reading.records] == [0.0, 0.0]
    assert not any("in the thinking alone" in note for note in reading.notes)
    positions = {(row.task, row.arm, str(row.estimand), row.question, row.draw, row.rung) for row in reading.records}
    texts = texts_of_rows(reading.records, positions)
    assert [answer for _, answer in texts.values()] == ["no", "no"]


def test_thinking_at_a_providers_levels_is_never_judged() -> None:
    tasks = overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={})
    stated: dict[str, Any] = {"overthink": "0", "model": "openai/o3", "tasks": tasks, "draws": 1, "seed": 0}
    with pytest.raises(InputError, match="--judge-traces"):
        checked_plan(**stated, efforts=("low", "high"), judge_traces=True)
