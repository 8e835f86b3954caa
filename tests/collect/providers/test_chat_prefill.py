"""What a ladder through a chat endpoint puts on the wire, and what is refused; recorded by a server on loopback."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import PIECES, Server
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, get_model

import overthink
from overthink.collect.ladder.accounting import UsageMeter
from overthink.collect.ladder.climb import Step, run_ladder
from overthink.collect.ladder.sampling import SamplingSpec
from overthink.collect.ladder.solver import collect_ladder
from overthink.collect.ladder.thinking import InOnePiece, TraceContext
from overthink.collect.providers.chat_prefill import ChatPrefill
from overthink.collect.providers.choose import continuation_for
from overthink.collect.providers.continuation import Continuation
from overthink.collect.providers.think_tags import for_prompt, think_format
from overthink.collect.session.prepare import open_plan
from overthink.collect.sinks import TraceSink
from overthink.data.record import ON_TRACE, RungRecord
from overthink.errors import InputError
from overthink.plan.study import checked_plan

MESSAGES: list[ChatMessage] = [ChatMessageSystem(content="Be brief."), ChatMessageUser(content=" 2+2?\n")]
NUMBER = itertools.count()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    made = Server(getattr(request, "param", "keeps"))
    yield made
    made.http.shutdown()
    made.http.server_close()


def way_for(server: Server, provider: str = "vllm") -> Continuation:
    # the vLLM provider keeps one address per model name for the whole process, so every server gets a name of its own
    return continuation_for(get_model(f"{provider}/m{next(NUMBER)}", base_url=server.url, api_key="k", memoize=False))


def climbed(
    way: Continuation, think: str = "plain", messages: list[ChatMessage] = MESSAGES, cue: str | None = None
) -> list[Step]:
    settled = for_prompt(think_format(think), "".join(m.text for m in messages), cue=cue)
    plan = SamplingSpec(budgets=(0, 4, 8, 12), format=settled, answer_tokens=9, temperature=0.5, top_p=0.9, seed=7)

    async def collect() -> list[Step]:
        context = TraceContext(way, plan, UsageMeter(), tuple(messages))
        return [step async for step in run_ladder(context, InOnePiece(context))]

    return asyncio.run(collect())


def sent(server: Server, phase: str) -> list[str]:
    """The assistant's message of every request of a phase; "" where there is none."""
    chats = [chat for chat in server.chats if (chat["max_tokens"] == 9) == (phase == "answer")]
    return [chat["messages"][-1]["content"] if len(chat["messages"]) == 3 else "" for chat in chats]


@pytest.mark.parametrize("provider", ["vllm", "sglang"])
@pytest.mark.parametrize(("think", "cue"), [("plain", None), ("plain", "  So — \n"), ("think", None)])
def test_the_prefix_goes_out_byte_for_byte(server: Server, provider: str, think: str, cue: str | None) -> None:
    shape = for_prompt(think_format(think), "", cue=cue)
    steps = climbed(way_for(server, provider), think, cue=cue)
    so_far = [shape.open + "".join(PIECES[:n]) for n in range(4)]
    assert sent(server, "think") == so_far[:3]
    assert sent(server, "answer") == [text + shape.close + shape.cue for text in so_far]
    for chat in server.chats:
        assert (chat["continue_final_message"], chat["add_generation_prompt"]) == (True, False)
        assert [m["content"] for m in chat["messages"][:2]] == ["Be brief.", " 2+2?\n"]
        assert all(isinstance(m["content"], str) for m in chat["messages"])
    assert [step.thought for step in steps] == ["", *PIECES]
    assert {step.answer.text for step in steps} == {" 4\n"}


def test_a_hand_that_strips_would_be_noticed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = ChatPrefill.append
    monkeypatch.setattr(ChatPrefill, "append", lambda way, p, s: exact(way, p, type(s)(s.text.strip(), *[None] * 5)))
    climbed(way_for(server))
    opening = think_format("plain").open
    assert sent(server, "think") != [opening + "".join(PIECES[:n]) for n in range(3)]


def test_sglang_is_told_to_leave_the_reply_whole_and_vllm_to_show_the_stop(server: Server) -> None:
    climbed(way_for(server, "sglang"))
    assert {(chat["no_stop_trim"], chat["separate_reasoning"]) for chat in server.chats} == {(True, False)}
    server.chats.clear()
    climbed(way_for(server, "vllm"))
    assert {chat["include_stop_str_in_output"] for chat in server.chats} == {True}


