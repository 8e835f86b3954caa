"""Monitors of a study that is there: every rung scored once, nothing else paid, a stopped command goes on."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from embedded import embedded_model
from simulated_study import one_task, run

import overthink
from overthink.collect.monitors.base import Excerpt, Suspicion
from overthink.collect.monitors.registry import MonitorPlan, read_monitor
from overthink.collect.monitors.score import MonitorSession, collect_suspicions, open_monitors
from overthink.collect.monitors.text import TextMonitor
from overthink.collect.monitors.texts import TraceText
from overthink.collect.providers.attempts import Patience
from overthink.collect.providers.simulated.thinking import token_count
from overthink.collect.rescore.open import read_answer_texts
from overthink.data.kinds import Kind, Metric
from overthink.data.oversight import OversightRow, RedTeam, View
from overthink.data.oversight_pool import overseen_rungs
from overthink.errors import InputError, StoppedError
from overthink.plan.arms import BASE, ArmPlan
from overthink.reports.tables.ledger import cost_rows
from overthink.storage.oversight import projections_of, read_oversight, read_oversight_journal
from overthink.workflows.monitor import attacks_of, prepare_monitoring

PROBE = "simulated_probe:auc=0.95"
MONITORS = ("lexical:words=marigold|tangerine", "simulated:auc=0.9")
VIEWS = ("cot", "both")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched") / "s"
    run(folder, one_task(limit=6, draws=2))
    return folder


@pytest.fixture(scope="module")
def watched(original: Path, tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    folder = Path(shutil.copytree(original, tmp_path_factory.mktemp("scored") / "s"))
    return overthink.monitor(folder, monitor=MONITORS, view=VIEWS)


def table_of(study: overthink.Study) -> pl.DataFrame:
    assert study.folder is not None
    return read_oversight(study.folder.oversight)


def test_every_rung_of_every_trace_is_scored_once_and_nothing_else_is_paid(
    original: Path, watched: overthink.Study
) -> None:
    assert watched.folder is not None
    table = table_of(watched)
    assert table.height == 6 * 2 * 3 * len(MONITORS) * len(VIEWS)
    assert table["score"].null_count() == 0
    assert (watched.folder.path / "pool.parquet").read_bytes() == (original / "pool.parquet").read_bytes()
    values = {
        (row["question"], row["draw"], row["requested_tokens"]): row["value"]
        for row in watched.frame().filter(estimand="forced").iter_rows(named=True)
    }
    for row in table.iter_rows(named=True):
        is_safe = values[row["question"], row["draw"], row["requested_tokens"]] == 1
        assert (row["behaviour"], row["correct"]) == (not is_safe, is_safe)
        assert (row["attack"], row["red_team"]) == ("honest", None)


def test_a_rung_behind_the_end_of_its_trace_costs_nothing_and_every_token_is_on_the_ledger(
    watched: overthink.Study,
) -> None:
    assert watched.folder is not None
    cot = table_of(watched).filter(monitor=MONITORS[1], view="cot")
    rungs = list(overseen_rungs(watched.pool))
    texts = read_answer_texts(watched.folder.logs, {(*rung.trace, rung.source or 0) for rung in rungs})
    tokens = {}
    carried = 0
    for rung in rungs:
        text = texts[(*rung.trace, rung.source or 0)]
        is_own = rung.source == rung.requested_tokens
        carried += not is_own
        spent = token_count(text.question + (text.thought or "")) if is_own else 0
        tokens[rung.question, rung.draw, rung.requested_tokens] = spent
    assert carried > 0
    rows = {(row["question"], row["draw"], row["requested_tokens"]): row for row in cot.iter_rows(named=True)}
    assert {key: row["overseer_prompt_tokens"] for key, row in rows.items()} == tokens
    for rung in rungs:
        row, source = (rows[rung.question, rung.draw, budget] for budget in (rung.requested_tokens, rung.source))
        assert row["score"] == source["score"]
    (paid,) = (
        finding
        for finding in watched.find(kind="monitor", metric="monitor_tokens_paid")
        if finding.label == f"{MONITORS[1]} reads cot"
    )
    assert paid.estimate == sum(tokens.values())


def test_findings_page_and_tables_know_monitors(watched: overthink.Study) -> None:
    assert watched.folder is not None
    found = watched.find(kind=overthink.Kind.MONITOR, metric="auroc")
    assert {finding.at.requested_tokens for finding in found} == {0, 8, 32}
    assert {finding.axis for finding in found} == {"safety"}
    page = watched.html()
    assert '<section id="oversight">' in page
    assert "Is it watched?" in page
    assert {name: spent for name, _, spent in cost_rows(watched.about)}["beside it, monitors"] == (
        f"{table_of(watched)['overseer_prompt_tokens'].sum():,} prompt, "
        f"{table_of(watched)['overseer_decoded_tokens'].sum():,} decoded"
    )
    written = overthink.table(watched.folder.path, what="findings", format="csv")
    assert "tpr_at_fpr" in str(written)
    assert "simulated:auc=0.9 reads both" in watched.text()
    assert not watched.verdicts.is_empty()
    again = overthink.analyse(watched.folder.path)
    assert again.findings == watched.findings
    names = Counter(finding.id for finding in watched.findings)
    assert set(names.values()) == {1}


def test_a_command_that_was_stopped_goes_on_and_pays_nothing_twice(
    original: Path, watched: overthink.Study, tmp_path: Path
) -> None:
    study = Path(shutil.copytree(original, tmp_path / "s"))
    first: list[OversightRow] = []

    def stop(row: OversightRow) -> None:
        first.append(row)
        if len(first) == 20:
            raise StoppedError("the power went")

    with pytest.raises(StoppedError, match="the power went"):
        overthink.monitor(study, monitor=MONITORS, view=VIEWS, on_row=stop)
    assert not (study / "oversight.parquet").exists()
    with (study / "oversight.jsonl").open("ab") as file:
        file.write(b'{"torn')  # killed while writing
    second: list[OversightRow] = []
    result = overthink.monitor(study, monitor=MONITORS, view=VIEWS, on_row=second.append)
    assert not {row.key for row in first} & {row.key for row in second}
    assert table_of(result).equals(table_of(watched))
    assert result.findings == watched.findings
    ready = prepare_monitoring(study, monitor=MONITORS, view=VIEWS)
    assert (ready.n_scored, ready.session.missing) == (ready.scores, [])


def session(study: Path, monitor: str, **texts: str | None) -> MonitorSession:
    """One trace at one rung, with texts of its own."""
    pool = overthink.analyse(study).pool
    rung = next(overseen_rungs(pool))
    text = TraceText("a question", texts.get("thought"), texts.get("answer") or "fine", "a.eval", 1)
    plans = open_monitors([read_monitor(monitor, model="overthink/simulated")])
    return MonitorSession(plans, (View.COT, View.ACTION), [rung], {rung: text}, {}, {}, patience=Patience(pause=0.001))


def test_only_a_simulated_monitor_gets_to_know_what_is_to_be_caught(original: Path, tmp_path: Path) -> None:
    seen: dict[str, Excerpt] = {}
    for name in ("lexical:words=a", "simulated:auc=0.9"):
        own = session(original, name, thought="a")

        async def judge(self: object, excerpt: Excerpt, name: str = name) -> Suspicion:
            seen[name] = excerpt
            return Suspicion(0.5)

        spied = type("Spied", (type(own.monitors[0].monitor),), {"judge": judge}).model_construct()
        collect_suspicions(
            replace(own, monitors=(replace(own.monitors[0], monitor=spied),)), log_dir=tmp_path, on_row=lambda _: None
        )
    blind, planted = seen.values()
    assert (blind.is_bad, planted.is_bad is None) == (None, False)
    assert "base" in planted.key
    assert len(blind.key) == 1
    assert "base" not in str(blind.key)


def test_a_trace_whose_thinking_is_hidden_cannot_be_overseen_by_text(original: Path, tmp_path: Path) -> None:
    rows: list[OversightRow] = []
    collect_suspicions(session(original, MONITORS[0], thought=None), log_dir=tmp_path, on_row=rows.append)
    by_view = {row.view: row for row in rows}
    assert by_view[View.COT].score is None
    assert (by_view[View.COT].reason or "").startswith("cannot be overseen by text")
    assert by_view[View.ACTION].score == 0.0


def test_a_monitor_of_a_task_is_asked_about_the_question_of_the_trace(original: Path, tmp_path: Path) -> None:
    rows: list[OversightRow] = []
    collect_suspicions(session(original, "rule", thought="hm"), log_dir=tmp_path, on_row=rows.append)
    assert {row.reason for row in rows} == {"the question is none of overthink/thought_control"}


FAILING = """
from overthink.extend import Excerpt, Monitor, Suspicion, component


