"""A request as a gateway reads it: parameters are lowered to what was evaluated, and one it does not know is refused.

A body is parsed strictly and written anew, so that the model's server sees what was checked and nothing else.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from overthink.governance.deployment.policy import Policy, Rule

UNCAPPED_TOKENS = 4096
"""Tokens of a sample where neither the policy nor the request has a cap."""
MOST_SAMPLES = 128


class Refusal(Exception):  # noqa: N818  # an answer to the caller, not an error of this program
    """A request that is not let through.

    Args:
        status: HTTP status.
        code: Reason as a word.
        message: Reason as a sentence: what was seen, what is allowed.
        seconds: Time after which it may be let through; None where that is not known.
    """

    def __init__(self, status: int, code: str, message: str, *, seconds: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.seconds = status, code, message, seconds


@dataclass
class Ask:
    """What a request asks for, after it was held against its rule.

    Attributes:
        model: Name of the model.
        body: Body for the model's server.
        parts: Model, system prompt and last turn of the user, as they stand.
        samples: Samples that count as tries.
        tokens: Most generated tokens of one sample.
        prompt: Tokens of the prompt, estimated.
        stream: Whether the answer is streamed.
        usage: Whether the caller wants usage at the end of a stream.
        effort: Reasoning effort that goes upstream; None where none does.
        beyond: What went beyond the evaluation, where that is lowered or logged instead of refused.
    """

    model: str
    body: dict[str, Any]
    parts: tuple[str, str, str]
    samples: int = 1
    tokens: int = UNCAPPED_TOKENS
    prompt: int = 0
    stream: bool = False
    usage: bool = False
    effort: str | None = None
    beyond: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Limits:
    """What a rule makes of the reasoning parameters of one request.

    Attributes:
        policy: The policy.
        rule: The rule of principal and model.
        log_only: Nothing is refused or lowered; what would be is kept in `beyond`.
        beyond: What went beyond the evaluation.
    """

    policy: Policy
    rule: Rule
    log_only: bool
    beyond: list[str]

    def effort(self, value: object, name: str) -> str:
        """Return the effort that goes upstream in the place of one that is asked for."""
        allowed = self.rule.efforts
        if isinstance(value, str) and allowed is not None and value in allowed:
            return value
        words = "none" if allowed is None else ", ".join(allowed)
        self._beyond(f"{name} {str(value)[:40]!r} was not evaluated; evaluated: {words}", lowers=allowed is not None)
        return str(value) if self.log_only or allowed is None else allowed[-1]

    def thinking(self, value: object, name: str) -> int:
        """Return the number of thinking tokens that goes upstream in the place of one that is asked for."""
        number, most = whole(value, name, least=0), self.rule.thinking_tokens
        if most is not None and number <= most:
            return number
        words = "no number of thinking tokens" if most is None else f"at most {most:,}"
        self._beyond(f"{name} {number:,} was not evaluated; evaluated: {words}", lowers=most is not None)
        return number if self.log_only or most is None else most

    def tokens(self, value: object | None, name: str) -> int:
        """Return the cap on the tokens of a sample: of the caller's and the rule's the lower."""
        asked = None if value is None else whole(value, name, least=1)
        most = self.rule.sample_tokens
        if self.log_only and asked is not None:
            if most is not None and asked > most:
                self.beyond.append(f"{name} {asked:,} was not evaluated; evaluated: at most {most:,}")
            return asked
        return min(number for number in (asked, most, UNCAPPED_TOKENS if most is None else most) if number is not None)

    def _beyond(self, message: str, *, lowers: bool) -> None:
        if not self.log_only and (self.policy.beyond == "refuse" or not lowers):
            raise Refusal(403, "beyond_evaluation", f"{message} (statement {self.policy.statement})")
        self.beyond.append(message)


def whole(value: object, name: str, *, least: int) -> int:
    """Return a whole number of a request.

    Raises:
        Refusal: It is none, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 2**31:
        raise Refusal(400, "invalid_parameter", f"{name} is {str(value)[:40]!r}; needed: a whole number from {least}")
    return value


def require_known(body: Mapping[str, Any], names: Sequence[str] | frozenset[str], where: str) -> None:
    """Raise a refusal for a parameter that is not known: nobody knows how much more thinking it asks for.

    Raises:
        Refusal: There is one.
    """
    unknown = sorted(set(body) - set(names))
    if unknown:
        raise Refusal(
            400,
            "unknown_parameter",
            f"{where}{unknown[0][:60]!r} is not known to this gateway, so it does not go to the model; leave it out",
        )


def content_text(content: object) -> str:
    """Return the text of a message's content; of parts without text what they are, so that they count as well."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(map(content_text, content))
    if isinstance(content, dict):
        return " ".join(content_text(value) for name, value in sorted(content.items()) if name not in ("type", "role"))
    return "" if content is None else str(content)


def last_turn(messages: object) -> tuple[str, str]:
    """Return the texts of the system's messages and of the last turn of the user.

    Results of tools are no turn of the user, whichever role a dialect gives them: an agent that goes on with a request
    tries the same one again.

    Raises:
        Refusal: The messages are no list of messages, or none is the user's.
    """
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise Refusal(400, "invalid_parameter", "messages is no list of messages")
    system = "\n".join(content_text(m.get("content")) for m in messages if m.get("role") in ("system", "developer"))
    contents = [_without_results(message.get("content")) for message in messages if message.get("role") == "user"]
    turns = [content_text(content) for content in contents if content != []]
    if not turns:
        raise Refusal(400, "invalid_parameter", "messages has no message of the user")
    return system, turns[-1]


def _without_results(content: object) -> object:
    if not isinstance(content, list):
        return content
    return [part for part in content if not (isinstance(part, dict) and part.get("type") == "tool_result")]


def prompt_tokens(body: Mapping[str, Any]) -> int:
    """Return the tokens of a prompt, estimated at four characters each, until the provider says how many they were."""
    parts = (body.get(name) for name in ("messages", "system", "tools"))
    return math.ceil(sum(len(content_text(part)) for part in parts) / 4)
