"""The verifiers that there are, and how one is named: `NAME:key=value,key=value`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from overthink.arm_plan import Value, read_arms
from overthink.collect.opening import open_model
from overthink.collect.part import Setting, Settings, decided
from overthink.collect.verify.classifier import ClassifierVerifier
from overthink.collect.verify.endpoint import EndpointVerifier, Kind
from overthink.collect.verify.judge import JudgeVerifier
from overthink.collect.verify.own_probability import OwnProbability, Per
from overthink.collect.verify.part import VerifierPart, Work
from overthink.collect.verify.rollouts import Against, RolloutVerifier
from overthink.collect.verify.simulated_verifier import SimulatedVerifier
from overthink.collect.verify.verifier import Aggregate, Verifier
from overthink.errors import InputError

AGGREGATE = Setting(
    str, "how the scores of steps become one: last, min, prod or mean", choices=("last", "min", "prod", "mean")
)


def _endpoint(settings: Settings) -> Verifier:
    separator = str(settings["separator"]).replace("\\n", "\n")
    return EndpointVerifier(
        url=str(settings["url"]),
        model=str(settings["model"]),
        kind=cast("Kind", settings["kind"]),
        separator="" if separator == "none" else separator,
        column=int(settings["column"]),
        sigmoid=bool(settings["sigmoid"]),
    )


def _endpoint_work(settings: Settings, steps: int, answer_tokens: int) -> Work:
    return Work(1 if settings["separator"] != "none" or settings["kind"] == "score" else steps, 0)


def _rollouts(settings: Settings) -> Verifier:
    against = cast("Against", settings["against"])
    return RolloutVerifier(int(settings["n"]), int(settings["tokens"]), against)


def _rollouts_work(settings: Settings, steps: int, answer_tokens: int) -> Work:
    n, tokens = int(settings["n"]), int(settings["tokens"])
    return Work(steps * n * (2 if tokens else 1), steps * n * (tokens + answer_tokens))


_SIGMOID = Setting(bool, "the model gives logits: turn them into probabilities", default=False)

VERIFIERS: Mapping[str, VerifierPart] = {
    part.name: part
    for part in (
        VerifierPart(
            "simulated",
            "reads the marks of quality that overthink/simulated writes",
            lambda settings: SimulatedVerifier(float(settings["error"])),
            lambda settings, steps, answer_tokens: Work(1, 0),
            settings={"error": Setting(float, "share of steps that it takes for the opposite", least=0, most=1)},
            simulated={"error": 0.0},
        ),
        VerifierPart(
            "rollouts",
            "Monte Carlo rollouts of the model under test from every step (Math-Shepherd); no other model",
            _rollouts,
            _rollouts_work,
            settings={
                "n": Setting(int, "rollouts from each step", least=2, most=1024),
                "tokens": Setting(int, "thinking tokens of a rollout before its answer is forced", least=0),
                "against": Setting(
                    str,
                    "what a rollout's answer has to agree with: the rollouts' consensus, or, as an oracle, the target",
                    choices=("consensus", "target"),
                ),
            },
            simulated={"n": 4, "tokens": 12, "against": "consensus"},
            asks_model=True,
            is_oracle=lambda settings: settings["against"] == "target",
        ),
        VerifierPart(
            "own-probability",
            "the probability that the model under test gives to its own answer and steps",
            lambda settings: OwnProbability(cast("Per", settings["per"])),
            lambda settings, steps, answer_tokens: Work(steps, steps),
            settings={
                "per": Setting(
                    str, "probability of the whole text, or its geometric mean per token", choices=("answer", "token")
                )
            },
            simulated={"per": "answer"},
            asks_model=True,
        ),
        VerifierPart(
            "endpoint",
            "a process reward model or reward model behind vLLM's /pooling, /classify or /score",
            _endpoint,
            _endpoint_work,
            settings={
                "url": Setting(str, "address of the server"),
                "model": Setting(str, "name of the model there"),
                "kind": Setting(str, "which endpoint", choices=("pooling", "classify", "score")),
                "separator": Setting(
                    str, "text behind each step for which the model gives a score, such as <extra_0>; or none"
                ),
                "column": Setting(
                    int, "which number of a row is that of the good class; -1 is the last", default=-1, least=-1
                ),
                "sigmoid": _SIGMOID,
            },
            models=lambda settings: (str(settings["model"]),),
            where=lambda settings: str(settings["url"]),
        ),
        VerifierPart(
            "classifier",
            "a Hugging Face sequence classifier on this machine",
            lambda settings: ClassifierVerifier(
                model=str(settings["model"]),
                label=str(settings["label"]),
                sigmoid=bool(settings["sigmoid"]),
                cut_front=settings["cut"] == "front",
            ),
            lambda settings, steps, answer_tokens: Work(steps, 0),
            settings={
                "model": Setting(str, "its folder, with safetensors weights"),
                "label": Setting(str, "the label that means sound, by name or number"),
                "sigmoid": _SIGMOID,
                "cut": Setting(
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
        VerifierPart(
            "judge",
            "a language model that is asked how sound each step is",
            lambda settings: JudgeVerifier(
                open_model(str(settings["model"]), {}, role="verifier"), int(settings["tokens"])
            ),
            lambda settings, steps, answer_tokens: Work(1, int(settings["tokens"])),
            settings={
                "model": Setting(str, "the judge, as Inspect calls it"),
                "tokens": Setting(int, "the most tokens that its reply may take", least=8),
            },
            models=lambda settings: (str(settings["model"]),),
        ),
    )
}
"""Everything that `--verifier` knows, by name."""


@dataclass(frozen=True)
class VerifierPlan:
    """A verifier with every decision.

    Attributes:
        part: Which verifier.
        settings: Its decisions.
        aggregate: How the scores of steps become one; None where nobody said.
    """

    part: VerifierPart
    settings: Settings
    aggregate: Aggregate | None

    @property
    def label(self) -> str:
        """Name and decisions, as they would be typed."""
        settings = ",".join(f"{name}={_typed(value)}" for name, value in self.settings.items())
        return self.part.name + (f":{settings}" if settings else "")

    @property
    def is_oracle(self) -> bool:
        """Whether it knows the targets."""
        return self.part.is_oracle(self.settings)

    def open(self) -> Verifier:
        """The verifier, ready.

        Raises:
            InputError: Something it needs is not there.
        """
        return self.part.make(self.settings)


def read_verifier(text: str, *, model: str) -> VerifierPlan:
    """Read a verifier as the command line or an arm names it. Inside an arm, where commas part arms, semicolons do.

    Args:
        text: `NAME:key=value,key=value`; the setting `aggregate` is known to all.
        model: The model under test; the simulated one brings decisions.

    Raises:
        InputError: The verifier or a setting is unknown, a decision is missing, or a value is not possible.

    Example:
        >>> read_verifier("rollouts:n=2;tokens=8;against=consensus", model="mockllm/model").settings["n"]
        2
    """
    try:
        named = read_arms(text.replace(";", ","))
    except InputError as fault:
        raise InputError(str(fault).replace("--arms", "--verifier")) from fault
    if len(named) != 1 or len(named[0].parts) != 1:
        raise InputError(f"--verifier {text} names {len(named)} verifiers; needed: one, as NAME:key=value,key=value")
    name, given = named[0].parts[0], dict(named[0].settings)
    if name not in VERIFIERS:
        known = "; ".join(f"{part.name} ({part.means})" for part in VERIFIERS.values())
        raise InputError(f"--verifier knows no {name!r}; known: {known}")
    part = VERIFIERS[name]
    if name == "simulated" and model != "overthink/simulated":
        raise InputError(f"--verifier simulated reads what overthink/simulated writes, and {model} is another model")
    aggregate = given.pop("aggregate", None)
    if aggregate is not None:
        aggregate = AGGREGATE.checked("aggregate", aggregate, name, option="--verifier")
    settings = _complete(part, given, simulated=model == "overthink/simulated")
    return VerifierPlan(part, settings, cast("Aggregate | None", aggregate))


def open_verifier(text: str, *, model: str) -> Verifier:
    """The verifier that an arm names, ready. What it raises is what :func:`read_verifier` raises."""
    return read_verifier(text, model=model).open()


def _complete(part: VerifierPart, given: Mapping[str, Value], *, simulated: bool) -> dict[str, Value]:
    strange = sorted(given.keys() - part.settings.keys())
    if strange:
        known = ", ".join((*part.settings, "aggregate"))
        raise InputError(f"--verifier {part.name} has no setting {strange[0]!r}; it has: {known}")
    brought = part.simulated if simulated else {}
    complete, missing = decided(part.settings, given, simulated=brought, part=part.name, option="--verifier")
    if missing:
        raise InputError(f"--verifier {part.name} needs decisions that nobody can make for you: {'; '.join(missing)}")
    return complete


def _typed(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
