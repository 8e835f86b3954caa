"""Every fault of a server ends as a retried success, a marked row, or a stop that can be resumed; nothing hangs.

One study per case, all faults at once: each question names the fault that its own requests will meet.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_server import FAULTS, TEMPLATE_FAULTS, FaultyServer
from sweeps import few

import overthink
from overthink.collect.providers.attempts import Patience
from overthink.collect.session.prepare import Session
from overthink.data.pool import records_of
from overthink.data.record import RungRecord, Verdict
from overthink.errors import StoppedError
from overthink.plan.study import Plan, checked_plan

BUDGETS, ANSWER_TOKENS = (32, 64), 32
ALWAYS = 10**6

TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import match
from inspect_ai.solver import generate

@task
def faulty():
    samples = [Sample(input=f"{name}. End with a line ANSWER: N", target="42", id=name) for name in NAMES]
    return Task(dataset=samples, solver=generate(), scorer=match())
"""

RETRIED = {
    "hangs", "slow-loris", "429", "429-retry-after", "500", "502-html", "503", "504", "reset", "reset-after-headers",
    "closed", "half-a-body", "redirect-loop",
}  # fmt: skip
"""Faults of the transport: the request is sent again. Others come as an answer, and may mark the trace."""

REFUSALS = {"401", "403", "404", "redirect-elsewhere", "template-401"}
"""Faults that stop the run at once: no other request could succeed."""


SHORT = Patience(tries=3, seconds=1, seconds_per_token=0, pause=0.01)

