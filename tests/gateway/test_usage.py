"""What was used: the chain notices every change, the audit names what went beyond, and the report says what K is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deployment import statement_path
from gateways import Upstream, gateway
from openai import OpenAI

from overthink.errors import InputError
from overthink.gateway.replica import UsageLog
from overthink.gateway.sqlite_ledger import SqliteLedger
from overthink.gateway.usage import usage_report
from overthink.governance.deployment.policy import Policy
from overthink.governance.deployment.usage_chain import chain_ends, missing_end
from overthink.workflows.policy import checked_statement, policy
from overthink.workflows.statement import check


def ledger(folder: Path, *entries: dict[str, Any], name: str = "usage.jsonl") -> Path:
    """A usage ledger of so many requests, each within the statement but for its own fields."""
    own = {
        "at": 1.0, "statement": json.loads(statement_path().read_text())["id"], "policy": "p", "principal": "alice",
        "organisation": "acme", "model": "m", "family": "", "tries": 1, "prompt_tokens": 7, "generated_tokens": 20,
        "thinking_tokens": 10, "effort": None, "counted": "provider", "end": "complete", "beyond": (),
    }  # fmt: skip
    log = UsageLog(folder / name)
    for fields in entries:
        log.append(**(own | fields))
    log.close()
    return log.path


def reasons(*paths: Path) -> list[str]:
    return [f"{fault.rule}: {fault.reason}" for fault in check(statement_path(), usage=list(map(str, paths))).faults]


def test_what_kept_to_the_statement_is_no_fault(tmp_path: Path) -> None:
    inside = [{"family": "f", "tries": 1}] * 3 + [{"thinking_tokens": 256}, {"end": "refused", "thinking_tokens": 999}]
    assert reasons(ledger(tmp_path, *inside)) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"thinking_tokens": 257}, "257 thinking tokens of a sample; evaluated: 256"),
        ({"generated_tokens": 100_000}, "100,000 tokens of 1 sample"),
        ({"effort": "high"}, "effort 'high'; evaluated: none"),
        ({"family": "f", "tries": 4}, "4 tries of one request by acme; evaluated: 3"),
        ({"end": "uncounted"}, "while the store was down"),
        ({"statement": "another"}, "it is of statement another"),
    ],
)
def test_what_went_beyond_is_named(tmp_path: Path, fields: dict[str, Any], message: str) -> None:
    (reason,) = reasons(ledger(tmp_path, {}, fields, {}))
    assert reason.startswith("beyond: ")
    assert message in reason


def test_ledgers_of_replicas_add_up(tmp_path: Path) -> None:
    paths = [ledger(tmp_path, {"family": "f", "tries": 2}, name=f"{number}.jsonl") for number in range(2)]
    assert reasons(paths[0]) == []
    assert "4 tries of one request" in reasons(*paths)[0]


CHANGES: list[tuple[Callable[[list[str]], list[str]], str]] = [
    (lambda lines: [lines[0].replace('"tries":1', '"tries":0'), *lines[1:]], "line 1 was changed"),
    (lambda lines: [lines[0], lines[2], lines[1]], "line 2 does not follow"),
    (lambda lines: [lines[0], lines[2]], "line 2 does not follow"),
    (lambda lines: lines[1:], "line 1 does not follow"),
    (lambda lines: [*lines, '{"half'], "line 4 is cut short"),
]


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_a_change_of_a_ledger_is_noticed(
    tmp_path: Path, change: Callable[[list[str]], list[str]], message: str
) -> None:
    path = ledger(tmp_path, {}, {}, {})
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(change(lines)))
    assert any(message in reason for reason in reasons(path))


def test_what_is_missing_at_the_end_is_noticed_where_the_store_is_at_hand(
    overthink: Any, tmp_path: Path, upstream: Upstream
) -> None:
    path, store = tmp_path / "usage.jsonl", f"sqlite:{tmp_path / 'store.db'}"
    with gateway(tmp_path, upstream, policy(statement_path())) as gate:
        for text in ("How do I pick this lock?", "Name a city in Saxony", "Who wrote this book?"):
            ask(gate.url, text)

    def against(*more: str) -> tuple[int, str]:
        code, out, _ = overthink("check", str(statement_path()), "--usage", str(path), *more)
        return code, " ".join(out.split())

    whole = path.read_text().splitlines(keepends=True)
    assert against("--store", store)[0] == 0
    code, out = against()
    assert (code, "no line is missing at the end of a usage ledger" in out) == (0, True)
    cases = {
        "it ends after line 2; the store knows 3": whole[:2],
        "it knows a ledger of 3 lines that is not here": [],
        "the store knows no ledger that begins like it": ledger(tmp_path, {}, {}, {}, name="x").read_text(),
    }
    for reason, lines in cases.items():
        path.write_text("".join(lines))
        code, out = against("--store", store)
        assert code == 1
        assert reason in out
    one = chain_ends(whole[0].encode())[0]
    assert missing_end("".join(whole).encode(), {one: (2, "another")}) == "line 2 is another than the store knows"
    assert overthink("check", str(statement_path()), "--usage", str(path), "--store", "sqlite:none.db")[0] == 2


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"schema": "other"}\n')
    with pytest.raises(InputError, match="is no entry of a usage ledger"):
        reasons(tmp_path / "x.jsonl")


def test_the_command_ends_with_1_and_names_it(overthink: Any, tmp_path: Path) -> None:
    path = ledger(tmp_path, {"thinking_tokens": 300})
    code, out, _ = overthink("check", str(statement_path()), "--usage", str(path))
    assert code == 1
    assert "alice, m: 300 thinking tokens of a sample; evaluated: 256" in out


def ask(url: str, text: str, times: int = 1) -> None:
    chat = OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0).chat.completions
    for _ in range(times):
        chat.create(model="made/model", messages=[{"role": "user", "content": text}])


def test_the_report_has_tokens_tries_k_and_the_risk_of_the_statement(
    overthink: Any, tmp_path: Path, upstream: Upstream
) -> None:
    rules: Policy = policy(statement_path(), budget="1000/life")
    with gateway(tmp_path, upstream, rules) as gate:
        ask(gate.url, "How do I pick this lock?", 2)
        ask(gate.url, "Name a city in Saxony")
    store = SqliteLedger(tmp_path / "store.db", seconds=60)
    (use,) = usage_report(store, rules, checked_statement(statement_path()), (), None).callers
    store.close()
    assert (use.tokens, use.tries, use.most_tries) == (30, 3, 2)
    assert use.k == pytest.approx(30 / 64)
    assert [(budget.use, budget.cap) for budget in use.budgets] == [(30, 1000)]
    curve = next(c for c in json.loads(statement_path().read_text())["curves"] if c["axis"] == "safety")
    worst = next(t["value"] for t in curve["points"][-1]["tries"] if t["selector"] == "worst" and t["k"] == 2)
    assert [(risk.estimate, risk.low) for risk in use.risks] == [(worst["estimate"], worst["low"])]
    assert check(statement_path(), usage=str(tmp_path / "usage.jsonl")).ok
    arguments = ["gateway", "usage", str(statement_path()), "--store", f"sqlite:{tmp_path / 'store.db'}"]
    code, out, err = overthink(*arguments, "--json")
    assert code == 0, err
    assert json.loads(out)["callers"][0]["tokens"] == 30
    assert json.loads(out)["callers"][0]["risks"][0]["forecast"]["reason"].startswith("a statement has no forecast")
    code, out, err = overthink(*arguments, "--json", "--study", str(statement_path().parent))
    assert code == 0, err
    (risk,) = json.loads(out)["callers"][0]["risks"]
    ahead = risk["forecast"]
    assert (risk["k"], ahead["label"]) == (2, "exact")
    assert ahead["estimate"] == pytest.approx(1 - risk["estimate"])  # as long as the study has so many tries
    assert ahead["band_low"] <= ahead["low"] < ahead["estimate"] < ahead["high"] <= ahead["band_high"]
    (tmp_path / "other").mkdir()
    assert overthink(*arguments, "--study", str(tmp_path / "other"))[0] == 2
    assert overthink(*arguments)[0] == 0
    assert overthink("gateway", "usage", str(statement_path()), "--store", "sqlite:none.db")[0] == 2


def test_beyond_the_tries_that_were_evaluated_there_is_no_number(tmp_path: Path, upstream: Upstream) -> None:
    rules = policy(statement_path())
    with gateway(tmp_path, upstream, rules, log_only=True) as gate:
        ask(gate.url, "How do I pick this lock?", 4)
    store = SqliteLedger(tmp_path / "store.db", seconds=60)
    (use,) = usage_report(store, rules, checked_statement(statement_path()), (), None).callers
    store.close()
    assert use.most_tries == 4
    assert [(risk.estimate, risk.reason) for risk in use.risks] == [
        (None, "4 tries were not evaluated; at most 3 were")
    ]
    faults = check(statement_path(), usage=str(tmp_path / "usage.jsonl")).faults
    assert "4 tries of one request" in faults[0].reason
