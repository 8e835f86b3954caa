"""Components of verifiers: their options, construction and cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from overthink.collect.arms.component import Option, Settings
from overthink.collect.arms.verifiers.base import Verifier


@dataclass(frozen=True, slots=True)
class ScoringWork:
    """Maximum cost of scoring one answer.

    Attributes:
        calls: Number of requests.
        decoded_tokens: Number of decoded tokens.
    """

    calls: int
    decoded_tokens: int


@dataclass(frozen=True)
class VerifierComponent:
    """A verifier of `--verifier` and of search arms.

    Attributes:
        name: Its name.
        description: What it does, in a line.
        make: Builds it from its settings; raises an InputError if that is impossible.
        work: Cost of scoring, from settings, number of steps, and token limit of an answer.
        settings: Its options by name.
        simulated_defaults: Defaults with ``overthink/simulated``.
        asks_model: It calls the model under test.
        models: Models that it calls besides that one.
        where: Address of its server; None for models of Inspect or of this process.
        is_oracle: It uses the targets.
    """

    name: str
    description: str
    make: Callable[[Settings], Verifier]
    work: Callable[[Settings, int, int], ScoringWork]
    settings: Mapping[str, Option] = field(default_factory=dict)
    simulated_defaults: Settings = field(default_factory=dict)
    asks_model: bool = False
    models: Callable[[Settings], tuple[str, ...]] = lambda _: ()
    where: Callable[[Settings], str | None] = lambda _: None
    is_oracle: Callable[[Settings], bool] = lambda _: False
