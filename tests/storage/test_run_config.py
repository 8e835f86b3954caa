"""TOML files with the options of a run: lines of keys, and what is no such file."""

import tomllib
from pathlib import Path

import pytest

from overthink.errors import InputError
from overthink.storage.run_config import read_config, write_config
from overthink.workflows.experiment import overridden_options


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "study.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('model = "m"\n\ndraws = "four"\n', 3),
        ('answer_cue = """\ndraws = 3\n"""\ndraws = "four"\n', 4),
        ('# draws = 3\n"draws" = "four"\n', 2),
        ("budgets = [\n  0,\n]\ndraws = [ # too many\n 3,\n]\n", 4),
        ("seed = 1\r\ndraws = true\r\n", 2),
    ],
)
def test_a_value_of_the_wrong_type_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError, match=rf"study\.toml, line {line}: draws .* cannot be read; needed: a whole number"):
        overridden_options(path, {}, lambda name: name)


def test_hyphens_and_tables_are_found(tmp_path: Path) -> None:
    path = written(tmp_path, 'answer-tokens = "x"\n[model-args]\nx = [1]\n')
    with pytest.raises(InputError) as caught:
        overridden_options(path, {}, lambda name: name)
    assert "line 1: answer_tokens" in str(caught.value)
    assert "line 2: model_args" in str(caught.value)
    with pytest.raises(InputError, match="states answer_tokens twice"):
        read_config(written(tmp_path, "answer-tokens = 1\nanswer_tokens = 2\n"))


def test_an_unknown_key_has_its_line_and_the_nearest_names(tmp_path: Path) -> None:
    path = written(tmp_path, 'model = "m"\nbudget = [0, 1]\n')
    with pytest.raises(InputError, match=r"line 2: budget is no option of a run; needed: budgets, "):
        overridden_options(path, {}, lambda name: name)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("draws = 0", "study.toml, line 4: draws: Input should be greater than or equal to 1"),
        ("budgets = [64, 0]", "study.toml, line 4: plan: budgets 64,0 are not strictly increasing; give 0,64"),
        ('controls = ["shm"]', "study.toml, line 4: controls.0: Input should be"),
        ('arms = "bse"', "study.toml, line 4: "),
        ("[[arms]]", "study.toml, line 4: arms [{}] cannot be read"),
    ],
)
def test_a_value_that_no_plan_can_have_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    ladder = "" if "budgets" in line else "budgets = [0, 64]"
    path = written(tmp_path, f'model = "overthink/simulated"\nsafety = "overthink/secret"\n{ladder}\n{line}\n')
    with pytest.raises(InputError) as caught:
        overridden_options(path, {}, lambda name: name)
    assert str(caught.value).startswith(str(tmp_path / message))


def test_a_value_that_overrides_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    path = written(
        tmp_path, 'model = "overthink/simulated"\nsafety = "overthink/secret"\nbudgets = [0, 64]\ndraws = 3\n'
    )
    with pytest.raises(InputError) as caught:
        overridden_options(path, {"draws": 0}, lambda name: name)
    assert "line" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'model = "x\n', "is no TOML: line 1, column"),
        (b"model = ", "is no TOML: "),
        (b"\xff\xfe", "is not in UTF-8"),
        (b"a = " + b"[" * 20_000, "is no TOML"),
        (b"draws = " + b"9" * 5_000, "a number has too many digits"),
        (b"x" * 1_000_001, "needed: at most 1,000,000"),
    ],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_config(written(tmp_path, content))


def test_a_folder_or_nothing_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder; needed: a TOML file"):
        read_config(tmp_path)
    with pytest.raises(InputError, match="is not there; needed: a TOML file"):
        read_config(tmp_path / "none.toml")


def test_any_text_makes_the_round_trip_and_no_file_is_replaced(tmp_path: Path) -> None:
    values = {"answer_cue": 'a "quote"\n\\ \x7f \t ’ 思', "model_args": {"a b": 'x"', "c.d": 1.5, "e": False}}
    write_config(tmp_path / "study.toml", values)
    assert tomllib.loads((tmp_path / "study.toml").read_text(encoding="utf-8")) == values
    assert read_config(tmp_path / "study.toml").values == values
    with pytest.raises(InputError, match="is there already"):
        write_config(tmp_path / "study.toml", {})
