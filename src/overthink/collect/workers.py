"""Who works for each arm of a plan: the model under test, guards, verifiers and judges."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from overthink.arm_plan import ArmPlan
from overthink.collect.verify.verifiers import VERIFIERS, VerifierPlan, read_verifier
from overthink.collect.worker import Worker, Workers, asked
from overthink.core.verified import Verified
from overthink.errors import InputError
from overthink.plan import Plan

SIMULATED = Worker("overthink/simulated", "here")

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def workers_of(plan: Plan, judges: Iterable[str], *, free: bool) -> dict[str, Workers]:
    """By arm: who works for it, but for verifiers of answers that were there already.

    Args:
        plan: The plan.
        judges: The models that grade.
        free: Nobody sends a bill for the model under test.
    """
    model = asked(plan.model, plan.model_args)
    model = replace(model, place="here") if free else model
    graders = tuple(model if name == plan.model else asked(name) for name in dict.fromkeys(judges))
    return {
        arm.label: Workers(
            model=model,
            guards=_guards(arm, model),
            step_verifiers=_step_verifiers(arm, model),
            judges=graders,
        )
        for arm in plan.arms
    }


def verifiers_of(verified: Verified, model: Worker) -> tuple[Worker, ...]:
    """Who scored answers that were there already.

    Args:
        verified: Who scored, as it was typed.
        model: The model under test, which some verifiers ask.
    """
    try:
        return _behind(read_verifier(verified.verifier, model=model.name), model)
    except InputError:  # a setting that cannot be typed, such as a text with a comma
        return tuple(map(asked, verified.models))


def _guards(arm: ArmPlan, model: Worker) -> tuple[Worker, ...]:
    text = str(arm.settings.get("guard", ""))
    if text.partition(":")[0] in VERIFIERS:
        return _behind(read_verifier(text, model=model.name), model)
    return (asked(text),) if text else ()


def _step_verifiers(arm: ArmPlan, model: Worker) -> tuple[Worker, ...]:
    text = str(arm.settings.get("verifier", ""))
    if text.partition(":")[0] in VERIFIERS:
        return _behind(read_verifier(text, model=model.name), model)
    return ()  # the drafts of a revision vote by themselves


def _behind(verifier: VerifierPlan, model: Worker) -> tuple[Worker, ...]:
    """The models behind a verifier."""
    part = verifier.part
    if part.name == "simulated":
        return (SIMULATED,)
    if part.asks_model:
        return (model,)
    where, names = part.where(verifier.settings), part.models(verifier.settings)
    if where is None:
        return tuple(map(asked, names))
    place: Literal["here", "server"] = "here" if urlsplit(where).hostname in _LOOPBACK else "server"
    return tuple(Worker(name, place, _folder(name) if part.name == "classifier" else None) for name in names)


def _folder(name: str) -> Path | None:
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else None
