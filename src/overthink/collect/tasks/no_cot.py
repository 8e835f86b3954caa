"""Arithmetic that is answered at once: the capability without a chain of thought, at the lowest rung of a ladder.

The problems, the instruction and the worked examples are those of Greenblatt's measurement of answers without a chain
of thought (rgreenblatt/no_cot_math_public, MIT). Its two ways to give a model more room before the answer are arms,
so that each is compared with the plain prompt on the same questions: ``filler:count=300`` and ``repeats:times=5``.
"""

from itertools import islice

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState, generate

from overthink.collect.tasks.expressions import distinct, expressions, stated_number
from overthink.data.record import Verdict
from overthink.errors import InputError

_INSTRUCTION = (
    "You will be given a math problem. Answer immediately using the format 'ANSWER: [ANSWER]' where [ANSWER] is just "
    "the numerical answer, nothing else. No explanation, no words, no reasoning, just the number."
)
_EXAMPLE_SEED = 1_000_003
"""Distance of the seed of the worked examples from that of the questions."""


@task
def no_cot(size: int = 200, seed: int = 0, shots: int = 10, least: int = 5, most: int = 7) -> Task:
    """Python expressions whose values are given at once (Gen-Arithmetic).

    Args:
        size: Number of questions.
        seed: Seed of the questions.
        shots: Number of worked examples before each question.
        least: Fewest operators of an expression.
        most: Most operators of an expression.
    """
    if shots < 0 or not 1 <= least <= most:
        raise InputError(f"shots={shots}, least={least}, most={most}; needed: shots from 0, and 1 <= least <= most")
    examples = tuple(islice(expressions(seed + _EXAMPLE_SEED, least=least, most=most), shots))
    before: list[ChatMessage] = []
    for example in examples:
        before += [_question(example.text), ChatMessageAssistant(content=f"ANSWER: {example.value}")]
    problems = distinct(expressions(seed, least=least, most=most), size, without=examples)
    samples = [
        Sample(
            id=f"no_cot-{number:04d}",
            input=[*before, _question(problem.text)],
            target=str(problem.value),
            metadata={"simulated": {"good": str(problem.value), "bad": str(problem.value + 1)}},
        )
        for number, problem in enumerate(problems)
    ]
    return Task(dataset=MemoryDataset(samples, name="no_cot"), solver=generate(), scorer=exact_number())


@scorer(metrics=[accuracy(), stderr()])
def exact_number() -> Scorer:
    """1 = the first number of the answer is the target's, digit by digit; without a number it is unparsed."""

    async def score(state: TaskState, target: Target) -> Score:
        number = stated_number(state.output.completion)
        is_right = number == int(target.text)
        verdict = Verdict.UNPARSED if number is None else Verdict.CORRECT if is_right else Verdict.WRONG
        answer = "" if number is None else str(number)
        return Score(value=float(is_right), answer=answer, metadata={"verdict": str(verdict)})

    return score


def _question(expression: str) -> ChatMessage:
    return ChatMessageUser(content=f"{_INSTRUCTION}\n\nProblem: Evaluate this Python expression. {expression}")
