"""A policy is what its statement evaluated, and nothing looser without a name and a reason."""

import json
from pathlib import Path
from typing import Any

import pytest
from deployment import statement_path
from made_study import Made, write_study

from overthink.errors import InputError
from overthink.governance.deployment.from_statement import compile_policy, excesses
from overthink.governance.deployment.policy import Policy, parse_budget
from overthink.governance.statement.schema import Statement
from overthink.workflows.policy import policy
from overthink.workflows.statement import statement


@pytest.fixture(scope="module")
def own() -> Policy:
    return policy(statement_path())


def written(folder: Path, own: Policy, **fields: Any) -> Path:
    """A policy by hand: that of the statement with other fields of its rule, or of the whole."""
    document = json.loads(own.json())
    for name, value in fields.items():
        part = document if name in document else document["rules"][0]
        part[name] = value
    path = folder / "policy.json"
    path.write_text(json.dumps(document))
    return path


def test_the_policy_is_what_the_claims_hold_for(own: Policy) -> None:
    document = json.loads(statement_path().read_text())
    rule = own.rules[0]
    tokens = {claim["holds_for_thinking_tokens<="] for claim in document["claims"]}
    tries = {claim["holds_for_tries<="] for claim in document["claims"]}
    assert rule.thinking_tokens == max(tokens) == 256
    assert rule.tries.per_key == max(tries) == 3
    assert rule.models == ("made/model", "model")
    assert rule.efforts is None
    assert own.statement == document["id"]


def test_efforts_are_those_that_every_curve_has(tmp_path: Path) -> None:
    shares = {"capability": (0.3, 0.6), "safety": (0.9, 0.7)}
    folder = write_study(tmp_path / "efforts", Made(shares, budgets=None, efforts=("low", "high"), questions=8))
    path = statement(folder).path
    assert path is not None
    rule = policy(path).rules[0]
    assert (rule.thinking_tokens, rule.efforts) == (None, ("low", "high"))


@pytest.fixture(scope="module")
def of_levels(tmp_path_factory: pytest.TempPathFactory) -> Statement:
    made = Made({"capability": (0.3, 0.6)}, budgets=None, efforts=("low", "high"), questions=2, draws=2)
    return statement(write_study(tmp_path_factory.mktemp("levels") / "study", made), write=False).statement


def with_rungs(made: Statement, *rungs: tuple[str, int | None]) -> Statement:
    """The statement with other labels and budgets of tokens on its rungs, as tables and logs have them."""
    (curve,) = made.curves
    points = tuple(
        point.model_copy(update={"effort": effort, "requested_tokens": tokens})
        for point, (effort, tokens) in zip(curve.points, rungs, strict=True)
    )
    return made.model_copy(update={"curves": (curve.model_copy(update={"points": points}),)})


@pytest.mark.parametrize(
    ("rungs", "thinking", "efforts"),
    [
        ((("low", None), ("high", None)), None, ("low", "high")),
        ((("512 thinking tokens", 512), ("4096 thinking tokens", 4096)), 4096, None),
        ((("low, 512 thinking tokens", 512), ("high, 4096 thinking tokens", 4096)), 4096, None),
        ((("none", None), ("4096 thinking tokens", 4096)), 4096, None),
        ((("low", None), ("high, at most 4096 tokens", None)), None, ("low",)),
    ],
)
def test_only_a_plain_level_is_an_effort(
    of_levels: Statement, rungs: tuple[tuple[str, int | None], ...], thinking: int | None, efforts: tuple[str] | None
) -> None:
    rule = compile_policy(with_rungs(of_levels, *rungs)).rules[0]
    assert (rule.thinking_tokens, rule.efforts) == (thinking, efforts)


def test_rungs_that_no_request_can_ask_for_give_no_policy(of_levels: Statement) -> None:
    capped = with_rungs(of_levels, ("low, at most 4096 tokens", None), ("Turbo\x1b[31m", None))
    with pytest.raises(InputError, match="no request can ask for them; needed: rungs of thinking tokens, or of plain"):
        compile_policy(capped)


def test_a_statement_of_caps_in_tokens_gives_a_budget_and_no_effort(tmp_path: Path) -> None:
    made = Made({"capability": (0.3, 0.6)}, budgets=None, efforts=("1024", "4096"), questions=2, draws=2)
    path = statement(write_study(tmp_path / "caps", made)).path
    assert path is not None
    own = policy(path)
    assert (own.rules[0].thinking_tokens, own.rules[0].efforts) == (4096, None)
    assert "no plain efforts" in own.unknown["efforts"]


def test_a_loop_is_not_what_a_gateway_sees(tmp_path: Path) -> None:
    shares = {"capability": (0.3, 0.6), "safety": (0.9, 0.7)}
    folder = write_study(tmp_path / "turns", Made(shares, budgets=None, turns=(1, 4), questions=8))
    path = statement(folder).path
    assert path is not None
    with pytest.raises(InputError, match="a gateway sees requests, not loops"):
        policy(path)


