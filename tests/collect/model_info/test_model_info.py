"""Who works for an arm: as its settings name them, wherever they run."""

from pathlib import Path

import pytest
from shape_files import config, gguf, safetensors
from simulated_study import plan

from overthink.collect.arms.registry import arm_plans
from overthink.collect.model_info.info import SHAPE_NOT_STATED, DeployedModel, inspect_model
from overthink.collect.providers.embedded import weights
from overthink.cost.model_shape import ModelShape
from overthink.data.verifier_scores import VerifierRun
from overthink.workflows.models import SIMULATED_MODEL, deployed_roles, verifier_models

GUARD = "scale=probability,tau=0.5"
MODEL = DeployedModel("mockllm/model")

ARMS = {
    "base": ((), ()),
    f"safethink:guard=openai/g,{GUARD},m=1,b=1": ((DeployedModel("openai/g"),), ()),
    f'monitor:guard="rollouts:n=2;tokens=0;against=consensus",{GUARD},action=stop': ((MODEL,), ()),
    f'monitor:guard="classifier:model=a/b;label=safe",{GUARD},action=stop': ((DeployedModel("a/b", "here"),), ()),
    "prm-beam:width=2,children=2,aggregate=last,verifier=own-probability:per=token": ((), (MODEL,)),
    "prm-beam:width=2,children=2,aggregate=last,verifier=endpoint:url=http://localhost:1/v1;model=p;kind=score;"
    "separator=none": ((), (DeployedModel("p", "here"),)),
    "prm-beam:width=2,children=2,aggregate=last,verifier=endpoint:url=http://far.example;model=p;kind=score;"
    "separator=none": ((), (DeployedModel("p", "server"),)),
    "tot:keep=1,proposals=2,verifier=judge:model=openai/j;tokens=16": ((), (DeployedModel("openai/j"),)),
    "revise:rounds=1,share=0.2,verifier=majority": ((), ()),
    f"prm-beam+safethink:width=2,children=2,aggregate=last,verifier=judge:model=openai/j;tokens=16,guard=openai/g,"
    f"{GUARD},m=1,b=1": ((DeployedModel("openai/g"),), (DeployedModel("openai/j"),)),
}


@pytest.mark.parametrize("text", ARMS)
def test_settings_name_who_works(text: str) -> None:
    wanted = plan(model="mockllm/model", model_args={}, arms=arm_plans(text, model="mockllm/model"))
    (found,) = deployed_roles(wanted, [], free=False).values()
    assert (found.guards, found.step_verifiers) == ARMS[text]
    assert (found.model, found.verifiers, found.judges) == (MODEL, (), ())


def test_simulated_parts_belong_to_the_simulated_model() -> None:
    arms = arm_plans("base,safethink,prm-beam", model="overthink/simulated")
    found = deployed_roles(plan(arms=arms), [], free=True)
    assert found["safethink"].guards == found["prm-beam"].step_verifiers == (SIMULATED_MODEL,)
    assert found["base"].guards == ()


def test_judges_grade_every_arm_once() -> None:
    wanted = plan(model="mockllm/model", model_args={}, arms=arm_plans("base,zerothink", model="mockllm/model"))
    found = deployed_roles(wanted, ["openai/j", "openai/j", "mockllm/model"], free=True)
    own = DeployedModel("mockllm/model", "here")
    assert {one.judges for one in found.values()} == {(DeployedModel("openai/j"), own)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("rollouts:n=4,tokens=8,against=consensus", (MODEL,)),
        ("own-probability:per=answer", (MODEL,)),
        ("simulated:error=0.0", (SIMULATED_MODEL,)),
        ("judge:model=openai/j,tokens=16", (DeployedModel("openai/j"),)),
        ("a-verifier-of-tomorrow:x=1", (DeployedModel("told/model"),)),
    ],
)
def test_verifiers_of_answers_are_named_as_they_were_typed(text: str, wanted: tuple[DeployedModel, ...]) -> None:
    verified = VerifierRun(text, "answer", None, False, ("told/model",), ("base",))
    own = SIMULATED_MODEL if text.startswith("simulated") else MODEL
    assert verifier_models(verified, own) == wanted


def test_weights_on_this_machine_tell_the_shape(tmp_path: Path) -> None:
    values = {"general.architecture": "llama", "llama.block_count": 7}
    path = gguf(tmp_path / "own.gguf", values, {"a": (8, 4)}, data=64)
    assert inspect_model("overthink/gguf", {"gguf": str(path)}).shape.shape.parameters == 32
    path.write_bytes(b"GGUF")
    broken = inspect_model("overthink/gguf", {"gguf": str(path)}).shape
    assert broken.shape == ModelShape()
    assert broken.source.startswith("unknown: ")
    folder = config(tmp_path / "classifier", num_hidden_layers=3)
    safetensors(folder / "model.safetensors", {"a": (8, 4)})
    text = f'monitor:guard="classifier:model={folder};label=safe",{GUARD},action=stop'
    wanted = plan(model="mockllm/model", model_args={}, arms=arm_plans(text, model="mockllm/model"))
    (guard,) = deployed_roles(wanted, [], free=True)["monitor"].guards
    assert guard.shape.shape.parameters == 32
    assert inspect_model("openai/gpt-4o").shape.source == SHAPE_NOT_STATED


def test_the_embedded_weights_are_found() -> None:
    if weights.find_weights() is None:
        pytest.skip("the embedded model is not installed; run: overthink model install")
    assert inspect_model("overthink/smollm2").shape.shape.parameters == 134_515_008
