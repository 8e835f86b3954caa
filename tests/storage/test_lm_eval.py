"""Samples of lm-evaluation-harness, in the shape of its evaluator and evaluation tracker."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from overthink.data.pool import records_of
from overthink.data.record import RungRecord, Verdict, unread_notes
from overthink.errors import InputError
from overthink.plan.stated_tasks import StatedMeaning
from overthink.storage.formats.lm_eval import LmEvalReader
from overthink.storage.tables.table import table_of_frame

DATE = "2026-01-21T03-44-18.458309"


def generated(
    doc: int, right: bool, *, name: str = "none", found: bool = True, cap: int = 512, take: str = ""
) -> dict[str, Any]:
    """A generated answer as `save_results_samples` writes it, for one filter."""
    prompt, answer = f"Question {doc}\nAnswer:", f"{doc + (not right)}"
    response = f"It is {answer}.{take}" if found else ""
    return {
        "doc_id": doc,
        "doc": {"question": f"Question {doc}", "answer": str(doc)},
        "target": str(doc),
        "arguments": {
            "gen_args_0": {
                "arg_0": prompt,
                "arg_1": {"until": ["\n\n"], "do_sample": True, "temperature": 0.7, "max_gen_toks": cap},
            }
        },
        "resps": [[response]],
        "filtered_resps": [answer if found else "[invalid]"],
        "filter": name,
        "metrics": ["exact_match"],
        "doc_hash": hashlib.sha256(str(doc).encode()).hexdigest(),
        "prompt_hash": hashlib.sha256(prompt.encode()).hexdigest(),
        "target_hash": "0" * 64,
        "exact_match": float(right and found),
    }


def choice(doc: int, right: bool) -> dict[str, Any]:
    """A choice between two options by their likelihoods, whose responses are texts in the file."""
    options = [["-1.5", "False"], ["-0.5", "True"]]
    arguments = {f"gen_args_{i}": {"arg_0": f"Q{doc}", "arg_1": f" {i}"} for i in range(2)}
    return {
        "doc_id": doc, "doc": {}, "target": "1", "arguments": arguments, "resps": [[option] for option in options],
        "filtered_resps": options, "filter": "none", "metrics": ["acc", "acc_norm", "brier"], "doc_hash": str(doc),
        "prompt_hash": "p", "target_hash": "t", "acc": float(right), "acc_norm": 1.0, "brier": 0.2,
    }  # fmt: skip


def results(task: str, **more: Any) -> dict[str, Any]:
    higher = {"exact_match": True, "acc": True, "acc_norm": True, "brier": False}
    return {
        "results": {task: {}}, "configs": {}, "versions": {task: 3.0}, "n-shot": {task: 5},
        "higher_is_better": {task: higher}, "config": {"model": "hf"}, "model_name": "org/model",
        "chat_template_sha": None, "system_instruction_sha": None, **more,
    }  # fmt: skip


def write(folder: Path, task: str, samples: list[dict[str, Any]], date: str = DATE, **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"samples_{task}_{date}.jsonl"
    path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    (folder / f"results_{date}.json").write_text(json.dumps(results(task, **more)))
    return path


def read(path: Path, scorer: str | None = None) -> tuple[list[RungRecord], tuple[str, ...]]:
    frame, notes, unread, *_ = LmEvalReader().frame(path)
    reading = table_of_frame(frame, StatedMeaning(scorer=scorer), name="t")
    return records_of(reading.pool), (*unread_notes(unread), *notes, *reading.notes)


def test_a_filter_is_a_scorer_and_no_draw(tmp_path: Path) -> None:
    both = [
        *(generated(doc, doc % 2 == 0, name="strict-match") for doc in range(4)),
        *(generated(doc, True, name="flexible-extract", found=doc > 0) for doc in range(4)),
    ]
    path = write(tmp_path / "org__model", "gsm8k", both)
    assert LmEvalReader().claims(path)
    assert LmEvalReader().claims(tmp_path)
    rows, _ = read(path)
    values = {(row.scorer, row.question): row.value for row in rows}
    assert {scorer for scorer, _ in values} == {"exact_match,strict-match", "exact_match,flexible-extract"}
    assert [values["exact_match,strict-match", str(doc)] for doc in range(4)] == [1, 0, 1, 0]
    assert {(row.task, row.arm, row.draw, row.rung) for row in rows} == {("gsm8k", "org/model", 0, 0)}
    invalid = next(row for row in rows if row.scorer == "exact_match,flexible-extract" and row.question == "0")
    assert (invalid.verdict, invalid.value, invalid.answer) == (Verdict.UNPARSED, 0, None)
    assert json.loads(rows[0].conditions or "")["temperature"] == "0.7"
    one, _ = read(path, scorer="exact_match,strict-match")
    assert len(one) == 4


def test_runs_are_draws_and_a_copy_of_one_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "org__model"
    write(folder, "gsm8k", [generated(doc, True) for doc in range(3)])
    write(
        folder,
        "gsm8k",
        [generated(doc, doc > 0, take=" Again.") for doc in range(3)],
        date="2026-02-01T00-00-00.000001",
    )
    write(folder, "gsm8k", [generated(doc, True) for doc in range(3)], date="2026-03-01T00-00-00.000001")
    rows, notes = read(tmp_path)
    assert len(rows) == 6
    assert sorted(row.draw for row in rows if row.question == "0") == [0, 1]
    assert any("2026-03-01T00-00-00.000001.jsonl was left out: its responses are those of" in note for note in notes)


def test_caps_on_the_output_are_rungs(tmp_path: Path) -> None:
    for cap, date in ((512, DATE), (2048, "2026-02-01T00-00-00.000001")):
        write(tmp_path / "m", "gsm8k", [generated(doc, cap > 512, cap=cap) for doc in range(3)], date=date)
    rows, _ = read(tmp_path)
    assert sorted({(row.rung, row.value) for row in rows}) == [(0, 0.0), (1, 1.0)]


def test_a_choice_has_the_likeliest_option_as_its_answer(tmp_path: Path) -> None:
    rows, notes = read(write(tmp_path / "m", "arc", [choice(doc, doc < 2) for doc in range(3)]))
    assert {row.scorer for row in rows} == {"acc", "acc_norm"}
    assert {row.answer for row in rows} == {"1"}
    assert Verdict.UNPARSED not in {row.verdict for row in rows}
    assert "Metric brier of arc was left out: lower is better there." in notes


def test_what_is_no_share_is_left_out_or_refused(tmp_path: Path) -> None:
    samples = [generated(doc, True) | {"metrics": ["bleu", "exact_match"], "bleu": 41.5} for doc in range(2)]
    _, notes = read(write(tmp_path / "m", "wmt", samples))
    assert any(
        "Metric bleu of wmt was left out: 2 of its values are outside [0, 1], such as 41.5" in note for note in notes
    )
    alone = [sample | {"metrics": ["bleu"]} for sample in samples]
    with pytest.raises(InputError, match="holds no metric from 0 to 1.*bleu"):
        read(write(tmp_path / "n", "wmt", alone))


def test_one_id_for_two_documents_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "m", "gsm8k", [generated(doc, True) for doc in range(3)])
    other = [generated(doc, True, take="x") | {"doc_hash": "another"} for doc in range(3)]
    write(tmp_path / "m", "gsm8k", other, date="2026-02-01T00-00-00.000001")
    with pytest.raises(InputError, match="doc_id 0 is another document in"):
        read(tmp_path)


def test_a_file_of_an_older_version_without_filter_and_metrics(tmp_path: Path) -> None:
    old = [
        {name: value for name, value in generated(doc, True).items() if name not in ("filter", "metrics")}
        for doc in range(2)
    ]
    path = tmp_path / "samples_gsm8k.jsonl"
    path.write_text("".join(json.dumps(sample) + "\n" for sample in old))
    rows, _ = read(path)
    assert {(row.task, row.scorer, row.value) for row in rows} == {("gsm8k", "exact_match", 1.0)}


@pytest.mark.parametrize("line", ['{"doc_id": 1}', "[1]", "not json"])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "m", "gsm8k", [generated(0, True)])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InputError, match=r"(row|line) 2"):
        read(path)


def test_a_broken_file_among_others_is_left_out_and_named(tmp_path: Path) -> None:
    write(tmp_path / "m", "gsm8k", [generated(0, True)])
    broken = write(tmp_path / "m", "arc", [choice(0, True)])
    broken.write_text(broken.read_text()[:50])
    rows, notes = read(tmp_path)
    assert {row.task for row in rows} == {"gsm8k"}
    assert any(note.startswith(f"Left out: {broken}, line 1, is not JSON") for note in notes)


def test_the_settings_in_lists_of_an_older_version(tmp_path: Path) -> None:
    old = [generated(0, True) | {"arguments": [["Question 0", {"until": [], "temperature": 0.3, "max_gen_toks": 64}]]}]
    rows, _ = read(write(tmp_path / "m", "gsm8k", old))
    assert json.loads(rows[0].conditions or "")["temperature"] == "0.3"
