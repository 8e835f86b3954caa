"""Verifier of a search, without oracles."""

from urllib.parse import urlsplit

from overthink.collect.arms.component import Option, Settings
from overthink.collect.arms.verifiers.base import Verifier
from overthink.collect.arms.verifiers.registry import read_verifier
from overthink.errors import InputError
from overthink.plan.study import Plan

VERIFIER = Option(str, "who scores the steps: NAME, or NAME:key=value;key=value, as for overthink verify")


def open_search_verifier(settings: Settings, plan: Plan) -> Verifier:
    """Open the verifier of the settings.

    Raises:
        InputError: The verifier is unknown, an option is missing, or it is an oracle.
    """
    text = str(settings["verifier"])
    verifier_plan = read_verifier(text, model=plan.model)
    if verifier_plan.is_oracle:
        raise InputError(
            f"verifier={text} knows the targets, and a search that it guides would be no strategy that anybody can "
            "use; needed: against=consensus. What an oracle would select is told by overthink verify"
        )
    if verifier_plan.aggregate is not None:
        raise InputError(f"verifier={text}: aggregate is a setting of the arm; write it behind a comma of its own")
    return verifier_plan.open()


def verifier_model_names(settings: Settings) -> tuple[str, ...]:
    """Return the models that the verifier calls besides the model under test, without those on this machine."""
    # Only verifiers without models have simulated defaults, so the simulated model here changes no model name.
    read = read_verifier(str(settings["verifier"]), model="overthink/simulated")
    where = read.part.where(read.settings)
    here = where is not None and urlsplit(where).hostname in ("localhost", "127.0.0.1", "::1")
    return () if here else read.part.models(read.settings)
