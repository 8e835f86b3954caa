"""Registry of verifiers, and the parser of `NAME:key=value,key=value`.

Components of verifiers: their options, construction and cost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from overthink.collect.arms.component import Option, Settings, resolve_options
from overthink.collect.arms.verifiers.base import Aggregate, Verifier
from overthink.collect.arms.verifiers.classifier import ClassifierVerifier
from overthink.collect.arms.verifiers.endpoint import EndpointKind, EndpointVerifier
from overthink.collect.arms.verifiers.judge import JudgeVerifier
from overthink.collect.arms.verifiers.own_probability import OwnProbability, Per
from overthink.collect.arms.verifiers.rollouts import Against, RolloutVerifier
from overthink.collect.arms.verifiers.simulated import SimulatedVerifier
from overthink.collect.session.open import open_model
from overthink.errors import InputError
from overthink.plan.arms import SettingValue, read_arms


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


AGGREGATE = Option(
    str, "how the scores of steps become one: last, min, prod or mean", choices=("last", "min", "prod", "mean")
)


def _endpoint(settings: Settings) -> Verifier:
    separator = str(settings["separator"]).replace("\\n", "\n")
    return EndpointVerifier(
        url=str(settings["url"]),
        model=str(settings["model"]),
        kind=cast("EndpointKind", settings["kind"]),
        separator="" if separator == "none" else separator,
        column=int(settings["column"]),
        sigmoid=bool(settings["sigmoid"]),
    )


def _endpoint_work(settings: Settings, steps: int, answer_tokens: int) -> ScoringWork:
    return ScoringWork(1 if settings["separator"] != "none" or settings["kind"] == "score" else steps, 0)


def _rollouts(settings: Settings) -> Verifier:
    against = cast("Against", settings["against"])
    return RolloutVerifier(int(settings["n"]), int(settings["tokens"]), against)


def _rollouts_work(settings: Settings, steps: int, answer_tokens: int) -> ScoringWork:
    n, tokens = int(settings["n"]), int(settings["tokens"])
    return ScoringWork(steps * n * (2 if tokens else 1), steps * n * (tokens + answer_tokens))


_SIGMOID = Option(bool, "the model gives logits: turn them into probabilities", default=False)

VERIFIERS: Mapping[str, VerifierComponent] = {
    part.name: part
    for part in (
        VerifierComponent(
            "simulated",
            "reads the marks of quality that overthink/simulated writes",
            lambda settings: SimulatedVerifier(float(settings["error"])),
            lambda settings, steps, answer_tokens: ScoringWork(1, 0),
            settings={"error": Option(float, "share of steps that it takes for the opposite", least=0, most=1)},
            simulated_defaults={"error": 0.0},
        ),
        VerifierComponent(
            "rollouts",
            "Monte Carlo rollouts of the model under test from every step (Math-Shepherd); no other model",
            _rollouts,
            _rollouts_work,
            settings={
                "n": Option(int, "rollouts from each step", least=2, most=1024),
                "tokens": Option(int, "thinking tokens of a rollout before its answer is forced", least=0),
                "against": Option(
                    str,
                    "what a rollout's answer has to agree with: the rollouts' consensus, or, as an oracle, the target",
                    choices=("consensus", "target"),
                ),
            },
            simulated_defaults={"n": 4, "tokens": 12, "against": "consensus"},
            asks_model=True,
            is_oracle=lambda settings: settings["against"] == "target",
        ),
        VerifierComponent(
            "own-probability",
            "the probability that the model under test gives to its own answer and steps",
            lambda settings: OwnProbability(cast("Per", settings["per"])),
            lambda settings, steps, answer_tokens: ScoringWork(steps, steps),
            settings={
                "per": Option(
                    str, "probability of the whole text, or its geometric mean per token", choices=("answer", "token")
                )
            },
            simulated_defaults={"per": "answer"},
            asks_model=True,
        ),
        VerifierComponent(
            "endpoint",
            "a process reward model or reward model behind vLLM's /pooling, /classify or /score",
            _endpoint,
            _endpoint_work,
            settings={
                "url": Option(str, "address of the server"),
                "model": Option(str, "name of the model there"),
                "kind": Option(str, "which endpoint", choices=("pooling", "classify", "score")),
                "separator": Option(
                    str, "text behind each step for which the model gives a score, such as <extra_0>; or none"
                ),
                "column": Option(
                    int, "which number of a row is that of the good class; -1 is the last", default=-1, least=-1
                ),
                "sigmoid": _SIGMOID,
            },
            models=lambda settings: (str(settings["model"]),),
            where=lambda settings: str(settings["url"]),
        ),
        VerifierComponent(
            "classifier",
            "a Hugging Face sequence classifier on this machine",
            lambda settings: ClassifierVerifier(
                model=str(settings["model"]),
                label=str(settings["label"]),
                sigmoid=bool(settings["sigmoid"]),
                cut_front=settings["cut"] == "front",
            ),
            lambda settings, steps, answer_tokens: ScoringWork(steps, 0),
            settings={
                "model": Option(str, "its folder, with safetensors weights"),
                "label": Option(str, "the label that means sound, by name or number"),
                "sigmoid": _SIGMOID,
                "cut": Option(
                    str,
                    "what is left out of a text that is longer than the model reads: none, so that it gets no score, "
                    "or its front",
                    default="none",
                    choices=("none", "front"),
                ),
            },
            where=lambda settings: "http://localhost",
            models=lambda settings: (str(settings["model"]),),
        ),
        VerifierComponent(
            "judge",
            "a language model that is asked how sound each step is",
            lambda settings: JudgeVerifier(
                open_model(str(settings["model"]), {}, role="verifier"), int(settings["tokens"])
            ),
            lambda settings, steps, answer_tokens: ScoringWork(1, int(settings["tokens"])),
            settings={
                "model": Option(str, "the judge, as Inspect calls it"),
                "tokens": Option(int, "the most tokens that its reply may take", least=8),
            },
            models=lambda settings: (str(settings["model"]),),
        ),
    )
}
"""All verifiers by name."""


@dataclass(frozen=True)
class VerifierPlan:
    """A verifier with all settings.

    Attributes:
        part: The verifier's component.
        settings: Its settings.
        aggregate: Aggregation of step scores; None if not stated.
    """

    part: VerifierComponent
    settings: Settings
    aggregate: Aggregate | None

    @property
    def label(self) -> str:
        """Specification as on the command line."""
        settings = ",".join(f"{name}={_setting_text(value)}" for name, value in self.settings.items())
        return self.part.name + (f":{settings}" if settings else "")

    @property
    def is_oracle(self) -> bool:
        """Whether it uses the targets."""
        return self.part.is_oracle(self.settings)

    def open(self) -> Verifier:
        """Return the opened verifier.

        Raises:
            InputError: A requirement is missing.
        """
        return self.part.make(self.settings)


def read_verifier(text: str, *, model: str) -> VerifierPlan:
    """Parse a verifier of the command line or of an arm. Inside an arm, semicolons replace the commas.

    Args:
        text: `NAME:key=value,key=value`; all verifiers have the setting `aggregate`.
        model: The model under test; the simulated one has defaults.

    Raises:
        InputError: The verifier or a setting is unknown, an option is missing, or a value is invalid.

    Example:
        >>> read_verifier("rollouts:n=2;tokens=8;against=consensus", model="mockllm/model").settings["n"]
        2
    """
    try:
        arms = read_arms(text.replace(";", ","))
    except InputError as fault:
        raise InputError(str(fault).replace("--arms", "--verifier")) from fault
    if len(arms) != 1 or len(arms[0].parts) != 1:
        raise InputError(f"--verifier {text} names {len(arms)} verifiers; needed: one, as NAME:key=value,key=value")
    name, values = arms[0].parts[0], dict(arms[0].settings)
    if name not in VERIFIERS:
        names = "; ".join(f"{part.name} ({part.description})" for part in VERIFIERS.values())
        raise InputError(f"--verifier knows no {name!r}; known: {names}")
    part = VERIFIERS[name]
    if name == "simulated" and model != "overthink/simulated":
        raise InputError(f"--verifier simulated reads what overthink/simulated writes, and {model} is another model")
    aggregate = values.pop("aggregate", None)
    if aggregate is not None:
        aggregate = AGGREGATE.validate("aggregate", aggregate, name, option="--verifier")
    settings = _complete(part, values, is_simulated=model == "overthink/simulated")
    return VerifierPlan(part, settings, cast("Aggregate | None", aggregate))


def open_verifier(text: str, *, model: str) -> Verifier:
    """Return the opened verifier of an arm. Raises the errors of :func:`read_verifier`."""
    return read_verifier(text, model=model).open()


def _complete(
    part: VerifierComponent, values: Mapping[str, SettingValue], *, is_simulated: bool
) -> dict[str, SettingValue]:
    strange = sorted(values.keys() - part.settings.keys())
    if strange:
        names = ", ".join((*part.settings, "aggregate"))
        raise InputError(f"--verifier {part.name} has no setting {strange[0]!r}; it has: {names}")
    simulated_defaults = part.simulated_defaults if is_simulated else {}
    complete, missing = resolve_options(
        part.settings, values, simulated_defaults=simulated_defaults, component=part.name, option="--verifier"
    )
    if missing:
        raise InputError(f"--verifier {part.name} needs decisions that nobody can make for you: {'; '.join(missing)}")
    return complete


def _setting_text(value: SettingValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
