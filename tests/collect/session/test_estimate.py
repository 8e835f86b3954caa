"""What is promised before a study begins is kept: calls, tokens and price, and shown beside the fact."""

from pathlib import Path
from typing import Any

import pytest
from embedded import NAME, SERVER
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate, prompt_template, system_message
from sweeps import few

import overthink
from overthink.collect.arms.registry import Arm, arm_plans, open_arm
from overthink.collect.scoring.polarity import task_plan
from overthink.collect.scoring.replay import Replay
from overthink.collect.session.estimate import TaskWorkload, estimate_plan
from overthink.collect.session.open import open_task
from overthink.collect.session.prompt_length import LetterCounter, counter_for, prompt_lengths
from overthink.cost.estimate import Rates
from overthink.errors import InputError
from overthink.plan.arms import BASE
from overthink.plan.study import Plan, TaskPlan, checked_plan
from overthink.storage.json_documents import read_estimate, write_estimate


def plan(**changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "overthink": "0",
        "model": "overthink/simulated",
        "model_args": {"capability": "rise"},
        "tasks": (task_plan("overthink/arithmetic", "capability", args={}),),
        "budgets": (0, 8, 32),
        "draws": 2,
        "limit": 2,
        "seed": 5,
    }
    return checked_plan(**(fields | changes))


def base(of: Plan) -> tuple[Arm, ...]:
    return (open_arm(BASE, of),)


BASE_ARM = base(plan())


@pytest.fixture
def calls(on_call: Any) -> list[int]:
    """One entry for every call of the simulated model: its decoded tokens."""
    seen: list[int] = []
    on_call(lambda asked, usage: seen.append(usage.output_tokens))
    return seen


@pytest.mark.parametrize("more", [{}, {"resamples": 3}], ids=str)
@pytest.mark.parametrize("budgets", few([((0, 8, 32),), ((4, 16),), ((0,),)], 2))
def test_a_trace_that_never_ends_makes_exactly_the_calls_that_were_told(
    budgets: tuple[int, ...], more: dict[str, int], calls: list[int], tmp_path: Path
) -> None:
    opened = overthink.prepare(plan(budgets=budgets, **more))
    made = overthink.run(opened, tmp_path / "s")
    told = opened.spending
    assert len(calls) == told.calls
    assert f"at most {len(calls)} calls" in opened.estimate()
    assert made.about.actual_cost is not None
    assert made.about.actual_cost.decoded_tokens == sum(calls)
    assert told.decoded_tokens[0] <= sum(calls) <= (told.decoded_tokens[1] or 0)


ONE_PIECE = "base,primer,zerothink,lessthink,wait:rounds=2,minimum=32,primer+morethink:rounds=1"


@pytest.mark.parametrize(
    "more",
    [{}, {"think_format": "think"}, {"answer_cue": "And so, all in all, after all that was said, the answer is this: "},
     {"resamples": 3}, {"arms": arm_plans("base,primer,zerothink,lessthink", model="overthink/simulated")}],
    ids=str,
)  # fmt: skip
def test_prompts_of_a_model_whose_tokenizer_is_here_are_counted_exactly(more: dict[str, Any], tmp_path: Path) -> None:
    """Where no trace ends by itself, the most that was told is what it takes, to the token."""
    opened = overthink.prepare(plan(limit=1, **more))
    made = overthink.run(opened, tmp_path / "s")
    assert made.about.actual_cost is not None
    assert made.about.actual_cost.prompt_tokens == opened.spending.prompt_tokens[1]


@pytest.mark.parametrize("length", few([10, 2, 30], 1))
def test_no_arm_that_thinks_in_pieces_takes_more_than_was_told(length: int, calls: list[int], tmp_path: Path) -> None:
    asked = plan(arms=arm_plans(ONE_PIECE, model="overthink/simulated"), model_args={"natural_length": length}, draws=4)
    opened = overthink.prepare(asked)
    made = overthink.run(opened, tmp_path / "s")
    took = made.about.actual_cost
    assert took is not None
    assert len(calls) <= opened.spending.calls
    assert (took.prompt_tokens or 0) <= (opened.spending.prompt_tokens[1] or 0)
    assert "up to about" in made.text()
    stepwise = overthink.prepare(plan(arms=arm_plans("base,saferemind", model="overthink/simulated")))
    assert "; about " in stepwise.estimate()  # nobody knows how many steps there will be
    assert stepwise.spending.in_steps


