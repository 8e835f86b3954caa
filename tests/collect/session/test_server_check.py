"""A plan whose ladder does not fit its server's context window is refused with the numbers, before anything is paid."""

from collections.abc import Iterator

import pytest
from model_servers import ModelServer

import overthink
import overthink.collect.registered  # registers the provider
from overthink.collect.session.prepare import Session, open_plan
from overthink.errors import InputError
from overthink.plan.study import checked_plan


@pytest.fixture(params=["vllm", "llama.cpp"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    server = ModelServer(request.param)
    service = f"S{server.http.server_port}"  # Inspect keeps models by name
    monkeypatch.setenv(f"{service}_API_KEY", "k")
    monkeypatch.setenv(f"{service}_BASE_URL", server.root)
    yield server
    server.close()


def opened(server: ModelServer, top: int) -> Session:
    tasks = overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={})
    model = f"openai-api-completions/s{server.http.server_port}/org/smollm2"
    return open_plan(checked_plan(overthink="0", model=model, tasks=tasks, budgets=(0, top), draws=1, limit=3, seed=0))


def test_a_ladder_must_fit_the_context_of_the_server(server: ModelServer) -> None:
    session = opened(server, 16)
    (task,) = session.workloads
    room = 2048 - task.longest_prompt_tokens - task.cue_tokens - session.plan.answer_tokens
    assert task.longest_prompt_tokens > 300  # a letter is a token there: counted by the server, not estimated
    opened(server, room)
    with pytest.raises(InputError, match=rf"the window has 2,048; the largest budget that fits is {room:,}\. Lower"):
        opened(server, room + 1)


def test_the_estimate_says_how_the_server_is_continued(server: ModelServer) -> None:
    assert "continued by token ids" in opened(server, 16).estimate()
    server.returns_ids = False
    text = opened(server, 16).estimate()
    assert "continued by text" in text
    assert "context window 2,048 tokens" in text


def test_a_server_is_checked_before_its_own_levels_are_asked_for(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def levels(name: str) -> Session:
        tasks = overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={})
        model = f"openai-api/s{server.http.server_port}/{name}"
        return open_plan(
            checked_plan(overthink="0", model=model, tasks=tasks, efforts=("low", "high"), draws=1, limit=3, seed=0)
        )

    levels("org/smollm2")
    with pytest.raises(InputError, match=r"has no model 'org/another'. It has: org/smollm2"):
        levels("org/another")
    server.key = "another"
    with pytest.raises(InputError, match=r"_API_KEY was refused \(status 401"):
        levels("org/smollm2")
    assert {path for path, _ in server.asked} <= {"/v1/models", "/props"}
