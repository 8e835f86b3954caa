import inspect

import numpy as np
import pytest
from pydantic import ValidationError

from overthink.errors import InputError
from overthink.plan.study import Plan, checked_plan

TASK = {"task": "t", "axis": "capability", "high": "correct"}


def plan(**changes: object) -> Plan:
    fields: dict[str, object] = {
        "overthink": "0",
        "model": "m",
        "tasks": [TASK],
        "budgets": (0, 8),
        "draws": 2,
        "seed": 1,
    }
    return checked_plan(**(fields | changes))


def test_the_hash_follows_every_decision() -> None:
    changes: list[dict[str, object]] = [
        {"model": "other"},
        {"budgets": (0, 16)},
        {"draws": 3},
        {"seed": 2},
        {"limit": 5},
        {"answer_tokens": 8},
        {"think_format": "think"},
        {"answer_cue": "So:"},
        {"temperature": 0.0},
        {"top_p": 0.5},
        {"concurrency": 1},
        {"grader": "g"},
        {"level": 0.9},
        {"model_args": {"a": 1}},
        {"tasks": [TASK | {"high": "wrong"}]},
        {"budgets": None, "efforts": ("low", "high")},
    ]
    hashes = [plan(**change).sha256() for change in [{}, *changes]]
    assert len(set(hashes)) == len(hashes)
    assert plan().sha256() == plan().sha256()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"budgets": (64, 0)}, "not strictly increasing; give 0,64"),
        ({"budgets": (0, 8, 8)}, "not strictly increasing; give 0,8"),
        ({"budgets": (-1, 8)}, "greater than or equal to 0"),
        ({"budgets": ()}, "no rung"),
        ({"draws": 0}, "draws: Input should be greater than or equal to 1 (given: 0)"),
        ({"efforts": ("low",)}, "either budgets or efforts"),
        ({"budgets": None}, "either budgets or efforts"),
        ({"budgets": None, "efforts": ("low", "low")}, "twice"),
        ({"tasks": []}, "at least 1 item"),
        ({"tasks": [TASK, TASK]}, "a task is named twice"),
        ({"tasks": [TASK | {"high": "safe"}]}, "needed: correct or wrong"),
        ({"model_args": {"api_key": "x"}}, "looks like a secret"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_plan_is_refused_with_what_was_seen_and_needed(changes: dict[str, object], told: str) -> None:
    with pytest.raises(InputError) as refused:
        plan(**changes)
    assert told in str(refused.value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("hypothesis", "said"),
    [((8, 4), "does not increase"), ((4, 8), "regime without a rung .from 5 to 8"), ((100,), "from 101 upwards")],
)
def test_a_hypothesis_needs_a_rung_in_every_regime(hypothesis: tuple[int, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan(budgets=(0, 4, 64), hypothesis=hypothesis)
    assert plan(budgets=(0, 4, 64), hypothesis=(4,)).hypothesis == (4,)


def test_a_hypothesis_is_stored_as_boundaries_or_in_one_spelling() -> None:
    assert plan(budgets=(0, 4, 64), hypothesis="4").hypothesis == (4,)
    stated = plan(budgets=(0, 1000, 2000, 8000), hypothesis="up@2k, down")
    assert stated.hypothesis == "up@2000,down"
    assert Plan.model_validate_json(stated.to_json()) == stated


@pytest.mark.parametrize(
    ("hypothesis", "reason"),
    [
        ("up@4,sideways", "direction 'sideways' is unknown; needed: up, flat, down"),
        ("up@3,down", "part 1, up@3, has fewer than two rungs among 0, 4, 64 tokens"),
        ("up@64,down", "part 2, down, has fewer than two rungs"),
        ("up,down", "part 1 has no right edge"),
        ("up@64,down@4", "does not increase"),
        ("4,down", "4 has no direction"),
        ("", "direction '' is unknown"),
    ],
)
def test_a_hypothesis_whose_parts_do_not_fit_the_ladder_is_refused(hypothesis: str, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        plan(budgets=(0, 4, 64), hypothesis=hypothesis)
    assert reason in str(refused.value)


def test_a_hypothesis_that_is_not_in_utf_8_is_input() -> None:
    with pytest.raises(InputError, match=r"hypothesis up@8,\\x80.*not in UTF-8"):
        plan(hypothesis="up@8,\udc80")


@pytest.mark.parametrize("fields", [{"draws": 3 + 2j}, {"draws": np.complex64(3)}, {"budgets": [0j, np.complex128(8)]}])
def test_a_complex_number_is_not_read_as_its_real_part(fields: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(fields))} holds a complex number"):
        plan(**fields)


def test_a_plan_of_python_is_refused_in_words_and_a_stored_one_as_what_it_is() -> None:
    fields = {"overthink": "0", "model": "m", "tasks": (), "draws": 1, "seed": 0, "budgets": (0, 8)}
    with pytest.raises(InputError, match=r"^tasks: Tuple should have at least 1 item.* \(given: \(\)\)$"):
        Plan(**fields)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="^model: Field required .*; tasks: Field required"):
        Plan(draws=1, seed=0)  # type: ignore[call-arg]
    with pytest.raises(ValidationError):
        Plan.model_validate(fields)
    whole = Plan(**(fields | {"tasks": (TASK,)}))  # type: ignore[arg-type]
    assert Plan.model_validate_json(whole.to_json()) == whole == plan(draws=1, seed=0)
    assert whole.model_copy(update={"draws": 3}).draws == 3
    assert list(inspect.signature(Plan).parameters)[2:5] == ["model", "model_args", "tasks"]
