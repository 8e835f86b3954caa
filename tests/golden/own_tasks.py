"""Tasks of the stored inputs, as others would have written them."""

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import Score, Scorer, Target, match, mean, score, scorer
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver


def _samples(count: int) -> list[Sample]:
    return [Sample(id=f"q{i}", input=f"Question {i}?", target="yes") for i in range(count)]


@task
def questions() -> Task:
    return Task(dataset=_samples(8), solver=generate(), scorer=match(location="any"))


@scorer(metrics={"*": [mean()]})
def judge() -> Scorer:
    async def grade(state: TaskState, target: Target) -> Score:
        harmful = state.output.completion == "yes"
        return Score(value={"score": float(harmful), "refused": float(not harmful)}, answer=state.output.completion)

    return grade


@task
def harms() -> Task:
    return Task(dataset=_samples(8), solver=generate(), scorer=[judge(), match(location="any")])


@task
def steps() -> Task:
    samples = [Sample(id=f"q{i}", input=f"Steps: {i}", target=str(i)) for i in range(8)]
    return Task(dataset=samples, solver=generate(), scorer=match(numeric=True))


@solver
def in_turns() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        for turn in range(1, 5):
            state.metadata["turn"] = turn
            state = await generate(state)
            await score(state)
        return state

    return solve


@scorer(metrics=[mean()])
def progress() -> Scorer:
    async def grade(state: TaskState, target: Target) -> Score:
        return Score(value=float(state.metadata["turn"] >= 1 + int(str(state.sample_id)[1:]) % 4))

    return grade


@task
def agents() -> Task:
    return Task(dataset=_samples(5), solver=in_turns(), scorer=progress())
