"""Whatever fails or is stopped, what was paid is in the books: rows, and tries that were made again, as the provider
counted them."""

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from core_pools import traced
from simulated_study import one_task, run
from sweeps import few

import overthink
from overthink.collect.arms.registry import arm_plans
from overthink.collect.ladder.accounting import TraceAccounting
from overthink.collect.providers.attempts import Patience
from overthink.collect.providers.simulated.provider import SimulatedProvider
from overthink.cost.estimate import StudyUsage, study_usage
from overthink.cost.ledger import LedgerLine, ledger
from overthink.data.outcomes import from_records
from overthink.data.pool import pool_of, records_of, usage_of_pool
from overthink.data.record import RungRecord, Verdict
from overthink.data.tokens import NO_USAGE, TokenUsage
from overthink.errors import StoppedError
from overthink.plan.study import Plan
from overthink.storage import journal
from overthink.storage.journal import read_unfinished
from overthink.storage.jsonl import JsonLines
from overthink.storage.pool import read_pool
from overthink.storage.study_folder import StudyFolder
from overthink.workflows.collect import collect_traces
from overthink.workflows.resume import open_folder
from overthink.workflows.sources import Source

ROLLED = "prm-beam:width=2,children=2,aggregate=min,verifier=rollouts:n=2;tokens=6;against=consensus"
SHARES = {"base": 0.1, "safethink": 0.1, ROLLED: 0.03, ROLLED.replace("prm-beam", "dvts"): 0.03, "revise": 0.05}
"""By arm: the share of requests that fail."""

Request = Callable[[], object]

ENDLESS = Patience(failures=10**6)


