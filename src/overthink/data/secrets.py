"""Secrets of a provider: which names and texts hold one, and texts without them.

One filter for everything that is stored or printed: plans, command lines, logs, error texts, fault files. A secret is
recognised by the name it is given to (``api_key``, ``Authorization``), by its place in an address
(``https://user:password@host``, ``?token=``), by its form (``sk-…``, ``Bearer …``), or as the value of an environment
variable with such a name. Counts of tokens are no secrets, nor are numbers.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote

HIDDEN = "<secret>"
"""What stands in the place of a secret."""

_ALWAYS = frozenset({"secret", "password", "passwd", "passphrase", "credential", "authorization", "auth", "cookie"})
_LAST = frozenset({"key", "keys", "token", "bearer"})
_JOINED = ("apikey", "accesskey", "secretkey", "privatekey", "authtoken", "accesstoken", "secret", "password", "passwd")
_ABOUT = re.compile(
    r"file|path|dir|folder|sock|type|kind|mode|method|name|env|var|count|limit|length|size|id|ids|url"
    r"|model"
)
"""Last words of names that say something about a secret, and do not hold it: ``SSH_AUTH_SOCK``, ``password_length``."""
_OF_TEXT = re.compile(
    r"by|per|stop|eos|bos|pad|unk|sep|mask|cls|next|first|last|end|start|begin|open|close|think|special"
    r"|image|answer|score|scorer|sort|primary|foreign|public|cache|group|row|column|dict|json|map|lookup"
    r"|join|index|max|min|target"
)
"""Words before ``key`` and ``token`` that name a column or a piece of text: ``sort_key``, ``eos_token``."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NUMBER = re.compile(r"[+-]?\d[\d_]*(\.\d*)?(e[+-]?\d+)?", re.IGNORECASE)
_NOTHING = frozenset({"", "none", "null", "true", "false", "..."})
_MIN_VALUE, _MIN_LOG_VALUE = 6, 8
_FILE = re.compile(r"(~|\.{0,2}/|[A-Za-z]:[\\/]).*\.\w{1,8}", re.DOTALL)

_USER = re.compile(r"(?<=://)[^\s/?#\"'<>]+@")
_FORMS = re.compile(
    r"(?<![\w-])(?:(?:sk|pk|rk)[-_](?=[\w-]{0,80}\d)[\w-]{8,}"
    r"|hf_[A-Za-z0-9]{12,}|gh[oprsu]_[A-Za-z0-9]{12,}|github_pat_\w{12,}|glpat-[\w-]{12,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|xox[a-z]-[\w-]{10,}"
    r"|(?:gsk_|r8_|xai-|nvapi-|pplx-)(?=\w{0,80}\d)\w{12,}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:.*?-----END [A-Z ]{0,20}PRIVATE KEY-----|.*))",
    re.DOTALL,
)
_BEARER = re.compile(r"\b(Bearer|Basic)(\s{1,4})(?=\S{0,80}[\d=+/_-])[\w.~+/=-]{6,}", re.IGNORECASE)
_HEADER = re.compile(r"\b((?:proxy-)?authorization|(?:set-)?cookie)(\s?:\s*+)[^\n\"'<]+", re.IGNORECASE)
_SIGNED = re.compile(r"(?<=[?&;])([\w.%-]{0,80}(?:signature|sig|key|token|code))=([^&\s\"'#<>]+)", re.IGNORECASE)
_GIVEN = re.compile(
    r"(?<![\w./-])(?P<dashes>-{0,2})(?P<name>[A-Za-z][\w.-]{1,80})"
    r"(?P<mark>(?:\\*[\"'])?[ \t]{0,2}[:=][ \t]{0,2}|(?<=\w) (?!-))"
    r"(?P<value>\\+\"[^\"\n]{0,4000}\"|\\+'[^'\n]{0,4000}'|\"(?:[^\"\\\n]|\\.){0,4000}\"|'(?:[^'\\\n]|\\.){0,4000}'|"
    r"(?:(?:Bearer|Basic|Token)[ \t]+)?[^\s\"',;&()\[\]{}<>]+)",
)
"""A name and its value: ``name=value``, ``"name": "value"`` with any escapes, ``--name value``."""


