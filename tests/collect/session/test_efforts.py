"""A hosted model's own levels, on a provider whose reasoning follows the level, or does not."""

from pathlib import Path
from typing import Any

import pytest
from chat_server import Server
from inspect_ai.model import GenerateConfig, ModelAPI, ModelOutput, ModelUsage, get_model, modelapi

import overthink
from overthink.collect.providers.reasoning_levels import effort_settings
from overthink.data.pool import records_of
from overthink.errors import InputError
from overthink.plan.study import checked_plan
from overthink.workflows.statement import check, statement

TOKENS = {"low": 100, "medium": 400, "high": 1600}
CALLS: list[tuple[str | None, int | None]] = []
CAPS: list[int | None] = []
SAMPLED: list[tuple[float | None, float | None]] = []


@modelapi(name="hosted")
class Hosted(ModelAPI):
    """Reasons by the level or the cap; with `deaf`, by its own lights. It is right from 400 reasoning tokens on."""

    def __init__(self, model_name: str, base_url: Any = None, api_key: Any = None, config: Any = None) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())

    async def generate(self, input: Any, tools: Any, tool_choice: Any, config: GenerateConfig) -> ModelOutput:  # noqa: A002
        CALLS.append((config.reasoning_effort, config.max_tokens))
        CAPS.append(config.reasoning_tokens)
        SAMPLED.append((config.temperature, config.top_p))
        asked = config.reasoning_tokens or TOKENS[str(config.reasoning_effort)]
        tokens = 400 if self.model_name == "deaf" else asked
        output = ModelOutput.from_content(self.model_name, "ANSWER: 4" if tokens >= 400 else "ANSWER: 5")
        output.usage = ModelUsage(
            input_tokens=9, output_tokens=tokens + 5, reasoning_tokens=tokens, total_tokens=tokens + 14
        )
        return output


FILE = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def sums():
    samples = [Sample(input=f"{i}+{4 - i}?", target="4") for i in range(3)]
    return Task(dataset=samples, solver=generate(), scorer=match(numeric=True), config=GenerateConfig(max_tokens=16))
