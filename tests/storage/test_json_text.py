"""Study files are read strictly: one reading only, with the file and the field in the message."""

import pytest
from pydantic import TypeAdapter

from overthink.cost.estimate import Estimate, Rates
from overthink.errors import InputError
from overthink.storage.json_text import json_value, typed_value

ESTIMATE = (
    b'{"calls": 4, "prompt_tokens": [1, 2], "decoded_tokens": [1, null], "judge_calls": 0, "judge_tokens": [0, 0], '
    b'"usd": null, "price": "no charge"}'
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "f.json: field 'c' is there twice"),
        (b'{"a": [0, NaN]}', "f.json: a.1 is nan"),
        (b'{"a": -Infinity}', "f.json: a is -inf"),
        (b'{"a": 1e999}', "f.json: a is inf, or beyond 1e308"),
        (b'{"a": 9223372036854775808}', "f.json: a is 9223372036854775808, beyond 64 bits"),
        (b'{"a": -' + b"9" * 5000 + b"}", "f.json: a is -inf"),
        (rb'{"a": {"b": "\ud800"}}', "f.json: a.b holds half a surrogate pair"),
        (rb'{"\udfff": 1}', r"f.json: '\\udfff' is a name with half a surrogate pair"),
        (b'{"a": "\xed\xa0\x80"}', "f.json is not JSON in UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "f.json is not JSON in UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "f.json is not JSON in UTF-8"),
        (b'{"a": {"deep": ' + b"[" * 65 + b"]" * 65 + b"}}", "f.json: a.deep.0.*holds objects or lists that lie"),
        (
            b'{"a": {"deep": ' + b'[ {"x":' * 50_000,
            r"f.json: a\.deep\.0\.x\.0\.x\.0\.x\.… holds objects or lists that lie more than 64",
        ),
        (b'{"a": 1} {"a": 1}', "f.json is not JSON in UTF-8: Extra data"),
        (b"", "f.json is not JSON in UTF-8"),
    ],
    ids=range(15),
)
def test_what_has_two_readings_is_refused(text: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        json_value(text, "f.json")


def test_the_ends_of_64_bits_and_of_unicode_are_read() -> None:
    text = '{"least": -9223372036854775808, "most": 9223372036854775807, "text": "\\ud83d\\ude00 \U0001f600 \\u0000"}'
    value = {"least": -(2**63), "most": 2**63 - 1, "text": "\U0001f600 \U0001f600 \x00"}
    assert json_value(text.encode(), "f.json") == value


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"calls": 4', b'"calls": true', "calls: Input should be a valid integer"),
        (b'"calls": 4', b'"calls": "4"', "calls: Input should be a valid integer"),
        (b'"calls": 4', b'"calls": 4.0', "calls: Input should be a valid integer"),
        (b'"calls": 4', b'"calls": 4, "mood": 1', "mood: Unexpected keyword argument"),
        (b'"calls": 4, ', b"", "calls: Field required"),
        (b'"calls": 4', b'"calls": -1', "calls is -1; needed: a number from 0"),
        (b"[1, 2]", b"[2, 1]", "prompt_tokens is from 2.0 to 1.0"),
        (b"[1, null]", b"[-1, null]", "decoded_tokens is from -1.0 to None"),
    ],
)
def test_nothing_is_converted_and_every_field_is_known(old: bytes, new: bytes, says: str) -> None:
    adapter = TypeAdapter(Estimate)
    assert typed_value(adapter, ESTIMATE, "estimate.json").calls == 4
    with pytest.raises(InputError, match=f"(?s)estimate.json is wrong:.*{says}"):
        typed_value(adapter, ESTIMATE.replace(old, new), "estimate.json is wrong")


def test_a_price_is_finite_and_not_negative() -> None:
    with pytest.raises(ValueError, match=r"cached is -1 USD"):
        Rates(0.0, -1, 0.0, "card")
    with pytest.raises(ValueError, match=r"decoded is inf USD"):
        Rates(0.0, 0.0, float("inf"), "card")


def test_a_value_that_is_too_deep_for_the_reader_is_named_by_its_path() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    start = '{"first": {"a": [1, 2], "b": "[{"}, "families": [{"family": 1}, {"other": 10, "family": '
    text = f'{start}{deep}}}], "last": 1}}'
    with pytest.raises(InputError, match=r"backtest.json: families\.1\.family holds objects or lists"):
        json_value(text.encode(), "backtest.json")
