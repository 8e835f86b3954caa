"""A plan holds no secret: plans, command lines and logs are stored, and studies are passed on."""

from collections.abc import Iterator, Mapping

from overthink.data.secrets import holds_secret
from overthink.errors import InputError


def secret_fault(what: str) -> str:
    """Return the message that something in a plan looks like a secret."""
    return (
        f"{what} looks like a secret, and plans are stored; set the provider's environment variable instead "
        "(OPENAI_API_KEY and the like)"
    )


def refuse_secrets(fields: object, environment: Mapping[str, str], *, what: str = "") -> None:
    """Refuse settings that would store a secret, or the value of an environment variable that is one.

    Args:
        fields: Settings as a JSON document.
        environment: Environment variables, some of which may be secrets.
        what: Name of the settings, for the message.

    Raises:
        InputError: One of the texts holds a secret; the message names its place, not the text.

    >>> refuse_secrets({"tasks": [{"key": "accuracy", "args": {"n": 3}}], "think_format": "plain"}, {})
    """
    for where, name, text in _texts(fields, what, ""):
        if holds_secret("" if name == "key" else name, text, environment):  # `key` is that of a scorer
            raise InputError(secret_fault(where))


def _texts(value: object, where: str, name: str) -> Iterator[tuple[str, str, str]]:
    """Yield place, name and text of every text in a document, names of fields included."""
    if isinstance(value, str):
        yield where, name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            place = f"{where}.{key}" if where else str(key)
            yield where or "a name", "", str(key)
            yield from _texts(item, place, str(key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value, start=1):
            yield from _texts(item, f"{where}.{number}", name)