"""


def sweep(
    tmp_path: Path, model: str, efforts: tuple[str, ...] = ("low", "medium", "high"), folder: str = "s", **stated: Any
) -> overthink.Study:
    (tmp_path / "theirs.py").write_text(FILE)
    plan = checked_plan(
        overthink="0",
        model=model,
        tasks=overthink.tasks(capability=[f"{tmp_path}/theirs.py@sums"], safety=[], benign=[], args={}),
        efforts=efforts,
        draws=2,
        seed=0,
        **stated,
    )
    return overthink.run(overthink.prepare(plan), tmp_path / folder)


def test_every_level_is_a_rung_of_its_own(tmp_path: Path) -> None:
    study = sweep(tmp_path, "hosted/m")
    levels = {(f.at.rung, f.at.effort): f.estimate for f in study.find(metric="mean")}
    assert levels == {(0, "low"): 0.0, (1, "medium"): 1.0, (2, "high"): 1.0}
    thinking = {f.at.effort: f.estimate for f in study.find(kind="tokens", metric="thinking_tokens")}
    assert thinking == {level: float(tokens) for level, tokens in TOKENS.items()}
    assert {row.estimand for row in records_of(study.pool)} == {"effort"}
    assert len(records_of(study.pool)) == 3 * 3 * 2
    assert study.find(kind="no_op") == ()
    assert "Which levels hosted/m has is not checked" in study.html()


@pytest.mark.parametrize(
    ("stated", "sent", "said"),
    [
        ({}, (None, None), "temperature and top-p not stated: the task's or the provider's own, no seed sent"),
        ({"temperature": 0.25}, (0.25, None), "temperature 0.25, top-p not stated"),
        ({"temperature": 0.0, "top_p": 0.5}, (0.0, 0.5), "temperature 0, top-p 0.5, no seed sent"),
    ],
)
def test_the_sampling_that_is_said_is_the_one_that_was_sent(
    tmp_path: Path, stated: dict[str, float], sent: tuple[float | None, float | None], said: str
) -> None:
    SAMPLED.clear()
    made = sweep(tmp_path, "hosted/m", ("low", "high"), **stated)
    assert set(SAMPLED) == {sent}
    written = statement(tmp_path / "s")
    assert f"| Sampling | {said}" in written.text()
    assert check(tmp_path / "s" / "statement.json", study=tmp_path / "s").ok
    arguments = written.statement.every_eval_ever["evaluation_results"][0]["generation_config"]["generation_args"]
    assert (arguments["temperature"], arguments["top_p"]) == sent
    own = "not stated: the task&#39;s or the provider&#39;s own"
    assert made.html().count(own) == sent.count(None)


def test_on_budgets_overthink_samples_and_leaves_nothing_open() -> None:
    common = {"overthink": "0", "model": "m/m", "tasks": overthink.tasks(
        capability=["overthink/arithmetic"], safety=[], benign=[], args={}), "draws": 1, "seed": 0}  # fmt: skip
    forced = checked_plan(**common, budgets=(0, 8), temperature=None)
    assert (forced.temperature, forced.top_p) == (0.8, 0.95)
    assert checked_plan(**common, turns=(1, 2), top_p=0.5).top_p == 0.5
    assert checked_plan(**common, efforts=("low",)).temperature is None


def test_the_tasks_cap_does_not_eat_the_reasoning(tmp_path: Path) -> None:
    CALLS.clear()
    sweep(tmp_path, "hosted/m")
    assert {cap for _, cap in CALLS} == {None}
    assert {level for level, _ in CALLS} == set(TOKENS)


def test_a_sweep_that_changed_nothing_is_a_no_op(tmp_path: Path) -> None:
    study = sweep(tmp_path, "hosted/deaf")
    (found,) = study.find(kind="no_op")
    assert found.metric == "effort"
    assert found.label


def test_a_finished_level_is_not_paid_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sweep(tmp_path, "hosted/m")
    CALLS.clear()
    assert first.about.plan is not None
    plan = checked_plan(**first.about.plan)
    again = overthink.run(overthink.prepare(plan), tmp_path / "s", resume=True)
    assert CALLS == []
    assert again.findings == first.findings


def test_whole_numbers_are_the_providers_own_caps(tmp_path: Path) -> None:
    CAPS.clear()
    study = sweep(tmp_path, "hosted/m", ("64", "400", "1600"))
    assert set(CAPS) == {64, 400, 1600}
    rungs = {(f.at.rung, f.at.requested_tokens, f.at.effort): f.estimate for f in study.find(metric="mean")}
    assert rungs == {
        (0, 64, "64 thinking tokens"): 0.0, (1, 400, "400 thinking tokens"): 1.0, (2, 1600, "1600 thinking tokens"): 1.0
    }  # fmt: skip
    # Runs of their own share no trace, so they are never forced.
    assert {row.estimand for row in records_of(study.pool)} == {"effort"}


def test_our_capped_logs_read_by_anybody_give_the_same_curve(tmp_path: Path) -> None:
    study = sweep(tmp_path, "hosted/m", ("64", "400"))
    assert study.folder is not None
    key = lambda row: (row.question, row.draw, row.rung)  # noqa: E731
    read = records_of(overthink.analyse(study.folder.logs).pool)
    seen = [[(key(r), r.effort, r.requested_tokens, r.estimand, r.value) for r in sorted(rows, key=key)]
            for rows in (read, records_of(study.pool))]  # fmt: skip
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("efforts", "said"),
    [(("low", "1024"), "mix levels and caps"), (("4096", "1024"), r"not strictly increasing; give \[1024, 4096\]")],
)
def test_caps_are_one_curve_in_order(tmp_path: Path, efforts: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        sweep(tmp_path, "hosted/m", efforts)


def test_each_provider_is_asked_in_its_own_way_and_one_that_would_drop_a_cap_is_refused() -> None:
    where: dict[str, str] = {"base_url": "http://127.0.0.1:9/v1", "api_key": "k"}
    vllm, sglang, openai = (get_model(f"{name}/caps", memoize=False, **where) for name in ("vllm", "sglang", "openai"))
    assert effort_settings(vllm, "512") == {"extra_body": {"thinking_token_budget": 512}}
    assert effort_settings(sglang, "512") == {"extra_body": {"custom_params": {"thinking_budget": 512}}}
    assert effort_settings(get_model("hosted/m"), "512") == {"reasoning_tokens": 512}
    assert effort_settings(openai, "low") == {"reasoning_effort": "low"}
    with pytest.raises(InputError, match=r"takes no cap.*anthropic.*vllm.*--efforts low,medium,high"):
        effort_settings(openai, "512")


def test_a_cap_reaches_the_server_and_is_read_back_from_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    monkeypatch.setenv("VLLM_BASE_URL", server.url)
    study = sweep(tmp_path, "vllm/capped", ("64", "400"))
    server.http.shutdown()
    server.http.server_close()
    assert [chat["thinking_token_budget"] for chat in server.chats] == [64] * 6 + [400] * 6
    assert study.folder is not None
    read = records_of(overthink.analyse(study.folder.logs).pool)
    assert {(row.arm, row.rung, row.requested_tokens) for row in read} == {
        ("vllm/capped", 0, 64),
        ("vllm/capped", 1, 400),
    }
