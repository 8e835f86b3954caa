"""The templates of docs/extend work from outside the package: as a file, and as a package with an entry point."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foreign import package_of
from typer.testing import CliRunner

import overthink
from overthink import extend
from overthink.cli.main import app
from overthink.data.pool import records_of
from overthink.workflows.analyse import Study

TEMPLATES = Path(__file__).parents[2] / "docs" / "extend"

CLASSES = {
    "intervention": ("reconsider", "Reconsider"),
    "strategy": ("frugal", "Frugal"),
    "verifier": ("unhedged", "Unhedged"),
    "monitor": ("shouting", "Shouting"),
    "latent_model": ("running-sum", "RunningSum"),
    "guard": ("word-list", "WordList"),
    "think_format": ("reasoning", "Reasoning"),
    "reader": ("graded-lines", "GradedLines"),
    "selector": ("half", "Half"),
    "calculator": ("energy", "Energy"),
}
"""Name and class of the component in each template."""

Name = Callable[[str], str]


@pytest.fixture(scope="module", params=["file", "package"])
def name(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What a template's component is called where the template is a file, and where it is an installed package."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        if request.param == "package":
            for kind, (key, cls) in CLASSES.items():
                source = (TEMPLATES / f"{kind}.py").read_text(encoding="utf-8")
                folder, entry = tmp_path_factory.mktemp(kind), {key.replace("-", "__"): cls}
                package_of(folder, monkeypatch, source, name=f"foreign_{kind}", **entry)
            yield lambda kind: CLASSES[kind][0]
        else:
            yield lambda kind: f"{TEMPLATES / kind}.py@{CLASSES[kind][0]}"


INSTALLED = pytest.mark.parametrize("name", ["package"], indirect=True)
"""One of both where a component only gets its values from elsewhere."""


@pytest.fixture(scope="module")
def study(name: Name, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with the arms of the templates, in their think format."""
    arms = [
        "base",
        f"{name('intervention')}:after=1,as=reconsider",
        f"{name('strategy')}:share=0.5,as=frugal",
        f"safethink:guard={name('guard')}:words=bad,scale=probability,tau=0.5,m=2,b=1",
        f"prm-beam:verifier={name('verifier')}:words=off;weight=3,width=2,children=2",
    ]
    plan = overthink.Plan(
        model="overthink/simulated",
        tasks=overthink.tasks(safety=["overthink/contrast_harm"], args={"examples": False}),
        arms=overthink.arms(",".join(arms), model="overthink/simulated"),
        think_format=name("think_format"),
        budgets=(0, 16, 48),
        draws=2,
        limit=4,
        seed=2,
    )
    return overthink.run(overthink.prepare(plan), tmp_path_factory.mktemp("study") / "study")


def test_every_name_is_there() -> None:
    listed = {name for names in extend._HOMES.values() for name in names}
    assert listed | {"Field", "InputError", "SameAs", "Simulated", "component"} == {*extend.__all__}
    assert all(getattr(extend, name) is not None for name in dir(extend))
    with pytest.raises(AttributeError, match="no attribute 'Everything'"):
        _ = extend.Everything


def test_every_template_is_tried() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.py")} == CLASSES.keys()
    lengths = {path.name: len(path.read_text().splitlines()) for path in TEMPLATES.glob("*.py")}
    assert {name: length for name, length in lengths.items() if length > 50} == {}


def test_the_class_on_the_page_is_an_arm(tmp_path: Path) -> None:
    text = (TEMPLATES.parent / "extend.md").read_text(encoding="utf-8")
    (tmp_path / "primed.py").write_text(text.partition("```python\n")[2].partition("```")[0])
    (arm,) = overthink.arms(f"{tmp_path}/primed.py@primed:line=Slowly.", model="mockllm/model")
    assert arm.settings == {"line": "Slowly."}


def test_arms_run_with_strategy_intervention_guard_verifier_and_think_format(name: Name, study: Study) -> None:
    rows = {arm: [row for row in records_of(study.pool) if row.arm == arm] for arm in ("base", "reconsider", "frugal")}
    assert {row.error for row in records_of(study.pool)} == {None}
    assert all(rows.values())
    top = {arm: max(row.thinking_tokens or 0 for row in rows[arm] if row.rung == 2) for arm in rows}
    assert 0 < top["frugal"] <= 24 < top["base"] <= 48
    line = "Wait, is this safe?\n"
    prompts = {arm: max(row.prompt_tokens or 0 for row in rows[arm] if row.rung == 2) for arm in rows}
    assert prompts["reconsider"] > prompts["base"], line
    steered = [row for row in records_of(study.pool) if row.arm == "safethink"]
    assert any(row.rejected_tokens for row in steered)
    assert all(row.guard_tokens in (0, None) for row in steered)  # a list of words reads no tokens
    searched = [row for row in records_of(study.pool) if row.arm == "prm-beam" and row.rung == 2]
    assert {row.verifier_score for row in searched} & {0.25, 1.0, 0.5}


