"""Every private name of Inspect is there, has the shape that is used, and is imported in one file."""

import ast
import asyncio
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import anyio
import pytest
import rich
from inspect_ai import Task
from inspect_ai import eval as inspect_eval
from inspect_ai._display.core.display import Display, TaskDisplay
from inspect_ai._util.error import pip_dependency_error
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelName
from inspect_ai.scorer import match, model_graded_qa
from inspect_ai.solver import TaskState

import overthink
from overthink.collect import inspect_internals as internals
from overthink.errors import InputError

SOURCE = Path(__file__).parents[2] / "src" / "overthink"
OUR_FILE = SOURCE / "collect" / "inspect_internals.py"


OWN = {"SAMPLE_FIELDS", "check_notebook", "no_display"}
INSIDE = {
    "LogDisplay",
    "LogProgress",
    "TaskScreen",
    "_active_display",
    "active",
    "have_package",
    "init_display_type",
    "running_in_notebook",
}
"""Names of the file that stand for no single name of Inspect, and names of Inspect that they use."""


async def answer() -> int:
    return 7


CALLS: dict[str, tuple[tuple[Any, ...], Callable[[Any], bool]]] = {
    "load_tasks": ((["overthink/arithmetic"], {}), lambda tasks: len(tasks) == 1 and isinstance(tasks[0], Task)),
    "run_coroutine": ((answer(),), lambda result: result == 7),
    "configured_async_backend": ((), lambda backend: backend == "asyncio"),
    "with_async_fs": ((answer,), lambda main: anyio.run(main) == 7),
    "platform_init": ((), lambda result: result is None),
    "check_notebook": ((), lambda result: result is None),
    "is_registry_object": ((match(),), lambda result: result is True),
    "registry_info": ((match(),), lambda info: (info.type, info.name) == ("scorer", "inspect_ai/match")),
    "prerequisite_words": (
        (pip_dependency_error("Some API", ["some-sdk"]),),
        lambda words: words == "Some API requires optional dependencies. Install with: pip install some-sdk",
    ),
    "registry_lookup": (("scorer", "match"), callable),
    "registry_params": ((model_graded_qa(model="a/b"),), lambda params: params["model"] == "a/b"),
    "active_model": ((), lambda model: model is None),
    "sample_model_usage": ((), lambda usage: usage == {}),
    "sample_active": ((), lambda sample: sample is None),
    "unique_scorer_name": ((match(), ["match"]), lambda name: name == "match1"),
}
"""By function: arguments as the collector gives them, and a check of the result."""

OTHERS = {
    "PrerequisiteError",
    "SAMPLE_FIELDS",
    "active_model_context_var",
    "copy_registration",
    "filtered_logs",
    "no_display",
    "sandbox_environments_context_var",
    "start_server",
}


@pytest.mark.parametrize("name", CALLS)
def test_a_function_takes_and_gives_what_is_used(name: str) -> None:
    arguments, is_right = CALLS[name]
    assert is_right(getattr(internals, name)(*arguments))


def test_no_name_is_without_a_test() -> None:
    assert set(internals.__all__) == set(CALLS) | OTHERS


def test_a_provider_around_another_one_is_registered_as_it() -> None:
    provider, wrapper = match(), SimpleNamespace()
    internals.copy_registration(provider, wrapper)
    assert internals.registry_info(wrapper) == internals.registry_info(provider)
    assert internals.registry_params(wrapper) == internals.registry_params(provider)


def test_the_private_error_is_no_exception_that_is_caught_otherwise() -> None:
    assert issubclass(internals.PrerequisiteError, Exception)
    assert not issubclass(internals.PrerequisiteError, LookupError | TypeError | ValueError | OSError | ImportError)
    assert "needed" in str(internals.PrerequisiteError("needed"))


def test_every_byte_of_a_log_passes_the_filter(tmp_path: Path) -> None:
    sample = Sample(id="q", input="a plantedsecret in the prompt", target="x", metadata={"note": "plantedsecret"})
    task = Task(dataset=[sample], scorer=match())
    with internals.filtered_logs(lambda document: document.replace(b"plantedsecret", b"<hidden>")):
        (log,) = inspect_eval(task, model="mockllm/model", log_dir=str(tmp_path), display="none", log_format="eval")
    with ZipFile(log.location) as members:
        content = b"".join(members.read(name) for name in members.namelist())
    assert b"plantedsecret" not in content
    assert content.count(b"<hidden>") >= 2


def test_a_notebook_without_widgets_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internals, "running_in_notebook", lambda: True)
    internals.check_notebook()
    monkeypatch.setattr(internals, "have_package", lambda name: name != "ipywidgets")
    with pytest.raises(InputError, match=r"needs the package ipywidgets .*pip install ipywidgets"):
        internals.check_notebook()
    with pytest.raises(InputError, match="ipywidgets"):
        overthink.experiment(model="none/none", capability="overthink/arithmetic", budgets=[0])