_STYLE, _BREAK = re.compile(r"\x1b\[[\d;]*m"), re.compile(r"\s*\n\s*")
_LOGGED_ERROR = re.compile(rb'("(?:error|message|traceback|traceback_ansi)"\s?:\s?)("(?:[^"\\]|\\.)*+")', re.DOTALL)


@lru_cache(maxsize=4096)  # every text of a log is compared with the same few names
def is_secret_name(name: str, *, alone: bool = True) -> bool:
    """Return whether a name says that its value is a secret.

    Args:
        name: Name of an argument, option, header or environment variable, in any spelling.
        alone: Count ``key`` and ``token`` without a word before them; in running text they are words of another kind.

    >>> [is_secret_name(name) for name in ("api_key", "HF_TOKEN", "x-goog-apiKey", "Authorization", "PGPASSWORD")]
    [True, True, True, True, True]
    >>> [is_secret_name(name) for name in ("max_tokens", "token_by_token", "eos_token", "monkey", "SSH_AUTH_SOCK")]
    [False, False, False, False, False]
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or _ABOUT.fullmatch(words[-1]):
        return False
    if any(word.removesuffix("s") in _ALWAYS or word.removesuffix("s").endswith(_JOINED) for word in words):
        return True
    *before, last = words
    if last not in _LAST:
        return False
    return not _OF_TEXT.fullmatch(before[-1]) if before else alone and last != "keys"


def holds_secret(name: str, value: object, environment: Mapping[str, str] | None = None) -> bool:
    """Return whether a setting of this name and value would store a secret.

    >>> holds_secret("token", "abc"), holds_secret("base_url", "http://me:pw@host/v1")
    (True, True)
    >>> holds_secret("token", 3), holds_secret("passwords", "2"), holds_secret("base_url", "http://host:8000/v1")
    (False, False, False)
    >>> holds_secret("note", "hunter-22", {"A_KEY": "hunter-22"})
    True
    """
    if not isinstance(value, str):
        return False
    if (is_secret_name(name) and not _is_plain(value)) or without_secrets(value) != value:
        return True
    return any(secret in value for secret in _unmistakable(environment or {}))


def secret_values(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets of an environment by value, each with the name of its variable, longest first.

    A variable may hold an address with a user and a password, whatever its name is.

    >>> secret_values({"A_KEY": "hunter-22", "HOME": "/home/me", "MY_CREDENTIALS": "/home/me/key.json"})
    {'hunter-22': 'A_KEY'}
    >>> secret_values({"OPENAI_BASE_URL": "http://me:hunter-22@host/v1"})
    {'me:hunter-22': 'OPENAI_BASE_URL', 'hunter-22': 'OPENAI_BASE_URL'}
    """
    values = {}
    for name, value in environment.items():
        if is_secret_name(name) and not _FILE.fullmatch(value):
            values[value] = name
        for user in _USER.findall(value):
            values |= dict.fromkeys((user[:-1], user[:-1].partition(":")[2]), name)
    return dict(sorted(((v, n) for v, n in values.items() if len(v) >= _MIN_VALUE), key=lambda item: -len(item[0])))


