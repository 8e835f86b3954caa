"""What the ladder adds to plain Inspect: CPU time per draw, beyond an eval with the same number of model calls.

    python benchmarks/overhead.py [--draws 1000] [--rungs 5]

Both run the simulated model on one question with that many epochs. Plain Inspect's solver makes the same requests
(thinking to each rung, one answer each) and scores with `match` once; the ladder scores at every rung, keeps a journal
and writes a report.
"""

import argparse
import tempfile
import time
from pathlib import Path

from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser, GenerateConfig, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import Generate, Solver, TaskState, solver

import overthink

STEP = 16
ANSWER = 16


@solver
def same_calls(rungs: int) -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        model = get_model()
        ids = await model.api.render(state.messages)
        for rung in range(rungs):
            for phase, limit in (("think", STEP), ("answer", ANSWER)):
                told = {
                    "prompt_token_ids": list(ids),
                    "truth": {
                        "phase": phase,
                        "axis": "capability",
                        "question": "1",
                        "draw": state.epoch - 1,
                        "seed": 0,
                        "good": "ANSWER: 1",
                        "bad": "ANSWER: 2",
                        "thinking_tokens": STEP * (rung + 1),
                    },
                }
                output = await model.generate(
                    [ChatMessageUser(content="", metadata=told)], config=GenerateConfig(max_tokens=limit), cache=False
                )
                if phase == "think":
                    ids = [*ids, *output.metadata["token_ids"].ids]
        state.output = output
        return state

    return solve


def plain(draws: int, rungs: int, folder: Path) -> None:
    task = Task(
        dataset=[Sample(input="1 + 0 =", target="1")],
        solver=same_calls(rungs),
        scorer=match(),
        epochs=draws,
        name="plain",
    )
    (log,) = inspect_eval(
        task, model="overthink/simulated", log_dir=str(folder), max_samples=8, display="none", log_level="error"
    )
    assert log.status == "success", log.error


def ladder(draws: int, rungs: int, folder: Path) -> None:
    plan = overthink.Plan(
        overthink=overthink.__version__,
        model="overthink/simulated",
        tasks=overthink.tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        budgets=tuple(STEP * (rung + 1) for rung in range(rungs)),
        draws=draws,
        limit=1,
        seed=0,
        answer_tokens=ANSWER,
    )
    overthink.run(overthink.prepare(plan), folder / "study")


def cpu(run, draws: int, rungs: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        run(draws, rungs, Path(folder))
        return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--rungs", type=int, default=5)
    given = parser.parse_args()
    for run in (plain, ladder):
        cpu(run, 5, given.rungs)  # imports
    seconds = {run.__name__: cpu(run, given.draws, given.rungs) for run in (plain, ladder)}
    print(f"{given.draws} draws × {given.rungs} rungs, {2 * given.rungs} calls a draw\n")
    print("| | CPU seconds | ms per draw |\n| --- | --- | --- |")
    for name, spent in seconds.items():
        print(f"| {name} | {spent:.1f} | {1000 * spent / given.draws:.1f} |")
    print(f"\nThe ladder adds {1000 * (seconds['ladder'] - seconds['plain']) / given.draws:.1f} ms per draw.")


if __name__ == "__main__":
    main()
