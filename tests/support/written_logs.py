"""Logs of Inspect that no model ran for: samples in memory, as their providers and scorers would have left them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inspect_ai.event import ModelEvent
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalError,
    EvalLog,
    EvalPlan,
    EvalResults,
    EvalSample,
    EvalSampleLimit,
    EvalSpec,
    write_eval_log,
)
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ChatMessageUser,
    Content,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
    StopReason,
)
from inspect_ai.scorer import Score
from inspect_ai.tool import ToolCall

MODEL = "mockllm/model"
SCORER = "judge"


def usage(output: int = 50, thinking: int | None = None, prompt: int = 20) -> ModelUsage:
    """Return the usage of a call."""
    return ModelUsage(
        input_tokens=prompt, output_tokens=output, total_tokens=prompt + output, reasoning_tokens=thinking
    )


def output(
    text: str = "yes",
    *,
    stop: StopReason = "stop",
    reasoning: str | None = None,
    acted: bool = False,
    usage: ModelUsage | None = None,
) -> ModelOutput:
    """Return the final output of a sample."""
    content: list[Content] = [] if reasoning is None else [ContentReasoning(reasoning=reasoning)]
    calls = [ToolCall(id="1", function="bash", arguments={})] if acted else None
    message = ChatMessageAssistant(
        content=[*content, ContentText(text=text)] if content else text, tool_calls=calls, model=MODEL
    )
    choice = ChatCompletionChoice(message=message, stop_reason=stop)
    return ModelOutput(model=MODEL, choices=[choice], usage=usage)


def sample(
    number: int | str = 0,
    final: ModelOutput | None = None,
    value: Any = "C",
    *,
    epoch: int = 1,
    answer: str | None = None,
    reason: str | None = None,
    error: str | None = None,
    limit: str | None = None,
    counts: ModelUsage | None = None,
    events: Sequence[ModelEvent] = (),
    **fields: Any,
) -> EvalSample:
    """Return a finished sample with one score; without one where the value is None."""
    final = output() if final is None else final
    scores = None if value is None else {SCORER: Score(value=value, answer=answer, reason=reason)}
    defaults: dict[str, Any] = {
        "id": f"q{number}" if isinstance(number, int) else number,
        "epoch": epoch,
        "input": f"question {number}",
        "target": "yes",
        "messages": [ChatMessageUser(content=f"question {number}"), *(choice.message for choice in final.choices)],
        "output": final,
        "scores": scores,
        "model_usage": {MODEL: usage() if counts is None else counts},
        "events": list(events),
        "turn_count": 1,
        "started_at": "2026-01-01T00:00:00+00:00",
        "completed_at": "2026-01-01T00:00:01+00:00",
        "total_time": 1.0,
        "working_time": 1.0,
        "error": None if error is None else EvalError(message=error, traceback=error, traceback_ansi=error),
        "limit": None if limit is None else EvalSampleLimit(type=limit, limit=1.0),  # type: ignore[arg-type]
    }
    return EvalSample(**(defaults | fields))


def log_of(
    samples: Sequence[EvalSample],
    *,
    effort: str | None = None,
    dataset: EvalDataset | None = None,
    config: EvalConfig | None = None,
    results: EvalResults | None = None,
    **fields: Any,
) -> EvalLog:
    """Return a log of samples, of one run of the model."""
    spec = EvalSpec(
        created=f"2026-01-01T00:00:0{('low', 'medium', 'high').index(effort) if effort else 0}+00:00",
        task="t",
        task_id=f"task-{effort}",
        eval_id=f"eval-{effort}",
        run_id=f"run-{effort}",
        dataset=dataset or EvalDataset(name="questions"),
        model=MODEL,
        model_generate_config=GenerateConfig(reasoning_effort=effort),  # type: ignore[arg-type]
        config=config or EvalConfig(),
    )
    defaults: dict[str, Any] = {"status": "success", "plan": EvalPlan(), "results": results, "samples": list(samples)}
    return EvalLog(eval=spec, **(defaults | fields))


def write_log(folder: Path, samples: Sequence[EvalSample], *, name: str = "log.eval", **fields: Any) -> Path:
    """Write a log of samples, and return its path.

    Args:
        folder: Its folder, which is made.
        samples: The samples.
        name: Name of the file, whose ending is the format.
        **fields: As for :func:`log_of`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_eval_log(log_of(samples, **fields), str(folder / name))
    return folder / name
