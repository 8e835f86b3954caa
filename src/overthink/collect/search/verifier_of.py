"""The verifier that a search names, and what a search cannot use."""

from urllib.parse import urlsplit

from overthink.collect.part import Setting, Settings
from overthink.collect.verify.verifier import Verifier
from overthink.collect.verify.verifiers import read_verifier
from overthink.errors import InputError
from overthink.plan import Plan

VERIFIER = Setting(str, "who scores the steps: NAME, or NAME:key=value;key=value, as for overthink verify")


def verifier_of(settings: Settings, plan: Plan) -> Verifier:
    """Open the verifier that the settings name.

    Raises:
        InputError: There is none of that name, a decision is missing, or it knows the targets.
    """
    named = str(settings["verifier"])
    read = read_verifier(named, model=plan.model)
    if read.is_oracle:
        raise InputError(
            f"verifier={named} knows the targets, and a search that it guides would be no strategy that anybody can "
            "use; needed: against=consensus. What an oracle would select is told by overthink verify"
        )
    if read.aggregate is not None:
        raise InputError(f"verifier={named}: aggregate is a setting of the arm; write it behind a comma of its own")
    return read.open()


def models_of(settings: Settings) -> tuple[str, ...]:
    """The models that the verifier asks beside the one under test, but for those on this machine."""
    # Only verifiers that ask no model take decisions from the simulated one, so that naming it here changes no name.
    read = read_verifier(str(settings["verifier"]), model="overthink/simulated")
    where = read.part.where(read.settings)
    here = where is not None and urlsplit(where).hostname in ("localhost", "127.0.0.1", "::1")
    return () if here else read.part.models(read.settings)