def test_a_plan_holds_the_hash_of_every_file(name: Name, study: Study) -> None:
    assert study.about.plan is not None
    files = study.about.plan.get("component_files", {})
    kinds = ("guard", "intervention", "strategy", "think_format", "verifier")
    paths = {name(kind).partition("@")[0] for kind in kinds if "@" in name(kind)}
    assert isinstance(files, dict)
    assert files.keys() == paths
    assert all(len(sha256) == 64 for sha256 in files.values())


@INSTALLED
def test_a_monitor_watches_a_study(name: Name, study: Study, tmp_path: Path) -> None:
    assert study.folder is not None
    folder = Path(shutil.copytree(study.folder.path, tmp_path / "s"))
    result = overthink.monitor(folder, monitor=f"{name('monitor')}:most=0.5", arm="base")
    (watched,) = result.results.oversight.monitors
    assert watched.monitor.startswith(f"{name('monitor')}:most=0.5")
    assert {rung.scored.estimate for rung in watched.rungs} == {1.0}


def test_every_step_of_a_running_sum_counts(name: Name) -> None:
    result = overthink.latent(f"{name('latent_model')}:size=20,steps=2")
    (found,) = result.results.oversight.latent_steps
    assert [step.verdict for step in found.steps] == ["the answer depends on it"] * 2 + ["moves answers"]
    assert all(step.sham.estimate == 0.0 for step in found.steps)


@INSTALLED
def test_a_verifier_scores_a_study(name: Name, study: Study, tmp_path: Path) -> None:
    assert study.folder is not None
    verifier = f"{name('verifier')}:words=off,weight=1"
    scored = overthink.verify(
        study.folder.path, verifier=f"{verifier},aggregate=min", by="steps", arms=["base"], out=tmp_path / "scored"
    )
    scores = {row.verifier_score for row in records_of(scored.pool) if row.arm == "base" and row.estimand == "forced"}
    assert scores - {None}
    run = json.loads((tmp_path / "scored" / "verified.json").read_text())
    assert ("file_sha256" in run) == ("@" in verifier)


@INSTALLED
def test_a_selector_is_in_findings_page_and_statement(name: Name, study: Study, tmp_path: Path) -> None:
    assert study.folder is not None
    options = overthink.AnalysisOptions(selectors=(name("selector"),))
    report = overthink.report(study.folder.path, formats=("html", "svg"), options=options)
    drawn = [path.read_text(encoding="utf-8") for path in study.folder.figures.glob("*.svg")]
    assert any("#7a5195" in text for text in drawn)
    values = [f for f in report.findings if f.metric == "other_at_k"]
    means = {(f.axis, f.task, f.arm, f.at.rung): f.estimate for f in report.find(metric="mean")}
    one_try = [f for f in values if f.at.k == 1]
    assert one_try
    for f in one_try:
        assert (f.at.selector, f.estimate) == ("other:half", pytest.approx(means[f.axis, f.task, f.arm, f.at.rung]))
    page = report.html()
    assert "half of k tries or more are right" in page
    assert "#7a5195" in page
    again = overthink.report(study.folder.path)  # the selector is that of the earlier analysis
    assert again.find(metric="other_at_k") == report.find(metric="other_at_k")
    statement = overthink.statement(study.folder.path)
    assert "other:half" in statement.statement.elicitation.selectors
    selectors = {t.selector for c in statement.statement.curves for p in c.points for t in p.tries}
    assert "other:half" in selectors
    assert overthink.check(statement.path, study=study.folder.path).faults == ()


def test_a_reader_reads_a_file_of_another_tool(name: Name, tmp_path: Path) -> None:
    path = tmp_path / "answers.txt"
    path.write_text("".join(f"q{q}: {'C' if d <= q else 'I'}\n" for q in range(3) for d in range(2)))
    made = overthink.analyse(path, read=overthink.ReadOptions(reader=name("reader")))
    (mean,) = made.find(metric="mean")
    assert (mean.task, mean.estimate, mean.n_draws) == ("answers", pytest.approx(5 / 6), 2)
    assert any("Read by" in note for note in made.about.notes)
    with pytest.raises(overthink.InputError, match=r"line 1: 'q0: C'; needed: ID\| C or I"):
        overthink.analyse(path, read=overthink.ReadOptions(reader=f"{name('reader')}:separator=|"))
    if "@" not in name("reader"):  # an installed reader is asked
        assert overthink.analyse(path).find(metric="mean") == (mean,)
        assert any("Read as lines of a question's id" in note for note in overthink.analyse(path).about.notes)


def test_a_calculator_calculates(name: Name) -> None:
    command = ["calc", name("calculator"), "--tokens-per-task", "3.6e6", "--joules-per-token", "2", "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["calculator"], told["results"]["kwh_per_task"]["estimate"]) == ("energy", 2.0)
    help_text = CliRunner().invoke(app, ["calc", name("calculator"), "--help"]).output
    assert "joules" in help_text
    assert "0.5..5" in help_text
