"""A model that calls tools as it is told, and tasks for it, for tests of agent loops."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspect_ai.model import (
    ChatMessage,
    ChatMessageTool,
    ChatMessageUser,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.model._providers.mockllm import MockLLM
from inspect_ai.tool import ToolInfo

import overthink
from overthink.data.pool import records_of
from overthink.plan.study import Plan, checked_plan

Says = Callable[[list[ChatMessage], list[ToolInfo], GenerateConfig], ModelOutput]

BEHAVIOURS: dict[str, Says] = {}
"""By name of the model: what it says."""

CALLS: list[GenerateConfig] = []
"""The settings of every call."""

SERVED: Counter[tuple[str, int, int | None]] = Counter()
"""How often it was asked: by question, turn and seed."""


@modelapi(name="toolmock")
def toolmock() -> type[ModelAPI]:
    return _make  # type: ignore[return-value]


def _make(model_name: str, **arguments: Any) -> ModelAPI:
    def outputs(messages: list[ChatMessage], tools: list[ToolInfo], _: Any, config: GenerateConfig) -> ModelOutput:
        CALLS.append(config)
        turn = 1 + sum(message.role == "assistant" for message in messages)
        SERVED[question_of(messages), turn, config.seed] += 1
        return BEHAVIOURS[model_name](messages, tools, config)

    return MockLLM(model_name, custom_outputs=outputs, **arguments)


def behaviour(name: str) -> Callable[[Says], Says]:
    def keep(says: Says) -> Says:
        BEHAVIOURS[name] = says
        return says

    return keep


def question_of(messages: list[ChatMessage]) -> str:
    return next(message.text for message in messages if isinstance(message, ChatMessageUser))


def results(messages: list[ChatMessage]) -> list[str]:
    """What its tools have answered so far."""
    return [message.text for message in messages if isinstance(message, ChatMessageTool)]


def call(tool: str, content: str = "", /, *, tokens: int = 10, **arguments: Any) -> ModelOutput:
    output = ModelOutput.for_tool_call("toolmock", tool, arguments, content=content)
    return paid(output, tokens)


def say(text: str, *, tokens: int = 10) -> ModelOutput:
    return paid(ModelOutput.from_content("toolmock", text), tokens)


def paid(output: ModelOutput, tokens: int, *, prompt: int = 100, thinking: int | None = None) -> ModelOutput:
    output.usage = ModelUsage(
        input_tokens=prompt, output_tokens=tokens, reasoning_tokens=thinking, total_tokens=prompt + tokens
    )
    return output


@behaviour("adder")
def adder(messages: list[ChatMessage], tools: list[ToolInfo], config: GenerateConfig) -> ModelOutput:
    """Adds 1 to 0 as often as the question says, one call of the calculator for each, and then says the sum."""
    depth, made = int(question_of(messages).split()[-1]), results(messages)
    if len(made) < depth:
        return call("calculator", expression=f"{made[-1] if made else 0} + 1", tokens=10 + len(made))
    return say(f"ANSWER: {made[-1] if made else 0}", tokens=3)


FILE = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def steps():
    return Task(
        dataset=[Sample(id=f"q{i}", input=f"Steps: {i}", target=str(i)) for i in range(8)],
        solver=generate(),
        scorer=match(numeric=True),
    )
"""


def plan(folder: Path, *, task: str | None = None, file: str = FILE, axis: str = "capability", **changes: Any) -> Plan:
    (folder / "theirs.py").write_text(file)
    named: dict[str, Any] = {"capability": [], "safety": [], "benign": [], "args": {}}
    named[axis] = [task or f"{folder}/theirs.py@steps"]
    fields: dict[str, Any] = {
        "overthink": "0",
        "model": "toolmock/adder",
        "tasks": overthink.tasks(**named),
        "turns": (1, 2, 4, 8),
        "draws": 2,
        "seed": 3,
    }
    return checked_plan(**(fields | changes))


def run(folder: Path, wanted: Plan, **options: Any) -> overthink.Study:
    CALLS.clear()
    SERVED.clear()
    return overthink.run(overthink.prepare(wanted), folder / "s", **options)


def named(study: overthink.Study) -> list[tuple[str, int, int, float | None]]:
    """What was found, whatever the order and the time in which it was collected."""
    return sorted((row.question, row.draw, row.rung, row.value) for row in records_of(study.pool))
