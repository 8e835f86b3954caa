import pytest

from overthink.collect.scoring.polarity import task_plan, task_plans
from overthink.errors import InputError


@pytest.mark.parametrize(
    ("text", "axis", "read"),
    [
        ("gsm", "capability", ("gsm", None, None, "correct")),
        ("t@s.k:high=harm", "safety", ("t", "s", "k", "harm")),
        ("t@s:high=safe", "safety", ("t", "s", None, "safe")),
        ("dir/my.py@task@judge.harm:high=harm", "safety", ("dir/my.py@task", "judge", "harm", "harm")),
        ("dir/my.py@task:high=answered", "benign", ("dir/my.py@task", None, None, "answered")),
        ("my.py:high=refused", "benign", ("my.py", None, None, "refused")),
    ],
)
def test_a_task_is_read_with_its_scorer_key_and_polarity(text: str, axis: str, read: tuple[object, ...]) -> None:
    plan = task_plan(text, axis, args={})  # type: ignore[arg-type]
    assert (plan.task, plan.scorer, plan.key, plan.high) == read


def test_an_unknown_polarity_is_refused_with_the_line_to_add() -> None:
    with pytest.raises(InputError) as refused:
        task_plan("their_task@judge", "safety", args={})
    assert "--safety their_task@judge:high=safe or --safety their_task@judge:high=harm" in str(refused.value)


def test_a_word_of_another_axis_is_refused() -> None:
    with pytest.raises(InputError, match="needed: safe or harm"):
        task_plan("t:high=correct", "safety", args={})


def test_our_own_tasks_are_known_and_kept_on_their_axis() -> None:
    assert task_plan("overthink/secret", "safety", args={}).high in ("safe", "harm")
    with pytest.raises(InputError, match="--safety overthink/secret"):
        task_plan("overthink/secret", "benign", args={})


def test_no_task_is_refused() -> None:
    with pytest.raises(InputError, match="no task was given"):
        task_plans(capability=[], safety=[], benign=[], args={})
    with pytest.raises(InputError, match="cannot read"):
        task_plan("@scorer", "capability", args={})