ENDLESS = replace(SHORT, failures=ALWAYS)
"""A run in which most questions fail goes on to the last."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    made = FaultyServer()
    monkeypatch.setenv("FAULTY_API_KEY", "sk-a-secret-key")
    yield made
    made.close()


def plan(tmp_path: Path, server: FaultyServer, names: list[str], *, concurrency: int) -> Plan:
    file = tmp_path / "task.py"
    file.write_text(f"NAMES = {names!r}\n{TASK}")
    return checked_plan(
        overthink="0",
        model="openai-api-completions/faulty/m",
        model_args={"max_retries": 0, "base_url": server.url},
        tasks=overthink.tasks(capability=[f"{file}@faulty"], safety=[], benign=[], args={}),
        budgets=BUDGETS,
        draws=1,
        seed=1,
        answer_tokens=ANSWER_TOKENS,
        concurrency=concurrency,
    )


def prepared(wanted: Plan, patience: Patience) -> Session:
    return replace(overthink.prepare(wanted), patience=patience)


def asked(times: int) -> list[str]:
    """Every fault, as the server reads it: of thinking where it comes once, of answers where it stays, and the others
    the other way round."""
    names = []
    for number, name in enumerate(name for name in FAULTS if name not in REFUSALS):
        place = "think" if (number + times) % 2 else "answer"
        names.append(f"{name}/{'template' if name in TEMPLATE_FAULTS else place}/{times}/{number}")
    return names


def by_fault(study: overthink.Study) -> dict[str, list[RungRecord]]:
    found: dict[str, list[RungRecord]] = {}
    for row in sorted(records_of(study.pool), key=lambda row: row.rung):
        found.setdefault(row.question, []).append(row)
    return found


def is_truth(rows: list[RungRecord]) -> bool:
    """Whether the rows are what a server without faults gives."""
    return [(r.value, r.verdict, r.thinking_tokens, r.answer_tokens, r.natural_end, r.error) for r in rows] == [
        (1.0, Verdict.CORRECT, budget, 2, False, None) for budget in BUDGETS
    ]


def is_marked(rows: list[RungRecord]) -> bool:
    """Whether the trace is errored from some rung on, with nothing made up, and true below.

    What was decoded for the rung at which it failed is told there, as cancelled; above it nothing was.
    """
    reached = [row for row in rows if row.error is None]
    failed = rows[len(reached) :]
    return (
        len(rows) == len(BUDGETS)
        and bool(failed)
        and all(row.value == 1.0 and row.thinking_tokens == row.requested_tokens for row in reached)
        and all(
            (row.verdict, row.value, row.thinking_tokens, row.answer_tokens) == (Verdict.ERRORED, None, None, None)
            for row in failed
        )
        and failed[0].generated_tokens in (0, 32)
        and {row.cancelled_tokens for row in failed} == {failed[0].generated_tokens}
        and {row.generated_tokens for row in failed[1:]} <= {0}
        and all(row.error and "sk-a-secret-key" not in row.error and "RetryError" not in row.error for row in failed)
    )


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 30
    assert set(FAULTS) > RETRIED


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # of the OpenAI client, for values of a wrong type
def test_a_fault_that_happens_once_is_retried_or_marked_and_mended(server: FaultyServer, tmp_path: Path) -> None:
    patience = replace(ENDLESS, tries=8, seconds=3)  # a busy machine may let a try or two run out of time
    names = asked(times=1)
    wanted = plan(tmp_path, server, names, concurrency=12)
    study = overthink.run(prepared(wanted, patience), tmp_path / "s")
    found = by_fault(study)
    assert found.keys() == set(names)
    for name, rows in found.items():
        fault = name.split("/")[0]
        retried = fault in RETRIED or fault in TEMPLATE_FAULTS
        assert is_truth(rows) or (is_marked(rows) and not retried), rows
    marked = {name for name, rows in found.items() if not is_truth(rows)}
    assert len(marked) >= 30
    asked_before = Counter(server.met)
    mended = overthink.run(prepared(wanted, patience), tmp_path / "s", resume=True)
    assert all(is_truth(rows) for rows in by_fault(mended).values())
    assert {name for name, _ in server.met - asked_before} == marked
    for value in (finding.estimate for finding in mended.find(metric="mean")):
        assert value == 1.0


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # of the OpenAI client, for values of a wrong type
def test_a_fault_that_stays_marks_its_trace_and_no_other(server: FaultyServer, tmp_path: Path) -> None:
    names = ["none/think/0/0", *asked(times=ALWAYS)]
    study = overthink.run(prepared(plan(tmp_path, server, names, concurrency=24), ENDLESS), tmp_path / "s")
    found = by_fault(study)
    assert is_truth(found.pop("none/think/0/0"))
    for rows in found.values():
        assert is_marked(rows), rows
    for mean in study.find(metric="mean"):
        assert mean.estimate is None or math.isclose(mean.estimate, 1.0)


@pytest.mark.parametrize("fault", few(["hangs", "500", "usage-missing", "template-500"], 2))
def test_a_server_that_stays_broken_stops_the_run_and_is_resumed(
    fault: str, server: FaultyServer, tmp_path: Path
) -> None:
    place = "template" if fault in TEMPLATE_FAULTS else "answer"
    names = [f"none/think/0/{i}" for i in range(2)] + [f"{fault}/{place}/{ALWAYS}/{i}" for i in range(14)]
    wanted = plan(tmp_path, server, names, concurrency=4)
    with pytest.raises(StoppedError, match=r"failed (in 8 traces )?one after the other.*--resume") as stopped:
        overthink.run(prepared(wanted, replace(SHORT, seconds=1)), tmp_path / "s")
    assert stopped.value.exit_code == 3
    assert "sk-a-secret-key" not in str(stopped.value)
    assert not (tmp_path / "s" / "pool.parquet").exists()
    server.mended = True
    resumed = overthink.run(prepared(wanted, replace(SHORT, seconds=20)), tmp_path / "s", resume=True)
    assert all(is_truth(rows) for rows in by_fault(resumed).values())


def test_the_checks_can_fail(server: FaultyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from overthink.collect.providers import continuation

    def trusting(model: object, output, text: str, **_: object) -> tuple[int, int]:  # type: ignore[no-untyped-def]
        return output.usage.output_tokens, output.usage.input_tokens

    monkeypatch.setattr(continuation, "checked_counts", trusting)
    faults = ("usage-too-large", "usage-zero", "stopped-early")
    names = [f"{fault}/think/9/{number}" for number, fault in enumerate(faults)]
    study = overthink.run(prepared(plan(tmp_path, server, names, concurrency=4), ENDLESS), tmp_path / "s")
    for rows in by_fault(study).values():
        assert not is_truth(rows)
        assert not is_marked(rows)
