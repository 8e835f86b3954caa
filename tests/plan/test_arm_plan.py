"""Arms as they are written: what is said is what the plan keeps, and what is missing is asked for."""

import re
from typing import Annotated, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from overthink.collect.arms.component import Intervention
from overthink.collect.arms.registry import PARTS, PlainLadder, arm_plans, open_arm
from overthink.collect.ladder.thinking import Stepper, TraceContext
from overthink.components.base import Simulated, component
from overthink.errors import InputError
from overthink.plan.arms import BASE, ArmPlan, read_arms
from overthink.plan.study import checked_plan
from overthink.workflows.analyse import tasks

NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
VALUES = st.one_of(st.integers(), st.booleans(), st.from_regex(r"[a-z][a-z/:.=-]{0,12}", fullmatch=True))
ARMS = st.lists(
    st.tuples(st.lists(NAMES, min_size=1, max_size=3, unique=True), st.dictionaries(NAMES, VALUES, max_size=3)),
    min_size=1,
    max_size=4,
)


@given(ARMS)
def test_what_is_written_is_what_is_read(arms: list[tuple[list[str], dict[str, object]]]) -> None:
    def shown(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    written = []
    for parts, settings in arms:
        kept = {name: value for name, value in settings.items() if name != "as"}
        pairs = [f"{name}={shown(value)}" for name, value in kept.items()]
        written.append("+".join(parts) + (":" + ",".join(pairs) if pairs else ""))
    read = read_arms(",".join(written))
    assert [list(arm.parts) for arm in read] == [parts for parts, _ in arms]
    for arm, (_, settings) in zip(read, arms, strict=True):
        kept = {name: value for name, value in settings.items() if name != "as"}
        words = {"true": True, "false": False, "null": "null"}
        assert arm.settings == {name: words.get(v, v) if isinstance(v, str) else v for name, v in kept.items()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tau=0.5", "belongs to no arm"),
        ("base,", "cannot be read"),
        ("base,x:tau=", "says nothing"),
        ("x:a=1,a=2", "given a twice"),
        ("<b>", "cannot be read"),
        ("x+x", "each once"),
        ("x:as=<script>", "cannot be called"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_arms(text)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parts whose decisions are of every kind."""

    @component("careful")
    class Careful(Intervention):
        """Looks on."""

        tau: Annotated[float, Simulated(0.5)] = Field(ge=0, le=1, description="threshold")
        m: int = Field(3, ge=1, description="steps")
        how: Annotated[Literal["stop", "redirect"], Simulated("stop")] = Field(description="what to do")

        def wrap(self, stepper: Stepper, context: TraceContext) -> Stepper:
            return stepper

    @component("wide")
    class Wide(PlainLadder):
        """Thinks widely."""

        width: int = Field(description="paths")

    @component("quick")
    class Quick(PlainLadder):
        """Does not think."""

        answers_at_once: ClassVar[bool] = True

    for part in (Careful, Wide, Quick):
        monkeypatch.setitem(PARTS, part.key, part)


def test_every_decision_is_stated_or_asked_for(known: None) -> None:
    (arm,) = arm_plans("wide+careful:tau=1,how=stop,width=4", model="openai/x")
    assert arm.settings == {"tau": 1.0, "how": "stop", "width": 4, "m": 3}  # what the source fixes stands in the plan
    assert isinstance(arm.settings["tau"], float)
    with pytest.raises(InputError, match=re.escape("nobody can make for you: tau (threshold); how (what to do)")):
        arm_plans("careful", model="openai/x")
    (own,) = arm_plans("careful", model="overthink/simulated")
    assert own.settings == {"tau": 0.5, "how": "stop", "m": 3}
    (stated,) = arm_plans("careful:tau=0.1", model="overthink/simulated")
    assert stated.settings["tau"] == 0.1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nobody", "known: base (the plain ladder)"),
        ("careful:tua=1", "has no setting 'tua'; it has: how, m, tau"),
        ("careful:tau=2", "at least 0, at most 1"),
        ("careful:tau=nan", "a number"),
        ("careful:tau=high", "a number"),
        ("careful:m=1.5", "a whole number"),
        ("careful:m=true", "a whole number"),
        ("careful:how=wait", "stop or redirect"),
        ("wide+base", "two strategies"),
        ("quick+careful", "nothing that careful could steer"),
    ],
)
def test_decisions_that_are_not_possible_are_refused(known: None, text: str, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        arm_plans(text, model="overthink/simulated")


def test_a_plan_keeps_its_arms_and_wants_a_ladder_for_them(known: None) -> None:
    fields = {
        "overthink": "0",
        "model": "overthink/simulated",
        "tasks": tasks(capability=["overthink/arithmetic"], safety=[], benign=[], args={}),
        "draws": 1,
        "seed": 0,
    }
    arms = arm_plans("base,careful,quick", model="overthink/simulated")
    plan = checked_plan(budgets=(0, 8), arms=arms, **fields)
    assert type(plan).model_validate_json(plan.to_json()) == plan
    assert [open_arm(arm, plan).budgets for arm in arms] == [(0, 8), (0, 8), (0,)]
    assert checked_plan(budgets=(0, 8), **fields).arms == (BASE,)
    for wrong, said in (
        ({"efforts": ("low", "high"), "arms": arms}, "--arms belongs to a forced ladder"),
        ({"budgets": (0, 8), "arms": (BASE, BASE)}, "as=LABEL"),
        ({"budgets": (0, 8), "arms": arms[1:], "controls": ("sham",)}, "add base to --arms"),
    ):
        with pytest.raises(InputError, match=said):
            checked_plan(**fields | wrong)
    with pytest.raises(ValueError, match="at least one part"):
        ArmPlan(label="x", parts=())