def test_in_a_notebook_an_eval_shows_no_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich's displays begin with a widget where its console is one of a notebook."""
    console = rich.get_console()
    monkeypatch.setattr(console, "is_jupyter", True)
    with internals.no_display():
        assert rich.get_console().is_jupyter is False
    assert console.is_jupyter is True


def test_an_eval_without_a_display_is_laid_out_nowhere_and_the_display_before_comes_back(tmp_path: Path) -> None:
    before = internals.active_display.display()
    with internals.no_display():
        silent = internals.active_display.display()
        inspect_eval(Task(), model="mockllm/model", log_dir=str(tmp_path), display="none")
        assert internals.active_display.display() is silent is not before
        for protocol, shown in ((Display, silent), (TaskDisplay, internals._NoTaskDisplay())):
            assert isinstance(shown, protocol)
    assert internals.active_display.display() is before


def test_the_active_model_can_be_replaced_and_restored() -> None:
    variable: ContextVar[Any] = internals.active_model_context_var
    token = variable.set("placeholder")
    assert internals.active_model() == "placeholder"  # type: ignore[comparison-overlap]
    variable.reset(token)
    assert internals.active_model() is None


def test_the_sandboxes_can_be_replaced_and_restored() -> None:
    from inspect_ai.util import sandbox

    class UsedError(Exception):
        pass

    class Locked(dict[str, Any]):
        def __len__(self) -> int:
            raise UsedError

    variable: ContextVar[Any] = internals.sandbox_environments_context_var
    token = variable.set(Locked())
    with pytest.raises(UsedError):
        sandbox()
    variable.reset(token)
    assert not variable.get(None)


def test_a_state_has_the_fields_of_its_sample() -> None:
    sample = Sample(input="q", target="a")
    state = TaskState(model=ModelName("mockllm/model"), sample_id=1, epoch=1, input=sample.input, messages=[])
    assert set(internals.SAMPLE_FIELDS) <= set(vars(state))
    private = {name for name in vars(state) if "limit" in name or "store" in name}
    assert private == set(internals.SAMPLE_FIELDS)  # a new limit of a sample belongs there too


def test_the_provider_of_vllm_can_be_started() -> None:
    from inspect_ai.model._providers.vllm import VLLMAPI

    assert list(inspect.signature(VLLMAPI._resolve_server).parameters) == ["self"]
    assert not inspect.iscoroutinefunction(VLLMAPI._resolve_server)
    api: Any = VLLMAPI("m", base_url="http://127.0.0.1:1/v1", api_key="k")
    assert (api.base_url, api.connection_key(), api.base_model) == (None, "http://127.0.0.1:1/v1", "m")
    asyncio.run(internals.start_server(api))
    assert api.base_url == "http://127.0.0.1:1/v1"  # nothing was sent to it


def private_uses(code: str) -> set[str]:
    """Private modules and names of Inspect that code imports, and private attributes that none of its classes has."""
    tree, uses = ast.parse(code), set()
    own = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            names = [node.value]  # a name for import_module or a patch
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            is_ours = node.attr in own or (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "os"))
            uses |= set() if is_ours else {node.attr}
        uses |= {name for name in names if name.startswith("inspect_ai.") and "._" in name}
    return uses


def test_no_other_file_uses_a_private_name_of_inspect() -> None:
    files = {path for path in SOURCE.rglob("*.py") if "inspect_ai" in path.read_text(encoding="utf-8")} | set(
        (SOURCE / "collect").rglob("*.py")
    )
    uses = {path: private_uses(path.read_text(encoding="utf-8")) for path in files - {OUR_FILE}}
    assert {str(path): names for path, names in uses.items() if names} == {}


@pytest.mark.parametrize(
    ("code", "use"),
    [
        ("from inspect_ai._util.error import PrerequisiteError", "inspect_ai._util.error.PrerequisiteError"),
        ("from inspect_ai.model._model import active_model", "inspect_ai.model._model.active_model"),
        ("from inspect_ai.model import _model", "inspect_ai.model._model"),
        ("def f():\n    import inspect_ai._eval.loader as loader", "inspect_ai._eval.loader"),
        ("import_module('inspect_ai._eval.loader')", "inspect_ai._eval.loader"),
        ("model.api._resolve_server()", "_resolve_server"),
    ],
)
def test_the_check_can_fail(code: str, use: str) -> None:
    assert private_uses(code) == {use}
    assert private_uses("from inspect_ai.model import Model\nimport overthink._version\nself._x = other._x") == set()
    uses = private_uses(OUR_FILE.read_text(encoding="utf-8"))
    assert len(uses) == len(set(internals.__all__) - OWN) + len(INSIDE)
    assert {use.rpartition(".")[2] for use in uses} >= INSIDE
