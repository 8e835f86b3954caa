"""How a verifier is named: every decision is stated, brought by the simulated model, or refused."""

import pytest

from overthink.collect.arms.verifiers.endpoint import EndpointVerifier
from overthink.collect.arms.verifiers.judge import JudgeVerifier
from overthink.collect.arms.verifiers.registry import VERIFIERS, open_verifier, read_verifier
from overthink.collect.arms.verifiers.rollouts import RolloutVerifier
from overthink.components.base import Component, Simulated
from overthink.errors import InputError

MODEL = "mockllm/model"
SIMULATED = "overthink/simulated"


def test_a_verifier_with_its_decisions() -> None:
    read = read_verifier("rollouts:n=3,tokens=16,against=target,aggregate=min", model=MODEL)
    assert (read.label, read.aggregate, read.verifier.is_oracle) == (
        "rollouts:n=3,tokens=16,against=target",
        "min",
        True,
    )
    made = read.open()
    assert made == RolloutVerifier(n=3, tokens=16, against="target")
    assert "ORACLE" in made.name
    assert not read_verifier("rollouts:n=3,tokens=16,against=consensus", model=MODEL).verifier.is_oracle


def test_inside_an_arm_semicolons_part_the_decisions() -> None:
    made = open_verifier("endpoint:url=http://127.0.0.1:9/v1;model=a/prm;kind=pooling;separator=<extra_0>", model=MODEL)
    assert isinstance(made, EndpointVerifier)
    assert made.models == ("a/prm",)
    assert isinstance(open_verifier("judge:model=mockllm/model;tokens=64", model=MODEL), JudgeVerifier)


def simulated_defaults(part: type[Component]) -> dict[str, object]:
    """What is set with the simulated model, by name."""
    return {
        name: mark.value
        for name, field in part.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Simulated)
    }


def test_the_simulated_model_brings_what_it_can() -> None:
    for name in ("simulated", "rollouts", "own-probability"):
        assert read_verifier(name, model=SIMULATED).verifier.model_dump() == simulated_defaults(VERIFIERS[name])
    assert read_verifier("simulated:error=0.2", model=SIMULATED).verifier.model_dump() == {"error": 0.2}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rollouts", "needs decisions.*n .rollouts from each step.*tokens.*against"),
        ("rollouts:n=1,tokens=8,against=consensus", "--verifier rollouts: n=1 is not possible.*at least 2"),
        ("rollouts:n=4,tokens=8,against=truth", "needed: consensus or target"),
        ("rollouts:n=4,tokens=8,against=consensus,k=3", "no setting 'k'; it has: n, tokens, against, aggregate"),
        ("rollouts:n=4,tokens=8,against=consensus,aggregate=max", "aggregate=max is not possible"),
        ("magic", "knows no 'magic'; known: simulated"),
        ("rollouts:n=4,judge:tokens=3", "names 2 verifiers"),
        ("=3", "--verifier =3"),
        ("simulated", "reads what overthink/simulated writes"),
        ("own-probability", "per .probability"),
        ("endpoint:url=http://x,model=m,kind=score,separator=<s>", None),
        ("endpoint:url=http://x,model=m,kind=magic,separator=none", "needed: pooling or classify or score"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, told: str | None) -> None:
    if told is None:
        with pytest.raises(InputError, match="takes no separator"):
            open_verifier(text, model=MODEL)
        return
    with pytest.raises(InputError, match=told):
        read_verifier(text, model=MODEL)
