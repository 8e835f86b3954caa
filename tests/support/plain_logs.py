"""Inspect logs put together in memory: one run without a thinking budget, as most evaluators have it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalResults, EvalSample, EvalSpec, write_eval_log
from inspect_ai.model import GenerateConfig, ModelOutput
from inspect_ai.scorer import Score


def plain_log(
    path: Path,
    answers: Mapping[str, Sequence[bool]],
    *,
    model: str = "openai/gpt-x",
    task: str = "sums",
    scorers: Sequence[str] = ("match",),
    effort: str | None = None,
) -> Path:
    """Write a log of one run and return its path.

    Args:
        path: File of the log.
        answers: Whether each epoch was right, by id of the question.
        model: Name of the model.
        task: Name of the task.
        scorers: Scorers that judged every answer alike.
        effort: Reasoning effort of the run; None for the provider's own.
    """
    samples = [
        EvalSample(
            id=question,
            epoch=epoch,
            input=f"the question {question}",
            target="yes",
            output=ModelOutput.from_content(model, "yes" if right else "no"),
            scores={name: Score(value="C" if right else "I", answer="yes" if right else "no") for name in scorers},
        )
        for question, own in answers.items()
        for epoch, right in enumerate(own, start=1)
    ]
    spec = EvalSpec(
        created="2026-01-01T00:00:00+00:00",
        task=task,
        model=model,
        dataset=EvalDataset(samples=len(answers), sample_ids=list(answers)),
        config=EvalConfig(epochs=max(map(len, answers.values()))),
        model_generate_config=GenerateConfig(reasoning_effort=effort),  # type: ignore[arg-type]
    )
    results = EvalResults(total_samples=len(samples), completed_samples=len(samples))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_eval_log(EvalLog(status="success", eval=spec, samples=samples, results=results), str(path))
    return path
