"""Logs that are built in memory and written as Inspect writes them, without running an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
from inspect_ai.model import GenerateConfig, ModelOutput, ModelUsage
from inspect_ai.scorer import Score

CREATED = "2026-01-01T00:00:00+00:00"


def stored_log(
    path: Path,
    task: str,
    scores: Sequence[Mapping[str, Any]],
    *,
    model: str = "some/model",
    config: GenerateConfig | None = None,
    dataset: str = "rows",
    tokens: int = 100,
    **spec: Any,
) -> EvalLog:
    """Write a log with one sample for each mapping of scorer to value, and return it.

    Args:
        path: The file, .eval or .json.
        task: Name of the task in the log.
        scores: Values by scorer, of one sample each, with the ids q0, q1, ….
        model: Name of the model.
        config: Settings of generation.
        dataset: Name of the data set.
        tokens: Output tokens of each sample; 10 are of the answer.
        **spec: More fields of the log's ``eval``, such as task_registry_name or task_file.
    """
    usage = {model: ModelUsage(input_tokens=10, output_tokens=tokens, reasoning_tokens=tokens - 10)}
    samples = [
        EvalSample(
            id=f"q{number}",
            epoch=1,
            input=f"question {number}",
            target="yes",
            output=ModelOutput.from_content(model, "yes", stop_reason="stop"),
            scores={name: Score(value=value) for name, value in own.items()},
            model_usage=usage,
        )
        for number, own in enumerate(scores)
    ]
    header = EvalSpec(
        created=CREATED,
        task=task,
        task_id=f"{path.name} {task}",
        dataset=EvalDataset(name=dataset),
        model=model,
        model_generate_config=config or GenerateConfig(),
        config=EvalConfig(),
        **spec,
    )
    log = EvalLog(status="success", eval=header, samples=samples)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_eval_log(log, str(path))
    return log
