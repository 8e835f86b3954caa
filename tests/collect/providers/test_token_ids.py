"""Token ids of outputs: one value to Inspect, and all of them in its log."""

import copy
from pathlib import Path

import inspect_ai
import pytest
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.log import read_eval_log
from inspect_ai.model import ModelOutput
from inspect_ai.solver import generate

from overthink.collect.providers.simulated.thinking import encode
from overthink.collect.providers.token_ids import DecodedTokens, TokenOutput


@task
def greeting() -> Task:
    """One question without a truth, to which the simulated model says a sentence."""
    return Task(dataset=[Sample("Hello?")], solver=generate())


def test_a_log_has_every_token_id_of_an_output(tmp_path: Path) -> None:
    written = inspect_ai.eval(greeting(), model="overthink/simulated", log_dir=str(tmp_path), log_level="error")[0]
    log = read_eval_log(written.location, resolve_attachments=True)
    assert log.samples is not None
    output = log.samples[0].output
    assert output.metadata is not None
    stored = output.metadata["token_ids"]
    assert not isinstance(stored, DecodedTokens)  # a text, as any reader of the log gets it
    assert list(DecodedTokens.of(stored).ids) == encode(output.completion)
    assert len(encode(output.completion)) > 5


@pytest.mark.parametrize("ids", [[], [0], [353, 354, 355]])
def test_a_text_gives_the_ids_back(ids: list[int]) -> None:
    value = DecodedTokens(ids)
    assert DecodedTokens.of(value) is value
    assert DecodedTokens.of(str(value)).ids == tuple(ids)


def test_a_text_that_is_no_list_of_ids_is_refused() -> None:
    with pytest.raises(ValueError, match="tokens"):
        DecodedTokens.of("2 tokens")


def test_a_copy_of_an_output_copies_no_token_id() -> None:
    decoded = TokenOutput("ab", [353, 354], None, prompt_tokens=1, cached_tokens=0, decoded_tokens=2)
    output = decoded.model_output("m", cut_by_context=False)
    copied = copy.deepcopy(output)
    assert output.metadata is not None
    assert copied.metadata is not None
    assert copied.metadata["token_ids"] is output.metadata["token_ids"]
    plain = ModelOutput(model="m", metadata={"token_ids": [353, 354]})
    assert copy.deepcopy(plain).metadata["token_ids"] is not plain.metadata["token_ids"]  # type: ignore[index]  # the control
