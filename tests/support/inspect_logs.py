"""Real Inspect logs of tiny tasks on a mock model, for the tests of the log readers."""

import gc
import hashlib
import warnings
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval  # noqa: A004
from inspect_ai.dataset import Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import (
    GenerateConfig,
    Model,
    ModelOutput,
    ModelUsage,
    get_model,
)
from inspect_ai.scorer import Score, Scorer, Target, accuracy, mean, score, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver

TOKENS = {None: 200, "low": 100, "medium": 300, "high": 900}


def mock(name: str = "model") -> Model:
    """Answers "yes" or "no" by a hash of the prompt and its own length; says how many tokens it used."""

    def respond(messages: Any, tools: Any, tool_choice: Any, config: GenerateConfig) -> ModelOutput:
        output_tokens = TOKENS.get(config.reasoning_effort, 50) + len(messages)
        word = hashlib.sha256(f"{messages[-1].text}{config.reasoning_effort}".encode()).digest()[0] % 2
        output = ModelOutput.from_content(f"mockllm/{name}", ("no", "yes")[word])
        output.usage = ModelUsage(
            input_tokens=10,
            output_tokens=output_tokens,
            total_tokens=output_tokens + 15,
            input_tokens_cache_read=5,
            reasoning_tokens=output_tokens - 1,
        )
        return output

    return get_model(f"mockllm/{name}", custom_outputs=respond, memoize=False)


@scorer(metrics=[accuracy(), stderr()])
def says_yes() -> Scorer:
    async def judge(state: TaskState, target: Target) -> Score:
        return Score(value="C" if state.output.completion == "yes" else "I", answer=state.output.completion)

    return judge


@scorer(metrics={"*": [mean()]})
def several() -> Scorer:
    async def judge(state: TaskState, target: Target) -> Score:
        return Score(value={"half": 0.5, "flag": True, "stars": 4})

    return judge


@solver
def fails_on(word: str) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if word in state.input_text:
            raise ValueError(f"no {word}")
        return await generate(state)

    return solve


@solver
def works_in_turns() -> Solver:
    """An agent: question "n ..." takes n turns, and is scored after every second one."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        for turn in range(1, int(state.input_text.split()[0]) + 1):
            state.metadata["turn"] = turn
            state = await generate(state)
            if turn % 2 == 0:
                await score(state)
        return state

    return solve


@scorer(metrics=[mean()])
def progress() -> Scorer:
    """0.1 for each turn taken."""

    async def judge(state: TaskState, target: Target) -> Score:
        return Score(value=state.metadata["turn"] / 10)

    return judge


def samples(count: int) -> list[Sample]:
    return [Sample(id=f"q{i}", input=f"question {i}", target="yes") for i in range(count)]


def run(folder: Path, task: Task, *, model: Model | None = None, **options: Any) -> EvalLog:
    """Run a task into a log in ``folder``."""
    with warnings.catch_warnings():
        # Inspect's own: an old parameter of tenacity, and streams of anyio that it leaves to the collector.
        warnings.filterwarnings("ignore", "The 'initial' parameter is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "Unclosed <MemoryObject", ResourceWarning)
        (log,) = eval(task, model=model or mock(), log_dir=str(folder), display="none", log_realtime=False, **options)
        gc.collect(1)  # they are young; all objects of a test process take as long as the task
    return log


def question_task(count: int = 6, *, name: str = "asks", **options: Any) -> Task:
    defaults: dict[str, Any] = {"dataset": samples(count), "solver": generate(), "scorer": says_yes()}
    return Task(name=name, **(defaults | options))
