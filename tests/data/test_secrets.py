"""What is a secret and what is not: names, addresses, forms of keys, values of the environment."""

import json
import time
from urllib.parse import quote

import pytest

from overthink.data.secrets import holds_secret, is_secret_name, log_filter, without_secrets

SECRET, KEY = "hunter2-Zx9", "sk-proj-a1b2c3d4e5"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "api_key",
            "apiKey",
            "APIKEY",
            "X-Api-Key",
            "OPENAI_API_KEY",
            "aws_secret_access_key",
            "key",
            "hf_token",
            "TOKEN",
        ),
        *("client_secret", "password", "db.password", "PGPASSWORD", "passwd", "credentials", "Authorization", "auth"),
        *("hf_token", "TOKEN", "basic_auth", "cookie", "Set-Cookie", "bearer", "api_keys", "passphrase"),
    ],
)
def test_a_name_of_a_secret(name: str) -> None:
    assert is_secret_name(name)
    assert holds_secret(name, SECRET)
    assert not any(holds_secret(name, value) for value in (3, 0.5, True, None, "3", "1e6", "none", ""))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "max_tokens",
            "answer_tokens",
            "loop_tokens",
            "reasoning_tokens",
            "token_by_token",
            "eos_token",
            "stop_token",
        ),
        *("think", "k_reference", "keyboard", "monkey", "author", "sort_key", "score_key", "tokenizer", "stop_token"),
        *("SSH_AUTH_SOCK", "password_length", "secret_file", "keys", "temperature", "authentic", "cookies_count"),
    ],
)
def test_a_name_that_is_none(name: str) -> None:
    assert not is_secret_name(name)
    assert not holds_secret(name, "plain")


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://user:{SECRET}@host:8000/v1/chat",
        f"https://{SECRET}@host",
        f"https://host/v1?api_key={SECRET}&n=3",
        f"https://host/blob?sv=1&sig={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f'{{"headers": {{"x-api-key": "{SECRET}"}}}}',
        f'"{{\\"api_key\\": \\"{SECRET}\\"}}"',
        f"Cookie: a=1; session={SECRET}",
        f"--api-key {SECRET} --draws 3",
        f"-M api_key={SECRET}",
        f"OPENAI_API_KEY={SECRET} overthink run",
        f"client_secret: {SECRET}",
        f"password = '{SECRET} and more'",
    ],
)
def test_a_secret_in_its_place_is_hidden_and_the_rest_stays(text: str) -> None:
    hidden = without_secrets(text)
    assert SECRET not in hidden
    assert "<secret>" in hidden
    assert without_secrets(hidden) == hidden


@pytest.mark.parametrize(
    "key",
    [
        *("sk-proj-abcDEF123456", "sk-ant-api03-a1b2c3d4e5", "hf_abcdefGHIJKL123456", "ghp_abcdefghijklmnop1234"),
        *("github_pat_11ABCDE_abcdefgh", "glpat-abcdefgh12345678", "AKIAIOSFODNN7EXAMPLE", "xoxb-123456789012-abc"),
        *("AIzaSyA1234567890abcdefghijklmno", "gsk_abcdef1234567890", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"),
        "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_key_is_known_by_its_form(key: str) -> None:
    assert without_secrets(f"wrong key {key}, try another") == "wrong key <secret>, try another"
    assert holds_secret("note", key)


@pytest.mark.parametrize(
    "text",
    [
        "overthink run --answer-tokens 32 --loop-tokens 1k,4k --safety overthink/secret --k-reference 512",
        "overthink/secret: graded by the model under test",
        "secret-01-apple: 4 of 4 traces",
        "safety/overthink/secret/base/value/mean/rung2/k1",
        "{'token': 'hello', 'logprob': -0.5, 'max_tokens': 64, \"key\": \"accuracy\"}",
        "KeyError: 'choices'; the bearer of news; task-abc12345678; sk-learn-classifier; disk-1234567890",
        "https://host:8000/v1/chat?n=3&top_p=0.9 user@example.org",
        "provider token_by_token=yes; seed=123456789; api_key=none; set OPENAI_API_KEY and the like",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    environment = {"HOME": "/home/me", "API_KEY": "", "N_TOKEN": "abc", "KEY_FILE": "/home/me/key.pem"}
    assert without_secrets(text, environment) == text


@pytest.mark.parametrize("value", ["plain-value-77", 'quo"te\\back', "ümläut wörd", "a b&c=d/e", "12345678"])
def test_a_value_of_the_environment_is_hidden_in_every_spelling(value: str) -> None:
    environment = {"MY_API_KEY": value, "EDITOR": "vi"}
    for text in (value, json.dumps(value), repr(value), quote(value, safe="")):
        assert without_secrets(f"401 {text}!", environment).strip("\"'").count("<MY_API_KEY>") == 1
    assert without_secrets("0.12345678 and 9123456780", environment) == "0.12345678 and 9123456780"


def test_a_log_loses_secrets_and_keeps_prompts_and_numbers() -> None:
    environment = {"A_KEY": "opaque-Zx9-Yw8", "B_TOKEN": "12345678", "C_PASSWORD": "tangerine", "D_KEY": 'q"uo\\te-77'}
    document = {
        "input": "The password: tangerine, token 12345678, api_key=abcdef",
        "seed": 12345678,
        "output": 'you sent opaque-Zx9-Yw8 and q"uo\\te-77',
        "error": "401 Authorization: Bearer abc-123456",
        "traceback": f"wrong key {KEY}\n at line 3",
        "traceback_ansi": "\x1b[1mwrong\x1b[0msk-abcd\nef1234567\x1b[0m",
        "message": {"content": "api_key=abcdef"},
    }
    for text in (json.dumps(document), json.dumps(document, ensure_ascii=False, separators=(",", ":"))):
        hidden = json.loads(log_filter(environment)(text.encode()))
        assert {name for name in document if hidden[name] == document[name]} == {"input", "seed", "message"}
        assert hidden["output"] == "you sent <A_KEY> and <D_KEY>"
        assert hidden["error"] == "401 Authorization: <secret>"
        assert hidden["traceback"] == "wrong key <secret>\n at line 3"
        assert hidden["traceback_ansi"] == "<secret>"


@pytest.mark.parametrize(
    "piece", ["sk-a-", "a='\\", "eyJ-", "api_key=", "Bearer ", "://a", "?a-", "-----BEGIN PRIVATE KEY-----"]
)
def test_a_hostile_text_takes_no_longer_than_a_plain_one(piece: str) -> None:
    began = time.process_time()
    without_secrets(piece * (40_000 // len(piece)))
    assert time.process_time() - began < 1
