"""The endpoints of a run: each is opened and checked before anything is paid, and they must serve one model."""

from collections.abc import Iterator, Sequence

from inspect_ai.model import Model

from overthink.collect.inspect_internals import run_coroutine
from overthink.collect.providers.attempts import CallError
from overthink.collect.providers.chat_prefill import CHAT_SERVERS
from overthink.collect.providers.servers.address import name_by_option
from overthink.collect.providers.servers.description import running_description
from overthink.collect.providers.servers.identity import ServerIdentity, server_identity
from overthink.collect.providers.servers.replicas import Replica, Replicas
from overthink.collect.session.open import open_model
from overthink.collect.session.server_check import check_server
from overthink.data.endpoints import model_difference
from overthink.errors import InputError
from overthink.plan.distribution import read_endpoints
from overthink.plan.study import Plan


def open_replicas(plan: Plan, endpoints: Sequence[str]) -> Replicas:
    """Return the servers of a run, opened and checked.

    Args:
        plan: The plan.
        endpoints: Their addresses; at least one.

    Raises:
        InputError: The plan's model has no server of that kind, or a server cannot be used; every one is named.
    """
    urls = read_endpoints(endpoints)
    _refuse_plan(plan)
    models = [open_model(plan.model, dict(plan.model_args) | {"base_url": url}) for url in urls]
    faults, replicas = list[str](), list[Replica]()
    for url, model in zip(urls, models, strict=True):
        name_by_option(model)
        try:
            replicas.append(Replica(url, model, _identity(model, url)))
        except InputError as fault:
            faults.extend(fault.lines)
    faults.extend(_differences(replicas))
    if faults:
        raise InputError(*faults)
    return Replicas(replicas)


def _refuse_plan(plan: Plan) -> None:
    """Refuse a plan that has nothing to do with endpoints.

    Raises:
        InputError: Its model is not served by a server of one's own, states its address, or is not on a ladder.
    """
    provider = plan.model.partition("/")[0]
    if not (provider.endswith("-completions") or provider in CHAT_SERVERS):
        raise InputError(
            f"--endpoint is the address of a server of your own, and {plan.model} is not asked there; needed: "
            "vllm-completions/NAME, openai-api-completions/SERVICE/NAME, vllm/NAME or sglang/NAME, or no --endpoint"
        )
    if "base_url" in plan.model_args or "port" in plan.model_args:
        name = "base_url" if "base_url" in plan.model_args else "port"
        raise InputError(f"--endpoint and -M {name} state an address each; leave -M {name} out")
    if plan.budgets is None:
        raise InputError(
            "--endpoint needs a ladder of --budgets, whose prefixes it brings to one server each; for reasoning levels "
            "and loops of tool calls name one address, in the provider's …_BASE_URL"
        )


def _identity(model: Model, url: str) -> ServerIdentity:
    """Return the identity of a server, which is checked.

    Raises:
        InputError: It cannot be used, or does not answer now.
    """
    no_answer = (
        f"--endpoint {url} does not answer now ({{}}). Every endpoint is checked before the first call; start it, wait "
        "until its model is loaded, or leave it out."
    )
    try:
        check_server(model)
        if running_description(model) is None:
            raise InputError(no_answer.format("busy, or out of time"))
        return run_coroutine(server_identity(model))
    except CallError as error:
        raise InputError(no_answer.format(error)) from error


def _differences(replicas: Sequence[Replica]) -> Iterator[str]:
    """Yield one message for every server that differs from the first one."""
    for replica in replicas[1:]:
        first, own = replicas[0].identity, replica.identity
        if (difference := model_difference(first.model, own.model)) is not None:
            yield (
                f"--endpoint {replica.url} serves another model than {replicas[0].url}: {difference}. Name servers of "
                "one model, each with the same weights, template and software."
            )
        elif first.version != own.version:
            yield (
                f"--endpoint {replica.url} runs another version than {replicas[0].url}: "
                f"{first.version or 'not stated'} there, and {own.version or 'not stated'} here. Versions may count, "
                "sample and cache differently: start all servers with one."
            )
