"""Policy of a gateway: what every principal may use of every model, and what happens beyond what was evaluated.

This is the only place where the shape of a policy is defined. It is compiled from a statement
(:mod:`~overthink.governance.deployment.from_statement`) or written by hand; a field that changes its meaning raises the
major version.
"""

import hashlib
import json
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from overthink.errors import InputError
from overthink.storage.json_text import json_value, typed_value

POLICY_SCHEMA = "overthink.policy/1.0.0"
ANY = "*"
"""Principal of a rule for every principal that has none of its own."""

Count = Annotated[int, Field(ge=0, lt=2**53)]
PositiveCount = Annotated[int, Field(ge=1, lt=2**53)]
Seconds = Annotated[float, Field(ge=1, le=10 * 366 * 86400)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Scope = Literal["principal", "organisation", "everybody"]
MAX_MODELS, MAX_BUDGETS = 100, 20
"""Most names of a model, and most budgets, of one rule."""
_NAME = TypeAdapter(Name)


def is_name(text: str) -> bool:
    """Return whether a policy can hold a text as a name.

    Example:
        >>> is_name("made/model"), is_name(""), is_name("x" * 201)
        (True, False, False)
    """
    try:
        _NAME.validate_python(text)
    except ValidationError:
        return False
    return True


class Part(BaseModel):
    """A part of a policy: every field is named, nothing else is taken, and no number is NaN or infinite."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Budget(Part):
    """An amount that may be used in every window of a length, or in the life of the store.

    Attributes:
        amount: Generated tokens, or FLOP.
        unit: "tokens" counts thinking and answers; "flop" counts 2 FLOP per active parameter and token, prompts too.
        window_seconds: Length of every window that holds the amount; None for a lifetime budget.
        scope: Whose use is added up.
    """

    amount: Annotated[float, Field(gt=0, le=1e30)]
    unit: Literal["tokens", "flop"] = "tokens"
    window_seconds: Seconds | None
    scope: Scope = "principal"


class Tries(Part):
    """How often the same request may be made; samples, retries and near copies of it count.

    Attributes:
        per_key: Tries of one request; None where no number of tries was evaluated.
        total: Tries over all requests; None without such a cap.
        window_seconds: Length of the window of both; None for the life of the store.
        scope: Whose tries are added up: those of an organisation are those of all its principals.
    """

    per_key: PositiveCount | None
    total: PositiveCount | None = None
    window_seconds: Seconds | None = None
    scope: Scope = "organisation"


class Rule(Part):
    """What a principal may use of a model. None means that no such budget was evaluated, for the reason in `unknown`.

    Attributes:
        principal: Its name, or "*" for all without a rule of their own.
        models: Names by which the model may be called.
        thinking_tokens: Most thinking tokens of one sample.
        output_tokens: Most tokens of its answer.
        efforts: Reasoning efforts that may be asked for, lowest first; the first is used where none is asked for.
        tries: How often a request may be made.
        budgets: Amounts per window and for life.
    """

    principal: Name = ANY
    models: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_MODELS)]
    thinking_tokens: Count | None
    output_tokens: PositiveCount | None
    efforts: Annotated[tuple[Name, ...], Field(min_length=1, max_length=20)] | None
    tries: Tries
    budgets: Annotated[tuple[Budget, ...], Field(max_length=MAX_BUDGETS)] = ()

    @property
    def sample_tokens(self) -> int | None:
        """Most tokens of one sample, thinking and answer; None where one of them has no cap."""
        if self.thinking_tokens is None or self.output_tokens is None:
            return None
        return self.thinking_tokens + self.output_tokens


class Deviation(Part):
    """A limit that is looser than the statement, with its author and reason.

    Attributes:
        field: Path of the limit, as rules.0.thinking_tokens.
        by: Name of the person or body that decided it.
        why: Reason.
    """

    field: Annotated[str, Field(pattern=r"^rules\.[0-9]{1,4}\.[a-z_.]{1,40}$")]
    by: Text
    why: Text


class Policy(Part):
    """What a gateway lets through.

    Attributes:
        schema_: Name and version of this schema.
        statement: Id of the statement that it is held against.
        beyond: Beyond what was evaluated a request is refused, or lowered to it ("clamp") where that is possible.
        active_parameters: Of the model, to count FLOP.
        rules: Tried in order of the principal's own rules first, then those of "*".
        deviations: Limits that are looser than the statement.
        unknown: Reasons of limits that are None.
    """

    schema_: Literal["overthink.policy/1.0.0"] = Field(default="overthink.policy/1.0.0", alias="schema")
    statement: Annotated[str, Field(min_length=1, max_length=200)]
    beyond: Literal["refuse", "clamp"] = "refuse"
    active_parameters: Annotated[float, Field(gt=0)] | None = None
    rules: Annotated[tuple[Rule, ...], Field(min_length=1, max_length=1000)]
    deviations: tuple[Deviation, ...] = ()
    unknown: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _flop_need_parameters(self) -> Self:
        flop = any(budget.unit == "flop" for rule in self.rules for budget in rule.budgets)
        if flop and self.active_parameters is None:
            raise ValueError("a budget is in FLOP, and active_parameters is null; needed: the parameters that count")
        return self

    def rule_of(self, principal: str, model: str) -> Rule | None:
        """Return the rule of a principal and a model; None where the model may not be called."""
        for name in (principal, ANY):
            for rule in self.rules:
                if rule.principal == name and model in rule.models:
                    return rule
        return None

    def json(self) -> str:  # type: ignore[override]  # of a result; Pydantic's own has long been model_dump_json
        """Return the policy as a JSON document."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False) + "\n"

    def sha256(self) -> str:
        """Return the SHA-256 of the JSON document."""
        return hashlib.sha256(self.json().encode()).hexdigest()

    def text(self) -> str:
        """Return the policy as lines for a terminal."""
        lines = [f"policy for statement {self.statement}; beyond what was evaluated: {self.beyond}"]
        for rule in self.rules:
            lines.append(f"{'every principal' if rule.principal == ANY else rule.principal}, {', '.join(rule.models)}:")
            lines += [f"  {name}: {value}" for name, value in _limits(rule)]
        lines += [f"looser than the statement: {d.field}, by {d.by}: {d.why}" for d in self.deviations]
        lines += [f"not limited: {name}: {reason}" for name, reason in self.unknown.items()]
        return "\n".join(lines)


def _limits(rule: Rule) -> list[tuple[str, str]]:
    tries = rule.tries
    rows: list[tuple[str, object]] = [
        ("thinking tokens of a sample", rule.thinking_tokens),
        ("tokens of its answer", rule.output_tokens),
        ("efforts", None if rule.efforts is None else ", ".join(rule.efforts)),
        ("tries of one request", tries.per_key),
        ("tries over all requests", tries.total),
    ]
    words = [(name, str(value)) for name, value in rows if value is not None]
    for budget in rule.budgets:
        span = "for life" if budget.window_seconds is None else f"in any {budget.window_seconds:g} s"
        words.append((f"{budget.unit} of a {budget.scope}", f"{budget.amount:g} {span}"))
    return words


_POLICY = TypeAdapter(Policy)


def parse_policy(content: bytes, name: str) -> Policy:
    """Return a policy from its JSON document.

    Args:
        content: The document.
        name: Name of its file in messages.

    Raises:
        InputError: It is not JSON, of another schema, or a field is missing, unknown or impossible.
    """
    document = json_value(content, name)
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != POLICY_SCHEMA:
        raise InputError(f"{name} has schema {str(schema)[:80]!r}; needed: {POLICY_SCHEMA!r}")
    return typed_value(_POLICY, content, f"{name} is no policy")


def policy_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy (draft 2020-12)."""
    schema = Policy.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:overthink:policy:1.0.0", **schema}


_BUDGET = re.compile(
    r"(?P<amount>[0-9][0-9_.]*(?:e\+?[0-9]{1,2})?)(?P<unit>flop)?/(?P<span>life|(?P<n>[1-9][0-9]{0,5})(?P<of>[smhdw]))"
    r"(?:@(?P<scope>principal|organisation|everybody))?",
    re.IGNORECASE,
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def parse_budget(text: str) -> Budget:
    """Return a budget from its text.

    Raises:
        InputError: It is none.

    Example:
        >>> parse_budget("100000/1d").window_seconds, parse_budget("1e18flop/life@everybody").scope
        (86400.0, 'everybody')
    """
    match = _BUDGET.fullmatch(text.strip())
    if match is None:
        raise InputError(
            f"budget {text[:80]!r} cannot be read; needed: AMOUNT/WINDOW as 100000/1d, 1e18flop/7d or 2000000/life, "
            "and @organisation or @everybody after it where it is not of each principal"
        )
    window = None if match["n"] is None else float(int(match["n"]) * _SECONDS[match["of"].lower()])
    try:
        amount = float(match["amount"])
        return Budget.model_validate(
            {
                "amount": amount,
                "unit": "flop" if match["unit"] else "tokens",
                "window_seconds": window,
                "scope": (match["scope"] or "principal").lower(),
            }
        )
    except ValueError as failure:
        raise InputError(f"budget {text[:80]!r} is impossible; needed: an amount above 0, and at most 10 years") from (
            failure
        )