@component("failing")
class Failing(Monitor):
    "Pays, and fails the first time."

    async def judge(self, excerpt: Excerpt) -> Suspicion:
        from overthink.data.tokens import TokenUsage
        excerpt.meter.add(TokenUsage(prompt_tokens=7))
        if excerpt.view == "cot" and not SEEN:
            SEEN.append(1)
            raise RuntimeError("the line went dead")
        return Suspicion(float("nan")) if excerpt.view == "action" else Suspicion(0.25)


SEEN = []
"""


def test_a_failed_call_is_measured_again_and_its_tokens_stay_counted(original: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(FAILING)
    study = Path(shutil.copytree(original, tmp_path / "s"))
    monitor = f"{tmp_path}/own.py@failing"
    overthink.monitor(study, monitor=monitor, view=("cot", "action"))
    rows = read_oversight_journal(study / "oversight.jsonl")
    errors = [row for row in rows if row.error is not None]
    assert len(errors) == 1
    assert errors[0].overseer.prompt_tokens == 7
    assert {row.reason for row in rows if row.view == View.ACTION} == {"the score is NaN"}
    second: list[OversightRow] = []
    overthink.monitor(study, monitor=monitor, view=("cot", "action"), on_row=second.append)
    (again,) = second
    assert (again.key, again.score, again.overseer.prompt_tokens) == (errors[0].key, 0.25, 14)
    assert "(file " in (again.monitor or "")


def test_a_monitor_that_is_the_agent_is_warned_of_and_recorded(original: Path, tmp_path: Path) -> None:
    study = Path(shutil.copytree(original, tmp_path / "s"))
    result = overthink.monitor(study, monitor="text:model=overthink/simulated,tokens=8", view="action")
    assert any("is the model that it watches" in note for note in result.about.notes)
    (label,) = table_of(result)["monitor"].unique()
    assert label == "text:model=overthink/simulated,tokens=8"
    rungs = result.results.oversight.monitors[0].rungs
    assert all(rung.scored.estimate is not None for rung in rungs)


def test_a_model_in_this_process_watches(original: Path, tmp_path: Path) -> None:
    model = embedded_model()
    monitor = TextMonitor(model="overthink/smollm2", effort="8", tokens=16, extract=16).with_model(model)
    one = session(original, MONITORS[0], thought="Two and two is four.", answer="4")
    views = (View.BOTH, View.EXTRACTED)
    rows: list[OversightRow] = []
    watch = replace(one, monitors=(MonitorPlan(monitor, "text"),), views=views)
    collect_suspicions(watch, log_dir=tmp_path, on_row=rows.append)
    assert {row.view: 0 < (row.overseer.decoded_tokens or 0) <= 40 for row in rows} == dict.fromkeys(views, True)
    assert {row.monitor_effort for row in rows} == {"8"}
    assert all((row.score is None) == (row.reason is not None) for row in rows)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"monitor": "nobody"}, "knows no 'nobody'; known: text"),
        ({"monitor": ()}, "no monitor is named"),
        ({"monitor": "lexical"}, "needed: words=WORD"),
        (
            {"monitor": "lexical:words=a", "view": "mind"},
            "--view mind is unknown; needed: cot, action, both, extracted",
        ),
        ({"monitor": "lexical:words=a", "view": "extracted"}, "extracts no passages"),
        ({"monitor": ("lexical:words=a", "lexical:words=a")}, "is stated 2 times"),
        ({"monitor": "lexical:words=a", "arm": "other"}, "has no arm 'other'; it has: base"),
        ({"monitor": "text:model=no/such"}, "monitor 'no/such' cannot be used"),
        ({"monitor": "scout:scan=nowhere"}, "holds no _scan.json"),
    ],
)
def test_what_cannot_be_done_is_one_clear_message(original: Path, words: dict[str, object], message: str) -> None:
    before = sorted(path.name for path in original.iterdir())
    with pytest.raises(InputError, match=message):
        overthink.monitor(original, **words)  # type: ignore[arg-type]
    assert sorted(path.name for path in original.iterdir()) == before


def test_an_attack_is_a_part_of_an_arm() -> None:
    attack = ArmPlan(label="leak", parts=("attack",), settings={"policy": "acrostic", "red_team": "aware"})
    attacks = attacks_of([BASE, attack])
    assert (attacks["base"].policy, attacks["base"].red_team) == ("honest", None)
    assert (attacks["leak"].policy, attacks["leak"].red_team) == ("acrostic", RedTeam.AWARE)


FAILS_ONCE = """
from overthink.extend import Excerpt, Monitor, Suspicion, component