@pytest.fixture
def fails(counted: list[int], monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What happens to a request before it is sent; the last one counts. Those that get through are counted."""
    before: list[Request] = [lambda: None]
    counting = SimulatedProvider.generate

    async def generate(self: SimulatedProvider, *args: Any, **more: Any) -> Any:
        before[-1]()
        return await counting(self, *args, **more)

    monkeypatch.setattr(SimulatedProvider, "generate", generate)
    return before


def at_random(share: float, seed: int) -> Request:
    chance = random.Random(seed)

    def perhaps() -> None:
        if chance.random() < share:
            raise ConnectionError("injected")

    return perhaps


def after(requests: int, happens: Request) -> Request:
    left = [requests]

    def then() -> None:
        left[0] -= 1
        if left[0] < 0:
            happens()

    return then


def raising(error: Exception) -> Request:
    def fail() -> None:
        raise error

    return fail


def ctrl_c() -> Request:
    pressed: list[None] = []

    def press() -> None:
        if not pressed:
            pressed.append(signal.raise_signal(signal.SIGINT))

    return press


@pytest.fixture(autouse=True)
def _default_handler() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def plan(arm: str = "base", **changes: Any) -> Plan:
    fields: dict[str, Any] = {"budgets": (0, 12, 30), "concurrency": 4, "draws": 3, "limit": 3}
    if arm != "base":
        fields["arms"] = arm_plans(arm, model="overthink/simulated")
    return one_task(**(fields | changes))


def collected(
    folder: Path, wanted: Plan, told: Callable[[Any], None] = lambda _: None, *, patience: Patience = ENDLESS
) -> Source:
    """What a run collects, without the findings that it would make of it; a second run goes on."""
    study = StudyFolder(folder)
    with open_folder(study, wanted, resume=study.plan.exists()) as has:
        session = replace(overthink.prepare(wanted), patience=patience)
        return collect_traces(session, study, has, told, lambda _: None)


def again(source: Source) -> TokenUsage:
    return sum((one.paid for one in source.cut_short), NO_USAGE)


def tokens(paid: TokenUsage) -> int:
    """What the model under test was asked for: these verifiers ask it, too, and the simulated guard asks nobody."""
    counts = (paid.prompt_tokens, paid.decoded_tokens, paid.step_verifier_tokens)
    assert None not in counts
    return sum(count or 0 for count in counts)


def took(source: Source) -> StudyUsage:
    assert source.estimate is not None
    return study_usage(source.pool, source.estimate, source.cut_short)


@pytest.mark.parametrize("arm", few(SHARES, 2))
def test_failed_traces_tell_all_that_was_answered(
    arm: str, fails: list[Request], counted: list[int], tmp_path: Path
) -> None:
    wanted = plan(arm, draws=2 if "rollouts" in arm else 3)  # a rollout is a request
    fails.append(at_random(SHARES[arm], seed=7))
    broken = collected(tmp_path / "s", wanted)
    failed = [row for row in records_of(broken.pool) if row.error]
    traces = {(row.task, row.arm, row.question, row.draw) for row in failed}
    assert 0 < len(traces) < 3 * wanted.draws
    assert {(row.value, row.verdict, row.thinking_tokens, row.answer_tokens) for row in failed} == {
        (None, Verdict.ERRORED, None, None)
    }
    assert tokens(usage_of_pool(broken.pool)) == sum(counted)
    # The control: rows that say nothing of what they paid.
    good = [row for row in records_of(broken.pool) if not row.error]
    assert tokens(usage_of_pool(pool_of(good))) < sum(counted)
    for whole, some in zip(by_rung(records_of(broken.pool)), by_rung(good), strict=True):
        assert whole.attempt == some.attempt  # one that failed is no attempt
        assert (whole.attempt_decoded, whole.realised_tokens) == (some.attempt_decoded, some.realised_tokens)
        assert whole.paid_in_all.unknown == some.paid_in_all.unknown
    paid = sum(line.decoded_tokens.tokens or 0 for line in by_rung(records_of(broken.pool)))
    assert paid == usage_of_pool(broken.pool).decoded_tokens
    assert (took(broken).n_failed, took(broken).n_cut_short) == (len(traces), 0)

    fails.append(lambda: None)
    mended = collected(tmp_path / "s", wanted)
    assert not [row for row in records_of(mended.pool) if row.error]
    assert tokens(usage_of_pool(mended.pool) + again(mended)) == sum(counted)
    assert (took(mended).n_failed, took(mended).n_cut_short, took(mended).n_unanswered) == (0, len(traces), len(traces))


def by_rung(records: Sequence[RungRecord]) -> Sequence[LedgerLine]:
    return ledger(from_records(records))


@pytest.mark.parametrize("beside", [{"controls": ("natural", "truncated")}, {"resamples": 3}], ids=str)
def test_what_fails_beside_the_ladder_is_told_there(
    beside: dict[str, Any], fails: list[Request], counted: list[int], tmp_path: Path
) -> None:
    ended = {"model_args": {"capability": "rise", "safety": "decline", "natural_length": 12}, "budgets": (0, 30)}
    fails.append(at_random(0.12, seed=1))
    source = collected(tmp_path / "s", plan(**beside, **ended))
    failed = [row for row in records_of(source.pool) if row.error and row.estimand != "forced"]
    assert failed
    assert all(row.cancelled_tokens == row.generated_tokens for row in failed)
    assert any(row.generated_tokens for row in failed) == ("resamples" in beside)  # a control is one request alone
    assert tokens(usage_of_pool(source.pool)) == sum(counted)


def test_an_added_rung_that_fails_is_paid_once(fails: list[Request], counted: list[int], tmp_path: Path) -> None:
    endless = {"model_args": {"capability": "rise", "safety": "decline"}}
    collected(tmp_path / "s", plan(budgets=(0, 30), **endless))
    longer = plan(budgets=(0, 6, 12, 18, 30), **endless)
    fails.append(at_random(0.2, seed=5))
    broken = collected(tmp_path / "s", longer)
    assert {row.requested_tokens for row in records_of(broken.pool) if row.error} == {6, 12, 18}
    assert tokens(usage_of_pool(broken.pool)) == sum(counted)
    fails.append(lambda: None)
    mended = collected(tmp_path / "s", longer)
    assert tokens(usage_of_pool(mended.pool) + again(mended)) == sum(counted)
    assert tokens(again(mended)) > 0


@pytest.mark.parametrize("arm", ["base", ROLLED])
def test_what_was_cut_short_is_kept_and_told_once(
    arm: str, fails: list[Request], counted: list[int], tmp_path: Path
) -> None:
    wanted = plan(arm, budgets=(0, 12), draws=4 if arm == "base" else 2)
    whole = collected(tmp_path / "whole" / "s", wanted)
    counted.clear()
    for requests, stopped in ((2, ctrl_c()), (5, raising(StoppedError("no")))):
        fails.append(after(requests, stopped))
        with pytest.raises((KeyboardInterrupt, StoppedError)):
            collected(tmp_path / "s", wanted)
    fails.append(lambda: None)
    source = collected(tmp_path / "s", wanted)
    assert tokens(usage_of_pool(source.pool) + again(source)) == sum(counted)
    assert tokens(usage_of_pool(source.pool)) < sum(counted)  # the control: rows alone
    unfinished = read_unfinished(StudyFolder(tmp_path / "s").unfinished)
    assert tuple(unfinished) == source.cut_short
    assert sorted(traced(source.pool), key=str) == sorted(traced(whole.pool), key=str)
    assert (took(source).retry_usage, took(source).n_cut_short) == (again(source), len(unfinished))
    assert took(source).decoded_tokens == (took(whole).decoded_tokens or 0) + (again(source).decoded_tokens or 0)
    assert took(collected(tmp_path / "s", wanted)) == took(source)  # nothing is told twice


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_kill_at_any_request_loses_the_count_of_what_was_in_flight_alone(
    concurrency: int, fails: list[Request], counted: list[int], tmp_path: Path
) -> None:
    """A killed process leaves its folder as it is at that moment: a copy of it."""
    wanted, kills = plan(concurrency=concurrency), dict[Path, list[int]]()

    def leave() -> None:
        copied = tmp_path / str(len(kills)) / "s"
        copytree(tmp_path / "s", copied)
        kills[copied] = list(counted)

    fails.append(lambda: leave() if len(counted) in (2, 18) else None)
    collected(tmp_path / "s", wanted)
    assert len(kills) >= 2
    fails.append(lambda: None)
    for copied, answered in kills.items():
        (left,) = overthink.status(copied).folders
        assert left.unanswered_requests is not None
        assert 1 <= left.unanswered_requests <= concurrency
        booked = (left.prompt_tokens or 0) + (left.decoded_tokens or 0)
        unknown = sum(answered) - booked  # of requests whose answer had come, and was not read yet
        assert 0 <= unknown <= (left.unanswered_requests - 1) * max(answered)
        counted.clear()
        source = collected(copied, wanted)
        assert tokens(usage_of_pool(source.pool) + again(source)) == booked + sum(counted)
        assert took(source).n_unanswered == left.unanswered_requests
        assert overthink.status(copied).total.unanswered_requests == left.unanswered_requests
        assert tokens(again(source)) > 0  # the control: rows alone lack it


def test_what_tries_take_is_written_anew_before_it_grows(
    fails: list[Request], counted: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(journal, "BYTES_BETWEEN", 2_000)
    sizes = [0]
    fails.append(lambda: sizes.append(StudyFolder(tmp_path / "s").unfinished.stat().st_size))
    source = collected(tmp_path / "s", plan())
    assert 1_000 < max(sizes) < 5_000  # of 27 traces with 6 lines or more of 250 bytes
    assert StudyFolder(tmp_path / "s").unfinished.read_text() == '{"overthink.unfinished":1}\n'
    assert tokens(usage_of_pool(source.pool)) == sum(counted)


def test_a_server_that_is_gone_leaves_what_its_last_traces_paid(
    fails: list[Request], counted: list[int], tmp_path: Path
) -> None:
    fails.append(after(19, raising(ConnectionError("refused"))))
    with pytest.raises(StoppedError, match="refused"):
        collected(tmp_path / "s", plan(), patience=Patience(failures=3))
    fails.append(lambda: None)
    source = collected(tmp_path / "s", plan())
    assert tokens(usage_of_pool(source.pool) + again(source)) == sum(counted)
    assert {one.unanswered for one in source.cut_short} == {1}


@pytest.mark.parametrize("room", [0, 2])
def test_a_full_disk_leaves_what_it_could_not_keep(
    room: int, counted: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    append, kept = JsonLines.append, list[object]()

    def full(self: JsonLines[Any], trace: object) -> None:
        if self.path.name != "journal.jsonl":
            return append(self, trace)
        if len(kept) >= room:
            raise StoppedError("no space left on device")
        kept.append(trace)
        return append(self, trace)

    with monkeypatch.context() as broken:
        broken.setattr(JsonLines, "append", full)
        with pytest.raises(StoppedError, match="no space"):
            collected(tmp_path / "s", plan())
    source = collected(tmp_path / "s", plan())
    assert tokens(usage_of_pool(source.pool) + again(source)) == sum(counted)
    assert source.cut_short


def test_a_run_that_stops_behind_a_trace_that_was_kept_tells_it_once(counted: list[int], tmp_path: Path) -> None:
    def stop(trace: object) -> None:
        raise StoppedError("somebody looks on, and has seen enough")

    with pytest.raises(StoppedError):
        collected(tmp_path / "s", plan(concurrency=1), told=stop)
    source = collected(tmp_path / "s", plan(concurrency=1))
    assert tokens(usage_of_pool(source.pool)) == sum(counted)
    assert not source.cut_short


def test_books_that_write_nothing_off_do_not_balance(
    fails: list[Request], counted: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(TraceAccounting, "write_off", TraceAccounting.settle)
    fails.append(at_random(0.2, seed=7))
    source = collected(tmp_path / "s", plan())
    assert tokens(usage_of_pool(source.pool)) < sum(counted)


@pytest.mark.long
def test_a_report_tells_what_was_made_again(fails: list[Request], tmp_path: Path) -> None:
    fails.append(at_random(0.3, seed=2))
    run(tmp_path / "s", plan())
    fails.append(after(3, ctrl_c()))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "s", plan(), resume=True)
    fails.append(lambda: None)
    study = run(tmp_path / "s", plan(), resume=True)
    assert study.findings == run(tmp_path / "whole" / "s", plan()).findings
    pools = [traced(read_pool(folder / "s" / "pool.parquet")) for folder in (tmp_path, tmp_path / "whole")]
    assert pools[0] == pools[1]
    paid = study.about.actual_cost
    assert paid is not None
    assert f"{paid.retry_usage.decoded_tokens:,} decoded" in " ".join(study.text().split())
    assert overthink.workflows.analyse.report(tmp_path / "s").about.actual_cost == paid