@pytest.mark.parametrize(
    ("shown", "thought", "stop"),
    [({"content": " so</think>"}, " so", "</think>"), ({"content": " so\n"}, " so\n", ""),
     ({"reasoning_content": " so\n "}, " so\n ", None), ({"reasoning": " so"}, " so", None)],
)  # fmt: skip
def test_an_end_says_what_ended_it(server: Server, shown: dict[str, str], thought: str, stop: str | None) -> None:
    server.thoughts[0], server.ends_after = shown, 1
    steps = climbed(way_for(server), "think")
    assert (steps[1].thought, steps[1].stop, steps[1].natural_end) == (thought, stop, True)
    assert sent(server, "answer")[1] == "<think>\n" + thought + "\n</think>\n\n"
    assert steps[3].is_carried


def test_an_answer_that_the_parser_called_reasoning_is_put_back(server: Server) -> None:
    server.answer = {"reasoning_content": " 4\n"}
    assert {step.answer.text for step in climbed(way_for(server))} == {" 4\n"}


@pytest.mark.parametrize(
    ("provider", "message"),
    [("vllm", {"reasoning_content": "a", "content": "b"}), ("vllm", {"content": " x <think>a</think> b "}),
     ("sglang", {"reasoning_content": "a"})],
)  # fmt: skip
def test_a_reply_that_was_taken_apart_is_refused(server: Server, provider: str, message: dict[str, str]) -> None:
    server.thoughts[0] = message
    with pytest.raises(RuntimeError, match=r"taken apart.*without a reasoning parser"):
        climbed(way_for(server, provider))


@pytest.mark.parametrize("server", ["trims", "rewrites"], indirect=True)
def test_a_template_that_changes_a_begun_answer_is_refused_before_anything_is_decoded(server: Server) -> None:
    with pytest.raises(InputError, match=r"does not keep a begun answer byte for byte.*vllm-completions"):
        climbed(way_for(server))
    assert server.chats == []


@pytest.mark.parametrize("server", ["forgets the thinking"], indirect=True)
def test_a_template_that_drops_closed_thinking_is_refused(server: Server) -> None:
    with pytest.raises(InputError, match="does not keep a begun answer"):
        climbed(way_for(server), "think")


@pytest.mark.parametrize("server", ["opens"], indirect=True)
def test_a_template_that_opens_the_thinking_is_met_by_the_format_that_does(server: Server) -> None:
    assert len(climbed(way_for(server), "think")) == 4
    with pytest.raises(InputError, match=r"begins every answer with '<think>'.*--think"):
        climbed(way_for(server), "plain")


@pytest.mark.parametrize("server", ["cannot say"], indirect=True)
def test_a_server_that_cannot_say_what_its_template_does_is_refused(server: Server) -> None:
    with pytest.raises(InputError, match=r"cannot say whether.*404.*vllm-completions"):
        climbed(way_for(server))


def test_a_template_that_keeps_is_asked_twice_and_not_again(server: Server) -> None:
    way = way_for(server)
    climbed(way)
    assert server.renders == 4  # the opened turn and the closed one, each beside a fresh turn
    server.chats.clear()
    climbed(way)
    assert server.renders == 4


def test_an_opening_of_the_templates_own_leaves_the_first_request_without_an_assistant(server: Server) -> None:
    climbed(way_for(server, "sglang"), "think-opened")
    thinking = sent(server, "think")
    assert thinking == ["", PIECES[0], PIECES[0] + PIECES[1]]
    assert "continue_final_message" not in server.chats[1]


def test_an_answer_that_the_task_has_begun_is_gone_on_with(server: Server) -> None:
    begun: list[ChatMessage] = [*MESSAGES, ChatMessageAssistant(content="Sure: ")]
    climbed(way_for(server), messages=begun)
    assert all(text.startswith("Sure: Let me think step by step.\n") for text in sent(server, "answer"))


def test_a_whole_study_climbs_through_the_chat_endpoint(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_BASE_URL", server.url)
    plan = checked_plan(
        overthink="0",
        model=f"vllm/m{next(NUMBER)}",
        tasks=overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        budgets=(0, 4, 8),
        answer_tokens=9,
        draws=2,
        limit=2,
        seed=0,
        concurrency=1,
        judge_traces=True,
    )
    rows: list[RungRecord] = []
    keeper = TraceSink(done=(), sparse={}, on_thinking=lambda *_: None, on_trace=rows.extend)
    collect_ladder(open_plan(plan), study="s", log_dir=tmp_path, sink=keeper)
    assert {row.error for row in rows} == {None}
    forced = [row for row in rows if not row.scorer.endswith(ON_TRACE)]
    assert [(row.rung, row.thinking_tokens, row.generated_tokens) for row in forced] == 4 * [
        (0, 0, 4),
        (1, 4, 8),
        (2, 8, 8),
    ]
    assert {row.rung for row in rows if row.scorer.endswith(ON_TRACE)} == {1, 2}
    assert server.renders == 4  # one look at the template serves every trace