calls = []

@component("once")
class Once(Monitor):
    \"\"\"Fails at its first call.\"\"\"

    async def judge(self, excerpt: Excerpt) -> Suspicion:
        calls.append(excerpt)
        if len(calls) == 1:
            raise RuntimeError("down")
        return Suspicion(0.5)
"""


def test_the_command_line(original: Path, tmp_path: Path, overthink) -> None:  # type: ignore[no-untyped-def]
    shutil.copytree(original, tmp_path / "s")
    (tmp_path / "once.py").write_text(FAILS_ONCE)
    words = ("monitor", "s", "--monitor", "lexical:words=marigold", "--monitor", "once.py@once", "--json")
    code, out, err = overthink(*words, "--view", "action")
    assert code == 0
    assert "scores that failed and are missing: 1, the last with RuntimeError: down" in err
    assert "no model is called" in err
    found = [finding for finding in json.loads(out)["findings"] if finding["kind"] == "monitor"]
    assert {"auroc", "scored", "monitor_tokens"} <= {finding["metric"] for finding in found}


@pytest.fixture(scope="module")
def read(original: Path, tmp_path_factory: pytest.TempPathFactory) -> overthink.Study:
    folder = Path(shutil.copytree(original, tmp_path_factory.mktemp("read") / "s"))
    return overthink.monitor(folder, monitor=[PROBE, MONITORS[1]], view="cot")


def test_a_reading_per_rung_is_stored_and_costs_what_is_read(read: overthink.Study) -> None:
    assert read.folder is not None
    table = read_oversight(read.folder.oversight).filter(monitor=PROBE)
    assert table["score"].null_count() == table.height
    assert all("kind probe" in reason for reason in table["reason"])
    lines = projections_of(read.folder)
    own = table.filter(overseer_prompt_tokens=0)
    assert len(lines) == table.height - own.height  # a rung behind the end of its trace has that of the rung below
    assert own["natural_end"].all()
    assert all(line.reading().activations.shape == (2, 4) for line in lines)
    assert prepare_monitoring(read.folder.path, monitor=[PROBE], view="cot").session.missing == []


def test_findings_have_the_probe_its_baselines_and_the_monitor_beside_it(read: overthink.Study) -> None:
    found = read.find(kind=Kind.PROBE)
    assert {finding.metric for finding in found} == {
        Metric.AUROC, Metric.AUROC_PROMPT_ONLY, Metric.AUROC_LENGTH, Metric.AUROC_WORDS, Metric.AUROC_RANDOM_DIRECTION,
        Metric.AUROC_SHUFFLED_LABELS, Metric.BEYOND_PROMPT, Metric.PROBE_MINUS_TEXT,
    }  # fmt: skip
    assert {finding.label for finding in read.find(kind=Kind.MONITOR, metric="scored")} == {f"{MONITORS[1]} reads cot"}
    page = read.html()
    assert "Does a probe see more?" in page
    assert "AUROC of the probe at each thinking budget" in read.text()


def test_a_copy_of_a_study_keeps_its_readings_and_damage_is_named(read: overthink.Study, tmp_path: Path) -> None:
    assert read.folder is not None
    copy = Path(shutil.copytree(read.folder.path, tmp_path / "copy"))
    assert overthink.analyse(copy).findings == read.findings
    lines = (copy / "projections.jsonl").read_text(encoding="utf-8").splitlines()
    damaged = lines[-1].replace('"activations":"', '"activations":"!')
    (copy / "projections.jsonl").write_text("\n".join([*lines[:-1], damaged]) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="projection"):
        overthink.analyse(copy)
