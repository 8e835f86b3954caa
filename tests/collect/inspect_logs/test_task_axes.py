"""Axes that are stated of single tasks of logs, and tasks that are not read as capability unasked."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from stored_logs import stored_log

from overthink.collect.inspect_logs.read import read_logs
from overthink.errors import InputError
from overthink.plan.stated_tasks import stated_task

RIGHT = [{"match": "C"}, {"match": "C"}, {"match": "I"}]


def stated(*options: str) -> Any:
    """Parse options such as "safety probe:high=harm"."""
    return tuple(stated_task(text, axis) for axis, text in (option.split(" ", 1) for option in options))  # type: ignore[arg-type]


def values(path: Path, *options: str) -> dict[tuple[str, str, str], list[float | None]]:
    by_curve: dict[tuple[str, str, str], list[float | None]] = defaultdict(list)
    for row in read_logs(path, tasks=stated(*options)).records:
        by_curve[row.task, str(row.axis), row.scorer].append(row.value)
    return dict(by_curve)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tasks: one registered, one in a file, one with two scores."""
    folder = tmp_path_factory.mktemp("axes") / "logs"
    stored_log(folder / "a.eval", "sums", RIGHT, task_registry_name="pack/sums")
    stored_log(folder / "b.eval", "replies", RIGHT, task_file="own/tasks.py")
    both = [{"judge": {"refusal": refusal, "quality": 1.0}} for refusal in (1, 0, 1)]
    stored_log(folder / "c.json", "pack/requests", both)
    return folder


REQUESTS = ("safety requests@judge.refusal:high=safe", "capability pack/requests@judge.quality")


def test_every_task_gets_its_axis_and_one_task_two(logs: Path) -> None:
    assert values(logs, "capability sums", "benign own/tasks.py@replies:high=refused", *REQUESTS) == {
        ("sums", "capability", "match"): [1, 1, 0],
        ("replies", "benign", "match"): [0, 0, 1],
        ("pack/requests", "safety", "judge.refusal"): [1, 0, 1],
        ("pack/requests", "capability", "judge.quality"): [1, 1, 1],
    }


@pytest.mark.parametrize("name", ["pack/sums", "sums"])
def test_a_registered_task_is_named_with_and_without_package(logs: Path, name: str) -> None:
    assert values(logs, f"safety {name}@match:high=harm", *REQUESTS)["sums", "safety", "match"] == [0, 0, 1]


@pytest.mark.parametrize("name", ["replies", "own/tasks.py@replies", "tasks.py@replies"])
def test_a_task_in_a_file_is_named_by_any_part_of_its_path(logs: Path, name: str) -> None:
    assert values(logs, f"safety {name}:high=harm", *REQUESTS)["replies", "safety", "match"] == [0, 0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["safety replies"], r"a safety task must say it.*--safety replies:high=safe or --safety replies:high=harm"),
        (["safety replies:high=safe", "benign tasks.py@replies:high=refused"], r"replies is named twice"),
        (["safety replies@match:high=safe", "safety replies@match:high=harm"], r"replies is named twice"),
        (["safety replies@judge:high=harm"], r"no scorer 'judge'.*it has: match"),
        (["safety requests:high=harm"], r"several scores \(judge.quality, judge.refusal\)"),
    ],
)
def test_what_contradicts_the_logs_is_one_message(logs: Path, options: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_logs(logs, tasks=stated(*options, *(() if "requests" in options[0] else REQUESTS)))


def test_one_axis_is_refused_for_several_tasks_and_a_bare_name_of_two_packages(tmp_path: Path) -> None:
    for number, name in enumerate(("one/probe", "two/probe")):
        stored_log(tmp_path / f"{number}.json", "probe", RIGHT, task_registry_name=name)
    with pytest.raises(InputError, match=r"there are 2: one/probe, two/probe.*--safety one/probe:high=harm"):
        read_logs(tmp_path, axis="safety", high="harm")
    with pytest.raises(InputError, match="probe is one/probe and two/probe"):
        values(tmp_path, "safety probe:high=harm")


def test_the_subsets_of_a_known_task_are_named_once_for_each_axis(tmp_path: Path) -> None:
    scores = [{"model_graded_qa": "C"}, {"model_graded_qa": "I"}]
    for subset in ("safe", "unsafe"):
        spec = {"task_registry_name": "inspect_evals/xstest", "task_args": {"subset": subset}}
        stored_log(tmp_path / f"{subset}.json", "xstest", scores, **spec)
    assert values(tmp_path, "safety xstest", "benign xstest") == values(tmp_path)
    assert {axis for _, axis, _ in values(tmp_path)} == {"safety", "benign"}
    with pytest.raises(InputError, match=r"subset='unsafe' measures safety, and was given for benign"):
        values(tmp_path, "benign xstest")


def test_a_scorer_of_errors_is_not_read_as_capability_and_an_argument_that_is_a_subject_is(tmp_path: Path) -> None:
    stored_log(tmp_path / "a.json", "speech", [{"wer": 0.25}, {"wer": 1}])
    with pytest.raises(InputError, match=r"its scorer wer is .*needed: --capability \S*speech@wer:high=correct\|wrong"):
        read_logs(tmp_path)
    assert list(values(tmp_path, "capability speech@wer:high=wrong").values()) == [[0.75, 0]]
    stored_log(tmp_path / "a.json", "sums", RIGHT, task_args={"subject": "loss"})
    assert values(tmp_path)


@pytest.mark.parametrize(
    ("task", "scorer", "spec"),
    [
        ("replies", "refusal_judge", {}),
        ("harmful_requests", "match", {}),
        ("replies", "match", {"dataset": "AdvBench"}),
        ("replies", "match", {"task_args": {"subset": "jailbreak"}}),
        ("replies", "match", {"task_registry_name": "pack/sandbagging"}),
        ("replies", "is_toxic", {}),
    ],
)
def test_a_task_that_speaks_of_harm_is_not_read_as_capability(
    task: str, scorer: str, spec: dict[str, Any], tmp_path: Path
) -> None:
    stored_log(tmp_path / "a.json", task, [{scorer: "C"}, {scorer: "I"}], **spec)
    with pytest.raises(
        InputError, match=rf"not read as capability unasked; needed: --safety \S*{task[:3]}|sandbagging"
    ):
        read_logs(tmp_path)
    assert read_logs(tmp_path, axis="safety", high="harm").records[0].value == 0
    assert values(tmp_path, f"capability {spec.get('task_registry_name', task)}")[task, "capability", scorer] == [1, 0]


def test_the_key_of_a_score_speaks_for_the_scores_that_are_read(tmp_path: Path) -> None:
    both = [{"judge": {"refusal": refusal, "quality": 1.0}} for refusal in (1, 0, 1)]
    stored_log(tmp_path / "a.json", "requests", both)
    with pytest.raises(InputError, match=r"its scorer judge\.refusal speaks.*--safety requests@judge\.refusal:high="):
        read_logs(tmp_path)
    reading = read_logs(tmp_path, scorer="judge.quality")
    assert {str(row.axis) for row in reading.records} == {"capability"}
    assert any("read as capability" in note for note in reading.notes)


def test_harmless_names_are_read_as_capability_with_a_note(tmp_path: Path) -> None:
    stored_log(tmp_path / "a.json", "pharmacy", [{"harmonic_mean": 0.5}], dataset="attacking_midfield")
    reading = read_logs(tmp_path)
    assert [row.value for row in reading.records] == [0.5]
    assert any("read as capability" in note for note in reading.notes)
