"""Quick copies of messages and settings are the copies that pydantic makes."""

import copy
from typing import Any

import pytest
from inspect_ai.model import (
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ContentReasoning,
    ContentText,
    GenerateConfig,
)
from inspect_ai.tool import ToolCall
from plain_copies import plain_copy
from pydantic import BaseModel

COPIED = [
    ChatMessageUser(content="Why?"),
    ChatMessageSystem(content="Be brief.", source="input"),
    ChatMessageUser(content="", metadata={"prompt_token_ids": [1, 2, 3]}),
    ChatMessageUser(content=[ContentText(text="Why?")]),
    ChatMessageAssistant(content=[ContentReasoning(reasoning="Because."), ContentText(text="So.")], model="m"),
    ChatMessageAssistant(content="", tool_calls=[ToolCall(id="1", function="f", arguments={"a": [1]})]),
    ChatMessageTool(content="4", tool_call_id="1", function="f"),
    GenerateConfig(),
    GenerateConfig(max_tokens=3, temperature=0.5),
    GenerateConfig(stop_seqs=["x"], extra_body={"a": {"b": 1}}),
]


@pytest.mark.parametrize("model", COPIED, ids=lambda model: type(model).__name__)
def test_a_copy_equals_its_model_and_shares_nothing_that_can_change(model: BaseModel) -> None:
    ours, theirs, deep = plain_copy(model), BaseModel.__deepcopy__(model), copy.deepcopy(model)
    assert type(ours) is type(deep) is type(model)
    for copied in (ours, deep):
        assert copied == theirs == model
        assert repr(copied) == repr(theirs)
        assert copied.model_fields_set == theirs.model_fields_set
        assert copied.__pydantic_private__ == theirs.__pydantic_private__
        assert copied.__dict__ is not model.__dict__
        assert copied.__pydantic_fields_set__ is not model.__pydantic_fields_set__
        assert not changeable(copied) & changeable(model)


def test_the_comparison_notices_what_is_shared() -> None:
    model = COPIED[2]
    assert changeable(model.__copy__()) & changeable(model)


def test_one_message_in_two_places_stays_one() -> None:
    message = COPIED[0]
    first, second = copy.deepcopy([message, message])
    assert first is second is not message


def changeable(value: Any) -> set[int]:
    """Ids of everything within a model that could be changed in place."""
    if isinstance(value, BaseModel):
        return {id(value)} | {one for item in vars(value).values() for one in changeable(item)}
    if isinstance(value, dict):
        return {id(value)} | {one for item in value.values() for one in changeable(item)}
    if isinstance(value, list):
        return {id(value)} | {one for item in value for one in changeable(item)}
    return set()
