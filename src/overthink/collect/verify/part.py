"""What a verifier needs to be made: its decisions, and what asking it will take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from overthink.collect.part import Setting, Settings
from overthink.collect.verify.verifier import Verifier


@dataclass(frozen=True, slots=True)
class Work:
    """What scoring one answer takes, at most.

    Attributes:
        calls: Requests.
        decoded: Tokens decoded.
    """

    calls: int
    decoded: int


@dataclass(frozen=True)
class VerifierPart:
    """A verifier that `--verifier` and the arms of a search may name.

    Attributes:
        name: What they call it.
        means: What it does, in a line.
        make: Makes it from its settings; refuses, with an InputError, what cannot be done.
        work: What it takes to score so many steps, with so many tokens for an answer.
        settings: Its decisions.
        simulated: Decisions that ``overthink/simulated`` brings.
        asks_model: It asks the model under test.
        models: The models that it asks beside that one.
        where: Address of its server; None where Inspect or this process knows it.
        is_oracle: It knows the targets.
    """

    name: str
    means: str
    make: Callable[[Settings], Verifier]
    work: Callable[[Settings, int, int], Work]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    simulated: Settings = field(default_factory=dict)
    asks_model: bool = False
    models: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    where: Callable[[Settings], str | None] = lambda _: None
    is_oracle: Callable[[Settings], bool] = lambda _: False