def _unmistakable(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets of an environment that are neither a word nor a number, which any text may hold."""
    return {
        value: name
        for value, name in secret_values(environment).items()
        if len(value) >= _MIN_LOG_VALUE and not value.isalpha() and not _NUMBER.fullmatch(value)
    }


def log_filter(environment: Mapping[str, str]) -> Callable[[bytes], bytes]:
    """Return a function that hides secrets in the JSON of a log, and leaves prompts and answers as they are.

    Values of the environment are hidden everywhere, unless they read as a word or a number, which a prompt may hold;
    texts of errors lose whatever looks like a secret.

    >>> log_filter({"A_KEY": "hunter-22"})(b'{"error":"key=abc hunter-22","text":"hunter-22 password=abc"}')
    b'{"error":"key=abc <A_KEY>","text":"<A_KEY> password=abc"}'
    """
    words = {
        spelling.encode("utf-8", "surrogatepass"): f"<{name}>".encode()
        for value, name in _unmistakable(environment).items()
        for spelling in _spellings(value)
        if '"' not in spelling.replace('\\"', "")
    }

    def hide_error(logged: re.Match[bytes]) -> bytes:
        text = json.loads(logged[2])
        hidden = without_secrets(text)
        for gap in ("", " ") if "\x1b" in text else ():  # a coloured traceback is broken into lines, and a key with it
            if holds_secret("", _BREAK.sub("", _STYLE.sub(gap, hidden)), environment):
                hidden = HIDDEN
        return logged[0] if hidden == text else logged[1] + json.dumps(hidden).encode()

    def hide(document: bytes) -> bytes:
        for spelling, word in words.items():
            document = document.replace(spelling, word)
        return _LOGGED_ERROR.sub(hide_error, document)

    return hide


def without_secrets(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return a text with its secrets hidden: those of the environment by the variable's name, others as ``<secret>``.

    Args:
        text: Any text: a command line, an error, a document.
        environment: Environment variables, some of which may be secrets.

    >>> without_secrets("401: hunter-22 is wrong", {"OPENAI_API_KEY": "hunter-22"})
    '401: <OPENAI_API_KEY> is wrong'
    >>> without_secrets("GET http://me:pw@host/v1?api_key=abc&n=3 Authorization: Bearer abc.def")
    'GET http://<secret>@host/v1?api_key=<secret>&n=3 Authorization: <secret>'
    >>> without_secrets("--answer-tokens 32 max_tokens=64 overthink/secret token: 'the'")
    "--answer-tokens 32 max_tokens=64 overthink/secret token: 'the'"
    """
    for value, name in secret_values(environment or {}).items():
        for spelling in _spellings(value):
            text = _hide(text, spelling, f"<{name}>")
    text = _USER.sub(f"{HIDDEN}@", text)
    text = _FORMS.sub(HIDDEN, text)
    text = _HEADER.sub(rf"\1\2{HIDDEN}", text)
    text = _GIVEN.sub(_without_value, text)
    text = _SIGNED.sub(lambda given: given[0] if _is_plain(given[2]) else f"{given[1]}={HIDDEN}", text)
    return _BEARER.sub(rf"\1\2{HIDDEN}", text)


def _spellings(value: str) -> Iterator[str]:
    """Yield a value as it stands, in JSON, in a Python text, and in an address; each once."""
    in_json = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    addresses = (quote(value, safe="", errors="replace"), quote(value, errors="replace"))
    yield from dict.fromkeys((value, *in_json, repr(value)[1:-1], *addresses))


def _hide(text: str, value: str, word: str) -> str:
    if not value.isdecimal():
        return text.replace(value, word)
    return re.sub(rf"(?<![\d.]){value}(?![\d.])", word, text)


def _is_plain(value: str) -> bool:
    """Return whether a value is a number, nothing, or hidden already."""
    bare = value.strip("\\\"'")
    return bare.lower() in _NOTHING or bool(_NUMBER.fullmatch(bare)) or (bare.startswith("<") and bare.endswith(">"))


def _without_value(given: re.Match[str]) -> str:
    name, mark, value = given["name"], given["mark"], given["value"]
    is_option = mark == " "
    if is_option and given["dashes"] != "--":
        return given[0]
    is_prose = mark.endswith(" ") and mark[0] == ":" and value[0] not in "\"'"
    if is_prose and (name.lower() == "secret" or any(letter.isdigit() for letter in name)):  # `secret-01-apple: text`
        return given[0]
    if not is_secret_name(name, alone=is_option) or _is_plain(value):
        return given[0]
    quotes = re.match(r"\\*[\"']|", value)
    edge = quotes[0] if quotes else ""
    return f"{given['dashes']}{name}{mark}{edge}{HIDDEN}{edge}"
