"""Honest statements pass alone and with their study, whatever was run, stated or named."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from made_study import Made, write_made_findings, write_study
from sweeps import few
from typer.testing import CliRunner

from overthink.cli.main import app
from overthink.errors import InputError
from overthink.governance.statement.wording import own_words, plain, quote
from overthink.plan.study import Plan
from overthink.storage.json_documents import write_plan
from overthink.workflows.statement import check, statement

GOLDEN = Path(__file__).parents[1] / "golden" / "inputs"
TWO = {"capability": (0.3, 0.7), "safety": (0.9, 0.6)}
SMALL = Made(TWO, budgets=(0, 64), questions=12, draws=2)

STATED: Mapping[str, dict[str, Any]] = {
    "nothing": {},
    "a revision": {"revision": "2026-11-01"},
    "a revision in other letters": {"revision": "модель-1 ｖ２"},
    "a developer": {"developer": "Łódź & Søn <b>GmbH</b>"},
    "a note": {"note": "The evaluator believes that the model is safe."},
    "a note of many lines": {"note": "# Safe\n\n| a | b |\n|---|---|\n`x` <script>alert(1)</script>\u202e"},
    "notes": {"notes": {"c1": "As before.", "c2": "[link](javascript:alert(1))"}},
    "a note in Japanese": {"note": "モデルは安全だと思います。"},
    "parameters": {"active_parameters": 7e9, "hardware": "8 × H100"},
    "a deployable budget": {
        "max_deployable_budget": {"thinking_tokens": 64, "tries": 1, "source": "limit | of `the` service"}},
    "a misuse actor": {"misuse_actor_budget": {"thinking_tokens": 10**6, "tries": 1000, "source": "a guess"}},
    "who evaluates": {
        "organization": "AI Safety Institute", "evaluator_relationship": "third_party",
        "deployment_type": "externally_managed", "model_availability": "closed_weights"},
}  # fmt: skip

NAMES = (
    "plain",
    "a`b|c",
    "new\nline",
    "-- [x](y) <b>",
    "모델/模型",
    "naïve café",
    "мodel",
    "\u202esafe",
    "x" * 300,
    "{curly} \\u{41} %s",
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(tmp_path_factory.mktemp("made") / "study", SMALL)


def both(path: Path, folder: Path) -> list[str]:
    """Faults of a statement alone, then with its study."""
    return [str(fault) for study in (None, folder) for fault in check(path, study=study).faults]


@pytest.mark.parametrize("name", few(STATED, 5))
def test_what_is_stated_is_no_fault_and_own_words_are_counted(name: str, study: Path, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(json.dumps(STATED[name]))
    written = statement(study, out=tmp_path / "out", facts=tmp_path / "facts.json")
    assert written.path is not None
    assert both(written.path, study) == []
    words = _texts(STATED[name])
    assert len(check(written.path).own_words) == len(words)
    page = written.text()
    assert page.count("own words, not checked: `") == len(words)
    for export in (page, *written.exports().values()):
        assert not any(hostile in export for hostile in ("<script", "<b>", "\u202e", "\n# Safe", "ｖ"))


def _texts(part: Any, name: str = "") -> list[str]:
    """Own words among what is stated."""
    if isinstance(part, dict):
        return [text for key, inner in part.items() for text in _texts(inner, key if name != "notes" else "note")]
    is_choice = name in ("evaluator_relationship", "deployment_type", "model_availability")
    return [part] if isinstance(part, str) and not is_choice else []


@pytest.mark.parametrize("name", few(NAMES, 4))
def test_a_name_is_only_ever_quoted(name: str, tmp_path: Path) -> None:
    smallest = Made({"safety": (0.6,)}, budgets=(64,), questions=6, draws=2)
    made = smallest.plan().model_copy(update={"model": name})
    folder = write_study(tmp_path / "study", smallest)
    write_plan(folder / "plan.json", Plan.model_validate(made.model_dump()))
    write_made_findings(folder)
    written = statement(folder)
    assert written.path is not None
    assert both(written.path, folder) == []
    assert written.statement.title == f"What was measured of {quote(name)} at stated inference budgets"
    record = json.loads(written.exports()["every_eval_ever.json"])
    assert record["model_info"]["name"] == plain(name)
    for export in (written.text(), *written.exports().values()):
        assert not any(hostile in export for hostile in ("<b>", "\u202e", "a`b|c", "м"))


def test_facts_are_kept_in_the_study_and_used_again(study: Path, tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"revision": "v1", "note": "Run at night."}))
    path = statement(study, facts=facts).path
    assert path is not None
    assert json.loads((study / "facts.json").read_text()) == {"revision": "v1", "note": "Run at night."}
    assert statement(study, write=False).statement.stated.revision == "v1"
    assert both(path, study) == []
    for change in ({"revision": "v2", "note": "Run at night."}, {"revision": "v1"}, {}):
        facts.write_text(json.dumps(change))
        assert {fault.rule for fault in check(path, study=study, facts=facts).faults} == {"stated"}
        assert {fault.rule for fault in check(path, facts=facts).faults} == {"stated"}
    (study / "facts.json").unlink()
    assert {fault.rule for fault in check(path, study=study).faults} == {"stated"}


def test_a_note_on_no_claim_is_refused(study: Path, tmp_path: Path) -> None:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"notes": {"c99": "?"}}))
    with pytest.raises(InputError, match="no claim is called c99; needed: one of c1, "):
        statement(study, facts=facts, write=False)
    facts.write_text(json.dumps({"note": "x" * 2001}))
    with pytest.raises(InputError, match="at most 2000 characters"):
        statement(study, facts=facts, write=False)


def test_strict_fails_for_own_words_and_what_is_not_verified_is_said(study: Path, tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(json.dumps({"note": "safe"}))
    path = str(statement(study, out=tmp_path / "out", facts=tmp_path / "facts.json").path)
    run = CliRunner().invoke
    done = run(app, ["check", path])
    assert (done.exit_code, "own words, not checked: 1 text (stated.note)" in done.stdout) == (0, True)
    assert "that nothing was left out" in done.stdout
    assert run(app, ["check", path, "--strict"]).exit_code == 1
    told = json.loads(run(app, ["check", path, "--json"]).stdout)
    assert (told["own_words"], told["own_words_at"], len(told["not_verified"])) == (1, ["stated.note"], 2)
    with_study = json.loads(run(app, ["check", path, "--study", str(study), "--json"]).stdout)
    assert (with_study["ok"], len(with_study["not_verified"])) == (True, 1)
    (study / "facts.json").unlink()
    plain_path = str(statement(study, out=tmp_path / "plain").path)
    assert run(app, ["check", plain_path, "--strict", "--study", str(study)]).exit_code == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a b"),
        ("e\u0301", "é"),
        ("\u200b", r"\u{200b}"),
        ("\u2028", r"unnamed"),
        ("`", r"\u{60}"),
        ("<!--", r"\u{3c}!--"),
        ("ａ", r"\u{ff41}"),
        ("𝐚", r"\u{1d41a}"),
        ("α", r"\u{3b1}"),
        (r"\u{41}", r"\u{5c}u{41}"),
        ("\x1b[31m", r"\u{1b}[31m"),
        ("漢字かな한글", "漢字かな한글"),
    ],
)
def test_what_is_not_plainly_readable_is_escaped(text: str, shown: str) -> None:
    assert own_words(text) == f"own words, not checked: `{shown}`"


def test_draws_until_precise_are_no_fault(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(GOLDEN / "until-narrow", tmp_path / "study"))
    assert CliRunner().invoke(app, ["report", str(folder)]).exit_code == 0
    written = statement(folder)
    assert written.path is not None
    assert both(written.path, folder) == []
    assert written.statement.elicitation.until == "half-width=0.155"
    assert not any("draws with a value" in text for text in written.statement.deviations)


def test_draws_until_precise_need_every_wave(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(GOLDEN / "until-narrow", tmp_path / "study"))
    waves = folder / "waves.jsonl"
    for kept in (waves.read_text().splitlines(keepends=True)[:2], None):
        waves.unlink() if kept is None else waves.write_text("".join(kept))
        assert CliRunner().invoke(app, ["report", str(folder)]).exit_code == 0
        with pytest.raises(InputError, match=r"waves\.jsonl has \d draws of overthink/secret, question .* pool has 6"):
            statement(folder, write=False)