@pytest.mark.long
def test_the_embedded_model_takes_no_more_than_was_told(tmp_path: Path) -> None:
    asked = plan(
        model=NAME,
        model_args=SERVER,
        tasks=overthink.tasks(capability=[], safety=["overthink/contrast_harm"], benign=[], args={"examples": False}),
        budgets=(0, 4),
        answer_tokens=2,
        draws=1,
        limit=2,
        arms=arm_plans("base,primer", model=NAME),
    )
    opened = overthink.prepare(asked)
    took, told = overthink.run(opened, tmp_path / "s").about.actual_cost, opened.spending.prompt_tokens[1]
    assert took is not None
    assert took.prompt_tokens is not None
    assert told is not None
    least = told - opened.spending.calls  # a mean is rounded up by less than a token
    assert least - 2 * 2 * 4 <= took.prompt_tokens <= told  # and a trace may end before the second rung
    # The control: letters, which know nothing of the tokenizer and its template, miss by more than that.
    of = {"name": "t", "questions": 2, "replay": Replay, "turn": None}
    by_letters, counted = (
        prompt_lengths(opened.tasks[0], counter=counter, **of).prompt
        for counter in (LetterCounter(), counter_for(opened.model))
    )
    assert abs(by_letters - counted) * opened.spending.calls > told - least + 2 * 2 * 4


@pytest.mark.parametrize("length", few([10, 2, 200], 1))
def test_no_control_takes_more_than_was_told(length: int, calls: list[int], tmp_path: Path) -> None:
    asked = plan(
        controls=("sham", "natural", "truncated"), judge_traces=True, model_args={"natural_length": length}, draws=4
    )
    opened = overthink.prepare(asked)
    made = overthink.run(opened, tmp_path / "s")
    assert len(calls) <= opened.spending.calls
    assert made.about.actual_cost is not None
    assert made.about.actual_cost.decoded_tokens == sum(calls)
    assert sum(calls) <= (opened.spending.decoded_tokens[1] or 0)


def test_the_prompt_is_measured_as_the_solver_writes_it() -> None:
    def build() -> Task:
        return Task(
            dataset=[Sample(input="x" * 400)],
            solver=[system_message("y" * 4000), prompt_template("z" * 800 + "{prompt}"), generate()],
            scorer=includes(),
        )

    task(name="long_prompt")(build)
    made = open_task(TaskPlan(task="long_prompt", axis="capability", high="correct"))
    told = {"name": "t", "questions": 1, "turn": None, "counter": LetterCounter()}
    assert prompt_lengths(made, replay=None, **told).prompt == 100 + 8
    assert prompt_lengths(made, replay=Replay, **told).prompt == 1000 + 8 + 300 + 8


PRICES = {
    "openai/tested": Rates(2e-6, 1e-6, 1e-5, "a list"),
    "openai/judge": Rates(1e-6, 1e-6, 4e-6, "a list"),
}


@pytest.fixture
def prices(monkeypatch: pytest.MonkeyPatch) -> None:
    known = PRICES | {"openai/unheard-of": "price unknown: openai/unheard-of is not in the price list"}
    monkeypatch.setattr("overthink.collect.session.estimate.rates_of", known.__getitem__)


def asked(*graders: str) -> list[TaskWorkload]:
    return [TaskWorkload("t", 10, 100, graders, cue_tokens=10, longest_prompt_tokens=100)]