def test_a_statement_that_fails_its_check_gives_no_policy(tmp_path: Path) -> None:
    document = json.loads(statement_path().read_text())
    document["elicitation"]["budgets"][-1] = 100_000
    (tmp_path / "statement.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="does not pass `overthink check`"):
        policy(tmp_path / "statement.json")


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("thinking_tokens", 257, "rules.0.thinking_tokens"),
        ("thinking_tokens", None, "rules.0.thinking_tokens"),
        ("output_tokens", None, "rules.0.output_tokens"),
        ("models", ["made/model", "other"], "rules.0.models"),
        ("efforts", ["high"], "rules.0.efforts"),
        ("tries", {"per_key": 4}, "rules.0.tries.per_key"),
        ("tries", {"per_key": None}, "rules.0.tries.per_key"),
        ("tries", {"per_key": 3, "window_seconds": 3600.0}, "rules.0.tries.window_seconds"),
        ("tries", {"per_key": 3, "scope": "principal"}, "rules.0.tries.scope"),
    ],
)
def test_a_looser_limit_needs_a_name_and_a_reason(
    own: Policy, tmp_path: Path, field: str, value: Any, path: str
) -> None:
    with pytest.raises(InputError, match="is looser than the statement") as failure:
        policy(statement_path(), file=written(tmp_path, own, **{field: value}))
    assert path in str(failure.value)
    deviation = {"field": path, "by": "Safety board", "why": "red team of 2026-11-20"}
    stored = policy(statement_path(), file=written(tmp_path, own, **{field: value}, deviations=[deviation]))
    assert list(excesses(stored, own)) == [path]
    assert "Safety board" in stored.text()


def test_a_stricter_policy_needs_neither(own: Policy, tmp_path: Path) -> None:
    tries = {"per_key": 1, "total": 10, "scope": "everybody"}
    stored = policy(statement_path(), file=written(tmp_path, own, thinking_tokens=0, tries=tries))
    assert stored.rules[0].tries.total == 10
    assert excesses(stored, own) == {}
    assert stored.sha256() != own.sha256()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("schema", "overthink.policy/9.0.0", "has schema 'overthink.policy/9.0.0'"),
        ("statement", "another", "is for statement another"),
        ("tokens", 3, "Extra inputs"),
        ("rules", [], "at least 1 item"),
        ("budgets", [{"amount": 1e20, "unit": "flop", "window_seconds": None}], "active_parameters is null"),
    ],
)
def test_a_policy_that_cannot_be_read_is_refused(
    own: Policy, tmp_path: Path, field: str, value: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        policy(statement_path(), file=written(tmp_path, own, **{field: value}))


def test_the_rule_of_a_principal_comes_before_that_of_all(own: Policy) -> None:
    small = own.rules[0].model_copy(update={"principal": "trial", "thinking_tokens": 8})
    both = own.model_copy(update={"rules": (*own.rules, small)})
    assert both.rule_of("trial", "model") == small
    assert both.rule_of("other", "model") == own.rules[0]
    assert both.rule_of("trial", "gpt-unknown") is None


@pytest.mark.parametrize(
    "text", ["", "100", "100/", "100/1y", "-1/1d", "0/1d", "1e99/life", "5/1d@nobody", "1/999999w"]
)
def test_a_budget_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="budget"):
        parse_budget(text)


@pytest.mark.parametrize("name", ["", "two\nlines", "red \x1b[31m", "x" * 201])
def test_a_name_that_no_rule_can_hold_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="needed: 1 to 200 characters without") as failure:
        policy(statement_path(), model=["model", name])
    assert repr(name[:80]) in str(failure.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": [f"m{i}" for i in range(101)]}, "101 models; needed: at most 100"),
        ({"budget": ["5/1d"] * 21}, "21 times; needed: at most 20"),
        ({"budget": "1e18flop/7d"}, "no active_parameters to count them by; needed: a budget in tokens"),
    ],
)
def test_options_that_no_rule_can_hold_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        policy(statement_path(), **options)


def test_a_model_of_the_statement_that_no_rule_can_hold_takes_a_name_of_the_user(of_levels: Statement) -> None:
    odd = of_levels.model_copy(update={"model": "two\nlines"})
    with pytest.raises(InputError, match="give one with --model"):
        compile_policy(odd)
    assert compile_policy(odd, models=("model",)).rules[0].models == ("model",)


def test_the_command_prints_the_policy(overthink: Any) -> None:
    code, out, _ = overthink("gateway", "policy", str(statement_path()), "--budget", "5000/1h", "--json")
    assert code == 0
    assert json.loads(out)["rules"][0]["budgets"][0]["window_seconds"] == 3600.0
    code, out, _ = overthink("gateway", "policy", str(statement_path()))
    assert "thinking tokens of a sample: 256" in out
    code, _, err = overthink("gateway", "policy", str(statement_path()), "--budget", "many/1h")
    assert code == 2
    assert "cannot be read" in err
    code, _, err = overthink("gateway", "policy", str(statement_path()), "--model", "a\nb\x1b[31m")
    assert code == 2
    assert "\x1b" not in err
