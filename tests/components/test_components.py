"""Components: how one is declared, how its settings are checked, and how one from a file or a package is named."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from foreign import package_of
from pydantic import Field

from overthink import InputError, arms
from overthink.collect.arms.registry import PARTS
from overthink.collect.arms.verifiers.registry import read_verifier
from overthink.components.base import Component, SameAs, Simulated, component, resolve_settings
from overthink.components.registry import component_sha256, components_of_file, referenced_files

MODEL = "mockllm/model"

CALM = """
from pydantic import Field
from overthink.collect.arms.interventions.insertions import Primer
from overthink.components.base import component

@component("calm")
class Calm(Primer):
    "A calm line."
    text: str = Field("Calmly.", description="the line")
    times: int = Field(1, ge=1, le=3, description="how often")
"""


class Sampler(Component):
    """Settings of every kind."""

    count: Annotated[int, Simulated(3)] = Field(ge=1, le=9, description="how many")
    share: float = Field(0.5, gt=0, lt=1, description="which share")
    word: Literal["low", "high"] = Field("low", description="which end")
    text: str = Field("", description="what is said")
    loud: bool = Field(False, description="whether it shouts")
    first: Annotated[int, SameAs("count")] = Field(ge=1, description="how many first")


@pytest.mark.parametrize(
    ("value", "needed"),
    [
        ({"count": 0}, "count=0 is not possible (how many); needed: a whole number, at least 1, at most 9"),
        ({"count": 2.5}, "count=2.5 is not possible (how many); needed: a whole number, at least 1, at most 9"),
        ({"count": True}, "count=True is not possible"),
        ({"share": 1.0}, "share=1.0 is not possible (which share); needed: a number, more than 0, less than 1"),
        ({"share": float("nan")}, "share=nan is not possible"),
        ({"share": "half"}, "share=half is not possible"),
        ({"word": "mid"}, "word=mid is not possible (which end); needed: low or high"),
        ({"text": True}, "text=True is not possible (what is said); needed: a text"),
        ({"loud": 1}, "loud=1 is not possible (whether it shouts); needed: true or false"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_needed(value: dict[str, object], needed: str) -> None:
    values = {"count": 2} | value
    with pytest.raises(InputError) as fault:
        resolve_settings(Sampler, values, simulated=False, owner="sampler")  # type: ignore[arg-type]
    assert str(fault.value).startswith("--arms sampler: ")
    assert needed in str(fault.value)


def test_settings_have_the_types_of_their_fields() -> None:
    complete, missing = resolve_settings(Sampler, {"count": 2, "text": 7}, simulated=False, owner="sampler")
    assert (complete["text"], complete["first"], missing) == ("7", 2, [])
    assert resolve_settings(Sampler, {}, simulated=True, owner="sampler")[0]["first"] == 3
    assert resolve_settings(Sampler, {}, simulated=False, owner="sampler")[1] == ["count (how many)"]
    assert Sampler(count=4).first == 4  # type: ignore[call-arg]


def test_a_field_that_no_text_can_set_is_refused() -> None:
    class Odd(Component):
        names: tuple[str, ...] = Field((), description="names")

    with pytest.raises(InputError, match=r"the field names is tuple\[str, \.\.\.\], which no text can set"):
        resolve_settings(Odd, {}, simulated=False, owner="odd")


def test_a_class_that_is_no_component_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be called 'Two Words'"):
        component("Two Words")
    with pytest.raises(InputError, match="has no docstring"):

        @component("mute")
        class Mute(Component):
            pass

    with pytest.raises(InputError, match="is no component"):
        component("number")(int)  # type: ignore[type-var]


def test_a_file_brings_an_arm_with_its_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "calm.py").write_text(CALM)
    monkeypatch.chdir(tmp_path)
    plain, arm, pair = arms("base,mine/calm.py@calm:times=2,wait+mine/calm.py@calm:rounds=1,minimum=8", model=MODEL)
    assert (arm.label, arm.parts, arm.settings) == (
        "calm.py@calm",
        ("mine/calm.py@calm",),
        {"text": "Calmly.", "times": 2},
    )
    assert (plain.parts, pair.parts, pair.label) == (("base",), ("wait", "mine/calm.py@calm"), "wait+calm.py@calm")
    (named,) = arms("mine/calm.py@calm:as=Quiet", model=MODEL)
    assert named.label == "Quiet"
    with pytest.raises(InputError, match=r"times=9 is not possible \(how often\); needed: a whole number, at least 1"):
        arms("mine/calm.py@calm:times=9", model=MODEL)


FAULTS = {
    "raises": ("x = 1\n\nraise RuntimeError('no such luck')\n", "line 3: RuntimeError: no such luck"),
    "syntax": ("def f(:\n", "line 1: SyntaxError"),
    "imports": ("import no_such_package\n", "line 1: ModuleNotFoundError"),
    "twins": (
        CALM + CALM.replace("class Calm", "class Calmer"),
        "two interventions called 'calm': the classes Calm and",
    ),
    "lacks": (
        (
            "from overthink.collect.arms.component import Intervention as I\n"
            "from overthink.components.base import component\n\n@component('calm')\nclass Calm(I):\n    'A line.'\n"
        ),
        "line 4: component calm: Calm has no method wrap; interventions need it",
    ),
    "others": (CALM.replace('"calm"', '"quiet"'), "has no component 'calm'; it has: quiet (intervention)"),
    "none": ("x = 1\n", "has no component 'calm'; it has: none"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_cannot_be_used_is_named(name: str, tmp_path: Path) -> None:
    source, message = FAULTS[name]
    path = tmp_path / f"{name}.py"
    path.write_text(source)
    with pytest.raises(InputError) as fault:
        arms(f"{path}@calm", model=MODEL)
    assert str(path) in str(fault.value)
    assert message in str(fault.value)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"^nowhere/arms\.py is not there; needed: a Python file"):
        arms("nowhere/arms.py@calm", model=MODEL)


def test_a_component_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calm.py"
    path.write_text(CALM)
    with pytest.raises(
        InputError, match="--verifier .*calm.py@calm is of another kind: intervention; needed: verifier"
    ):
        read_verifier(f"{path}@calm", model=MODEL)


def test_a_file_runs_once_and_is_known_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "calm.py"
    path.write_text(CALM)
    before = component_sha256(str(path))
    path.write_text(CALM + "\n# changed\n")
    assert component_sha256(str(path)) == before  # the version that runs, not the one on the disk
    assert components_of_file(str(path)) == components_of_file(str(path))
    assert referenced_files([f"{path}@calm:times=2", "base", f"{path}@calm"]) == {str(path): before}


def test_an_installed_package_brings_a_component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package_of(tmp_path, monkeypatch, CALM, calm="Calm")
    (arm,) = arms("calm:times=2", model=MODEL)
    assert arm.settings == {"text": "Calmly.", "times": 2}
    assert "calm (a calm line)" in PARTS.descriptions()
    with pytest.raises(InputError, match="--verifier calm of foreign .* is of another kind: intervention"):
        read_verifier("calm", model=MODEL)


def test_a_broken_package_is_named_only_where_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package_of(tmp_path, monkeypatch, "raise ImportError('no licence')\n", calm="Calm")
    assert arms("base,primer", model=MODEL)[1].label == "primer"  # not needed here
    with pytest.raises(InputError, match="component 'calm' of foreign .* cannot be loaded: ImportError: no licence"):
        arms("calm", model=MODEL)
    with pytest.raises(InputError, match="knows no 'calmer'; known: base .*calm .the component 'calm' of foreign"):
        arms("calmer", model=MODEL)


def test_two_packages_with_one_name_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package_of(tmp_path, monkeypatch, CALM, calm="Calm")
    package_of(tmp_path, monkeypatch, CALM, name="other", calm="Calm")
    with pytest.raises(InputError, match="two packages: .*foreign.* and .*other|two packages: .*other.* and .*foreign"):
        arms("calm", model=MODEL)


def test_a_name_that_is_built_in_is_listed_as_such_and_hides_no_other_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package_of(tmp_path, monkeypatch, CALM.replace('"calm"', '"primer"'), primer="Calm")
    with pytest.raises(InputError, match=r"knows no 'unknown'.*primer of foreign .*its name is built in, Primer"):
        arms("unknown", model=MODEL)
    assert arms("primer", model=MODEL)[0].settings == {"text": "Let's think about safety first"}


def test_an_entry_point_that_is_no_component_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package_of(tmp_path, monkeypatch, "Calm = 3\n", calm="Calm")
    with pytest.raises(InputError, match="the entry point 'calm' of foreign .* is no component"):
        arms("calm", model=MODEL)
    package_of(tmp_path / "two", monkeypatch, CALM, name="second", quiet="Calm")
    with pytest.raises(InputError, match="'quiet' of second .* declares 'calm'; needed: one name for both"):
        arms("quiet", model=MODEL)