@pytest.mark.usefixtures("prices")
def test_the_price_is_a_range_with_its_source_or_unknown_with_its_reason() -> None:
    hosted = plan(model="openai/tested", model_args={}, budgets=(0, 100), draws=1, answer_tokens=20)
    told = estimate_plan(hosted, asked(), base(hosted), free=False, notes=(), tokens_of=len)
    # At most: an answer at 0, thinking to 100, an answer there; the cue is 10 tokens.
    assert told.prompt_tokens[1] == 10 * (110 + 100 + 210)
    assert told.decoded_tokens[1] == 10 * (100 + 2 * 20)
    assert told.usd is not None
    assert told.usd[1] == pytest.approx(10 * (420 * 2e-6 + 140 * 1e-5))
    assert 0 < told.usd[0] < told.usd[1]
    assert "2.00 USD per million prompt tokens, 10.00 decoded; a list" in told.price
    unknown = estimate_plan(
        plan(model="openai/unheard-of", model_args={}), asked(), BASE_ARM, free=False, notes=(), tokens_of=len
    )
    assert unknown.usd is None
    assert "openai/unheard-of is not in the price list" in unknown.price
    assert (
        estimate_plan(plan(), asked(), BASE_ARM, free=True, notes=(), tokens_of=len).price
        == "no charge: the model runs on this machine"
    )


@pytest.mark.usefixtures("prices")
def test_a_grader_is_paid_too() -> None:
    hosted = plan(model="openai/tested", model_args={}, budgets=(0, 100), draws=1)
    alone = estimate_plan(hosted, asked(), base(hosted), free=False, notes=(), tokens_of=len)
    graded = estimate_plan(hosted, asked("openai/judge"), base(hosted), free=False, notes=(), tokens_of=len)
    assert graded.judge_calls == 10 * 2
    assert graded.usd is not None
    assert alone.usd is not None
    assert graded.usd[0] > alone.usd[0]
    own = estimate_plan(plan(), asked("openai/judge"), BASE_ARM, free=True, notes=(), tokens_of=len)
    assert own.usd is not None
    assert own.usd[0] > 0
    assert (
        estimate_plan(hosted, asked("openai/unheard-of"), base(hosted), free=False, notes=(), tokens_of=len).usd is None
    )
    itself = estimate_plan(
        plan(model="vllm/mine", model_args={}), asked("vllm/mine"), BASE_ARM, free=True, notes=(), tokens_of=len
    )
    assert (itself.judge_free, itself.price) == (True, "no charge: the model runs on this machine")


@pytest.mark.usefixtures("prices")
def test_levels_of_a_provider_have_no_upper_bound() -> None:
    hosted = plan(model="openai/tested", model_args={}, budgets=None, efforts=("low", "high"), draws=3)
    told = estimate_plan(hosted, asked(), base(hosted), free=False, notes=(), tokens_of=len)
    assert told.calls == 10 * 3 * 2
    assert told.decoded_tokens[1] is None
    assert told.usd is not None
    assert told.usd[1] is None


def test_estimate_and_fact_stand_side_by_side_and_stay_there(tmp_path: Path) -> None:
    made = overthink.run(overthink.prepare(plan()), tmp_path / "s")
    took = made.about.actual_cost
    assert took is not None
    text = made.text()
    (line,) = [line for line in text.splitlines() if line.strip().startswith("decoded tokens")]
    assert line.split("  ")[-1].strip() == f"{took.decoded_tokens:,}"
    assert "estimated" in text
    assert 'id="costs"' in made.html()
    again = overthink.analyse(tmp_path / "s")
    assert (again.about.estimate, again.about.actual_cost) == (made.about.estimate, made.about.actual_cost)
    resumed = overthink.run(overthink.prepare(plan(draws=3)), tmp_path / "s", resume=True)
    assert resumed.about.estimate is not None
    assert resumed.about.estimate.calls == overthink.prepare(plan(draws=3)).spending.calls
    (tmp_path / "s" / "estimate.json").unlink()
    older = overthink.analyse(tmp_path / "s")
    assert older.about.actual_cost is None
    assert "decoded tokens" not in older.text()


def test_an_estimate_is_read_as_it_was_written_or_refused(tmp_path: Path) -> None:
    told = overthink.prepare(plan()).spending
    path = tmp_path / "estimate.json"
    write_estimate(path, told)
    assert read_estimate(path) == told
    assert read_estimate(tmp_path / "none.json") is None
    path.write_text(path.read_text().replace('"calls"', '"cells"'))
    with pytest.raises(InputError, match="calls"):
        read_estimate(path)
    path.write_text('{"schema": "overthink.estimate/2"}')
    with pytest.raises(InputError, match="newer Overthink"):
        read_estimate(path)
