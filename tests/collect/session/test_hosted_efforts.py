"""The provider's own levels on Inspect's own provider with its real SDK, against a stand-in of the API on loopback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from effort_replies import Wire

import overthink
from overthink.data.pool import records_of
from overthink.errors import InputError
from overthink.plan.study import checked_plan

TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def sums():
    return Task(dataset=[Sample(input="2+2?", target="4")], solver=generate(), scorer=match(numeric=True))
"""


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("TOGETHER_API_KEY", "none")
    server = Wire()
    yield server
    server.close()


def prepared(tmp_path: Path, wire: Wire, model: str, *efforts: str) -> Any:
    (tmp_path / "theirs.py").write_text(TASK)
    tasks = overthink.tasks(capability=[f"{tmp_path}/theirs.py@sums"], safety=[], benign=[], args={})
    args = {"base_url": f"{wire.root}/v1"}
    plan = checked_plan(
        overthink="0", model=model, model_args=args, tasks=tasks, efforts=efforts, draws=1, seed=0
    )  # fmt: skip
    return overthink.prepare(plan)


def test_levels_are_sent_and_a_summary_is_no_thinking(tmp_path: Path, wire: Wire) -> None:
    study = overthink.run(prepared(tmp_path, wire, "openai/gpt-5.1", "none", "high"), tmp_path / "s")
    probes = [body for _, body in wire.sent if isinstance(body["input"], str)]  # Inspect's own, on summaries
    assert len(probes) == 1
    assert [body["reasoning"]["effort"] for _, body in wire.sent if body not in probes] == ["none", "high"]
    rows = records_of(study.pool)
    assert [(row.effort, row.thinking_tokens, row.generated_tokens, row.value) for row in rows] == [
        ("none", 37, 50, 1.0),
        ("high", 37, 50, 1.0),
    ]
    assert "In 1 of 1 samples the thinking is hidden, and the log holds a summary of it (1)." in study.html()


@pytest.mark.parametrize(
    ("model", "efforts", "words"),
    [
        ("openai/gpt-5.1", ("minimal", "high"), "has no level minimal. It has none, low, medium, high"),
        ("openai/gpt-4o", ("low", "high"), "sends openai/gpt-4o nothing for low"),
        ("together/openai/gpt-oss-120b", ("high", "max"), "the level high for max, which is no rung of its own"),
        ("together/openai/gpt-oss-120b", ("none", "low"), "nothing for none"),
        ("openai/o3", ("1024", "4096"), "takes no cap on its thinking"),
    ],
)
def test_what_is_no_rung_is_refused_before_the_first_call(
    tmp_path: Path, wire: Wire, model: str, efforts: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        prepared(tmp_path, wire, model, *efforts)
    assert wire.sent == []


def test_the_estimate_says_what_is_not_checked_and_what_limits_the_output(tmp_path: Path, wire: Wire) -> None:
    unknown = prepared(tmp_path, wire, "together/moonshotai/Kimi-K3", "low", "max").estimate()
    assert "Note: Which levels together/moonshotai/Kimi-K3 has is not checked" in unknown
    assert "thinking and answer share, in tokens: 2,048." in unknown
    assert "Note" not in prepared(tmp_path, wire, "openai/o3", "low", "high").estimate()
    assert wire.sent == []
